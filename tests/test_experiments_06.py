"""Experiments of lesson 06 at toy size: what they return, and that they survive a kill."""

import numpy as np
import pytest
import torch
from experiment_toys import ADDED, Killed

from course_utils import course, paintbox, training
from experiments import lesson_06 as experiments
from experiments.runner import Run

TOY = {"n": 8, "epochs": (1, 2), "n_test": 10, "seeds": (1,)}


def untimed(value):
    """A result without the minutes that training took."""
    if isinstance(value, dict):
        return {k: untimed(v) for k, v in value.items() if k != "minutes"}
    return [untimed(v) for v in value] if isinstance(value, list | tuple) else value


def killed_after(states, experiment, run, **toy):
    """Run an experiment that dies when training has written this many states."""
    whole, written = training.keep_torch, []

    def keep(folder, *arguments, **parts):
        whole(folder, *arguments, **parts)
        written.append(folder)
        if len(written) == states:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "keep_torch", keep)
        with pytest.raises(Killed):
            experiment(run, **toy)


def same_form(result, name, *parts):
    """A result has the keys of the stored one, and so have these parts of it."""
    stored = course.result(name)
    assert set(result) == set(stored) - ADDED
    for part in parts:
        assert set(result[part]) == set(stored[part])


# Paintbox


def test_paintbox(tmp_path):
    whole = experiments.with_and_without(Run(tmp_path / "whole"), **TOY)
    same_form(whole, "06/paintbox", "floor", "exact", "arms", "rows")
    assert whole["exact"]["the truth"]["near"][0] == 1
    starts = [path.name for path in (tmp_path / "whole").iterdir()]
    assert starts == ["1"], "shared by both arms"
    killed = Run(tmp_path / "killed")
    killed_after(4, experiments.with_and_without, killed, **TOY)  # in the middle of the game
    assert untimed(experiments.with_and_without(killed, **TOY)) == untimed(whole)


@pytest.mark.parametrize("lost", [None, "adam_D", "D"])
def test_a_game_goes_on_as_if_never_interrupted(tmp_path, monkeypatch, lost):
    """With D's grain; without a player, or what its Adam knows, it goes another way."""
    eight = paintbox.sample(8, size=64, seed=1)

    def play(folder=None):
        epoch = experiments.scenes_for(eight, 1, "cpu")
        G, _ = experiments.train_arm(10.0, 1, epoch, [5e-4] * 3, "cpu", folder=folder)
        return G.state_dict()

    restore = training.restore_torch
    monkeypatch.setattr(
        training,
        "restore_torch",
        lambda *x, **parts: restore(*x, **{k: v for k, v in parts.items() if k != lost}),
    )
    killed_after(1, play, tmp_path)
    whole, again = play(), play(tmp_path)
    assert all(torch.equal(whole[name], again[name]) for name in whole) == (lost is None)


def test_a_state_of_another_training_is_refused(tmp_path, monkeypatch):
    scenes = [paintbox.sample(4, 64, seed=seed) for seed in (1, 2)]
    known = {"lam": 10.0, "seed": 1, "scenes": scenes[0], "epochs": (1, 1)}

    def train(**changed):
        return experiments.two_parts(Run(tmp_path), **known | changed)[1]

    rows = train()
    assert train() == rows
    for changed in ({"scenes": scenes[1]}, {"epochs": (1, 2)}, {"epochs": (2, 1)}):
        with pytest.raises(ValueError, match="was trained with another"):
            train(**changed)
    monkeypatch.setattr(experiments, "RATE", 1e-4)
    with pytest.raises(ValueError, match="another rates"):
        train()


def test_the_rate_falls_in_the_last_half_of_the_second_part(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        experiments,
        "train_arm",
        lambda lam, seed, epoch, rates, *x, **more: asked.append(rates) or (None, []),
    )
    experiments.two_parts(Run(tmp_path), None, 1, None, (2, 4))
    np.testing.assert_allclose(np.array(asked[0] + asked[1]) / 5e-4, [1, 1, 1, 1, 1, 0.5])


def test_steps_are_of_half_precision():
    network, x = torch.nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)
    with experiments.half_precision():
        assert network(x).dtype == torch.bfloat16
        assert network.weight.dtype == torch.float32


# What is measured of objects


def test_objects_are_found_one_by_one():
    scenes = paintbox.sample(40, 64, seed=5)
    found = experiments.objects(scenes)
    for number, kind, places in found:
        names = scenes.regions[number].ravel()[places]
        index = paintbox.NAMES.index(experiments.KINDS[kind])
        assert (names == index).all() and len(places) >= 10
    per_scene = np.bincount([n for n, k, _ in found if k == 0], minlength=40)
    assert per_scene.max() == 2  # never more than two balloons


def test_measures_of_a_collapse_and_of_confetti():
    scenes = paintbox.sample(60, 64, seed=5)
    one, confetti = np.zeros_like(scenes.ab), np.zeros_like(scenes.ab)
    rng = np.random.default_rng(1)
    for kind, colors in zip(experiments.KINDS, experiments.PALETTES):
        at = scenes.regions == paintbox.NAMES.index(kind)
        one[at] = colors[0, 1:]
        confetti[at] = colors[rng.integers(len(colors), size=at.sum()), 1:]
    collapsed, mixed = (experiments.arm_scores(scenes, [ab]) for ab in (one, confetti))
    assert collapsed["near"][0] == 1 and collapsed["spread"][0] == pytest.approx(0, abs=1e-4)
    wanted = np.mean([1 - colors[0, 0] for colors in experiments.PALETTES])
    assert collapsed["variation"][0] == pytest.approx(wanted)
    assert mixed["spread"][0] > 20 and mixed["near"][0] < 0.5


def test_exact_rows_are_a_perfect_generator_and_what_pixel_losses_ask_for():
    rows = experiments.exact_rows(paintbox.sample(60, 64, seed=2))
    assert rows["exact median"]["near"][0] == rows["exact mean"]["near"][0] == 0
    assert rows["another draw"]["near"][0] == 1
    assert rows["another draw"]["l1"][1] > rows["exact median"]["l1"][2]
