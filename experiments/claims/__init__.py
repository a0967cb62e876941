"""Every claim of the five reports, tested: condition, what was measured, verdict, and why.

    python -m course_utils.claims        writes docs/claims.md

One module a report holds its claims; what was measured is computed from the stored results, and
the verdict by an inequality over them, so that the table follows when a result is made anew.
"""

import html
import json
from typing import NamedTuple

from course_utils.claims import s0, s1, s2, s3, s4  # noqa: F401 (each adds its claims)
from course_utils.claims.judging import (
    AWAITED,
    CANNOT,
    CLAIMS,
    FAILS,
    HOLDS,
    OPEN,
    PART,
    VERDICTS,
)

from course_utils import course

REPORTS = {  # authors, title, the lesson that rebuilds the system
    "S0": ("Song and Liu", "Automatic Colorization System", "02"),
    "S1": ("Kaushik et al.", "Colorizing Images using CNN in Machine Learning", "03"),
    "S2": ("Liu", "Grayscale Image Colorization", "05"),
    "S3": ("Gendre", "Capstone Project Proposal: Image Colorization", "06"),
    "S4": ("Ain Shams University", "Automatic Colorization Using CNNs", "04"),
}
SIGNS = {HOLDS: "●", PART: "◐", FAILS: "✕", OPEN: "?", CANNOT: "–", AWAITED: "…"}
COLUMNS = "the report says", "tested on", "measured", "verdict"
DOCUMENT = course.RESULTS.parents[1] / "docs" / "claims.md"


class Row(NamedTuple):
    """A claim and what became of it; every field is text."""

    report: str
    place: str
    says: str
    where: str  # "lesson 02, 02_targets"
    condition: str
    measured: str
    verdict: str
    because: str


def stored(name):
    """A stored result, a dict, or None where there is none yet."""
    file = course.RESULTS / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def judge(claim, load=stored):
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


def rows(report=None, load=stored):
    """The rows of one report, or of all, in the order of the reports."""
    chosen = [claim for claim in CLAIMS if report in (None, claim.report)]
    return [judge(claim, load) for claim in sorted(chosen, key=lambda claim: claim.report)]


def counts(table):
    """{report: {verdict: how many}} of rows, every verdict named."""
    return {
        report: {v: sum((r.report, r.verdict) == (report, v) for r in table) for v in VERDICTS}
        for report in REPORTS
    }


def heading(report):
    authors, title, lesson = REPORTS[report]
    return f"{report}, {authors}: {title} (lesson {lesson})"


def cells(row):
    """The four cells of a row, each a list of lines; the first word of the last has its sign."""
    tested = [row.condition, f"({row.where})" if row.where else ""]
    verdict = [f"{SIGNS[row.verdict]} {row.verdict}", row.because]
    said = [row.says, f"({row.place})"]
    return [[line for line in lines if line] for lines in (said, tested, [row.measured], verdict)]


def markdown(table):
    """Rows as a table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "| --- " * len(COLUMNS) + "|"]
    for row in table:
        texts = ["<br>".join(lines).replace("|", "\\|") for lines in cells(row)]
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines)


def as_html(table):
    """Rows as a table in HTML whose text wraps and stands to the left."""
    style = ' style="text-align: left; vertical-align: top; white-space: normal"'
    head = "".join(
        f'<th scope="col" width="{width}%"{style}>{name}</th>'
        for name, width in zip(COLUMNS, (24, 27, 27, 22))
    )
    body = []
    for row in table:
        texts = ["<br>".join(map(html.escape, lines)) for lines in cells(row)]
        texts[3] = f"<b>{texts[3].replace('<br>', '</b><br>', 1)}" + "</b>" * (not row.because)
        body.append("<tr>" + "".join(f"<td{style}>{text}</td>" for text in texts) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def show(report, table=None):
    """Display the claims of one report; the plain text is what nbval compares. Returns their rows.

    table: the rows of all reports, where they are at hand.
    """
    from IPython.display import display

    chosen = [row for row in table or rows(report) if row.report == report]
    plain = [f"{SIGNS[row.verdict]} {row.verdict}: {row.says}" for row in chosen]
    plain = [" | ".join([line, row.measured]).rstrip("| ") for line, row in zip(plain, chosen)]
    display({"text/html": as_html(chosen), "text/plain": "\n".join(plain)}, raw=True)
    return chosen


READING = """\
Made by `python -m course_utils.claims` from the stored results: do not edit. Claims are in the
course's words; numbers in the first column are the report's.

- **holds**, **fails**: an inequality over what was measured decides, under the condition beside it.
- **holds in part**: one half of the claim does, the reason says which.
- **undecided**: the interval of the difference contains 0. The data decide neither way.
- **cannot be tested here**: the reason says what is missing.
- **not measured yet**: a lesson that is being written will decide.

Intervals are 95 % percentile bootstraps over photographs or scenes. With one seed they do not cover
the luck of training.
"""


def document():
    """The text of docs/claims.md."""
    table = rows()
    count = counts(table)
    parts = ["# Claims on trial", READING]
    names = [verdict for verdict in VERDICTS if any(row.verdict == verdict for row in table)]
    lines = [f"| report | {' | '.join(names)} |", "| --- " + "| ---: " * len(names) + "|"]
    for report, of in count.items():
        lines.append(f"| {report} | {' | '.join(str(of[name]) for name in names)} |")
    parts.append("\n".join(lines))
    for report in REPORTS:
        parts += [f"## {heading(report)}", markdown([r for r in table if r.report == report])]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"
