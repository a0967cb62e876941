"""Measures of a whole set of pictures, from what a network makes of each."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def frechet_distance(features: ArrayLike, features_hat: ArrayLike, least: float = 4) -> float:
    """Squared Fréchet distance between the Gaussians of two sets of features; 0 when equal.

    |μ - μ'|² + tr(C + C' - 2 (C C')^½) (Dowson & Landau 1982). Heusel et al. 2017 take features of
    Inception trained on ImageNet and call it FID; of other features it is not FID, and numbers of
    different networks do not compare.
    features, features_hat: (N, width) and (M, width), one row per picture, as
        `networks.Features.embed` gives them.
    least: N and M are at least this × width, because covariances of fewer pictures are mostly
        noise; below 1 they have no full rank.
    It is biased upward, by about c / N with c of the features' own (Chong & Forsyth 2020), so that
    two halves of the same pictures are not at 0: compare at equal N, and print that row beside.
    Returns a float. Raises ValueError for too few rows, other shapes, and what is not finite.

    >>> features = np.arange(8.0)[:, None]
    >>> round(frechet_distance(features, features + 3), 6)  # of one spread, 3 apart
    9.0
    """
    factors, means = [], []
    for name, x in (("features", features), ("features_hat", features_hat)):
        x = np.asarray(x, np.float64)
        if x.ndim != 2 or x.size == 0 or x.shape[1] != np.shape(features)[-1]:
            raise ValueError(
                f"features is {np.shape(features)} and features_hat {np.shape(features_hat)}; both "
                "must be (N, width), of one width."
            )
        if len(x) < least * x.shape[1]:
            raise ValueError(
                f"{name} has {len(x)} rows of {x.shape[1]} numbers; measure at least "
                f"{math.ceil(least * x.shape[1])} pictures, or take narrower features."
            )
        if not np.isfinite(x).all():
            raise ValueError(f"{name} holds a NaN or an infinity; look where the network made it.")
        means.append(x.mean(axis=0))
        factors.append(np.linalg.qr((x - means[-1]) / np.sqrt(len(x) - 1), mode="r"))
    # With C = RᵀR, tr (C C')^½ is the sum of the singular values of R R'ᵀ: no covariance is formed
    # and no root taken, which would cost half of the digits.
    cross = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    spread = sum(np.square(r).sum() for r in factors) - 2 * cross
    return float(np.square(means[0] - means[1]).sum() + max(spread, 0.0))


def inception_score(p: ArrayLike) -> float:
    """exp(mean KL(p(y|x) ‖ p(y))): how surely one by one, and how variously together.

    Salimans et al. 2016 take the 1,000 classes of Inception trained on ImageNet and call it the
    Inception Score; of another network it is not to be called so: name it after the network, as in
    "class score (Lite0)". It is 1 when all pictures get the same answer, and at most the
    number of classes: when every answer is certain and every class is as frequent as the others.
    No picture is compared with anything: the order of the rows, and what they were made from, does
    not count.

    p: (N, classes), probabilities of one picture in each row, as `networks.Features.classify`
        gives them; the softmax of logits. p(y) is the mean of these rows.
    The paper cuts 50,000 pictures into ten and averages; here all rows count at once, because
    fewer rows only lower it: the mean *logarithm* over equal parts is never above that of the
    whole, since a part's rows are nearer to their own mean. Compare at equal N.
    Returns a float in [1, classes]. Raises ValueError for what is no table of probabilities.
    """
    given = np.asarray(p, np.float64)
    if given.ndim != 2 or given.shape[0] < 1 or given.shape[1] < 2:
        raise ValueError(f"p is {given.shape}; it must be (N, classes), one row for each picture.")
    total = given.sum(axis=1, keepdims=True)
    if not (given.min() >= 0 and np.abs(total - 1).max() <= 1e-3):  # written so that NaN is refused
        raise ValueError(
            f"p spans {given.min():g} to {given.max():g} and its rows sum to {total.min():g} to "
            f"{total.max():g}; give probabilities, the softmax of logits."
        )
    shares = given / total
    means = (
        _entropy(shares.mean(axis=0)),
        _entropy(shares).mean(),
    )  # KL(p ‖ m) on average is H(m) - H(p)
    return float(np.exp(max(means[0] - means[1], 0.0)))


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """-Σ p log p over the last axis, in nats; 0 log 0 is 0."""
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
