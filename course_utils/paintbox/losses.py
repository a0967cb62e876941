"""What each loss can reach on drawn scenes, and how far a prediction is from it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.bins import ab_bins
from course_utils.paintbox.answers import Scenes, median_color


def floors(
    scenes: Scenes,
    context: str = "global",
    bins: ArrayLike | None = None,
    *,
    k: int = 5,
    sigma: float = 5.0,
    pool: int = 1,
) -> dict[str, float]:
    """The least that each loss can reach on average over these scenes: {"mse", "l1", "ce"}.

    "mse" (squared CIELAB units) and "l1" (CIELAB units) are means over pixels and over the two
    channels, as Keras and torch average: divide by 110**2 and 110 for ab / 110. "ce" is the
    entropy of E[z | .] in nats per pixel, or per block of pool x pool pixels, unweighted. bins
    (Q, 2) are the 313 if None.
    """
    bins = ab_bins() if bins is None else bins
    truths = scenes.distributions(bins, context, k, sigma, pool)
    return {
        "mse": float(scenes.variance(context).mean(dtype=float) / 2),
        "l1": float(scenes.at_pixels(_deviation, context).mean(dtype=float)),
        "ce": float(np.mean([_entropy(p).mean(dtype=float) for p in truths])),
    }


def regret(scenes: Scenes, ab_hat: ArrayLike, context: str = "global") -> NDArray[np.float64]:
    """Mean of (ab_hat - E[ab | .])**2 over the pixels and channels of each scene, (n,).

    It is what a predictor adds to the floor "mse", free of the luck of the draw. For an interval,
    scenes are the clusters.

    >>> from course_utils.paintbox import sample
    >>> scenes = sample(2, size=32)
    >>> regret(scenes, scenes.expected_ab() + 2).round(3).tolist()
    [4.0, 4.0]
    """
    error = np.asarray(ab_hat, np.float32) - scenes.expected_ab(context)
    return (error**2).mean((1, 2, 3), dtype=float)


def regret_kl(
    scenes: Scenes,
    q: NDArray[Any],
    bins: ArrayLike,
    context: str = "global",
    *,
    k: int = 5,
    sigma: float = 5.0,
    pool: int = 1,
) -> NDArray[np.float64]:
    """Mean of KL(E[z | .] || q) over the pixels of each scene, (n,), in nats.

    q: (n, H / pool, W / pool, Q), positive, with sums of 1.
    """
    truths = scenes.distributions(bins, context, k, sigma, pool)
    pairs = zip(truths, q, strict=True)
    cross = (-(p * np.log(np.maximum(r, 1e-30))).sum(-1) - _entropy(p) for p, r in pairs)
    return np.array([kl.mean(dtype=float) for kl in cross])


def ladder(scenes: Scenes, step: float = 0.25) -> dict[str, float]:
    """Squared error per pixel and channel for one who knows more and more of a picture.

    "gray" paints ab = 0. "lookup by L" is the best function of the pixel's own L, a table in steps
    of `step` fitted to these scenes. "31-px context" knows the region but no cue, for none is
    within 31 px at sizes of 64 and more. "whole picture" knows the region and the cues.
    """
    expected = scenes.expected_ab().reshape(-1, 2).astype(float)
    noise = float(scenes.variance().mean(dtype=float) / 2)
    value = (scenes.L.ravel() / step).astype(int)
    sums = np.stack([np.bincount(value, channel) for channel in expected.T], -1)
    table = sums / np.maximum(np.bincount(value), 1)[:, None]
    return {
        "gray": noise + float((expected**2).mean()),
        "lookup by L": noise + float(((expected - table[value]) ** 2).mean()),
        "31-px context": float(scenes.variance("local").mean(dtype=float) / 2),
        "whole picture": noise,
    }


def _deviation(p, ab):
    return (p @ np.abs(ab - median_color(p, ab))).mean()


def _entropy(p):
    return -(p * np.log(np.maximum(p, 1e-30))).sum(-1)
