"""Which stored results and which checkpoints a lesson is built with, found in its code."""

import ast
import tomllib
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from course_utils import files
from tools import placeholders


def python(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a code cell; magics become calls."""
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return ast.parse(TransformerManager().transform_cell(cell.source))


def inputs(source: NotebookNode, root: Path) -> dict[str, str]:
    """{file below root: SHA-256} of the stored results and checkpoints that a lesson names.

    A name is a string that equals one, as in `course.result("02/targets")` and
    `Colorizer.load("02_mse_regression")`. A lesson that goes through all systems, by
    `colorizer.names` or by `SYSTEMS`, uses the checkpoint of each.
    """
    package = Path(root) / "course_utils"
    checkpoints = {path.stem: path for path in (package / "checkpoints").glob("*.onnx")}
    checkpoints |= {path.name: path for path in (package / "checkpoints").glob("*.npz")}
    results = {
        path.relative_to(package / "results").with_suffix("").as_posix(): path
        for path in (package / "results").rglob("*.json")
    }
    nodes = [node for tree in _trees(source) for node in ast.walk(tree)]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant)}
    named = {path for name, path in (results | checkpoints).items() if name in strings}
    imported = {node.name for node in nodes if isinstance(node, ast.alias)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    if {"names", "SYSTEMS"} & (imported | attributes):
        systems = tomllib.loads((package / "systems.toml").read_text(encoding="utf-8"))
        named |= {checkpoints[system["checkpoint"]] for system in systems.values()}
    return {path.relative_to(root).as_posix(): files.sha256(path) for path in sorted(named)}


def _trees(source):
    """The code of a lesson and of the placeholders on its slides."""
    for cell in source.cells:
        if cell.cell_type == "code":
            yield python(cell)
        elif "deck" in cell.metadata:
            yield from map(placeholders.tree, placeholders.found(cell.source))
