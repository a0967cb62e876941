"""Lesson 05: its losses want what it says, its measures measure that, its claims can fail."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lesson_code import fails, noise, other, ran, source

from course_utils import bins, course, files, metrics, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson as exports
from experiments.lesson_05 import CHECKPOINT

L = exports("05")
W = bins.rebalance(bins.prior(paintbox.sample(40, size=64, seed=course.SEED).ab))  # (313,)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("05"), tmp_path_factory.mktemp("lesson"))


# The network and its loss


def test_the_network_is_the_published_one():
    network = L.body()
    convs = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    assert sum(x.numel() for x in network.parameters()) == 32_232_889
    assert [layer.stride[0] for layer in convs].count(2) == 3
    assert [layer.dilation[0] for layer in convs].count(2) == 6
    assert len(convs) == 22 and convs[-1].out_channels == 313
    for size, small in (((64, 64), (16, 16)), ((24, 40), (6, 10))):
        answer = L.body(thin=8)(torch.zeros(2, 1, *size))
        assert answer.shape == (2, 313, *small)


@pytest.mark.parametrize("kind", ["plain", "inside", "top"])
def test_the_loss_is_least_where_the_lesson_says(kind):
    """Gradient descent on one block's logits finds p, p · w or E[v(Z) Z]."""
    share, ab = paintbox.support("balloon")
    z = bins.dense(*bins.encode(ab)).astype(float)
    wanted = {"plain": share @ z, "inside": (share @ z) * W, "top": (share * W[z.argmax(1)]) @ z}
    wanted = wanted[kind] / wanted[kind].sum()
    loss = L.cross_entropy(None if kind == "plain" else W, inside=kind == "inside")
    count = np.round(2500 * share).astype(int)  # 25 shifts of four colors in hundredths: whole
    crowd = torch.tensor(np.repeat(ab, count, axis=0).T[None, :, None], dtype=torch.float32)
    q = torch.tensor(wanted + 1e-12, dtype=torch.float32)
    logits = q.log().requires_grad_()
    loss(logits[None, :, None, None].expand(1, 313, 1, crowd.shape[-1]), crowd).backward()
    assert logits.grad.abs().max() < 1e-4
    moved = q.flip(0).log().requires_grad_()
    loss(moved[None, :, None, None].expand(1, 313, 1, crowd.shape[-1]), crowd).backward()
    assert moved.grad.abs().max() > 0.05


def test_one_pixel_of_sixteen_stands_for_the_mean_of_the_codes():
    ab = np.moveaxis(paintbox.sample(1, 64, seed=4).ab, -1, 1)
    codes = []
    for row in range(4):
        for column in range(4):
            rng = SimpleNamespace(integers=lambda n, size, at=(row, column): at)
            small = L.one_of_sixteen(torch.from_numpy(ab), rng)  # (1, 2, 16, 16)
            codes.append(bins.dense(*bins.encode(small.movedim(1, -1).numpy())))
    full = bins.dense(*bins.encode(np.moveaxis(ab, 1, -1)))
    pooled = full.reshape(1, 16, 4, 16, 4, 313).mean((2, 4))
    np.testing.assert_allclose(np.mean(codes, axis=0), pooled, atol=1e-6)


def test_pictures_of_any_size_are_padded():
    network = L.body(thin=8)
    q = L.distribution(network, np.full((2, 30, 18, 1), 50, np.float32), "cpu")
    assert q.shape == (2, 8, 6, 313)
    np.testing.assert_allclose(q.sum(-1), 1, atol=1e-5)
    batch = next(iter(L.pairs(noise(4, 30), 0, "cpu", 1, augmented=False)))
    assert [tuple(x.shape) for x in batch] == [(4, 1, 32, 32), (4, 2, 8, 8)]


def test_everything_stays_on_the_device_that_is_given():
    """The device "meta" computes nothing; what is elsewhere cannot be joined with it."""
    network = L.body(thin=32, device="meta")
    (pair,) = L.pairs(noise(2, 16), 0, "meta", 1)
    assert {x.device.type for x in (pair[0], network(pair[0]), *network.parameters())} == {"meta"}
    assert L.cross_entropy()(network(pair[0]), pair[1]).device.type == "meta"
    two = L.body(2, thin=32, device="meta")
    assert L.squared(two(pair[0]), pair[1]).device.type == "meta"


def still(logits, ab):
    """A loss that nothing improves."""
    return 0 * logits.mean() + 1


def test_the_rate_falls_when_the_loss_stands_still_or_as_planned():
    def learn(rate, epochs):
        def data(number):
            return L.pairs(noise(2, 16), number, "cpu", 1), rate

        return [row["rate"] for row in L.learn(L.body(thin=32), still, data, epochs)]

    assert learn(None, 3) == pytest.approx([1e-3, 1e-3, 1e-4])
    assert learn(5e-4, 2) == [5e-4, 5e-4]


# Calibration


def test_reliability_of_a_truth_and_of_a_boaster():
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.full(313, 0.02), (3, 8, 8))
    table = L.reliability(p, p)
    assert table.shape == (10, 3) and table[:, 0].sum() == pytest.approx(1)
    assert L.calibration_error(table) == pytest.approx(0, abs=1e-12)
    boast = p**3 / (p**3).sum(-1, keepdims=True)
    top = p.argmax(-1)[..., None]
    gap = np.take_along_axis(boast - p, top, -1).mean()
    assert L.calibration_error(L.reliability(boast, p)) == pytest.approx(gap)


# Claims can fail


def test_the_count_of_bins_fails_for_another_gamut(lesson):
    fails(lesson, exists=lambda L: np.ones(529, bool))
    fails(lesson, CENTERS=bins.ab_bins(12))


def test_the_soft_code_fails_when_it_is_hard(lesson):
    def hard(ab, k=5):
        indices, weights = bins.encode(ab, k)
        return indices, np.eye(k, dtype=np.float32)[np.zeros(weights.shape[:-1], int)] + 1e-9

    fails(lesson, bins=other(bins, encode=hard))


def test_the_parameter_count_fails_for_another_network(lesson):
    fails(lesson, body=lambda thin=1: L.body(312, thin))


def test_enlarging_fails_where_the_full_size_is_blurred(lesson):
    fails(lesson, bins=other(bins, decode=lambda p: 0 * bins.decode(p)))


def test_the_weights_fail_when_nothing_is_rebalanced(lesson):
    fails(lesson, bins=other(bins, rebalance=lambda prior, lam: bins.rebalance(prior, 1.0)))


def test_the_perfect_row_fails_for_a_measure_that_sees_nothing(lesson):
    fails(lesson, calibration_error=lambda table: 0.0)


def test_the_calibration_claim_fails_for_exchanged_networks(lesson):
    said = lesson["said"]
    exchanged = {"plain": said["rebalanced"], "rebalanced": said["plain"]}
    fails(lesson, said=said | exchanged)


def test_the_exact_claim_fails_for_the_weight_at_the_top(lesson):
    optima = lesson["optima"]

    def exchanged(region):
        p, inside, at_top = optima(region)
        return p, at_top, inside

    fails(lesson, optima=exchanged)


def test_the_restoring_claim_fails_for_exchanged_networks(lesson):
    arms, top = lesson["arms"], "weight at the top bin"
    fails(lesson, arms=arms | {"rebalanced": arms[top], top: arms["rebalanced"]})


def test_the_price_claim_fails_where_cooling_is_free(lesson):
    stored = lesson["on_paintbox"]
    free = [[chroma, 100.0, away] for chroma, _, away in stored["native prices"]]
    fails(lesson, on_paintbox=stored | {"native prices": free})


def test_the_three_pictures_claim_fails_where_all_are_alike(lesson):
    fails(lesson, db=lesson["db"] | {"gray": np.full(100, 24.0)})


def test_the_baseline_claim_fails_where_the_method_is_better_everywhere(lesson):
    fails(lesson, db=lesson["db"] | {"plain": lesson["db"]["L2"] + 1})


def test_the_warm_claim_fails_where_other_data_do_not_help(lesson):
    stored = lesson["on_photographs"]
    warm = [[n, gray, cold, cold] for n, gray, cold, _ in stored["warm"]]
    fails(lesson, on_photographs=stored | {"warm": warm})


@pytest.mark.parametrize("arm", ["plain", "rebalanced"])
def test_the_temperature_claim_fails_for_exchanged_temperatures(lesson, arm):
    scores, warm = lesson["scores"], f"{arm}, T = 1"
    fails(lesson, scores=scores | {arm: scores[warm], warm: scores[arm]})


def test_the_temperature_claim_fails_for_real_rebalancing(lesson):
    fails(lesson, shares=lesson["shares"] | {"T = 0.38": lesson["shares"]["weights"]})


def test_the_claim_about_gray_fails_for_an_untrained_network(lesson):
    stored = lesson["on_all"]
    untrained = {name: [0.0, -0.1, 0.1] for name in stored["gain"]}
    fails(lesson, on_all=stored | {"gain": untrained})


def test_the_precision_claim_fails_for_a_coarse_int8(lesson):
    stored = lesson["on_all"]
    *fine, (name, size, speed, largest, mean) = stored["precision"]
    coarse = [*fine, [name, size, speed, largest, mean + 10]]
    fails(lesson, on_all=stored | {"precision": coarse})


def test_the_choices_claim_fails_without_weights(lesson):
    same = [(small, mean, cool, mean) for small, mean, cool, _ in lesson["chosen"]]
    fails(lesson, chosen=same)


def test_the_draws_fail_without_luck(lesson):
    fails(lesson, luck=lambda seed: 1.0)


def test_shared_luck_fails_when_it_is_not_shared(lesson):
    def own(seed, *shape):
        return L.luck(seed, lesson["p"].shape) if shape else L.luck(seed)

    fails(lesson, luck=own)


# The shipped file


@pytest.fixture(scope="module")
def shipped():
    return Colorizer.load(CHECKPOINT)


def test_the_shipped_file_is_what_the_lesson_says(shipped):
    assert shipped.metadata["parameters"] == 2_031_961 and shipped.T == 0.38
    assert (files.CHECKPOINTS / f"{CHECKPOINT}.onnx").stat().st_size <= 8e6
    assert (files.CHECKPOINTS / f"{CHECKPOINT}.md").is_file()
    assert shipped.metadata["metrics"] == course.result("05/checkpoint")["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, shipped):
    from course_utils import photos

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    gain = metrics.psnr(rgb, [shipped.colorize(x, T=1.0) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    stored = course.result("05/checkpoint")["gain"]["T = 1"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
    assert metrics.bootstrap(gain)[1] > 0


def test_the_file_goes_from_the_mean_to_the_top_bin(shipped):
    opened = L.with_probabilities(files.CHECKPOINTS / f"{CHECKPOINT}.onnx")
    p, light, _ = L.probabilities(noise(1, 64)[0], *opened)
    for T in (1.0, 0.38, 0.01):
        ab = L.enlarge(bins.decode(p, T), 64, 64)
        assert np.abs(shipped.ab(light[None], T) - ab).mean() < 0.1


def test_a_small_copy_of_a_photograph_is_asked_for_its_probabilities():
    opened = L.with_probabilities(files.CHECKPOINTS / f"{CHECKPOINT}.onnx")
    p, light, small = L.probabilities(noise(1, 70)[0], *opened)
    assert p.shape == (1, 16, 16, 313) and light.shape == (64, 64, 1) and small.shape == (64, 64, 3)
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-4)
    assert L.probabilities(noise(1, 260)[0], *opened)[2].shape == (80, 80, 3)
