"""The checks of lesson 03."""

import numpy as np

from course_utils.checks.compare import Answer, compare


def fusion(answer: Answer) -> None:
    """Check relu(b + [vector; local] W) at every position, for maps of four sizes."""
    rng = np.random.default_rng(31)
    sizes = (6, 4, 5, 6, 7), (3, 1, 4, 5, 2), (5, 6, 2, 2, 5), (1, 2, 3, 4, 4)
    inputs = [
        tuple(rng.normal(size=s) for s in (c, (h, w, d), (c + d, f), f)) for c, h, w, d, f in sizes
    ]

    def fused(vector, local, W, b, swap=False, activate=lambda y: np.maximum(y, 0)):
        vector = np.broadcast_to(vector, (*local.shape[:2], len(vector)))
        parts = (local, vector) if swap else (vector, local)
        return activate(np.concatenate(parts, axis=-1) @ W + b)

    compare(
        "fusion",
        answer,
        inputs,
        fused,
        {
            "the order is swapped: the vector comes first, as W expects it.": (
                lambda v, x, W, b: fused(v, x, W, b, swap=True)
            ),
            "the ReLU is missing: what is negative becomes 0.": (
                lambda v, x, W, b: fused(v, x, W, b, activate=lambda y: y)
            ),
            "the bias is missing.": lambda v, x, W, b: fused(v, x, W, 0 * b),
            "the bias belongs before the ReLU.": lambda v, x, W, b: fused(v, x, W, 0 * b) + b,
            "the vector was not used; every position needs it beside its own features.": (
                lambda v, x, W, b: fused(0 * v, x, W, b)
            ),
            "the map was not used; every position has its own features.": (
                lambda v, x, W, b: fused(v, 0 * x, W, b)
            ),
            "this is a sigmoid; the layers of this network use ReLU.": (
                lambda v, x, W, b: fused(v, x, W, b, activate=lambda y: 1 / (1 + np.exp(-y)))
            ),
        },
        "give every position a copy of the vector, join the two, multiply with W, add b, ReLU.",
        absolute=1e-3,
    )


def _slopes(seed, *sizes):
    """Gradients (H, W): a window of either sign, with rows inside that happen to be 0."""
    rng = np.random.default_rng(seed)
    inputs = []
    for height, width in sizes:
        slope = np.zeros((height, width))
        top, left = rng.integers(0, height // 3 + 1), rng.integers(0, width // 3 + 1)
        bottom, right = rng.integers(2 * height // 3, height), rng.integers(2 * width // 3, width)
        slope[top : bottom + 1, left : right + 1] = 1e-3 * rng.normal(
            size=(bottom - top + 1, right - left + 1)
        )
        slope[top + 1 : bottom : 3] = 0
        if height > 1:
            slope[[top, bottom]] = -np.abs(slope[[top, bottom]])
        inputs.append((slope,))
    return inputs


def rows_seen(answer: Answer) -> None:
    """Check the rows that a slope spans, for seven slopes with gaps, of either sign."""
    inputs = _slopes(32, (31, 41), (31, 41), (40, 23), (9, 30), (1, 8), (12, 1), (25, 25))

    def rows(slope, axis=1, depends=lambda slope: slope != 0):
        return np.flatnonzero(depends(slope).any(axis=axis))

    def span(found):
        return int(found[-1] - found[0] + 1) if found.size else 0

    compare(
        "rows_seen",
        answer,
        inputs,
        lambda s: span(rows(s)),
        {
            "a slope may be negative: look for what is not 0.": (
                lambda s: span(rows(s, depends=lambda s: s > 0))
            ),
            "first and last row both belong to the window: one row is missing.": (
                lambda s: span(rows(s)) - 1
            ),
            "a row inside may have slope 0 by chance: span from the first to the last.": (
                lambda s: len(rows(s))
            ),
            "these are columns; asked are rows, the first axis.": lambda s: span(rows(s, axis=0)),
            "this is how far it reaches to one side; asked is the whole span.": (
                lambda s: (span(rows(s)) - 1) // 2
            ),
            "this counts pixels; asked are rows.": lambda s: int((s != 0).sum()),
            "these are all rows of the picture; count those of the window.": lambda s: len(s),
            "this is the last row of the window; subtract the first.": lambda s: int(rows(s)[-1]),
        },
        "which rows hold any slope that is not 0? Take the last minus the first, plus one.",
    )


def look(answer: Answer) -> None:
    """Check the 8×8 copy of pictures of four sizes: every pixel the mean of its block."""
    rng = np.random.default_rng(33)
    shapes = (3, 32, 48), (1, 24, 16), (2, 40, 64), (4, 8, 24)
    inputs = [(rng.uniform(0, 100, shape),) for shape in shapes]

    def blocks(L):
        n, height, width = L.shape
        return L.reshape(n, 8, height // 8, 8, width // 8)

    def middle(L):
        top, left = (side // 2 - 4 for side in L.shape[1:])
        return L[:, top : top + 8, left : left + 8]

    compare(
        "look",
        answer,
        inputs,
        lambda L: blocks(L).mean((2, 4)),
        {
            "this is the bug itself: the copy is the top left corner.": lambda L: L[:, :8, :8],
            "this is the center of the picture; what lies outside stays unseen.": middle,
            "this takes one pixel of each block; the others stay unseen.": (
                lambda L: L[:, :: L.shape[1] // 8, :: L.shape[2] // 8]
            ),
            "this is the brightest pixel of each block, asked is the mean.": (
                lambda L: blocks(L).max((2, 4))
            ),
            "these are sums; the mean divides by the pixels of a block.": (
                lambda L: blocks(L).sum((2, 4))
            ),
            "the reshape splits each side into blocks of 8; asked are 8 blocks.": lambda L: (
                L.reshape(len(L), L.shape[1] // 8, 8, L.shape[2] // 8, 8).mean((1, 3))
            ),
            "this is the median of each block, asked is the mean.": (
                lambda L: np.median(blocks(L), axis=(2, 4))
            ),
        },
        "cut H into 8 blocks and W into 8 blocks with one reshape, then take the mean of each.",
        absolute=1e-3,
    )


def joint_loss(answer: Answer) -> None:
    """Check squared error + alpha times cross-entropy, for four sizes and four alphas."""
    rng = np.random.default_rng(34)
    inputs = []
    for n, h, w, k in ((9, 4, 6, 5), (1, 3, 2, 4), (6, 5, 5, 2), (4, 2, 7, 11)):
        ab, ab_hat = rng.uniform(-1, 1, (2, n, h, w, 2))
        p, alpha = rng.dirichlet(np.ones(k), n), float(rng.uniform(0.01, 3))
        inputs.append((ab, ab_hat, p, rng.integers(0, k, n), alpha))
    inputs[2] = (*inputs[2][:-1], 0)  # the second loss may be switched off

    def loss(ab, ab_hat, p, label, alpha, entropy=np.mean, log=np.log):
        likely = p[np.arange(len(p)), label]
        return ((ab - ab_hat) ** 2).mean() + alpha * entropy(-log(likely))

    compare(
        "joint_loss",
        answer,
        inputs,
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
            "the squared error is added; frameworks take the mean over everything.": (
                lambda ab, hat, p, label, alpha: (
                    ((ab - hat) ** 2).sum() + loss(ab, ab, p, label, alpha)
                )
            ),
            "the two channels are added; frameworks take the mean over them.": (
                lambda ab, hat, p, label, alpha: (
                    loss(ab, hat, p, label, alpha) + ((ab - hat) ** 2).mean()
                )
            ),
            "the error is absolute; square it.": lambda ab, hat, p, label, alpha: (
                np.abs(ab - hat).mean() + loss(ab, ab, p, label, alpha)
            ),
            "the logarithm has base 2; cross-entropy takes the natural one.": (
                lambda ab, hat, p, label, alpha: loss(ab, hat, p, label, alpha, log=np.log2)
            ),
            "the second loss is missing.": (
                lambda ab, hat, p, label, alpha: loss(ab, hat, p, label, 0)
            ),
        },
        "two means: of the squared differences, and of -log p at each picture's own class.",
    )


def interval(answer: Answer) -> None:
    """Check Wilson's interval for 12 shares; 0, 1 and a single answer are among them."""
    rng = np.random.default_rng(35)
    pairs = [(int(rng.integers(1, n)), int(n)) for n in rng.integers(20, 400, 8)]
    pairs += [
        (0, int(rng.integers(10, 90))),
        *[(int(n), int(n)) for n in rng.integers(10, 90, 2)],
        (1, 2),
    ]

    def around(k, n, center=True, shrink=True, inside=True, z=1.96):
        share, z2 = k / n, z**2 / n
        half = z * np.sqrt(share * (1 - share) / n + inside * z2 / (4 * n))
        middle = share + center * z2 / 2
        scale = 1 + z2 if shrink else 1
        return (middle - half) / scale, (middle + half) / scale

    compare(
        "interval",
        answer,
        pairs,
        around,
        {
            "this is share ± 1.96 errors: it has no width at 0 successes, and leaves 0…1.": (
                lambda k, n: around(k, n, center=False, shrink=False, inside=False)
            ),
            "the center is not the share: z²/2n moves it toward one half.": (
                lambda k, n: around(k, n, center=False)
            ),
            "the division by 1 + z²/n is missing.": lambda k, n: around(k, n, shrink=False),
            "z²/4n² is missing under the root: no width is left at 0 successes.": (
                lambda k, n: around(k, n, inside=False)
            ),
            "z is missing: this is one standard error to either side.": (
                lambda k, n: around(k, n, z=1.0)
            ),
        },
        "write the three pieces one after the other: center, half the width, the divisor.",
    )
