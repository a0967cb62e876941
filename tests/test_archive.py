"""An archive colorized by Dask's workers: each photograph once, whatever is killed or broken."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from PIL import Image

from course_utils import paintbox
from course_utils.colorizer import batch, label
from deploy.batch import archive
from deploy.batch.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
MODEL = "04_pretrained_fusion"


def fill(folder, count, first=0):
    """Drawn photographs of 32 pixels in two folders."""
    for i, rgb in enumerate(paintbox.sample(count, 32, first).rgb):
        path = folder / f"box {i % 2}" / f"{first + i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(255 * rgb).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as c,
        Client(c) as client,
    ):
        yield client


def lines(output):
    return (output / archive.LEDGER).read_text(encoding="utf-8").splitlines()


def test_every_photograph_gets_a_result_and_a_line(client, tmp_path):
    source, output = tmp_path / "archive", tmp_path / "out"
    fill(source, 7)
    (source / "box 0" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (source / ".hidden.png").write_bytes(b"")
    ledger = archive.run(client, source, output, MODEL)
    assert ledger.counts() == {batch.DONE: 7, batch.FAILED: 1} and len(lines(output)) == 8
    for path in source.glob("box */*.png"):
        assert label(output / path.relative_to(source))[0].endswith(MODEL)


def test_the_next_run_does_what_is_new_and_what_failed(client, tmp_path):
    source, output = tmp_path / "archive", tmp_path / "out"
    fill(source, 3)
    (source / "bad.png").write_bytes(b"no picture")
    archive.run(client, source, output, MODEL)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*.png")}
    fill(source, 2, first=10)
    Image.new("RGB", (8, 8)).save(source / "bad.png")
    ledger = archive.run(client, source, output, MODEL)
    assert ledger.counts() == {batch.DONE: 6}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(lines(output)) == 4 + 3  # three done and one failed, then three


def test_results_inside_the_archive_are_not_colorized_again(client, tmp_path):
    fill(tmp_path, 2)
    for _ in range(2):
        ledger = archive.run(client, tmp_path, tmp_path / "out", MODEL)
    assert ledger.counts() == {batch.DONE: 2}


def test_a_line_that_a_kill_has_cut_counts_as_none(tmp_path):
    path = tmp_path / archive.LEDGER
    path.write_bytes(b"a.png,out/a.png,colorized,\nb.png,out/b")
    ledger = archive.Ledger(path)
    assert ledger.what == {"a.png": batch.DONE} and path.read_bytes().endswith(b"colorized,\n")
    ledger.add([batch.Row("c,\n.png", "", batch.FAILED, "two\nlines, and a comma")])
    assert archive.Ledger(path).what == {"a.png": batch.DONE, "c, .png": batch.FAILED}


def test_folders_are_walked_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "CHUNK", 2)
    fill(tmp_path, 10)
    walked = archive.chunks(tmp_path, tmp_path / "out", set())
    first = next(walked)
    assert [task.source for job in first for task in job] == [
        str(tmp_path / "box 0" / name) for name in ("000.png", "002.png")
    ]
    assert sum(len(jobs) for jobs in walked) == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", "-o", "out"], "is no folder"),
        ([".", "-o", "out", "--model", "x"], "no colorizer"),
    ],
)
def test_wrong_usage_gets_a_sentence(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2 and said in capsys.readouterr().err


# What takes long.


@pytest.mark.stress
def test_killed_workers_cost_nothing_but_time(tmp_path):
    source, output = tmp_path / "archive", tmp_path / "out"
    fill(source, 120)
    (source / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    rng = np.random.default_rng(1)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        killed, ended = [], threading.Event()

        def kill():
            while not ended.wait(rng.uniform(1, 2)) and len(killed) < 3:
                pids = [worker.pid for worker in cluster.workers.values() if worker.pid]
                if pids:
                    os.kill(int(rng.choice(pids)), signal.SIGKILL)
                    killed.append(1)

        thread = threading.Thread(target=kill)
        thread.start()
        ledger = archive.run(client, source, output, MODEL)
        ended.set()
        thread.join()
    assert killed
    counts = ledger.counts()
    assert counts[batch.DONE] + counts[batch.THERE] == 120 and counts[batch.FAILED] == 1
    assert len({line.split(",")[0] for line in lines(output)}) == len(lines(output)) == 121
    assert len(list(output.rglob("*.png"))) == 120


@pytest.mark.stress
def test_a_killed_command_goes_on(tmp_path):
    source, output = tmp_path / "archive", tmp_path / "out"
    fill(source, 200)
    command = [sys.executable, "-m", "deploy.batch", str(source), "-o", str(output)]
    first = subprocess.Popen(command, start_new_session=True)
    while not (output / archive.LEDGER).exists() and first.poll() is None:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ledger = archive.Ledger(output / archive.LEDGER)
    assert len(ledger.what) == 200 and len(list(output.rglob("*.png"))) == 200


DEADLY = """
import os, sys
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from deploy.batch import archive

real = archive.work


def deadly(jobs, output, model):
    if any(task.source.endswith("003.png") for job in jobs for task in job):
        os._exit(9)  # as when memory is short
    return real(jobs, output, model)


if __name__ == "__main__":
    archive.work = deadly
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        archive.run(client, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.stress
def test_what_kills_every_worker_fails_alone(tmp_path):
    source, output, script = tmp_path / "archive", tmp_path / "out", tmp_path / "deadly.py"
    fill(source, 8)
    script.write_text(DEADLY)
    command = [sys.executable, str(script), str(source), str(output), MODEL]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=True, timeout=240)
    counts = archive.Ledger(output / archive.LEDGER).counts()
    assert counts[batch.DONE] + counts[batch.THERE] == 7 and counts[batch.FAILED] == 1
    assert "ended each process" in (output / archive.LEDGER).read_text(encoding="utf-8")
