"""Models of others: what hangs, grows, lies or does not fit is refused in a sentence."""

import resource
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest
from test_colorizer import one_sentence, toy

from course_utils import colorizer, files
from course_utils.colorizer import Colorizer, guest
from tools.lessons import ROOT

TWICE = "ab = Concat <axis = 1> (t, t)"
ENDLESS = """
 most = Constant <value_int = 9223372036854775807> ()
 yes = Constant <value = bool {1}> ()
 t = Loop (most, yes, L) <body = body (int64 i, bool go, float[N,1,H,W] x)
   => (bool on, float[N,1,H,W] y) { on = Identity (go) y = Identity (x) }>
"""
# Without end only where there are more than 30 numbers, the trial's first picture.
LONG = """
 limit = Constant <value_int = 9223372036854775807> ()
 count = Size (L)
 few = Constant <value_int = 31> ()
 many = Greater (count, few)
 number = Cast <to = 7> (many)
 most = Mul (number, limit)
"""
LONG += " yes = Constant" + ENDLESS.partition("yes = Constant")[2]
HUGE = """
 s = Constant <value_ints = [1, 1, 200000, 200000]> ()
 c = ConstantOfShape (s)
 m = ReduceMax <keepdims = 1> (c)
 t = Add (L, m)
"""
GROWS = """
 z = Sub (L, L) m0 = ReduceMax <keepdims = 1> (z)
 s = Constant <value_ints = [1, 1, 100000, 100000]> ()
 e = Expand (m0, s) m = ReduceMax <keepdims = 1> (e)
 t = Add (L, m)
"""
# Reshaping to 30 numbers works for the trial of 2 x 5 x 3 alone.
FAILS = " s = Constant <value_ints = [2, 1, 5, 3]> () t = Reshape (L, s) "


@pytest.mark.parametrize(
    "body, said",
    [
        (ENDLESS, f"needs more than {guest.SECONDS} seconds"),
        (LONG, f"needs more than {guest.SECONDS} seconds"),
        (HUGE, "needs over 3 GB of memory"),
        (GROWS, "needs over 3 GB of memory"),
        (FAILS, "fails at its working size"),
    ],
    ids=["endless", "endless where it is larger", "huge", "grows", "fails"],
)
def test_what_would_hang_or_fill_the_memory_is_refused(tmp_path, body, said, capfd):
    path = toy(tmp_path / "guest.onnx", body + TWICE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="guest.onnx") as error:
        Colorizer.load(path)
    assert said in one_sentence(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert capfd.readouterr() == ("", "")


def test_it_is_refused_within_seconds(tmp_path):
    path = toy(tmp_path / "guest.onnx", ENDLESS + TWICE)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(ValueError, match="a loop without end"):
        Colorizer.load(path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)  # the clock depends on who else works
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < guest.SECONDS + 2


def changed(path, change):
    model = onnx.load(toy(path))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def newer_opset(model):
    model.opset_import[0].version = 99


def newer_format(model):
    model.ir_version = 99


def weights_elsewhere(model):
    weights = onnx.numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "w")
    onnx.external_data_helper.set_external_data(weights, location="../../etc/passwd")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer.append(weights)
    model.graph.node.insert(0, onnx.helper.make_node("Add", ["L", "w"], ["L2"]))
    model.graph.node[1].input[0] = "L2"


@pytest.mark.parametrize(
    "change, said",
    [
        (newer_opset, "is newer than this onnxruntime"),
        (newer_format, "is newer than this onnxruntime"),
        (weights_elsewhere, "its weights are in another file"),
    ],
)
def test_what_cannot_be_read_is_told_apart(tmp_path, change, said):
    with pytest.raises(ValueError, match="x.onnx cannot be read as ONNX") as error:
        Colorizer.load(changed(tmp_path / "x.onnx", change))
    assert said in one_sentence(error)


@pytest.mark.parametrize(
    "metadata",
    [
        {"size": 1_000_000},
        {"size": 16.5},
        {"size": True},
        {"size": "[" * 100_000},
        {"size": "1" * 10_000},
        {"size": "NaN"},
        {"parameters": -1},
        {"parameters": "many"},
        {"metrics": '{"psnr": 1}'},
        {"metrics": 7},
        {"metrics": "[" * 100_000},
        {"data": "x" * 2_000_000},
        {"anything": "x" * 2_000_000},
    ],
    ids=lambda metadata: "-".join(f"{k}-{str(v)[:9]}" for k, v in metadata.items()),
)
def test_absurd_metadata(tmp_path, metadata):
    with pytest.raises(ValueError, match="x.onnx breaks the contract: its metadata") as error:
        Colorizer.load(toy(tmp_path / "x.onnx", **metadata))
    one_sentence(error)


@pytest.mark.parametrize("T", [0, -1, "NaN", "Infinity", '"warm"', "[]"])
def test_absurd_temperatures(tmp_path, T):
    signature = "g (float[N,1,H,W] L, float T) => (float[N,2,H,W] ab) <float T = {1.0}>"
    body = f"t = Div (L, T) {TWICE}"
    assert Colorizer.load(toy(tmp_path / "y.onnx", body, signature, T=1.0)).T == 1
    with pytest.raises(ValueError, match="metadata say that T is") as error:
        Colorizer.load(toy(tmp_path / "x.onnx", body, signature, T=T))
    one_sentence(error)


def test_nan_is_refused_when_it_is_certain_and_told_when_it_comes(tmp_path):
    always = toy(tmp_path / "always.onnx", f"z = Sub (L, L) t = Div (z, z) {TWICE}")
    with pytest.raises(ValueError, match="makes NaN or infinity") as error:
        Colorizer.load(always)
    one_sentence(error)
    fifty = " fifty = Constant <value_float = 50.0> () d = Sub (L, fifty)"
    some = toy(
        tmp_path / "some.onnx", f"{fifty} t = Log (d) {TWICE}".replace("Log (d)", "Sqrt (d)")
    )
    with pytest.raises(ValueError, match="NaN or infinity"):  # sqrt of what is below 50
        Colorizer.load(some)
    other = toy(tmp_path / "other.onnx", f"{fifty} m = Neg (d) t = Sqrt (m) {TWICE}")
    model = Colorizer.load(other)
    model.colorize(np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="other answers with NaN or infinity here") as error:
        model.colorize(np.full((9, 9, 3), 255, np.uint8))
    one_sentence(error)


def test_a_shipped_file_is_compared_before_anything_looks_inside(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path)
    name = colorizer.names()[0]
    toy(tmp_path / f"{name}.onnx")
    files.register(tmp_path / f"{name}.onnx")
    monkeypatch.setattr(guest, "try_out", lambda *_: seen.append("tried"))
    Colorizer.load(name)
    Colorizer.load(tmp_path / f"{name}.onnx")  # the same file by its path
    assert not seen
    toy(tmp_path / f"{name}.onnx", ENDLESS + TWICE)
    monkeypatch.setattr("course_utils.colorizer.graph.session", lambda *_: seen.append("loaded"))
    with pytest.raises(ValueError, match="is not the shipped file"):
        Colorizer.load(name)
    assert not seen


def test_what_is_loaded_is_what_was_tried(tmp_path, monkeypatch):
    """A file that changes after its trial is not the one that is used."""
    path = toy(tmp_path / "x.onnx")

    def tried(path, data):
        toy(path, ENDLESS + TWICE)

    monkeypatch.setattr(guest, "try_out", tried)
    L = np.ones((2, 2, 1), np.float32)
    assert (Colorizer.load(path).ab(L) == 1).all()


def test_the_trial_imports_nothing_of_where_it_runs(tmp_path):
    """A file numpy.py in the working folder, or beside the model, is not run."""
    for name in ("numpy.py", "json.py", "onnxruntime.py"):
        (tmp_path / name).write_text("open('run', 'w')")
    path = toy(tmp_path / "x.onnx")
    code = (
        f"from course_utils.colorizer import guest; import pathlib; p = pathlib.Path({str(path)!r})"
    )
    code += "; import os; os.chdir(p.parent); guest.try_out(p, p.read_bytes())"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert not (tmp_path / "run").exists()


def test_a_command_that_is_given_such_a_file_says_so(tmp_path):
    toy(tmp_path / "guest.onnx", HUGE + TWICE)
    command = [sys.executable, "-m", "course_utils", "colorize", "x.jpg", "-o", "out", "--model"]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, str(tmp_path / "guest.onnx")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and "needs over 3 GB of memory" in done.stderr
    assert "Traceback" not in done.stderr and time.monotonic() - begun < guest.PATIENCE
