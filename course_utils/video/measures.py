"""How steady is a colored clip, and how true? Two questions: a gray clip is perfectly steady.

Arrays are clips, channels last: ab (T, H, W, 2), flows as in `steady`, one for each frame.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from course_utils.video import steady
from course_utils.video.steady import Floats


def flows(L: Floats) -> tuple[Floats, Floats]:
    """Estimated flow (T, H, W, 2) and confidence (T, H, W, 1) of a clip's L; 0 in its first frame.

    Find them once, and measure all ways of coloring a clip with the same ones.
    """
    motion, sure = np.zeros((*L.shape[:3], 2), np.float32), np.zeros_like(L)
    for t in range(1, len(L)):
        motion[t] = steady.flow(L[t], L[t - 1])
        sure[t] = steady.confidence(L[t], L[t - 1], motion[t])
    return motion, sure


def warping_error(ab: Floats, motion: Floats, sure: Floats) -> NDArray[np.float64]:
    """Mean distance in ab between each frame and the warped one before it, (T - 1,), ab units.

    motion, sure: of `flows`; pixels count as much as they are sure. Gray scores 0, and so does any
    single color: read it beside `error` only.
    """
    found = []
    for t in range(1, len(ab)):
        apart = np.linalg.norm(ab[t] - steady.warp(ab[t - 1], motion[t]), axis=-1)
        found.append(np.average(apart, weights=sure[t, ..., 0] + 1e-9))
    return np.array(found)


def error(ab: Floats, truth: Floats) -> NDArray[np.float64]:
    """Mean distance in ab between each frame and the truth's, (T,), ab units."""
    return np.linalg.norm(ab - truth, axis=-1).mean((1, 2), dtype=float)


def color_drift(ab: Floats, gaps: Sequence[int] = (1, 2, 4)) -> float:
    """Color distribution consistency (Liu et al. 2021): how much the histograms of a and b change.

    The mean Jensen-Shannon divergence, in nats, between the histograms of frames that lie 1, 2 and
    4 apart. 0 for gray, as the warping error: it needs `error` beside it.
    """
    edges = np.linspace(-110, 110, 221)
    counts = np.array([[np.histogram(c, edges)[0] for c in np.moveaxis(x, -1, 0)] for x in ab])
    p = counts / counts.sum(-1, keepdims=True)  # (T, 2, bins)
    apart = [_divergence(p[gap:], p[:-gap]) for gap in gaps if gap < len(p)]
    return float(np.mean([x.mean() for x in apart]))


def _divergence(p, q):
    middle = (p + q) / 2

    def from_middle(r):
        return (r * np.log(np.where(r > 0, r, 1) / np.where(middle > 0, middle, 1))).sum(-1)

    return (from_middle(p) + from_middle(q)) / 2
