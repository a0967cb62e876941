"""Several colorings of a photograph: what is drawn, where it spreads, and what is stored."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils import bins, color, course, files
from course_utils.colorizer import Colorizer, graph
from course_utils.colorizer.model import resize
from experiments import drawing, hinting, lesson

L = lesson("11")
SIDE = 16
HALF = SIDE * SIDE // 2
RED, BLUE = (int(bins.encode([c], k=1)[0][0, 0]) for c in ((50.0, 40.0), (10.0, -40.0)))


def some(*shape):
    """Numbers from 0.1 to 1."""
    return np.random.default_rng(3).uniform(0.1, 1, shape).astype(np.float32)


def alike(doubt):
    """A network for which all places belong together, but for their row, column and L."""
    return lambda seen: torch.full((len(seen), 17, *seen.shape[2:]), doubt)


@pytest.fixture
def gray():
    return np.full((SIDE, SIDE, 1), 50, np.float32), np.zeros((SIDE, SIDE, 2), np.float32)


def expected(*odds):
    """p (SIDE, SIDE, 313): {bin: probability} of the upper half, and of the lower one."""
    p = np.full((2, HALF, 313), 1e-9, np.float32)
    for half, table in zip(p, odds):
        for k, share in table.items():
            half[:, k] = share
    return (p / p.sum(-1, keepdims=True)).reshape(SIDE, SIDE, 313)


EITHER = {RED: 0.7, BLUE: 0.3}


class Spy:
    """`influence` of the answer alone, or of the first hint in its half; keeps what it was told."""

    def __init__(self, reached=False):
        self.reached, self.at, self.told = reached, [], []

    def __call__(self, places, p, at, told):
        self.at, self.told = list(at), list(told)
        share = np.zeros((len(p), 1 + len(at)), np.float32)
        share[:, 0] = 1.0
        if self.reached and at:
            half = slice(0, HALF) if at[0] < HALF else slice(HALF, None)
            share[half, 0], share[half, 1] = 0.0, 1.0
        return share


# Where a hint counts.


def test_without_hints_the_answer_counts_alone():
    p = some(6, 313)
    assert np.array_equal(L.influence(torch.randn(6, 20), p, [], []), np.ones((6, 1)))


def test_hints_spread_by_features_where_their_bins_are_equally_probable():
    places, ab = torch.randn(1, 9, 4), torch.zeros(1, 9, 2)
    share = L.influence(places[0], np.ones((9, 313), np.float32), [2, 7], [RED, BLUE])
    wish = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    known = L.with_hints(places, ab, places[:, [2, 7]], wish)[0].numpy()
    assert share[:, 1:] == pytest.approx(known, abs=1e-6)
    assert share.sum(1) == pytest.approx(1, abs=1e-6)


def test_a_hint_counts_less_where_its_color_is_less_probable_and_nowhere_more():
    places = torch.zeros(3, 4)  # alike, and the answer counts as much as a hint
    p = np.full((3, 313), 0.5, np.float32)
    p[1, RED], p[2, RED] = 0.1, 0.9
    own, less, more = L.influence(places, p, [0], [RED])[:, 1]
    assert own == more == pytest.approx(1 / 2)
    assert less == pytest.approx(0.2 / (1 + 0.2))


# What is drawn.


def test_places_in_doubt_are_hinted_and_no_others(gray):
    p, found = expected({RED: 1.0}, EITHER), []
    for seed in range(20):
        spy = Spy()
        L.drawn(alike(0.0), *gray, p, spy, 3, seed)
        found += spy.at
    assert len(found) == 60 and min(found) >= HALF


def test_colors_come_as_often_as_expected(gray):
    p, told = expected(EITHER, EITHER), []
    for seed in range(200):
        spy = Spy()
        L.drawn(alike(0.0), *gray, p, spy, 3, seed)
        told += spy.told
    assert set(told) == {RED, BLUE}
    assert abs(np.mean(np.array(told) == RED) - 0.7) < 4 * (0.7 * 0.3 / 600) ** 0.5


def test_a_place_that_a_hint_has_reached_is_not_hinted_again(gray):
    for seed in range(10):
        spy = Spy(reached=True)
        L.drawn(alike(0.0), *gray, expected(EITHER, EITHER), spy, 2, seed)
        first, second = (place < HALF for place in spy.at)
        assert first != second


def test_a_drawn_color_spreads_to_where_it_is_possible(gray):
    p = expected(EITHER, {100: 1.0})  # below, red and blue are out of the question
    for seed in range(5):
        ab = L.drawn(alike(-12.0), *gray, p, L.influence, 1, seed)
        upper, lower = ab[: SIDE // 2 - 1], ab[SIDE // 2 + 1 :]
        off = [np.linalg.norm(upper - L.BINS[k], axis=-1).max() for k in (RED, BLUE)]
        assert min(off) < 5 and np.abs(lower).max() < 0.1


def test_an_answer_without_doubt_stays(gray):
    ab = L.drawn(alike(60.0), *gray, expected(EITHER, EITHER), L.influence, 4, 1)
    assert np.abs(ab).max() < 1e-3


def test_drawings_repeat_by_their_seed(gray):
    p = expected(EITHER, EITHER)
    one, same, other = (L.drawn(alike(-9.0), *gray, p, L.influence, 3, k) for k in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


# What is expected.


@pytest.mark.parametrize("shape", [(100, 150), (40, 300), (200, 100)])
def test_a_distribution_of_a_picture_of_any_shape(shape):
    asked = []

    def run(names, feed):
        asked.append(feed["L"].shape)
        return [some(1, 313, 5, 7)]

    p = L.distribution(SimpleNamespace(run=run), np.full((*shape, 1), 101, np.float32))
    height, width, count = p.shape
    assert min(height, width) == 96 and count == 313 and height % 16 == width % 16 == 0
    assert abs(height / width - shape[0] / shape[1]) < 0.1 * shape[0] / shape[1]
    assert p.sum(-1) == pytest.approx(1, abs=1e-5) and p.min() > 0
    assert asked == [(1, 1, 2 * height, 2 * width)]


def test_the_softmax_inside_is_what_the_answer_is_the_mean_of():
    session = graph.softmax_inside(files.shipped(f"{drawing.S2}.onnx"))
    light = resize(100 * some(5, 7, 1), 64, 96)[None, None, ..., 0]
    p, ab = session.run(None, {"L": light})
    assert p.shape == (1, 313, 16, 24) and p.sum(1) == pytest.approx(1, abs=1e-4)
    mean = np.moveaxis(p[0], 0, -1) @ bins.ab_bins()
    assert np.abs(resize(mean, 64, 96) - np.moveaxis(ab[0], 0, -1)).mean() < 0.5


def test_a_graph_without_a_distribution_says_so():
    with pytest.raises(ValueError, match="0 softmaxes"):
        graph.softmax_inside(files.shipped(f"{hinting.S4}.onnx"))


# The experiment.


def test_hints_go_anywhere_where_improbable_does_not_matter():
    places, p = torch.zeros(5, 20), some(5, 313)
    flat = L.influence(places, np.ones_like(p), [1], [RED])
    assert np.array_equal(drawing.anywhere(places, p, [1], [RED]), flat)
    assert not np.allclose(L.influence(places, p, [1], [RED]), flat)


def test_colorings_that_differ_by_three_and_four_are_five_apart():
    one = np.zeros((4, 4, 2), np.float32)
    assert drawing.apart(np.stack([one, one + (3, 4)])) == pytest.approx(5)
    assert drawing.apart(np.stack([one, one, one + (3, 4)])) == pytest.approx(10 / 3)


def test_scores_of_the_answer_itself_and_of_the_truth():
    rgb = np.random.default_rng(1).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    light, true = color.L(rgb), color.ab(rgb)
    gray = np.zeros_like(true)
    same = drawing.scores(rgb, light, gray, np.stack([gray, gray]))
    assert same["single"] == same["best"] == same["apart"] == same["colorfulness"] == 0
    found = drawing.scores(rgb, light, gray, np.stack([gray, true]))
    assert found["best"] > 20 and found["single"] == pytest.approx(found["best"] / 2)


def test_the_experiment_in_small():
    rgb = np.random.default_rng(2).integers(0, 255, (3, 48, 64, 3), dtype=np.uint8)
    torch.manual_seed(0)
    found = drawing.judged(rgb, hinting.network().eval(), 2)
    assert found["n"] == 3 and set(found["colorfulness"]) == {"truth", "S4"}
    for way in drawing.WAYS:
        mean, low, high = found[way]["best"]
        assert low <= mean <= high and found[way]["single"][0] <= mean
        assert found[way]["apart"][0] > 0
    assert "behind" in found["another's"] and "behind" not in found["drawn"]
    assert "frechet" not in found  # of three photographs


def test_answers_come_in_turn():
    paint = drawing.in_turn([np.zeros(2), np.ones(2)])
    assert [float(paint(np.zeros(1))[0]) for _ in range(2)] == [0.0, 1.0]


def test_stored_drawings_suit_their_photograph():
    stored = course.result("11/several")
    assert Colorizer.load(drawing.S2).T == 1.0
    for rows in stored["sets"].values():
        own, other = rows["drawn"], rows["another's"]
        assert own["single"][2] < 0 < own["best"][1]  # one is worse than S4, one of eight better
        assert min(other["behind"][key][1] for key in ("single", "best")) > 0
        assert own["apart"][0] > 5  # units of ab: not eight times the same
