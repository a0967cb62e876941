"""Every claim of the five reports, tested: condition, what was measured, verdict, and why.

One module a report holds its claims; what was measured is computed from the stored results, and
the verdict by an inequality over them. `python -m experiments.pages` writes what they give.
"""

from collections.abc import Callable
from typing import Any

from course_utils import course
from course_utils.claims import AWAITED, CANNOT, COLUMNS, VERDICTS, Row, cells, counts, heading
from experiments.claims import s0, s1, s2, s3, s4  # noqa: F401 (each adds its claims)
from experiments.claims.judging import CLAIMS, Claim

Load = Callable[[str], Any]


def stored(name: str) -> dict[str, Any] | None:
    """A stored result, or None where there is none yet."""
    try:
        return course.result(name)
    except FileNotFoundError:
        return None


def judge(claim: Claim, load: Load = stored) -> Row:
    """The `Row` of one claim. load: function from the name of a result to the result, or None."""
    where = ", ".join([f"lesson {claim.lesson}"] * bool(claim.lesson) + list(claim.results))
    found = [load(name) for name in claim.results]
    if claim.judge is None:
        condition, measured, verdict = "", "", CANNOT
    elif any(result is None for result in found):
        condition, measured, verdict = "", "", AWAITED
    else:
        condition, measured, verdict = claim.judge(claim.said, *found)
    why = claim.because.get(verdict, "")
    return Row(claim.report, claim.place, claim.says, where, condition, measured, str(verdict), why)


def judged(load: Load = stored) -> list[Row]:
    """The rows of all claims, in the order of the reports."""
    return [judge(claim, load) for claim in sorted(CLAIMS, key=lambda claim: claim.report)]


def markdown(table: list[Row]) -> str:
    """Rows as a table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "| --- " * len(COLUMNS) + "|"]
    for row in table:
        texts = ["<br>".join(lines).replace("|", "\\|") for lines in cells(row)]
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines)


READING = """\
Made by `python -m experiments.pages` from the stored results: do not edit. Claims are in the
course's words; numbers in the first column are the report's.

- **holds**, **fails**: an inequality over what was measured decides, under the condition beside it.
- **holds in part**: one half of the claim does, the reason says which.
- **undecided**: the interval of the difference contains 0. The data decide neither way.
- **cannot be tested here**: the reason says what is missing.
- **not measured yet**: a lesson that is being written will decide.

Intervals are 95 % percentile bootstraps over photographs or scenes. With one seed they do not cover
the luck of training.
"""


def document(table: list[Row]) -> str:
    """The text of docs/claims.md."""
    count = counts(table)
    parts = ["# Claims on trial", READING]
    names = [verdict for verdict in VERDICTS if any(row.verdict == verdict for row in table)]
    lines = [f"| report | {' | '.join(names)} |", "| --- " + "| ---: " * len(names) + "|"]
    for report, of in count.items():
        lines.append(f"| {report} | {' | '.join(str(of[name]) for name in names)} |")
    parts.append("\n".join(lines))
    for report in count:
        parts += [f"## {heading(report)}", markdown([r for r in table if r.report == report])]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"
