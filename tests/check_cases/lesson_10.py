"""Lesson 10: warp, confidence mask, cuts."""

import numpy as np

from check_cases import GENERIC, Cases, float32, forgets


def one_by_one(before, flow):
    out = np.zeros_like(before)
    height, width = before.shape[:2]
    for row in range(height):
        for column in range(width):
            x = min(max(round(column + flow[row, column, 0]), 0), width - 1)
            y = min(max(round(row + flow[row, column, 1]), 0), height - 1)
            out[row, column] = before[y, x]
    return out


def by_scipy(before, flow):
    from scipy.ndimage import map_coordinates

    rows, columns = np.indices(flow.shape[:2])
    place = [rows + flow[..., 1], columns + flow[..., 0]]
    planes = [map_coordinates(p, place, order=0, mode="nearest") for p in before.T.swapaxes(1, 2)]
    return np.stack(planes, -1)


def exchanged(before, flow):
    return one_by_one(before, flow[..., ::-1])


def cut_off(before, flow):
    rows, columns = np.indices(flow.shape[:2])
    y = (rows + flow[..., 1]).astype(int).clip(0, len(rows) - 1)
    x = (columns + flow[..., 0]).astype(int).clip(0, rows.shape[1] - 1)
    return before[y, x]


def wraps(before, flow):
    rows, columns = np.indices(flow.shape[:2])
    y, x = np.rint(rows + flow[..., 1]).astype(int), np.rint(columns + flow[..., 0]).astype(int)
    return before[y % len(rows), x % rows.shape[1]]


def outside(before, flow):
    """Without care for the border."""
    rows, columns = np.indices(flow.shape[:2])
    return before[np.rint(rows + flow[..., 1]).astype(int), np.rint(columns + flow[..., 0])]


def spoils(before, flow):
    result = one_by_one(before, flow)
    flow += 1
    return result


def sorted_middle(L, warped, doubt):
    d = L - warped
    d = (d - np.quantile(d, 0.5)) / doubt
    return 1 / np.exp(d * d)


def with_math(L, warped, doubt):
    import math
    import statistics

    d = np.subtract(L, warped)
    middle = statistics.median(d.ravel().tolist())
    return np.vectorize(lambda v: math.exp(-(((v - middle) / doubt) ** 2)))(d)


def mask_with(change):
    """A mask of the difference, its middle and the doubt."""
    return lambda L, warped, doubt: change(L - warped, np.median(L - warped), doubt)


def by_hand(L, alike):
    cuts = np.zeros(len(L), bool)
    for t in range(1, len(L)):
        now, old = (x - x.mean() for x in (L[t], L[t - 1]))
        cuts[t] = (now * old).sum() / np.sqrt((now**2).sum() * (old**2).sum()) < alike
    return cuts


def matrix(L, alike):
    beside = np.corrcoef(L.reshape(len(L), -1)).diagonal(1)
    return np.concatenate([[False], beside < alike])


def differ(L, alike):
    return np.array([False] + [np.abs(b - a).mean() > 10 for a, b in zip(L, L[1:])])


CASES = {
    "warp_back": Cases(
        right={"one by one": one_by_one, "scipy": by_scipy, "float32": float32(one_by_one)},
        wrong={
            "opposite": (lambda b, f: one_by_one(b, -f), "opposite direction"),
            "exchanged": (exchanged, "exchanged"),
            "cut off": (cut_off, "round them"),
            "wraps": (wraps, "repeat the border"),
            "nothing": (lambda b, f: b.copy(), "nothing has moved"),
            "right only": (lambda b, f: one_by_one(b, f * [1, 0]), "to the right only"),
            "down only": (lambda b, f: one_by_one(b, f * [0, 1]), "down only"),
            "no border": (outside, "IndexError"),
            "spoils": (spoils, "changes its input"),
            "one channel": (lambda b, f: one_by_one(b, f)[..., 0], "has shape"),
            "forgotten return": (forgets(one_by_one), "returns None"),
        },
    ),
    "confidence_mask": Cases(
        right={"quantile": sorted_middle, "math": with_math, "float32": float32(sorted_middle)},
        wrong={
            "no median": (mask_with(lambda d, m, s: np.exp(-((d / s) ** 2))), "still in it"),
            "mean": (mask_with(lambda d, m, s: np.exp(-(((d - d.mean()) / s) ** 2))), "the mean"),
            "absolute": (mask_with(lambda d, m, s: np.exp(-abs(d - m) / s)), "not squared"),
            "doubt": (mask_with(lambda d, m, s: 1 - np.exp(-(((d - m) / s) ** 2))), "is doubt"),
            "grows": (mask_with(lambda d, m, s: np.exp(((d - m) / s) ** 2)), "wrong sign"),
            "outside": (mask_with(lambda d, m, s: np.exp(-((d - m) ** 2) / s)), "outside"),
            "unused": (mask_with(lambda d, m, s: np.exp(-((d - m) ** 2))), "not used"),
            "hard": (mask_with(lambda d, m, s: abs(d - m) < s), "yes or no"),
            "two dimensions": (lambda *a: sorted_middle(*a)[..., 0], "has shape"),
            "forgotten return": (forgets(sorted_middle), "returns None"),
        },
    ),
    "find_cuts": Cases(
        right={"by hand": by_hand, "matrix": matrix, "a list": lambda *a: by_hand(*a).tolist()},
        wrong={
            "alike": (lambda L, a: ~by_hand(L, a), "where frames are alike"),
            "the last": (lambda L, a: np.roll(by_hand(L, a), -1), "last frame of the old"),
            "shorter": (lambda L, a: by_hand(L, a)[1:], "first frame is missing"),
            "difference": (differ, GENERIC),
            "first too": (lambda L, a: by_hand(L, a) | (np.arange(len(L)) == 0), "no cut"),
            "never": (lambda L, a: np.zeros(len(L), bool), "whatever the input"),
            "number": (lambda L, a: by_hand(L, a).sum(), "is one number"),
            "unused": (lambda L, a: by_hand(L, 0.9999), "not used"),
            "forgotten return": (forgets(by_hand), "returns None"),
        },
    ),
}
