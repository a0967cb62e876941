"""The checks of lesson 11: hints by object, attention, Euler's steps. Torch is imported late."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import tell

Guess = Callable[[Any, float], Any]  # from x at time t to the clean picture that is expected


def luckiest(parts: NDArray, chosen: ArrayLike, luck: NDArray) -> NDArray[np.bool_]:
    """One pixel of each chosen object that is there, that of the largest luck: (H, W)."""
    told = np.zeros(parts.shape, bool)
    for part in np.intersect1d(parts, chosen):
        told.flat[np.where(parts == part, luck, -1.0).argmax()] = True
    return told


def _absent_too(parts, chosen, luck):
    told = luckiest(parts, chosen, luck)
    told.flat[0] |= not np.isin(chosen, parts).all()  # argmax where all is hidden
    return told


def hint_places(answer: Answer) -> None:
    """Check the places of hints: two scenes of other sizes; one lacks a chosen object."""
    rng = np.random.default_rng(1)
    inputs = []
    for shape, chosen in (((6, 9), [11, 43, 13]), ((8, 5), [43, 15, 50, 11])):
        parts = rng.integers(0, 3, shape)
        for k, part in enumerate((11, 43, 13, 15)):
            parts[1 + 2 * (k // 2) :, 1 + 2 * (k % 2) :][:2, :2] = part
        inputs.append((parts, np.array(chosen), rng.random(shape)))

    def among_all(parts, chosen, luck):
        return luck == np.where(np.isin(parts, chosen), luck, -1.0).max()

    def strangers(parts, chosen, luck):
        others = np.setdiff1d(parts, chosen)
        return luckiest(parts, others, luck)

    compare(
        "hint_places",
        answer,
        inputs,
        luckiest,
        {
            "a chosen object that is not in the picture gets a hint; leave it out.": _absent_too,
            "all pixels of the chosen objects are told; a hint is one pixel of each.": (
                lambda parts, chosen, luck: np.isin(parts, chosen)
            ),
            "one pixel is told in all; each chosen object needs one of its own.": among_all,
            "the luckiest pixel of the whole picture is told; look inside each chosen object.": (
                lambda parts, chosen, luck: luck == luck.max()
            ),
            "luck is not used: this is the first pixel of each object, always its upper edge.": (
                lambda parts, chosen, luck: luckiest(parts, chosen, 0 * luck)
            ),
            "this is the least lucky pixel of each object; take the luckiest.": (
                lambda parts, chosen, luck: luckiest(parts, chosen, 1 - luck)
            ),
            "every object gets a hint; only the chosen ones should.": (
                lambda parts, chosen, luck: luckiest(parts, np.unique(parts), luck)
            ),
            "the objects that are not chosen get the hints.": strangers,
            "this is True where nothing is told.": (
                lambda parts, chosen, luck: ~luckiest(parts, chosen, luck)
            ),
        },
        "np.where(parts == part, luck, -1) leaves one object; its argmax is the place.",
    )


def attended(queries: Any, keys: Any, values: Any, scale: float = 0.5, axis: int = -1) -> Any:
    """Cross-attention of tensors: queries (..., K, d), keys (..., P, d), values (..., P, c).

    Returns (..., K, c): for each query a mean of the values, weighted by a softmax over the keys.
    scale and axis are other than the defaults in wrong answers only.
    """
    scores = queries @ keys.mT / keys.shape[-1] ** scale  # (..., K, P)
    return scores.softmax(axis) @ values


def attend(answer: Answer) -> None:
    """Check cross-attention: queries that read a picture, and pixels that read queries."""
    import torch

    rng = np.random.default_rng(111)
    inputs = []
    for sizes in (((5, 9), (2, 12, 9), (2, 12, 6)), ((3, 7, 4), (6, 4), (3, 6, 2))):
        queries, keys, values = (torch.tensor(rng.normal(0, 1.5, size)).float() for size in sizes)
        inputs.append((queries, keys, values))

    def scores(queries, keys):
        return queries @ keys.mT / keys.shape[-1] ** 0.5

    mistakes = {
        "the scores are not divided; divide them by the square root of d.": (
            partial(attended, scale=0)
        ),
        "the scores are divided by d; by its square root is right.": partial(attended, scale=1),
        "the scores are multiplied by the square root of d; divide them.": (
            partial(attended, scale=-0.5)
        ),
        "the softmax runs over the queries; over the keys is right, the last axis.": (
            partial(attended, axis=-2)
        ),
        "the scores are divided by the root of the number of keys; d is the length of a key.": (
            lambda q, k, v: (q @ k.mT / k.shape[-2] ** 0.5).softmax(-1) @ v
        ),
        "the division comes after the softmax; divide the scores.": (
            lambda q, k, v: (q @ k.mT).softmax(-1) @ v / k.shape[-1] ** 0.5
        ),
        "there is no softmax: the weights of a query do not sum to 1.": (
            lambda q, k, v: scores(q, k) @ v
        ),
        "this is a sigmoid; a softmax makes the weights of a query sum to 1.": (
            lambda q, k, v: scores(q, k).sigmoid() @ v
        ),
        "each query takes its best key alone; take the mean with all weights.": (
            lambda q, k, v: (1e4 * scores(q, k)).softmax(-1) @ v
        ),
        "the best key gets the least weight: the scores have the wrong sign.": (
            lambda q, k, v: (-scores(q, k)).softmax(-1) @ v
        ),
        "these are the weights; multiply them by the values.": (
            lambda q, k, v: scores(q, k).softmax(-1)
        ),
        "this is the mean of the keys; take that of the values.": (
            lambda q, k, v: scores(q, k).softmax(-1) @ k
        ),
    }
    hint = "scores = queries @ keys.mT, divided by d ** 0.5; softmax over the last axis; @ values."
    compare("attend", answer, inputs, attended, mistakes, hint, measure=_learnable)


def _learnable(answer: Any, queries: Any, keys: Any, values: Any) -> Any:
    """What an answer gives, once it is known that queries can learn through it."""
    found = answer(queries.clone().requires_grad_(), keys, values)
    if found is None:
        return None
    tell({"no gradient comes back: stay in torch.": not getattr(found, "requires_grad", False)})
    return found.detach()


def euler(guess: Guess, x: Any, steps: int) -> Any:
    """Walk from noise x at t = 0 to a sample at t = 1, in equal steps."""
    for t in (k / steps for k in range(steps)):
        x = x + (guess(x, t) - x) / (1 - t) / steps
    return x


def _walk(guess: Guess, x: Any, steps: int, velocity: Callable, times: Any = None) -> Any:
    """The same with another velocity(clean, x, t), or other times(steps)."""
    for t in np.arange(steps) / steps if times is None else times(steps):
        x = x + velocity(guess(x, t), x, t) / steps
    return x


def _late(guess: Guess, x: Any, steps: int) -> Any:
    """The network is asked at the end of each step."""
    for t in (k / steps for k in range(steps)):
        x = x + (guess(x, t + 1 / steps) - x) / (1 - t) / steps
    return x


def _from_start(guess: Guess, x: Any, steps: int) -> Any:
    """Every velocity is that at the start."""
    return x + sum((guess(x, t) - x) / (1 - t) / steps for t in np.arange(steps) / steps)


@cache
def _guess(seed: int, shape: tuple[int, ...]) -> Guess:
    """A smooth function of x and t in place of a network; the same one for the same arguments."""
    middle, swing = np.random.default_rng(seed).normal(0, 1, (2, *shape))
    return lambda x, t: middle + swing * np.tanh(x + 3 * t)


def euler_steps(answer: Answer) -> None:
    """Check Euler's steps: two pictures of other sizes, five steps and three."""
    rng = np.random.default_rng(115)
    cases = (((2, 4, 3), 5), ((1, 2, 5, 2), 3))
    inputs = [(_guess(steps, shape), rng.normal(0, 1, shape), steps) for shape, steps in cases]
    straight: dict[str, Callable] = {  # of what is expected, x and t
        "the velocity is not divided by the time that is left, 1 - t.": lambda c, x, t: c - x,
        "this divides by t; the time that is left is 1 - t.": lambda c, x, t: (c - x) / (t or 1),
        "this multiplies by 1 - t; divide by it.": lambda c, x, t: (c - x) * (1 - t),
        "the sign is wrong: the velocity points to the clean picture.": (
            lambda c, x, t: (x - c) / (1 - t)
        ),
        "the guess is no velocity: subtract x, divide by 1 - t.": lambda c, x, t: c,
    }
    wrong: dict[str, Answer] = {
        told: partial(_walk, velocity=velocity) for told, velocity in straight.items()
    }
    wrong |= {
        "this is one step, to the mean; take all of them.": lambda g, x, steps: g(x, 0.0),
        "the network is asked for t = 0 only; t grows by 1 / steps.": (
            lambda g, x, steps: euler(lambda y, t: g(y, 0.0), x, steps)
        ),
        "the network is asked at the end of each step; ask at its beginning.": _late,
        "x stays at the start; each step begins where the last one ended.": _from_start,
        "one step is missing: the last begins at t = 1 - 1 / steps.": (
            lambda g, x, steps: _walk(
                g, x, steps, lambda c, x, t: (c - x) / (1 - t), lambda n: np.arange(n - 1) / n
            )
        ),
        "a step is not divided by steps: each lasts 1 / steps.": (
            lambda g, x, steps: _walk(g, x, steps, lambda c, x, t: steps * (c - x) / (1 - t))
        ),
    }
    hint = "for t = 0, 1/steps, …: x = x + (guess(x, t) - x) / (1 - t) / steps."
    compare("euler_steps", answer, inputs, euler, wrong, hint)
