"""Lesson 08."""

import numpy as np
from scipy import stats

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad


def stays(p, level):
    """Holm by his adjusted p-values: a running maximum of p times what is left."""
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1))
    keep = np.empty(len(p), bool)
    keep[order] = adjusted <= level
    return keep


def no_stop(p, level):
    place = np.argsort(np.argsort(p))
    return p * (len(p) - place) <= level


def bills(ab, ab_hat):
    wrong = np.square(ab - ab_hat).sum(-1)
    squares = [np.square(x).sum(-1) for x in (ab, ab_hat)]
    complaints = [w.mean() > g.mean() for w, g in zip(wrong, squares[0], strict=True)]
    lively = [np.sqrt(x).mean() for x in squares]
    return np.array([np.mean(wrong > 100), np.mean(complaints), max(lively) - min(lively)])


def other_bill(which, make):
    def answer(ab, ab_hat):
        right = list(bills(ab, ab_hat))
        right[which] = make(ab, ab_hat)
        return right

    return answer


def chroma(x):
    return np.sqrt(np.square(x).sum(-1))


def lookup(L, ab):
    """By a one-hot matrix and least squares, which is the mean of each level."""
    hot = np.eye(101)[np.rint(L).astype(int)]
    return np.linalg.pinv(hot) @ ab


def floored(L, ab):
    return lookup(np.floor(L), ab)


def filled(L, ab):
    table = lookup(L, ab)
    table[~np.isin(np.arange(101), np.rint(L))] = ab.mean(0)
    return table


def medians(L, ab):
    table = np.zeros((101, 2))
    for level in np.unique(np.rint(L)):
        table[int(level)] = np.median(ab[np.rint(L) == level], axis=0)
    return table


def verdicts(differences, keep=lambda low, high: np.sign(low) * (np.sign(low) == np.sign(high))):
    """scipy's standard error; a verdict is the sign that both ends of the interval share."""
    half = 1.96 * stats.sem(differences, axis=1)
    return keep(differences.mean(1) - half, differences.mean(1) + half)


def walking(p, level, ties=True):
    """From the smallest up, until one falls."""
    stay = [False] * len(p)
    for place, (value, which) in enumerate(sorted(zip(p, range(len(p))))):
        bound = level / (len(p) - place)
        if value > bound or (value == bound and not ties):
            break
        stay[which] = True
    return stay


def one_place_off(p, level):
    """Bounds of one test more: k − i + 1 with i from 0."""
    order = np.argsort(p)
    fails = p[order] > level / (len(p) - np.arange(len(p)) + 1)
    keep = np.zeros(len(p), bool)
    keep[order[: fails.argmax() if fails.any() else len(p)]] = True
    return keep


def sorting(p, level):
    keep = stays(p, level)
    p[::-1].sort()
    return keep


def torch_bills(ab, ab_hat):
    away, true = (ab - ab_hat).norm(dim=-1), ab.norm(dim=-1)
    worse = (away**2).mean((1, 2)) > (true**2).mean((1, 2))
    off = (ab_hat.norm(dim=-1).mean() - true.mean()).abs()
    return [(away > 10).double().mean(), worse.double().mean(), off]


def by_means(L, ab):
    table = np.zeros((101, 2))
    for level in range(101):
        of = ab[np.abs(L - level) < 0.5]
        table[level] = of.mean(0) if len(of) else 0
    return table


def by_picture(compare):
    """The share of pictures whose squared error compares so with that of gray."""
    return lambda x, y: np.mean([compare(((p - q) ** 2).sum(), (p**2).sum()) for p, q in zip(x, y)])


CASES = {
    "verdicts": Cases(
        right={
            "scipy": verdicts,
            "float32": float32(verdicts),
            "nested": lambda d: np.where(verdicts(d) > 0, 1, np.where(verdicts(d) < 0, -1, 0)),
        },
        wrong={
            "the mean alone": (lambda d: np.sign(np.mean(d, axis=1)), "the sign of the mean"),
            "the spread": (
                lambda d: np.sign(d.mean(1)) * (np.abs(d.mean(1)) > 1.96 * d.std(1)),
                "single photographs",
            ),
            "undecided is worse": (lambda d: 2 * (verdicts(d) == 1) - 1, "became -1"),
            "never worse": (lambda d: verdicts(d) == 1, "nobody can be worse"),
            "exchanged": (lambda d: verdicts(-d), "exchanged"),
            "divided by N": (
                lambda d: np.sign(d.mean(1)) * (np.abs(d.mean(1)) > 1.96 * d.std(1) / len(d[0])),
                "not by √N",
            ),
            "over the pairs": (lambda d: verdicts(d.T), "has shape"),
            "√40": (
                lambda d: np.sign(d.mean(1)) * (np.abs(d.mean(1)) > 1.96 * d.std(1) / 40**0.5),
                "one size only",
            ),
            "the largest": (lambda d: np.sign(d.max(1)), GENERIC),
            "half the interval": (
                lambda d: np.sign(d.mean(1)) * (np.abs(d.mean(1)) > 0.98 * stats.sem(d, axis=1)),
                "one size only",
            ),
            "forgotten return": (forgets(verdicts), "returns None"),
        },
    ),
    "stays": Cases(
        right={
            "adjusted p-values": stays,
            "walking": walking,
            "0 and 1": lambda p, level: np.float32(walking(p, level)),
        },
        wrong={
            "no correction": (lambda p, level: np.less(p, level + 1e-9), "the whole level"),
            "Bonferroni": (lambda p, level: p * len(p) <= level, "Bonferroni"),
            "does not stop": (no_stop, "goes on after the first"),
            "sorted": (lambda p, level: stays(np.sort(p), level), "sorted order"),
            "falls": (lambda p, level: ~stays(p, level), "the ones that fall"),
            "ties": (lambda p, level: walking(p, level, ties=False), "on its bound"),
            "k + 1": (one_place_off, "one place too strict"),
            "level .05": (lambda p, level: stays(p, 0.05), GENERIC),
            "which": (lambda p, level: np.flatnonzero(stays(p, level)), "has shape"),
            "how many": (lambda p, level: sum(walking(p, level)), "is one number"),
            "eight tests": (lambda p, level: stays(p[range(8)], level), "one size only"),
            "in place": (sorting, "changes its input"),
            "none": (lambda p, level: 0 * p, "whatever the input"),
            "adjusted": (
                lambda p, level: np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)),
                GENERIC,
            ),
            "forgotten return": (forgets(stays), "returns None"),
        },
    ),
    "bills": Cases(
        right={
            "squares": bills,
            "float32": float32(bills),
            "torch": torch_with_grad(torch_bills),
            "tuple": lambda *x: tuple(float(y) for y in bills(*x)),
        },
        wrong={
            "within": (other_bill(0, lambda x, y: np.mean(chroma(x - y) <= 10)), "not within"),
            "exactly 10": (other_bill(0, lambda x, y: np.mean(chroma(x - y) >= 10)), "exactly 10"),
            "mean distance": (other_bill(0, lambda x, y: chroma(x - y).mean()), "mean distance"),
            "pixels": (
                other_bill(1, lambda x, y: np.mean(chroma(x - y) > chroma(x))),
                "single pixels",
            ),
            "the better ones": (other_bill(1, by_picture(np.less)), "better than gray"),
            "as bad": (other_bill(1, by_picture(np.greater_equal)), "exactly as bad"),
            "signed": (
                other_bill(2, lambda x, y: chroma(y).mean() - chroma(x).mean()),
                "either direction",
            ),
            "picture by picture": (
                other_bill(
                    2,
                    lambda x, y: np.mean(
                        [abs(chroma(q).mean() - chroma(p).mean()) for p, q in zip(x, y)]
                    ),
                ),
                "picture by picture",
            ),
            "beyond 5": (other_bill(0, lambda x, y: np.mean(chroma(x - y) > 5)), "only answer[0]"),
            "reversed": (lambda *x: bills(*x)[::-1], "reversed"),
            "two bills": (lambda *x: bills(*x)[:2], "has shape"),
            "five pictures": (
                lambda ab, hat: bills(ab[range(5)], hat[range(5)]),
                "one size only",
            ),
            "percent": (lambda *x: bills(*x) * [100, 100, 1], GENERIC),
            "forgotten return": (forgets(bills), "returns None"),
        },
    ),
    "lookup": Cases(
        right={
            "least squares": lookup,
            "level by level": by_means,
            "float32": lambda L, ab: np.float32(by_means(L, np.float32(ab))),
        },
        wrong={
            "floor": (floored, "cut off"),
            "sums": (
                lambda L, ab: np.eye(101)[np.rint(L).astype(int)].T @ ab,
                "these are sums",
            ),
            "median": (medians, "the median"),
            "filled": (filled, "asked is 0"),
            "exchanged": (lambda L, ab: lookup(L, ab[:, ::-1]), "exchanged"),
            "constant": (lambda L, ab: np.ones((101, 1)) * ab.mean(0), "one color"),
            "empty": (
                lambda L, ab: [ab[np.rint(L) == level].mean(0) for level in range(101)],
                "0 / 0 is NaN",
            ),
            "100 levels": (lambda L, ab: lookup(L, ab)[:100], "has shape"),
            "levels that occur": (
                lambda L, ab: lookup(L, ab)[np.unique(np.rint(L)).astype(int)],
                "has shape",
            ),
        },
    ),
}
