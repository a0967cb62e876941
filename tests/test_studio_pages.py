"""The pages of deploy/studio in Chromium, at the width of a desk and of a phone."""

import io
import re
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
from axe_playwright_python.sync_playwright import Axe

from deploy.studio.app import create_app
from deploy.studio.settings import Settings

SIZES = {"desk": (1280, 800), "phone": (390, 844)}
PASSWORD = "three plain words"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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
    assert wrong == []
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(address).netloc}


def picture(seed=0):
    """A gray ramp with some noise, 120 × 90."""
    noise = np.random.default_rng(seed).integers(0, 30, (90, 120))
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(np.linspace(20, 220, 120) + noise)).save(buffer, "JPEG")
    return {"name": f"box {seed}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def register(tab, name):
    tab.goto("/register")
    tab.fill("#name", f"{name}{time.time()}")
    tab.fill("#password", PASSWORD)
    tab.click("main button")
    tab.wait_for_url("**/photos")


def upload(tab, *pictures):
    tab.set_input_files("input[name=pictures] >> nth=0", pictures)
    tab.click("[data-send]")
    tab.wait_for_url(re.compile("/photos"))


def violations(tab):
    found = Axe().run(tab, options=RULES).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


def fits(tab):
    return tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]


@pytest.mark.parametrize("tab", SIZES, indirect=True)
def test_every_page_is_accessible_and_fits_the_screen(tab):
    wrong = {}

    def look(name):
        tab.wait_for_load_state()
        if found := violations(tab):
            wrong[name] = found
        if not fits(tab):
            wrong[name] = "wider than the screen"

    for path in ("/", "/about", "/register", "/login"):
        tab.goto(path)
        look(path)
    register(tab, "Anna")
    look("no photographs")
    upload(tab, picture(1), picture(2), {"name": "x" * 90 + ".jpg", "mimeType": "", "buffer": b"x"})
    look("one refused")
    tab.goto("/photos")
    tab.wait_for_selector("[data-live='done '] >> nth=1")
    for summary in tab.query_selector_all("summary"):
        summary.click()
    look("history")
    tab.click(".tile a")
    tab.wait_for_selector(".compare.ready")
    for summary in tab.query_selector_all("summary"):
        summary.click()
    look("photograph")
    for path in ("/account", "/photos?q=nothing"):
        tab.goto(path)
        look(path)
    tab.fill("#forget", PASSWORD) if tab.query_selector("#forget") else tab.goto("/account")
    tab.fill("#forget", PASSWORD)
    tab.click("button.delete")
    look("forgotten")
    assert "You are forgotten" in tab.content()
    assert wrong == {}


@pytest.mark.parametrize("tab", SIZES, indirect=True)
def test_colors_appear_by_themselves_and_the_slider_follows_the_keyboard(tab):
    register(tab, "Berta")
    assert not tab.is_visible("[data-send]"), "nothing is chosen yet"
    tab.set_input_files("input[name=pictures] >> nth=0", picture(3))
    assert tab.is_visible("text=box 3.jpg")
    tab.click("text=Choose how they are colored")
    tab.check("input[value='02_mse_regression']")
    tab.click("[data-send]")
    tab.wait_for_url(re.compile("/photos/[0-9a-f]{32}"))
    tab.wait_for_selector(".tile img >> nth=1")  # both colorings, without a reload
    tab.click("text=Where these colors come from")
    assert tab.is_visible("text=Model file (sha256)")
    cut = "getComputedStyle(document.querySelector('.compare')).getPropertyValue('--cut')"
    clip = "getComputedStyle(document.querySelectorAll('.compare img')[1]).clipPath"
    tab.focus(".compare input")
    tab.keyboard.press("Home")
    assert (tab.evaluate(cut), tab.evaluate(clip)) == ("0%", "inset(0px 0px 0px 0%)")
    tab.keyboard.press("End")
    assert tab.evaluate(cut) == "100%"
    box = tab.locator(".compare").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert 20 < float(tab.evaluate(cut).rstrip("%")) < 30
    before, after = (image.bounding_box() for image in tab.locator(".compare img").all())
    assert before == after, "they lie on each other"
    tab.click("button:has-text('Pick') >> nth=0")
    assert tab.is_visible("text=Favorite")


def test_dark_mode_leaves_pictures_alone(tab):
    register(tab, "Clara")
    upload(tab, picture(4))
    tab.wait_for_selector(".compare.ready")
    colors = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        image = tab.locator(".tile img").screenshot()
        with Image.open(io.BytesIO(image)) as shot:
            middle = np.asarray(shot.convert("RGB"))[20:-20, 20:-20]
        style = "getComputedStyle(document.body).backgroundColor"
        filters = (
            "[...document.querySelectorAll('img, body, main')].map(e => getComputedStyle(e).filter)"
        )
        assert set(tab.evaluate(filters)) == {"none"}
        colors.append((tab.evaluate(style), middle))
    assert colors[0][0] != colors[1][0]
    center = tuple(slice(n // 4, 3 * n // 4) for n in colors[0][1].shape[:2])
    assert np.array_equal(colors[0][1][center], colors[1][1][center])


def test_a_keyboard_alone_opens_an_account_and_uploads(tab):
    tab.goto("/register")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.focus("#name")
    tab.keyboard.type(f"Dora{time.time()}")
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/photos")
    tab.focus("input[name=pictures] >> nth=0")
    with tab.expect_file_chooser() as chooser:
        tab.keyboard.press("Space")
    chooser.value.set_files([picture(5)])
    assert tab.evaluate("document.activeElement.hasAttribute('data-send')")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/photos/[0-9a-f]{32}"))


def test_dropped_files_are_taken_and_too_many_bytes_are_refused_before_they_travel(tab):
    register(tab, "Emma")
    drop = """(size) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(size)], "dropped.jpg", {type: "image/jpeg"}));
        const options = {dataTransfer: data, bubbles: true, cancelable: true};
        document.querySelector("[data-drop]").dispatchEvent(new DragEvent("drop", options));
    }"""
    tab.evaluate(drop, 1000)
    assert tab.is_visible("text=dropped.jpg") and tab.is_visible("[data-send]")
    tab.evaluate("document.querySelector('[data-drop]').dataset.most = 10")
    tab.evaluate(drop, 1000)
    assert tab.is_visible("text=choose fewer") and not tab.is_visible("[data-send]")


def test_a_phone_can_install_it_and_no_picture_enters_the_cache(tab):
    register(tab, "Frida")
    upload(tab, picture(6))
    tab.wait_for_selector(".compare.ready")
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tab.reload()
    tab.wait_for_selector(".compare.ready")
    session = tab.context.new_cdp_session(tab)
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == [] and "Studio" in manifest["data"]
    kept = tab.evaluate("""async () => {
        const names = await caches.keys();
        const lists = await Promise.all(names.map(async (n) => (await caches.open(n)).keys()));
        return lists.flat().map((request) => new URL(request.url).pathname);
    }""")
    assert sorted(kept) == [
        "/icon-192.png", "/static/offline.html", "/static/studio.css", "/static/studio.js"
    ]  # fmt: skip
    tab.context.set_offline(True)
    tab.goto("/photos")
    assert tab.is_visible("text=No connection to the studio")


def test_without_javascript_the_whole_way_works(browser, address):
    context = browser.new_context(java_script_enabled=False, base_url=address)
    tab = context.new_page()
    register(tab, "Greta")
    upload(tab, picture(7))
    tab.wait_for_selector(".compare img", timeout=30_000)  # the page asks again by itself
    left, right = (image.bounding_box() for image in tab.locator(".compare img").all())
    assert left["x"] + left["width"] <= right["x"], "side by side"
    tab.click("text=Delete this photograph")
    tab.wait_for_url("**/photos")
    assert "Your first photograph" in tab.content()
    context.close()
