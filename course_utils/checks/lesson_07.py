"""The checks of lesson 07."""

import numpy as np

from course_utils.checks.compare import compare


def stays(answer):
    """Check which of hidden p-values stay significant together."""
    # .05 / 8 = .00625, .05 / 7 = .0071, .05 / 6 = .0083, .05 / 5 = .01, .05 / 4 = .0125, ...
    p = np.array([0.03, 0.0079, 0.0005, 0.049, 0.2, 0.0105, 0.012, 0.0069])

    def holm(p, level, stop=True, bound=lambda k, place: k - place, back=True):
        order = np.argsort(p)
        passed = p[order] <= level / np.array([bound(len(p), i) for i in range(len(p))])
        if stop:
            passed = np.logical_and.accumulate(passed)
        keep = np.zeros(len(p), bool)
        keep[order if back else slice(None)] = passed
        return keep

    compare(
        "stays",
        answer,
        [p, 0.05],
        holm,
        {
            "each p-value is held against the whole level; with k tests the bounds are stricter.": (
                lambda p, level: p <= level
            ),
            "every p-value is held against level / k (Bonferroni); only the smallest is.": (
                lambda p, level: p <= level / len(p)
            ),
            "the bounds are right, but it goes on after the first that fails.": (
                lambda p, level: holm(p, level, stop=False)
            ),
            "the answers are in sorted order; put them back into the given one.": (
                lambda p, level: holm(p, level, back=False)
            ),
            "the bounds run the other way: the smallest p-value has the strictest.": (
                lambda p, level: holm(p, level, bound=lambda k, place: place + 1)
            ),
            "these are the ones that fall; asked is which stay.": (
                lambda p, level: ~holm(p, level)
            ),
        },
        "from the smallest up: p against level / (k − place); stop at the first that fails.",
    )


def can_fail(answer):
    """Check the verdicts over eight hidden claims, each of 40 paired differences."""
    rng = np.random.default_rng(77)
    differences = rng.normal(0, 1, (8, 40))
    differences -= differences.mean(1, keepdims=True)
    differences /= differences.std(1, ddof=1, keepdims=True)
    # Means in standard errors, far from 1.96: a bootstrap gives the same verdicts.
    surely = np.array([2.9, -0.7, -4.0, 25.0, 1.2, -2.8, 0.6, 3.5])[:, None]
    differences = rng.uniform(0.5, 3, (8, 1)) * (differences + surely / np.sqrt(40))

    def verdicts(differences, error=lambda s, n: s / np.sqrt(n), factor=1.96):
        mean, n = differences.mean(1), differences.shape[1]
        half = factor * error(differences.std(1, ddof=1), n)
        return 1.0 * (mean > half) - 1.0 * (mean < -half)

    compare(
        "can_fail",
        answer,
        [differences],
        verdicts,
        {
            "the sign of the mean decides; without an interval no claim is ever open.": (
                lambda d: verdicts(d, factor=0.0)
            ),
            "this is the spread of single photographs; their mean is surer, divide by √N.": (
                lambda d: verdicts(d, error=lambda s, n: s)
            ),
            "an interval with 0 in it became a failure; it is open, say 0.": (
                lambda d: np.where(verdicts(d) > 0, 1.0, -1.0)
            ),
            "no claim can fail here: the upper end below 0 must give -1.": (
                lambda d: np.maximum(verdicts(d), 0)
            ),
            "holds and fails are exchanged; a difference is ours less theirs.": (
                lambda d: -verdicts(d)
            ),
            "s is divided by N; the mean's error is s divided by √N.": (
                lambda d: verdicts(d, error=lambda s, n: s / n)
            ),
        },
        "mean ± 1.96 standard errors (s / √N): above 0 holds, below 0 fails, 0 inside is open.",
    )


def bills(answer):
    """Check three customers' bills for hidden colors of five small pictures."""
    rng = np.random.default_rng(72)
    ab = rng.normal(0, [6, 9], (5, 6, 7, 2)) + rng.normal(0, 8, (5, 1, 1, 2))
    ab_hat = np.reshape([0.1, 1.1, 0.4, 0.2, 0.6], (5, 1, 1, 1)) * ab + rng.normal(0, 5, ab.shape)

    def length(x):
        return np.hypot(x[..., 0], x[..., 1])

    def restorer(ab, ab_hat, within=False, mean=False):
        distance = length(ab - ab_hat)
        return distance.mean() if mean else ((distance <= 10) if within else distance > 10).mean()

    def archive(ab, ab_hat, pixels=False, better=False):
        ours, gray = length(ab - ab_hat) ** 2, length(ab) ** 2
        if pixels:
            return (ours > gray).mean()
        worse = ours.mean((1, 2)) > gray.mean((1, 2))
        return (~worse if better else worse).mean()

    def studio(ab, ab_hat, signed=False, each=False):
        lead = length(ab_hat).mean((1, 2)) - length(ab).mean((1, 2))
        return np.abs(lead).mean() if each else lead.mean() if signed else np.abs(lead.mean())

    def three(first=None, second=None, third=None):
        options = first or {}, second or {}, third or {}
        makers = restorer, archive, studio
        return lambda *x: [make(*x, **more) for make, more in zip(makers, options, strict=True)]

    compare(
        "bills",
        answer,
        [ab, ab_hat],
        three(),
        {
            "the restorer pays for pixels beyond 10, you count those within.": three(
                first={"within": True}
            ),
            "the restorer pays for a share of pixels; this is the mean distance.": three(
                first={"mean": True}
            ),
            "the archive complains about pictures; you count single pixels.": three(
                second={"pixels": True}
            ),
            "the archive pays for pictures that are worse than gray; you count the better ones.": (
                three(second={"better": True})
            ),
            "the studio minds either direction; take the absolute value at the end.": three(
                third={"signed": True}
            ),
            "the studio compares means over all pixels; you take differences picture by picture.": (
                three(third={"each": True})
            ),
        },
        "distances first: ‖ab − ab_hat‖ for the first two, ‖ab‖ and ‖ab_hat‖ for the others.",
        tolerance=1e-5,
    )


def flaws(answer):
    """Check a reviewer on a hidden table."""
    keys = "name", "psnr", "n", "data", "size", "average"
    table = [
        dict(zip(keys, row, strict=True))
        for row in (
            ("gray", 23.1, 30, "streets", 96, "pooled"),
            ("A", 23.0, 12, "streets", 96, "pooled"),
            ("B", 25.0, 30, "forests", 96, "pooled"),
            ("C", 71.2, 500, "forests", 96, "pooled"),
            ("D", 24.0, 29, "streets", 64, "pooled"),
            ("E", 22.5, 30, "streets", 96, "mean"),
            ("F", 33.0, 31, "streets", 96, "mean"),
            ("ceiling", 32.9, 30, "streets", 96, "pooled"),
        )
    ]

    def review(table, keys=("data", "size", "average"), least=30, before=False, swap=False):
        found = []
        for place, row in enumerate(table):
            other = table[max(0, place - 1)] if before else table[0]
            bounds = row["psnr"] > table[-1]["psnr"], row["psnr"] < table[0]["psnr"]
            differs = any(row[key] != other[key] for key in keys)
            found.append([row["n"] < least, differs, *(bounds[::-1] if swap else bounds)])
        return found

    def all_of_them(table):
        found = np.array(review(table))
        keys = "data", "size", "average"
        found[:, 1] = [all(row[k] != table[0][k] for k in keys) for row in table]
        return found

    compare(
        "flaws",
        answer,
        [table],
        review,
        {
            "a row with exactly 30 pictures has not fewer than 30.": (
                lambda table: review(table, least=31)
            ),
            "question 2 asks for `size` and `average` as well as `data`.": (
                lambda table: review(table, keys=("data",))
            ),
            "question 2 asks whether any of the three differs, not whether all do.": all_of_them,
            "question 2 compares with the row before; compare with the first row.": (
                lambda table: review(table, before=True)
            ),
            "questions 3 and 4 are exchanged.": lambda table: review(table, swap=True),
        },
        "four comparisons for each row: n, three keys against table[0], psnr against table[-1] "
        "and against table[0].",
    )


def lookup(answer):
    """Check a table of mean ab by L, learned from hidden pixels."""
    rng = np.random.default_rng(74)
    L = np.concatenate([rng.uniform(3, 97, 400), [0.0, 100.0, 99.4]])
    L = L[(L < 40) | (L > 43)]  # levels that nobody has
    ab = np.stack([0.3 * L - 12, 20 - 0.4 * L], -1) + rng.normal(0, 9, (len(L), 2))

    def table(L, ab, level=np.round, of=np.mean, empty=0.0):
        place = level(L).astype(int)
        some = [ab[place == k] for k in range(101)]
        return np.array([of(x, axis=0) if len(x) else [empty] * 2 for x in some])

    compare(
        "lookup",
        answer,
        [L, ab],
        table,
        {
            "L is cut off, not rounded: 49.7 belongs to level 50.": (
                lambda L, ab: table(L, ab, level=np.floor)
            ),
            "these are sums; divide by the number of pixels at each level.": (
                lambda L, ab: table(L, ab, of=np.sum)
            ),
            "this is the median; asked is the mean, which the squared error wants.": (
                lambda L, ab: table(L, ab, of=np.median)
            ),
            "a level without pixels has the mean of all; asked is 0.": (
                lambda L, ab: np.where(
                    np.isin(np.arange(101), np.round(L))[:, None], table(L, ab), ab.mean(0)
                )
            ),
            "a and b are exchanged.": lambda L, ab: table(L, ab)[:, ::-1],
            "all levels have one color; it must depend on L.": (
                lambda L, ab: np.tile(ab.mean(0), (101, 1))
            ),
        },
        "level = np.round(L).astype(int); for each level the mean of its rows of ab.",
        tolerance=1e-6,
    )
