"""People who do not exist, to test the statistics of studies with."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


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
    m = NormalDist().inv_cdf(rate) * np.sqrt(1 + person_sd**2 + picture_sd**2)
    bias = person_sd * rng.standard_normal((persons, 1))
    ease = picture_sd * rng.standard_normal((1, pictures))
    return m + bias + ease + rng.standard_normal((persons, pictures)) > 0
