"""Lesson 11: what its networks see, what they may not do, and what their audit finds."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_utils import paintbox
from course_utils.checks import lesson_11 as checks
from course_utils.checks.lesson_11 import attended
from experiments import lesson

L = lesson("11")


@pytest.fixture(scope="module")
def scenes():
    return paintbox.sample(12, 32, seed=5)


# Hints.


def every(parts, chosen, luck):
    return np.isin(parts, chosen)


class Gate(torch.nn.Module):
    """A network whose own color and gate are the same everywhere."""

    def __init__(self, own, gate):
        super().__init__()
        self.said = own, gate

    def forward(self, x):
        own, gate = self.said
        return torch.cat([torch.full_like(x[:, :2], own), torch.full_like(x[:, :1], gate)], 1)


@pytest.fixture
def listener():
    return L.Listener()


def test_drawn_objects_are_those_of_several_colors():
    several = {n for n in paintbox.NAMES if len(paintbox.palette(n, "noon", "summer")) > 1}
    assert {paintbox.NAMES[part % 32] for part in L.DRAWN} == several
    assert len(L.DRAWN) == 2 * len(several)


def test_share_decides_how_many_objects_are_hinted(scenes):
    by_object, drawn = L.by_object, np.isin(scenes.parts, L.DRAWN)
    assert not by_object(scenes.parts, 0, every).any()
    assert np.array_equal(by_object(scenes.parts, 1, every), drawn)
    half = by_object(np.repeat(scenes.parts, 20, 0), 0.5, checks.luckiest).sum()
    whole = by_object(np.repeat(scenes.parts, 20, 0), 1, checks.luckiest).sum()
    assert 0.4 < half / whole < 0.6


def test_each_hint_is_a_pixel_of_its_own_object(scenes):
    told = L.by_object(scenes.parts, 1, checks.luckiest)
    for parts, here in zip(scenes.parts, told):
        hinted = parts[here]
        assert sorted(hinted) == sorted(np.intersect1d(parts, L.DRAWN))


def test_another_seed_hints_other_pixels(scenes):
    a, b, c = (L.by_object(scenes.parts, 1, checks.luckiest, s) for s in (1, 1, 2))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_pixels_see_the_nearest_hint():
    ab, told = torch.arange(16.0).reshape(1, 2, 1, 8), np.zeros((1, 1, 8), bool)
    told[0, 0, [1, 6]] = True
    a, b, near = L.nearest(ab, told)[0, :, 0]
    assert a.tolist() == [1, 1, 1, 1, 6, 6, 6, 6] and b.tolist() == [9, 9, 9, 9, 14, 14, 14, 14]
    assert near[1] == near[6] == 1 and near[0] > near[3] > 0


def test_without_hints_the_channels_are_empty_and_ab_is_not_read():
    ab = torch.full((2, 2, 8, 8), float("nan"))
    assert not L.nearest(ab, np.zeros((2, 8, 8), bool)).any()


def test_only_told_ab_is_read(scenes):
    told = L.by_object(scenes.parts, 1, checks.luckiest)
    hidden = np.where(told[..., None], scenes.ab, np.nan).astype(np.float32)
    full, few = (L.nearest(L.to_maps(ab), told) for ab in (scenes.ab, hidden))
    assert torch.equal(full, few)


def test_closeness_is_measured_in_sides_of_the_picture():
    def at(size):
        told = np.zeros((1, size, size), bool)
        told[0, 0, 0] = True
        return L.nearest(torch.zeros(1, 2, size, size), told)[0, 2, 0, size // 4]

    assert at(32) == pytest.approx(float(at(64)))


def test_an_open_gate_copies_and_a_shut_one_does_not_listen(listener):
    hints = torch.zeros(1, 3, 8, 8)
    hints[:, :2], L = 30, torch.zeros(1, 1, 8, 8)
    listener.net = Gate(0.0, 9.0)
    assert torch.allclose(listener(L, hints), torch.tensor(30.0))
    listener.net = Gate(1.0, -9.0)
    assert torch.allclose(listener(L, hints), torch.tensor(40.0))


def test_the_answer_is_half_listened_to_at_most_before_training(listener):
    hints = torch.zeros(1, 3, 32, 32)
    with torch.no_grad():
        silent, hints[:, :2] = listener(torch.full((1, 1, 32, 32), 50.0), hints), 60
        loud = listener(torch.full((1, 1, 32, 32), 50.0), hints)
    assert (loud - silent).abs().mean() < 40


def test_the_loss_of_the_truth_is_zero_and_that_of_gray_is_not(scenes):
    rows = [L.to_maps(x) for x in (scenes.L, scenes.ab)]
    rows.append(torch.from_numpy(scenes.parts))

    def loss(answer):
        return L.hint_loss(lambda L, hints: answer, *rows, torch.Generator().manual_seed(1), every)

    assert loss(rows[1]) == 0 and loss(0 * rows[1]) == pytest.approx((scenes.ab**2).mean())


def test_some_training_scenes_have_no_hint_and_some_have_all(scenes):
    seen = []

    def watch(L, hints):
        seen.append(hints)
        return hints[:, :2]

    parts = np.repeat(scenes.parts, 20, 0)
    rows = [L.to_maps(np.repeat(x, 20, 0)) for x in (scenes.L, scenes.ab)]
    L.hint_loss(watch, *rows, torch.from_numpy(parts), torch.Generator().manual_seed(1), every)
    objects = np.isin(parts, L.DRAWN)
    told = (seen[0][:, 2] == 1).numpy()
    share = told.sum((1, 2)) / np.maximum(objects.sum((1, 2)), 1)
    assert (share == 0).any() and (share == 1).any() and ((share > 0) & (share < 1)).any()


def test_scores_of_the_best_answer(scenes):
    told = L.by_object(scenes.parts, 1, checks.luckiest)
    best = torch.from_numpy(np.moveaxis(scenes.hinted_ab(told), -1, 1).copy())
    scores = L.hint_scores(lambda L, hints: best, scenes, told)
    assert scores["regret"] == 0 and scores["error"] == scores["exact"]
    assert scores["exact"] == pytest.approx(2.07, abs=0.1)
    none = L.hint_scores(lambda L, hints: best, scenes, told & False)
    assert "error" not in none and none["regret"] > 0


def test_repainting_puts_hints_where_they_were_clicked(listener):
    listener.net = Gate(0.0, 9.0)
    rgb = L.repainted(listener, np.full((8, 8, 1), 50, np.float32), [(0.3, 0.4, (30, 20))])
    assert rgb.shape == (8, 8, 3) and (rgb[..., 0] > rgb[..., 2]).all()


# Color queries.


@pytest.fixture
def light():
    return L.to_maps(paintbox.sample(3, 32, seed=5).L)


def made(kind, *args, **options):
    torch.manual_seed(0)
    return kind(attended, *args, **options)


def test_attention_is_that_of_torch():
    queries, keys, values = torch.randn(2, 5, 9), torch.randn(2, 12, 9), torch.randn(2, 12, 4)
    wanted = F.scaled_dot_product_attention(queries, keys, values)
    assert torch.allclose(attended(queries, keys, values), wanted, atol=1e-5)


def test_attention_takes_a_mean_of_values_with_weights_by_the_root_of_d():
    queries, keys = torch.tensor([[2.0, 0, 0, 0]]), torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    wanted = 10 / (1 + np.exp(-1))  # the scores are 2 / sqrt(4) and 0
    assert attended(queries, keys, torch.tensor([[10.0], [0.0]])).item() == pytest.approx(wanted)


def test_pixels_gives_a_map_of_the_size_of_the_picture():
    assert L.Pixels(5)(torch.rand(2, 1, 32, 48)).shape == (2, 5, 32, 48)


def test_pixels_without_queries_get_one_color(light):
    net = made(L.Palette)
    ab = L.answer(net, light, torch.zeros_like(net.queries))
    assert np.ptp(ab, axis=(1, 2)).max() < 1e-3
    assert np.ptp(L.answer(net, light), axis=(1, 2)).min() > 1e-2


def test_a_palette_is_a_set_its_order_means_nothing(light):
    net = made(L.Palette)
    order = torch.randperm(len(net.queries))
    shuffled = L.answer(net, light, net.queries.detach()[order])
    assert np.allclose(shuffled, L.answer(net, light), atol=1e-3)


def test_a_pixel_gets_a_mixture_of_the_palette(light):
    net = made(L.Palette)
    with torch.inference_mode():
        colors = 110 * net.mix(light)[1].numpy()  # (3, 16, 2)
    ab = L.answer(net, light).reshape(3, -1, 2)
    assert (ab >= colors.min(1, keepdims=True) - 1e-3).all()
    assert (ab <= colors.max(1, keepdims=True) + 1e-3).all()


@pytest.mark.parametrize("past", ["pixels", "gray"])
def test_the_audit_finds_nothing_where_products_have_no_weight(light, past):
    net = made(L.Bypass, past)
    with torch.no_grad():
        net.ab.weight[:, : len(net.queries)] = 0
    answers = L.audit(net, light)
    assert all(np.array_equal(ab, answers["as trained"]) for ab in answers.values())


@pytest.mark.parametrize("kind", [L.Bypass, L.Palette])
def test_the_audit_changes_what_it_names_and_leaves_the_network(light, kind):
    net = made(kind, **({"start": 1.0} if kind is L.Bypass else {}))
    before = net.queries.detach().clone()
    answers = L.audit(net, light)
    assert list(answers) == ["as trained", "zeroed", "random", "permuted", "other picture"]
    assert torch.equal(net.queries, before)
    for name in ("zeroed", "random", "permuted"):
        assert np.abs(answers[name] - answers["as trained"]).max() > 0.01, name


def test_another_picture_is_no_change_where_all_pictures_are_the_same(light):
    same = light[:1].expand(3, -1, -1, -1)
    answers = L.audit(made(L.Palette), same)
    assert np.allclose(answers["other picture"], answers["as trained"], atol=1e-3)
    answers = L.audit(made(L.Palette), light)
    assert not np.allclose(answers["other picture"], answers["as trained"], atol=1e-3)


def test_a_coloring_is_the_product_of_shares_and_colors(light):
    net = made(L.Palette)
    looks, paints, colors = L.inside(net, light)
    assert looks.shape == paints.shape == (3, 16, 32 * 32) and colors.shape == (3, 16, 2)
    assert np.allclose(looks.sum(2), 1, atol=1e-4) and np.allclose(paints.sum(1), 1, atol=1e-4)
    ab = (paints.swapaxes(1, 2) @ colors).reshape(3, 32, 32, 2)
    assert np.allclose(ab, L.answer(net, light), atol=1e-3)


# Flow matching.


def test_the_mean_is_taken_over_places_of_like_L():
    L_map = torch.full((1, 1, 32, 32), 40.0)
    L_map[..., 16:] = 80
    x = torch.where(L_map > 60, 3.0, 1.0).expand(-1, 2, -1, -1)
    found = L.mean_alike(L_map, x)
    assert (found - x).abs().max() < 1e-4


def test_the_mean_has_less_noise_and_a_window_of_the_same_share_at_every_size():
    noise = torch.randn(8, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    found = L.mean_alike(torch.full((8, 1, 32, 32), 50.0), noise)
    assert found[..., 4:-4, 4:-4].std() == pytest.approx(1 / 9, rel=0.15)  # 81 numbers
    spot = torch.zeros(1, 2, 64, 64)
    spot[..., 32, 32] = 1
    reached = L.mean_alike(torch.full((1, 1, 64, 64), 50.0), spot)[0, 0].nonzero()
    assert (
        reached.min() == 23 and reached.max() == 41
    )  # four steps of two pixels, and none left out
    assert len(reached) == 19**2


@pytest.fixture(scope="module")
def flow(scenes):
    torch.manual_seed(0)
    return L.Flow(scenes.ab).eval()


def test_the_colors_are_all_that_occur(flow, scenes):
    drawn = {tuple(c) for c in 10 * np.round(scenes.ab.reshape(-1, 2) / 10)}
    assert {tuple(c) for c in (40 * flow.colors).round().tolist()} == drawn


def test_evidence_is_that_of_bayes_rule(flow, scenes, monkeypatch):
    """With an even prior, and all pixels alike, the softmax is the posterior of one Gaussian."""
    x1 = flow.colors[3].view(1, 2, 1, 1).expand(1, 2, 32, 32)
    light, t = torch.full((1, 1, 32, 32), 50.0), 0.5
    even = torch.zeros(1, len(flow.colors) + 1, 32, 32)
    even[:, -1] = np.log(np.expm1(20.25))  # 4 * softplus = 81, a pixel for each place
    monkeypatch.setattr(flow.net, "forward", lambda seen: even)
    found = flow.logits(light, t * x1, t).softmax(1)[0, :, 16, 16]
    gap = ((t * flow.colors[3] - t * flow.colors) ** 2).sum(1)
    wanted = (-81 * gap / (2 * ((1 - t) ** 2 + 0.01))).softmax(0)
    assert torch.allclose(found, wanted, atol=1e-4)


def test_the_loss_is_that_of_the_true_cells(scenes, flow):
    light, ab = L.to_maps(scenes.L[:4]), L.to_maps(scenes.ab[:4])

    class Knows(torch.nn.Module):
        colors = flow.colors

        def logits(self, light, x, t):
            cells = torch.cdist((ab / 40).flatten(2).mT, flow.colors).argmin(-1)
            one = torch.nn.functional.one_hot(cells, len(flow.colors)).float()
            return 50 * one.mT.unflatten(2, (32, 32))

    assert L.flow_loss(Knows(), light, ab, torch.Generator().manual_seed(1)) < 1e-4
    loss = L.flow_loss(flow, light, ab, torch.Generator().manual_seed(1))
    loss.backward()
    assert loss > 1 and flow.net.first[0].weight.grad.abs().max() > 0


def test_colorings_differ_by_their_noise_and_repeat_by_their_seed():
    class Copies(torch.nn.Module):
        def forward(self, light, x, t):
            return x

    light = torch.full((2, 1, 32, 32), 50.0)
    found = L.colorings(Copies(), light, 3, 2, checks.euler)
    assert found.shape == (3, 2, 32, 32, 2) and found.std() == pytest.approx(40, rel=0.05)
    assert not np.array_equal(found[0], found[1])
    assert np.array_equal(found, L.colorings(Copies(), light, 3, 2, checks.euler))


def test_a_walk_ends_where_the_network_points():
    target = torch.randn(1, 2, 32, 32)
    light = torch.zeros(1, 1, 32, 32)
    for steps in (1, 7):
        found = L.colorings(lambda light, x, t: target, light, 1, steps, checks.euler)
        assert found[0] == pytest.approx(40 * target.movedim(1, -1).numpy(), abs=1e-3)


def test_one_loop_learns_and_repeats_itself(scenes):
    arrays = [L.to_maps(scenes.L), L.to_maps(scenes.ab)]

    def trained():
        torch.manual_seed(0)
        return L.learn(L.Pixels(2), L.squared, arrays, 25, batch=4, seed=1)

    first = trained()
    assert len(first) == 20 and first == trained() and np.mean(first[-5:]) < np.mean(first[:5])


# Photographs: `tests/test_hinting.py`.
