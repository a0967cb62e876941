"""Training that was killed goes on to the same end, and never from a state of something else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import training_toys as toys

from course_utils import training

CASES = [(f, p) for f in toys.RUNS for p in toys.POLICIES]


class Killed(Exception):
    pass


def killed():
    raise Killed


@pytest.fixture(scope="module")
def whole():
    """{(framework, precision): what an uninterrupted run gives}, each run once."""
    found = {}

    def of(framework, precision):
        if (framework, precision) not in found:
            found[framework, precision] = toys.RUNS[framework](precision)
        return found[framework, precision]

    return of


@pytest.mark.parametrize(("framework", "precision"), CASES)
def test_interrupted_and_continued_is_one_run_bit_for_bit(framework, precision, tmp_path, whole):
    run = toys.RUNS[framework]
    with pytest.raises(Killed):
        run(precision, tmp_path, 2 * toys.STEPS + 2, killed)  # in the third epoch
    assert len(list(tmp_path.iterdir())) == 1, "only the newest state is kept"
    np.random.random(7)  # whatever else the process did meanwhile
    assert run(precision, tmp_path) == whole(framework, precision)


@pytest.mark.stress
@pytest.mark.parametrize(("framework", "precision"), CASES)
def test_kill_9_at_random_steps(framework, precision, tmp_path):
    """Processes that are killed at random steps, then one that ends: bit for bit the same."""
    program = [sys.executable, str(Path(toys.__file__)), framework, precision]

    def end(folder, step):
        call = subprocess.run([*program, str(folder), str(step)], capture_output=True, text=True)
        assert call.returncode == (-9 if step > 0 else 0), call.stderr[-2000:]
        return call.stdout

    whole = end(tmp_path / "whole", -1)
    rng = np.random.default_rng(abs(hash((framework, precision))) % 2**32)
    for step in rng.integers(1, toys.STEPS + 1, 2):
        end(tmp_path / "killed", int(step))
    end(tmp_path / "killed", int(rng.integers(toys.STEPS + 1, 2 * toys.STEPS + 1)))
    assert end(tmp_path / "killed", -1) == whole != ""


def test_the_optimizers_state_matters(whole, tmp_path):
    """The test above would see a state without it: training goes another way."""
    with pytest.raises(Killed):
        toys.torch_run("float32", tmp_path, 2 * toys.STEPS + 1, killed, forget=("adam",))
    assert toys.torch_run("float32", tmp_path, forget=("adam",)) != whole("torch", "float32")


def test_a_finished_run_is_only_read(tmp_path, whole):
    first = toys.keras_run("float32", tmp_path)
    assert toys.keras_run("float32", tmp_path, 1, killed) == first


# A state of something else is refused.


def other_loss(model):
    model.compile(model.optimizer, "mae")


def other_optimizer(model):
    import keras

    model.compile(keras.optimizers.Adam(), "mse")


KERAS = {
    "loss": ({}, other_loss),
    "optimizer": ({}, other_optimizer),
    "data": ({"data": lambda n: toys.batches.keras_dataset(toys.PICTURES[::-1], 4, 1, n)}, None),
    "rates": ({"rate": lambda n: 0.02}, None),
    "epochs": ({"epochs": 2}, None),
}


@pytest.mark.parametrize("what", [*KERAS, "model"])
def test_keras_refuses_a_state_of_another_training(what, tmp_path):
    given = {"data": toys.data, "epochs": 3, "rate": toys.rate, "folder": tmp_path}
    training.fit_keras(toys.keras_model(), **given)
    changes, prepare = KERAS.get(what, ({}, None))
    model = toys.keras_model() if what != "model" else larger()
    if prepare:
        prepare(model)
    with pytest.raises(ValueError, match=f"epoch_003.npz in .* with another {what}: start from"):
        training.fit_keras(model, **given | changes)


def larger():
    import keras

    x = inputs = keras.Input((None, None, 1))
    for filters in (3, 2):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
    model = keras.Model(inputs, x)
    model.compile(keras.optimizers.RMSprop(), "mse")
    return model


def test_torch_refuses_a_state_of_another_training(tmp_path):
    import torch

    about = {"loss": "mse", "data": "abc", "rates": [0.1, 0.2]}
    module = torch.nn.Conv2d(1, 3, 3)
    training.keep_torch(tmp_path, [{"loss": 1.0}], about, module=module)
    assert training.restore_torch(tmp_path, about, module=module) == [{"loss": 1.0}]
    for key, value in (("loss", "l1"), ("data", "abd"), ("rates", [0.1, 0.3]), ("seed", 2)):
        with pytest.raises(ValueError, match=f"with another {key}"):
            training.restore_torch(tmp_path, about | {key: value}, module=module)
    for parts in ({"module": torch.nn.Conv2d(1, 5, 3)}, {"another": module}):
        with pytest.raises(ValueError, match="with another model"):
            training.restore_torch(tmp_path, about, **parts)


@pytest.mark.parametrize("content", [b"", b"half of a file"])
def test_a_damaged_state_is_a_sentence(content, tmp_path):
    (tmp_path / "epoch_001.npz").write_bytes(content)
    with pytest.raises(ValueError, match="epoch_001.npz in .* cannot be read; delete it"):
        training.fit_keras(toys.keras_model(), toys.data, 2, toys.rate, tmp_path)
    (tmp_path / "epoch_001.pt").write_bytes(content)
    with pytest.raises(ValueError, match="epoch_001.pt in .* cannot be read; delete it"):
        training.restore_torch(tmp_path, {})


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training.keep_torch(None, [], {})
    assert training.restore_torch(None, {}) == [] and not list(tmp_path.iterdir())


def test_fingerprints_see_values_shapes_and_types():
    x = np.arange(6.0)
    others = [x + 1e-9, x.reshape(2, 3), x.astype(np.float32), x[::-1]]
    prints = [training.fingerprint(y) for y in (x, *others)]
    assert len(set(prints)) == len(prints) and training.fingerprint(x.copy()) == prints[0]
