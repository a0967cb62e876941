"""What a claim is, the differences that are tested, and the rules that give verdicts.

A claim names its rule and, in `asks`, what the rule asks of it; both are words, written before the
number. Its measurement gives evidence, and the rule turns evidence into a verdict.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import metrics, paintbox
from course_utils.claims import AWAITED, CANNOT, FAILS, HOLDS, INCONSISTENT, OPEN, PART

LEVEL = 0.05
FILM = 24  # pictures a second
OWN = "the report's own numbers and words"
STARTS = "08/audit_targets"  # the result that says how far starts differ


class Found(NamedTuple):
    """What a measurement gives: on what, the evidence that the claim's rule takes, and words."""

    tested: str
    evidence: Any
    measured: str = ""  # comes before the differences, where the evidence is differences


class Claim(NamedTuple):
    """One claim of one report, and what decides it."""

    name: str  # "S0/red"
    quote: str  # the report's words; … where some are left out
    place: str  # the section where they stand
    asks: str  # what the rule asks of this claim; what is missing, where it cannot be tested
    rule: Callable[[Any], str] | None  # from evidence to verdict; None where nothing decides
    lesson: str  # the lesson that is about it, "" where none is
    results: tuple[str, ...]  # names of the stored results that are measured from
    said: dict[str, Any]  # the report's own numbers that are measured from
    note: str  # what to know when reading the verdict, whatever it is
    measure: Callable[..., Found] | None  # of (said, *results)
    otherwise: str  # the verdict where the rule cannot be applied


CLAIMS: list[Claim] = []


def claim(
    name: str,
    quote: str,
    place: str,
    asks: str,
    *results: str,
    rule: Callable[[Any], str] | None,
    lesson: str = "",
    said: dict[str, Any] | None = None,
    note: str = "",
):
    """Add a claim that the decorated function measures: of `said` and the results, to `Found`.

    rule: None where the measurement informs and cannot decide.
    """

    def add(measure: Callable[..., Found]) -> Callable[..., Found]:
        words = (name, quote, place, asks, rule, lesson, results, said or {}, note)
        CLAIMS.append(Claim(*words, measure, AWAITED if rule else CANNOT))
        return measure

    return add


def cannot(name: str, quote: str, place: str, missing: str, lesson: str = "") -> None:
    """Add a claim that this course cannot test; missing: what it would take."""
    CLAIMS.append(Claim(name, quote, place, missing, None, lesson, (), {}, "", None, CANNOT))


# Differences that are tested.


class Difference(NamedTuple):
    """A difference that the claim says is above 0, its 95 % interval, and its p-value."""

    of: str  # "its own vector minus another photograph's"
    mean: float
    low: float
    high: float
    p: float  # two-sided; of it alone, or after Holm's correction
    unit: str  # " dB"
    starts: float = 0.0  # how far starts of one network differ; 0 where no training is compared

    def counts(self, level: float = LEVEL) -> bool:
        """Whether it is told apart from 0, and more than twice what starts differ by."""
        return self.p < level and abs(self.mean) > 2 * self.starts


def difference(
    of: str, one: ArrayLike, other: ArrayLike, unit: str, starts: float = 0.0
) -> Difference:
    """`Difference` of two lists (N,) that are paired by photograph; p by the t-test."""
    from scipy import stats

    values = np.subtract(one, other)
    p = float(stats.ttest_1samp(values, 0).pvalue)  # type: ignore[attr-defined]
    return Difference(of, *metrics.bootstrap(values), p, unit, starts)


def apart(of: str, one: ArrayLike, other: ArrayLike, unit: str, starts: float = 0.0) -> Difference:
    """`Difference` of two (mean, low, high) whose photographs are not stored.

    As if independent, which is wide where both are of the same photographs; p by the normal.
    """
    ours, theirs = np.asarray(one, float), np.asarray(other, float)
    error = np.hypot(ours[2] - ours[1], theirs[2] - theirs[1]) / 2
    mean = float(ours[0] - theirs[0])
    return Difference(of, mean, mean - error, mean + error, _normal(mean, error), unit, starts)


def stored(of: str, interval: Sequence[float], unit: str, starts: float = 0.0) -> Difference:
    """`Difference` of a stored (mean, low, high); p by the normal."""
    mean, low, high = map(float, interval)
    return Difference(of, mean, low, high, _normal(mean, (high - low) / 2), unit, starts)


def low_below(mark: float, name: str, interval: Sequence[float]) -> Difference:
    """`Difference` of a mark and a stored (mean, low, high) that the claim says is below it."""
    mean, low, high = interval
    return stored(f"{mark:g} minus gray's on {name}", (mark - mean, mark - high, mark - low), "")


def _normal(mean: float, half: float) -> float:
    from scipy import stats

    return float(2 * stats.norm.sf(abs(mean) / (half / 1.96)))  # type: ignore[attr-defined]


def corrected(p: ArrayLike) -> NDArray[np.float64]:
    """p-values (k,) after Holm's correction: below a level where `metrics.holm` keeps them."""
    p = np.asarray(p, float)
    order = p.argsort(kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(1, raised)
    return found


def in_words(one: Difference, alone: float) -> str:
    """A difference as text; alone: its p-value before the correction."""
    digits = 2 if abs(one.mean) < 10 else 1 if abs(one.mean) < 100 else 0
    mean, low, high = (f"{x:+.{digits}f}" for x in (one.mean, one.low, one.high))
    text = f"{one.of}: {mean}{one.unit} [{low}, {high}]"
    if alone < LEVEL <= one.p:
        text += f"; p = {alone:.3f} alone, {one.p:.2f} after Holm's correction"
    elif one.p < LEVEL and not one.counts():
        text += f"; starts of one network differ by {one.starts:.{digits}f}{one.unit}"
    return text


def how_far_starts_differ(result: dict[str, Any], measure: str) -> float:
    """Of the audit: the largest less the smallest mean of equal starts, in its wider arm."""
    means = [[np.mean(row[measure]) for row in rows] for rows in result["arms"].values()]
    return float(max(np.ptp(of) for of in means))


# Rules.


def compared(differences: Sequence[Difference]) -> str:
    """Each difference counts if its p-value is below 0.05 after Holm's correction over all
    differences of this page and, where trained networks are compared, if it is more than
    twice what starts of one network differ by. The claim holds if all count and are above 0. It
    holds in part if some count above 0 and some below. It fails if some count below 0 and none
    above. Everything else is undecided.
    """
    signs = [np.sign(one.mean) for one in differences if one.counts()]
    if -1 in signs:
        return PART if 1 in signs else FAILS
    return HOLDS if signs and len(signs) == len(differences) else OPEN


def own_words(agree: bool) -> str:
    """The report is held against itself. The claim holds if its own numbers, tables and formulas
    give what the sentence says. If they give something else, or nothing where the sentence says
    that something was found, the report is inconsistent with itself.
    """
    return HOLDS if agree else INCONSISTENT


def computed(same: bool) -> str:
    """What follows from a definition is computed. The claim holds if the sentence says the same,
    and fails if not.
    """
    return HOLDS if same else FAILS


def properties(there: Sequence[bool]) -> str:
    """The claim holds if all named properties are there, fails if none is, and holds in part
    otherwise.
    """
    return HOLDS if all(there) else PART if any(there) else FAILS


RULES = {
    "difference": compared,
    "own words": own_words,
    "computed": computed,
    "properties": properties,
}


# What measurements share.


def row_of(result: dict[str, Any], name: str) -> dict[str, Any]:
    """The row of a stored table that has this name."""
    return next(row for row in result["table"] if row["name"] == name)


def palette_of(thing: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities (K,) and colors (K, 2) of a thing in paintbox."""
    table = np.array(paintbox.palette(thing))
    return table[:, 0], table[:, 1:]
