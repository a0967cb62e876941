"""The checks of lesson 08."""

from functools import partial

import numpy as np

from course_utils.checks.compare import Answer, compare


def stays(answer: Answer) -> None:
    """Check which of hidden p-values stay significant together, at four levels.

    Some lie on their bound, where its divisor is 1, 2, 4 or 8 and no rounding decides.
    """
    rng = np.random.default_rng(71)
    # .05 / 8 = .00625, .05 / 7 = .0071, .05 / 6 = .0083, .05 / 5 = .01, .05 / 4 = .0125, ...
    first = [0.03, 0.0079, 0.0005, 0.049, 0.2, 0.0105, 0.012, 0.0069]
    on_bound = 0.1 * np.array([1 / 8, 0.9 / 7, 0.9 / 6, 0.9 / 5, 1 / 4, 0.9 / 3, 1 / 2, 1.01])
    sets = (first, 0.05), (first, 0.01), (rng.permutation(on_bound), 0.1), ([0.02], 0.02)
    inputs = [(np.array(p), level) for p, level in (*sets, ([0.012, 0.4, 0.0101, 0.6], 0.05))]

    def holm(p, level, stop=True, bound=lambda k, place: k - place, back=True, ties=np.less_equal):
        order = np.argsort(p)
        passed = ties(p[order], level / np.array([bound(len(p), i) for i in range(len(p))]))
        if stop:
            passed = np.logical_and.accumulate(passed)
        keep = np.zeros(len(p), bool)
        keep[order if back else slice(None)] = passed
        return keep

    compare(
        "stays",
        answer,
        inputs,
        holm,
        {
            "each p-value is held against the whole level; with k tests the bounds are stricter.": (
                lambda p, level: p <= level
            ),
            "every p-value is held against level / k (Bonferroni); only the smallest is.": (
                lambda p, level: p <= level / len(p)
            ),
            "a p-value on its bound stays; only a larger one falls.": partial(holm, ties=np.less),
            "it goes on after the first that fails; all after it fall.": partial(holm, stop=False),
            "all bounds are one place too strict: the smallest is held against level / k.": (
                lambda p, level: holm(p, level, bound=lambda k, place: k - place + 1)
            ),
            "the answers are in sorted order; asked is the given one.": partial(holm, back=False),
            "the bounds run the other way: the smallest p-value has the strictest.": (
                lambda p, level: holm(p, level, bound=lambda k, place: place + 1)
            ),
            "these are the ones that fall; asked is which stay.": lambda *x: ~holm(*x),
        },
        "from the smallest up: p against level / (k − place); stop at the first that fails.",
    )


def verdicts(answer: Answer) -> None:
    """Check the verdicts over hidden pairs, of 40, 9 and 200 paired differences each."""
    rng = np.random.default_rng(77)

    def pairs(surely, n):
        """Means in standard errors, far from 1.96: a bootstrap gives the same verdicts."""
        d = rng.normal(0, 1, (len(surely), n))
        d -= d.mean(1, keepdims=True)
        d /= d.std(1, ddof=1, keepdims=True)
        scale = rng.uniform(0.5, 3, (len(surely), 1))
        return (scale * (d + np.reshape(surely, (-1, 1)) / np.sqrt(n)),)

    inputs = [pairs([2.9, -0.7, -4.0, 25.0, 0.2, -2.8, 0.6, 3.5], 40), pairs([-6.0, 1.2], 9)]
    inputs += [pairs([1.2, -1.3, 3.5], 200), (np.zeros((2, 5)),)]

    def judge(differences, error=lambda s, n: s / np.sqrt(n), factor=1.96):
        mean, n = differences.mean(1), differences.shape[1]
        half = factor * error(differences.std(1, ddof=1), n)
        return 1 * (mean > half) - 1 * (mean < -half)

    compare(
        "verdicts",
        answer,
        inputs,
        judge,
        {
            "the sign of the mean decides; no pair is ever undecided.": partial(judge, factor=0.0),
            "this is the spread of single photographs; their mean is surer, divide by √N.": (
                lambda d: judge(d, error=lambda s, n: s)
            ),
            "an interval with 0 in it became -1; it is undecided, say 0.": (
                lambda d: np.where(judge(d) > 0, 1, -1)
            ),
            "nobody can be worse here: the upper end below 0 must give -1.": (
                lambda d: np.maximum(judge(d), 0)
            ),
            "better and worse are exchanged: a mean above 0 is better.": lambda d: -judge(d),
            "s is divided by N, not by √N.": partial(judge, error=lambda s, n: s / n),
        },
        "mean ± 1.96 standard errors (s / √N): above 0 gives 1, below 0 gives -1, else 0.",
    )


def bills(answer: Answer) -> None:
    """Check three customers' bills, with pixels exactly 10 away and a picture as bad as gray's.

    Colors are whole multiples of sides of right triangles, so that no rounding decides.
    """
    rng = np.random.default_rng(72)
    sides = np.array([[3, 4], [-4, 3], [6, -8], [-8, -6], [5, 12], [12, -5], [0, 7], [0, 0]], float)
    inputs = []
    for n, h, w in ((5, 6, 7), (1, 4, 3), (3, 2, 9), (2, 5, 5)):
        ab = sides[rng.integers(0, 8, (n, h, w))] * rng.integers(1, 4, (n, 1, 1, 1))
        ab_hat = ab + sides[rng.integers(0, 8, (n, h, w))] * rng.integers(1, 3, (n, 1, 1, 1))
        ab_hat[-1] *= n == 2  # gray: not worse than gray
        inputs.append((ab, ab_hat))

    def length(x):
        return np.sqrt((x**2).sum(-1))

    def restorer(ab, ab_hat, far=lambda x: x > 10):
        return far(length(ab - ab_hat)).mean()

    def archive(ab, ab_hat, pixels=False, worse=np.greater):
        ours, gray = length(ab - ab_hat) ** 2, length(ab) ** 2
        return (worse(ours, gray) if pixels else worse(ours.mean((1, 2)), gray.mean((1, 2)))).mean()

    def studio(ab, ab_hat, signed=False, each=False):
        lead = length(ab_hat).mean((1, 2)) - length(ab).mean((1, 2))
        return np.abs(lead).mean() if each else lead.mean() if signed else np.abs(lead.mean())

    def three(place=0, **changed):
        makers = restorer, archive, studio
        return lambda *x: [f(*x, **(changed if f is makers[place] else {})) for f in makers]

    compare(
        "bills",
        answer,
        inputs,
        three(),
        {
            "the restorer pays for pixels beyond 10, not within.": three(0, far=lambda x: x <= 10),
            "a pixel exactly 10 away is not more than 10 away.": three(0, far=lambda x: x >= 10),
            "the restorer pays for a share; this is the mean distance.": three(0, far=lambda x: x),
            "the archive counts pictures; you count single pixels.": three(1, pixels=True),
            "you count the pictures better than gray, not the worse.": three(1, worse=np.less),
            "a picture exactly as bad as gray is not worse.": three(1, worse=np.greater_equal),
            "the studio minds either direction; take the absolute value.": three(2, signed=True),
            "the studio compares overall means; you go picture by picture.": three(2, each=True),
        },
        "distances first: ‖ab − ab_hat‖ for the first two, ‖ab‖ and ‖ab_hat‖ for the others.",
        absolute=1e-5,
    )


def lookup(answer: Answer) -> None:
    """Check a table of mean ab by L, learned from many pixels, from few and from one."""
    rng = np.random.default_rng(74)
    inputs = []
    for count in (400, 1, 60):
        L = np.concatenate([rng.uniform(44, 97, count), rng.uniform(3, 40, count // 2), [0.0, 100]])
        L = L[np.abs(L % 1 - 0.5) > 0.01]  # no level between 40 and 43, none on a limit
        ab = np.stack([0.3 * L - 12, 20 - 0.4 * L], -1) + rng.normal(0, 9, (len(L), 2))
        inputs.append((L, ab))

    def table(L, ab, level=np.round, of=np.mean, empty=(0.0, 0.0)):
        place = level(L).astype(int)
        some = [ab[place == k] for k in range(101)]
        return np.array([of(x, axis=0) if len(x) else empty for x in some])

    compare(
        "lookup",
        answer,
        inputs,
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
                lambda L, ab: table(L, ab, empty=ab.mean(0))
            ),
            "a level without pixels has no mean: 0 / 0 is NaN; asked is 0.": (
                lambda L, ab: table(L, ab, empty=(np.nan, np.nan))
            ),
            "a and b are exchanged.": lambda L, ab: table(L, ab)[:, ::-1],
            "all levels have one color; it must depend on L.": (
                lambda L, ab: np.tile(ab.mean(0), (101, 1))
            ),
        },
        "level = np.round(L).astype(int); for each level the mean of its rows of ab.",
    )
