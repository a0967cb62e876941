"""Lesson 05: its losses want what it says, its experiments run, its claims can fail.

The lesson's code is run once, as `make train` runs it, at the size of a test.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from lesson_code import fails, noise, other, ran, source

from course_utils import bins, course, metrics, paintbox

SOURCE = source("05")
NAME = "05_quantized_classification"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


# The network and its loss


def test_the_network_is_the_published_one(lesson):
    import torch

    network = lesson["body"]()
    convs = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    assert sum(x.numel() for x in network.parameters()) == 32_232_889
    assert [layer.stride[0] for layer in convs].count(2) == 3
    assert [layer.dilation[0] for layer in convs].count(2) == 6
    assert len(convs) == 22 and convs[-1].out_channels == 313
    for size, small in (((64, 64), (16, 16)), ((24, 40), (6, 10))):
        answer = lesson["body"](thin=8)(torch.zeros(2, 1, *size))
        assert answer.shape == (2, 313, *small)


@pytest.mark.parametrize("kind", ["plain", "inside", "top"])
def test_the_loss_is_least_where_the_lesson_says(lesson, kind):
    """Gradient descent on one block's logits finds p, p · w or E[v(Z) Z]."""
    import torch

    w = lesson["w"]
    share, ab = paintbox.support("balloon")
    z = bins.dense(*bins.encode(ab)).astype(float)
    wanted = {"plain": share @ z, "inside": (share @ z) * w, "top": (share * w[z.argmax(1)]) @ z}
    wanted = wanted[kind] / wanted[kind].sum()
    loss = lesson["cross_entropy"](None if kind == "plain" else w, inside=kind == "inside")
    count = np.round(2500 * share).astype(int)  # 25 shifts of four colors in hundredths: whole
    crowd = torch.tensor(np.repeat(ab, count, axis=0).T[None, :, None], dtype=torch.float32)
    q = torch.tensor(wanted + 1e-12, dtype=torch.float32)
    logits = q.log().requires_grad_()
    loss(logits[None, :, None, None].expand(1, 313, 1, crowd.shape[-1]), crowd).backward()
    assert logits.grad.abs().max() < 1e-4
    moved = q.flip(0).log().requires_grad_()
    loss(moved[None, :, None, None].expand(1, 313, 1, crowd.shape[-1]), crowd).backward()
    assert moved.grad.abs().max() > 0.05


def test_one_pixel_of_sixteen_stands_for_the_mean_of_the_codes(lesson):
    import torch

    ab = np.moveaxis(paintbox.sample(1, 64, seed=4).ab, -1, 1)
    codes = []
    for row in range(4):
        for column in range(4):
            rng = SimpleNamespace(integers=lambda n, size, at=(row, column): at)
            small = lesson["one_of_sixteen"](torch.from_numpy(ab), rng)  # (1, 2, 16, 16)
            codes.append(bins.dense(*bins.encode(small.movedim(1, -1).numpy())))
    full = bins.dense(*bins.encode(np.moveaxis(ab, 1, -1)))
    pooled = full.reshape(1, 16, 4, 16, 4, 313).mean((2, 4))
    np.testing.assert_allclose(np.mean(codes, axis=0), pooled, atol=1e-6)


def test_pictures_of_any_size_are_padded_and_cropped(lesson):
    network = lesson["body"](thin=8)
    rgb = noise(1, 30)[0]
    assert lesson["painter"](network)(rgb).shape == rgb.shape
    q = lesson["distribution"](network, np.full((2, 30, 18, 1), 50, np.float32))
    assert q.shape == (2, 8, 6, 313)
    np.testing.assert_allclose(q.sum(-1), 1, atol=1e-5)
    batch = next(iter(lesson["pairs"](noise(4, 30), 2, 0, False)))
    assert [tuple(x.shape) for x in batch] == [(2, 1, 32, 32), (2, 2, 8, 8)]


def test_the_rate_falls_when_the_loss_stands_still_or_as_planned(lesson, tmp_path):
    def still(logits, ab):
        return 0 * logits.mean() + 1

    rows = lesson["learn"](
        lesson["body"](thin=32), still, lambda n: (noise(2, 16), None), 3, tmp_path
    )
    assert [row["rate"] for row in rows] == pytest.approx([1e-3, 1e-3, 1e-4])
    again = lesson["learn"](
        lesson["body"](thin=32), still, lambda n: (noise(2, 16), 5e-4), 4, tmp_path
    )
    assert again[:3] == rows and again[3]["rate"] == 5e-4


# Calibration


def test_reliability_of_a_truth_and_of_a_boaster(lesson):
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.full(313, 0.02), (3, 8, 8))
    table = lesson["reliability"](p, p)
    assert table.shape == (10, 3) and table[:, 0].sum() == pytest.approx(1)
    assert lesson["calibration_error"](table) == pytest.approx(0, abs=1e-12)
    boast = p**3 / (p**3).sum(-1, keepdims=True)
    top = p.argmax(-1)[..., None]
    gap = np.take_along_axis(boast - p, top, -1).mean()
    assert lesson["calibration_error"](lesson["reliability"](boast, p)) == pytest.approx(gap)


def test_dividing_by_the_weights_restores_the_truth(lesson):
    w = lesson["w"]
    p = np.random.default_rng(2).dirichlet(np.full(313, 0.1), (2, 3))
    q = p * w / (p * w).sum(-1, keepdims=True)
    np.testing.assert_allclose(lesson["restored"](q, w), p, atol=1e-6)


def test_prices_of_the_best_answer_and_of_the_truth(lesson):
    scenes = paintbox.sample(20, 64, seed=9)
    best = lesson["price"](scenes, scenes.expected_ab())
    truth = lesson["price"](scenes, scenes.ab)
    gray = lesson["price"](scenes, 0 * scenes.ab)
    assert best[1] < min(gray[1], truth[1]) and gray[0] == 0
    assert truth[1] == pytest.approx(2 * best[1], rel=0.15)  # another draw costs the variance twice
    assert truth[2] < 3 < 20 < best[2]


# Experiments at toy size


def test_the_paintbox_experiment(lesson, tmp_path):
    result = lesson["paintbox_experiment"](n=16, epochs=1, n_test=4, folder=str(tmp_path / "x"))
    assert set(course.PROTOCOL) <= set(result)
    assert set(result["arms"]) == set(lesson["ARMS"])
    assert result["perfect"]["regret"][0] == pytest.approx(0, abs=1e-5)
    assert len(result["exact prices"]) == len(result["T"])
    assert len(list(tmp_path.glob("x_*/epoch_001.pt"))) == 4


def test_the_photograph_experiment(lesson):
    result = lesson["photograph_experiment"](noise(34, 30), noise(34, 30), noise(3, 30), 1)
    assert set(course.PROTOCOL) <= set(result) and len(result["warm"]) == 3
    names = {row["name"] for row in result["table"]}
    assert {"gray", "L2", "plain", "rebalanced", *lesson["CEILINGS"]} <= names
    psnr = {row["name"]: row["psnr"][0] for row in result["table"]}
    assert psnr["nearest bin (ceiling)"] > psnr["plain"]


def test_warm_errors_are_counted_on_warm_pixels_only(lesson):
    red = np.full((1, 8, 8, 3), (200, 40, 20), np.uint8)
    red[0, :, 4:] = (20, 40, 200)
    rows = lesson["warm_errors"](red, [lambda rgb: rgb, metrics.paint_gray])
    assert rows[0][0] == 32
    assert rows[0][2] == 0 < rows[0][1] == pytest.approx(rows[0][3], rel=1e-2)


def test_the_ceilings_are_near_the_truth(lesson):
    rgb = np.round(255 * paintbox.sample(1, 64, seed=3).rgb[0]).astype(np.uint8)
    gray = metrics.psnr(rgb, metrics.paint_gray(rgb))
    assert metrics.psnr(rgb, lesson["nearest_bin"](rgb)) > gray + 10
    assert gray + 1 < metrics.psnr(rgb, lesson["quarter_code"](rgb))
    smooth = np.full((30, 30, 3), (120, 90, 60), np.uint8)
    assert metrics.psnr(smooth, lesson["quarter_code"](smooth)) > 35


def test_the_checkpoint_is_trained_exported_and_compressed(lesson, tmp_path):
    from course_utils.colorizer import Colorizer

    plan = [(16, 1e-3), (24, 1e-4)]
    rgb = {size: noise(20, size) for size in (16, 24)}
    network, rows = lesson["train_checkpoint"](rgb, plan, 3, tmp_path / "states")
    assert [row["rate"] for row in rows] == [1e-3, 1e-4]
    path = lesson["export"](network, [], 17, 2.5, tmp_path / "toy.onnx")
    model, photo = Colorizer.load(path), noise(1, 96)[0]
    for T in (None, 1.0):
        ours = lesson["painter"](network, T=T or 0.38)(photo).astype(int)
        assert np.abs(ours - model.colorize(photo, T)).max() <= 2
    table = lesson["precision_table"](network, noise(4, 24), noise(2, 30))
    names, sizes, _, largest, mean = zip(*table)
    assert names == ("float32", "float16 in the file", "int8") and sorted(sizes)[::-1] == [*sizes]
    assert largest[0] == 0 and 0 < largest[1] < 0.5 and mean[2] <= largest[2]


def test_the_file_has_its_probabilities_inside(lesson, tmp_path):
    import torch

    network = lesson["body"](thin=8)
    path = lesson["export"](network, [], 1, 1.0, tmp_path / "toy.onnx")
    session, inner = lesson["with_probabilities"](path)
    p, L, small = lesson["probabilities"](noise(1, 70)[0])
    assert p.shape == (1, 16, 16, 313) and L.shape == (64, 64, 1) and small.shape == (64, 64, 3)
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-4)
    x = np.random.default_rng(0).uniform(0, 100, (1, 1, 16, 24)).astype(np.float32)
    (inside,) = session.run([inner], {"L": x, "T": np.array(1, np.float32)})
    with torch.inference_mode():
        wanted = network(torch.from_numpy(x) / 100).softmax(1)
    np.testing.assert_allclose(inside, wanted.numpy(), atol=1e-3)


# Claims can fail


def test_the_count_of_bins_fails_for_another_gamut(lesson):
    fails(lesson, "the center is a color at L = 50", exists=lambda L: np.ones(529, bool))
    twelve = other(bins, ab_bins=lambda: bins.ab_bins(12))
    fails(lesson, "are the nearest bin of no sRGB color", bins=twelve)


def test_the_soft_code_fails_when_it_is_hard(lesson):
    def hard(ab):
        indices, weights = bins.encode(ab)
        return indices, np.eye(5, dtype=np.float32)[np.zeros(weights.shape[:-1], int)] + 1e-9

    fails(lesson, "mean entropy of the soft code", bins=other(bins, encode=hard))


def test_the_parameter_count_fails_for_another_network(lesson):
    fails(lesson, "L of 64 × 96 gives", body=lambda thin=1: lesson["body"](312, thin))


def test_enlarging_fails_where_the_full_size_is_blurred(lesson):
    blurred = other(bins, decode=lambda p: 0 * bins.decode(p))
    fails(lesson, "enlarging p instead of ab", bins=blurred)


def test_the_weights_fail_when_nothing_is_rebalanced(lesson):
    plain = other(bins, rebalance=lambda prior, lam: bins.rebalance(prior, 1.0))
    fails(lesson, "the most frequent tenth of the bins", bins=plain)


def test_the_perfect_row_fails_for_a_measure_that_sees_nothing(lesson):
    fails(lesson, "the perfect predictor {against", calibration_error=lambda table: 0.0)


def test_the_calibration_claim_fails_for_exchanged_networks(lesson):
    stored = lesson["on_paintbox"]
    swapped = stored["arms"] | {"plain": stored["arms"]["rebalanced"]}
    swapped["rebalanced"] = stored["arms"]["plain"]
    words = "NLL {row['nll']:.3f}, floor"
    fails(lesson, words, on_paintbox=stored | {"arms": swapped})


def test_the_exact_claim_fails_for_the_weight_at_the_top(lesson):
    def exchanged(region):
        p, inside, at_top = lesson["optima"](region)
        return p, at_top, inside

    fails(lesson, "KL from the truth in nats", optima=exchanged)


def test_the_restoring_claim_fails_for_exchanged_networks(lesson):
    arms = dict(lesson["arms"])
    arms["rebalanced"], arms["weight at the top bin"] = (
        arms["weight at the top bin"],
        arms["rebalanced"],
    )
    fails(lesson, "divided by w {after[0]:.3f}", arms=arms)


def test_the_price_claim_fails_where_cooling_is_free(lesson):
    stored = lesson["on_paintbox"]
    free = [[chroma, 100.0, away] for chroma, _, away in stored["native prices"]]
    fails(lesson, '("mean × 2", stretched[-1])', on_paintbox=stored | {"native prices": free})


def test_the_three_pictures_claim_fails_where_all_are_alike(lesson):
    db = lesson["db"] | {"gray": np.full(100, 24.0)}
    fails(lesson, "three at a time, drawn from", db=db)


def test_the_baseline_claim_fails_where_the_method_is_better_everywhere(lesson):
    db = lesson["db"] | {"plain": lesson["db"]["L2"] + 1}
    fails(lesson, "bad results, too, are better", db=db)


def test_the_warm_claim_fails_where_other_data_do_not_help(lesson):
    stored = lesson["on_photographs"]
    warm = [[n, gray, cold, cold] for n, gray, cold, _ in stored["warm"]]
    fails(lesson, "it fails on warm tones", on_photographs=stored | {"warm": warm})


def test_the_temperature_claim_fails_for_real_rebalancing(lesson):
    words = "a temperature of 0.38 rebalances colors (Liu)"
    lifted = lesson["shares"] | {"T = 0.38": lesson["shares"]["weights"]}
    fails(lesson, words, shares=lifted)
    stored = lesson["on_photographs"]
    swap = {"plain": "plain, T = 1", "plain, T = 1": "plain"}
    table = [row | {"name": swap.get(row["name"], row["name"])} for row in stored["table"]]
    fails(lesson, words, on_photographs=stored | {"table": table})


def test_the_claim_about_gray_fails_for_an_untrained_network(lesson):
    stored = lesson["on_all"]
    untrained = {name: [0.0, -0.1, 0.1] for name in stored["gain"]}
    fails(lesson, "less gray on {on_all['n_test']}", on_all=stored | {"gain": untrained})


def test_the_precision_claim_fails_for_a_coarse_int8(lesson):
    stored = lesson["on_all"]
    *fine, (name, size, speed, largest, mean) = stored["precision"]
    coarse = [*fine, [name, size, speed, largest, mean + 10]]
    fails(lesson, "largest Δab'", on_all=stored | {"precision": coarse})


def test_the_choices_claim_fails_without_weights(lesson):
    same = [(small, mean, cool, mean) for small, mean, cool, _ in lesson["chosen"]]
    fails(lesson, "{weighted_c:5.1f} weighted", chosen=same)


def test_the_draws_fail_without_luck(lesson):
    fails(lesson, "in 2,000 colorings", luck=lambda seed: 1.0)


def test_shared_luck_fails_when_it_is_not_shared(lesson):
    def own(seed, shape=None):
        return lesson["luck"](seed, lesson["p"].shape)

    fails(lesson, "spread of ab over the balloons", luck=own)


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(lesson):
    from course_utils.colorizer import CHECKPOINTS, Colorizer

    model = Colorizer.load(NAME)
    assert model.metadata["parameters"] == 2_031_961 and model.T == 0.38
    assert (CHECKPOINTS / f"{NAME}.onnx").stat().st_size <= 8e6
    assert (CHECKPOINTS / f"{NAME}.md").is_file()
    assert model.metadata["metrics"] == lesson["on_all"]["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, lesson):
    from course_utils import photos
    from course_utils.colorizer import Colorizer

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load(NAME)
    gain = metrics.psnr(rgb, [model.colorize(x, T=1.0) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    stored = lesson["on_all"]["gain"]["T = 1"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
    assert metrics.bootstrap(gain)[1] > 0


def test_the_file_goes_from_the_mean_to_the_top_bin(lesson):
    from course_utils.colorizer import Colorizer

    model, photo = Colorizer.load(NAME), noise(1, 64)[0]
    p, L, _ = lesson["probabilities"](photo)
    for T in (1.0, 0.38, 0.01):
        ab = lesson["enlarge"](bins.decode(p, T), 64, 64)
        assert np.abs(model.ab(L[None], T) - ab).mean() < 0.1
