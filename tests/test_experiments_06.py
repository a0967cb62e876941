"""Experiments of lesson 06 at toy size: what they return, and that they survive a kill."""

import numpy as np
import pytest
import torch
from experiment_toys import ADDED, Killed
from lesson_code import noise

from course_utils import color, course, paintbox, training
from experiments import lesson_06 as experiments
from experiments.runner import Run

L = experiments.L
TOY = {"n": 8, "epochs": (1, 1), "n_test": 10}
PLANS = {"shared": ((32, 1e-3),), "apart": ((32, 1e-4),)}


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
    toy = TOY | {"seeds": (1,)}
    whole = experiments.three_losses(Run(tmp_path / "whole"), **toy)
    same_form(whole, "06/paintbox", "floor", "exact", "arms", "rows", "pictures", "noise")
    assert whole["exact"]["the truth"]["near"][0] == 1
    starts = [path.name for path in (tmp_path / "whole").iterdir()]
    assert sorted(starts) == ["l1_loss0_1", "l1_loss2_1", "mse_loss0_1"], "shared by loss and noise"
    killed = Run(tmp_path / "killed")
    killed_after(6, experiments.three_losses, killed, **toy)  # in the middle of the game
    assert untimed(experiments.three_losses(killed, **toy)) == untimed(whole)


@pytest.mark.parametrize("lost", [None, "adam_D", "D"])
def test_a_game_goes_on_as_if_never_interrupted(tmp_path, monkeypatch, lost):
    """With dropout and grain; without a player, or what its Adam knows, it goes another way."""
    eight = paintbox.sample(8, size=64, seed=1)
    arm = torch.nn.functional.l1_loss, 10, (3, 4)

    def play(folder=None):
        G, _ = experiments.train_arm(
            arm, 1, experiments.scenes_for(eight, 1, "cpu"), 3, "cpu", folder=folder
        )
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


def test_a_state_of_another_training_is_refused(tmp_path):
    scenes = [paintbox.sample(4, 64, seed=seed) for seed in (1, 2)]
    known = {"arm": ("l1_loss", 10, ()), "seed": 1, "scenes": scenes[0], "epochs": (1, 1)}

    def train(rates=experiments.RATES, **changed):
        given = known | changed
        return experiments.two_parts(Run(tmp_path), **given, half=False, rates=rates)[1]

    rows = train()
    assert train() == rows
    for changed in ({"scenes": scenes[1]}, {"epochs": (1, 2)}, {"epochs": (2, 1)}):
        with pytest.raises(ValueError, match="was trained with another"):
            train(**changed)
    with pytest.raises(ValueError, match="another rates"):
        train(rates=(1e-4, 2e-4))


def test_precision_is_what_is_asked_for():
    network, x = torch.nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)
    for half, kind in ((True, torch.bfloat16), (False, torch.float32)):
        with experiments.precision(half):
            assert network(x).dtype == kind


def test_dropout_draws_only_when_awake():
    G, light = L.compact(16, (3, 4)), np.full((1, 64, 64, 1), 50, np.float32)
    quiet = [L.colors_of(G.eval(), light) for _ in range(2)]
    moved = [L.colors_of(experiments.awake(G), light) for _ in range(2)]
    assert (quiet[0] == quiet[1]).all() and (moved[0] != moved[1]).any()


# Photographs


@pytest.fixture
def toy_photographs(monkeypatch):
    monkeypatch.setattr(experiments.data, "photographs", lambda size: noise(80, size))
    monkeypatch.setattr(experiments.data, "judged_photographs", lambda: noise(4, 40))


def test_photographs(tmp_path, toy_photographs):
    run = Run(tmp_path / "photographs")
    killed_after(2, experiments.two_arms, run, **PLANS)
    result = experiments.two_arms(run, **PLANS)
    same_form(result, "06/photographs", "gain", "psnr", "rows")
    whole = experiments.photo_arms(run, tmp_path / "whole", {32: noise(80, 32)}, *PLANS.values())
    assert untimed(result["rows"]) == {arm: untimed(rows) for arm, (_, rows) in whole.items()}
    assert all("hits" in row for row in result["rows"]["L1 + GAN"])


def test_the_file_predicts_what_the_generator_does(tmp_path):
    torch.manual_seed(1)
    G, light = L.compact(32, (3, 4)), color.L(noise(1, 96))
    model = experiments.export(tmp_path / "x.onnx", G, 96)
    assert np.abs(L.colors_of(G.eval(), light) - model.ab(light)).max() < 0.5


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
