"""Lesson 05."""

import math

import numpy as np
from scipy.spatial import ConvexHull, cKDTree
from scipy.special import log_softmax, softmax

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad
from course_utils import bins


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


def by_tree(ab, centers, k, sigma):
    """scipy's nearest neighbors, which want k as an int."""
    distance, near = cKDTree(centers).query(ab, k)
    weights = np.zeros(len(centers))
    weights[near] = softmax(np.atleast_1d(-(distance**2) / (2 * sigma**2)))
    return weights


def one_by_one(ab, centers, k, sigma):
    apart = sorted((math.dist(ab, center), i) for i, center in enumerate(centers))
    weights = [0.0] * len(centers)
    for distance, i in apart[:k]:
        weights[i] = math.exp(-(distance**2) / 2 / sigma**2)
    return [w / sum(weights) for w in weights]


def by_distance(ab, centers, k, sigma):
    score = -np.linalg.norm(centers - ab, axis=1) / 2 / sigma**2
    return softmax(np.where(soft_code(ab, centers, k, sigma) > 0, score, -np.inf))


def shifting(ab, centers, k, sigma):
    centers -= ab
    return soft_code(0 * ab, centers, k, sigma)


def in_torch(logits, centers, T):
    import torch

    return torch.softmax(logits / T, dim=1) @ centers


def torch_weights(prior, lam):
    w = ((1 - lam) * prior + lam / len(prior)).reciprocal()
    return w / (prior * w).sum()


def row_by_row(logits, centers, T):
    return [softmax(row / T) @ centers for row in logits]


def naive(logits, centers, T):
    p = np.exp(logits / T)
    return p @ centers / p.sum(-1, keepdims=True)


def one_maximum(logits, centers, T):
    return naive(logits - logits.max(), centers, T)


def power(logits, centers, T):
    p = softmax(logits, -1) ** T
    return p @ centers / p.sum(-1, keepdims=True)


def normalizing(prior, lam):
    """Right, but for what it does to its input."""
    w = bin_weights(prior, lam)
    prior /= prior.max()
    return w


def nothing_repaired(logits, z, count, centers, places=None):
    """The three bugs, or all but the first."""
    prior = spread(count, 10.0 * np.arange(len(count))[:, None] if places is None else places)
    q = np.exp(logits * bins.rebalance(prior / prior.sum()))
    return -(z * np.log(q / q.sum(1, keepdims=True))).sum(1).mean()


def maximum_alone(logits, z, count, centers):
    """The prior still runs along the list, and the weights are on the logits."""
    prior = spread(count, 10.0 * np.arange(len(count))[:, None])
    w = bins.rebalance(prior / prior.sum())
    return -(z * log_softmax(logits * w, -1)).sum(-1).mean()


CASES = {
    "keep_bins": Cases(
        right={
            "half planes": keep_bins,
            "0 and 1": lambda *x: 1.0 * keep_bins(*x),
        },
        wrong={
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
            "near": (
                lambda g, ab, s: [any((np.abs(x - ab) <= s).all(1)) for x in g],
                "fills the gaps",
            ),
            "the points": (lambda g, ab, s: g[keep_bins(g, ab, s)], "has shape"),
            "step 11": (lambda g, ab, s: keep_bins(g, ab, 11.0), "right on 1 of 3"),
            "all": (lambda g, ab, s: np.ones(len(g)), "whatever the input"),
        },
    ),
    "soft_code": Cases(
        right={
            "masked softmax": soft_code,
            "tree": by_tree,
            "plain Python": one_by_one,
            "float32": float32(soft_code),
            "course": lambda ab, c, k, s: bins.dense(*bins.encode(ab, k, s, c), len(c)),
        },
        wrong={
            "no sum": (
                lambda ab, c, k, s: (
                    soft_code(ab, c, k, s)
                    * np.sort(np.exp(-((c - ab) ** 2).sum(1) / 2 / s**2))[-k:].sum()
                ),
                "sum to 1",
            ),
            "one-hot": (lambda ab, c, k, s: soft_code(ab, c, 1, s), "only the nearest"),
            "alike": (lambda ab, c, k, s: (soft_code(ab, c, k, s) > 0) / k, "weigh alike"),
            "all bins": (lambda ab, c, k, s: soft_code(ab, c, len(c), s), "every bin"),
            "no 2": (lambda ab, c, k, s: soft_code(ab, c, k, s / np.sqrt(2)), "must have 2 σ²"),
            "distance": (by_distance, "must have its square"),
            "k alone": (lambda ab, c, k, s: np.sort(soft_code(ab, c, k, s))[-k:], "has shape"),
            "percent": (lambda *x: 100 * soft_code(*x), "100 times"),
            "reversed": (lambda *x: soft_code(*x)[::-1], "reversed on axis"),
            "sorted": (lambda *x: np.sort(soft_code(*x)), "wrong places"),
            "313 bins": (lambda *x: soft_code(*x).reshape(313), "one size only"),
            "k of 5": (lambda ab, c, k, s: soft_code(ab, c, 5, s), "one size only"),
            "in place": (shifting, "changes its input"),
            "forgotten return": (forgets(soft_code), "returns None"),
        },
    ),
    "bin_weights": Cases(
        right={
            "averages": bin_weights,
            "course": bins.rebalance,
            "float32": lambda p, lam: np.float32(bin_weights(np.float32(p), lam)),
            "torch": torch_with_grad(torch_weights),
        },
        wrong={
            "unscaled": (lambda p, lam: np.reciprocal(p * (1 - lam) + lam / p.size), "not scaled"),
            "exchanged": (lambda p, lam: bin_weights(p, 1 - lam), "exchanged"),
            "frequent": (
                lambda p, lam: 1 / bin_weights(p, lam) / np.sum(p / bin_weights(p, lam)),
                "favor the frequent",
            ),
            "sum": (lambda p, lam: bin_weights(p, lam) / bin_weights(p, lam).sum(), "sum to 1"),
            "plain mean": (
                lambda p, lam: bin_weights(p, lam) / bin_weights(p, lam).mean(),
                "plain mean of the weights",
            ),
            "λ of a half": (lambda p, lam: bin_weights(p, 0.5), "λ is not used"),
            "313 bins": (lambda p, lam: bin_weights(p[np.arange(313)], lam), "one size only"),
            "Q of 313": (lambda p, lam: 1 / ((1 - lam) * p + lam / 313), GENERIC),
            "in place": (normalizing, "changes its input"),
            "one number": (lambda p, lam: bin_weights(p, lam).max(), "is one number"),
            "prior": (lambda p, lam: p, GENERIC),
            "inverse": (lambda p, lam: 1 / p, "infinity"),
            "twice": (lambda p, lam: 2 * bin_weights(p, lam), "2 times"),
            "forgotten return": (forgets(bin_weights), "returns None"),
        },
    ),
    "annealed_mean": Cases(
        right={
            "softmax": annealed_mean,
            "rows": row_by_row,
            "torch": torch_with_grad(in_torch),
            "float32": float32(annealed_mean),
        },
        wrong={
            "no T": (lambda x, c, T: softmax(x, -1) @ c, "this is the plain mean"),
            "T .38": (lambda x, c, T: softmax(x / 0.38, -1) @ c, "not always 0.38"),
            "times T": (lambda x, c, T: softmax(x * T, -1) @ c, "multiplied by T"),
            "power T": (power, "multiplied by T"),
            "mode": (lambda x, c, T: c[np.argmax(x, -1)], "most probable"),
            "after": (lambda x, c, T: softmax(x, -1) / T @ c, "divides the probabilities"),
            "overflow": (naive, "infinite or 0"),
            "one maximum": (one_maximum, "one maximum for all rows"),
            "over the pixels": (lambda x, c, T: softmax(x / T, 0) @ c, GENERIC),
            "a and b": (lambda *x: annealed_mean(*x)[:, ::-1], "swapped on axis"),
            "transposed": (lambda *x: annealed_mean(*x).T, "axes are swapped"),
            "probabilities": (lambda x, c, T: softmax(x / T, -1), "has shape"),
            "first pixel": (lambda *x: annealed_mean(*x)[0], "has shape"),
            "313 bins": (lambda x, c, T: softmax(x / T, -1) @ c[np.arange(313)], "one size only"),
            "forgotten return": (forgets(annealed_mean), "returns None"),
        },
    ),
    "repaired": Cases(
        right={
            "log softmax": repaired,
            "float": lambda *x: float(repaired(*x)),
        },
        wrong={
            "along the list": (along_the_list, "along the list"),
            "weighted logits": (weighted_logits, "multiply the logits"),
            "weighted probabilities": (
                lambda *x: repaired(*x, weigh=lambda log_q, w: log_q + np.log(w)),
                "multiply the probabilities",
            ),
            "no weights": (lambda *x: repaired(*x, weigh=lambda log_q, w: log_q), "no weights"),
            "overflow": (overflows, "infinite or 0"),
            "unsmoothed": (unsmoothed, "not smoothed"),
            "nothing repaired": (nothing_repaired, "three bugs are left"),
            "prior alone": (
                lambda *x: nothing_repaired(*x, x[3]),
                "two bugs are left: the weights",
            ),
            "maximum alone": (maximum_alone, "two bugs are left: the prior"),
            "each pixel": (lambda *x: repaired(*x) * np.ones(len(x[0])), "one number"),
        },
    ),
}
