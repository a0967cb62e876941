"""Make the instructor's kit: what somebody who teaches on Monday needs on Friday.

    python -m tools.kit [-o build/kit] [--students 30] [--seed 1] [--lessons 01 02]     (make kit)

Into the folder come `minutes.md`, the honest minutes of every section; `misconceptions.md`, the
wrong answers that each check knows, with what it says; `quizzes`, the lessons' quizzes on paper and
their keys; `sheets`, questions with other numbers for every student, and `key.csv`; and `nbgrader`,
a course folder from which `nbgrader generate_assignment` releases every lesson. The texts that
people wrote are in `docs/teaching`.
"""

import argparse
import contextlib
import csv
import io
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np

from course_utils import files
from tools import lessons, minutes, questions

QUIZ = re.compile(r"^\*\*\d+\. (.+?)\*\*\n\n((?:<details>.*?</details>\s*)+)", re.S | re.M)
OPTION = re.compile(r"<summary>[A-Z]\. (.*?)</summary>\s*(.*?)</details>", re.S)
LETTERS = "ABCDEFGH"
SYLLABI = lessons.ROOT / "docs" / "teaching" / "syllabi.md"


class Quiz(NamedTuple):
    """A question of a quiz. options: [(text, explanation)]; one explanation begins "Right"."""

    text: str
    options: list[tuple[str, str]]

    @property
    def right(self) -> int:
        """The place of the right option."""
        found = [i for i, (_, why) in enumerate(self.options) if why.startswith("Right")]
        if len(found) != 1:
            raise ValueError(f"{self.text!r} has {len(found)} options whose text begins 'Right'.")
        return found[0]


def quiz(path: Path) -> list[Quiz]:
    """The quiz of a lesson's source."""
    cells = lessons.read_source(path).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    flat = " ".join
    return [
        Quiz(
            flat(q.split()), [(flat(o.split()), flat(why.split())) for o, why in OPTION.findall(d)]
        )
        for q, d in QUIZ.findall(text.partition("## Quiz")[2])
    ]


def title(path: Path) -> str:
    """ "02 · Regression with the squared error"."""
    return f"{path.stem[:2]} · {lessons.read_source(path).metadata['course']['title']}"


def on_paper(path: Path, seed: int) -> tuple[str, str]:
    """(sheet, key) of a lesson's quiz; the order of the options is drawn."""
    rng = np.random.default_rng([seed, int(path.stem[:2])])
    sheet, key = [f"# Quiz, {title(path)}\n"], [f"# Key, {title(path)}\n"]
    for number, asked in enumerate(quiz(path), 1):
        order = [int(i) for i in rng.permutation(len(asked.options))]
        sheet.append(f"**{number}. {asked.text}**\n")
        sheet += [f"- {LETTERS[k]}. {asked.options[i][0]}" for k, i in enumerate(order)]
        sheet.append("")
        key.append(f"**{number}. {LETTERS[order.index(asked.right)]}**\n")
        key += [f"- {LETTERS[k]}. {asked.options[i][1]}" for k, i in enumerate(order)]
        key.append("")
    return "\n".join(sheet), "\n".join(key)


def sections(path: Path) -> list[tuple[str, int, bool]]:
    """[(heading, minutes, whether it is optional)] of a lesson's student copy, without running."""
    source = lessons.read_source(path)
    _, student = (planned for _, planned in lessons.products(path))
    stated = {cell["id"]: cell.metadata.get("minutes", 0) for cell in source.cells}
    kept = {cell["id"] for cell in minutes.kept(student)}
    parts: list[tuple[str, list]] = [("Beginning", [])]
    for cell in student.cells:
        heading = re.search(r"^## (.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and heading:
            parts.append((heading[1], []))
        parts[-1][1].append(cell)
    return [
        (name, sum(minutes.minutes(cells, stated, 0)), not any(c["id"] in kept for c in cells))
        for name, cells in parts
        if cells
    ]


def all_minutes() -> str:
    """The page of minutes: each lesson, and each of its sections."""
    lines = ["# Minutes\n", "Reading, code and exercises; *running* stands once for a lesson.\n"]
    for path in lessons.sources():
        whole, marked = lessons.times(path)
        short = f", {sum(marked)} on the marked path" if marked else ""
        lines.append(f"## {title(path)}: {sum(whole)} minutes{short}, running {whole.running}\n")
        lines += ["| section | minutes |", "| --- | ---: |"]
        for name, taken, optional in sections(path):
            name = name if "optional" in name or not optional else f"{name} (optional)"
            lines.append(f"| {name} | {taken} |")
        lines.append("")
    return "\n".join(lines)


def syllabi(text: str) -> str:
    """The page of syllabi with its minutes: in each row that names a lesson, and in their sums."""
    known = {path.stem[:2]: lessons.times(path) for path in lessons.sources()}
    total = 0

    def row(found: re.Match) -> str:
        nonlocal total
        when, lesson, what = found.groups()
        if when.strip() == "all":
            taken, total = total, 0
        else:
            whole, marked = known[lesson.strip()]
            taken = sum(marked or whole)
            total += taken
        return f"|{when}|{lesson}|{what}| {taken} |"

    return re.sub(r"^\|([^|]+)\|( \d\d |(?<= all \|) )\|([^|]*)\|[^|]*\|$", row, text, flags=re.M)


def write_syllabi() -> None:
    """Fill today's minutes into the page of syllabi."""
    if SYLLABI.is_file():
        old = SYLLABI.read_text(encoding="utf-8")
        if (new := syllabi(old)) != old:
            files.write(SYLLABI, new)


def mistakes(lesson: str) -> str:
    """What goes wrong in the exercises of a lesson ("04"), and what their checks say to it."""
    sys.path.insert(0, str(lessons.ROOT / "tests"))
    from check_cases import all_cases  # pyright: ignore[reportMissingImports]
    from check_table import check_of, told  # pyright: ignore[reportMissingImports]

    lines = [f"## Lesson {lesson}\n"]
    for exercise, cases in [(name, cases) for of, name, cases in all_cases() if of == lesson]:
        lines += [f"### {exercise}\n", "| somebody's answer | the check |", "| --- | --- |"]
        check = check_of(lesson, exercise)
        for name, (answer, _) in cases.wrong.items():
            with contextlib.redirect_stderr(io.StringIO()):
                said = told(check, answer).strip().partition("\nHint:")[0]
            said = " ".join(said.split()).replace("|", "\\|")
            lines.append(f"| {name} | {said} |")
        lines.append("")
    return "\n".join(lines)


def misconceptions() -> str:
    """What goes wrong in each exercise, and the sentence with which its check catches it.

    Each lesson has a process of its own: TensorFlow and PyTorch may not share one.
    """
    cases = sorted((lessons.ROOT / "tests" / "check_cases").glob("lesson_*.py"))
    names = [path.stem.removeprefix("lesson_") for path in cases]
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        parts = list(pool.map(mistakes, names))
    return "\n".join(["# What goes wrong, and what the check says\n", *parts])


def places(digits: int) -> str:
    """How an answer is to be rounded, in words."""
    if not digits:
        return "a whole number"
    return f"{digits} digit{'s' if digits > 1 else ''} after the point"


def sheets(folder: Path, students: int, seed: int, asked_of: tuple[str, ...] = ()) -> None:
    """Write a sheet for every student, and the key of all.

    asked_of: the lessons ("01") to ask about, all where it is empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for student in range(1, students + 1):
        asked = questions.sheet(student, seed, asked_of)
        lines = [f"# Sheet {student}\n", "Name:\n"]
        for number, question in enumerate(asked, 1):
            digits = f" ({places(question.digits)})"
            lines.append(f"**{number}.** (lesson {question.lesson}) {question.text}{digits}\n")
            answer = f"{question.answer:.{question.digits}f}"
            rows.append([student, number, question.lesson, answer, question.why])
        (folder / f"sheet_{student:02}.md").write_text("\n".join(lines), encoding="utf-8")
    with (folder / "key.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["sheet", "question", "lesson", "answer", "why"], *rows])


def grading(folder: Path) -> None:
    """A course folder for nbgrader with every lesson, and the points of each check."""
    rows = []
    for path in lessons.sources():
        full = path.with_suffix(".ipynb")
        graded = [
            cell.metadata["nbgrader"]
            for cell in nbformat.read(full, 4).cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        ]
        if graded:
            target = folder / "source" / path.stem
            target.mkdir(parents=True)
            shutil.copyfile(full, target / full.name)
            rows += [[path.stem, cell["grade_id"], cell["points"]] for cell in graded]
    shutil.copyfile(lessons.ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    with (folder / "points.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["assignment", "check", "points"], *rows])


def build(target: Path, students: int, seed: int, asked_of: tuple[str, ...] = ()) -> None:
    """Write the whole kit into `target`; what was there is replaced.

    asked_of: the lessons that the question sheets ask about, all where it is empty.
    """
    shutil.rmtree(target, ignore_errors=True)
    (target / "quizzes").mkdir(parents=True)
    (target / "minutes.md").write_text(all_minutes(), encoding="utf-8")
    for path in lessons.sources():
        if quiz(path):
            for name, text in zip((path.stem, f"{path.stem}_key"), on_paper(path, seed)):
                (target / "quizzes" / f"{name}.md").write_text(text, encoding="utf-8")
    sheets(target / "sheets", students, seed, asked_of)
    grading(target / "nbgrader")
    write_syllabi()
    shutil.copytree(SYLLABI.parent, target / "teaching")
    (target / "misconceptions.md").write_text(misconceptions(), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.kit", description="Make the kit.")
    parser.add_argument("-o", dest="target", type=Path, default=lessons.ROOT / "build" / "kit")
    parser.add_argument("--students", type=int, default=30, help="how many sheets (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other numbers")
    known = sorted({question.lesson for question in questions.sheet(1, 1)})
    asked_of = "lessons that the sheets ask about (default: all)"
    parser.add_argument("--lessons", nargs="+", default=[], choices=known, help=asked_of)
    arguments = parser.parse_args(argv)
    build(arguments.target, arguments.students, arguments.seed, tuple(arguments.lessons))
    print(arguments.target)


if __name__ == "__main__":
    main()
