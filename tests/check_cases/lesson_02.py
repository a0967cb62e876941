"""Lesson 02."""

import numpy as np

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad


def best_answer(p, ab):
    """The weighted least squares fit of a constant."""
    weight = np.sqrt(p)[:, None]
    return np.linalg.lstsq(weight, weight * ab, rcond=None)[0][0]


def median(p, ab):
    """The median of a crowd in which every color is as frequent as it is probable."""
    return np.median(np.repeat(ab, np.round(p * 1_000_001).astype(int), axis=0), axis=0)


def spread(p, ab):
    """Variances of a and b, added."""
    return np.atleast_2d(np.cov(ab.T, aweights=p, ddof=0)).trace()


def floor_in_loops(p, ab):
    loss = 0.0
    for channel in ab.T / 128:
        mean = sum(x * y for x, y in zip(p, channel))
        loss += sum(x * (y - mean) ** 2 for x, y in zip(p, channel)) / 2
    return loss


def floor_in_torch(p, ab):
    return (p @ ((ab - p @ ab) / 128).square()).mean()


def spoiling(p, ab):
    ab -= p @ ab
    return (p @ (ab / 128) ** 2).mean()


def steps(strides):
    """Pixels from one place of the grid to the next, before each convolution and after the last."""
    return np.cumprod([1, *strides])


def receptive_field(strides):
    """From the last convolution back to the picture."""
    width = 1
    for stride in strides[::-1]:
        width = stride * (width - 1) + 3
    return width


def by_recursion(strides):
    return 3 + strides[0] * (by_recursion(strides[1:]) - 1) if len(strides) else 1


def emptied(strides):
    width = 1
    while strides:
        width = strides.pop() * (width - 1) + 3
    return width


def parameters(k, n, m):
    """One by one, as a framework allocates them."""
    return np.zeros((k, k, n, m), bool).size + np.zeros(m, bool).size


def in_keras(k, n, m):
    return sum(1 for _ in range(m)) * (k**2 * n) + m


def pick(p, x, best=np.argmax):
    return np.stack([answers[best(row)] for row, answers in zip(p, x, strict=True)])


CASES = {
    "best_answer": Cases(
        right={
            "least squares": best_answer,
            "average": lambda p, ab: np.average(ab, axis=0, weights=p),
            "loops": lambda p, ab: [sum(p * ab[:, 0]), sum(p * ab[:, 1])],
            "torch": torch_with_grad(lambda p, ab: p @ ab),
        },
        wrong={
            "most probable": (lambda p, ab: ab[np.flatnonzero(p == p.max())[0]], "most probable"),
            "plain mean": (lambda p, ab: np.mean(ab, 0), "not all alike"),
            "median": (median, "median"),
            "mean of products": (lambda p, ab: best_answer(p, ab) / len(p), "sum to 1"),
            "products": (lambda p, ab: ab * p[:, None], "add them over the colors"),
            "one number": (lambda p, ab: np.sum(p @ ab), "added to one number"),
            "of five": (lambda p, ab: sum(p[k] * ab[k] for k in range(5)), "one size only"),
            "b, a": (lambda p, ab: best_answer(p, ab)[::-1], "swapped"),
            "forgotten return": (forgets(best_answer), "returns None"),
            "two best": (lambda p, ab: ab[np.argsort(p)[-2:]].mean(0), GENERIC),
        },
    ),
    "floor": Cases(
        right={
            "covariance": lambda p, ab: spread(p, ab) / 2 / 128**2,
            "loops": floor_in_loops,
            "float32": float32(lambda p, ab: (p @ (ab - p @ ab) ** 2).mean() / 128**2),
            "torch": torch_with_grad(floor_in_torch),
            "squares minus square": lambda p, ab: (p @ ab**2 - (p @ ab) ** 2).mean() / 16384,
        },
        wrong={
            "adds channels": (lambda p, ab: spread(p, ab) / 128**2, "average over them"),
            "gray": (lambda p, ab: np.average(ab**2 / 128**2, 0, p).mean(), "gray answer"),
            "unweighted": (lambda p, ab: np.var(ab / 128, 0).mean(), "not all alike"),
            "divides once": (lambda p, ab: spread(p, ab) / 256, "divided by 128 twice"),
            "no scale": (lambda p, ab: spread(p, ab) / 2, "CIELAB units"),
            "plain mean": (
                lambda p, ab: np.average((ab - ab.mean(0)) ** 2, 0, p).mean() / 128**2,
                "took their plain mean",
            ),
            "plain squares": (
                lambda p, ab: np.square(ab - np.average(ab, 0, p)).mean() / 128**2,
                "squares are averaged alike",
            ),
            "110": (lambda p, ab: spread(p, ab) / 2 / 110**2, "not by 110"),
            "two losses": (lambda p, ab: np.average(ab**2, 0, p) / 128**2, "has shape"),
            "a and b apart": (
                lambda p, ab: [floor_in_loops(p, ab[:, [0, 0]]), floor_in_loops(p, ab[:, [1, 1]])],
                "two losses",
            ),
            "root": (lambda p, ab: floor_in_loops(p, ab) ** 0.5, "root of the loss"),
            "half": (lambda p, ab: floor_in_loops(p, ab) / 2, "1/2 of"),
            "cubes": (lambda p, ab: (p @ np.abs(ab / 128) ** 3).mean(), GENERIC),
            "in place": (spoiling, "changes its input"),
            "of six": (lambda p, ab: floor_in_loops(p[range(6)], ab), "one size only"),
            "unbiased": (lambda p, ab: np.cov(ab.T, aweights=p).trace() / 2 / 128**2, "NaN"),
        },
    ),
    "conv_parameters": Cases(
        right={
            "a framework's arrays": parameters,
            "a sum over range": in_keras,
            "products": lambda k, n, m: np.prod([k, k, n, m]) + m,
            "float32": lambda k, n, m: np.float32(k * k * n + 1) * np.float32(m),
            "torch": lambda k, n, m: torch_layer(k, n, m),
        },
        wrong={
            "no bias": (lambda k, n, m: np.prod([k, k, n, m]), "biases are missing"),
            "bias of inputs": (lambda k, n, m: n * (k**2 * m + 1), "in and out are exchanged"),
            "a line of pixels": (lambda k, n, m: k * n * m + m, "kernel × kernel"),
            "twice a side": (lambda k, n, m: 2 * k * n * m + m, "not 2 · kernel"),
            "one bias": (lambda k, n, m: k**2 * n * m + 1, "not one in all"),
            "a bias for every kernel": (lambda k, n, m: k**2 * n * m + n * m, "every kernel"),
            "one input channel": (lambda k, n, m: k**2 * m + m, "all input channels"),
            "one output channel": (lambda k, n, m: k**2 * n + 1, "one output channel has"),
            "3×3": (lambda k, n, m: 9 * n * m + m, "not always 3"),
            "twice": (lambda k, n, m: 2 * parameters(k, n, m), "2 times"),
            "shape": (lambda k, n, m: [k, k, n, m], "one number"),
            "forgotten return": (forgets(parameters), "returns None"),
            "power": (lambda k, n, m: k**n * m, GENERIC),
        },
    ),
    "receptive_field": Cases(
        right={
            "backward": receptive_field,
            "recursion": by_recursion,
            "cumulative product": lambda strides: 1 + 2 * steps(strides)[:-1].sum(),
            "float": lambda strides: np.float32(receptive_field(strides)),
        },
        wrong={
            "strides ignored": (lambda strides: 1 + 2 * len(strides), "gets coarser"),
            "stride too early": (lambda strides: 1 + 2 * steps(strides)[1:].sum(), "before its"),
            "three neighbors": (lambda strides: 1 + 3 * steps(strides)[:-1].sum(), "two neighbors"),
            "one neighbor": (lambda strides: 1 + steps(strides)[:-1].sum(), "either side"),
            "one side": (lambda strides: steps(strides)[:-1].sum(), "whole width"),
            "from none": (lambda strides: 2 * steps(strides)[:-1].sum(), "not with none"),
            "from three": (lambda strides: 3 + 2 * steps(strides)[:-1].sum(), "makes it three"),
            "last left out": (lambda strides: receptive_field(strides[:-1]), "left out"),
            "reversed": (lambda strides: receptive_field(strides[::-1]), "last layer to the first"),
            "product": (lambda strides: np.prod(strides), "one step of the last grid"),
            "emptied": (emptied, "changes its input"),
            "seven layers": (
                lambda strides: 1 + 2 * sum(steps(strides)[i] for i in range(7)),
                "one size only",
            ),
            "every width": (lambda strides: 1 + 2 * steps(strides)[:-1].cumsum(), "one number"),
            "constant": (lambda strides: 91, "whatever the input"),
            "5×5 kernels": (lambda strides: 1 + 4 * steps(strides)[:-1].sum(), GENERIC),
        },
    ),
    "route": Cases(
        right={
            "stack": pick,
            "take along": lambda p, x: np.take_along_axis(
                x, p.argmax(1)[:, None, None, None, None], axis=1
            )[:, 0],
            "one-hot": lambda p, x: np.einsum("nk,nkhwc->nhwc", np.eye(p.shape[1])[p.argmax(1)], x),
        },
        wrong={
            "mixes": (lambda p, x: np.einsum("nk,nkhwc->nhwc", p, x), "mixes"),
            "one for all": (lambda p, x: x[:, p.sum(axis=0).argmax()], "same model"),
            "worst": (lambda p, x: pick(p, x, np.argmin), "least probable"),
            "plain mean": (lambda p, x: x.mean(axis=1), "averages all"),
            "weighed": (
                lambda p, x: np.stack([r.max() * y for r, y in zip(p, pick(p, x))]),
                "take the answer as it is",
            ),
            "first model": (lambda p, x: x[:, 0], "first model"),
            "all pairs": (lambda p, x: x[:, p.argmax(1)], "index both axes"),
            "keeps an axis": (lambda p, x: pick(p, x)[:, None], "The values are right"),
            "of four classes": (lambda p, x: pick(p[:, :4], x.reshape(12, 4, 3, 5, 2)), "one size"),
        },
    ),
}


def torch_layer(k, n, m):
    import torch

    return sum(x.numel() for x in torch.nn.Conv2d(n, m, k).parameters())
