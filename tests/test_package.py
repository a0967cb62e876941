"""The package stays small: its size, its modules, and who may import whom."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "course_utils"
# Of the design's 4,000 lines, reading and writing what archives hold took five hundred more, and
# moving pictures (video, paintbox.motion) and folders larger than memory five hundred.
MOST_CODE = 5000  # lines of code in all, checks left out
MOST_LINES = 300  # of a module, everything counted
MOST_CHECKS = 250  # lines of code of one lesson's checks
# What stands on what: a module may import from its own line and from lines above it.
FLOORS = [
    {"arrays", "progress", "files", "systems", "packing"},
    {"course", "color", "claims"},
    {"bins", "plots", "training"},
    {"paintbox", "photos", "old_photographs", "widgets"},
    {"metrics", "batches"},
    {"colorizer"},
    {"networks", "video"},
    {"leaderboard", "checks"},
    {"__main__"},
]
# photos.load draws scenes where its source is "paintbox".
NEIGHBORS = {("photos", "paintbox")}
SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name(path):
    return path.relative_to(PACKAGE).as_posix()


def code_lines(text):
    """Lines of code: no blank ones, no comments, no docstrings."""
    documented = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            first = node.body[0]
            documented |= set(range(first.lineno, first.end_lineno + 1))
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SKIPPED:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def test_lines_of_code_are_counted():
    doc = '"""Doc."""\n'
    body = 'def f():\n    """Doc."""\n    # why\n    return (\n        1\n    )\n'
    assert code_lines(f'{doc}\nX = """a\nb"""  # note\n\n\n{body}') == 6


def test_the_package_is_small():
    counted = {name(p): code_lines(p.read_text("utf-8")) for p in MODULES}
    without_checks = {k: n for k, n in counted.items() if not k.startswith("checks/")}
    assert sum(without_checks.values()) <= MOST_CODE
    checks = {k: n for k, n in counted.items() if k.startswith("checks/lesson_")}
    assert max(checks.values()) <= MOST_CHECKS, max(checks, key=checks.get)


@pytest.mark.parametrize("path", [p for p in MODULES if "checks" not in p.parts], ids=name)
def test_a_module_can_be_read_at_once(path):
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


def imported(path):
    """The parts of the package that a module imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "course_utils":
            _, *inside = node.module.split(".")
            yield from inside[:1] or [alias.name for alias in node.names]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_down(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    floor = {part: number for number, parts in enumerate(FLOORS) for part in parts}
    for other in imported(path):
        if other not in (own, "__version__") and (own, other) not in NEIGHBORS:
            assert floor[other] < floor[own] or (floor[other] == floor[own] == 0), other
