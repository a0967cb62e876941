"""What a claim is, and how an inequality becomes a verdict."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils import metrics, paintbox
from course_utils.claims import CANNOT, FAILS, HOLDS, OPEN, PART

OWN = "the report's own numbers"
FILM = 24  # pictures a second
CLAIMS = []


# From (said, *results) to condition, measured and verdict, each in words.
Judge = Callable[..., tuple[str, str, str]]


class Claim(NamedTuple):
    """One claim of one report, and what decides it."""

    report: str  # S0 … S4
    place: str  # where the report says it
    says: str  # in the course's words; numbers are the report's
    lesson: str  # the lesson that tests it, "" where none does
    results: tuple  # names of the stored results that the judge takes
    said: dict  # the report's own numbers that the judge takes
    because: dict  # {verdict: why}: a reason is written for one verdict and shown with no other
    judge: (
        Callable[..., tuple[str, str, str]] | None
    )  # of (said, *results): condition, measured, verdict


def claim(report, place, says, lesson, *results, said=None, **because):
    """Add a claim whose judge is the decorated function; `because` by holds, part, fails, open."""
    names = {"holds": HOLDS, "part": PART, "fails": FAILS, "open": OPEN}
    why = {names[key]: text for key, text in because.items()}

    def add(judge):
        CLAIMS.append(Claim(report, place, says, lesson, results, said or {}, why, judge))
        return judge

    return add


def cannot(report, place, says, because, lesson=""):
    """Add a claim that this course cannot test, with the reason."""
    CLAIMS.append(Claim(report, place, says, lesson, (), {}, {CANNOT: because}, None))


# From an inequality to a verdict.


def either(holds):
    return HOLDS if holds else FAILS


def graded(holds, fails):
    """Two inequalities that exclude each other; between them lies what holds in part."""
    return HOLDS if holds else FAILS if fails else PART


def by_interval(interval):
    """Of a difference that the claim says is positive: an interval with 0 in it decides nothing."""
    _, low, high = interval
    return HOLDS if low > 0 else FAILS if high < 0 else OPEN


def apart(one, other):
    """Of two values with intervals, the first said to be the larger: overlap decides nothing."""
    return HOLDS if one[1] > other[2] else FAILS if one[2] < other[1] else OPEN


# What judges share.


def less(one, other):
    """(mean, low, high) of a difference, paired by picture."""
    return metrics.bootstrap(np.subtract(one, other))


def between(interval, digits=2, unit="", scale=1, sign="+"):
    """A mean and its interval as text; sign "" for values that are no differences."""
    mean, low, high = (f"{scale * x:{sign}.{digits}f}" for x in interval)
    return f"{mean}{unit} [{low}, {high}]"


def row_of(result, name):
    """The row of a stored table that has this name."""
    return next(row for row in result["table"] if row["name"] == name)


def landscapes(result):
    """The condition of the networks that learn from mountains and glaciers, in words."""
    return (
        f"{result['n']:,} mountains and glaciers of {result['size']} px, {result['epochs']} "
        f"epochs, one seed; {result['n_test']} test photographs"
    )


def palette_of(thing):
    """Probabilities (K,) and colors (K, 2) of a thing in paintbox."""
    table = np.array(paintbox.palette(thing))
    return table[:, 0], table[:, 1:]
