"""Answers of people: intervals of their shares, found in another way, and simulated rooms."""

import numpy as np
import pytest
from scipy.stats import binomtest

from course_utils import metrics
from experiments.lesson_08 import audience

# Wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (9, 10), (10, 10), (896, 1000), (1, 1)])
def test_wilson_is_the_interval_of_scipy(k, n):
    low, high = metrics.wilson(k, n)
    known = binomtest(k, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-5)
    assert 0 <= low <= k / n <= high <= 1


def test_wilson_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    for p in (0.05, 0.5, 0.9):
        ends = np.array([metrics.wilson(int(k), 40) for k in rng.binomial(40, p, 2000)])
        covered = ((ends[:, 0] <= p) & (p <= ends[:, 1])).mean()
        assert 0.92 < covered < 0.985


def test_more_answers_make_it_narrower():
    widths = [np.diff(metrics.wilson(round(0.9 * n), n))[0] for n in (10, 100, 1000)]
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0), (1, float("nan"))])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match=f"{k} of {n} answers have no share"):
        metrics.wilson(k, n)


# crossed


def test_crossed_is_the_bootstrap_of_one_way_where_the_other_does_not_matter():
    person = np.repeat(np.arange(30), 10)
    values = (np.random.default_rng(3).random(30) < 0.6)[person]  # a person always says the same
    both = metrics.crossed(values, person, np.tile(np.arange(10), 30))
    one = metrics.bootstrap(values, clusters=person)
    assert both == pytest.approx(one, abs=0.02)


def test_crossed_takes_any_labels_and_answers_that_are_missing():
    rng = np.random.default_rng(4)
    who, what = rng.integers(9, size=200), rng.integers(11, size=200)
    values = rng.random(200) < 0.5
    found = metrics.crossed(values, who, what)
    assert found == metrics.crossed(values, [f"{i}" for i in who], [f"{j:2}" for j in what])
    assert found[1] < found[0] < found[2]


def test_crossed_wants_two_of_each():
    with pytest.raises(ValueError, match="3 answers of 1 person"):
        metrics.crossed([1, 0, 1], [1, 1, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="one label of each for every answer"):
        metrics.crossed([1, 0, 1], [1, 2], [1, 2, 3])


# The simulated audience


def test_the_audience_has_the_rate_that_it_says():
    said = np.array([audience(0.8, 8, 6, 0.8, 0.5, seed) for seed in range(8000)])
    assert said.shape == (8000, 8, 6) and said.mean() == pytest.approx(0.8, abs=0.005)
    first, again = (audience(0.7, 5, 4, 1, 1, seed=9) for _ in range(2))
    assert (first == again).all() and first.dtype == bool


def test_an_audience_without_bias_is_a_coin_and_with_bias_its_answers_hang_together():
    """The variance of a share of 48 answers: that of a coin, or more."""
    shares = np.array([audience(0.8, 8, 6, 0, 0, seed).mean() for seed in range(8000)])
    assert shares.var() == pytest.approx(0.16 / 48, rel=0.05)
    shares = np.array([audience(0.8, 8, 6, 0.8, 0.5, seed).mean() for seed in range(2000)])
    assert shares.var() > 2 * 0.16 / 48


def test_wilson_is_too_narrow_for_persons_and_crossed_is_not():
    held = {"wilson": 0, "crossed": 0}
    i, j = (x.ravel() for x in np.indices((20, 25)))
    for seed in range(150):
        said = audience(0.8, 20, 25, 0.8, 0.4, seed).ravel()
        ends = {
            "wilson": metrics.wilson(said.sum(), said.size),
            "crossed": metrics.crossed(said, i, j, 400)[1:],
        }
        for name, (low, high) in ends.items():
            held[name] += low <= 0.8 <= high
    assert held["wilson"] < 0.7 * 150 < 0.88 * 150 < held["crossed"]
