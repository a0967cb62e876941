"""Lesson 03."""

import numpy as np
from scipy.optimize import brentq

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad


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

    low = 0.0 if k == 0 else brentq(gap, 1e-9, share - 1e-9)
    return np.array([low, 1.0 if k == n else brentq(gap, max(share, 1e-9), 1)])


def wald(k, n, z=1.96):
    error = z * np.sqrt(k * (n - k) / n**3)
    return k / n - error, k / n + error


def recentered(k, n, toward=0.0, divisor=True, wide=True):
    z2 = 1.96**2
    half = 1.96 * np.sqrt(k * (n - k) / n**3 + (z2 / 4 / n**2 if wide else 0))
    ends = np.array([k / n + toward - half, k / n + toward + half])
    return ends / (1 + z2 / n) if divisor else ends


def by_scipy(k, n):
    from scipy.stats import binomtest

    return binomtest(k, n).proportion_ci(method="wilson")


def first_and_last(slope):
    """With two loops that stop."""
    top, bottom = 0, len(slope)
    while not any(slope[top]):
        top += 1
    while not any(slope[bottom - 1]):
        bottom -= 1
    return bottom - top


def reshaped(L):
    n, height, width = L.shape
    return L.reshape(n, 8, height // 8, 8, width // 8)


def pooled(L):
    import torch

    pool = torch.nn.functional.adaptive_avg_pool2d
    return pool(L[:, None], 8)[:, 0]


def torch_loss(ab, hat, p, label, alpha):
    import torch

    likely = p[torch.arange(len(p)), torch.as_tensor(label)]
    return torch.nn.functional.mse_loss(hat, ab) - alpha * likely.log().mean()


def one_hot(ab, hat, p, label, alpha):
    hot = np.eye(p.shape[1])[label]
    return np.mean((ab - hat) ** 2) + alpha * np.mean(-np.log((p * hot).sum(1)))


def spoiling(ab, hat, p, label, alpha):
    ab -= hat
    return (ab**2).mean() - alpha * np.log(p[np.arange(len(p)), label]).mean()


CASES = {
    "fusion": Cases(
        right={
            "place by place": place_by_place,
            "two products": lambda v, x, W, b: np.clip(
                v @ W[: len(v)] + x @ W[len(v) :] + b, 0, None
            ),
            "torch": torch_with_grad(
                lambda v, x, W, b: (v @ W[: len(v)] + x @ W[len(v) :] + b).relu()
            ),
        },
        wrong={
            "swapped": (lambda v, x, W, b: place_by_place(v, x, W, b, first=False), "swapped"),
            "no relu": (lambda v, x, W, b: place_by_place(v, x, W, b, np.copy), "ReLU is missing"),
            "no bias": (lambda v, x, W, b: place_by_place(v, x, W, 0), "bias"),
            "late bias": (lambda v, x, W, b: place_by_place(v, x, W, 0) + b, "before the ReLU"),
            "no vector": (lambda v, x, W, b: np.maximum(x @ W[len(v) :] + b, 0), "not used"),
            "no map": (
                lambda v, x, W, b: np.maximum(v @ W[: len(v)] + b + 0 * (x @ W[len(v) :]), 0),
                "map was not used",
            ),
            "sigmoid": (
                lambda v, x, W, b: place_by_place(v, x, W, b, lambda y: (1 + np.tanh(y / 2)) / 2),
                "sigmoid",
            ),
            "splits at D": (
                lambda v, x, W, b: np.maximum(v @ W[: x.shape[2]] + x @ W[x.shape[2] :] + b, 0),
                "one size only",
            ),
            "splits at 6": (
                lambda v, x, W, b: np.maximum(v @ W[:6] + x @ W[6:] + b, 0),
                "one size only",
            ),
            "4 × 5 only": (
                lambda v, x, W, b: place_by_place(v, x.reshape(4, 5, -1), W, b),
                "one size only",
            ),
        },
    ),
    "rows_seen": Cases(
        right={
            "peak to peak": window,
            "two loops": first_and_last,
            "float32": float32(window),
            "by sums": lambda s: np.ptp(np.flatnonzero(np.abs(s).sum(1))) + 1.0,
        },
        wrong={
            "only positive": (lambda s: window(np.maximum(s, 0)), "negative"),
            "one too few": (lambda s: np.ptp(rows(s)), "both belong"),
            "counts rows": (lambda s: rows(s).size, "by chance"),
            "columns": (lambda s: np.ptp(rows(s, axis=1)) + 1, "columns"),
            "one side": (lambda s: np.ptp(rows(s)) // 2, "one side"),
            "all rows": (len, "all rows of the picture"),
            "last row": (lambda s: rows(s)[-1], "last row"),
            "pixels": (lambda s: np.count_nonzero(s), "counts pixels"),
            "first and last": (lambda s: [rows(s)[0], rows(s)[-1]], "one number"),
            "of 31": (lambda s: np.ptp([i for i in range(31) if s[i].any()]) + 1, "one size only"),
            "which rows": (lambda s: (s != 0).any(1), "one number"),
            "forgotten return": (forgets(window), "returns None"),
            "only steep ones": (lambda s: window(np.abs(s) > np.abs(s).max() / 2), "one size only"),
        },
    ),
    "look": Cases(
        right={
            "splits": shrink,
            "reduceat": lambda L: (
                np.add.reduceat(
                    np.add.reduceat(L, np.arange(0, L.shape[1], L.shape[1] // 8), 1),
                    np.arange(0, L.shape[2], L.shape[2] // 8),
                    2,
                )
                / (L.shape[1] * L.shape[2] / 64)
            ),
            "float32": float32(shrink),
            "torch": torch_with_grad(pooled),
        },
        wrong={
            "corner": (lambda L: np.array([x[:8, :8] for x in L]), "top left corner"),
            "center": (
                lambda L: np.array(
                    [x[len(x) // 2 - 4 :, x.shape[1] // 2 - 4 :][:8, :8] for x in L]
                ),
                "center of the picture",
            ),
            "one of each": (
                lambda L: L[:, :: L.shape[1] // 8, :: L.shape[2] // 8],
                "one pixel of each",
            ),
            "brightest": (lambda L: shrink(L, np.max), "brightest"),
            "sums": (lambda L: shrink(L, np.sum), "these are sums"),
            "median": (lambda L: shrink(L, np.median), "median"),
            "blocks of 8": (
                lambda L: L.reshape(len(L), -1, 8, L.shape[2] // 8, 8).mean((1, 3)),
                "asked are 8 blocks",
            ),
            "hard-coded": (lambda L: L.reshape(-1, 8, 4, 8, 6).mean((2, 4)), "one size only"),
            "transposed": (lambda L: shrink(L).swapaxes(1, 2), "axes are swapped"),
            "first picture": (lambda L: shrink(L)[0], "has shape"),
            "all in one": (lambda L: shrink(L).mean(0), "has shape"),
            "forgotten return": (forgets(shrink), "returns None"),
            "means of one row": (lambda L: reshaped(L)[:, :, 0].mean(-1), GENERIC),
        },
    ),
    "joint_loss": Cases(
        right={
            "row by row": joint,
            "one-hot": one_hot,
            "float32": float32(one_hot),
            "torch": torch_with_grad(torch_loss),
        },
        wrong={
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
            "channels added": (lambda *x: joint(*x, beta=2), "two channels are added"),
            "squares added": (lambda *x: joint(*x, beta=x[0].size), "squared error is added"),
            "absolute": (
                lambda ab, hat, *x: np.abs(ab - hat).mean() + joint(ab, ab, *x),
                "the error is absolute",
            ),
            "first only": (lambda *x: joint(*x[:4], 0), "second loss is missing"),
            "base 2": (lambda *x: joint(*x[:4], x[4] / np.log(2)), "base 2"),
            "each picture": (
                lambda ab, hat, p, label, alpha: [
                    joint(*x, alpha)
                    for x in zip(ab[:, None], hat[:, None], p[:, None], label[:, None])
                ],
                "one number",
            ),
            "alpha .3": (lambda *x: joint(*x[:4], 0.3), GENERIC),
            "five classes": (lambda ab, hat, p, *x: joint(ab, hat, p[:, range(5)], *x), "stopped"),
            "in place": (spoiling, "changes its input"),
            "most probable": (
                lambda ab, hat, p, label, alpha: joint(ab, hat, p, p.argmax(1), alpha),
                GENERIC,
            ),
        },
    ),
    "interval": Cases(
        right={
            "solved": wilson,
            "scipy": by_scipy,
            "list": lambda k, n: list(wilson(k, n)),
            "clipped": lambda k, n: np.float32(np.clip(wilson(k, n), 0, 1)),
        },
        wrong={
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
            "one error": (lambda k, n: wilson(k, n, z=1), "z is missing"),
            "percent": (lambda k, n: 100 * wilson(k, n), "100 times"),
            "high first": (lambda k, n: wilson(k, n)[::-1], "swapped"),
            "90 percent": (lambda k, n: wilson(k, n, z=1.645), GENERIC),
            "lower end only": (lambda k, n: wilson(k, n)[0], "is one number"),
            "forgotten return": (forgets(wilson), "returns None"),
        },
    ),
}
