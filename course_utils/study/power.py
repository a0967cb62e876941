"""How many judgements a study needs, and people who do not exist, to test its statistics with.

`needed` says how many independent answers tell two rates apart, `design_effect` how many more when
they come from few people about few pictures. `audience` simulates such people: the rate behind
their answers is known, so one can count how often an interval holds what it promises.
"""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.metrics.intervals import Z95

probit = NormalDist().inv_cdf


def needed(first: float, second: float, *, known: bool = False, power: float = 0.8) -> int:
    """How many independent answers tell two rates apart: for each of them, a whole number.

    A two-sided test at 5 % finds the difference with the probability `power`. Two measured rates:
    Fleiss, Levin & Paik, "Statistical Methods for Rates and Proportions", 3rd edition 2003, chapter
    4, without the correction for continuity. known: `second` is no measured rate but known, like
    the 50 % of guessing, and `first` alone is asked for. Answers that hang together count
    for less: multiply by `design_effect`.
    Raises ValueError unless both rates lie between 0 and 1 and differ, and power in 0.5…1.

    >>> needed(0.5, 0.6), needed(0.6, 0.5, known=True)  # two measured rates; one against guessing
    (388, 194)
    """
    if not (0 < first < 1 and 0 < second < 1 and first != second and 0.5 <= power < 1):
        raise ValueError(
            f"rates {first} and {second}, power {power}: give two different rates between 0 and 1, "
            "and a power of at least 0.5."
        )
    mean = (first + second) / 2
    if known:
        equal, apart = second * (1 - second), first * (1 - first)
    else:
        equal, apart = 2 * mean * (1 - mean), first * (1 - first) + second * (1 - second)
    reach = Z95 * np.sqrt(equal) + probit(power) * np.sqrt(apart)
    return int(np.ceil(np.square(reach / (first - second))))


def design_effect(
    persons: int, pictures: int, alike_person: float, alike_picture: float = 0.0
) -> float:
    """By how much answers that hang together raise the variance of a share; 1 if they do not.

    Every one of `persons` answers about every one of `pictures`. alike_person is the correlation of
    two answers of one person, alike_picture that of two answers about one picture: Kish, "Survey
    Sampling", 1965, for one way, and its sum for two. N answers are worth N / design_effect.
    """
    return 1 + (pictures - 1) * alike_person + (persons - 1) * alike_picture


def audience(
    rate: float,
    persons: int,
    pictures: int,
    person_sd: float = 0.0,
    picture_sd: float = 0.0,
    seed: int = 1,
) -> NDArray[np.bool_]:
    """Simulated answers, bool (persons, pictures): the truth behind them is `rate`, exactly.

    Person i says yes to picture j when m + a_i + b_j + e_ij > 0, with normal a (the person's
    bias, of standard deviation person_sd), b (the picture's ease, picture_sd) and e (1). m is
    such that a person and a picture drawn at random give `rate`. It tests statistics; nobody
    was asked.
    """
    rng = np.random.default_rng(seed)
    m = probit(rate) * np.sqrt(1 + person_sd**2 + picture_sd**2)
    bias = person_sd * rng.standard_normal((persons, 1))
    ease = picture_sd * rng.standard_normal((1, pictures))
    return m + bias + ease + rng.standard_normal((persons, pictures)) > 0


def alike(rate: float, person_sd: float = 0.0, picture_sd: float = 0.0) -> tuple[float, float]:
    """The correlation of two answers of one person, and of two about one picture, in `audience`."""
    from scipy.stats import multivariate_normal

    total = 1 + person_sd**2 + picture_sd**2
    at = [probit(rate)] * 2

    def observed(sd):
        r = sd**2 / total  # on the scale of the sum; the answers keep less of it
        cov: Any = np.array([[1, r], [r, 1]])
        both = multivariate_normal(cov=cov).cdf(at)
        return float((both - rate**2) / (rate * (1 - rate)))

    return observed(person_sd), observed(picture_sd)
