"""How long a lesson is and how long it takes, counted on the student's copy.

Nobody writes a lesson's minutes by hand: the builder counts words and code lines, adds what the
exercises state and what running took, and prints the sum in the notebooks and in README.md.
"""

import re
from typing import NamedTuple

from nbformat import NotebookNode

WORDS_A_MINUTE = 150
SECONDS_A_LINE = 4
FENCE = re.compile(r"```.*?```", re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)


class Length(NamedTuple):
    """What the limits of a lesson count."""

    cells: int  # code cells
    lines: int  # lines of code that are not blank
    words: int  # words of text, without addresses


class Minutes(NamedTuple):
    """The parts of a lesson's time, in whole minutes."""

    reading: int
    code: int
    exercises: int
    running: int


def length(cells: list[NotebookNode]) -> Length:
    """Count these cells of a student's copy."""
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return Length(
        cells=len(code),
        lines=sum(bool(line.strip()) for source in code for line in source.splitlines()),
        words=len(re.findall(r"\w[\w'’*.-]*", re.sub(r"https?://\S+|<[^>]+>", " ", text))),
    )


def minutes(cells: list[NotebookNode], stated: dict[str, int], running: int) -> Minutes:
    """The time for these cells of a student's copy.

    stated: {id of an exercise's cell: minutes}. running: minutes of the whole notebook; somebody
    who leaves out a section waits for it all the same, because *Run all* does.
    """
    counted = length(cells)
    return Minutes(
        reading=round(counted.words / WORDS_A_MINUTE),
        code=round(counted.lines * SECONDS_A_LINE / 60),
        exercises=sum(stated.get(cell["id"], 0) for cell in cells),
        running=running,
    )


def kept(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells of the marked path: without those tagged optional, and without their sections.

    A markdown cell that is tagged optional and has a heading begins an optional section. It ends
    at the next cell with a heading of the same level or a higher one.
    """
    path, level = [], 0  # level: of the heading whose section is left out, 0 outside one
    for cell in notebook.cells:
        tagged = "optional" in cell.metadata.get("tags", [])
        text = FENCE.sub("", cell.source) if cell.cell_type == "markdown" else ""
        levels = [len(marks) for marks in HEADING.findall(text)]
        if levels and min(levels) <= level:
            level = 0
        if tagged and levels and not level:
            level = min(levels)
        if not tagged and not level:
            path.append(cell)
    return path
