"""Lesson 03: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np
from scipy.optimize import brentq

from course_utils import checks


def place_by_place(v, x, W, b, last=lambda y: y * (y > 0), first=True):
    """The fusion layer with two loops over positions."""
    out = np.empty((*x.shape[:2], W.shape[1]))
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = last(b + np.r_[(v, x[i, j]) if first else (x[i, j], v)] @ W)
    return out


def rows(slope, axis=0):
    """Where slopes stand, along one axis, sorted."""
    return np.unique(np.nonzero(slope)[axis])


def window(slope):
    return np.ptp(rows(slope)) + 1


def shrink(L, take=np.mean):
    n, height, width = L.shape
    rows, columns = np.split(np.arange(height), 8), np.split(np.arange(width), 8)
    cells = [[take(L[:, r][:, :, c], axis=(1, 2)) for c in columns] for r in rows]
    return np.moveaxis(cells, -1, 0)


def joint(ab, hat, p, label, alpha, beta=1.0):
    entropy = -sum(np.log(row[int(k)]) for row, k in zip(p, label)) / len(p)
    return beta * np.square(ab - hat).sum() / ab.size + alpha * entropy


def wilson(k, n, z=1.959964):
    """Both ends solved for numerically: |share - p| = z sqrt(p (1 - p) / n)."""
    share = k / n

    def gap(p):
        return (share - p) ** 2 - z**2 * p * (1 - p) / n

    low = 0.0 if k == 0 else brentq(gap, 1e-9, share)
    return np.array([low, 1.0 if k == n else brentq(gap, max(share, 1e-9), 1)])


def wald(k, n, z=1.96):
    error = z * np.sqrt(k * (n - k) / n**3)
    return k / n - error, k / n + error


def recentered(k, n, toward=0.0, divisor=True, wide=True):
    z2 = 1.96**2
    half = 1.96 * np.sqrt(k * (n - k) / n**3 + (z2 / 4 / n**2 if wide else 0))
    ends = np.array([k / n + toward - half, k / n + toward + half])
    return ends / (1 + z2 / n) if divisor else ends


CASES = {
    checks.fusion: (
        place_by_place,
        {
            "swapped": (lambda v, x, W, b: place_by_place(v, x, W, b, first=False), "swapped"),
            "no relu": (lambda v, x, W, b: place_by_place(v, x, W, b, np.copy), "ReLU is missing"),
            "no bias": (lambda v, x, W, b: place_by_place(v, x, W, 0), "bias"),
            "no vector": (lambda v, x, W, b: np.maximum(x @ W[6:] + b, 0), "not used"),
            "sigmoid": (
                lambda v, x, W, b: place_by_place(v, x, W, b, lambda y: (1 + np.tanh(y / 2)) / 2),
                "sigmoid",
            ),
        },
    ),
    checks.rows_seen: (
        window,
        {
            "only positive": (lambda s: window(np.maximum(s, 0)), "negative"),
            "one too few": (lambda s: np.ptp(rows(s)), "both belong"),
            "counts rows": (lambda s: rows(s).size, "by chance"),
            "columns": (lambda s: np.ptp(rows(s, axis=1)) + 1, "columns"),
            "one side": (lambda s: np.ptp(rows(s)) // 2, "one side"),
        },
    ),
    checks.look: (
        shrink,
        {
            "corner": (lambda L: np.array([x[:8, :8] for x in L]), "top left corner"),
            "center": (lambda L: L[:, 12:-12, 20:-20], "center of the picture"),
            "one of each": (lambda L: L[:, ::4, ::6], "one pixel of each"),
            "brightest": (lambda L: shrink(L, np.max), "brightest"),
        },
    ),
    checks.joint_loss: (
        joint,
        {
            "no alpha": (lambda *x: joint(*x[:4], 1), "it is missing"),
            "alpha on the wrong one": (lambda *x: joint(*x[:4], 1, x[4]), "not to the squared"),
            "no minus": (lambda *x: joint(*x[:4], -x[4]), "minus the logarithm"),
            "sum": (lambda *x: joint(*x[:4], len(x[0]) * x[4]), "take the mean"),
            "entropy of p": (
                lambda ab, hat, p, label, alpha: (
                    np.mean((ab - hat) ** 2) - alpha * np.sum(p * np.log(p)) / len(p)
                ),
                "entropy of p",
            ),
        },
    ),
    checks.interval: (
        wilson,
        {
            "share ± error": (wald, "no width"),
            "not recentered": (recentered, "center is not the share"),
            "not divided": (
                lambda k, n: recentered(k, n, 1.96**2 / 2 / n, divisor=False),
                "division",
            ),
            "too narrow": (
                lambda k, n: recentered(k, n, 1.96**2 / 2 / n, wide=False),
                "under the root",
            ),
        },
    ),
}
