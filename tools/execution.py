"""Run a planned notebook in a kernel of its own, and keep what it shows."""

import ast
import base64
import os
import subprocess
import time
from copy import deepcopy
from pathlib import Path

from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbformat import NotebookNode

from course_utils import files
from tools import placeholders

PROCESSOR_TIME = 'sum(__import__("os").times()[:4])'  # of a kernel and its finished children
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def execute(
    notebook: NotebookNode, folder: Path, deck: dict[str, list[NotebookNode]] | None = None
) -> tuple[NotebookNode, float]:
    """Run a notebook in its folder under the cpu profile; (it with tidy outputs, seconds).

    deck: {id of a code cell: deck cells that follow it}; their placeholders are filled in among
    the names that the notebook has there, and the texts stand in the metadata.
    The seconds are those of the clock, or the processor's where these are fewer: other work on the
    machine stretches the clock.
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
        coalesce_streams=True,  # a busy kernel prints one text in pieces
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.on_comm_open_jupyter_widget = lambda msg: None  # widgets may swallow a reply otherwise
    last = [cell["id"] for cell in notebook.cells if cell.cell_type == "code"][-1]
    texts, processor = {}, 0.0

    async def ask(cell, cell_index, execute_reply):
        nonlocal processor
        if execute_reply["content"]["status"] == "ok":
            for slide in (deck or {}).get(cell["id"], []):
                texts[slide["id"]] = await _filled(slide, client.kc)
            if cell["id"] == last:
                reply = await _asked(client.kc, [PROCESSOR_TIME])
                processor = float(reply[0]["data"]["text/plain"])

    client.on_cell_executed = ask
    started = time.perf_counter()
    client.execute(env=env, stderr=subprocess.DEVNULL)  # the kernel's own log, not the cells'
    seconds = min(time.perf_counter() - started, processor)
    notebook.metadata["language_info"] = {"name": "python"}  # nbclient adds the Python's version
    if deck is not None:
        notebook.metadata["build"]["deck"] = texts
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # it names a model of a dead kernel
    return notebook, seconds


async def _asked(kernel, expressions):
    """What a running kernel replies for each of these expressions; it leaves no trace."""
    asked = {str(i): expression for i, expression in enumerate(expressions)}
    request = kernel.execute("", silent=True, user_expressions=asked, reply=True, timeout=60)
    replies = (await ensure_async(request))["content"]["user_expressions"]
    return [replies[key] for key in asked]


async def _filled(cell, kernel):
    """The text of a deck cell, its placeholders evaluated by a running kernel."""
    found = placeholders.found(cell.source)
    replies = await _asked(kernel, map(placeholders.as_code, found))
    place = f"deck cell {cell.source[:40]!r}"
    for expression, reply in zip(found, replies):
        if reply["status"] != "ok":
            raise ValueError(
                f"{place}: {{{{{expression}}}}} raises {reply['ename']}: {reply['evalue']}"
            )
    try:
        values = [ast.literal_eval(reply["data"]["text/plain"]) for reply in replies]
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
