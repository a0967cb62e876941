"""`make lab` as a student meets it: JupyterLab in a browser, Run all, a slider that moves.

Works on a copy of the notebook with settings of its own, so that nothing of yours is touched.
"""

import io
import json
import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import nbformat
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
TOKEN = secrets.token_hex()
START, RUN = 120, 600  # seconds at most; a wait ends as soon as what it waits for is there


# Lessons with a slider: what a student meets first, and the first with exercises.
FIRST, SECOND = sorted((ROOT / "notebooks").glob("0[01]_*.ipynb"))
EXPLORED = [FIRST, pytest.param(SECOND, marks=pytest.mark.stress)]


@pytest.fixture
def page(browser):
    """A page in headless Chromium that reaches this machine only; page.outside lists the rest."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.outside = []

    def refuse(route):
        page.outside.append(route.request.url)
        route.abort()

    page.route(lambda address: urlsplit(address).hostname not in (None, "127.0.0.1"), refuse)
    return page


@pytest.fixture(params=EXPLORED, ids=lambda path: path.stem)
def lab(request, page, tmp_path):
    """JupyterLab on a copy of the notebook, its outputs cleared; gives (address, notebook)."""
    # `page` comes first: without a browser no server is started.
    notebook = nbformat.read(request.param, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with serving(notebook, request.param.name, tmp_path) as address:
        yield address, notebook


def options():
    """What `make lab` tells JupyterLab."""
    # Under `make test` this make would be a child, with the arguments of its parent.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    shown = subprocess.check_output(
        ["make", "--dry-run", "--assume-old=.venv/.ready", "lab"], cwd=ROOT, text=True, env=env
    )
    return [word for word in shlex.split(shown.splitlines()[-1]) if word.startswith("--")]


@contextmanager
def serving(notebook, name, tmp_path):
    """JupyterLab on a notebook in tmp_path/notebooks, under settings of its own; its address."""
    work = tmp_path / "notebooks"
    work.mkdir()
    nbformat.write(notebook, work / name)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    env = os.environ | {f"JUPYTER_{name}": str(tmp_path / name) for name in own}
    env |= {"IPYTHONDIR": str(tmp_path / "ipython")}
    env.pop("PYTEST_CURRENT_TEST")  # a student's kernel has none
    command = [sys.executable, "-m", "jupyter", "lab", *options(), name]
    command += ["--no-browser", "--LabApp.expose_app_in_browser=True"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}"]
    # The server would ask for news and newer versions of itself; a test stays on this machine.
    never = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
    command += ["--LabApp.news_url=None", f"--LabApp.check_for_updates_class={never}"]
    log = tmp_path / "lab.log"
    with log.open("w") as stream:
        server = subprocess.Popen(command, cwd=work, env=env, stdout=stream, stderr=stream)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/status?token={TOKEN}", server, log)
        yield f"{address}/lab/tree/{name}?token={TOKEN}"
    finally:
        server.terminate()  # it shuts its kernels down first
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(address, server, log):
    """Return when the server answers; fail with its log when it stops or stays silent."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


PANEL = "jupyterapp.shell.currentWidget"
KERNEL = f"{PANEL}?.sessionContext?.session?.kernel"
# The picture as it is in memory: the browser's own file, read back.
PICTURE = """async image => {
  const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest)).join(" ");
}"""


def run_all(page):
    """Run all cells of the notebook that is being opened, and wait until the last has run."""
    page.wait_for_function(
        f"window.jupyterapp && {PANEL}?.context?.isReady && {KERNEL}?.status === 'idle'",
        timeout=1000 * START,
    )
    page.evaluate(
        "() => { window.finished = null;"
        "jupyterapp.commands.execute('notebook:run-all-cells')"
        ".then(() => { window.finished = true; }, error => { window.finished = String(error); }); }"
    )
    page.wait_for_function(
        f"window.finished !== null && {KERNEL}?.status === 'idle'", timeout=1000 * RUN
    )


def show_cell(page, cells, text):
    """Scroll to the cell that holds `text`: Lab draws only the cells near the screen."""
    index = next(i for i, cell in enumerate(cells) if text in cell["source"])
    page.evaluate(
        f"i => {{ {PANEL}.content.activeCellIndex = i;"
        f"return {PANEL}.content.scrollToItem(i, 'start'); }}",
        index,
    )
    return page.locator(f".jp-Notebook-cell[data-windowed-list-index='{index}']")


def upload(page, output, name, content):
    """Give a file to the upload button of a cell."""
    with page.expect_file_chooser() as chooser:
        output.locator("button.jupyter-button").first.click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": content})


def large_photograph():
    """A PNG of more than 10 MB, Jupyter's own limit for a message."""
    noise = np.random.default_rng(1).integers(0, 256, (1500, 2500, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
    assert buffer.tell() > 10 * 2**20
    return buffer.getvalue()


def test_run_all_and_widgets_in_jupyterlab(page, lab, tmp_path):
    address, planned = lab
    page.goto(address, timeout=1000 * START)
    run_all(page)
    page.screenshot(path=tmp_path / "after_run_all.png")

    ran = json.loads(page.evaluate(f"JSON.stringify({PANEL}.content.model.toJSON())"))["cells"]
    assert [cell["source"] for cell in ran] == [cell.source for cell in planned.cells]
    code = [cell for cell in ran if cell["cell_type"] == "code" and cell["source"]]
    errors = [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]
    assert not errors, "\n".join(errors[0]["traceback"])
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    assert page.evaluate("window.finished") is True

    if "widgets.frames(" in str(ran):
        a_slider_changes_its_picture(page, ran, tmp_path)
    if "widgets.upload(" in str(ran):
        output = show_cell(page, ran, "widgets.upload(")
        # A file that is no picture is answered with a sentence, and the button stays usable.
        upload(page, output, "notes.png", b"not a picture")
        output.get_by_text("the uploaded picture", exact=False).wait_for(timeout=1000 * START)
        upload(page, output, "mine.png", large_photograph())
        output.locator("img.widget-image").wait_for(timeout=1000 * START)
        page.screenshot(path=tmp_path / "after_upload.png")
        a_slider_uncovers_its_picture(output)
    assert page.outside == []


def a_slider_changes_its_picture(page, ran, tmp_path):
    """Move the slider of `widgets.frames` by one step: the kernel answers with another picture."""
    output = show_cell(page, ran, "widgets.frames(")
    handle = output.locator(".noUi-handle").first
    readout = output.locator(".widget-readout").first
    image = output.locator("img.widget-image").first
    image.wait_for(timeout=1000 * START)
    before, said = image.evaluate(PICTURE), readout.inner_text()
    handle.focus()
    handle.press("ArrowRight")
    page.wait_for_function(
        "([readout, said]) => readout.innerText !== said",
        arg=[readout.element_handle(), said],
        timeout=1000 * START,
    )
    deadline = time.monotonic() + START
    while (after := image.evaluate(PICTURE)) == before and time.monotonic() < deadline:
        page.wait_for_timeout(100)  # the kernel answers with the next picture
    page.screenshot(path=tmp_path / "after_the_slider.png")
    assert after != before


def a_slider_uncovers_its_picture(output):
    """Move the slider of `widgets.before_after`: the upper picture is cut, the lower one whole."""
    slider = output.locator("input[type=range]")
    cut = "image => getComputedStyle(image).clipPath"
    lower, upper = output.locator("img[alt]:not(.widget-image)").all()
    assert lower.bounding_box() == upper.bounding_box()
    for value in ("80", "10"):
        slider.fill(value)
        assert f" {100 - int(value)}% " in upper.evaluate(cut)
        assert lower.evaluate(cut) == "none"
