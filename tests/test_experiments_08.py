"""The experiments of lesson 08 at toy size: the stored results have what they give."""

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
    said = experiments.audience(0.8, 20, 50, 1.0, 0.0, 3)
    found = experiments.intervals(said)
    width = {name: high - low for name, (low, high) in found.items()}
    assert width["whole people drawn"] > 2 * width["Wilson, as if independent"]
    assert all(low <= said.mean() <= high for low, high in found.values())


def test_the_gallery(run, monkeypatch):
    monkeypatch.setattr(experiments, "judged_photographs", lambda size: noise(3, 40) // 8)
    result = experiments.gallery(run, n=2)
    assert set(PROTOCOL) <= set(result)
    (rows,) = result["systems"].values()
    assert rows["old"]["clean"]["more ab"] == [0, 0, 0] and set(rows["hard"]) > {"16 pixels"}
    stored = course.result("08/gallery")["systems"]["S1"]
    assert set(rows) == set(stored) and set(rows["old"]) == set(stored["old"])
