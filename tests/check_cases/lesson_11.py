"""Lesson 11: hints by object, attention, Euler's steps."""

import numpy as np
import torch
from torch.nn import functional as F

from check_cases import GENERIC, Cases, forgets


def pixel_by_pixel(parts, chosen, luck):
    best = {}
    for place, part in np.ndenumerate(parts):
        if part in chosen and (part not in best or luck[place] > luck[best[part]]):
            best[part] = place
    told = np.zeros(parts.shape, bool)
    for place in best.values():
        told[place] = True
    return told


def by_maximum(parts, chosen, luck):
    """A pixel is told where nobody in its object is luckier."""
    top = np.full(256, -np.inf)
    np.maximum.at(top, parts.ravel(), luck.ravel())
    return np.isin(parts, chosen) & (luck == top[parts])


def absent_too(parts, chosen, luck):
    """Each chosen object gets a pixel, also one that is not there."""
    told = np.zeros(parts.shape, bool)
    for part in chosen:
        told[np.unravel_index((luck * (parts == part)).argmax(), parts.shape)] = True
    return told


def from_above(parts, chosen, luck):
    told = np.zeros(parts.shape, bool)
    for part in set(chosen.tolist()) & set(parts.ravel().tolist()):
        told[tuple(np.argwhere(parts == part)[0])] = True
    return told


def the_middle(parts, chosen, luck):
    told = np.zeros(parts.shape, bool)
    for part in set(chosen.tolist()) & set(parts.ravel().tolist()):
        places = np.argwhere(parts == part)
        told[tuple(places[len(places) // 2])] = True
    return told


def only_the_last(parts, chosen, luck):
    for part in chosen:
        told = by_maximum(parts, [part], luck)
    return told


def first_only(parts, chosen, luck):
    for part in chosen:
        return by_maximum(parts, [part], luck)


def one_for_all(parts, chosen, luck):
    inside = np.isin(parts, chosen)
    return inside & (luck == luck[inside].max())


def spoils(parts, chosen, luck):
    told = pixel_by_pixel(parts, chosen, luck)
    luck[told] = 0
    return told


def by_torch(queries, keys, values):
    """PyTorch's own; it wants the same number of axes everywhere."""
    shape = torch.broadcast_shapes(queries.shape[:-2], keys.shape[:-2])
    wide = [x.expand(*shape, *x.shape[-2:]) for x in (queries, keys, values)]
    return F.scaled_dot_product_attention(*wide)


def weights(queries, keys, divide=lambda d: d**0.5, axis=-1):
    """exp(score) / sum, without `softmax`."""
    scores = torch.einsum("...kd,...pd->...kp", queries, keys) / divide(queries.shape[-1])
    scores = torch.exp(scores - scores.amax(axis, keepdim=True))
    return scores / scores.sum(axis, keepdim=True)


def by_hand(queries, keys, values):
    return torch.einsum("...kp,...pc->...kc", weights(queries, keys), values)


def with_weights(change):
    """Attention with one thing changed."""
    return lambda q, k, v: change(q, k) @ v


def with_while(guess, x, steps):
    done = 0
    while done < steps:
        left = 1 - done / steps
        x = x + (guess(x, done / steps) - x) / (left * steps)
        done += 1
    return x


def as_mixture(guess, x, steps):
    """A step to t + 1/n mixes x with the clean picture: 1/n of the 1 - t that is left."""
    for left in range(steps, 0, -1):
        x = (1 - 1 / left) * x + guess(x, 1 - left / steps) / left
    return x


def walk(velocity, times=lambda n: np.linspace(0, 1, n, endpoint=False)):
    """Another velocity(guess, x, t), or other times."""

    def answer(guess, x, steps):
        for t in times(steps):
            x = x + velocity(guess, x, float(t)) / steps
        return x

    return answer


def right(guess, x, t):
    return (guess(x, t) - x) / (1 - t)


def backwards(guess, x, steps):
    return walk(right, lambda n: np.linspace(0, 1, n, endpoint=False)[::-1])(guess, x, steps)


def from_the_start(guess, x, steps):
    total = 0 * x
    for k in range(steps):
        total = total + right(guess, x, k / steps)
    return x + total / steps


def to_the_end(guess, x, steps):
    with np.errstate(all="ignore"):
        return walk(right, lambda n: np.linspace(0, 1, n + 1))(guess, x, steps)


def end_of_step(guess, x, steps):
    for k in range(steps):
        x = x + (guess(x, (k + 1) / steps) - x) / (steps - k)
    return x


def in_place(guess, x, steps):
    for k in range(steps):
        x += right(guess, x, k / steps) / steps
    return x


CASES = {
    "hint_places": Cases(
        right={
            "pixel by pixel": pixel_by_pixel,
            "by maximum": by_maximum,
            "a list": lambda *a: pixel_by_pixel(*a).tolist(),
        },
        wrong={
            "absent": (absent_too, "not in the picture"),
            "all pixels": (lambda p, c, u: np.isin(p, c), "all pixels"),
            "one for all": (one_for_all, "one pixel is told in all"),
            "anywhere": (lambda p, c, u: u == u.max(), "whole picture"),
            "from above": (from_above, "luck is not used"),
            "least lucky": (lambda p, c, u: by_maximum(p, c, -u), "least lucky"),
            "every object": (lambda p, c, u: by_maximum(p, np.unique(p), u), "every object"),
            "others": (lambda p, c, u: by_maximum(p, np.setdiff1d(p, c), u), "not chosen"),
            "inverted": (lambda p, c, u: ~by_maximum(p, c, u), "nothing is told"),
            "middle": (the_middle, "wrong places"),
            "last": (only_the_last, "one pixel is told in all"),
            "returns early": (first_only, GENERIC),
            "places": (lambda p, c, u: np.argwhere(by_maximum(p, c, u)), "has shape"),
            "spoils": (spoils, "changes its input"),
            "forgotten return": (forgets(by_maximum), "returns None"),
        },
    ),
    "attend": Cases(
        right={"torch": by_torch, "by hand": by_hand},
        wrong={
            "no root": (with_weights(lambda q, k: weights(q, k, lambda d: 1)), "are not divided"),
            "by d": (with_weights(lambda q, k: weights(q, k, lambda d: d)), "divided by d"),
            "times": (with_weights(lambda q, k: weights(q, k, lambda d: d**-0.5)), "multiplied"),
            "axis": (with_weights(lambda q, k: weights(q, k, axis=-2)), "over the queries"),
            "keys": (
                with_weights(lambda q, k: weights(q, k, lambda d: k.shape[-2] ** 0.5)),
                "number of keys",
            ),
            "late": (
                lambda q, k, v: by_hand(q * k.shape[-1] ** 0.5, k, v) / k.shape[-1] ** 0.5,
                "after the softmax",
            ),
            "linear": (with_weights(lambda q, k: q @ k.mT / q.shape[-1] ** 0.5), "no softmax"),
            "sigmoid": (
                with_weights(lambda q, k: 1 / (1 + torch.exp(-(q @ k.mT) / q.shape[-1] ** 0.5))),
                "sigmoid",
            ),
            "hard": (
                lambda q, k, v: by_hand(1e4 * q, k, v),
                "best key alone",
            ),
            "negative": (lambda q, k, v: by_hand(-q, k, v), "wrong sign"),
            "only weights": (lambda q, k, v: weights(q, k), "these are the weights"),
            "keys for values": (lambda q, k, v: by_hand(q, k, k), "mean of the keys"),
            "uniform": (lambda q, k, v: by_hand(0 * q, k, v), GENERIC),
            "detached": (lambda q, k, v: by_hand(q, k, v).detach(), "no gradient"),
            "transposed": (lambda q, k, v: by_hand(q, k, v).mT, "axes are swapped"),
            "forgotten return": (forgets(by_hand), "returns None"),
        },
    ),
    "euler_steps": Cases(
        right={"while": with_while, "mixture": as_mixture},
        wrong={
            "not divided": (walk(lambda g, x, t: g(x, t) - x), "the time that is left, 1 - t"),
            "multiplied": (walk(lambda g, x, t: (g(x, t) - x) * (1 - t)), "this multiplies"),
            "divides by t": (walk(lambda g, x, t: (g(x, t) - x) / (t or 1)), "divides by t"),
            "sign": (walk(lambda g, x, t: -right(g, x, t)), "the sign is wrong"),
            "no velocity": (walk(lambda g, x, t: g(x, t)), "is no velocity"),
            "one step": (lambda g, x, steps: g(x, 0), "one step"),
            "t is 0": (
                lambda g, x, steps: with_while(lambda y, t: g(y, 0), x, steps),
                "t = 0 only",
            ),
            "end of step": (end_of_step, "at the end of each step"),
            "from the start": (from_the_start, "x stays at the start"),
            "one missing": (
                walk(right, lambda n: np.linspace(0, 1, n, endpoint=False)[:-1]),
                "one step is missing",
            ),
            "too long": (walk(lambda g, x, t: right(g, x, t) * 3), GENERIC),
            "not by steps": (
                lambda g, x, n: walk(lambda g, x, t: right(g, x, t) * n)(g, x, n),
                "not divided by steps",
            ),
            "backwards": (backwards, GENERIC),
            "to the end": (to_the_end, "NaN or an infinity"),
            "in place": (in_place, "changes its input"),
            "nothing": (lambda g, x, steps: x, GENERIC),
            "noise is lost": (lambda g, x, n: with_while(g, 0 * x, n), GENERIC),
            "forgotten return": (forgets(with_while), "returns None"),
        },
    ),
}
