"""A studio and a browser tab for tests of its pages, at the width of a desk or of a phone."""

import io
import socket
import tempfile
import threading
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra `studio`")

import uvicorn

from deploy.studio.app import create_app
from deploy.studio.settings import Settings

SIZES = {"desk": (1280, 800), "phone": (390, 844)}
PASSWORD = "three plain words"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A studio on this machine with a worker of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", tempfile.tempdir)  # the studio sets these two
        patch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            data = tmp_path_factory.mktemp("studio")
            app = create_app(Settings.read({"STUDIO_DATA": str(data)}))
            server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning"))
            thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
            thread.start()
            while not server.started and thread.is_alive():
                time.sleep(0.05)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            server.should_exit = True
            thread.join()


@pytest.fixture
def tab(request, browser, address):
    """A page; at the end nothing was asked of another host and nothing went wrong in it."""
    width, height = SIZES[getattr(request, "param", "desk")]
    phone = width < 500
    context = browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=phone,
        has_touch=phone,
        base_url=address,
        color_scheme="dark" if phone else "light",
        reduced_motion="reduce",
    )
    asked, wrong = [], []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield tab
    context.close()
    said = [text for text in wrong if "INTERNET_DISCONNECTED" not in text]
    assert said == [], said
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(address).netloc}


def picture(seed=0):
    """A gray ramp with some noise, 120 × 90."""
    noise = np.random.default_rng(seed).integers(0, 30, (90, 120))
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(np.linspace(20, 220, 120) + noise)).save(buffer, "JPEG")
    return {"name": f"box {seed}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def leave(tab, selector):
    """Click on what leads to another page, and wait until that page has loaded."""
    with tab.expect_navigation():
        tab.click(selector)


def register(tab, name):
    tab.goto("/register")
    tab.fill("#name", f"{name}{time.time()}")
    tab.fill("#password", PASSWORD)
    leave(tab, "main button")
    assert tab.url.endswith("/photos")


def upload(tab, *pictures):
    tab.set_input_files("input[name=pictures] >> nth=0", pictures)
    leave(tab, "[data-send]")
