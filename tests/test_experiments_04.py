"""Experiments of lesson 04 at toy size: what they return."""

import numpy as np
import pytest
from experiment_toys import same_form
from lesson_code import noise

from course_utils import color, course, files
from experiments import lesson_04 as experiments
from experiments import scene_classes
from experiments.runner import EXPERIMENTS, Run

# What Keras's accuracy counts


def test_constants(tmp_path, monkeypatch):
    names = [name.removeprefix("Intel, ") for name in course.result("04/constants")["rows"]]
    for name in names[1:7]:
        (tmp_path / "intel" / "seg_test" / name).mkdir(parents=True)
    asked = []
    monkeypatch.setattr(experiments, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(
        experiments, "both_halves", lambda folder, size: asked.append(folder) or noise(2, size)
    )
    result = experiments.constants(Run(tmp_path), size=8)
    same_form(result, "04/constants")
    stored = course.result("04/constants")
    assert list(result["rows"]) == list(stored["rows"])
    assert all(set(row) == set(stored["rows"][name]) for name, row in result["rows"].items())
    assert len(asked) == 9 and result["n"] == 18 and result["rows"]["Intel, all six"]["n"] == 12


def test_a_constant_row():
    rgb = np.zeros((2, 8, 8, 3), np.uint8)
    rgb[0] = 200, 200, 60  # yellow
    rgb[1, :2], rgb[1, 2:6], rgb[1, 6:] = (131, 128, 130), (200, 60, 200), (200, 200, 60)
    row = experiments.constant_row(rgb)  # of the second a quarter is nearly gray, a quarter yellow
    shares = {"yellow": (1 + 0.25) / 2, "one bit": (1 + 0.75) / 2, "gray within 10": 0.25 / 2}
    assert row == {"n": 2} | shares


def test_gray_within_counts_pixels():
    ab = np.zeros((1, 2, 2, 2), np.float32)
    ab[0, 0] = (6, 8), (7, 8)  # 10 and 10.6 from gray
    assert experiments.gray_within(ab) == 0.75
    assert experiments.gray_within(color.ab(np.zeros((1, 4, 4, 3), np.uint8))) == 1


# The classifiers


@pytest.mark.parametrize("name", ["course_L", "course_RGB"])
def test_a_classifier_is_made_by_its_experiment(name, monkeypatch, tmp_path):
    found, asked = EXPERIMENTS[f"04/{name}"], []
    monkeypatch.setattr(scene_classes, "make", lambda *arguments: asked.append(arguments) or {})
    run = Run(tmp_path)
    found.function(run)
    assert asked == [(name, run, 24, 64)] and found.models == (name,)
    assert (files.CHECKPOINTS / f"{name}.onnx").is_file()
