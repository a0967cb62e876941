"""Experiments of lesson 05 at toy size: what they return, and that they survive a kill."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from experiment_toys import ADDED, Killed
from lesson_code import noise

from course_utils import bins, course, metrics, paintbox, training
from experiments import lesson_05 as experiments
from experiments.runner import Run


def killed_after(patch, states):
    """Training dies when it has written this many states."""
    whole, written = training.keep_torch, []

    def keep(folder, rows, *arguments, **parts):
        whole(folder, rows, *arguments, **parts)
        written.append(folder)
        if len(written) == states:
            raise Killed

    patch.setattr(training, "keep_torch", keep)


def untimed(value):
    """A result without what two runs cannot share: minutes."""
    if isinstance(value, dict):
        value = {k: untimed(v) for k, v in value.items() if k != "minutes"}
    return [untimed(v) for v in value] if isinstance(value, list) else value


def survives(experiment, tmp_path, states=3, **toy):
    """The result of a run, which equals that of one that was killed after some epochs."""
    whole = experiment(Run(tmp_path / "whole"), **toy)
    with pytest.MonkeyPatch.context() as patch:
        killed_after(patch, states)
        with pytest.raises(Killed):
            experiment(Run(tmp_path / "killed"), **toy)
    assert list((tmp_path / "killed").rglob("epoch_001.pt")), "nothing to go on with"
    assert untimed(experiment(Run(tmp_path / "killed"), **toy)) == untimed(whole)
    return whole


def same_form(result, name, *parts):
    """A result has the keys of the stored one, and so have these parts of it."""
    stored = course.result(name)
    assert set(result) == set(stored) - ADDED
    for part in parts:
        assert set(result[part]) == set(stored[part])


# The report's network and its loss


def test_the_network_is_the_published_one():
    network = experiments.body()
    convs = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    assert sum(x.numel() for x in network.parameters()) == 32_232_889
    assert [layer.stride[0] for layer in convs].count(2) == 3
    assert [layer.dilation[0] for layer in convs].count(2) == 6
    assert len(convs) == 22 and convs[-1].out_channels == 313
    for size, small in (((64, 64), (16, 16)), ((24, 40), (6, 10))):
        answer = experiments.body(thin=8)(torch.zeros(2, 1, *size))
        assert answer.shape == (2, 313, *small)


@pytest.mark.parametrize("kind", ["plain", "inside", "top"])
def test_the_loss_is_least_where_the_lesson_says(kind):
    """The gradient vanishes at p, p · w or E[v(Z) Z], and nowhere near."""
    share, ab = paintbox.support("balloon")
    z = bins.dense(*bins.encode(ab)).astype(float)
    w = bins.rebalance(bins.prior(paintbox.sample(40, size=64, seed=1).ab))
    wanted = {"plain": share @ z, "inside": (share @ z) * w, "top": (share * w[z.argmax(1)]) @ z}
    wanted = wanted[kind] / wanted[kind].sum()
    loss = experiments.cross_entropy(None if kind == "plain" else w, inside=kind == "inside")
    count = np.round(2500 * share).astype(int)  # 25 shifts of four colors in hundredths: whole
    crowd = torch.tensor(np.repeat(ab, count, axis=0).T[None, :, None], dtype=torch.float32)

    def gradient(q):
        logits = torch.tensor(q + 1e-12, dtype=torch.float32).log().requires_grad_()
        loss(logits[None, :, None, None].expand(1, 313, 1, crowd.shape[-1]), crowd).backward()
        return logits.grad.abs().max()

    assert gradient(wanted) < 1e-4
    assert gradient(wanted[::-1].copy()) > 0.05


def test_one_pixel_of_sixteen_stands_for_the_mean_of_the_codes():
    ab = np.moveaxis(paintbox.sample(1, 64, seed=4).ab, -1, 1)
    codes = []
    for row in range(4):
        for column in range(4):
            rng = SimpleNamespace(integers=lambda n, size, at=(row, column): at)
            small = experiments.one_of_sixteen(torch.from_numpy(ab), rng)  # (1, 2, 16, 16)
            codes.append(bins.dense(*bins.encode(small.movedim(1, -1).numpy())))
    full = bins.dense(*bins.encode(np.moveaxis(ab, 1, -1)))
    pooled = full.reshape(1, 16, 4, 16, 4, 313).mean((2, 4))
    np.testing.assert_allclose(np.mean(codes, axis=0), pooled, atol=1e-6)


def test_pictures_of_any_size_are_padded():
    raw = experiments.answers(experiments.body(thin=8), np.full((2, 30, 18, 1), 50, np.float32))
    assert raw.shape == (2, 8, 6, 313)
    batch = next(iter(experiments.pairs(noise(4, 30), 0, 1, augmented=False)))
    assert [tuple(x.shape) for x in batch] == [(4, 1, 32, 32), (4, 2, 8, 8)]


@pytest.mark.parametrize(
    ("reported", "rates"), [(True, [1e-3, 1e-3, 1e-4]), (False, [1e-3, 7.5e-4, 2.5e-4])]
)
def test_the_rate_falls_as_it_is_said(tmp_path, monkeypatch, reported, rates):
    """The report's when the loss stands still, the other one along a cosine."""

    def still(logits, ab):
        return 0 * logits.mean() + 1

    monkeypatch.setattr(experiments, "loss_of", lambda arm, w: (still, 313))
    monkeypatch.setattr(experiments, "THIN", 32)
    train = experiments.train_arm
    rows = train("plain", np.ones(313), noise(2, 16), 3, Run(tmp_path), "a", reported)[1]
    assert [row["rate"] for row in rows] == pytest.approx(rates)


def test_reliability_of_a_truth_and_of_a_boaster():
    p = np.random.default_rng(2).dirichlet(np.full(313, 0.02), (3, 8, 8))
    table = experiments.reliability(p, p)
    assert table.shape == (10, 3) and table[:, 0].sum() == pytest.approx(1)
    assert experiments.calibration_error(table) == pytest.approx(0, abs=1e-12)
    boast = p**3 / (p**3).sum(-1, keepdims=True)
    gap = np.take_along_axis(boast - p, p.argmax(-1)[..., None], -1).mean()
    table = experiments.reliability(boast, p)
    assert experiments.calibration_error(table) == pytest.approx(gap)


# Paintbox


def test_paintbox(tmp_path):
    result = survives(experiments.on_paintbox, tmp_path, n=16, epochs=2, n_test=4)
    same_form(result, "05/paintbox", "floor", "losses", "perfect", "arms")
    stored = course.result("05/paintbox")
    for arm, scores in result["arms"].items():
        assert set(scores) == set(stored["arms"][arm])
        assert len(result["losses"][arm]) == 2
    assert result["perfect"]["regret"][0] == pytest.approx(0, abs=1e-5)
    for key in ("exact prices", "native prices", "stretched mean"):
        assert np.shape(result[key]) == np.shape(stored[key])
    assert list(result["T"]) == stored["T"]


def test_a_state_of_another_arm_or_of_other_scenes_is_refused(tmp_path):
    scenes = [paintbox.sample(16, 64, seed=s) for s in (1, 2)]
    w = bins.rebalance(bins.prior(scenes[0].ab))
    run = Run(tmp_path)

    def train(arm="plain", w=w, source=scenes[0], epochs=1, run=run):
        return experiments.train_arm(arm, w, source, epochs, run, "state")[1]

    rows = train()
    assert train() == rows
    other = {"arm": "rebalanced"}, {"w": w[::-1].copy()}, {"source": scenes[1]}, {"epochs": 2}
    for changed in (*other, {"run": Run(tmp_path, seed=2)}):
        with pytest.raises(ValueError, match="was trained with another"):
            train(**changed)


def test_dividing_by_the_weights_restores_the_truth():
    rng = np.random.default_rng(2)
    w = bins.rebalance(rng.dirichlet(np.full(313, 0.5)))
    p = rng.dirichlet(np.full(313, 0.1), (2, 3))
    q = p * w / (p * w).sum(-1, keepdims=True)
    np.testing.assert_allclose(experiments.restored(q, w), p, atol=1e-6)


def test_prices_of_the_best_answer_and_of_the_truth():
    scenes = paintbox.sample(20, 64, seed=9)
    best = experiments.price(scenes, scenes.expected_ab())
    truth = experiments.price(scenes, scenes.ab)
    gray = experiments.price(scenes, 0 * scenes.ab)
    assert best[1] < min(gray[1], truth[1]) and gray[0] == 0
    assert truth[1] == pytest.approx(2 * best[1], rel=0.15)  # another draw costs the variance twice
    assert truth[2] < 3 < 20 < best[2]


# Photographs


def test_photographs(tmp_path, monkeypatch):
    def of_classes(names, n, size):
        return noise(n * len(names), size, seed=len(names))

    monkeypatch.setattr(experiments, "class_photographs", of_classes)
    monkeypatch.setattr(experiments, "judged_photographs", lambda size: noise(3, size))
    toy = {"n": 10, "n_mixed": 3, "size": 30, "epochs": 2}
    result = survives(experiments.on_photographs, tmp_path, **toy)
    same_form(result, "05/photographs", "gain", "psnr", "rows")
    stored = course.result("05/photographs")
    assert [row["name"] for row in result["table"]] == [row["name"] for row in stored["table"]]
    assert {*result["rows"]["plain"][1]} == {*stored["rows"]["plain"][1]}
    assert result["n"] == 20 and len(result["warm"]) == 3 and len(result["w"]) == 313
    psnr = {row["name"]: row["psnr"][0] for row in result["table"]}
    assert psnr["nearest bin (ceiling)"] > psnr["plain"]


def test_class_photographs_are_all_of_the_training_split(tmp_path, monkeypatch):
    def load(folder, split, size, color_only):
        assert color_only and folder.parent == tmp_path / "intel" / "seg_train"
        value = 2 * ("mountain", "glacier").index(folder.name) + (split == "test")
        return np.full((3, size, size, 3), value, np.uint8)

    monkeypatch.setattr(experiments, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(experiments.photos, "load", load)
    rgb = experiments.class_photographs(("mountain", "glacier"), 5, 24)
    assert rgb.shape == (10, 24, 24, 3)
    assert rgb[:, 0, 0, 0].tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]


def test_photographs_of_any_size_are_padded_and_cropped():
    rgb = noise(1, 30)[0, :, :18]
    for channels in (2, 313):
        hat = experiments.painter(experiments.body(channels, thin=8))(rgb)
        assert hat.shape == rgb.shape and hat.dtype == np.uint8


def test_warm_errors_are_counted_on_warm_pixels_only():
    red = np.full((1, 8, 8, 3), (200, 40, 20), np.uint8)
    red[0, :, 4:] = (20, 40, 200)
    rows = experiments.warm_errors(red, [lambda rgb: rgb, metrics.paint_gray])
    assert rows[0][0] == 32
    assert rows[0][2] == 0 < rows[0][1] == pytest.approx(rows[0][3], rel=1e-2)


def test_the_ceilings_are_near_the_truth():
    rgb = np.round(255 * paintbox.sample(1, 64, seed=3).rgb[0]).astype(np.uint8)
    gray = metrics.psnr(rgb, metrics.paint_gray(rgb))
    assert metrics.psnr(rgb, experiments.nearest_bin(rgb)) > gray + 10
    assert gray + 1 < metrics.psnr(rgb, experiments.quarter_code(rgb))
    smooth = np.full((30, 30, 3), (120, 90, 60), np.uint8)
    assert metrics.psnr(smooth, experiments.quarter_code(smooth)) > 35
