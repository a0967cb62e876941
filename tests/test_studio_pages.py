"""Every page of deploy/studio in Chromium: accessible, narrow and wide, dark, without script."""

# ruff: noqa: F401, F811  (fixtures are imported)

import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra `studio`")

from axe_playwright_python.sync_playwright import Axe
from studio_browser import (
    PASSWORD,
    SIZES,
    address,
    leave,
    picture,
    register,
    tab,
    upload,
)

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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
    leave(tab, ".tile a")
    tab.wait_for_selector(".compare.ready")
    for summary in tab.query_selector_all("summary"):
        summary.click()
    look("photograph")
    for path in ("/account", "/photos?q=nothing"):
        tab.goto(path)
        look(path)
    tab.goto("/account")
    tab.fill("#forget", PASSWORD)
    leave(tab, "button.delete")
    look("forgotten")
    assert "You are forgotten" in tab.content()
    assert wrong == {}


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


def test_without_javascript_the_whole_way_works(browser, address):
    context = browser.new_context(java_script_enabled=False, base_url=address)
    tab = context.new_page()
    register(tab, "Greta")
    upload(tab, picture(7))
    tab.wait_for_selector(".compare img", timeout=30_000)  # the page asks again by itself
    left, right = (image.bounding_box() for image in tab.locator(".compare img").all())
    assert left["x"] + left["width"] <= right["x"], "side by side"
    leave(tab, "text=Delete this photograph")
    assert "Your first photograph" in tab.content()
    context.close()
