"""The checks of lesson 03."""

import numpy as np

from course_utils import study
from course_utils.checks.compare import compare


def fusion(answer):
    """Check relu(b + [vector; local] W) at every position, for hidden features of 6 + 6."""
    rng = np.random.default_rng(31)
    vector, local = rng.normal(size=6), rng.normal(size=(4, 5, 6))
    W, b = rng.normal(size=(12, 7)), rng.normal(size=7)

    def fused(vector, local, W, b, swap=False, activate=lambda y: np.maximum(y, 0)):
        vector = np.broadcast_to(vector, (*local.shape[:2], len(vector)))
        parts = (local, vector) if swap else (vector, local)
        return activate(np.concatenate(parts, axis=-1) @ W + b)

    compare(
        "fusion",
        answer,
        [vector, local, W, b],
        fused,
        {
            "the order is swapped: the vector comes first, as W expects it.": (
                lambda v, x, W, b: fused(v, x, W, b, swap=True)
            ),
            "the ReLU is missing: what is negative becomes 0.": (
                lambda v, x, W, b: fused(v, x, W, b, activate=lambda y: y)
            ),
            "the bias is missing.": lambda v, x, W, b: fused(v, x, W, 0 * b),
            "the vector was not used; every position needs it beside its own features.": (
                lambda v, x, W, b: fused(0 * v, x, W, b)
            ),
            "this is a sigmoid; the layers of this network use ReLU.": (
                lambda v, x, W, b: fused(v, x, W, b, activate=lambda y: 1 / (1 + np.exp(-y)))
            ),
        },
        "give every position a copy of the vector, join the two, multiply with W, add b, ReLU.",
    )


def rows_seen(answer):
    """Check the rows that a slope spans, for 12 hidden slopes with gaps, of either sign."""
    rng = np.random.default_rng(32)
    slopes = np.zeros((12, 31, 41))
    for slope in slopes:
        top, left = rng.integers(2, 12, 2)
        height, width = rng.integers(8, 17), rng.integers(18, 26)
        slope[top : top + height, left : left + width] = rng.normal(size=(height, width))
        slope[top + 2 : top + 5] = 0  # rows inside that happen not to matter
        slope[top], slope[top + height - 1] = -np.abs(slope[top]), -np.abs(slope[top + height - 1])

    def rows(slope, axis=1, depends=lambda slope: slope != 0):
        return np.flatnonzero(depends(slope).any(axis=axis))

    def span(found):
        return found[-1] - found[0] + 1

    def every(one):
        return lambda slopes: np.array([one(slope) for slope in slopes], float)

    compare(
        "rows_seen",
        lambda slopes: None if answer(np.eye(3)) is None else every(answer)(slopes),
        [slopes],
        every(lambda s: span(rows(s))),
        {
            "a slope may be negative: look for what is not 0.": every(
                lambda s: span(rows(s, depends=lambda s: s > 0))
            ),
            "first and last row both belong to the window: one row is missing.": every(
                lambda s: span(rows(s)) - 1
            ),
            "a row inside may have slope 0 by chance: span from the first to the last.": every(
                lambda s: len(rows(s))
            ),
            "these are columns; asked are rows, the first axis.": every(
                lambda s: span(rows(s, axis=0))
            ),
            "this is how far it reaches to one side; asked is the whole span.": every(
                lambda s: (span(rows(s)) - 1) // 2
            ),
        },
        "which rows hold any slope that is not 0? Take the last minus the first, plus one.",
        tolerance=0.1,
    )


def look(answer):
    """Check the 8×8 copy of hidden pictures: every pixel the mean of its block."""
    L = np.random.default_rng(33).uniform(0, 100, (3, 32, 48))

    def blocks(L):
        n, height, width = L.shape
        return L.reshape(n, 8, height // 8, 8, width // 8)

    compare(
        "look",
        answer,
        [L],
        lambda L: blocks(L).mean((2, 4)),
        {
            "this is the bug itself: the copy is the top left corner.": lambda L: L[:, :8, :8],
            "this is the center of the picture; what lies outside stays unseen.": (
                lambda L: L[:, 12:20, 20:28]
            ),
            "this takes one pixel of each block; the others stay unseen.": (
                lambda L: L[:, :: L.shape[1] // 8, :: L.shape[2] // 8]
            ),
            "this is the brightest pixel of each block, asked is the mean.": (
                lambda L: blocks(L).max((2, 4))
            ),
        },
        "cut H into 8 blocks and W into 8 blocks with one reshape, then take the mean of each.",
    )


def joint_loss(answer):
    """Check squared error + alpha times cross-entropy, on 9 hidden pictures of 5 classes."""
    rng = np.random.default_rng(34)
    ab, ab_hat = rng.uniform(0, 1, (2, 9, 4, 6, 2))
    p, label = rng.dirichlet(np.ones(5), 9), rng.integers(0, 5, 9)

    def loss(ab, ab_hat, p, label, alpha, entropy=np.mean):
        likely = p[np.arange(len(p)), label]
        return ((ab - ab_hat) ** 2).mean() + alpha * entropy(-np.log(likely))

    compare(
        "joint_loss",
        answer,
        [ab, ab_hat, p, label, np.array(0.3)],
        loss,
        {
            "alpha weighs the second loss, and it is missing.": (
                lambda ab, hat, p, label, alpha: loss(ab, hat, p, label, 1.0)
            ),
            "alpha belongs to the cross-entropy, not to the squared error.": (
                lambda ab, hat, p, label, alpha: (
                    alpha * loss(ab, hat, p, label, 0) + loss(ab, ab, p, label, 1.0)
                )
            ),
            "the cross-entropy is minus the logarithm: yours falls when the class is wrong.": (
                lambda ab, hat, p, label, alpha: loss(ab, hat, p, label, -alpha)
            ),
            "the cross-entropy is added over the pictures; take the mean.": (
                lambda ab, hat, p, label, alpha: loss(ab, hat, p, label, alpha, np.sum)
            ),
            "this is the entropy of p; only the probability of the true class counts.": (
                lambda ab, hat, p, label, alpha: (
                    loss(ab, hat, p, label, 0) + alpha * -(p * np.log(p)).sum(1).mean()
                )
            ),
        },
        "two means: of the squared differences, and of -log p at each picture's own class.",
        tolerance=1e-6,
    )


def interval(answer):
    """Check Wilson's interval for 20 hidden shares, some of them 0."""
    rng = np.random.default_rng(35)
    n = rng.integers(40, 100, 20)
    successes = rng.integers(0, 40, 20)
    successes[:3] = 0

    def every(one):
        return lambda k, n: np.array([one(int(x), int(y)) for x, y in zip(k, n)], float)

    def around(k, n, center=True, shrink=True, inside=True, z=1.96):
        share, z2 = k / n, z**2 / n
        half = z * np.sqrt(share * (1 - share) / n + inside * z2 / (4 * n))
        middle = share + center * z2 / 2
        scale = 1 + z2 if shrink else 1
        return (middle - half) / scale, (middle + half) / scale

    compare(
        "interval",
        lambda k, n: None if answer(20, 50) is None else every(answer)(k, n),
        [successes, n],
        every(study.wilson),
        {
            "this is share ± 1.96 errors: it has no width at 0 successes, and leaves 0…1.": every(
                lambda k, n: around(k, n, center=False, shrink=False, inside=False)
            ),
            "the center is not the share: z²/2n moves it toward one half.": every(
                lambda k, n: around(k, n, center=False)
            ),
            "the division by 1 + z²/n is missing.": every(lambda k, n: around(k, n, shrink=False)),
            "z²/4n² is missing under the root: no width is left at 0 successes.": every(
                lambda k, n: around(k, n, inside=False)
            ),
        },
        "write the three pieces one after the other: center, half the width, the divisor.",
        tolerance=1e-4,
    )
