"""Run a planned notebook in a kernel of its own, and keep what it shows."""

import ast
import base64
import os
import subprocess
from copy import deepcopy
from pathlib import Path

from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbformat import NotebookNode

from course_utils import files
from tools import placeholders

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def execute(
    notebook: NotebookNode, folder: Path, deck: dict[str, list[NotebookNode]] | None = None
) -> NotebookNode:
    """Run a notebook in its folder under the cpu profile; return it with tidy outputs.

    deck: {id of a code cell: deck cells that follow it}; their placeholders are filled in among
    the names that the notebook has there, and the texts stand in the metadata.
    Raises ValueError, with a sentence, for a placeholder that gives no value.
    """
    # TensorFlow's start-up lines vanish under pytest; without this they would be captured here
    # and missing there.
    env = os.environ | {"COURSE_PROFILE": "cpu", "PYTEST_CURRENT_TEST": "building"}
    notebook = deepcopy(notebook)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.on_comm_open_jupyter_widget = lambda msg: None  # widgets may swallow a reply otherwise
    texts = {}

    async def fill(cell, cell_index, execute_reply):
        if execute_reply["content"]["status"] == "ok":
            for slide in (deck or {}).get(cell["id"], []):
                texts[slide["id"]] = await _filled(slide, client.kc)

    client.on_cell_executed = fill
    client.execute(env=env, stderr=subprocess.DEVNULL)  # the kernel's own log, not the cells'
    notebook.metadata["language_info"] = {"name": "python"}  # nbclient adds the Python's version
    if deck is not None:
        notebook.metadata["build"]["deck"] = texts
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # it names a model of a dead kernel
    return notebook


async def _filled(cell, kernel):
    """The text of a deck cell, its placeholders evaluated by a running kernel."""
    found = placeholders.found(cell.source)
    asked = {str(i): placeholders.as_code(expression) for i, expression in enumerate(found)}
    request = kernel.execute("", silent=True, user_expressions=asked, reply=True, timeout=60)
    replies = (await ensure_async(request))["content"]["user_expressions"]
    place = f"deck cell {cell.source[:40]!r}"
    for i, expression in enumerate(found):
        reply = replies[str(i)]
        if reply["status"] != "ok":
            raise ValueError(
                f"{place}: {{{{{expression}}}}} raises {reply['ename']}: {reply['evalue']}"
            )
    values = [ast.literal_eval(replies[key]["data"]["text/plain"]) for key in asked]
    try:
        return placeholders.filled(cell.source, values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def deck_by_cell(source: NotebookNode) -> dict[str, list[NotebookNode]]:
    """{id of a code cell: the deck cells with placeholders that follow it}."""
    last, deck = "setup", {}
    for cell in source.cells:
        if cell.metadata.get("deck") not in ("slide", "notes"):
            last = cell["id"] if cell.cell_type == "code" else last
        elif placeholders.found(cell.source):
            deck.setdefault(last, []).append(cell)
    return deck


def write_pictures(source: NotebookNode, executed: NotebookNode, folder: Path) -> None:
    """Write the pictures that the README and the docs show, from the executed lesson."""
    outputs = {cell["id"]: cell.get("outputs", []) for cell in executed.cells}
    for cell in source.cells:
        if name := cell.metadata.get("picture"):
            data = outputs[cell["id"]][-1].data
            kind = next(kind for kind in data if kind.startswith("image/"))
            path = folder / f"{name}.{kind.removeprefix('image/')}"
            files.write(path, base64.b64decode(data[kind]))
