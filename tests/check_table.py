"""How many wrong answers of tests/check_cases get a reason: `python tests/check_table.py`."""

import contextlib
import importlib
import io
import warnings
from collections import Counter
from collections.abc import Callable
from unittest import mock

import numpy as np
from check_cases import GENERIC, all_cases, official

KINDS = "named", "automatic", "generic", "accepted", "crashed"


def check_of(lesson: str, exercise: str) -> Callable:
    """The function that checks an exercise."""
    return getattr(importlib.import_module(f"course_utils.checks.lesson_{lesson}"), exercise)


def told(check: Callable, answer: Callable) -> str:
    """What a check prints about an answer; warnings of the answer are not shown."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(action="ignore"),
        np.errstate(all="ignore"),
    ):
        check(answer)
    return printed.getvalue()


def mistakes(check: Callable) -> dict[str, Callable]:
    """The hand-written diagnoses of a check, with the wrong answers that they know."""
    with mock.patch.dict(check.__globals__, compare=mock.Mock()) as names:
        check(print)
        return names["compare"].call_args[0][4]


def kind(check: Callable, answer: Callable) -> str:
    """How a check took a wrong answer, one of KINDS.

    named: a sentence of this exercise. automatic: a reason that the harness finds for any
    exercise. generic: a wrong value beside the right one, no reason.
    """
    try:
        verdict = told(check, answer).split("\nHint:")[0]
    except BaseException:  # what a check must never do
        return "crashed"
    if ": correct on" in verdict:
        return "accepted"
    if any(sentence in verdict for sentence in mistakes(check)):
        return "named"
    reasons = GENERIC not in verdict or "one size only" in verdict or "only answer[" in verdict
    return "automatic" if reasons else "generic"


def main() -> None:
    """Print the table, one row a lesson."""
    rows: dict[str, Counter] = {}
    for lesson, exercise, cases in all_cases():
        check, row = check_of(lesson, exercise), rows.setdefault(lesson, Counter())
        row.update(kind(check, answer) for answer, _ in cases.wrong.values())
        for answer in (official(lesson, exercise), *cases.right.values()):
            took = kind(check, answer)
            row.update(["right", "rejected"] if took != "accepted" else ["right"])
    total = sum(rows.values(), Counter())
    print(f"lesson  wrong  {'  '.join(KINDS)}   right  rejected")
    for lesson, row in (*rows.items(), ("all", total)):
        counts = "  ".join(f"{row[k]:{len(k)}}" for k in KINDS)
        wrong = sum(row[k] for k in KINDS)
        print(f"{lesson:6}  {wrong:5}  {counts}   {row['right']:5}  {row['rejected']:8}")


if __name__ == "__main__":
    main()
