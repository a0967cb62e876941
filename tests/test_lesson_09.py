"""Lesson 09: its int8 files, its queue under real kills, its answers, and claims that can fail."""

import base64
import json
import linecache
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from lesson_code import fails, ran, source
from PIL import Image

from course_utils import color, files
from course_utils.colorizer import Colorizer

SOURCE = source("09")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The lesson; inspect.getsource finds its functions as it does in a notebook."""
    text = SOURCE.read_text(encoding="utf-8")
    linecache.cache[SOURCE.name] = len(text), None, text.splitlines(True), SOURCE.name
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))
    del linecache.cache[SOURCE.name]


def saved(model, path):
    path.write_bytes(model.SerializeToString())
    return Colorizer(path, path.stem)


# Files


def test_the_float32_copy_is_the_same_colorizer_without_casts(lesson, tmp_path):
    copy, shipped = saved(lesson["single"], tmp_path / "copy.onnx"), Colorizer.load(lesson["NAME"])
    L = np.random.default_rng(1).uniform(0, 100, (1, 40, 56, 1)).astype(np.float32)
    np.testing.assert_array_equal(copy.ab(L), shipped.ab(L))
    kinds = {tensor.data_type for tensor in lesson["single"].graph.initializer}
    assert lesson["onnx"].TensorProto.FLOAT16 not in kinds
    assert lesson["onnx"].TensorProto.FLOAT16 in {t.data_type for t in lesson["graph"].initializer}


def test_an_int8_file_keeps_the_contract_and_its_layers_are_the_named_ones(lesson, tmp_path):
    two = lesson["LAYERS"][3:5]
    model = lesson["quantized"](lesson["single"], two, ["Conv"])
    made = {n.output[0]: n for n in model.graph.node}
    integers = {
        node.name
        for node in model.graph.node
        if node.op_type == "Conv"
        and getattr(made.get(node.input[1]), "op_type", "") == "DequantizeLinear"
    }
    assert integers == set(two)
    colorizer = saved(model, tmp_path / "int8.onnx")  # raises where it breaks the contract
    assert colorizer.metadata["lesson"] == lesson["NAME"]


def test_moved_is_a_distance_in_the_plane_of_a_and_b(lesson):
    ab = np.zeros((1, 10, 10, 2))
    other = ab + [3, 4]
    assert lesson["moved"](ab, other) == (5, 5)
    other = ab.copy()
    other[0, 0, 0] = [0, 100]
    mean, high = lesson["moved"](ab, other)
    assert mean == pytest.approx(1) and high < 100
    assert lesson["passes"](0.5, 3) and not lesson["passes"](0.51, 1)
    assert not lesson["passes"](0.1, 3.1)


def test_calibration_and_gate_use_different_photographs(lesson):
    text = SOURCE.read_text(encoding="utf-8")
    assert 'photos.load("album", "test"' in text and 'photos.load("album", "train"' in text
    assert lesson["TESTED"].shape == (6, 96, 96, 1)


def test_the_groups_hold_every_layer_once(lesson):
    layers = [layer for group in lesson["GROUPS"].values() for layer in group]
    assert sorted(layers) == sorted(lesson["LAYERS"]) and len(lesson["GROUPS"]) > 8


# The course's own answers


def test_the_courses_own_answers_pass_the_checks(lesson, capsys):
    checks = lesson["checks"]
    names = {"worst_first": "by_squares", "weigh": "by_rows", "refusal": "by_table"}
    for check, name in (names | {"worker": "course_worker"}).items():
        answer = lesson[name]
        capsys.readouterr()
        getattr(checks, check)(answer)
        assert capsys.readouterr().out.startswith(f"{check}: correct on")


def test_a_colorizer_runs_without_what_may_go(lesson, tmp_path):
    """What exercise 2 leaves out is left out, and a new process still colors a picture."""
    if os.name != "posix":
        pytest.skip("builds the folder from links")
    onnxruntime = lesson["installed"]("onnxruntime")
    ((stays, goes),) = lesson["by_rows"](onnxruntime, ["onnxruntime"], lesson["PATTERNS"])
    assert goes > 0.1 * stays > 1e6
    for name in ("onnxruntime", "numpy", "pillow"):
        for file in lesson["metadata"].files(name):
            sums = lesson["by_rows"]([(str(file), 1)], lesson["PACKAGES"], lesson["PATTERNS"])
            if sums[:, 0].any() and Path(str(file.locate())).is_file():
                (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
                os.symlink(file.locate(), tmp_path / file)
    shutil.copytree(files.PACKAGE, tmp_path / "course_utils", symlinks=True)
    (tmp_path / "color_from_gray-0.dist-info").mkdir()
    about = tmp_path / "color_from_gray-0.dist-info" / "METADATA"
    about.write_text("Metadata-Version: 2.1\nName: color-from-gray\nVersion: 0\n")
    code = "import numpy; from course_utils.colorizer import Colorizer as C\n"
    code += f"print(C.load({lesson['NAME']!r})._session.get_outputs()[0].name)"
    told = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "ab", told.stderr


# The handler


def event(data, **asked):
    body = base64.b64encode(data).decode()
    return {"body": body, "isBase64Encoded": True, "queryStringParameters": asked or None}


def test_the_handler_colors_by_l_alone(lesson):
    rgb = lesson["album"]["kingfisher"].rgb
    gray = color.with_ab(color.L(rgb), np.zeros((*rgb.shape[:2], 2), np.float32)).clip(0, 1)
    sent = lesson["io"].BytesIO()
    Image.fromarray(np.round(255 * gray).astype(np.uint8)).save(sent, "PNG")
    answer = lesson["handler"](event(sent.getvalue()))
    assert answer["statusCode"] == 200 and answer["isBase64Encoded"]
    back = lesson["photos"].open_photo(base64.b64decode(answer["body"]))
    assert back.shape == rgb.shape and np.ptp(back, axis=-1).max() > 20  # it has color


@pytest.mark.parametrize(
    "bad", [{}, {"body": None}, {"body": "not base64, sent as text"}, {"body": "<svg/>"}]
)
def test_the_handler_answers_events_without_a_picture_in_a_sentence(lesson, bad):
    answer = lesson["handler"](bad)
    assert answer["statusCode"] == 415
    assert json.loads(answer["body"])["error"].endswith(".")


def test_a_bomb_is_refused_without_memory_for_its_pixels(lesson):
    bomb = lesson["bomb"]
    assert len(bomb) < 100_000 and lesson["pixels"](bomb) == 81_000_000
    status, sentence = lesson["by_table"](bomb, lesson["NAME"], lesson["LIMITS"])
    assert status == 413 and sentence


# The queue


def test_a_kill_is_a_real_one(lesson, tmp_path):
    jobs = lesson["Jobs"](tmp_path)
    jobs.do("INSERT INTO jobs VALUES ('beach', 'waiting')")
    assert lesson["run"](lesson["careless"], tmp_path, 1) == "claim"
    assert jobs.do("SELECT state FROM jobs") == ["running"]  # nobody tidied up


@pytest.mark.parametrize("last", range(1, 9))
def test_the_mended_worker_loses_nothing_at_any_step(lesson, last):
    step, lost = lesson["killed_at"](last, lesson["course_worker"])
    assert step in ("claim", "paint", "store", "done") and not lost


def test_results_are_whole_and_jobs_are_done_once(lesson, tmp_path):
    jobs, painted = lesson["Jobs"](tmp_path), []
    jobs.do("INSERT INTO jobs VALUES ('a', 'waiting'), ('b', 'running'), ('c', 'done')")
    lesson["course_worker"](jobs, lambda name: painted.append(name) or name.encode())
    assert painted == ["a", "b"] and jobs.claim() is None
    assert (tmp_path / "a").read_bytes() == b"a" and not list(tmp_path.glob("*.part"))
    assert set(jobs.do("SELECT state FROM jobs")) == {"done"}


# Claims can fail


@pytest.mark.stress
def test_the_gate_fails_for_a_file_that_passes_at_once(lesson):
    steps = [(5.0, 0.1, 1.0), (6.0, 0.1, 1.0)]
    fails(lesson, steps=steps)


def test_the_int8_claim_fails_where_no_file_is_fast(lesson):
    stored = deepcopy(lesson["course"].result("09/int8"))
    for row in stored["rows"].values():
        row["ratio"] = 1.1
    course = SimpleNamespace(result=lambda name: stored)
    with pytest.raises(AssertionError):
        lesson.run(cell(lesson, "INT8 = "), {"course": course})


def test_lius_claim_fails_where_tensorflow_is_small(lesson):
    stored = deepcopy(lesson["CLOUD"])
    stored["as installed"]["tensorflow"]["MB"] = 100
    told = []
    course = SimpleNamespace(result=lambda name: stored, claim=lambda *words: told.append(words))
    with pytest.raises(AssertionError):
        lesson.run(cell(lesson, "CLOUD = "), {"course": course})


@pytest.mark.parametrize("found", [[("claim", [])] * 8, [("claim", ["beach"])] * 8])
def test_the_kill_claim_fails_where_nothing_is_lost_or_the_mended_worker_loses(lesson, found):
    changes = {"table": found, "mended_table": found, "lost": None}
    with pytest.raises(AssertionError):
        lesson.run(cell(lesson, "lost = ["), changes)


@pytest.mark.stress
def test_the_answers_fail_where_the_bomb_is_accepted(lesson):
    answers = deepcopy(lesson["answers"])
    answers["nothing"]["statusCode"] = 200
    fails(lesson, answers=answers)


def cell(lesson, begins):
    """The cell of the lesson in which a line begins so."""
    return next(c for c in lesson.cells if any(x.startswith(begins) for x in c.code.splitlines()))
