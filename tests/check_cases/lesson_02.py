"""Lesson 02: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np

from course_utils import checks


def best_answer(p, ab):
    """The weighted least squares fit of a constant."""
    weight = np.sqrt(p)[:, None]
    return np.linalg.lstsq(weight, weight * ab, rcond=None)[0][0]


def median(p, ab):
    """The median of a crowd in which every color is as frequent as it is probable."""
    return np.median(np.repeat(ab, np.round(p * 1_000_001).astype(int), axis=0), axis=0)


def spread(p, ab):
    """Variances of a and b, added."""
    return np.cov(ab.T, aweights=p, ddof=0).trace()


def steps(strides):
    """Pixels from one place of the grid to the next, before each convolution and after the last."""
    return np.cumprod([1, *strides])


def receptive_field(strides):
    """From the last convolution back to the picture."""
    width = 1
    for stride in strides[::-1]:
        width = stride * (width - 1) + 3
    return width


def pick(p, x, best=np.argmax):
    return np.stack([answers[best(row)] for row, answers in zip(p, x, strict=True)])


CASES = {
    checks.best_answer: (
        best_answer,
        {
            "most probable": (lambda p, ab: ab[np.flatnonzero(p == p.max())[0]], "most probable"),
            "plain mean": (lambda p, ab: np.mean(ab, 0), "not all alike"),
            "median": (median, "median"),
            "mean of products": (lambda p, ab: best_answer(p, ab) / len(p), "sum to 1"),
        },
    ),
    checks.floor: (
        lambda p, ab: spread(p, ab) / 2 / 128**2,
        {
            "adds channels": (lambda p, ab: spread(p, ab) / 128**2, "average over them"),
            "gray": (lambda p, ab: np.average(ab**2 / 128**2, 0, p).mean(), "gray answer"),
            "unweighted": (lambda p, ab: np.var(ab / 128, 0).mean(), "not all alike"),
            "divides once": (lambda p, ab: spread(p, ab) / 256, "divided by 128 twice"),
            "no scale": (lambda p, ab: spread(p, ab) / 2, "CIELAB units"),
        },
    ),
    checks.conv_parameters: (
        lambda k, n, m: np.prod([k, k, n, m], axis=0) + m,
        {
            "no bias": (lambda k, n, m: np.prod([k, k, n, m], axis=0), "biases are missing"),
            "bias of inputs": (lambda k, n, m: n * (k**2 * m + 1), "not to each input"),
            "a line of pixels": (lambda k, n, m: k * n * m + m, "kernel × kernel"),
            "one bias": (lambda k, n, m: k**2 * n * m + 1, "not one in all"),
        },
    ),
    checks.receptive_field: (
        receptive_field,
        {
            "strides ignored": (lambda strides: 1 + 2 * len(strides), "gets coarser"),
            "stride too early": (lambda strides: 1 + 2 * steps(strides)[1:].sum(), "before its"),
            "three neighbors": (lambda strides: 1 + 3 * steps(strides)[:-1].sum(), "two neighbors"),
            "one side": (lambda strides: steps(strides)[:-1].sum(), "whole width"),
        },
    ),
    checks.route: (
        pick,
        {
            "mixes": (lambda p, x: np.einsum("nk,nkhwc->nhwc", p, x), "mixes"),
            "one for all": (lambda p, x: x[:, p.sum(axis=0).argmax()], "same model"),
            "worst": (lambda p, x: pick(p, x, np.argmin), "least probable"),
            "plain mean": (lambda p, x: x.mean(axis=1), "averages all"),
        },
    ),
}
