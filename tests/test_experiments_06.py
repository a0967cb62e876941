"""Experiments of lesson 06 at toy size: what they return, and that they survive a kill."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from experiment_toys import ADDED, Killed
from lesson_code import noise

from course_utils import color, course, metrics, networks, paintbox, photos, training
from course_utils.colorizer import Colorizer
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


def test_collapse_and_lambda(tmp_path):
    broken = experiments.collapse(Run(tmp_path / "collapse"), **TOY)
    same_form(broken, "06/collapse", "arms", "rows", "pictures")
    assert all("hits" in rows[-1] for rows in broken["rows"].values())
    swept = experiments.weight_of_L1(Run(tmp_path / "lambda"), **TOY)
    same_form(swept, "06/lambda", "arms")
    assert set(swept["arms"]["0"]) == set(course.result("06/lambda")["arms"]["0"])


@pytest.mark.parametrize("lost", [None, "adam_D", "D"])
def test_a_game_goes_on_as_if_never_interrupted(tmp_path, monkeypatch, lost):
    """With dropout and grain; without a player, or what its Adam knows, it goes another way."""
    eight = paintbox.sample(8, size=64, seed=1)
    arm = torch.nn.functional.l1_loss, 10, (3, 4)

    def play(folder=None):
        G, _ = L.train_arm(arm, 1, L.scenes_for(eight, 1, "cpu"), 3, "cpu", folder=folder)
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

    def train(rates=L.RATES, **changed):
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
    quiet = [L.paint(L.asleep(G), light) for _ in range(2)]
    moved = [L.paint(experiments.awake(G), light) for _ in range(2)]
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
    same_form(result, "06/photographs", "gain", "psnr", "rows", "album")
    rgb, plans = {32: noise(80, 32)}, PLANS.values()
    whole = experiments.trained(Run(tmp_path / "whole" / "photographs"), rgb, *plans)[1]
    assert untimed(result["rows"]) == {arm: untimed(rows) for arm, (_, rows) in whole.items()}
    for arm, (G, _) in experiments.trained(run, rgb, *plans)[1].items():
        ours, theirs = G.state_dict(), whole[arm][0].state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def never(*arguments, **parts):
    raise AssertionError("trained again")


def test_checkpoint(tmp_path, toy_photographs, monkeypatch):
    sent = {}
    monkeypatch.setattr(
        experiments, "ship", lambda path, name, table: sent.update({name: (path, table)}) or path
    )
    costs = ("scenes, as in the lesson",)  # the others take long
    experiments.trained(Run(tmp_path / "photographs"), {32: noise(80, 32)}, *PLANS.values())
    monkeypatch.setattr(training, "keep_torch", never)  # 06/photographs has trained it
    result = experiments.checkpoint(Run(tmp_path / "checkpoint"), **PLANS, costs=costs)
    stored = course.result("06/checkpoint")
    same_form(result, "06/checkpoint")
    assert [row["name"] for row in result["table"]] == [row["name"] for row in stored["table"]]
    (row,) = result["costs"]
    assert len(row) == len(stored["costs"][0]) and row[3] == stored["costs"][0][3]
    assert row[5] == pytest.approx(stored["costs"][0][5], rel=0.01)
    path, table = sent[experiments.NAME]
    model = Colorizer.load(path)
    assert table == result["table"] and model.size == 32
    assert set(model.metadata) == set(Colorizer.load(experiments.NAME).metadata)


def test_the_file_predicts_what_the_generator_does(tmp_path):
    torch.manual_seed(1)
    rows, light = [{"minutes": 2.0}], color.L(noise(1, 96))
    arms = {"shared start": (L.compact(32, (3, 4)), rows), "L1": (L.compact(32, (3, 4)), rows)}
    given = Run(tmp_path), tmp_path / "x.onnx", "L1", arms, {32: noise(80, 32)}
    model = experiments.export(*given, list(PLANS.values()))
    assert np.abs(L.paint(L.asleep(arms["L1"][0]), light) - model.ab(light)).max() < 0.5
    assert model.metadata["minutes"].startswith("4, on ")
    assert model.metadata["data"].startswith("16 photographs")


def test_kept_bytes_are_counted_once():
    x = torch.ones(10, 10, requires_grad=True)
    assert experiments.kept_bytes(lambda: x * x) == 400
    assert experiments.kept_bytes(lambda: (x * x) * x) == 800


# Scores


def test_redraws(tmp_path):
    result = experiments.redraws(Run(tmp_path), n=3)
    same_form(result, "06/redraws", "ssim", "psnr")
    assert {len(values) for values in result["ssim"].values()} == {3}


def test_changes_touch_what_they_say():
    rgb = noise(1, 40)[0] // 8 + 112  # nothing leaves the gamut
    for of, kept, changed in (("L", color.ab, color.L), ("ab", color.L, color.ab)):
        new = experiments.only(rgb, L.one_right, of)
        assert np.abs(kept(new) - kept(rgb)).mean() < 1 < np.abs(changed(new) - changed(rgb)).mean()
    for change in experiments.changes().values():
        assert change(rgb).dtype == np.uint8 and change(rgb).shape == rgb.shape


def test_disjoint_halves_and_the_same_draws_for_every_row():
    x = np.random.default_rng(0).normal(size=(100, 5))
    d = experiments.distances(x, x, 40, seed=1, times=6)
    assert d.shape == (6,) and (d > 0).all()  # the same rows on both sides would give 0
    np.testing.assert_array_equal(d, experiments.distances(x, x, 40, seed=1, times=6))
    assert (experiments.distances(x, x + 3, 40, seed=1, times=6) > 40).all()


def test_probabilities_of_a_network_with_and_without_classes():
    logits = np.random.default_rng(1).normal(size=(4, 7))
    named = SimpleNamespace(classes=["a"], classify=lambda rgb: "p")
    plain = SimpleNamespace(classes=None, embed=lambda rgb: logits)
    assert experiments.class_probabilities(named, None) == "p"
    p = experiments.class_probabilities(plain, None)
    np.testing.assert_allclose(p.sum(1), 1)
    assert 1 < metrics.inception_score(p) < 7


def toy_network(name="toy", weights="auto"):
    """A network that describes a picture by the means of a few pixels."""

    def embed(rgb):
        means = [np.asarray(picture, np.float32).mean(-1).ravel()[:6] for picture in rgb]
        return np.stack(means) / 255

    def classify(rgb):
        x = embed(rgb) + 0.1
        return x / x.sum(1, keepdims=True)

    about = {"name": name, "width": 6, "classes": list("abcdef")}
    return SimpleNamespace(**about, embed=embed, classify=classify)


def test_scores(tmp_path, toy_photographs, monkeypatch):
    monkeypatch.setattr(networks, "features", toy_network)
    monkeypatch.setattr(experiments.data, "judged_photographs", lambda: noise(50, 24))
    result = experiments.scores(Run(tmp_path / "scores"), **PLANS)
    same_form(result, "06/scores")
    assert np.shape(result["p"]) == (50, 6)
    stored = course.result("06/scores")
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == [row["name"] for row in stored["rows"]]
    assert set(rows["gray"]) >= set(stored["rows"][0])  # and metrics that are newer
    exchanged, truth = rows["pairs exchanged"], rows["truth"]
    assert exchanged["class_score"] == pytest.approx(truth["class_score"], rel=1e-9)
    assert exchanged["frechet"] == truth["frechet"]
    assert exchanged["ssim"][0] < 0.5 < truth["ssim"][0]
    assert rows["gray"]["n_frechet"] == 25 and len(result["ssim of gray"]) == 50


def test_bias(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "features", toy_network)
    monkeypatch.setattr(experiments.data, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(photos, "load", lambda *x, limit, color_only: noise(limit, 16))
    monkeypatch.setattr(experiments, "curves", lambda rgb, network, counts, seed: len(counts))
    result = experiments.bias(Run(tmp_path), n=3200, size=16)
    same_form(result, "06/bias", "curves")
    assert result["curves"] == {"course_RGB": 6, "MobileNet": 6}


def test_real_against_real_falls_to_nothing():
    curve = experiments.curves(noise(400, 16), toy_network(), [24, 48, 96, 192], 1, times=30)
    assert set(curve) == set(course.result("06/bias")["curves"]["MobileNet"])
    real = np.array(curve["real"])[:, 0]
    assert (np.diff(real) < 0).all()
    c, a = np.polyfit(1 / np.array(curve["N"]), real, 1)
    assert c > 0 and abs(a) < 0.2 * real[0]
