"""The 313 bins: number, order and borders; codes, priors, weights and what is decoded."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial import cKDTree

from course_utils.bins import ab_bins, decode, dense, encode, prior, rebalance
from course_utils.color import rgb_to_lab


@pytest.mark.parametrize(
    ("step", "number"), [(5, 1083), (8, 460), (10, 313), (12, 228), (15, 159), (20, 101)]
)
def test_number_of_bins_at_each_step(step, number):
    bins = ab_bins(step)
    assert bins.shape == (number, 2)
    assert bins.dtype == np.float32
    assert (bins % step == 0).all()


def test_order_is_a_major():
    bins = ab_bins()
    assert np.array_equal(bins, np.array(sorted(map(tuple, bins))))
    assert bins[0].tolist() == [-90, 50]
    assert bins[-1].tolist() == [100, 0]


def test_every_srgb_color_has_a_bin_near_and_52_bins_are_never_the_nearest():
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 3, dtype=np.uint8)] * 3), -1).reshape(-1, 3)
    ab = rgb_to_lab(cube)[:, 1:]
    bins = ab_bins()
    nearest = cKDTree(bins).query(ab)[1]
    assert np.abs(ab - bins[nearest]).max() <= 5 + 1e-3
    assert len(np.unique(nearest)) == 313 - 52


def test_a_step_of_zero_is_refused():
    with pytest.raises(ValueError, match="wider than 0"):
        ab_bins(0)


# encode and dense


def by_hand(ab, bins, k, sigma):
    """The dense code of colors (N, 2), by sorting all distances."""
    distance = ((ab[:, None].astype(float) - bins) ** 2).sum(-1)
    code = np.zeros_like(distance)
    for row, d in zip(code, distance, strict=True):
        near = d.argsort(kind="stable")[:k]
        row[near] = np.exp(-d[near] / (2 * sigma**2))
    return code / code.sum(1, keepdims=True)


def colors(n=2000):
    rng = np.random.default_rng(3)
    return rgb_to_lab(rng.uniform(0, 1, (n, 3)))[:, 1:]


@pytest.mark.parametrize(("step", "k", "sigma"), [(10, 5, 5), (10, 10, 5), (10, 1, 3), (5, 7, 4)])
def test_encode_agrees_with_sorting_all_distances(step, k, sigma):
    bins, ab = ab_bins(step), colors()
    indices, weights = encode(ab, k, sigma, bins)
    assert indices.shape == weights.shape == (len(ab), k)
    assert (indices.dtype, weights.dtype) == (np.int16, np.float32)
    expected = by_hand(ab, bins, k, sigma)
    np.testing.assert_allclose(dense(indices, weights, len(bins)), expected, atol=1e-5)
    first = ((ab[:, None].astype(float) - bins) ** 2).sum(-1).argmin(1)
    assert (indices[:, 0] == first).mean() > 0.999  # float32 may tell two equally near ones apart
    assert (np.diff(weights, axis=1) <= 1e-6).all()


def test_encode_takes_any_bins_and_any_shape():
    some = np.array([(-100.0, 90), (3, 4), (3, 4), (60, -60)])
    ab = np.array([[[0.0, 0], [120, 120]], [[-127, -127], [59, -61]]])
    indices, weights = encode(ab, k=2, sigma=20, bins=some)
    assert indices.shape == (2, 2, 2)
    assert indices[0, 0].tolist() == [1, 2] and weights[0, 0].tolist() == [0.5, 0.5]
    assert indices[1, 1, 0] == 3
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)


def test_ties_go_to_the_first_of_the_list():
    center = np.array([0.0, 0.0])
    indices, weights = encode(center)
    assert [tuple(x) for x in ab_bins()[indices]] == [(0, 0), (-10, 0), (0, -10), (0, 10), (10, 0)]
    assert weights[1] == weights[4] < weights[0]


@pytest.mark.parametrize("bad", [np.nan, 128.0, -200.0])
def test_what_is_no_color_is_refused(bad):
    with pytest.raises(ValueError, match="within ±128"):
        encode(np.array([[0.0, 0.0], [0.0, bad]]))


@pytest.mark.parametrize("k", [0, 314])
def test_k_must_fit_the_bins(k):
    with pytest.raises(ValueError, match="1 to 313"):
        encode(np.zeros(2), k)


def test_a_large_picture_needs_little_more_than_its_result():
    ab = np.full((2048, 2048, 2), 12.5, np.float32)
    encode(ab[:1])  # imports scipy
    tracemalloc.start()
    indices, weights = encode(ab)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert indices.shape == (2048, 2048, 5)
    assert peak < indices.nbytes + weights.nbytes + 20e6


# prior and rebalance


def test_the_prior_of_one_color_is_its_code_when_nothing_is_smoothed():
    ab = np.array([[14.0, -23.0]])
    np.testing.assert_allclose(prior(ab, smooth=0), by_hand(ab, ab_bins(), 5, 5)[0], atol=1e-6)


def test_the_prior_is_smoothed_in_the_plane_and_loses_nothing():
    bins = ab_bins()
    at = np.flatnonzero((bins == [0, -70]).all(1))[0]  # the next of the list lies at the other end
    assert np.abs(bins[at] - bins[at - 1]).max() > 50
    smooth = prior(bins[at : at + 1], k=1)
    assert smooth.sum() == pytest.approx(1) and (smooth > 0).all()
    neighbor = np.flatnonzero((bins == [10, -70]).all(1))[0]
    assert smooth[neighbor] > 1e5 * smooth[at - 1]
    # A wide Gaussian keeps the mean code where the colors are, up to the border of the list.
    everywhere = prior(colors(20_000), smooth=5)
    sharp = prior(colors(20_000), smooth=0)
    np.testing.assert_allclose(everywhere @ bins, sharp @ bins, atol=2)


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.5, 1.0])
def test_rebalancing_weights(lam):
    p = np.random.default_rng(1).dirichlet(np.ones(313))
    w = rebalance(p, lam)
    assert (p * w).sum() == pytest.approx(1)
    mixed = (1 - lam) * p + lam / 313
    np.testing.assert_allclose(w * mixed, (w * mixed)[0], rtol=1e-9)
    if lam == 1:
        np.testing.assert_allclose(w, 1)
    else:
        assert w[p.argmin()] == w.max() > 1 > w[p.argmax()]


@pytest.mark.parametrize("lam", [-0.1, 1.1, np.nan])
def test_a_lambda_out_of_range_is_refused(lam):
    with pytest.raises(ValueError, match="must be in 0…1"):
        rebalance(np.full(313, 1 / 313), lam)


def test_full_rebalancing_of_an_empty_bin_is_refused():
    p = np.zeros(313)
    p[0] = 1
    with pytest.raises(ValueError, match="above 0 where a bin is empty"):
        rebalance(p, 0)
    assert np.isfinite(rebalance(p, 0.5)).all()


# decode


def test_decode_from_mean_to_mode():
    bins = ab_bins()
    p = np.random.default_rng(5).dirichlet(np.full(313, 0.1), (4, 3)).astype(np.float32)
    np.testing.assert_allclose(decode(p, T=1), p @ bins, atol=1e-3)
    np.testing.assert_allclose(decode(p, T=1e-6), bins[p.argmax(-1)], atol=1e-4)
    by_power = p.astype(float) ** (1 / 0.38)
    np.testing.assert_allclose(
        decode(p), by_power @ bins / by_power.sum(-1, keepdims=True), atol=1e-3
    )
    np.testing.assert_allclose(decode(7 * p), decode(p), atol=1e-3)  # need not sum to 1


@pytest.mark.parametrize("T", [1e-3, 1e-30, 5e-324])
def test_decode_is_stable_as_T_falls(T):
    p = np.array([0.0, 1e-30, 0.3, 0.3000001, 1e-30] + [0.0] * 308)
    with np.errstate(all="raise", divide="ignore", over="ignore", under="ignore"):
        ab = decode(p, T)
    assert np.isfinite(ab).all()
    expected = ab_bins()[2:4].mean(0) if T == 1e-3 else ab_bins()[3]
    np.testing.assert_allclose(ab, expected, atol=0.01)


def test_a_soft_code_returns_its_color():
    ab = colors()
    inside = np.abs(ab).max(1) < 50
    back = decode(dense(*encode(ab)), T=1)
    assert np.abs(back - ab)[inside].max() < 1.2
    assert np.abs(back - ab)[inside].mean() < 0.3


@pytest.mark.parametrize("T", [0, -1, np.nan])
def test_a_temperature_of_zero_is_refused(T):
    with pytest.raises(ValueError, match="above 0"):
        decode(np.full(313, 1 / 313), T)


@pytest.mark.parametrize("row", [0.0, np.nan, -1.0, np.inf])
def test_rows_that_are_no_probabilities_are_refused(row):
    p = np.full((4, 5, 313), 1 / 313)
    p[2, 3] = row
    with pytest.raises(ValueError, match="0 everywhere, negative or NaN: give probabilities"):
        decode(p)
    p[2, 3] = 0
    p[2, 3, 7] = 1e-300  # as small as it is, it says where
    np.testing.assert_allclose(decode(p)[2, 3], ab_bins()[7], atol=1e-3)


def test_decode_needs_little_memory():
    p = np.full((96, 1024, 313), 1 / 313, np.float32)
    tracemalloc.start()
    decode(p)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6 < p.nbytes / 5


def test_the_bins_are_a_copy():
    ab_bins()[:] = 0
    assert ab_bins()[-1].tolist() == [100, 0]
