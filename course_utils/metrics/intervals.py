"""How sure a mean, a share or a comparison is."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = NormalDist().inv_cdf(0.975)  # standard deviations that a normal 95 % interval reaches
LEVEL = 0.05


def bootstrap(
    values: ArrayLike, n_resamples: int = 2000, seed: int = 1, clusters: ArrayLike | None = None
) -> tuple[float, float, float]:
    """The mean of `values` and its 95 % percentile bootstrap interval (Efron 1979).

    values: (N,), one per picture. To compare two models, give their *differences* on the same
        pictures: an interval that excludes 0 says that one is better on pictures like these.
    clusters: (N,) labels of values that belong together (frames of a video, answers of a person);
        then whole clusters are drawn, and a long cluster keeps its weight.
    Returns (mean, low, high) as floats. Raises ValueError for values that are not finite, or fewer
    than two of them (or of clusters).

    >>> [round(x, 1) for x in bootstrap([1, 2, 3, 4, 5])]
    [3.0, 1.8, 4.2]
    """
    from scipy import stats

    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("values must be (N,) finite numbers; identical pictures have no PSNR.")
    if clusters is None:
        clusters = np.arange(len(values))
    elif np.shape(clusters) != values.shape:
        raise ValueError(f"clusters is {np.shape(clusters)}; it must label {len(values)} values.")
    label = np.unique(clusters, return_inverse=True)[1]
    totals, sizes = np.bincount(label, values), np.bincount(label)
    if len(totals) < 2:
        raise ValueError(f"{len(totals)} independent value(s) have no interval; measure more.")

    def mean(totals, sizes, axis=-1):
        return totals.sum(axis) / sizes.sum(axis)

    found = stats.bootstrap(
        (totals, sizes),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=n_resamples,
        batch=max(1, 2**22 // len(totals)),  # so that many values do not fill the memory
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return float(values.mean()), float(low), float(high)


def wilson(successes: float, n: float, z: float = Z95) -> tuple[float, float]:
    """The 95 % interval (low, high) of a share, from `successes` among `n` independent answers.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927: the
    shares p whose own standard error sqrt(p (1 - p) / n) reaches from p to the observed share.
    Unlike share ± z · error it stays in 0…1 and has a width at 0 and n successes. Answers of one
    person are not independent: with several persons, it is too narrow. Both numbers may be
    fractions, of an effective number of answers.
    Raises ValueError unless 0 <= successes <= n and n > 0.

    >>> [round(x, 2) for x in wilson(9, 10)]
    [0.6, 0.98]
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"{successes} of {n} answers have no share; give 0 <= successes <= n.")
    share = successes / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(min(share, max(0, center - half))), float(max(share, min(1, center + half)))


def crossed(
    values: ArrayLike,
    persons: ArrayLike,
    pictures: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 1,
) -> tuple[float, float, float]:
    """The mean of answers and its 95 % interval, where both persons and pictures are samples.

    values, persons, pictures: (N,), the answers (0 and 1), who gave each, and about what.
    Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007: persons and pictures are
    drawn with replacement, independently; an answer counts as often as both were drawn. It is
    cautious: a little too wide where persons and pictures hardly differ.
    Returns (mean, low, high). Raises ValueError for fewer than two persons or pictures.
    """
    values = np.asarray(values, np.float64)
    who, i = np.unique(persons, return_inverse=True)
    what, j = np.unique(pictures, return_inverse=True)
    if not len(values) == len(i) == len(j) or min(len(who), len(what)) < 2:
        raise ValueError(
            f"{len(values)} answers of {len(who)} person(s) about {len(what)} picture(s): give one "
            "label of each for every answer, and two of each at least."
        )
    sums, counts = np.zeros((2, len(who), len(what)))
    np.add.at(sums, (i, j), values)
    np.add.at(counts, (i, j), 1)
    rng = np.random.default_rng(seed)
    drawn = [rng.multinomial(n, np.full(n, 1 / n), n_resamples) for n in sums.shape]  # (B, n) each
    yes, all_of_them = (((drawn[0] @ x) * drawn[1]).sum(1) for x in (sums, counts))  # (B,)
    means = yes[all_of_them > 0] / all_of_them[all_of_them > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def holm(p: ArrayLike, level: float = LEVEL) -> NDArray[np.bool_]:
    """Which of p-values (k,) stay significant together, (k,) bool (Holm 1979).

    The smallest is held against level / k, the next against level / (k - 1), and so on; the first
    that fails ends it.

    >>> holm([0.03, 0.01, 0.04]).tolist()  # 0.01 is below 0.05 / 3, but 0.03 is not below 0.05 / 2
    [False, True, False]
    """
    p = np.asarray(p, float)
    order = p.argsort(kind="stable")
    passed = p[order] <= level / np.arange(len(p), 0, -1)
    kept = np.zeros(len(p), bool)
    kept[order] = np.logical_and.accumulate(passed)
    return kept
