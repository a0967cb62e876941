"""Experiments of lesson 07 at toy size: what they return, and that their measures measure that."""

from types import SimpleNamespace

import numpy as np
import pytest
from experiment_toys import ADDED
from lesson_code import noise

from course_utils import color, course, metrics, networks, photos, systems
from experiments import lesson_07 as experiments
from experiments.runner import Run

L = experiments.L


def same_form(result, name, *parts):
    """A result has the keys of the stored one, and so have these parts of it."""
    stored = course.result(name)
    assert set(result) == set(stored) - ADDED
    for part in parts:
        assert set(result[part]) == set(stored[part])


def toy_seen(rgb):
    """Networks that describe a picture by a few of its pixels, and name one of six classes."""
    means = np.stack([np.asarray(x, np.float64).mean(-1).ravel()[:6] for x in rgb]) / 255
    p = (means + 0.1) / (means + 0.1).sum(1, keepdims=True)
    return {"MobileNetV2": means, "Lite0": 3 * means, "Lite0, last": means, "p": p}


@pytest.fixture
def toy(monkeypatch):
    """Fifty photographs of noise, and toy networks."""
    monkeypatch.setattr(experiments, "seen", toy_seen)
    monkeypatch.setattr(experiments.data, "diverse", lambda: (noise(50, 24), None))


def test_redraws(tmp_path):
    result = experiments.redraws(Run(tmp_path), n=3)
    same_form(result, "07/redraws", "ssim", "psnr")
    assert {len(values) for values in result["ssim"].values()} == {3}


# Measures


def test_one_pass_gives_what_the_networks_give():
    rgb, found = noise(3, 32), experiments.seen(noise(3, 32))
    lite0, mobile = (networks.features(name) for name in ("Lite0", "MobileNetV2"))
    close = {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(found["MobileNetV2"], mobile.embed(rgb), **close)
    np.testing.assert_allclose(found["Lite0"], lite0.embed(rgb, "stride16"), **close)
    np.testing.assert_allclose(found["Lite0, last"], lite0.embed(rgb), **close)
    np.testing.assert_allclose(found["p"], lite0.classify(rgb), **close)


def test_halves_are_disjoint_and_the_same_for_every_row():
    drawn = experiments.halves(50, 20, seed=1)
    assert len(drawn) == experiments.DRAWS
    assert all(len({*a, *b}) == 40 and max(*a, *b) < 50 for a, b in drawn)
    again = experiments.halves(50, 20, seed=1)
    assert all((a == b).all() for a, b in zip(drawn, again))


def test_the_kernel_has_no_bias_and_the_frechet_distance_has_one():
    rng = np.random.default_rng(0)
    sets = rng.normal(size=(200, 2, 15, 4))  # of one distribution
    kernels = metrics.bootstrap([experiments.kernel(*pair) for pair in sets])
    assert kernels[1] < 0 < kernels[2]
    assert min(experiments.frechet(*pair) for pair in sets) > 0.1
    x, y = rng.normal(size=(2, 60, 4))
    assert experiments.frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert experiments.kernel(x, y + 2) > 1 < experiments.frechet(x, y + 2)


def test_fewer_pictures_than_features_are_measured():
    x, y = np.random.default_rng(0).normal(size=(2, 5, 30))
    assert np.isfinite(experiments.frechet(x, y))


def test_changes_touch_what_they_say():
    rgb = noise(1, 40)[0] // 8 + 112  # nothing leaves the gamut
    for of, kept, moved in (("L", color.ab, color.L), ("ab", color.L, color.ab)):
        new = experiments.only(rgb, L.one_right, of)
        assert np.abs(kept(new) - kept(rgb)).mean() < 1 < np.abs(moved(new) - moved(rgb)).mean()
    for change in experiments.changes().values():
        assert change(rgb).dtype == np.uint8 and change(rgb).shape == rgb.shape


def test_conventions_on_a_gray_copy():
    rgb = noise(4, 32)
    rgb[2:] //= 8  # a dark one, whose errors are small
    hats = np.stack([metrics.paint_gray(x) for x in rgb])
    found = experiments.conventions(rgb, hats)
    assert found["PSNR, mean of the pictures"] == pytest.approx(
        metrics.psnr(rgb, hats).mean(), 1e-4
    )
    whole = metrics.psnr(np.concatenate(rgb), np.concatenate(hats))
    assert found["PSNR, all pixels at once"] == pytest.approx(whole, 1e-4)
    assert whole < found["PSNR, mean of the pictures"] < found["PSNR at half the size"]
    assert found["SSIM, 7 × 7 windows"] < found["SSIM, range given as 2"]
    assert found["SSIM of the luminance"] > 0.9 > found["SSIM, 7 × 7 windows"]


def test_class_scores_rise_with_the_number_of_pictures():
    p = np.random.default_rng(0).dirichlet(np.full(9, 0.3), 130)
    found = experiments.class_scores(p, seed=1)
    means = [found[n][0] for n in ("15", "30", "60", "120", "130")]
    assert means == sorted(means) and means[-1] == pytest.approx(metrics.inception_score(p))


# Whole experiments


def test_changed(tmp_path, toy):
    result = experiments.changed(Run(tmp_path), n=40)
    same_form(result, "07/changes", "ssim")
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == [row["name"] for row in course.result("07/changes")["rows"]]
    exchanged, truth = rows["pairs exchanged"], rows["truth"]
    assert exchanged["class_score"] == truth["class_score"]
    assert exchanged["frechet"] == truth["frechet"] and exchanged["ssim"][0] < 0.5
    assert truth["frechet_own"]["MobileNetV2"] == pytest.approx(0, abs=1e-9)
    assert truth["psnr"] is None and truth["ssim"] == [1, 1, 1] and rows["gray"]["gap"][0] > 10
    assert len(result["ssim"]["one pixel right, L only"]) == 40


def test_the_same_photographs_are_chosen_again(toy):
    few = experiments.chosen(20)
    assert (few == experiments.chosen(20)).all() and len(np.unique(few, axis=0)) == 20


def test_scores(tmp_path, toy, monkeypatch):
    gray = SimpleNamespace(colorize=metrics.paint_gray)
    monkeypatch.setattr(experiments.Colorizer, "load", lambda name: gray)
    result = experiments.scores(Run(tmp_path), n=40)
    same_form(result, "07/scores", "by_picture", "conventions")
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == ["truth", "gray", "own mean ab", *systems.SYSTEMS, "pairs exchanged"]
    assert rows["S4"] | {"name": "gray"} == rows["gray"]
    assert len(result["by_picture"]["S2"]["psnr"]) == 40


def test_bias(tmp_path, toy, monkeypatch):
    monkeypatch.setattr(experiments.data, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(photos, "load", lambda *x, limit, color_only: noise(limit, 16))
    result = experiments.bias(Run(tmp_path), n=160, size=16, least=10, times=20)
    same_form(result, "07/bias", "curves")
    curve = result["curves"]["MobileNetV2"]
    assert set(curve) == set(course.result("07/bias")["curves"]["MobileNetV2"])
    assert curve["N"][0] == 10 and curve["N"][-1] == 80
    real = np.array(curve["real"])[:, 0]
    assert (np.diff(real) < 0).all() and real[-1] < 0.4 * real[0]
