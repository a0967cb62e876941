"""The checks of lesson 05."""

from functools import partial

import numpy as np

from course_utils import bins
from course_utils.checks.compare import Answer, bugs_left, compare


def _centers(rng, count):
    """Bins (count, 2) that are no grid, as far apart as those of the course."""
    return rng.uniform(-90, 90, (count, 2))


def keep_bins(answer: Answer) -> None:
    """Check which points of a grid lie in a widened hull, for three clouds of colors."""
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(55)
    inputs = []
    for spacing, count, scale, step in (
        (8.0, 40, 1.0, 11.0),
        (10.0, 7, 0.8, 4.5),
        (9.0, 3, 0.5, 20),
    ):
        along = np.arange(-100, 101, spacing)
        grid = np.stack(np.meshgrid(along, along[2:], indexing="ij"), -1).reshape(-1, 2)
        shear = scale * np.array([[58.0, 21.0], [-17.0, 66.0]])
        inputs.append((grid, rng.uniform(-1, 1, (count, 2)) @ shear + [9.0, -5.0], step))

    def inside(points):
        return lambda grid, ab, step: Delaunay(points(ab, step)).find_simplex(grid) >= 0

    def widened(ab, step, directions=((-1, -1), (-1, 1), (1, -1), (1, 1))):
        return (ab[:, None] + step * np.array(directions)).reshape(-1, 2)

    def box(grid, ab, step):
        return ((grid >= ab.min(0) - step) & (grid <= ab.max(0) + step)).all(1)

    def near(grid, ab, step):
        return (np.abs(grid[:, None] - ab).max(-1) <= step).any(1)

    def disk(ab, step):
        turns = np.linspace(0, 2 * np.pi, 64)
        return widened(ab, step, np.stack([np.cos(turns), np.sin(turns)], 1))

    compare(
        "keep_bins",
        answer,
        inputs,
        inside(widened),
        {
            "this is the hull itself; it is not widened.": inside(lambda ab, step: ab),
            "the hull is widened along a and b only; a square has corners too.": inside(
                lambda ab, step: widened(ab, step, ((0, 1), (1, 0), (0, -1), (-1, 0)))
            ),
            "the hull is widened by a disk; asked is a square, whose corners reach farther.": (
                inside(disk)
            ),
            "the square reaches step to every side; this one is step wide in all.": inside(
                lambda ab, step: widened(ab, step / 2)
            ),
            "this is the bounding box; the hull is cut off at its corners.": box,
            "these are the points near some color; the hull also fills the gaps.": near,
        },
        "add the four corners (±step, ±step) to every color and take the hull of all sums.",
    )


def soft_code(answer: Answer) -> None:
    """Check the soft code of four colors, for four lists of bins, k and sigma."""
    rng = np.random.default_rng(56)
    inputs = [
        (rng.uniform(-40, 40, 2), centers, k, sigma)
        for centers, k, sigma in (
            (bins.ab_bins().astype(float), 5, 5.0),
            (_centers(rng, 40), 3, 20.0),
            (bins.ab_bins(20).astype(float), 2, 15.0),
            (_centers(rng, 6), 6, 60.0),
        )
    ]

    def code(ab, centers, k, sigma, root=False, halved=2, normal=True):
        apart = ((centers - ab) ** 2).sum(1)
        near = apart.argsort(kind="stable")[:k]
        weights = np.zeros(len(centers))
        exponent = (np.sqrt(apart) if root else apart)[near] / (halved * sigma**2)
        weights[near] = np.exp(-exponent)
        return weights / weights.sum() if normal else weights

    compare(
        "soft_code",
        answer,
        inputs,
        code,
        {
            "the weights do not sum to 1.": lambda *x: code(*x, normal=False),
            "only the nearest bin has a weight; asked are the k nearest.": (
                lambda ab, centers, k, sigma: code(ab, centers, 1, sigma)
            ),
            "the k nearest bins weigh alike; a near one must weigh more.": (
                lambda ab, centers, k, sigma: code(ab, centers, k, 1e6)
            ),
            "every bin has a weight; all but k must be 0.": (
                lambda ab, centers, k, sigma: code(ab, centers, len(centers), sigma)
            ),
            "the exponent has σ², it must have 2 σ².": lambda *x: code(*x, halved=1),
            "the exponent has the distance; it must have its square.": lambda *x: code(
                *x, root=True
            ),
        },
        "squared distances; the k smallest; e^(−d² / 2σ²) there; divide by the sum.",
        absolute=1e-5,
    )


def bin_weights(answer: Answer) -> None:
    """Check the weights of five priors, at five λ; 0 and 1 are among them."""
    rng = np.random.default_rng(57)
    inputs = [(rng.dirichlet(np.full(q, 0.8)), lam) for q, lam in ((313, 0.5), (40, 0.3), (7, 1))]
    inputs += [(rng.dirichlet(np.full(5, 4.0)), 0.0), (np.array([0.0, 0.9, 0.1]), 0.25)]

    def unscaled(prior, lam):
        return 1 / ((1 - lam) * prior + lam / len(prior))

    def weights(prior, lam):
        w = unscaled(prior, lam)
        return w / (prior * w).sum()

    compare(
        "bin_weights",
        answer,
        inputs,
        weights,
        {
            "the weights are not scaled: their mean under the prior must be 1.": unscaled,
            "λ and 1 − λ are exchanged: λ goes with the uniform distribution.": (
                lambda prior, lam: weights(prior, 1 - lam)
            ),
            "λ is not used: it mixes the prior with the uniform distribution.": (
                lambda prior, lam: weights(prior, 0.5)
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
        absolute=1e-5,
    )


def annealed_mean(answer: Answer) -> None:
    """Check the annealed mean of rows whose logits are large and far from those of other rows."""
    rng = np.random.default_rng(58)
    lists = bins.ab_bins(), _centers(rng, 9), _centers(rng, 50), _centers(rng, 2)
    inputs = []
    for n, centers, T in zip((3, 1, 4, 2), lists, (0.38, 1.0, 0.15, 2)):
        large = np.resize([700.0, -700.0, 0.0], n)[:, None]
        logits = np.float32(rng.normal(0, 2, (n, len(centers))) + large).astype(float)
        inputs.append((logits, centers.astype(float), T))

    def annealed(logits, centers, T, top=lambda x: x.max(-1, keepdims=True)):
        share = np.exp((logits - top(logits)) / T)
        return share @ centers / share.sum(-1, keepdims=True)

    compare(
        "annealed_mean",
        answer,
        inputs,
        annealed,
        {
            "T was not used: this is the plain mean.": lambda x, c, T: annealed(x, c, 1.0),
            "T was not used: it is not always 0.38.": lambda x, c, T: annealed(x, c, 0.38),
            "the logits are multiplied by T; divide them.": lambda x, c, T: annealed(x, c, 1 / T),
            "this is the most probable bin, the limit T → 0.": lambda x, c, T: c[x.argmax(-1)],
            "T divides the probabilities; it must divide the logits.": lambda x, c, T: (
                annealed(x, c, 1.0) / T
            ),
            "one maximum for all rows: exp is 0 or NaN in the others; each row has its own.": (
                lambda x, c, T: annealed(x, c, T, lambda x: x.max())
            ),
            "exp of such logits is infinite or 0: subtract each row's maximum first.": (
                lambda x, c, T: annealed(x, c, T, lambda x: 0.0)
            ),
        },
        "z = (logits − their maximum) / T; exp; divide by the sum; times the centers.",
        absolute=0.02,
    )


def repaired(answer: Answer) -> None:
    """Check the repaired loss, on logits of which many are large, for three lists of bins."""
    rng = np.random.default_rng(59)
    inputs = []
    lists = bins.ab_bins().astype(float), _centers(rng, 60), _centers(rng, 25)
    for n, centers, large in zip((6, 1, 3), lists, (800.0, -600.0, 0.0)):
        q = len(centers)
        logits = np.float32(rng.normal(0, 3, (n, q)) + large).astype(float)
        z, count = rng.dirichlet(np.full(q, 0.05), n), rng.gamma(0.3, size=q) * 1000
        inputs.append((logits, z, count, centers))
    planted = {
        "the prior is smoothed along the list; its neighbors there need not be near in ab.": (
            {"places": lambda centers: 10.0 * np.arange(len(centers))[:, None]}
        ),
        "the weights multiply the logits; they belong to the terms of the loss.": {"on": "logits"},
        "exp of such logits is infinite or 0: subtract each row's maximum first.": {"top": False},
    }
    others = {
        "the weights multiply the probabilities; they belong to the terms of the loss.": (
            {"on": "probabilities"}
        ),
        "this loss has no weights any more; keep them, inside the sum.": {"on": "nothing"},
        "the prior is not smoothed any more; smooth it in the ab plane.": {"places": None},
    }
    compare(
        "repaired",
        answer,
        inputs,
        _loss,
        {told: partial(_loss, **how) for told, how in (bugs_left(planted) | others).items()},
        "three places: how the prior is smoothed, what the weights multiply, and a maximum.",
        relative=1e-3,
    )


def _loss(logits, z, count, centers, places=lambda centers: centers, on="terms", top=True):
    """The rebalanced soft cross-entropy, and its usual mistakes."""
    prior = count
    if places:
        near = np.exp(-np.square(places(centers)[:, None] - places(centers)).sum(-1) / 50)
        prior = near @ (count / near.sum(0))
    w = bins.rebalance(prior / prior.sum(), 0.5)
    log_q = logits * w if on == "logits" else logits
    if top:
        log_q = log_q - log_q.max(-1, keepdims=True)
        log_q = log_q - np.log(np.exp(log_q).sum(-1, keepdims=True))
    else:
        log_q = np.log(np.exp(log_q) / np.exp(log_q).sum(-1, keepdims=True))
    if on == "probabilities":
        log_q = log_q + np.log(w)
    return -((w if on == "terms" else 1) * z * log_q).sum(-1).mean()
