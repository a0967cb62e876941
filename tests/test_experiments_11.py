"""Experiments of lesson 11 at toy size: what they return, and what the stored results say."""

import numpy as np
import pytest
import torch
from experiment_toys import ADDED

from course_utils import course, paintbox
from experiments import lesson_11 as experiments
from experiments.runner import Run

BALLOON, SKY = paintbox.NAMES.index("balloon"), paintbox.NAMES.index("sky")


@pytest.fixture(scope="module")
def scenes():
    return paintbox.sample(12, 32, seed=5)


def test_evenly_tells_as_many_pixels(scenes):
    luck = np.random.default_rng(1).random(scenes.parts[0].shape)
    for count in (0, 1, 3):
        assert experiments.evenly(scenes.parts[0], np.arange(count), luck).sum() == count


def test_obedience_of_the_obedient_and_the_deaf(scenes):
    def obeys(L, hints):
        return hints[:, :2]

    def deaf(L, hints):
        return torch.full_like(hints[:, :2], 5)

    for part in (BALLOON, SKY):
        assert experiments.obedience(obeys, scenes, part, (40, -40)) == pytest.approx(1)
        assert experiments.obedience(deaf, scenes, part, (40, -40)) == pytest.approx(0)


def test_hints_at_toy_size_and_continued(tmp_path, monkeypatch):
    small = {"n": 20, "n_test": 6, "half": 2, "full": 1}
    result = experiments.on_hints(Run(tmp_path), **small)
    assert set(result) == set(course.result("11/hints")) - ADDED
    stages = result["arms"]["by object"]["stages"]
    assert [row["size"] for row in stages] == [32, 64] and np.isfinite(stages[0]["losses"][0])
    module = vars(experiments.L._module)
    learn = module["learn"]
    monkeypatch.setitem(module, "learn", None)  # all stages are kept: nothing is trained
    again = experiments.on_hints(Run(tmp_path), **small)
    assert again["arms"]["evenly"]["hints"] == result["arms"]["evenly"]["hints"]
    monkeypatch.setitem(module, "learn", learn)
    with pytest.raises(ValueError, match="another"):
        experiments.on_hints(Run(tmp_path), **small | {"full": 2})


def test_stored_hints_keep_the_goal():
    stored = course.result("11/hints")
    taught, spread = (stored["arms"][arm] for arm in ("by object", "evenly"))
    assert taught["hints"]["all"]["error"] <= 3 * stored["noise"]
    assert taught["stages"][0]["hints"]["all"]["error"] <= 3 * stored["noise"]
    assert taught["hints"]["all"]["error"] < spread["hints"]["all"]["error"]


# Color queries.

SMALL = {"n": 16, "n_test": 4, "size": 64, "half": 1, "full": 1}


def test_the_networks_have_one_size():
    sizes = [sum(x.numel() for x in make().parameters()) for make in experiments.NETWORKS.values()]
    assert max(sizes) < 1.02 * min(sizes)


def test_queries_at_toy_size_and_continued(tmp_path, monkeypatch):
    kept = {name: experiments.NETWORKS[name] for name in ("no queries", "queries only")}
    monkeypatch.setattr(experiments, "NETWORKS", kept)
    found = experiments.queries(Run(tmp_path), **SMALL)
    assert set(found) == set(course.result("11/queries")) - ADDED
    plain, only = found["rows"]
    assert "added" not in plain and set(only["added"]) == set(experiments.L.CHANGES[1:])
    for mean, low, high in (plain["regret"], only["regret"], *only["added"].values()):
        assert low <= mean <= high
    monkeypatch.setitem(vars(experiments.L._module), "learn", None)  # nothing is trained again
    assert experiments.queries(Run(tmp_path), **SMALL) == found


def test_stored_queries_matter_where_color_has_no_other_way():
    _, past, form, only = course.result("11/queries")["rows"]
    highest = max(x[2] for x in past["added"].values())
    assert highest < min(x[1] for x in only["added"].values())
    assert form["added"]["other picture"][2] < only["added"]["other picture"][1]


# Flow matching.


def test_exact_samples_score_as_they_should():
    scenes = paintbox.sample(30, 32, seed=2)
    draws = np.stack([paintbox.sample(30, 32, seed=2, draw=d).ab for d in range(1, 41)])
    found = experiments.scored(scenes, draws)
    assert found["near"] == 1 and found["spread"] == pytest.approx(2.2, abs=0.15)
    assert found["frequencies"] < 0.05
    assert found["mean"] == pytest.approx(scenes.variance().mean() / 40, rel=0.2)


def test_the_mean_is_near_no_palette_and_one_color_has_the_wrong_frequencies():
    scenes = paintbox.sample(30, 32, seed=2)
    mean = experiments.scored(scenes, scenes.expected_ab()[None])
    assert mean["near"] == 0 and mean["mean"] < 1e-6
    always = scenes.expected_ab()
    for i, name in enumerate(paintbox.NAMES):
        if i in experiments.L.DRAWN:
            always[scenes.regions == i] = max(paintbox.palette(name))[1:]
    found = experiments.scored(scenes, always[None])
    assert found["near"] == 1 and found["spread"] == 0 and found["frequencies"] > 0.5


def test_flow_at_toy_size(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "WALKS", (1, 16))
    small = {"n": 16, "n_test": 2, "half": 1, "full": 1, "samples": 2}
    found = experiments.flow(Run(tmp_path), **small)
    assert set(found) == set(course.result("11/flow")) - ADDED
    assert [row["size"] for row in found["stages"]] == [32, 64]
    assert set(found["steps"]["16"]) == {"near", "spread", "mean", "frequencies"}


def test_stored_samples_are_in_one_color_and_at_32_px_in_the_right_shares():
    stored = course.result("11/flow")
    for found in (stored["half"]["steps"], stored["steps"]):
        assert found["16"]["near"] >= 0.9 and found["16"]["spread"] <= 3
        assert found["1"]["near"] < 0.1
    smaller = stored["half"]
    assert smaller["steps"]["16"]["frequencies"] <= 0.08
    assert smaller["steps"]["16"]["mean"] <= 1.1 * smaller["exact"]["mean"]  # 64 px is above
