"""How many wrong answers of tests/check_cases get a reason: `python tests/check_table.py`."""

import ast
import contextlib
import importlib
import inspect
import io
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from unittest import mock

import numpy as np
from check_cases import GENERIC, Made, all_cases, official

from course_utils.checks import models

KINDS = "named", "automatic", "generic", "accepted", "crashed"


def check_of(lesson: str, exercise: str) -> Callable:
    """The function that checks an exercise."""
    return getattr(importlib.import_module(f"course_utils.checks.lesson_{lesson}"), exercise)


def told(check: Callable, answer: Callable | Made) -> str:
    """What a check prints about an answer; warnings of the answer are not shown."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(action="ignore"),
        np.errstate(all="ignore"),
    ):
        check(answer.make() if isinstance(answer, Made) else answer)
    return printed.getvalue()


def mistakes(check: Callable) -> dict[str, Callable]:
    """The hand-written diagnoses of a check that know a whole wrong answer, with that answer."""
    with mock.patch.dict(check.__globals__, compare=mock.Mock()) as names:
        check(print)
        return names["compare"].call_args[0][4]


def sentences(check: Callable) -> set[str]:
    """What a check says by hand: its diagnoses, and the texts of its module, in pieces.

    A check that looks into a layer or a model tells what it sees there.
    """
    modules = sys.modules[check.__module__], models
    trees = [ast.walk(ast.parse(inspect.getsource(module))) for module in modules]
    texts = {node.value for tree in trees for node in tree if isinstance(node, ast.Constant)}
    return {*mistakes(check)} | {str(x).rstrip(". ") for x in texts if len(str(x).split()) > 3}


def kind(verdict: str, sentences: Iterable[str]) -> str:
    """How a check took a wrong answer, one of KINDS, by its verdict.

    named: a sentence of this exercise. automatic: a reason that the harness finds for any
    exercise. generic: a wrong value beside the right one, no reason.
    """
    first = verdict.split("\nHint:")[0]
    if not first:
        return "crashed"
    if ": correct on" in first:
        return "accepted"
    if any(sentence in first for sentence in sentences):
        return "named"
    reasons = GENERIC not in first or "one size only" in first or "only answer[" in first
    return "automatic" if reasons else "generic"


def main() -> None:
    """Print the table, one row a lesson."""
    rows: dict[str, Counter] = {}
    for lesson, exercise, cases in all_cases():
        check, row = check_of(lesson, exercise), rows.setdefault(lesson, Counter())
        by_hand = sentences(check)

        def took(answer, check=check, by_hand=by_hand):
            try:
                return kind(told(check, answer), by_hand)
            except Exception:  # what a check must never do
                return kind("", by_hand)

        row.update(took(answer) for answer, _ in cases.wrong.values())
        right = [took(answer) for answer in (official(lesson, exercise), *cases.right.values())]
        row.update(right=len(right), rejected=len(right) - right.count("accepted"))
    total = sum(rows.values(), Counter())
    print(f"lesson  wrong  {'  '.join(KINDS)}   right  rejected")
    for lesson, row in (*rows.items(), ("all", total)):
        counts = "  ".join(f"{row[k]:{len(k)}}" for k in KINDS)
        wrong = sum(row[k] for k in KINDS)
        print(f"{lesson:6}  {wrong:5}  {counts}   {row['right']:5}  {row['rejected']:8}")


if __name__ == "__main__":
    main()
