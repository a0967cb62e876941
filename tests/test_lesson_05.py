"""Lesson 05: network and losses want what it says, its measures measure that, claims can fail."""

import copy

import numpy as np
import pytest
import torch
from lesson_code import fails, other, ran, source

from course_utils import bins, course, files, metrics, paintbox
from course_utils.checks import lesson_05 as checks
from course_utils.colorizer import Colorizer
from experiments import lesson as exports

NAME = "05_quantized_classification"
L = exports("05")
W = bins.rebalance(bins.prior(paintbox.sample(40, size=64, seed=course.SEED).ab))  # (313,)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("05"), tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def stored():
    return course.result("05/checkpoint")


# The network and its loss


def network(Q=7, drop=0.0):
    torch.manual_seed(1)
    prior = torch.tensor(np.random.default_rng(1).dirichlet(np.ones(Q)), dtype=torch.float32)
    decoder = L.Decoder((48, 96, 128), (12, 10), checks.head_of(10, prior), drop)
    return torch.nn.Sequential(L.Encoder(), decoder), prior


def test_the_network_gives_logits_at_a_quarter_and_begins_with_the_prior():
    net, prior = network()
    for height, width in ((64, 64), (32, 80)):
        logits = net([torch.rand(2, 1, height, width)])
        assert logits.shape == (2, 7, height // 4, width // 4)
        torch.testing.assert_close(logits.softmax(1)[0, :, 3, 5], prior)


def test_the_decoder_reads_every_map_and_its_mean_reaches_every_position():
    net, _ = network()
    decoder = net[1].eval()
    torch.nn.init.normal_(decoder.head.weight)
    maps = [torch.randn(1, c, s, s) for c, s in ((48, 16), (96, 8), (128, 4))]
    before = decoder(maps)
    for i, x in enumerate(maps):
        changed = decoder([*maps[:i], torch.randn_like(x), *maps[i + 1 :]])
        assert (changed - before).abs().max() > 0
    spot = maps[2].clone()
    spot[0, :, 0, 0] += 50
    moved = (decoder([*maps[:2], spot]) - before).abs().sum(1) > 0
    assert moved.float().mean() > 0.9  # ReLUs may hide it here and there


@pytest.mark.parametrize("kind", ["plain", "inside"])
def test_the_loss_is_least_where_the_lesson_says(kind):
    """The gradient vanishes at p or at p · w, and nowhere near."""
    share, ab = paintbox.support("balloon")
    z = bins.dense(*bins.encode(ab)).astype(float)
    wanted = (share @ z) * (W if kind == "inside" else 1)
    wanted = wanted / wanted.sum()
    count = np.round(2500 * share).astype(int)  # 25 shifts of four colors in hundredths: whole
    block = L.codes(np.repeat(ab, count, axis=0)[None, None])
    w = torch.tensor(W, dtype=torch.float32)

    def gradient(q):
        logits = torch.tensor(q + 1e-12, dtype=torch.float32).log().requires_grad_()
        wide = logits[None, :, None, None].expand(1, 313, 1, sum(count))
        inside = kind == "inside"
        loss = checks.rebalanced(wide, *block, w) if inside else checks.cross_entropy(wide, *block)
        loss.backward()
        return logits.grad.abs().max()

    assert gradient(wanted) < 1e-4
    assert gradient(wanted[::-1].copy()) > 0.05


def test_codes_are_those_of_bins():
    ab = paintbox.sample(2, 32, seed=4).ab[:, ::4, ::4]
    near, z = L.codes(ab)
    assert near.shape == z.shape == (2, 5, 8, 8)
    code = bins.dense(near.movedim(1, -1).numpy(), z.movedim(1, -1).numpy())
    np.testing.assert_array_equal(code, bins.dense(*bins.encode(ab)))


def test_training_learns_and_is_the_same_twice():
    scenes = paintbox.sample(32, 32, seed=3)
    measured = []

    def measure(net):
        measured.append(net.training)
        return 5.0

    def rows():
        torch.manual_seed(2)
        head = checks.head_of(64, torch.full((313,), 1 / 313))
        net = torch.nn.Sequential(L.Encoder(), L.Decoder((48, 96, 128), (96, 64), head))
        inputs = [L.light(scenes.L)]
        return L.learn(net, checks.cross_entropy, inputs, scenes.ab, 4, 3e-3, 1, measure)

    first = rows()
    assert len(first) == len(measured) == 4 and {row[1] for row in first} == {5.0}
    assert first[-1][0] < first[0][0] and rows() == first


def test_an_epoch_sees_every_picture_once_and_one_pixel_of_each_block():
    class Listening(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bias, self.seen = torch.nn.Parameter(torch.zeros(1)), []

        def forward(self, maps):
            self.seen += maps[0][:, 0].tolist()
            return self.bias.expand(len(maps[0]), 313, 2, 2)

    net = Listening()
    adam = torch.optim.SGD(net.parameters(), 0.0)
    cycle = torch.optim.lr_scheduler.ConstantLR(adam)
    ab = np.random.default_rng(1).uniform(-30, 30, (37, 8, 8, 2)).astype(np.float32)
    targets = []

    def loss(logits, near, z):
        targets.append((z[..., None] * torch.from_numpy(L.CENTERS)[near]).sum(1))
        return logits.mean()

    inputs = [torch.arange(37.0)[:, None]]
    L.one_epoch(net, loss, adam, cycle, inputs, ab, np.random.default_rng(1))
    assert sorted(net.seen) == list(range(37))
    targets, order = torch.cat(targets).numpy(), np.array(net.seen, int)
    blocks = ab[order].reshape(37, 2, 4, 2, 4, 2)
    away = np.abs(blocks - targets[:, :, None, :, None]).sum(-1).min((2, 4))
    assert away.max() < 12  # a soft code gives its color back within a bin


# Calibration, temperature, samples


def test_the_calibration_error_of_a_truth_and_of_a_boaster(lesson):
    p = np.random.default_rng(2).dirichlet(np.full(313, 0.02), (3, 8, 8))
    assert lesson["calibration_error"](p, p) == pytest.approx(0, abs=1e-12)
    boast = p**3 / (p**3).sum(-1, keepdims=True)
    gap = np.take_along_axis(boast - p, p.argmax(-1)[..., None], -1).mean()
    assert lesson["calibration_error"](boast, p) == pytest.approx(gap)


def test_samples_have_the_probabilities(lesson):
    p = np.zeros(313)
    p[[4, 90, 200]] = 0.2, 0.5, 0.3
    picked = [lesson["sampled"](p, lesson["gumbel"](seed)) for seed in range(3000)]
    share = [np.mean(np.all(picked == L.CENTERS[i], axis=1)) for i in (4, 90, 200)]
    assert share == pytest.approx([0.2, 0.5, 0.3], abs=0.03)


def test_the_slider_shows_what_bins_decode(lesson):
    logits, light = lesson["asked"]["scene"]
    p = logits.softmax(1).movedim(1, -1).numpy()
    for T in (1.0, 0.38):
        wanted = lesson["colored"](p, light[None], T)[0]
        np.testing.assert_allclose(lesson["at_temperature"]("scene", T), wanted, atol=1e-3)


def test_an_answer_is_used_where_its_check_accepts_it(lesson, capsys):
    mine = lesson["soft_cross_entropy"]
    chosen = lesson["chosen"]
    assert chosen(checks.soft_cross_entropy, mine, checks.cross_entropy) is mine
    assert capsys.readouterr().out == "soft_cross_entropy: your code runs here\n"
    wrong = chosen(checks.soft_cross_entropy, lambda *x: 2 * mine(*x), checks.cross_entropy)
    assert wrong is checks.cross_entropy
    assert capsys.readouterr().out == "soft_cross_entropy: not your code runs here\n"


# Claims can fail: each holds as it stands, and not with what would be wrong


def results(**changed):
    """`course` with some stored results replaced."""
    found = {f"05/{name}": value for name, value in changed.items()}
    return other(course, result=lambda name: found.get(name) or course.result(name))


def test_the_count_of_bins_fails_for_another_grid(lesson):
    fails(lesson, CENTERS=bins.ab_bins(12))


def test_the_soft_code_fails_when_it_is_hard(lesson):
    def hard(ab, k=5):
        indices, weights = bins.encode(ab, k)
        return indices, np.eye(k, dtype=np.float32)[np.zeros(weights.shape[:-1], int)] + 1e-9

    fails(lesson, bins=other(bins, encode=hard))


@pytest.mark.parametrize("arm", ["rebalanced", "weight at the top bin"])
def test_the_calibration_claim_fails_for_exchanged_networks(lesson, arm):
    known = course.result("05/paintbox")
    arms = known["arms"] | {"plain": known["arms"][arm], arm: known["arms"]["plain"]}
    other_arm = "rebalanced" if arm != "rebalanced" else "weight at the top bin"
    arms |= {other_arm: known["arms"]["plain"]}
    fails(lesson, course=results(paintbox=known | {"arms": arms}))


def test_the_goal_fails_where_dividing_does_not_help(lesson):
    known = copy.deepcopy(course.result("05/paintbox"))
    known["arms"]["rebalanced"]["divided by w"] = known["arms"]["rebalanced"]["said"]
    fails(lesson, course=results(paintbox=known))


def test_the_exact_claim_fails_without_weights(lesson):
    fails(lesson, bins=other(bins, rebalance=lambda prior: np.ones(313)))


def test_the_samples_fail_without_luck(lesson):
    fails(lesson, gumbel=lambda seed: np.zeros(313))


def test_the_price_fails_where_a_factor_is_dear(lesson):
    known = course.result("05/paintbox")
    dear = [[chroma, 9e9, away] for chroma, _, away in known["stretched mean"]]
    fails(lesson, on_paintbox=known | {"stretched mean": dear})


def test_the_choices_fail_where_a_factor_does_as_well(lesson, stored):
    same = stored["choices"] | {"S4 × k": stored["choices"]["S2, rebalanced by half"]}
    fails(lesson, shipped=stored | {"choices": same})


def test_the_gain_fails_for_an_untrained_network(lesson, stored):
    flat = {name: row | {"gain": {"S2": [0.0, -0.1, 0.1]}} for name, row in stored["sets"].items()}
    fails(lesson, shipped=stored | {"sets": flat})


@pytest.mark.parametrize("arm", ["plain", "rebalanced"])
def test_the_temperature_claim_fails_for_exchanged_temperatures(lesson, arm):
    known = copy.deepcopy(course.result("05/photographs"))
    names = {arm: f"{arm}, T = 1", f"{arm}, T = 1": arm}
    for row in known["table"]:
        row["name"] = names.get(row["name"], row["name"])
    fails(lesson, course=results(photographs=known))


# The shipped file


@pytest.fixture(scope="module")
def shipped():
    return Colorizer.load(NAME)


def test_the_shipped_file_fits_and_says_what_was_measured(shipped, stored):
    assert (files.CHECKPOINTS / f"{NAME}.onnx").stat().st_size <= 10e6
    assert (files.CHECKPOINTS / f"{NAME}.md").is_file()
    assert shipped.metadata["metrics"] == [
        row for found in stored["sets"].values() for row in found["table"]
    ]
    assert shipped.T == 1 and shipped.rebalances


def test_the_shipped_file_beats_gray_on_photographs(shared_data, shipped, stored):
    from course_utils import photos

    rgb = photos.load(shared_data / "intel", "test", 128, limit=60, color_only=True)
    gain = metrics.psnr(rgb, [shipped.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    mean = stored["sets"]["Intel"]["gain"]["S2"][0]
    assert gain.mean() == pytest.approx(mean, abs=4 * gain.std() / len(gain) ** 0.5)


def test_weights_make_the_shipped_file_more_colorful_in_steps(shipped):
    from course_utils import photos

    rgb = photos.load("album", "test", 128, 8)
    vivid = [
        np.mean([metrics.colorfulness(shipped.colorize(x, rebalance=share)) for x in rgb])
        for share in (0.0, 0.5, 1.0)
    ]
    assert vivid[0] < vivid[1] < vivid[2]
    same = [shipped.colorize(rgb[0], **how) for how in ({}, {"T": 1.0, "rebalance": 0.0})]
    np.testing.assert_array_equal(*same)
