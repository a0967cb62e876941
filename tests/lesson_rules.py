"""What a machine can judge about a lesson. Every rule returns its complaints, as sentences."""

import ast
import builtins
import functools
import io
import re
import symtable
import tokenize
from pathlib import Path
from urllib.parse import unquote, urlsplit

from IPython.core.inputtransformer2 import TransformerManager

from course_utils import photos
from tools import placeholders
from tools.inputs import python
from tools.minutes import length

MOST_LINES = 15
MOST_COLUMNS = 100
MOST = {"code cells": 60, "code lines": 450, "words": 3000, "minutes": 90, "marked minutes": 75}
ALT_WORDS = 8
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<src>[^)\s]+)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>")
TARGET = re.compile(r"\]\(<?([^)\s>]+)|\b(?:href|src)=\"([^\"]+)\"")
CODE_SPAN = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
OPTION = re.compile(r"<details>\s*<summary>\s*([A-Z])\.\s(.+?)</summary>(.*?)</details>", re.DOTALL)
IN_OUTPUT = {
    "an absolute path": r"(?<![\w.~:/-])/(?:home|root|usr|tmp|work|Users|opt|mnt|content|var)/\w"
    r"|\b[A-Z]:\\\w",
    "a date": r"\b(?:19|20)\d\d-\d\d-\d\d\b",
    "a time of day": r"\b\d\d?:\d\d:\d\d\b",
    "a memory address": r"\b0x[0-9a-fA-F]{6,}\b",
    "a duration": r"\b(?:Wall|CPU) times?:|\d ?(?:it/s|s/it|[mµn]s/step)|±[\d. ]+[mµn]?s\b",
    "a warning": r"\w+Warning: ",
}


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return "\n\n".join(cells)


def name(cell):
    """A cell as a maintainer finds it: its first words."""
    return f"cell {' '.join(cell.source.split())[:40]!r}"


def cells_too_long(notebook):
    for cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if len(lines) > MOST_LINES:
            yield f"{name(cell)} has {len(lines)} lines, at most {MOST_LINES}"
        if max(map(len, lines), default=0) > MOST_COLUMNS:
            yield f"{name(cell)} has a line of more than {MOST_COLUMNS} columns"


def over_limits(student, whole, marked):
    """{limit: sentence} of the limits that a student's copy exceeds.

    whole, marked: its minutes (tools.minutes); marked is None where nothing is optional.
    """
    found = (*length(student.cells), sum(whole), sum(marked or whole))
    return {
        what: f"{value} {what}, at most {most}"
        for (what, most), value in zip(MOST.items(), found, strict=True)
        if value > most
    }


def unmarked_options(notebook):
    """Sections tagged optional whose heading does not say so to the student."""
    for cell in notebook.cells:
        if "optional" in tags(cell) and cell.cell_type == "markdown":
            first = cell.source.splitlines()[0]
            if not first.startswith("#") or "optional" not in first.lower():
                yield f"{name(cell)} is tagged optional: begin it with a heading that says so"


def empty_or_joined_statements(notebook):
    for cell in notebook.cells:
        if not cell.source.strip():
            yield "a cell is empty"
        elif cell.cell_type == "code":
            code = TransformerManager().transform_cell(cell.source)  # magics become calls
            if not ast.parse(code).body:
                yield f"{name(cell)} holds only comments"
            tokens = tokenize.generate_tokens(io.StringIO(code).readline)
            if any(token.type == tokenize.OP and token.string == ";" for token in tokens):
                yield f"{name(cell)} joins or ends statements with a semicolon"


def pictures_without_words(notebook):
    alts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = CODE_SPAN.sub("", cell.source)
            alts += [(cell, found["alt"]) for found in IMAGE.finditer(text)]
            alts += [(cell, _html_alt(tag)) for tag in HTML_IMAGE.findall(text)]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for mime in data:
                if mime.startswith("image/"):
                    alts.append((cell, output.metadata.get(mime, {}).get("alt", "")))
            alts += [(cell, _html_alt(tag)) for tag in HTML_IMAGE.findall(_text(data, "text/html"))]
    for cell, alt in alts:
        if len(alt.split()) < ALT_WORDS:
            yield f"{name(cell)}: a picture's alt text is {alt!r}, at least {ALT_WORDS} words"


def _html_alt(tag):
    found = re.search(r"\balt=\"([^\"]*)\"", tag)
    return found[1] if found else ""


def _text(data, mime):
    value = data.get(mime, "")
    return "".join(value) if isinstance(value, list) else value


def anchors(text, github):
    """The anchors of a markdown text, as GitHub makes them in files, JupyterLab in notebooks."""
    found = set(re.findall(r"\b(?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#+ +(.+?)\s*$", CODE_SPAN.sub(_unquoted, text), re.MULTILINE):
        plain = re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        if github:
            plain = re.sub(r"[^\w\- ]", "", plain.lower())
        found.add(plain.replace(" ", "-"))
    return found


def _unquoted(code):
    return "" if code[0].startswith("```") else code[0]


def dead_links(text, folder, root, repository, github=False):
    """Links of a markdown text in `folder` that lead nowhere inside the repository at `root`."""
    for pair in TARGET.findall(CODE_SPAN.sub("", text)):
        target = pair[0] or pair[1]
        parts = urlsplit(target)
        ours = re.match(
            rf"/?(?:github)?{urlsplit(repository).path}/(?:blob|tree)/main/", parts.path
        )
        if parts.scheme in ("http", "https"):
            hosted = parts.netloc in (urlsplit(repository).netloc, "colab.research.google.com")
            if hosted and ours and not (root / parts.path[ours.end() :]).exists():
                yield f"{target} names no file of this repository"
        elif parts.scheme not in ("mailto", "data"):
            file = Path(folder) / unquote(parts.path) if parts.path else None
            if file and not file.exists():
                yield f"{target} leads nowhere"
            elif parts.fragment and not file:
                if unquote(parts.fragment) not in anchors(text, github):
                    yield f"{target} is no heading here"
            elif parts.fragment and file.suffix == ".md":
                if parts.fragment not in anchors(file.read_text(encoding="utf-8"), github=True):
                    yield f"{target}: the file has no such heading"


@functools.cache
def titles():
    """The titles of the album's photographs, which stand in captions."""
    return [photo.title for photo in photos.album()]


def untidy_outputs(notebook):
    for cell in code_cells(notebook):
        if cell.execution_count is None:
            yield f"{name(cell)} was not executed"
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                yield f"{name(cell)} shows an error or standard error"
            data = output.get("data", {})
            text = "\n".join(
                [_text(output, "text"), _text(data, "text/plain"), _text(data, "text/html")]
            )
            for title in titles():
                text = text.replace(title, "")  # an author may have put a date into it
            for what, pattern in IN_OUTPUT.items():
                found = re.search(pattern, text)
                if found:
                    yield f"{name(cell)} prints {what}: {found[0]!r}"


def prints_text(cell):
    return any(
        output.output_type == "stream" or {"text/plain", "text/html"} & set(output.get("data", {}))
        for output in cell.outputs
    )


def is_compared(cell):
    """Whether nbval compares this cell's text."""
    comment = re.search(r"^# *(NBVAL_IGNORE_OUTPUT|NBVAL_SKIP)\b", cell.source, re.MULTILINE)
    return not (NOT_COMPARED & tags(cell) or comment)


def uncompared_claims(notebook):
    claims = [cell for cell in code_cells(notebook) if "claim" in tags(cell)]
    if not claims:
        yield "no cell is tagged claim"
    for cell in claims:
        if not (prints_text(cell) and is_compared(cell)):
            yield f"{name(cell)} is a claim, and nothing of it is compared"


def share_compared(notebook):
    printing = [cell for cell in code_cells(notebook) if prints_text(cell)]
    return sum(map(is_compared, printing)) / max(1, len(printing))


def unfinished_exercises(source, checks):
    """checks: the module of the lesson's checks."""
    cells = source.cells
    places = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata]
    if not 3 <= len(places) <= 5:
        yield f"{len(places)} exercises, 3 to 5 are wanted"
    for place, following in zip(places, [*places[1:], len(cells)]):
        cell, exercise = cells[place], cells[place].metadata["exercise"]
        if not cell.metadata.get("minutes", 0) > 0:
            yield f"{exercise} says no minutes"
        if not re.search(r"### BEGIN SOLUTION\n.+\n *### END SOLUTION", cell.source, re.DOTALL):
            yield f"{exercise} has no solution"
        after = cells[place + 1 : following]
        check = [c for c in after if c.metadata.get("check") == exercise]
        if [c.metadata.get("points", 0) > 0 for c in check] != [True]:
            yield f"{exercise} needs one check with points, behind it"
        elif f"checks.{exercise}(" not in check[0].source or not hasattr(checks, exercise):
            yield f"{exercise} is not checked by checks.{exercise}"
        if not any("<summary>Hint" in c.source for c in after if c.cell_type == "markdown"):
            yield f"{exercise} has no hints behind it"
    yield from _needed_later(source)


def _needed_later(source):
    """Uses of an exercise outside its check: such a cell would fail before it is solved."""
    trees = [(cell, python(cell)) for cell in code_cells(source)]
    for cell, tree in trees:
        if "exercise" not in cell.metadata:
            continue
        made = {node.name for node in tree.body if hasattr(node, "name")}
        for other, other_tree in trees:
            used = _read_ever(symtable.symtable(ast.unparse(other_tree), "cell", "exec"))
            if other is not cell and "check" not in other.metadata and made & used:
                yield f"{name(other)} needs exercise {cell.metadata['exercise']}"


def unexplained_options(notebook):
    text = prose(notebook)
    quiz = re.search(r"^## Quiz\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    questions = re.split(r"^\*\*\d+\.", quiz[1], flags=re.MULTILINE)[1:] if quiz else []
    if not questions:
        yield "no quiz, that is a heading '## Quiz' and questions that begin with '**1.'"
    for number, question in enumerate(questions, 1):
        options = OPTION.findall(question)
        letters = "".join(letter for letter, _, _ in options)
        if len(options) < 2 or letters != "ABCDEFGH"[: len(options)]:
            yield f"question {number} has the options {letters!r}, not A, B, …"
        right = [why.strip().startswith("Right") for _, _, why in options]
        if sum(right) != 1:
            yield f"question {number}: {sum(right)} explanations begin with 'Right', not one"
        for letter, _, why in options:
            if len(why.split()) < 5:
                yield f"question {number}, option {letter} is not explained"
        if re.search(r"^(?:[-*] +)?\(?[A-H][.)] ", OPTION.sub("", question), re.MULTILINE):
            yield f"question {number} has an option without an explanation"


# Cells that experiments execute, and what stands on slides

DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def broken_exports(source):
    """What keeps the cells tagged export from being executed alone, or makes them do work."""
    cells = [cell for cell in code_cells(source) if "export" in tags(cell)]
    tables = [symtable.symtable(cell.source, "cell", "exec") for cell in cells]
    ever = _defined(tables) | set(dir(builtins)) | {"__name__", "__file__"}
    for i, (cell, table) in enumerate(zip(cells, tables)):
        for statement in python(cell).body:
            constant = getattr(statement, "value", None)
            docstring = isinstance(statement, ast.Expr) and isinstance(constant, ast.Constant)
            if not isinstance(statement, DEFINES) and not docstring:
                yield f"{name(cell)} is exported and does more than define: line {statement.lineno}"
        now = _defined(tables[: i + 1]) | set(dir(builtins))
        for missing in sorted(_read_at_once(cell) - now):
            yield f"{name(cell)} is exported and needs {missing!r}, which no earlier export defines"
        for missing in sorted(_read_ever(table) - ever):
            yield f"{name(cell)} is exported and needs {missing!r}, which no export defines"


def _defined(tables):
    return {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }


def _read_ever(table):
    """Names of the module that a cell reads, now or when its functions are called."""
    inner = {name for child in table.get_children() for name in _read_ever(child)}
    top = table.get_type() == "module"
    return inner | {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (top or symbol.is_global())
    }


def _read_at_once(cell):
    """Names that are read while a cell runs: not those inside the functions it defines.

    A name that the cell assigns itself counts as defined.
    """
    read, waiting = set(), list(python(cell).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):  # decorators and defaults are read
            waiting += [*getattr(node, "decorator_list", []), node.args]
        else:
            waiting += ast.iter_child_nodes(node)
    bound = {
        node.id
        for node in ast.walk(python(cell))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return read - bound


def untraced_results(source):
    """Results named by a formatted string, which the builder cannot see in the code."""
    for cell in code_cells(source):
        for node in ast.walk(python(cell)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "result":
                if any(isinstance(part, ast.JoinedStr) for part in node.args):
                    yield f"{name(cell)} puts a result's name together; write it out"


def typed_numbers(source):
    """Decimals on slides that somebody typed: a number comes from the lesson, by a placeholder.

    Formulas, code and quotations ("…") keep theirs.
    """
    for cell in source.cells:
        if cell.metadata.get("deck") != "slide":
            continue
        text = re.sub(r'"[^"\n]*"|“[^”\n]*”', "", placeholders.left_alone(cell.source))
        for number in re.findall(r"(?<![\w.])\d+\.\d+", text):
            yield f"slide {cell.source.splitlines()[0]!r} holds {number}, typed by hand"
        for expression in placeholders.found(cell.source):
            if not placeholders.names(expression):
                yield f"slide {cell.source.splitlines()[0]!r}: {{{{{expression}}}}} names nothing"
