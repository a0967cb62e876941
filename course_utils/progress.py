"""Long work says how far it is, and says nothing where a test is running."""

import io
import os
import sys
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")


def under_test() -> bool:
    """Whether pytest is running, or nbval: there, output must not depend on time."""
    return "PYTEST_CURRENT_TEST" in os.environ


def bar(items: Iterable[Item], what: str, total: int | None = None, unit: str = "it"):
    """The items behind a tqdm bar that appears after a second and is silent under test.

    what: the words before the bar. total: how many items there are, where `items` cannot tell.
    Returns tqdm's iterable: `for item in bar(files, "reading")`; it also has `update`.
    """
    from tqdm.auto import tqdm

    return tqdm(items, what, total, leave=False, disable=under_test(), delay=1, unit=unit)


def print_anything() -> None:
    """From now on, a terminal that lacks a letter gets its code, \\u0394 for Δ, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
