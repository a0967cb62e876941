"""One call of an answer on one hidden input: what went in, what came out, what it changed."""

import copy
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Answer = Callable[..., object]
NOTHING = "your code returned None"


class Fault(Exception):
    """What a check found wrong by looking; the message is a sentence for the student."""


def tell(found: Mapping[str, object]) -> None:
    """Raise Fault with the first sentence that is true."""
    for sentence in (sentence for sentence, true in found.items() if true):
        raise Fault(sentence)


class NotNumbers(Fault, TypeError):
    """A value holds no real numbers."""


@dataclass(frozen=True)
class Trial:
    """What one call gave.

    args: the arguments by name, as they were before the call.
    problem: why there are no numbers in `given`, a sentence; empty where there are some.
    changed: names of the arguments that the call changed in place.
    """

    args: dict[str, object]
    wanted: Numbers
    given: Numbers = field(default_factory=lambda: np.empty(0))
    problem: str = ""
    changed: tuple[str, ...] = ()

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of all arguments."""
        return [tuple(np.shape(value)) for value in self.args.values()]  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The hidden input in words: numbers and short lists by value, arrays by shape."""
        return ", ".join(_said(name, value) for name, value in self.args.items())


def attempt(answer: Answer, args: tuple, wanted: Numbers) -> Trial:
    """Call the answer on a deep copy of args; whatever it raises becomes a sentence."""
    passed, named = copy.deepcopy(args), dict(zip(_names(answer, len(args)), args))
    try:
        value = answer(*passed)
        given = np.empty(0) if value is None else numbers(value)
    except KeyboardInterrupt:
        raise
    except Fault as error:
        return Trial(named, wanted, problem=str(error))
    except BaseException as error:  # SystemExit too: a check never ends a notebook
        message = _message(error)
        stopped = f"your code stopped with {type(error).__name__}"
        return Trial(named, wanted, problem=f"{stopped}: {message}" if message else stopped)
    changed = [name for (name, old), new in zip(named.items(), passed) if not _equal(old, new)]
    return Trial(named, wanted, given, NOTHING if value is None else "", tuple(changed))


def _message(error: BaseException) -> str:
    """The first line of what an error says; of Keras's, which wrap another, the other's."""
    wrapped = re.search(r"\x1b\[1m(.*?)\x1b\[0m", str(error), re.DOTALL)
    message = re.sub(r"\{\{.*?\}\} *| *\[Op:.*", "", wrapped[1] if wrapped else str(error))
    return next(iter(message.splitlines()), "")[:200]


def numbers(value: object) -> Numbers:
    """Any framework's array, a number, or lists of them, as float64; NotNumbers for others."""
    if isinstance(value, list | tuple):
        parts = [numbers(part) for part in value]
        if len({part.shape for part in parts}) > 1:
            raise NotNumbers("the parts of the answer have different shapes.")
        return np.array(parts, np.float64)
    kind = type(value).__name__
    try:
        array = _array(value)
        if array.dtype.kind in "SUMmc" or not (
            array.dtype != object or all(isinstance(x, Real) for x in array.flat)
        ):
            raise TypeError
        return np.array(array, np.float64)
    except Exception as error:  # each framework has its own for what is no array
        raise NotNumbers(f"the answer is or holds a {kind}, which is not real numbers.") from error


def _array(value: object) -> NDArray:
    if hasattr(value, "detach"):  # torch, with or without a gradient, on any device
        value = value.detach().cpu().double()  # type: ignore[attr-defined]
    for convert in ("to_numpy", "numpy"):  # pandas; torch, TensorFlow and Keras
        if hasattr(value, convert):
            return np.asarray(getattr(value, convert)())
    return np.asarray(value)


def _names(answer: Answer, count: int) -> list[str]:
    """The names of the answer's parameters, or numbers where they do not fit."""
    try:
        names = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        names = []
    return names if len(names) == count else [f"input {i + 1}" for i in range(count)]


def _said(name: str, value: object) -> str:
    if isinstance(value, Real):
        return f"{name} = {float(value):.6g}"
    if isinstance(value, list | tuple):
        short = len(repr(value)) <= 40
        return f"{name} = {value}" if short else f"{name} of length {len(value)}"
    return f"{name} of shape {tuple(np.shape(value))}"  # type: ignore[arg-type]


def _equal(old: object, new: object) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_equal(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_equal, old, new))
    try:
        return np.array_equal(numbers(old), numbers(new), equal_nan=True)
    except NotNumbers:
        return bool(old == new)
