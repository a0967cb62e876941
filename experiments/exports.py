"""The one door from an experiment to a lesson: the cells that the lesson tags `export`."""

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"


@functools.cache
def source(number: str) -> Path:
    """The source of a lesson, from its number, for instance "02"; FileNotFoundError without one."""
    found = sorted(SOLUTIONS.glob(f"{number}_*.py"))
    if len(found) != 1:
        raise FileNotFoundError(f"solutions holds {len(found)} lessons of the number {number!r}.")
    return found[0]


@functools.cache
def cells(path: Path) -> list[tuple[int, str]]:
    """(first line in the file, text) of the cells that a lesson tags `export`, in their order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found, start = [], 0
    for cell in jupytext.read(path, fmt="py:percent").cells:
        if cell.cell_type != "code":
            continue
        start = lines.index(cell.source.splitlines()[0], start)
        if "export" in cell.metadata.get("tags", []):
            found.append((start, cell.source))
        start += len(cell.source.splitlines())
    return found


class Lesson:
    """What a lesson's `export` cells define; they run once, when the first name is asked for."""

    def __init__(self, number: str) -> None:
        self._path, self._module = source(number), None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._module is None:
            module = ModuleType(f"lesson_{self._path.stem}")
            module.__file__ = str(self._path)
            for line, text in cells(self._path):
                # Line numbers are those of the file, so that a traceback shows the lesson.
                exec(compile("\n" * line + text, self._path, "exec"), module.__dict__)
            self._module = module
        if name not in self._module.__dict__:
            raise AttributeError(
                f"{self._path.name} exports no {name!r}: tag the cell that defines it `export`."
            )
        return self._module.__dict__[name]


@functools.cache
def lesson(number: str) -> Lesson:
    """The exports of the lesson of this number, for instance `lesson("02").s0`."""
    return Lesson(number)
