"""Hints on photographs: how one is spread, what it is held against, and what is stored."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lesson_code import noise

from course_utils import color, course, files, metrics, photos
from course_utils.colorizer import Colorizer
from experiments import hinting, learning, lesson
from experiments.runner import PROTOCOL, Run

L = lesson("11")


def places(*features, doubt=-60.0):
    """Pixels (1, P, 2) of these features, with a doubt."""
    return torch.tensor([[(doubt, x) for x in features]], dtype=torch.float32)


def wish(*colors):
    return torch.tensor([colors], dtype=torch.float32)


AB = torch.tensor([[[0.1, 0.0], [0.2, 0.0], [0.3, 0.0], [0.4, 0.0]]])  # (1, P, 2)


def test_a_hint_reaches_what_belongs_to_it_and_nothing_else():
    pixels = places(0, 0, 99, 99, doubt=-2.0)
    found = L.with_hints(pixels, AB, pixels[:, :1], wish((0.5, -0.5)))
    share = 1 / (1 + np.exp(-2))  # of the hint, beside a doubt of exp(-2)
    assert found[0, 0].numpy() == pytest.approx([0.1 + share * 0.4, -share * 0.5], abs=1e-6)
    assert found[0, 1].numpy() == pytest.approx([0.2 + share * 0.3, -share * 0.5], abs=1e-6)
    assert torch.equal(found[0, 2:], AB[0, 2:])


def test_hints_share_what_lies_between_them():
    pixels = places(-1, 0, 0, 1)
    hints = wish((1.0, 0.0), (0.0, 1.0))
    found = L.with_hints(pixels, AB, pixels[:, [0, 3]], hints)
    assert found[0, 1:3].numpy() == pytest.approx(0.5, abs=1e-6)
    near = 1 / (1 + np.exp(-2))  # a distance of 2 is exp(-2)
    assert found[0, 0].numpy() == pytest.approx([near, 1 - near], abs=1e-6)


def test_without_hints_the_answer_stays():
    pixels = places(1, 2, 3, 4)
    assert torch.equal(L.with_hints(pixels, AB, pixels[:, :0], torch.zeros(1, 0, 2)), AB)


def test_features_know_row_column_and_lightness():
    seen = torch.zeros(2, 3, 16, 32)
    seen[1, 0] = 0.5
    found = L.features(lambda x: x[:, :2], seen).unflatten(1, (16, 32))
    assert found.shape == (2, 16, 32, 5)
    rows, columns = found[0, :, 0, 2], found[0, 0, :, 3]
    assert (rows.diff() - 3 / 16).abs().max() < 1e-5  # in shares of the shorter side
    assert (columns.diff() - 3 / 16).abs().max() < 1e-5
    assert (found[1, ..., 4] == 5).all() and not found[0, ..., 4].any()


def by_column(seen):
    """A network for which the left half of a picture is one thing, the right half another."""
    n, _, height, width = seen.shape
    side = 99.0 * (torch.arange(width) >= width // 2).expand(n, 1, height, width)
    return torch.cat([torch.full_like(side, -60.0), side], 1)


def blind(seen):
    """A network for which all places are alike."""
    return torch.zeros(len(seen), 2, *seen.shape[2:]) - torch.tensor([60.0, 0.0])[:, None, None]


@pytest.mark.parametrize("shape", [(96, 96), (120, 200), (200, 120), (30, 470)])
def test_a_hint_lands_where_it_is_given_in_a_picture_of_any_shape(shape):
    light = np.full((*shape, 1), 50, np.float32)
    ab = np.zeros((*shape, 2), np.float32)
    found = L.hinted(by_column, light, ab, [(0.9, 0.1, (30, -20)), (0.1, 0.9, (-10, 40))])
    assert found.shape == ab.shape and found.dtype == np.float32
    quarter = shape[1] // 4
    for part, wanted in ((found[:, :quarter], (30, -20)), (found[:, -quarter:], (-10, 40))):
        assert part == pytest.approx(np.broadcast_to(wanted, part.shape), abs=1e-3)


def test_no_hint_leaves_a_photograph_as_it_is():
    ab = np.random.default_rng(1).normal(0, 20, (20, 30, 2)).astype(np.float32)
    assert np.array_equal(L.hinted(by_column, ab[..., :1] + 50, ab, []), ab)


# Training.


def test_hints_are_told_by_number_and_where_the_answer_is_wrong():
    ab = torch.zeros(40, 2, 8, 8)
    ab[..., :4] = 0.5  # S4 says 0 everywhere: the left half is wrong
    generator = torch.Generator().manual_seed(1)
    batches = [hinting.told(ab, torch.zeros_like(ab), generator) for _ in range(400)]
    counts = np.array([where.shape[1] for where, _ in batches])
    assert counts.min() == 1 and counts.max() == hinting.MOST and 6 < counts.mean() < 7.5
    anywhere, wrong = (
        torch.cat([(where[i::2] % 8 < 4).flatten() for where, _ in batches]) for i in (0, 1)
    )
    assert 0.48 < anywhere.float().mean() < 0.52 and wrong.float().mean() > 0.8
    where, colors = max(batches, key=lambda batch: batch[0].shape[1])
    assert all(len(set(pixels.tolist())) == hinting.MOST for pixels in where)  # none twice
    assert (colors[where % 8 < 3] == 0.5).all() and not colors[where % 8 > 4].any()


def test_the_loss_is_small_where_the_network_knows_what_belongs_together():
    ab = torch.zeros(4, 2, 16, 16)
    ab[..., 8:] = 0.4
    arrays = torch.zeros(4, 1, 16, 16), ab, torch.zeros_like(ab)
    knows, knows_not = (
        np.mean(
            [float(hinting.loss(net, *arrays, torch.Generator().manual_seed(s))) for s in range(9)]
        )
        for net in (by_column, blind)
    )
    assert knows < 0.8 * knows_not


def test_the_loss_reaches_every_weight():
    net = hinting.network()
    arrays = torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32), torch.rand(2, 2, 32, 32)
    hinting.loss(net, *arrays, torch.Generator().manual_seed(1)).backward()
    dead = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


class Toy:
    """A colorizer that answers with half of L in a."""

    size = 32

    def ab_for(self, light):
        return np.concatenate([light / 2, 0 * light], -1).astype(np.float32)

    def on_threads(self, count):
        return self


@pytest.fixture
def toy(monkeypatch, tmp_path):
    rgb = noise(6, 128)
    monkeypatch.setattr(learning, "photographs", lambda: (rgb, rgb[:3]))
    monkeypatch.setattr(hinting, "Colorizer", SimpleNamespace(load=lambda name: Toy()))
    monkeypatch.setattr(hinting.data, "shared", lambda name: tmp_path / name)
    small = rgb[:2, :48, :48]
    monkeypatch.setattr(photos, "load", lambda source, split, size, color_only=False: small)
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(hinting, "RULES", [(0.2, 10.0, 0.1)])
    return rgb


def test_views_hold_a_photograph_and_what_was_answered_to_it(toy, tmp_path):
    light, ab, hat = hinting.learned_from(tmp_path / "views.npy", 5, 1)
    assert light.shape == (5, 1, 64, 64) and ab.shape == hat.shape == (5, 2, 64, 64)
    # the toy's answer moves with L, cut, mirrored and shrunk alike
    assert hat[:, 0].float().numpy() == pytest.approx(
        light[:, 0].float().numpy() * 50 / color.AB_SCALE, abs=2e-3
    )
    assert not hat[:, 1].any() and ab.float().std() > 0.05
    again = hinting.learned_from(tmp_path / "views.npy", 5, 2)  # read, not made anew
    assert all(torch.equal(x, y) for x, y in zip((light, ab, hat), again))


def test_the_experiment_in_small_and_once_more(toy, tmp_path, monkeypatch):
    small = {"n": 4, "steps": 20, "batch": 1, "n_test": 2}
    found = hinting.hints(Run(tmp_path / "run"), **small)
    assert set(PROTOCOL) <= set(found) and found["sets"]["album"]["n"] == 2
    json.dumps(found, allow_nan=False)
    path = files.CHECKPOINTS / "11_hints.npz"
    assert files.checksums()["11_hints.npz"] == files.sha256(path) == found["sha256"]
    card = path.with_suffix(".md").read_text("utf-8")
    assert found["sha256"] in card and "| album | network | +0.00 [" in card
    monkeypatch.setattr(L._module, "learn", None)  # what was trained is not trained again
    assert hinting.hints(Run(tmp_path / "run"), **small) == found


# Judging.


def two_halves():
    """A photograph (96, 96, 3): the left half is red, the right one blue."""
    rgb = np.zeros((96, 96, 3), np.uint8)
    rgb[:, :48], rgb[:, 48:] = (180, 60, 60), (60, 60, 180)
    return rgb


def test_true_hints_are_true():
    rgb = two_halves()
    hints = hinting.truths(rgb, 40, 1)
    colors = {"left": color.ab(rgb[0, 0]), "right": color.ab(rgb[0, -1])}
    assert {y < 0.5 for y, _, _ in hints} == {x < 0.5 for _, x, _ in hints} == {True, False}
    for _, x, ab in hints:
        if abs(x - 0.5) > 0.03:
            assert ab == pytest.approx(colors["left" if x < 0.5 else "right"], abs=0.1)


def test_the_rule_by_hand():
    light = np.full((96, 96, 1), 50, np.float32)
    light[:, 48:] = 90
    ab = np.zeros((96, 96, 2), np.float32)
    rule = hinting.by_rule(0.25, 10, 0.5)
    assert np.array_equal(rule(light, ab, []), ab)
    found = rule(light, ab, [(0.5, 0.25, np.float32([30, 0]))])
    assert found[48, 24] == pytest.approx([30 / 1.5, 0], abs=0.1)
    weight = np.exp(-0.5)  # one width away in place
    assert found[72, 24, 0] == pytest.approx(30 * weight / (weight + 0.5), abs=0.1)
    assert abs(found[48, 60]).max() < 0.1  # four widths away in L


def test_gains_and_reach_of_two_extremes():
    rgb = np.stack([two_halves()] * 2)
    hats = np.zeros((2, 96, 96, 2), np.float32)

    def everywhere(light, ab, hints):
        return ab + hints[-1][2] if hints else ab

    def right(light, ab, hints):
        return color.ab(rgb[0]) if hints else ab

    assert (hinting.gains(rgb, hats, right, 1, (0, 1)) > [[-1e-9, 20]] * 2).all()
    assert (hinting.gains(rgb, hats, right, 1, (0,)) == 0).all()
    leaky = hinting.reach(rgb, hats, everywhere, 1)
    assert leaky["near"][0] == pytest.approx(1, abs=0.02) == leaky["far"][0]
    assert leaky["near"][3] == 2
    still = hinting.reach(rgb, hats, lambda light, ab, hints: ab, 1)
    assert still["near"][:3] == still["far"][:3] == [0, 0, 0]


# What is stored and shipped.


def stored():
    return course.result("11/photographs")


def test_stored_hints_help_and_do_so_more_than_the_rule():
    assert stored()["counts"] == list(hinting.COUNTS)
    for name, found in stored()["sets"].items():
        gains = np.array(found["network"]["gain"])
        assert (gains[0] == 0).all() and (gains[1:, 1] > 0).all(), name
        assert gains[hinting.COUNTS.index(10), 0] >= 2, name
        assert found["ahead"][hinting.COUNTS.index(10)][1] > 0, name


def test_the_shipped_weights_are_those_that_were_judged():
    name = "11_hints.npz"
    assert files.checksums()[name] == stored()["sha256"]
    assert len(files.shipped(name)) < 2e6
    net = hinting.network()
    learning.from_arrays(net, files.CHECKPOINTS / name)
    album = photos.load("album", "test", 256)
    model = Colorizer.load(hinting.S4)
    chosen = [0, 8, 30]
    gain = [
        hinting.gains(
            album[i : i + 1],
            hinting.answers(album[i : i + 1], model),
            lambda *seen: L.hinted(net.eval(), *seen),
            stored()["seed"] + i,
            (10,),
        )[0, 0]
        for i in chosen
    ]
    wanted = np.array(stored()["sets"]["album"]["network"]["each"])[chosen, 3]
    assert gain == pytest.approx(wanted, abs=0.05)
    assert metrics.bootstrap(gain)[0] > 0
