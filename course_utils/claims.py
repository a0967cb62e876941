"""What the five reports claim, and what became of each claim: data, made by the maintainers.

`claims.json` holds one row a claim; `python -m experiments.pages` makes it from the stored results.
"""

import json
from typing import NamedTuple

from course_utils import files

HOLDS, PART, FAILS, OPEN = "holds", "holds in part", "fails", "undecided"
INCONSISTENT = "inconsistent with itself"
CANNOT, AWAITED = "cannot be tested here", "not measured yet"
VERDICTS = (HOLDS, PART, FAILS, OPEN, INCONSISTENT, CANNOT, AWAITED)


class Row(NamedTuple):
    """A claim and what became of it; every field is text."""

    name: str  # "S0/red"
    report: str  # "S0"
    quote: str  # the report's words; … where some are left out
    place: str  # the section where they stand
    tested: str  # on what
    measured: str
    source: str  # the lesson and the stored results: "lesson 02, 02/red"
    rule: str  # written before the number; it decides on the verdict
    verdict: str  # one of VERDICTS
    note: str  # what to know when reading the verdict


def rows(report: str | None = None) -> list[Row]:
    """The rows of one report ("S0"), or of all, in the order of the reports."""
    stored = json.loads((files.PACKAGE / "claims.json").read_text(encoding="utf-8"))
    return [row for row in (Row(**fields) for fields in stored) if report in (None, row.report)]
