"""Lesson 05: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np
from scipy.spatial import ConvexHull
from scipy.special import log_softmax, softmax

from course_utils import bins, checks


def keep_bins(grid, ab, step, corners=((1, 1), (1, -1)), sides=((1, 0), (0, 1))):
    """Inside every half plane of the hull and of the square, pushed out as far as both reach."""
    corners, sides = (np.array([*x, *(-np.array(x))]) for x in (corners, sides))
    normals = np.concatenate([ConvexHull(ab).equations[:, :2], sides])
    reach = (ab @ normals.T).max(0) + step * (corners @ normals.T).max(0)
    return (grid @ normals.T <= reach).all(1)


def soft_code(ab, centers, k, sigma):
    """A softmax over all bins of which but k are at infinity."""
    score = -np.square(np.linalg.norm(centers - ab, axis=1) / sigma) / 2
    return softmax(np.where(score >= np.sort(score)[-int(k)], score, -np.inf))


def bin_weights(prior, lam):
    uniform = np.full(len(prior), 1 / len(prior))
    w = 1 / np.average([prior, uniform], axis=0, weights=[1 - lam, lam])
    return w / np.average(w, weights=prior)


def annealed_mean(logits, centers, T):
    return softmax(logits / T, axis=-1) @ centers


def spread(count, places):
    near = np.exp(-((places[:, None] - places) ** 2).sum(-1) / 50)
    return near @ (count / near.sum(0))


def repaired(logits, z, count, centers, weigh=lambda log_q, w: w * log_q):
    prior = spread(count, centers)
    return -(z * weigh(log_softmax(logits, -1), bins.rebalance(prior / prior.sum()))).sum(-1).mean()


def along_the_list(logits, z, count, centers):
    prior = spread(count, 10.0 * np.arange(len(count))[:, None])
    w = bins.rebalance(prior / prior.sum())
    return -(z * w * log_softmax(logits, -1)).sum(-1).mean()


def weighted_logits(logits, z, count, centers):
    prior = spread(count, centers)
    w = bins.rebalance(prior / prior.sum())
    return -(z * log_softmax(logits * w, -1)).sum(-1).mean()


def overflows(logits, z, count, centers):
    prior = spread(count, centers)
    w = bins.rebalance(prior / prior.sum())
    with np.errstate(all="ignore"):
        q = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        return -(w * z * np.log(q)).sum(-1).mean()


def unsmoothed(logits, z, count, centers):
    return -(z * bins.rebalance(count / count.sum()) * log_softmax(logits, -1)).sum(-1).mean()


CASES = {
    checks.keep_bins: (
        keep_bins,
        {
            "not widened": (lambda g, ab, s: keep_bins(g, ab, 0), "not widened"),
            "a diamond": (
                lambda g, ab, s: keep_bins(g, ab, s, ((1, 0), (0, 1)), ((1, 1), (1, -1))),
                "corners too",
            ),
            "half a square": (lambda g, ab, s: keep_bins(g, ab, s / 2), "step wide in all"),
            "a box": (
                lambda g, ab, s: np.all(
                    np.abs(g - (ab.max(0) + ab.min(0)) / 2) <= np.ptp(ab, 0) / 2 + s, axis=1
                ),
                "bounding box",
            ),
        },
    ),
    checks.soft_code: (
        soft_code,
        {
            "no sum": (
                lambda ab, c, k, s: (
                    soft_code(ab, c, k, s)
                    * np.sort(np.exp(-((c - ab) ** 2).sum(1) / 2 / s**2))[-k:].sum()
                ),
                "sum to 1",
            ),
            "one-hot": (lambda ab, c, k, s: soft_code(ab, c, 1, s), "only the nearest"),
            "alike": (
                lambda ab, c, k, s: (soft_code(ab, c, k, s) > 0) / k,
                "weigh alike",
            ),
            "all bins": (lambda ab, c, k, s: soft_code(ab, c, len(c), s), "every bin"),
            "no 2": (lambda ab, c, k, s: soft_code(ab, c, k, s / np.sqrt(2)), "2 σ²"),
        },
    ),
    checks.bin_weights: (
        bin_weights,
        {
            "unscaled": (
                lambda p, lam: np.reciprocal(p * (1 - lam) + lam / p.size),
                "not scaled",
            ),
            "exchanged": (lambda p, lam: bin_weights(p, 1 - lam), "exchanged"),
            "frequent": (
                lambda p, lam: 1 / bin_weights(p, lam) / np.sum(p / bin_weights(p, lam)),
                "favor the frequent",
            ),
            "sum": (lambda p, lam: bin_weights(p, lam) / bin_weights(p, lam).sum(), "sum to 1"),
        },
    ),
    checks.annealed_mean: (
        annealed_mean,
        {
            "no T": (lambda x, c, T: softmax(x, -1) @ c, "T was not used"),
            "times T": (lambda x, c, T: softmax(x * T, -1) @ c, "multiplied by T"),
            "mode": (lambda x, c, T: c[np.argmax(x, -1)], "most probable"),
            "overflow": (
                lambda x, c, T: np.exp(x / T) / np.exp(x / T).sum(-1, keepdims=True) @ c,
                "NaN",
            ),
        },
    ),
    checks.repaired: (
        repaired,
        {
            "along the list": (along_the_list, "along the list"),
            "weighted logits": (weighted_logits, "multiply the logits"),
            "weighted probabilities": (
                lambda *x: repaired(*x, weigh=lambda log_q, w: log_q + np.log(w)),
                "multiply the probabilities",
            ),
            "no weights": (lambda *x: repaired(*x, weigh=lambda log_q, w: log_q), "no weights"),
            "overflow": (overflows, "NaN"),
            "unsmoothed": (unsmoothed, "not smoothed"),
        },
    ),
}
