"""The checks of lesson 05."""

import numpy as np

from course_utils import bins
from course_utils.checks.compare import compare


def keep_bins(answer):
    """Check which points of a grid lie in a widened hull, for a hidden cloud of colors."""
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(55)
    along = np.arange(-100, 101, 8.0)
    grid = np.stack(np.meshgrid(along, along, indexing="ij"), -1).reshape(-1, 2)
    colors_ab = rng.uniform(-1, 1, (40, 2)) @ [[58.0, 21.0], [-17.0, 66.0]] + [9.0, -5.0]

    def inside(points):
        return lambda grid, ab, step: Delaunay(points(ab, step)).find_simplex(grid) >= 0

    def widened(ab, step, directions=((-1, -1), (-1, 1), (1, -1), (1, 1))):
        return (ab[:, None] + step * np.array(directions)).reshape(-1, 2)

    def box(grid, ab, step):
        return ((grid >= ab.min(0) - step) & (grid <= ab.max(0) + step)).all(1)

    def near(grid, ab, step):
        return (np.abs(grid[:, None] - ab).max(-1) <= step).any(1)

    compare(
        "keep_bins",
        answer,
        [grid, colors_ab, 11.0],
        inside(widened),
        {
            "this is the hull itself; it is not widened.": inside(lambda ab, step: ab),
            "the hull is widened along a and b only; a square has corners too.": inside(
                lambda ab, step: widened(ab, step, ((0, 1), (1, 0), (0, -1), (-1, 0)))
            ),
            "the square reaches step to every side; this one is step wide in all.": inside(
                lambda ab, step: widened(ab, step / 2)
            ),
            "this is the bounding box; the hull is cut off at its corners.": box,
            "these are the points near some color; the hull also fills the gaps.": near,
        },
        "add the four corners (±step, ±step) to every color and take the hull of all sums.",
    )


def soft_code(answer):
    """Check the soft code of one hidden color."""
    ab = np.random.default_rng(56).uniform(-40, 40, 2)

    def code(ab, centers, k, sigma, power=2, root=False, halved=True, normal=True):
        apart = (np.abs(centers - ab) ** power).sum(1)
        near = apart.argsort(kind="stable")[:k]
        scale = (2 if halved else 1) * sigma**2
        weights = np.zeros(len(centers))
        weights[near] = np.exp(-(np.sqrt(apart[near]) if root else apart[near]) / scale)
        return weights / weights.sum() if normal else weights

    def one_hot(ab, centers, k, sigma):
        return code(ab, centers, 1, sigma)

    def alike(ab, centers, k, sigma):
        return code(ab, centers, k, 1e6)

    def everywhere(ab, centers, k, sigma):
        return code(ab, centers, len(centers), sigma)

    compare(
        "soft_code",
        answer,
        [ab, bins.ab_bins().astype(float), 6, 7.0],
        code,
        {
            "the weights do not sum to 1.": lambda *x: code(*x, normal=False),
            "only the nearest bin has a weight; asked are the k nearest.": one_hot,
            "the k nearest bins weigh alike; a near one must weigh more.": alike,
            "every bin has a weight; all but k must be 0.": everywhere,
            "the exponent has σ², it must have 2 σ².": lambda *x: code(*x, halved=False),
            "the exponent has the distance; it must have its square.": lambda *x: code(
                *x, root=True
            ),
        },
        "squared distances; the k smallest; e^(−d² / 2σ²) there; divide by the sum.",
        tolerance=1e-5,
    )


def bin_weights(answer):
    """Check the weights of a hidden prior."""
    prior = np.random.default_rng(57).dirichlet(np.full(40, 0.4))

    def weights(prior, lam):
        w = 1 / ((1 - lam) * prior + lam / len(prior))
        return w / (prior * w).sum()

    def unscaled(prior, lam):
        return 1 / ((1 - lam) * prior + lam / len(prior))

    compare(
        "bin_weights",
        answer,
        [prior, 0.3],
        weights,
        {
            "the weights are not scaled: their mean under the prior must be 1.": unscaled,
            "λ and 1 − λ are exchanged: λ goes with the uniform distribution.": (
                lambda prior, lam: weights(prior, 1 - lam)
            ),
            "these weights favor the frequent bins; take the reciprocal.": (
                lambda prior, lam: (1 / unscaled(prior, lam)) / (prior / unscaled(prior, lam)).sum()
            ),
            "the weights sum to 1; asked is that the mean under the prior is 1.": (
                lambda prior, lam: unscaled(prior, lam) / unscaled(prior, lam).sum()
            ),
            "the plain mean of the weights is 1; asked is the mean under the prior.": (
                lambda prior, lam: unscaled(prior, lam) / unscaled(prior, lam).mean()
            ),
        },
        "mix, take the reciprocal, divide by the sum of prior times weight.",
        tolerance=1e-5,
    )


def annealed_mean(answer):
    """Check the annealed mean of three hidden pixels whose logits are large."""
    rng = np.random.default_rng(58)
    centers = bins.ab_bins().astype(float)
    logits = rng.normal(0, 2, (3, len(centers))) + rng.uniform(600, 700, (3, 1))

    def annealed(logits, centers, T):
        share = np.exp((logits - logits.max(-1, keepdims=True)) / T)
        return share @ centers / share.sum(-1, keepdims=True)

    def divided_after(logits, centers, T):
        p = np.exp(logits - logits.max(-1, keepdims=True))
        p = p / p.sum(-1, keepdims=True) / T
        return p @ centers

    compare(
        "annealed_mean",
        answer,
        [logits, centers, 0.38],
        annealed,
        {
            "T was not used: this is the plain mean.": lambda x, c, T: annealed(x, c, 1.0),
            "the logits are multiplied by T; divide them.": lambda x, c, T: annealed(x, c, 1 / T),
            "this is the most probable bin, the limit T → 0.": lambda x, c, T: c[x.argmax(-1)],
            "T divides the probabilities; it must divide the logits.": divided_after,
        },
        "z = (logits − their maximum) / T; exp; divide by the sum; times the centers.",
        tolerance=1e-3,
    )


def repaired(answer):
    """Check the repaired loss, on hidden logits that are large, and a hidden count of bins."""
    rng = np.random.default_rng(59)
    centers = bins.ab_bins().astype(float)
    logits = rng.normal(0, 3, (6, len(centers))) + 800
    z = rng.dirichlet(np.full(len(centers), 0.05), 6)
    count = rng.gamma(0.3, size=len(centers)) * 1000
    compare(
        "repaired",
        answer,
        [logits, z, count, centers],
        _loss,
        {
            "the prior is smoothed along the list; its neighbors there need not be near in ab.": (
                lambda *x: _loss(*x, along_list=True)
            ),
            "the weights multiply the logits; they belong to the terms of the loss.": (
                lambda *x: _loss(*x, on="logits")
            ),
            "the weights multiply the probabilities; they belong to the terms of the loss.": (
                lambda *x: _loss(*x, on="probabilities")
            ),
            "this loss has no weights any more; keep them, inside the sum.": (
                lambda *x: _loss(*x, on="nothing")
            ),
            "the prior is not smoothed any more; smooth it in the ab plane.": (
                lambda *x: _loss(*x, smooth=False)
            ),
        },
        "three places: how the prior is smoothed, what the weights multiply, and a maximum.",
        tolerance=1e-4,
    )


def _loss(logits, z, count, centers, along_list=False, on="terms", smooth=True):
    """The rebalanced soft cross-entropy, and its usual mistakes."""
    place = np.arange(len(centers))[:, None] if along_list else centers / 10
    near = np.exp(-2 * ((place[:, None] - place) ** 2).sum(-1))
    prior = near @ (count / near.sum(0)) if smooth else count
    prior = prior / prior.sum()
    w = bins.rebalance(prior, 0.5)
    if on == "logits":
        logits = logits * w
    log_q = logits - logits.max(-1, keepdims=True)
    log_q = log_q - np.log(np.exp(log_q).sum(-1, keepdims=True))
    if on == "probabilities":
        log_q = log_q + np.log(w)
    return -((w if on == "terms" else 1) * z * log_q).sum(-1).mean()
