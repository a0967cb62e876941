"""Two processes that train together learn what one does."""

import os
import subprocess
import sys

import pytest
import torch

from experiments import parallel

SCRIPT = """
import sys
import numpy as np
import torch
from experiments import learning, parallel, trainings

parallel.join()
rgb = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), np.uint8)
pictures = learning.on_device(rgb, "cpu")
options = {"steps": 2, "batch": 8, "seed": 1, "about": {}, "sides": (64,), "rows": 2}
options["measure"] = lambda: {"same": 0.0}
trainings.half = lambda net: net  # in float32: equal to five digits can only be what has them
for system in ("S2", "S3"):
    net = trainings.network(*((313, 4) if system == "S2" else (2, 2)), "random", 1)
    net.encoder.requires_grad_(False)  # as in both trainings
    parts = {"network": net}
    if system == "S2":
        parts["optimizer"] = optimizer = torch.optim.SGD(net.parameters(), 0.01)
        step = learning.least(trainings.frozen(net), optimizer, trainings.soft_cross_entropy())
        optimizers = [optimizer]
    else:
        torch.manual_seed(1)
        parts["D"] = D = trainings.discriminator()
        optimizers = [torch.optim.SGD(x.parameters(), 0.001) for x in (net, D)]
        parts |= {"of_net": optimizers[0], "of_D": optimizers[1]}
        torch.autocast = lambda *_: torch.enable_grad()
        step = trainings.play(net, D, *optimizers, 30.0)
    torch.save(net.state_dict(prefix="network"), f"{sys.argv[1]}/{system}_start.pt")
    rows = learning.train(step, optimizers, pictures, parts=parts, **options)
    if parallel.first():
        state = {k: v for part in ("network", "D") if part in parts
                 for k, v in parts[part].state_dict(prefix=part).items()}
        torch.save([state, rows], f"{sys.argv[1]}/{system}.pt")
parallel.leave()
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """{number of processes: folder} with what each training ended with."""
    place = tmp_path_factory.mktemp("parallel")
    script = place / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    here = str(parallel.__file__).rsplit("experiments", 1)[0]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": here}
    found = {}
    for count in (1, 2):
        found[count] = place / str(count)
        found[count].mkdir()
        run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        command = [sys.executable, *(run if count > 1 else []), str(script), str(found[count])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr[-2000:]
    return found


@pytest.mark.stress
@pytest.mark.parametrize("system", ["S2", "S3"])
def test_two_processes_learn_what_one_does(both, system):
    one, two = (torch.load(both[count] / f"{system}.pt") for count in (1, 2))
    first = torch.load(both[1] / f"{system}_start.pt")
    moved = [(one[0][k].float() - v.float()).abs().max() for k, v in first.items()]
    assert max(moved) > 1e-3  # a hundred times what they may differ by
    for name, value in one[0].items():
        assert torch.allclose(value.float(), two[0][name].float(), atol=1e-5, rtol=1e-5), name
    for row, other in zip(one[1], two[1], strict=True):
        for key, value in row.items():
            assert other[key] == pytest.approx(value, rel=1e-4), key


def test_alone_nothing_is_shared():
    x = torch.arange(6.0)
    assert torch.equal(parallel.part(x), x) and torch.equal(parallel.mean(x), x)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1))
    parallel.share(net)
    assert type(net[1]) is torch.nn.BatchNorm2d and parallel.first()


def test_a_batch_that_cannot_be_shared_evenly_is_refused(monkeypatch):
    monkeypatch.setattr(parallel, "world", lambda: 4)
    with pytest.raises(ValueError, match="6 pictures cannot be shared evenly by 4"):
        parallel.part(torch.zeros(6, 1))
