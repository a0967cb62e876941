"""What a result was measured with: configuration, photographs, code and model files.

Four hashes. "config" is of the experiment's parameters. "data" is of the manifests of the folders
of photographs that it reads. "code" is of syntax trees, without comments and docstrings: of the
experiment, and of everything that it reaches by name in the modules of this package and in the
export cells of lessons. "models" are the SHA-256 of the model files that it measures or makes. What
`course_utils` computes is not hashed: `stale` measures some pictures of each result again instead.
"""

import ast
import hashlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_utils import files
from experiments import exports

HERE = Path(__file__).parent
# Modules that run and keep experiments without having a part in what they find.
MACHINERY = {"exports", "identity", "pages", "parallel", "runner", "shipping", "stale"}


def digest(value: Any) -> str:
    """16 hexadecimal digits of what json can hold."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def config(function: Callable) -> dict[str, Any]:
    """The parameters of an experiment: its keyword defaults."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def models(names: tuple[str, ...]) -> dict[str, str]:
    """{name: SHA-256} of shipped model files; "missing" for one that is not there."""
    found = {}
    for name in names:
        paths = [files.CHECKPOINTS / f"{name}{ending}" for ending in (".onnx", ".npz")]
        there = [path for path in paths if path.is_file()]
        found[name] = files.sha256(there[0]) if there else "missing"
    return found


def manifests(folders: list[Path]) -> dict[str, str]:
    """{folder's name: digest} of what the manifests below each folder list."""
    found = {}
    for folder in folders:
        files_ = sorted(folder.rglob("manifest.csv")) or sorted(folder.rglob("*.*"))
        texts = [
            (str(f.relative_to(folder)), f.read_text("utf-8") if f.suffix == ".csv" else "")
            for f in files_
        ]
        found[folder.name] = digest(texts)
    return found


# Code.


def code(function: Callable) -> str:
    """The digest of an experiment's code and of all that it reaches by name."""
    return digest(reached(function))


def reached(function: Callable) -> dict[str, str]:
    """{"module.name": syntax tree} of the definitions that a function reaches, itself included."""
    module = Path(inspect.getsourcefile(function)).stem  # type: ignore[arg-type]
    found: dict[str, str] = {}
    read: dict[str, Any] = {}  # each file once
    waiting = [(module, function.__name__)]
    while waiting:
        place, name = waiting.pop()
        key = f"{place}.{name}"
        if place in MACHINERY or key in found:
            continue
        if place not in read:
            read[place] = _names(place)
        defined, imported = read[place]
        if name not in defined:
            continue
        found[key] = "\n".join(map(shape, defined[name]))
        for used in {word for node in defined[name] for word in _words(node)}:
            if used in defined:
                waiting.append((place, used))
            if used in imported:
                waiting.append(imported[used])
            # An attribute may be that of a lesson or of a module of this package.
            waiting += [(other, used) for other in imported.get("*", [])]
    return found


def shape(node: Any) -> str:
    """A syntax tree as text that is the same under every version of Python.

    `ast.dump` is not: newer versions add fields, and leave out what is empty.
    """
    if isinstance(node, list):
        return f"[{','.join(map(shape, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(key, value) for key, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({','.join(f'{key}={shape(v)}' for key, v in fields)})"


def _words(node: ast.AST) -> set[str]:
    """The identifiers and attributes that a syntax tree names."""
    words = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return words | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def _names(place: str) -> tuple[dict[str, list[ast.stmt]], dict[str, Any]]:
    """What a module of this package, or a lesson, defines and where its imports lead.

    Returns ({name: its statements}, {imported name: (module, name)}); "*" of the second lists the
    modules and lessons whose attributes may be used.
    """
    file = HERE / f"{place}.py"
    if not file.is_file() and place[:2].isdigit():
        tree = ast.Module(
            [n for _, text in exports.cells(exports.source(place[:2])) for n in _tree(text)], []
        )
    else:
        tree = ast.Module(_tree(file.read_text(encoding="utf-8")) if file.is_file() else [], [])
    defined: dict[str, list[ast.stmt]] = {}
    imported: dict[str, Any] = {"*": []}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments"):
            _, _, inside = (node.module or "").partition("experiments.")
            for alias in node.names:
                if inside:
                    imported[alias.asname or alias.name] = (inside, alias.name)
                else:
                    imported["*"].append(alias.name)
        for name in _targets(node):
            defined.setdefault(name, []).append(node)
        call = node.value if isinstance(node, ast.Assign) else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "lesson":
            imported["*"].append(ast.literal_eval(call.args[0]))
    return defined, imported


def _targets(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return []
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def _tree(text: str) -> list[ast.stmt]:
    """The statements of a text without docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[:1] = [] if len(body) > 1 else [ast.Pass()]
    return tree.body
