"""colorize on archives of people: one file ends nothing, two runs lose nothing, all cores work."""

import csv
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_cli import picture, run, state
from test_colorizer import toy

from course_utils import __main__ as cli
from course_utils import colorizer, photos
from course_utils.colorizer import Colorizer, batch
from tools.lessons import ROOT


@pytest.fixture
def model(tmp_path):
    return str(toy(tmp_path / "toy.onnx", "t = Neg (L) ab = Concat <axis = 1> (t, L)"))


def archive(folder, count, size=(24, 32)):
    """Nested photographs of all kinds of names."""
    for number in range(count):
        place = folder / f"{number % 7}" / ("é ü" if number % 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        picture(place / f"{number:04}.{('jpg', 'png')[number % 3 == 0]}", number, size)
    return folder


def command(*arguments):
    return [sys.executable, "-m", "course_utils", "colorize", *map(str, arguments)]


def started(*arguments, **environment):
    """The real command in a process of its own, with its output kept."""
    clean = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    clean["STARTED_FOR"] = " ".join(map(str, arguments))  # `alive` looks for it
    return subprocess.Popen(
        command(*arguments),
        **dict(cwd=ROOT, env=clean | environment, text=True, encoding="utf-8"),
        **dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE),
    )


def summary(out):
    with open(out / cli.SUMMARY, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def left_over(out):
    return [p.name for p in out.rglob(".*")]


# One file never ends a batch.


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_no_photograph_is_a_sentence_each(capsys, tmp_path, model, jobs):
    folder, out = archive(tmp_path / "in", 6), tmp_path / "out"
    odd = tmp_path / "odd"
    odd.mkdir()
    os.mkfifo(odd / "pipe.png")
    os.symlink("loop.png", odd / "loop.png")
    os.symlink("nothing.png", odd / "dangling.png")
    os.symlink("/dev/zero", odd / "zero.png")
    with open(odd / "monster.png", "wb") as file:
        file.truncate(300 * 10**9)
    (odd / "empty.png").touch()
    long = picture(odd / ("é" * 125 + ".png"), 1)  # 254 bytes, and its result fits
    longest = picture(odd / ("x" * 250 + ".bmp"), 2)
    named = [odd / name for name in ("pipe.png", "loop.png", "zero.png", "monster.png")]
    named += [odd / "empty.png", long, longest, tmp_path / "missing.png"]
    arguments = [folder, *named, *([longest] * (jobs - 1)), "-o", out, "--model", model]
    code, said, lines = run(capsys, *arguments, "--jobs", jobs)
    assert (code, said) == (1, "8 colorized, 0 already there, 6 failed")
    for path, why in (
        ("pipe.png", "is a device or a pipe"),
        ("zero.png", "is a device or a pipe"),
        ("loop.png", "cannot be read (Too many levels of symbolic links)"),
        ("monster.png", "has 300 GB; a photograph here has at most 1 GB"),
        ("empty.png", "is empty (0 bytes)"),
        ("missing.png", "cannot be read (No such file or directory)"),
    ):
        [line] = [line for line in lines if path in line]
        assert why in line and line.endswith(".")
    assert len(lines) == 6
    failed = [row for row in summary(out) if row["what"] == "failed"]
    assert {Path(row["source"]).name for row in failed} == {
        *("pipe.png", "zero.png", "loop.png", "monster.png", "empty.png", "missing.png")
    }
    # in a folder, too, where they are told and not read
    code, said, lines = run(capsys, odd, "-o", tmp_path / "out2", "--model", model)
    assert (code, said) == (1, "2 colorized, 0 already there, 6 failed") and len(lines) == 6


def test_names_that_are_too_long_once_numbered(capsys, tmp_path, model):
    out = tmp_path / "out"
    for number, folder in enumerate("ab"):
        (tmp_path / folder).mkdir()
        picture(tmp_path / folder / ("x" * 251 + ".png"), number)
    arguments = [tmp_path / "a", tmp_path / "b", "-o", out, "--model", model]
    code, said, lines = run(capsys, *arguments)
    assert (code, said) == (1, "1 colorized, 0 already there, 1 failed")
    assert lines[0] == f"{out / ('x' * 251)}-2.png: File name too long." and not left_over(out)


@pytest.mark.parametrize(
    "error, said",
    [
        (MemoryError(), "needs more memory than there is"),
        (RuntimeError("[ONNXRuntimeError]\n: FAIL"), "RuntimeError: [ONNXRuntimeError] : FAIL"),
        (ValueError("ab holds NaN"), "ValueError: ab holds NaN"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Exception) else "",
)
def test_any_exception_of_one_photograph(capsys, tmp_path, model, monkeypatch, error, said):
    folder, out, colorize = archive(tmp_path / "in", 5), tmp_path / "out", Colorizer.colorize

    def odd(self, rgb):
        if np.array_equal(rgb, photos.open_photo(folder / "3" / "é ü" / "0003.png")):
            raise error
        return colorize(self, rgb)

    monkeypatch.setattr(Colorizer, "colorize", odd)
    code, counts, [line] = run(capsys, folder, "-o", out, "--model", model)
    assert (code, counts) == (1, "4 colorized, 0 already there, 1 failed")
    assert "0003.png" in line and said in line and line.endswith(".")


def test_a_folder_that_cannot_be_read_is_told(capsys, tmp_path, model, monkeypatch):
    folder, walk = archive(tmp_path / "in", 5), os.scandir

    def closed(path):
        if str(path).endswith("2"):  # root reads everything: chmod would not do
            raise PermissionError(13, "Permission denied", str(path))
        return walk(path)

    monkeypatch.setattr(os, "scandir", closed)
    code, said, [line] = run(capsys, folder, "-o", tmp_path / "out", "--model", model)
    assert (code, said) == (1, "4 colorized, 0 already there, 1 failed")
    assert line == f"{folder / '2'} cannot be read (Permission denied): check its permissions."


DEADLY = """
import os
from course_utils.colorizer import model
colorize = model.Colorizer.colorize
def dies(self, rgb):
    if (rgb[0, 0] == [255, 0, 0]).all():
        os.kill(os.getpid(), 9)  # as the kernel does where memory ends
    return colorize(self, rgb)
model.Colorizer.colorize = dies
"""


def test_a_process_that_dies_costs_one_photograph(tmp_path, model):
    folder, out = archive(tmp_path / "in", 14), tmp_path / "out"
    for name in ("1/deadly.png", "5/deadly.png"):
        Image.new("RGB", (9, 9), (255, 0, 0)).save(folder / name)
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    with started(folder, "-o", out, "--model", model, "--jobs", 2, PYTHONPATH=path) as process:
        said, lines = process.communicate()
    assert (process.returncode, said) == (1, "14 colorized, 0 already there, 2 failed\n"), lines
    assert lines.count("deadly.png ended the process that colored it") == 2
    assert len(state(out)) == 14


# Names, links, terminals.


def test_planted_links_are_not_followed(capsys, tmp_path, model):
    folder, out, victim = archive(tmp_path / "in", 4), tmp_path / "out", tmp_path / "victim"
    for place in ("0", "3"):
        (out / place).mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    os.symlink(victim, out / "0" / "0000.png")  # leads nowhere: writing through it would make it
    os.mkfifo(out / "fifo")
    (out / "3" / "é ü").mkdir()
    os.symlink(out / "fifo", out / "3" / "é ü" / "0003.png")
    os.symlink(tmp_path / "elsewhere", out / "2")
    code, said, [line] = run(capsys, folder, "-o", out, "--model", model)
    assert (code, said) == (1, "3 colorized, 0 already there, 1 failed")
    assert line.endswith(f"0002.jpg gets no result: {out / '2'} is a link out of {out}, remove it.")
    assert not victim.exists() and not list((tmp_path / "elsewhere").iterdir())
    assert (out / "0" / "0000-2.png").is_file() and (out / "0" / "0000.png").is_symlink()


def test_patterns_are_expanded_where_the_shell_does_not(capsys, tmp_path, model):
    folder, out = archive(tmp_path / "in", 6), tmp_path / "out"
    strange = picture(tmp_path / "[1].png", 1)  # its own name is a pattern
    arguments = [folder / "*" / "*.png", strange, "-o", out, "--model", model]
    assert run(capsys, *arguments)[:2] == (0, "2 colorized, 0 already there, 0 failed")
    assert sorted(state(out)) == ["0000.png", "[1].png"]
    code, _, [line] = run(capsys, tmp_path / "*.tif", "-o", out, "--model", model)
    assert code == 1 and "*.tif cannot be read" in line


def test_a_terminal_without_the_letters(tmp_path, model):
    picture(tmp_path / "Δ.png", 1)
    (tmp_path / "\x1b[31mΔ.jpg").write_bytes(b"damaged")  # the escape would turn the terminal red
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes((tmp_path / "Δ.png").read_bytes())
    inputs = sorted(p for p in tmp_path.iterdir() if p.suffix != ".onnx")
    arguments = [*inputs, "-o", tmp_path / "out", "--model", model]
    with started(*arguments, PYTHONIOENCODING="cp1252", PYTHONUTF8="0") as process:
        said, lines = process.communicate()
    assert (process.returncode, said) == (1, "2 colorized, 0 already there, 1 failed\n"), lines
    assert "?[31m\\u0394.jpg is text" in lines and "Traceback" not in lines
    assert len(summary(tmp_path / "out")) == 3


# The summary.


def test_the_summary_lists_what_was_done_and_what_not(capsys, tmp_path, model):
    folder, out = archive(tmp_path / "in", 5), tmp_path / "out"
    damaged = folder / "1" / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8\xff damaged")
    ours = Colorizer.load(model).save(folder / "ours.png", np.zeros((4, 4, 3), np.uint8))
    run(capsys, folder, "-o", out, "--model", model, "--jobs", 2)
    rows = summary(out)
    assert [row["source"] for row in rows] == sorted(map(str, photos.files_in(folder)))
    by_source = {row["source"]: row for row in rows}
    assert by_source.pop(str(ours))["what"] == "a result"
    assert by_source[str(damaged)]["what"] == "failed" and by_source.pop(str(damaged))["said"]
    for row in by_source.values():
        assert row["what"] == "colorized" and not row["said"]
        assert colorizer.label(row["result"])[0]
    run(capsys, folder, "-o", out, "--model", model)
    assert [row["what"] for row in summary(out)].count("already there") == 5
    (out / cli.SUMMARY).write_text("my own notes")
    code, _, lines = run(capsys, folder, "-o", out, "--model", model)
    assert code == 1 and lines[-1].endswith("is no summary of ours: it stays.")
    assert (out / cli.SUMMARY).read_text() == "my own notes"


def test_warnings_reach_the_line_and_the_summary(capsys, tmp_path, model):
    pixels = np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png", icc_profile=b"no profile")
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        picture(tmp_path / "y.png", 1)
        inputs = [tmp_path / "x.png", tmp_path / "y.png"]
        code, _, [line] = run(capsys, *inputs, "-o", out, "--model", model, "--jobs", jobs)
        assert code == 0 and "x.png: its profile is broken" in line
        assert summary(out)[0]["said"] == line


# All cores, two runs at once, and interruptions.


def test_jobs_do_what_one_does(capsys, tmp_path, model):
    folder = archive(tmp_path / "in", 20)
    for jobs in (1, 3):
        arguments = [folder, "-o", tmp_path / f"out{jobs}", "--model", model, "--jobs", jobs]
        assert run(capsys, *arguments)[:2] == (0, "20 colorized, 0 already there, 0 failed")
    one, three = (
        {name: data for name, (data, _) in state(tmp_path / f"out{jobs}").items()}
        for jobs in (1, 3)
    )
    assert one == three and len(one) == 20
    assert run(capsys, folder, "-o", tmp_path / "out", "--model", model, "--jobs", 0)[0] == 2


def race(tmp_path, model, count, turn):
    """Two runs on folders with the same names, into one folder, at once; how often it was read."""
    out = tmp_path / f"out{turn}"
    folders = tmp_path / "a", tmp_path / "b"
    runs = [started(folder, "-o", out, "--model", model) for folder in folders]
    halves = reads = 0
    while any(process.poll() is None for process in runs):
        for path in out.rglob("*.*"):
            if not path.name.startswith(".") and path.suffix in (".jpg", ".png"):
                halves += not batch._is_whole(path)
                reads += 1
    said = [process.communicate() for process in runs]
    assert [process.returncode for process in runs] == [0, 0], said
    done = [colorizer.label(path) for path in out.rglob("*.*") if path.suffix in (".jpg", ".png")]
    loaded = Colorizer.load(model)
    wanted = {loaded.fingerprint(p.read_bytes()) for f in folders for p in photos.files_in(f)}
    assert {stamp for _, stamp in done} == wanted and len(done) == 2 * count
    assert not halves and not left_over(out)
    return reads


def two_archives(tmp_path, count):
    for number in range(count):
        for seed, folder in enumerate("ab"):
            (tmp_path / folder).mkdir(exist_ok=True)
            picture(tmp_path / folder / f"{number}.png", 2 * number + seed)


def test_two_runs_into_one_folder_keep_all_results(tmp_path, model):
    two_archives(tmp_path, 30)
    race(tmp_path, model, 30, 0)


def interrupted(model, folder, out, jobs, rng, how):
    """A run that gets a signal at a random moment: while it starts, or at some photograph."""
    process = started(folder, "-o", out, "--model", model, "--jobs", jobs)
    results = rng.choice([0, rng.randrange(1, 40)])
    while results and process.poll() is None and len(list(out.rglob("*.*g"))) < results:
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.05 if results else 1))
    process.send_signal(how)
    said, lines = process.communicate(timeout=300)
    # Until our first line, `import signal`, has run, Python itself answers with a traceback.
    ours = "__main__.py" in lines and "import signal\n" not in lines
    assert "Traceback" not in lines or not ours, lines
    assert "Traceback" not in lines or not results, lines
    return process.returncode


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_in_a_sentence_and_the_next_run_goes_on(capsys, tmp_path, model, jobs):
    folder, out = archive(tmp_path / "in", 60, (300, 400)), tmp_path / "out"
    process = started(folder, "-o", out, "--model", model, "--jobs", jobs)
    while process.poll() is None and len(list(out.rglob("*.jpg"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, lines = process.communicate(timeout=300)
    assert process.returncode == 130 and "same command again" in lines and "Trace" not in lines
    done = len(state(out))
    assert 3 <= done < 60 and not left_over(out)
    assert said.startswith(
        f"{len([r for r in summary(out) if r['what'] == 'colorized'])} colorized"
    )
    code, said, _ = run(capsys, folder, "-o", out, "--model", model)
    assert (code, said) == (0, f"{60 - done} colorized, {done} already there, 0 failed")


def alive(model):
    """Numbers of the processes that `started` made for a model, and of those that they made."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if model.encode() in (place / "environ").read_bytes():
                found.append(place.name)
    return found


@pytest.mark.stress
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_any_moment(capsys, tmp_path, model, jobs):
    """kill -9 at 50 random moments: nothing wrong, nothing twice, nothing left over."""
    rng, folder = random.Random(jobs), archive(tmp_path / "in", 40, (200, 300))
    reference = tmp_path / "reference"
    run(capsys, folder, "-o", reference, "--model", model)
    wanted = {name: data for name, (data, _) in state(reference).items()}
    for turn in range(50):
        out = tmp_path / f"out{turn}"
        assert interrupted(model, folder, out, jobs, rng, signal.SIGKILL) in (-signal.SIGKILL, 0)
        done = state(out) if out.exists() else {}
        assert all(wanted[n] == data for n, (data, _) in done.items() if not _hidden(n))
        code, _, _ = run(capsys, folder, "-o", out, "--model", model)
        assert code == 0
        assert {name: data for name, (data, _) in state(out).items()} == wanted
        assert not left_over(out)
    begun = time.monotonic()
    while alive(model) and time.monotonic() - begun < 60:
        time.sleep(1)
    assert not alive(model)  # no process waits for a dead one


@pytest.mark.stress
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_is_really_full(capsys, tmp_path, model, jobs):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        folder, out = archive(tmp_path / "in", 40, (150, 200)), small / "out"
        code, said, [line] = run(capsys, folder, "-o", out, "--model", model, "--jobs", jobs)
        assert code == 1 and line.endswith("No space left on device.")
        assert f"Free some space on the disk of {out}" in said
        assert 3 < len(state(out)) < 40 and not left_over(out)
        assert all(batch._is_whole(path) for path in photos.files_in(out))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def _hidden(name):
    return Path(name).name.startswith(".")


@pytest.mark.stress
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_at_any_moment(tmp_path, model, jobs):
    rng, folder = random.Random(jobs), archive(tmp_path / "in", 60, (200, 300))
    for turn in range(25):
        out = tmp_path / f"out{turn}"
        code = interrupted(model, folder, out, jobs, rng, signal.SIGINT)
        assert code in (130, -signal.SIGINT, 0, 1), code
        assert not out.exists() or not left_over(out)


@pytest.mark.stress
def test_two_runs_twenty_times(tmp_path, model):
    two_archives(tmp_path, 60)
    assert sum(race(tmp_path, model, 60, turn) for turn in range(20)) > 10_000


@pytest.mark.stress
def test_an_archive_of_five_thousand(tmp_path, model):
    folder, out = archive(tmp_path / "in", 5000, (60, 80)), tmp_path / "out"
    arguments = [folder, "-o", out, "--model", model]
    most, begun = 0, time.monotonic()
    process = started(*arguments)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status")  # Linux has it
        told = re.search(r"VmRSS:\s+(\d+) kB", status.read_text() if status.exists() else "")
        most = max(most, int(told[1]) if told else 0)  # none where it has just ended
        time.sleep(0.2)
    first = time.monotonic() - begun
    assert process.communicate()[0] == "5000 colorized, 0 already there, 0 failed\n"
    assert most < 500_000  # kB
    begun = time.monotonic()
    with started(*arguments) as process:
        assert process.communicate()[0] == "0 colorized, 5000 already there, 0 failed\n"
    assert time.monotonic() - begun < first / 2
    assert len(summary(out)) == 5000 and not left_over(out)
