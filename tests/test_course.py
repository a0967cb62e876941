"""Which profile, seed, device and data a lesson gets, and what it says about them."""

import random

import numpy as np
import pytest

from course_utils import course

VARIABLES = ["COURSE_PROFILE", "COURSE_STRICT", "NBGRADER_EXECUTION", "PYTEST_CURRENT_TEST"]


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No variable of the course is set, and no graphics driver is found."""
    monkeypatch.setenv("PATH", str(tmp_path))

    # pytest sets its variable anew before each phase of a test, so the test itself must remove it.
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def driver(tmp_path):
    """driver(text, code): an nvidia-smi that prints text and exits with code."""

    def write(text, code=0):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && echo '{text}'\nexit {code}\n")
        program.chmod(0o755)

    return write


H200 = "GPU 0: NVIDIA H200 (UUID: GPU-1234)"


def profile(monkeypatch, **variables):
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return course.profile()


def test_profile_is_cpu_without_a_gpu(monkeypatch):
    assert profile(monkeypatch) == "cpu"


def test_profile_is_gpu_with_one(monkeypatch, driver):
    driver(H200)
    assert profile(monkeypatch) == "gpu"


@pytest.mark.parametrize(("text", "code"), [("", 0), ("NVIDIA-SMI has failed", 9)])
def test_a_driver_without_gpu_is_no_gpu(monkeypatch, driver, text, code):
    driver(text, code)
    if text == "":
        (course.shutil.which("nvidia-smi") or pytest.fail("the stand-in is not found"))
    assert profile(monkeypatch) == "cpu"


@pytest.mark.parametrize("name", ["PYTEST_CURRENT_TEST", "NBGRADER_EXECUTION"])
def test_profile_is_ci_under_test_and_grading_even_with_a_gpu(monkeypatch, driver, name):
    driver(H200)
    assert profile(monkeypatch, **{name: "autograde"}) == "ci"


@pytest.mark.parametrize("chosen", list(course.PROFILES))
def test_the_variable_wins_over_everything(monkeypatch, driver, chosen):
    driver(H200)
    assert profile(monkeypatch, COURSE_PROFILE=chosen, NBGRADER_EXECUTION="autograde") == chosen


def test_unknown_profile_is_refused_by_name(monkeypatch):
    with pytest.raises(ValueError, match="COURSE_PROFILE is 'fast'.*ci, cpu, gpu"):
        profile(monkeypatch, COURSE_PROFILE="fast")


@pytest.mark.parametrize(
    ("variables", "strict"),
    [
        ({}, False),
        ({"COURSE_STRICT": "0"}, False),
        ({"COURSE_STRICT": "1"}, True),
        ({"NBGRADER_EXECUTION": "autograde"}, True),
        ({"NBGRADER_EXECUTION": "validate"}, True),
        ({"NBGRADER_EXECUTION": ""}, False),
    ],
)
def test_strict_under_nbgrader_or_on_request(monkeypatch, variables, strict):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert course.strict() is strict


def test_start_prints_what_it_returns(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "cpu")
    session = course.start("01_lab_color")
    assert session == ("01_lab_color", "cpu", course.SEED, session.device, "bundled")
    assert session.device == "cpu"
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(session._fields)
    for line, value in zip(lines, session, strict=True):
        assert line.split(maxsplit=1)[1].startswith(str(value))


def test_start_takes_other_data(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "ci")
    assert course.start("02", data="paintbox").data == "paintbox"
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["data", "paintbox"]


@pytest.mark.parametrize(("chosen", "device"), [("gpu", "cuda"), ("cpu", "cpu"), ("ci", "cpu")])
def test_the_device_is_the_profiles(monkeypatch, driver, chosen, device, capsys):
    driver(H200)
    monkeypatch.setenv("COURSE_PROFILE", chosen)
    assert course.start("02").device == device
    assert ("NVIDIA H200" in capsys.readouterr().out) == (device == "cuda")


@pytest.mark.parametrize(
    ("system", "device"), [(("Darwin", "arm64"), "mps"), (("Linux", "x"), "cpu")]
)
def test_apple_silicon_is_used_where_the_gpu_profile_is_asked_for(monkeypatch, system, device):
    monkeypatch.setattr(course.platform, "system", lambda: system[0])
    monkeypatch.setattr(course.platform, "machine", lambda: system[1])
    assert course.device("gpu")[0] == device and course.device("cpu")[0] == "cpu"
    assert profile(monkeypatch) == "cpu", "a laptop is not taken for a GPU unasked"


def test_start_seeds_python_and_numpy(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "ci")

    def draw():
        course.start("02")
        return random.random(), np.random.rand()

    first = draw()
    random.random(), np.random.rand()
    assert draw() == first


def test_start_refuses_an_unknown_profile_before_it_prints(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match="COURSE_PROFILE"):
        course.start("02")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"image_data_format": "channels_first"}', True),
        ('{"image_data_format": "channels_last"}', False),
        ("[1, 2]", False),
        ("no json", False),
        (None, False),
    ],
)
def test_a_keras_with_channels_first_is_told_at_the_start(
    monkeypatch, tmp_path, capsys, text, said
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if text is not None:
        (tmp_path / "keras.json").write_text(text)
    course.start("02_mse_regression")
    assert ('write "channels_last" there' in capsys.readouterr().out) == said


def test_claim_prints_its_four_parts(capsys):
    course.claim("snow is white", "by day", "L 95", "holds")
    assert [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()] == [
        ["claim", "snow is white"],
        ["condition", "by day"],
        ["measured", "L 95"],
        ["verdict", "holds"],
    ]


def test_a_stored_result_is_read_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(course.files, "RESULTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="`make experiment NAME=02/x` makes it"):
        course.result("02/x")
    (tmp_path / "02").mkdir()
    (tmp_path / "02" / "x.json").write_text('{"score": "25 µm"}', encoding="utf-8")
    assert course.result("02/x") == {"score": "25 µm"}
