"""The experiments of lesson 08 at toy size: the stored results have what they give."""

import numpy as np
import pytest
from lesson_code import noise

from course_utils import course, leaderboard
from experiments import lesson_08 as experiments
from experiments.runner import PROTOCOL, Run


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


@pytest.fixture(autouse=True)
def one_system(monkeypatch):
    model = leaderboard.admit("03_global_local_fusion")
    monkeypatch.setattr(leaderboard, "shipped", lambda: {"03_global_local_fusion": model})


def same_keys(found, stored):
    """Whether a result has the stored one's keys; of several systems it may have fewer."""
    own = {"table", "systems"}
    return set(found) <= set(stored) and all(
        set(value) <= set(stored[key]) if key in own else set(value) == set(stored[key])
        for key, value in found.items()
        if isinstance(value, dict)
    )


def test_the_rooms(run):
    result = experiments.study_power(run, audiences=3, persons=4, pictures=5)
    assert set(PROTOCOL) <= set(result)
    assert same_keys(result, course.result("08/study_power"))


def test_an_interval_that_draws_people_is_wider_where_people_differ():
    said = experiments.study.audience(0.8, 20, 50, 1.0, 0.0, 3)
    found = experiments.intervals(said)
    width = {name: high - low for name, (low, high) in found.items()}
    assert width["whole people drawn"] > 2 * width["Wilson, as if independent"]
    assert all(low <= said.mean() <= high for low, high in found.values())


def test_the_gallery(run, monkeypatch):
    red = np.zeros((3, 40, 40, 3), np.uint8) + np.uint8([190, 40, 30])
    red[:, :20] = (40, 60, 190)
    rgb = np.concatenate([noise(3, 40) // 8, red])
    monkeypatch.setattr(experiments, "judged_photographs", lambda size: rgb)
    monkeypatch.setattr(experiments, "installed", lambda side: [noise(1, 24)[0], noise(1, 20)[0]])
    result = experiments.gallery(run, n=2)
    assert set(PROTOCOL) <= set(result)
    assert result["n_red"] == 3, "of noise, none is strongly colored"
    (rows,) = result["systems"].values()
    assert rows["old"]["clean"]["more ab"] == [0, 0, 0] and set(rows["hard"]) > {"16 pixels"}
    stored = course.result("08/gallery")["systems"]["S1"]
    assert set(rows) == set(stored) and set(rows["old"]) == set(stored["old"])
    assert set(rows["hues"]) == {"red", "blue", "others less red"} < set(stored["hues"])


def test_the_share_that_returns_is_a_projection():
    ab = np.full((12, 12, 2), (50.0, 30.0), np.float32)
    assert set(experiments.pixels_by_hue(ab)) == {"red"}
    assert experiments.pixels_by_hue(ab / 3) == {}, "too pale"
    assert experiments.pixels_by_hue(ab[:5]) == {}, "too few pixels"
