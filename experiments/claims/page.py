"""docs/claims.md, made of the rows."""

import inspect
from typing import Any

from course_utils.claims import CANNOT, VERDICTS, Row
from course_utils.systems import SYSTEMS
from experiments.claims import Load, all_measured, differences, rows, stored
from experiments.claims.judging import LEVEL, RULES, STARTS, how_far_starts_differ

CLASSES = {
    "holds": "the rule says that it does, on the data that are named.",
    "holds in part": "of the things that the sentence says, some are so and some are not.",
    "fails": "the rule says that it does not, on the data that are named.",
    "undecided": "the data do not decide. That is no evidence for the opposite.",
    "inconsistent with itself": "the report contradicts itself, counts wrong, or announces "
    "something that it does not give. No experiment is needed to see it.",
    "cannot be tested here": "the text says what it would take.",
    "not measured yet": "the rule is written, the measurement is to come.",
}
READING = """\
What five reports on colorization claim, in their own words, and what became of each claim. Made by
`python -m experiments.pages` from the stored results: do not edit.

A verdict is about one sentence on the data that are named beside it. It is no grade for a report:
most sentences that can be tested easily are not the ones that a report is about.

## The verdicts

{classes}

## The rules

A rule says which number decides, and at which values the claim holds or fails. It stands with the
claim in the code, and a result that is made again is judged by it as it stands. (Some results are
older than their rule.) There are {count}:

{rules}

**How differences are tested.** The interval is the 95 % percentile bootstrap over photographs or
scenes, and p is of the paired t-test; where only two intervals are stored, both come from a normal
distribution as if they were independent. {k} differences are tested on this page, and Holm's
correction is over all of them: the chance that even one counts by luck is {level} %. A p-value is
printed where the correction changes a verdict.

**What one start is worth.** Most networks here were trained once, and another start would give
another network. {starts}
"""

COUNTS = ("no", "one", "two", "three", "four", "five")


def document(load: Load = stored) -> str:
    """The text of docs/claims.md; load gives a result by its name."""
    found = all_measured(load)
    table = rows(found)
    words = READING.format(
        classes="\n".join(f"- **{verdict}**: {CLASSES[verdict]}" for verdict in VERDICTS),
        count=COUNTS[len(RULES)],
        rules="\n".join(f"- *{name}*: {_sentence(rule)}" for name, rule in RULES.items()),
        k=len(differences(found)),
        level=round(100 * LEVEL),
        starts=starts(load(STARTS)),
    )
    parts = ["# Claims of five reports", words]
    for report in sorted(SYSTEMS):
        of = [row for row in table if row.report == report]
        parts += [f"## {heading(report)}", index(of), *map(block, of)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def starts(audit: dict[str, Any] | None) -> str:
    """How far starts of one network differ, in a sentence."""
    if audit is None:
        return "How far starts differ was not measured yet."
    count = COUNTS[len(audit["seeds"])].capitalize()
    color, vivid, warm = (
        how_far_starts_differ(audit, k) for k in ("color", "colorfulness", "warm")
    )
    return (
        f"{count} starts of a U-Net on {audit['n']:,} photographs of {audit['size']} px differ by "
        f"up to {color:.2f} dB, {vivid:.1f} in colorfulness and {100 * warm:.1f} points of the "
        f"error on warm pixels ({STARTS}). So few starts say little: a difference between networks "
        "that were trained once must be more than twice as large."
    )


def heading(report: str) -> str:
    """A report as a heading: "S0, Song and Liu: Automatic Colorization System (lesson 02)"."""
    system = SYSTEMS[report]
    return f"{report}, {system.report}: {system.title} (lesson {system.lesson[:2]})"


def index(table: list[Row]) -> str:
    """Links to the claims of one report, by verdict."""
    lines = []
    for verdict in VERDICTS:
        names = [row.name for row in table if row.verdict == verdict]
        links = [f"[{name[3:].replace('_', ' ')}](#{_anchor(name)})" for name in names]
        lines += [f"- **{verdict}**: {', '.join(links)}"] * bool(links)
    return "\n".join(lines)


def block(row: Row) -> str:
    """One claim: quotation, place, verdict, and how it came about."""
    lines = [f"### {row.name}", "", f"> “{row.quote}” ({row.place})", "", f"**{row.verdict}**", ""]
    source = f" ({row.source})" if row.source else ""
    items = {
        "tested on": row.tested,
        "measured": row.measured,
        "rule": row.rule if row.verdict != CANNOT else "",
        "not tested": row.rule if row.verdict == CANNOT else "",
        "note": row.note,
    }
    items = {name: text for name, text in items.items() if text}
    items[next(iter(items))] += source
    return "\n".join(lines + [f"- {name}: {text}" for name, text in items.items()])


def _anchor(name: str) -> str:
    """The anchor that GitHub gives to the heading of a claim."""
    return name.lower().replace("/", "")


def _sentence(rule: Any) -> str:
    return " ".join((inspect.getdoc(rule) or "").split())
