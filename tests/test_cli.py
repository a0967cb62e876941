"""python -m course_utils colorize: nothing is lost or overwritten, each failure is one line."""

import os
import shutil
import subprocess
import sys
import time
from functools import partialmethod

import numpy as np
import pytest
from PIL import Image
from test_colorizer import toy

from course_utils import __main__ as cli
from course_utils import colorizer, photos
from course_utils.colorizer import Colorizer
from tools.lessons import ROOT


@pytest.fixture
def model(tmp_path):
    return str(toy(tmp_path / "toy.onnx", "t = Neg (L) ab = Concat <axis = 1> (t, L)"))


@pytest.fixture
def folder(tmp_path):
    """Photographs x.jpg, b/x.jpg, b/y.png and b/c/z.tif, and things that are none."""
    folder = tmp_path / "in"
    (folder / "b" / "c").mkdir(parents=True)
    for seed, name in enumerate(("x.jpg", "b/x.jpg", "b/y.png", "b/c/z.tif", "b/.hidden.png")):
        picture(folder / name, seed)
    (folder / "notes.txt").write_text("no photograph")
    return folder


def picture(path, seed, size=(12, 9)):
    values = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(values).save(path)
    return path


def state(folder):
    """Every file's bytes and time of change; the summary is left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != cli.SUMMARY]
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in files
    }


def run(capsys, *arguments):
    """Exit code, stdout, and the lines on stderr."""
    try:
        code = cli.main(["colorize", *map(str, arguments)])
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    return code, out.strip(), err.splitlines()


def test_a_folder_keeps_its_shape(capsys, tmp_path, folder, model):
    before, out = state(folder), tmp_path / "out"
    assert run(capsys, folder, "-o", out, "--model", model) == (
        *(0, "4 colorized, 0 already there, 0 failed", []),
    )
    assert sorted(state(out)) == ["b/c/z.png", "b/x.jpg", "b/y.png", "x.jpg"]
    assert state(folder) == before
    colorize = Colorizer.load(model)
    for source, result in (("b/y.png", "b/y.png"), ("b/c/z.tif", "b/c/z.png")):
        wanted = colorize.colorize(photos.open_photo(folder / source))
        assert np.array_equal(photos.open_photo(out / result), wanted)
        assert colorizer.label(out / result) == (
            *("colorized by Color from Gray, toy",),
            colorize.fingerprint((folder / source).read_bytes()),
        )
    with Image.open(out / "b" / "x.jpg") as image:
        assert image.format == "JPEG"
        assert image.getexif()[0x010E] == "colorized by Color from Gray, toy"


def test_same_names_do_not_meet(capsys, tmp_path, folder, model):
    out, first, second = tmp_path / "out", folder / "x.jpg", folder / "b" / "x.jpg"
    assert run(capsys, first, second, first, "-o", out, "--model", model)[0] == 0
    prints = [Colorizer.load(model).fingerprint(p.read_bytes()) for p in (first, second)]
    assert [colorizer.label(out / name)[1] for name in ("x.jpg", "x-2.jpg")] == prints
    before = state(out)
    for inputs in ([first, second], [second, first], [second], [folder / "x.jpg"]):
        code, said, _ = run(capsys, *inputs, "-o", out, "--model", model)
        assert (code, said) == (0, f"0 colorized, {len(inputs)} already there, 0 failed")
    assert state(out) == before
    # in later commands too, and when only the ending differs
    third = picture(tmp_path / "x.jpg", 9)
    picture(tmp_path / "y.bmp", 10)
    for path in (third, folder / "b" / "y.png", tmp_path / "y.bmp"):
        assert run(capsys, path, "-o", out, "--model", model)[0] == 0
    assert sorted(state(out)) == ["x-2.jpg", "x-3.jpg", "x.jpg", "y-2.png", "y.png"]
    assert before.items() <= state(out).items()


def test_two_copies_of_one_photograph_give_two_results(capsys, tmp_path, model):
    for name in "ab":
        (tmp_path / name).mkdir()
        picture(tmp_path / name / "x.png", 1)
    out = tmp_path / "out"
    arguments = [tmp_path / "a", tmp_path / "b", "-o", out, "--model", model]
    assert run(capsys, *arguments)[1].startswith("2 colorized")
    assert sorted(state(out)) == ["x-2.png", "x.png"]
    assert run(capsys, *arguments)[1] == "0 colorized, 2 already there, 0 failed"


def test_what_changed_is_done_again_beside_the_old(capsys, tmp_path, model):
    source, out = picture(tmp_path / "x.png", 1), tmp_path / "out"
    run(capsys, source, "-o", out, "--model", model)
    kept = state(out)
    picture(source, 2)
    assert run(capsys, source, "-o", out, "--model", model)[1].startswith("1 colorized")
    other = toy(tmp_path / "other.onnx", "ab = Concat <axis = 1> (L, L)")
    assert run(capsys, source, "-o", out, "--model", other)[1].startswith("1 colorized")
    assert colorizer.label(out / "x-3.png")[0] == "colorized by Color from Gray, other"
    assert len(state(out)) == 3 and kept.items() <= state(out).items()


def test_a_result_that_is_cut_short_is_made_again(capsys, tmp_path, model):
    source, out = picture(tmp_path / "x.jpg", 1, (200, 200)), tmp_path / "out"
    run(capsys, source, "-o", out, "--model", model)
    whole = (out / "x.jpg").read_bytes()
    (out / "x.jpg").write_bytes(whole[: len(whole) // 2])
    assert run(capsys, source, "-o", out, "--model", model)[1].startswith("1 colorized")
    assert {name: data for name, (data, _) in state(out).items()} == {"x.jpg": whole}


def test_results_beside_the_photographs(capsys, folder, model):
    before = state(folder)
    assert run(capsys, folder, "-o", folder, "--model", model)[0] == 0
    after = state(folder)
    assert before.items() <= after.items() and len(after) == len(before) + 4
    assert {"x-2.jpg", "b/x-2.jpg", "b/y-2.png", "b/c/z.png"} == set(after) - set(before)
    # a second run does not take the results for photographs, wherever they lie
    for arguments in ([folder, "-o", folder], [folder / "b", "-o", folder / "b"]):
        code, said, _ = run(capsys, *arguments, "--model", model)
        assert code == 0 and said.startswith("0 colorized")
    assert state(folder) == after


def test_bad_files_get_one_line_each_and_stop_nothing(capsys, tmp_path, folder, model):
    out, empty, missing = tmp_path / "out", tmp_path / "empty", tmp_path / "missing.jpg"
    empty.mkdir()
    (folder / "a damaged.jpg").write_bytes((folder / "x.jpg").read_bytes()[:300])
    code, said, lines = run(capsys, missing, folder, empty, "-o", out, "--model", model)
    assert (code, said) == (1, "4 colorized, 0 already there, 3 failed")
    assert len(lines) == 3
    for path in (missing, folder / "a damaged.jpg", empty):
        assert sum(str(path) in line for line in lines) == 1
    assert len(state(out)) == 4


def test_a_locked_file_is_a_failure_and_a_full_disk_is_the_end(
    capsys, tmp_path, folder, monkeypatch, model
):
    save, out = Colorizer.save, tmp_path / "out"

    def refused(code, self, path, *rest, **options):
        if path.name == "x.jpg" and path.parent.name == "b":
            raise OSError(code, os.strerror(code), str(path))
        return save(self, path, *rest, **options)

    monkeypatch.setattr(Colorizer, "save", partialmethod(lambda *a, **k: refused(13, *a, **k)))
    code, said, lines = run(capsys, folder, "-o", out, "--model", model)
    assert (code, said) == (1, "3 colorized, 0 already there, 1 failed")
    assert lines == [f"{out / 'b' / 'x.jpg'}: Permission denied."]
    shutil.rmtree(out)
    monkeypatch.setattr(Colorizer, "save", partialmethod(lambda *a, **k: refused(28, *a, **k)))
    code, said, lines = run(capsys, folder, "-o", out, "--model", model)
    assert code == 1 and said.startswith("1 colorized, 0 already there, 0 failed")
    assert f"Free some space on the disk of {out}" in said
    assert lines == [f"{out / 'b' / 'x.jpg'}: No space left on device."]
    assert sorted(state(out)) == ["b/c/z.png"]
    monkeypatch.undo()
    code, said, _ = run(capsys, folder, "-o", out, "--model", model)
    assert (code, said) == (0, "3 colorized, 1 already there, 0 failed")


def test_wrong_usage(capsys, tmp_path, folder):
    (tmp_path / "damaged.onnx").write_bytes(b"no model")
    out, photo = tmp_path / "out", folder / "x.jpg"
    for arguments, said in (
        ([], "required: IN"),
        ([photo], "-o"),
        ([photo, "-o", photo], "x.jpg is a file"),
        ([photo, "-o", out, "--model", "nobody"], "shipped names, 02_mse_regression"),
        ([photo, "-o", out, "--model", tmp_path / "damaged.onnx"], "cannot be read as ONNX"),
    ):
        code, _, lines = run(capsys, *arguments)
        assert code == 2 and said in lines[-1], lines
    assert not out.exists()


def test_the_model_is_a_shipped_one_unless_another_is_named(capsys, tmp_path, folder, model):
    photo, out = folder / "x.jpg", tmp_path / "out"
    assert run(capsys, photo, "-o", out)[0] == 0
    assert colorizer.label(out / "x.jpg")[0].endswith(colorizer.BEST)
    assert run(capsys, photo, "-o", out, "--model", model)[0] == 0
    assert colorizer.label(out / "x-2.jpg")[0].endswith("toy")


HEAVY = "{'tensorflow', 'keras', 'torch', 'onnx', 'onnxruntime', 'skimage.metrics', 'sklearn'}"


def test_help_loads_no_framework(tmp_path):
    code = (
        "import runpy, sys, course_utils.__main__ as cli\n"
        "try: cli.main(['colorize', '--help'])\n"
        f"except SystemExit as stop: print(stop.code, {HEAVY} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("usage: python -m course_utils colorize"), done.stderr
    assert done.stdout.endswith("0 set()\n")


def test_killed_in_the_middle_and_run_again(capsys, tmp_path, model):
    """The real command, on a terminal: a bar moves, a kill leaves whole files, a rerun finishes."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    folder, out, n = tmp_path / "in", tmp_path / "out", 40
    folder.mkdir()
    for seed in range(n):
        picture(folder / f"{seed:02}.png", seed, (300, 400))
    terminal, stderr = pty.openpty()
    termios.tcsetwinsize(stderr, (24, 100))
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    process = subprocess.Popen(
        [sys.executable, "-m", "course_utils", "colorize", folder, "-o", out, "--model", model],
        cwd=ROOT,
        env=environment,
        stderr=stderr,
    )
    while process.poll() is None and len(list(out.glob("[0-9]*.png"))) < 3:  # in any order
        time.sleep(0.002)
    process.kill()
    process.wait()
    os.set_blocking(terminal, False)
    bar = os.read(terminal, 10_000).decode()
    os.close(stderr)
    os.close(terminal)
    assert "toy:" in bar and f"/{n} [" in bar
    done = state(out)
    results = [name for name in done if not name.startswith(".")]
    assert 3 <= len(results) < n
    colorize = Colorizer.load(model)
    for name in results:
        wanted = colorize.colorize(photos.open_photo(folder / name))
        assert np.array_equal(photos.open_photo(out / name), wanted)
    code, said, _ = run(capsys, folder, "-o", out, "--model", model)
    assert code == 0
    assert said == f"{n - len(results)} colorized, {len(results)} already there, 0 failed"
    assert [done[name] for name in results] == [state(out)[name] for name in results]
    assert len(state(out)) == n  # half-written files are gone too
