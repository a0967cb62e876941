"""The harness of all checks: try an answer on hidden inputs, print one verdict and one hint."""

import copy
import dis
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from itertools import combinations
from types import FunctionType

import numpy as np

from course_utils import course
from course_utils.checks.diagnose import Near, diagnose, fixed_size, same
from course_utils.checks.trial import NOTHING, Answer, Fault, Trial, attempt, numbers

STUB = "replace this line with your answer"  # the comment in every exercise of a student's copy
NO_WORK = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


class CheckFailed(AssertionError):
    """An exercise is not solved, and this is a place where that must not pass."""


def compare(
    name: str,
    answer: Answer,
    inputs: Sequence[tuple],
    truth: Answer,
    mistakes: Mapping[str, Answer],
    hint: str,
    absolute: float = 1e-4,
    relative: float = 1e-4,
    measure: Callable[..., object] | None = None,
) -> None:
    """Try `answer(*args)` against `truth(*args)` for all args of inputs, and print the verdict.

    inputs: two or more, which differ in size and where the exercise allows it in rank; the first
    has the size that the lesson shows. Numbers are passed as numbers. Each call gets a deep copy.
    mistakes: {diagnosis: a wrong answer that many people give}. A diagnosis is told where its
    function gives the values of the answer for all inputs, before what `diagnose` finds by itself.
    hint: what to read or try next, whatever the mistake; printed after an attempt only.
    absolute, relative: tolerances, suited to work in float32. Where the truth is of whole numbers
    or booleans, the answer must be exact.
    measure: where an answer gives no numbers but a layer or a changed model: `measure(answer,
    *args)` gives the numbers to compare, of the truth and of the mistakes too. It raises Fault,
    with a sentence, for what it sees by itself, and returns None where the answer does.
    Raises CheckFailed with the printed line where the answer is wrong and grading is strict.
    """
    if len(inputs) < 2:
        raise ValueError(f"{name} has {len(inputs)} hidden inputs; it needs two or more.")
    of = partial(partial, measure) if measure else _itself
    right = [_true(of(truth), args) for args in inputs]
    near = _nearness(right, absolute, relative)
    if not callable(answer):
        kind = type(answer).__name__
        return _say(name, f"the check needs the function itself, this is a {kind}.", hint)
    trials = [attempt(of(answer), args, numbers(value)) for args, value in zip(inputs, right)]
    if all(trial.problem == NOTHING for trial in trials) and (untouched := _untouched(answer)):
        return _say(name, untouched)
    known = {sentence: of(mistake) for sentence, mistake in mistakes.items()}
    verdict = _without_numbers(trials, near) or _wrong(trials, known, inputs, near)
    if verdict:
        return _say(name, verdict, hint)
    count = sum(trial.wanted.size for trial in trials)
    return _say(name, f"correct on {count} hidden value{'s' * (count != 1)}.", solved=True)


def chosen(check: FunctionType, answer: Answer, otherwise: Answer) -> Answer:
    """An exercise's answer where its check accepts it, else the course's; prints which."""
    with redirect_stdout(io.StringIO()) as said, suppress(CheckFailed):
        check(answer)
    accepted = f"{check.__name__}: correct on" in said.getvalue()
    print(f"{check.__name__}: {'your' if accepted else 'not your'} code runs here")
    return answer if accepted else otherwise


def bugs_left(planted: Mapping[str, Mapping]) -> dict[str, dict]:
    """Every selection of planted bugs: {the sentences of those left: their keywords together}.

    >>> bugs_left({"a.": {"x": 1}, "b.": {"y": 2}})["two bugs are left: a. And: b."]
    {'x': 1, 'y': 2}
    """
    mistakes = {}
    for count in range(1, len(planted) + 1):
        for left in combinations(planted, count):
            several = f"{('two', 'three', 'four')[count - 2]} bugs are left: " if count > 1 else ""
            mistakes[several + " And: ".join(left)] = {
                key: value for told in left for key, value in planted[told].items()
            }
    return mistakes


def _itself(answer: Answer) -> Answer:
    return answer


def _say(name: str, verdict: str, hint: str = "", solved: bool = False) -> None:
    """Print the verdict and the hint; raise it when it is bad and grading is strict."""
    print(f"{name}: {verdict}" + (f"\nHint: {hint}" if hint else ""))
    if not solved and course.strict():
        raise CheckFailed(f"{name}: {verdict}")


def _true(truth: Answer, args: tuple) -> object:
    with np.errstate(all="ignore"):
        return truth(*copy.deepcopy(args))


def _nearness(right: Sequence[object], absolute: float, relative: float) -> Near:
    """The comparison of values; whole numbers leave no room."""
    if all(np.asarray(value).dtype.kind in "biu" for value in right):
        absolute, relative = 1e-2, 0.0
    return lambda given, wanted: np.isclose(given, wanted, relative, absolute, equal_nan=True)


def _untouched(answer: Answer) -> str:
    """What to say of a function that returns None because nobody worked on it; else empty.

    Of a layer's class, which Keras runs, it is the function `call`.
    """
    function = inspect.unwrap(getattr(answer, "call", answer))
    code = getattr(function, "__code__", None)
    if code is not None and {i.opname for i in dis.get_instructions(code)} <= NO_WORK:
        return "not done yet."
    try:
        stub = STUB in inspect.getsource(function)
    except (OSError, TypeError):  # no source is kept where code is executed from a string
        stub = False
    return "not done yet; its line `return None` is there." if stub else ""


def _without_numbers(trials: Sequence[Trial], near: Near) -> str:
    """What to say where a call stopped or gave no numbers; empty where all gave some."""
    stopped = next((trial for trial in trials if trial.problem), None)
    if stopped is None:
        return ""
    right = [not t.problem and same(t.given, t.wanted, near) for t in trials]
    where = "" if all(t.problem == stopped.problem for t in trials) else f" ({stopped})"
    size = fixed_size(trials, right)
    if stopped.problem != NOTHING:
        return f"{stopped.problem.rstrip('.')}{where}.{size}"
    if where:
        return f"your code returned None{where}; one way through it ends without a `return`.{size}"
    return "your code works, but returns None; end it with `return` and the answer."


def _wrong(
    trials: Sequence[Trial], mistakes: Mapping[str, Answer], inputs: Sequence[tuple], near: Near
) -> str:
    """What is wrong with the numbers; empty where all is right."""
    changed = next((t.changed[0] for t in trials if t.changed), "")
    if all(same(t.given, t.wanted, near) for t in trials):
        spoiled = f"the values are right, but your code changes its input `{changed}`"
        return f"{spoiled}; work on a copy of it." if changed else ""
    told = next((d for d, m in mistakes.items() if _explains(m, trials, inputs, near)), "")
    with np.errstate(all="ignore"):  # wrong numbers may be huge
        verdict = told or diagnose(trials, near)
    return verdict + (f" Your code also changes its input `{changed}`." if changed else "")


def _explains(
    mistake: Answer, trials: Sequence[Trial], inputs: Sequence[tuple], near: Near
) -> bool:
    """Whether a mistake gives the same numbers as the answer, for all inputs."""
    try:
        return all(
            same(trial.given, numbers(_true(mistake, args)), near)
            for trial, args in zip(trials, inputs)
        )
    except (ArithmeticError, LookupError, ValueError, Fault):  # it does not fit this input
        return False
