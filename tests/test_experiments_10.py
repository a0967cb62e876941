"""Experiments of lesson 10 at toy size: what they return, and what the stored results say."""

from types import SimpleNamespace

import numpy as np
import pytest
from experiment_toys import ADDED
from lesson_code import noise

from course_utils import course, photos
from experiments import lesson_10 as experiments
from experiments.runner import Run


class Toy:
    """A colorizer whose ab depends on L, so that it flickers with it."""

    size = 32

    def ab(self, L):
        return np.concatenate([L - 50, 50 - L], -1).astype(np.float32)

    def on_threads(self, count):
        return self


@pytest.fixture
def toy(monkeypatch):
    """Photographs of blurred noise, and a toy network."""
    from scipy.ndimage import gaussian_filter

    rough = np.stack([gaussian_filter(x, (2, 2, 0)) for x in noise(6, 120).astype(float)])
    rgb = (128 + 6 * (rough - rough.mean())).clip(0, 255).astype(np.uint8)
    monkeypatch.setattr(photos, "load", lambda source, split, size: rgb[:, :size, :size])
    monkeypatch.setattr(experiments, "Colorizer", SimpleNamespace(load=lambda name: Toy()))
    return rgb


def same_form(result, name, *parts):
    stored = course.result(name)
    assert set(result) == set(stored) - ADDED
    for part in parts:
        assert set(result[part]) == set(stored[part])


def test_pans_at_toy_size(tmp_path, toy):
    result = experiments.panned(Run(tmp_path), n=3, size=64, frames=5)
    same_form(result, "10/pan")
    for rows in result["models"].values():
        row = {r["name"]: r for r in rows}
        assert list(row) == [r["name"] for r in course.result("10/pan")["models"]["S4"]]
        assert row["gray"]["warping"][0] == 0 < row["gray"]["error"][0]
        assert row["truth"]["error"][0] == 0 < row["truth"]["warping"][0]
        calm = row["moving average along the flow"]
        assert calm["warping"][0] < row["frame by frame"]["warping"][0]
        assert len(calm["error_by_clip"]) == 3


def test_memory_at_toy_size(tmp_path):
    result = experiments.memory(Run(tmp_path), n=4, size=32, frames=3)
    same_form(result, "10/memory", "mean", "last")
    assert result["worth"][0] >= 0 and len(result["mean"]["frame"]) == 3


def test_price_at_toy_size(tmp_path, toy):
    result = experiments.price(Run(tmp_path), sizes=(40, 600), rounds=1, working=40)
    same_form(result, "10/price", "filter")
    small, large = result["rows"]["S4"]
    assert small["network at this size"] is not None and large["network at this size"] is None
    assert set(result["filter"]["S1"]) == {"network", "filter"}


@pytest.mark.parametrize("key", experiments.MODELS)
def test_the_filter_is_steadier_than_the_truth_and_no_less_true(key):
    rows = {row["name"]: row for row in course.result("10/pan")["models"][key]}
    frames, calm = rows["frame by frame"], rows["moving average along the flow"]
    assert calm["warping"][0] <= rows["truth"]["warping"][0] < frames["warping"][1]
    assert calm["error"][0] <= frames["error"][0]
    assert rows["gray"]["warping"][0] == 0 and rows["gray"]["error"][0] > calm["error"][0]


def test_memory_is_worth_more_than_its_interval():
    found = course.result("10/memory")
    assert found["worth"][1] > 0 and found["mean"]["frame"][0] == found["mean"]["memory"][0]


@pytest.mark.parametrize("key", experiments.MODELS)
def test_the_filter_costs_less_than_the_network(key):
    cost = course.result("10/price")["filter"][key]
    assert cost["filter"] < cost["network"]


def test_real_clips_at_toy_size(tmp_path, toy, shared_data):
    result = experiments.clips(Run(tmp_path), size=48, frames=4)
    same_form(result, "10/clips")
    for found in result["models"].values():
        assert set(found) == set(experiments.CLIPS)
        for rows in found.values():
            assert rows["gray"]["warping"] == rows["truth"]["error"] == 0 < rows["gray"]["error"]
