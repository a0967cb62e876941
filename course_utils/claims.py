"""What the five reports claim, and what became of each claim: data, made by the maintainers.

`claims.json` holds one row a claim; `python -m experiments.pages` makes it from the stored results.
"""

import html
import json
from collections.abc import Sequence
from typing import NamedTuple

from course_utils import files
from course_utils.systems import SYSTEMS

HOLDS, PART, FAILS, OPEN = "holds", "holds in part", "fails", "undecided"
CANNOT, AWAITED = "cannot be tested here", "not measured yet"
VERDICTS = (HOLDS, PART, FAILS, OPEN, CANNOT, AWAITED)
SIGNS: dict[str, str] = dict(zip(VERDICTS, "●◐✕?–…", strict=True))
COLUMNS = "the report says", "tested on", "measured", "verdict"


class Row(NamedTuple):
    """A claim and what became of it; every field is text."""

    report: str  # "S0"
    place: str  # where the report says it
    says: str  # in the course's words; numbers are the report's
    where: str  # the lesson and the stored results that test it: "lesson 02, 02/targets"
    condition: str
    measured: str
    verdict: str  # one of VERDICTS
    because: str


def rows(report: str | None = None) -> list[Row]:
    """The rows of one report, or of all, in the order of the reports."""
    stored = json.loads((files.PACKAGE / "claims.json").read_text(encoding="utf-8"))
    return [row for row in (Row(**fields) for fields in stored) if report in (None, row.report)]


def counts(table: Sequence[Row]) -> dict[str, dict[str, int]]:
    """{report: {verdict: how many}} of rows, every verdict named."""
    return {
        report: {v: sum((r.report, r.verdict) == (report, v) for r in table) for v in VERDICTS}
        for report in sorted(SYSTEMS)
    }


def heading(report: str) -> str:
    """A report as a heading: "S0, Song and Liu: Automatic Colorization System (lesson 02)"."""
    system = SYSTEMS[report]
    return f"{report}, {system.report}: {system.title} (lesson {system.lesson[:2]})"


def cells(row: Row) -> list[list[str]]:
    """The four cells of a row, each a list of lines; the first word of the last has its sign."""
    tested = [row.condition, f"({row.where})" if row.where else ""]
    verdict = [f"{SIGNS[row.verdict]} {row.verdict}", row.because]
    said = [row.says, f"({row.place})"]
    return [[line for line in lines if line] for lines in (said, tested, [row.measured], verdict)]


def as_html(table: Sequence[Row]) -> str:
    """Rows as a table in HTML whose text wraps and stands to the left."""
    style = ' style="text-align: left; vertical-align: top; white-space: normal"'
    head = "".join(
        f'<th scope="col" width="{width}%"{style}>{name}</th>'
        for name, width in zip(COLUMNS, (24, 27, 27, 22), strict=True)
    )
    body = []
    for row in table:
        texts = ["<br>".join(map(html.escape, lines)) for lines in cells(row)]
        texts[3] = f"<b>{texts[3].replace('<br>', '</b><br>', 1)}" + "</b>" * (not row.because)
        body.append("<tr>" + "".join(f"<td{style}>{text}</td>" for text in texts) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def show(report: str) -> list[Row]:
    """Display the claims of one report; the plain text is what nbval compares. Returns the rows."""
    from IPython.display import display

    chosen = rows(report)
    plain = [f"{SIGNS[row.verdict]} {row.verdict}: {row.says}" for row in chosen]
    plain = [
        " | ".join([line, row.measured]).rstrip("| ")
        for line, row in zip(plain, chosen, strict=True)
    ]
    display({"text/html": as_html(chosen), "text/plain": "\n".join(plain)}, raw=True)
    return chosen
