"""A lesson's code for tests: its names, each made by no more cells than it needs.

`lesson["s0"]` executes the cells that `s0` needs, and no other: not the training, not the figures.
That all cells run together is what `pytest --nbval solutions` tests.
"""

import ast
import os
import symtable
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tools.lessons import read_source, sources


def source(number: str) -> Path:
    """The file of a lesson, "02" for instance."""
    return next(path for path in sources() if path.stem.startswith(number))


def script(path: Path) -> Iterator[str]:
    """The code cells of a lesson's source, each under the line number it has in that file."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    start = 0
    for cell in read_source(path).cells:
        if cell.cell_type != "code":
            continue
        start = lines.index(cell.source.splitlines()[0], start)
        yield "\n" * start + cell.source
        start += len(cell.source.splitlines())


class Cell:
    """A code cell: the names that it makes or changes, and those that it reads."""

    def __init__(self, code: str) -> None:
        self.code = code
        table, self._tree = symtable.symtable(code, "cell", "exec"), ast.parse(code)
        bound = [s for s in table.get_symbols() if s.is_assigned() or s.is_imported()]
        self.makes = {s.get_name() for s in bound} | self._changed()
        self.reads = _reads(table) | self._changed()

    def _changed(self) -> set[str]:
        """Names whose objects the cell changes: x[0] = 1, x.y = 1, x += 1, x.append(1), x.fit()."""
        found = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.AugAssign):
                found.add(_base(node.target))
            elif isinstance(node, ast.Subscript | ast.Attribute):
                found |= {_base(node)} if isinstance(node.ctx, ast.Store) else set()
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found |= {_base(node.func)} if node.func.attr.startswith("fit") else set()
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                func = node.value.func
                found |= {_base(func)} if isinstance(func, ast.Attribute) else set()
        return found - {None}

    @cached_property
    def surely(self) -> set[str]:
        """Names that the cell makes without reading them first and without a condition."""
        simple = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign)
        body = ast.Module([node for node in self._tree.body if isinstance(node, simple)], [])
        table = symtable.symtable(ast.unparse(body), "cell", "exec")
        bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        return bound - self._changed()

    @cached_property
    def asserts(self) -> bool:
        """Whether the cell asserts something when it is executed."""
        waiting = list(self._tree.body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Assert):
                return True
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                waiting += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
        return False


def _base(node):
    """The name that an expression like x[0].y begins with, or None."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _reads(table):
    """Names of the lesson that a cell reads, at once or when its functions are called."""
    inner = {name for child in table.get_children() for name in _reads(child)}
    top = table.get_type() == "module"
    return inner | {
        s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())
    }


class Lesson:
    """The names that a lesson has at its end, made when they are asked for.

    The cells of a name are found in the code: those that make or change it, then those that make
    what these read. A function that changes its argument is not seen: such a change is missing.
    """

    def __init__(self, path: Path) -> None:
        setup = f"from course_utils import course\nsession = course.start({path.stem!r})"
        self.path, self.cells = path, [Cell(code) for code in (setup, *script(path))]
        modules = {
            alias.asname or alias.name.split(".")[0]
            for cell in self.cells
            for node in ast.walk(cell._tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        for cell in self.cells:  # plots.show(...) changes no plots
            cell.makes -= (cell._changed() & modules) - cell.surely
        self._space: dict[str, Any] = {"__name__": "lesson"}
        self._made: dict[int, dict[str, Any]] = {}  # by cell: what it left behind

    def __getitem__(self, name: str) -> Any:
        self._run(self._needed({name}, len(self.cells)))
        return self._space[name]

    def __or__(self, changes: dict[str, Any]) -> dict[str, Any]:
        """All names of the lesson, some of them replaced."""
        self._run(list(range(len(self.cells))))
        return self._space | changes

    def run(self, cell: Cell, changes: dict[str, Any]) -> None:
        """Execute a cell at its place with some names replaced; the lesson's own stay."""
        place = self.cells.index(cell)
        self._run(self._needed(cell.reads - set(changes), place))
        exec(compile(cell.code, self.path.name, "exec"), self._space | changes)

    def asserting(self, names: set[str]) -> list[Cell]:
        """Cells that assert something and read one of the names with its last value."""
        return [
            cell
            for i, cell in enumerate(self.cells)
            if cell.asserts
            and any(
                name in cell.reads and not any(name in c.surely for c in self.cells[i + 1 :])
                for name in names
            )
        ]

    def _needed(self, names: set[str], end: int) -> list[int]:
        """Cells before `end` that make the names; where their functions call what is made later,
        those cells too."""
        chosen, wanted = set(), set(names)
        while True:
            missing = set(wanted)
            for i in reversed(range(end)):
                if i in chosen or missing & self.cells[i].makes:
                    chosen.add(i)
                    missing = (missing - self.cells[i].surely) | self.cells[i].reads
            ahead = {n for n in missing - wanted if any(n in cell.makes for cell in self.cells)}
            if not ahead:
                return sorted(chosen)
            wanted, end = wanted | ahead, len(self.cells)

    def _run(self, chosen: list[int]) -> None:
        for i in chosen:
            if i not in self._made:
                exec(compile(self.cells[i].code, self.path.name, "exec"), self._space)
                kept = {n: self._space[n] for n in self.cells[i].makes if n in self._space}
                self._made[i] = kept
            self._space.update(self._made[i])


def ran(path: Path, folder: Path) -> Iterator[Lesson]:
    """Yield a lesson whose names are made under the ci profile, without drawing anything.

    folder: an empty one to run in, for what a lesson writes beside itself.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "ci")
        patch.setitem(os.environ, "TF_CPP_MIN_LOG_LEVEL", "2")
        patch.setattr("course_utils.plots.show", lambda fig, alt: plt.close(fig))
        patch.chdir(folder)
        yield Lesson(path)


def fails(lesson: Lesson, **changes: Any) -> None:
    """What the lesson asserts of these names holds as it stands, and fails with them replaced.

    Tried are the cells with an assert that read one of the names as it is at the end of the
    lesson; one of them has to fail.
    """
    tried = lesson.asserting(set(changes))
    assert tried, f"no cell asserts anything of {', '.join(changes)}"
    for one in tried:
        lesson.run(one, {})
    with pytest.raises(AssertionError):
        for one in tried:
            lesson.run(one, changes)


def other(module: Any, **names: Any) -> SimpleNamespace:
    """A module with some of its names replaced."""
    return SimpleNamespace(**vars(module) | names)


def noise(n: int, size: int, seed: int = 6) -> np.ndarray:
    """Photographs of noise, uint8 (n, size, size, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)
