"""The Fréchet distance: closed forms, symmetries, and whether it tells gray from real."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from course_utils import color, metrics, networks, photos
from course_utils.leaderboard import measuring

repeatable = settings(deadline=None, max_examples=25, derandomize=True)
shapes = st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.integers(4, 12))


def sample(seed, width, multiple):
    """Correlated features (N, width) of unequal spread, N at least 4 × width."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(multiple * width + 3, width)) @ rng.normal(size=(width, width))
    return mixed + rng.normal(size=width)


def rotation(seed, width):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))[0]


def textbook(x, y):
    """The formula as it is printed, with scipy's matrix root."""
    c, d = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    root = np.real(sqrtm(c @ d))
    return np.square(x.mean(0) - y.mean(0)).sum() + np.trace(c + d - 2 * root)


@repeatable
@given(shapes)
def test_the_printed_formula(shape):
    seed, width, multiple = shape
    x, y = sample(seed, width, multiple), sample(seed + 1, width, multiple + 2)
    d = metrics.frechet_distance(x, y)
    assert d == pytest.approx(textbook(x, y), rel=1e-5, abs=1e-5)


@repeatable
@given(shapes)
def test_equal_sets_are_at_zero_in_any_order(shape):
    x = sample(*shape)
    d = metrics.frechet_distance(x, x[::-1])
    assert 0 <= d < 1e-10 * (1 + np.square(x).sum())


@repeatable
@given(shapes, st.floats(-20, 20))
def test_a_shift_costs_its_square(shape, shift):
    x = sample(*shape)
    moved = x + shift
    expected = x.shape[1] * shift**2
    assert metrics.frechet_distance(x, moved) == pytest.approx(expected, rel=1e-6, abs=1e-8)


@repeatable
@given(shapes, st.floats(0, 5))
def test_a_scale_costs_its_excess_squared_times_the_variance(shape, scale):
    """Of x and scale * x around one mean: (1 - scale)² tr C."""
    x = sample(*shape)
    x -= x.mean(axis=0)
    variance = x.var(axis=0, ddof=1).sum()
    expected = (1 - scale) ** 2 * variance
    d = metrics.frechet_distance(x, scale * x)
    assert d == pytest.approx(expected, rel=1e-8, abs=1e-10 * variance)


@repeatable
@given(shapes)
def test_it_is_symmetric_and_does_not_see_rotations(shape):
    seed, width, multiple = shape
    x, y = sample(seed, width, multiple), sample(seed + 1, width, multiple)
    d = metrics.frechet_distance(x, y)
    turn = rotation(seed, width)
    assert metrics.frechet_distance(y, x) == pytest.approx(d, rel=1e-9, abs=1e-10)
    assert metrics.frechet_distance(x @ turn, y @ turn) == pytest.approx(d, rel=1e-7, abs=1e-8)
    assert d >= 0


def test_features_that_never_vary_are_no_obstacle():
    """A dead unit makes both covariances singular, where scipy's root fails or is complex."""
    x, y = sample(1, 5, 8), sample(2, 5, 8)
    padded = [np.hstack([z, np.zeros((len(z), 2))]) for z in (x, y)]
    assert metrics.frechet_distance(*padded) == pytest.approx(metrics.frechet_distance(x, y))


def test_it_is_biased_by_about_c_over_n():
    """Between two samples of one Gaussian it is not 0; half as many pictures, twice as far."""
    rng = np.random.default_rng(3)
    means = []
    for n in (100, 200, 400):
        draws = [rng.normal(size=(2, n, 8)) for _ in range(60)]
        means.append(np.mean([metrics.frechet_distance(*draw) for draw in draws]))
    assert means[0] / means[1] == pytest.approx(2, abs=0.2)
    assert means[1] / means[2] == pytest.approx(2, abs=0.2)


def test_too_few_rows_and_other_shapes_are_refused():
    rng = np.random.default_rng(4)
    enough = rng.normal(size=(40, 10))
    metrics.frechet_distance(enough, enough[::-1])
    with pytest.raises(ValueError, match="features_hat has 39 rows of 10 numbers; .* 40 pictures"):
        metrics.frechet_distance(enough, enough[:39])
    for other in (rng.normal(size=(40, 9)), enough[0], np.zeros((0, 10)), enough[..., None]):
        with pytest.raises(ValueError, match="of one width"):
            metrics.frechet_distance(enough, other)
    broken = enough.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="features_hat holds a NaN"):
        metrics.frechet_distance(enough, broken)


def faded(rgb, share):
    """Pictures with this share of their chroma."""
    L, ab = color.split(color.rgb_to_lab(rgb))
    return np.round(255 * color.lab_to_rgb(color.join(L, share * ab))).astype(np.uint8)


def test_how_many_rows_are_asked_for_is_the_callers_choice():
    enough = np.random.default_rng(4).normal(size=(20, 10))
    assert metrics.frechet_distance(enough, enough, least=2) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="measure at least 25 pictures"):
        metrics.frechet_distance(enough, enough, least=2.5)
    with pytest.raises(ValueError, match="measure at least 40 pictures"):
        metrics.frechet_distance(enough, enough)


@pytest.mark.stress
@pytest.mark.parametrize("name, layer", [("MobileNetV2", "features"), ("Lite0", "stride16")])
def test_twice_as_many_photographs_as_features_are_enough(name, layer, shared_data):
    """What the leaderboard takes: halves of 476. Less chroma is farther, and 0.7 of it is seen."""
    rgb = photos.load(shared_data / "intel", "test", 96, color_only=True)
    network = networks.features(name)
    assert measuring.LEAST * network.widths[layer] <= len(rgb) // 2 < 4 * network.widths[layer]
    real = network.embed(rgb, layer)
    rows = [measuring.halved_distances(real, real)]
    for share in (0.7, 0.3, 0):
        rows.append(measuring.halved_distances(real, network.embed(faded(rgb, share), layer)))
    rows = np.array(rows)  # (4, halvings)
    assert (rows[1] > rows[0]).mean() >= 0.9, rows
    assert (np.diff(rows.mean(axis=1)) > 0).all() and (rows[3] > rows[0]).all()


def test_gray_is_farther_from_real_than_real_is(shared_data):
    """At equal N: one half of the photographs against the other, left alone, faded, or gray."""
    rgb = photos.load(shared_data / "intel", "test", 96, color_only=True)
    network = networks.features("course_RGB")
    real, half, gray = (network.embed(x) for x in (rgb, faded(rgb, 0.5), faded(rgb, 0)))
    n = len(rgb) // 2
    assert n >= 4 * network.width
    rows = []
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(rgb))
        one, other = order[:n], order[n : 2 * n]
        hats = (real, half, gray)
        rows.append([metrics.frechet_distance(real[one], hat[other]) for hat in hats])
    rows = np.array(rows)  # (10, 3)
    assert (rows[:, 2] > rows[:, 0]).sum() >= 9, rows
    assert (np.diff(rows.mean(axis=0)) > 0).all(), rows.mean(axis=0)
