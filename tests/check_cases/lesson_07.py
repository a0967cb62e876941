"""Lesson 07: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np
from scipy import stats

from course_utils import checks


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


def flaws(table, least=30, keys=("data", "size", "average")):
    first, last = table[0], table[-1]
    few = [row["n"] < least for row in table]
    other = [[row[k] for k in keys] != [first[k] for k in keys] for row in table]
    above = [row["psnr"] > last["psnr"] for row in table]
    return np.transpose([few, other, above, [row["psnr"] < first["psnr"] for row in table]])


def other_question(table, answers):
    found = np.array(flaws(table))
    found[:, 1] = answers
    return found


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


def can_fail(differences, keep=lambda low, high: np.sign(low) * (np.sign(low) == np.sign(high))):
    """scipy's standard error; a verdict is the sign that both ends of the interval share."""
    half = 1.96 * stats.sem(differences, axis=1)
    return keep(differences.mean(1) - half, differences.mean(1) + half)


CASES = {
    checks.can_fail: (
        can_fail,
        {
            "the mean alone": (lambda d: np.sign(np.mean(d, axis=1)), "the sign of the mean"),
            "the spread": (
                lambda d: np.sign(d.mean(1)) * (np.abs(d.mean(1)) > 1.96 * d.std(1)),
                "single photographs",
            ),
            "open is failed": (lambda d: 2 * (can_fail(d) == 1) - 1, "became a failure"),
            "never fails": (lambda d: can_fail(d) == 1, "no claim can fail"),
            "exchanged": (lambda d: can_fail(-d), "exchanged"),
        },
    ),
    checks.stays: (
        stays,
        {
            "no correction": (lambda p, level: p < level, "the whole level"),
            "Bonferroni": (lambda p, level: p * len(p) < level, "Bonferroni"),
            "does not stop": (no_stop, "goes on after the first"),
            "sorted": (lambda p, level: stays(np.sort(p), level), "sorted order"),
            "falls": (lambda p, level: ~stays(p, level), "the ones that fall"),
        },
    ),
    checks.bills: (
        bills,
        {
            "within": (
                other_bill(0, lambda x, y: np.mean(chroma(x - y) <= 10)),
                "count those within",
            ),
            "mean distance": (other_bill(0, lambda x, y: chroma(x - y).mean()), "mean distance"),
            "pixels": (
                other_bill(1, lambda x, y: np.mean(chroma(x - y) > chroma(x))),
                "single pixels",
            ),
            "the better ones": (other_bill(1, lambda x, y: 1 - bills(x, y)[1]), "the better ones"),
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
        },
    ),
    checks.flaws: (
        flaws,
        {
            "30 is few": (lambda t: flaws(t, least=31), "exactly 30"),
            "data alone": (lambda t: flaws(t, keys=("data",)), "as well as `data`"),
            "all three": (
                lambda t: other_question(
                    t,
                    [not any(r[k] == t[0][k] for k in ("data", "size", "average")) for r in t],
                ),
                "not whether all do",
            ),
            "the row before": (
                lambda t: other_question(
                    t,
                    [False]
                    + [
                        any(q[k] != r[k] for k in ("data", "size", "average"))
                        for q, r in zip(t, t[1:])
                    ],
                ),
                "with the row before",
            ),
            "exchanged": (lambda t: np.array(flaws(t))[:, [0, 1, 3, 2]], "exchanged"),
        },
    ),
    checks.lookup: (
        lookup,
        {
            "floor": (floored, "cut off"),
            "sums": (
                lambda L, ab: np.eye(101)[np.rint(L).astype(int)].T @ ab,
                "these are sums",
            ),
            "median": (medians, "the median"),
            "filled": (filled, "asked is 0"),
            "exchanged": (lambda L, ab: lookup(L, ab[:, ::-1]), "exchanged"),
            "constant": (lambda L, ab: np.ones((101, 1)) * ab.mean(0), "one color"),
        },
    ),
}
