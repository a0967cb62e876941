"""The bins of quantized color: a grid in the ab plane, cut to what sRGB can nearly show.

A soft code (Zhang et al. 2016) says a color as weights on its k nearest bins. `encode` keeps it
sparse, because 313 numbers for every pixel soon fill the memory; `dense` spreads it out. Everywhere
`bins` is (Q, 2), and None means the 313 of `ab_bins()`.
"""

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import color

BLOCK = 2**14  # pixels that are worked on at a time: intermediate results stay in the cache
REACH = 128.0  # ab units on every side of gray; sRGB ends at 107.9


def ab_bins(step: float = 10) -> NDArray[np.float32]:
    """Centers of the ab bins, float32 (Q, 2), a-major; 313 of them at step 10.

    The published list of Zhang et al. 2016, rebuilt: convert the edges of the sRGB cube to Lab and
    drop L, take the convex hull, widen it by a square of ±step, keep the grid points inside. It is
    a hull, not the gamut: 52 of the 313 can never be the nearest bin of an sRGB color.
    step: width of a bin in ab units, above 0.

    >>> ab_bins().shape, ab_bins()[0].tolist()
    ((313, 2), [-90.0, 50.0])
    """
    if not step > 0:
        raise ValueError(f"step is {step}; a bin must be wider than 0.")
    return _grid(step).copy()


@lru_cache(maxsize=8)
def _grid(step):
    from scipy.spatial import ConvexHull, Delaunay

    along = np.arange(256, dtype=np.uint8)
    edges = []
    for axis, corner in product(range(3), product((0, 255), repeat=2)):
        edge = np.empty((256, 3), np.uint8)
        edge[:, axis], edge[:, (axis + 1) % 3], edge[:, (axis + 2) % 3] = along, *corner
        edges.append(edge)
    ab = color.ab(np.concatenate(edges)).astype(float)  # (12 * 256, 2)
    hull = ab[ConvexHull(ab).vertices]
    square = np.array(list(product((-step, step), repeat=2)))
    widened = (hull[:, None] + square).reshape(-1, 2)  # its hull is the Minkowski sum
    reach = step * np.ceil((np.abs(ab).max() + step) / step)
    axis = np.arange(-reach, reach + step, step)
    grid = np.array(list(product(axis, axis)))
    return grid[Delaunay(widened).find_simplex(grid, tol=1e-9) >= 0].astype(np.float32)


def encode(
    ab: ArrayLike, k: int = 5, sigma: float = 5.0, bins: ArrayLike | None = None
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """The soft code of colors, sparse: (indices, weights), int16 and float32 of shape (..., k).

    The k nearest bins, nearest first, and their Gaussian weights of width sigma, which sum to 1.
    Bins that are equally near stand in the order of the list; where more of them are equally near
    than k has room for, which of them are named depends on scipy's tree alone.
    ab: (..., 2) in CIELAB units, within ±REACH; ValueError for others and for NaN.

    >>> indices, weights = encode([12.0, 3.0], k=2)
    >>> ab_bins()[indices].tolist(), [round(float(w), 2) for w in weights]
    ([[10.0, 0.0], [10.0, 10.0]], [0.69, 0.31])
    """
    from scipy.spatial import KDTree

    bins = _bins(bins)
    if not 1 <= k <= len(bins):
        raise ValueError(f"k is {k}; it must be 1 to {len(bins)}, the number of bins.")
    ab = np.asarray(ab, np.float32)
    pixels, tree = ab.reshape(-1, 2), KDTree(bins)
    indices = np.empty((len(pixels), k), np.int16)
    weights = np.empty((len(pixels), k), np.float32)
    for start in range(0, len(pixels), BLOCK):
        block = pixels[start : start + BLOCK]
        if not (np.abs(block) < REACH).all():  # written so that NaN is refused too
            raise ValueError(
                f"ab spans {block.min():g} to {block.max():g}; in CIELAB units sRGB lies within "
                f"±{REACH:g}: undo the scale, and keep the channels last."
            )
        distance, near = (x.reshape(-1, k) for x in tree.query(block, k))  # (n,) where k is 1
        order = np.lexsort((near, distance))
        indices[start : start + BLOCK] = np.take_along_axis(near, order, -1)
        distance = distance**2  # sorted already: only equal ones may have changed places
        weight = np.exp((distance[:, :1] - distance) / (2 * sigma**2))
        weights[start : start + BLOCK] = weight / weight.sum(-1, keepdims=True)
    return indices.reshape(*ab.shape[:-1], k), weights.reshape(*ab.shape[:-1], k)


def dense(indices: ArrayLike, weights: ArrayLike, count: int = 313) -> NDArray[np.float32]:
    """A sparse code (..., k) as float32 (..., count): zero but for k places."""
    code = np.zeros((*np.shape(indices)[:-1], count), np.float32)
    np.put_along_axis(code, np.asarray(indices, np.intp), np.asarray(weights, np.float32), -1)
    return code


def prior(
    ab: ArrayLike,
    k: int = 5,
    sigma: float = 5.0,
    smooth: float = 5.0,
    bins: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """How frequent each bin is, float64 (Q,) with a sum of 1: the mean soft code, smoothed.

    Smoothing is by a Gaussian of width `smooth` in the ab plane, 0 for none. Along the list it
    would be wrong: its neighbors are bins of one a, and the next a begins at the other end of b.
    """
    indices, weights = encode(ab, k, sigma, bins)
    bins = _bins(bins)
    count = np.bincount(indices.ravel(), weights.ravel(), len(bins))
    if smooth:
        spread = np.exp(-_squares(bins, bins) / (2 * smooth**2))
        count = spread @ (count / spread.sum(0))  # each bin hands on its mass, none is lost
    return count / count.sum()


def rebalance(prior: ArrayLike, lam: float = 0.5) -> NDArray[np.float64]:
    """Weights (Q,) that make rare bins count: w ∝ 1 / ((1 − λ) prior + λ / Q), Σ prior · w = 1.

    lam: λ = 1 gives every bin the weight 1; λ = 0 the full inverse, which needs a prior above 0.

    >>> rebalance([0.9, 0.1]).round(2).tolist()
    [0.88, 2.06]
    """
    prior = np.asarray(prior, np.float64)
    mixed = (1 - lam) * prior + lam / len(prior)
    if not (0 <= lam <= 1 and (mixed > 0).all()):
        raise ValueError(f"λ is {lam}; it must be in 0…1, and above 0 where a bin is empty.")
    return 1 / mixed / (prior / mixed).sum()


def decode(p: ArrayLike, T: float = 0.38, bins: ArrayLike | None = None) -> NDArray[np.float32]:
    """The annealed mean of distributions (..., Q): float32 (..., 2).

    The mean of p^(1/T), made to sum to 1. T = 1 is the mean, T → 0 the most probable bin; T is
    above 0. p need not sum to 1, and may be 0 in places; ValueError where a row is 0 everywhere.

    >>> code = dense(*encode([12.0, 3.0]))
    >>> [[round(float(x), 1) for x in decode(code, T)] for T in (1, 0.38, 0.01)]
    [[11.9, 3.0], [10.4, 1.1], [10.0, 0.0]]
    """
    if not T > 0:
        raise ValueError(f"T is {T}; it must be above 0. The limit is p.argmax(-1).")
    bins, p = _bins(bins), np.asarray(p)
    rows = p.reshape(-1, len(bins))
    ab = np.empty((len(rows), 2), np.float32)
    block = max(1, BLOCK * 8 // len(bins))
    with np.errstate(
        divide="ignore", over="ignore", invalid="ignore"
    ):  # log 0, and what is far below the largest
        for start in range(0, len(rows), block):
            log = np.log(rows[start : start + block], dtype=np.float64)
            log -= log.max(-1, keepdims=True)  # else exp(log / T) leaves the range of floats
            share = np.exp(log / T)
            ab[start : start + block] = share @ bins / share.sum(-1, keepdims=True)
    if not np.isfinite(ab).all():
        raise ValueError("p has rows that are 0 everywhere, negative or NaN: give probabilities.")
    return ab.reshape(*p.shape[:-1], 2)


def _bins(bins: ArrayLike | None) -> NDArray[np.float32]:
    return _grid(10) if bins is None else np.ascontiguousarray(bins, np.float32)


def _squares(x, y):
    """Squared distances of points (N, 2) from points (M, 2): (N, M)."""
    return ((np.asarray(x, float)[:, None] - y) ** 2).sum(-1)
