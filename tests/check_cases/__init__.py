"""What every check is tried with, one module a lesson: right answers in several styles, wrong ones.

A module holds CASES = {exercise: Cases(right, wrong)}. Answers share no line with the checks.
"""

import ast
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FOLDER = Path(__file__).parent
SOLUTIONS = FOLDER.parents[1] / "solutions"

# What a verdict says that knows no reason: "one value is 0.5 where 0.25 is right".
GENERIC = " is right"


class Made(NamedTuple):
    """An answer that needs a framework to be written down: it is made when it is tried."""

    make: Callable[[], object]


class Later:
    """A module that is imported when a name of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


class Cases(NamedTuple):
    """The answers that a check must tell apart.

    right: {style: answer}, beside the official solution.
    wrong: {what is wrong: (answer, words of its verdict)}; the words are GENERIC where a verdict
    without a reason is accepted.
    """

    right: dict[str, Callable | Made]
    wrong: dict[str, tuple[Callable | Made, str]]


def all_cases() -> Iterator[tuple[str, str, Cases]]:
    """(lesson, exercise, cases) of all lessons; the lesson is "01" for instance."""
    for path in sorted(FOLDER.glob("lesson_*.py")):
        for exercise, cases in importlib.import_module(f"check_cases.{path.stem}").CASES.items():
            yield path.stem.removeprefix("lesson_"), exercise, cases


def official(lesson: str, exercise: str) -> Callable:
    """The solution of an exercise as its lesson has it, with what it uses of the lesson."""
    (path,) = SOLUTIONS.glob(f"{lesson}_*.py")
    space: dict = {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked = f"checks.{exercise}"
    (name,) = {
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == checked
    }
    _run(name, _made(tree.body), space)
    return space[name]


def _made(statements: list[ast.stmt]) -> dict[str, ast.stmt]:
    """{name: the statement of a lesson that makes it}, for functions, classes and imports."""
    made: dict[str, ast.stmt] = {}
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(one.asname or one.name).split(".")[0]: node for one in node.names}
    return made


def _run(name: str, made: dict[str, ast.stmt], space: dict) -> None:
    """Make a name, after all names that its statement reads."""
    node = made[name]
    for other in (n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
        if other in made and other not in space and made[other] is not node:
            _run(other, made, space)
    if isinstance(node, ast.Import | ast.ImportFrom):
        (one,) = [one for one in node.names if (one.asname or one.name).split(".")[0] == name]
        node = type(node)(**vars(node) | {"names": [one]})
    exec(compile(ast.Module([node], []), f"<{name}>", "exec"), space)


# Ways to answer that every check meets.


def float32(answer: Callable) -> Callable:
    """The same, calculated in float32."""
    return lambda *args: np.float32(answer(*map(_as_float32, args)))


def torch_with_grad(answer: Callable) -> Callable:
    """The same, from and to torch tensors that want a gradient; integers stay integers."""

    def answered(*args):
        import torch

        def tensor(x):
            known = isinstance(x, np.ndarray)
            return torch.tensor(x, requires_grad=x.dtype.kind == "f") if known else x

        return answer(*map(tensor, args))

    return answered


def forgets(answer: Callable) -> Callable:
    """The same, without its `return`."""

    def answered(*args):
        answer(*args)

    return answered


def _as_float32(x):
    return np.float32(x) if np.asarray(x).dtype.kind == "f" else x
