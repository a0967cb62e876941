"""What people do in deploy/studio with Chromium: slider, keyboard, dropped files, installation."""

# ruff: noqa: F401, F811  (fixtures are imported)

import re
import time

import pytest

pytest.importorskip("fastapi", reason="needs the extra `studio`")

from playwright.sync_api import expect
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


@pytest.mark.parametrize("tab", SIZES, indirect=True)
def test_colors_appear_by_themselves_and_the_slider_follows_the_keyboard(tab):
    register(tab, "Berta")
    expect(tab.locator("[data-send]"), "nothing is chosen yet").to_be_hidden()
    tab.set_input_files("input[name=pictures] >> nth=0", picture(3))
    expect(tab.locator("text=box 3.jpg")).to_be_visible()
    tab.click("text=Choose how they are colored")
    tab.check("input[value='02_mse_regression']")
    leave(tab, "[data-send]")
    assert re.search("/photos/[0-9a-f]{32}", tab.url)
    tab.wait_for_selector(".tile img >> nth=1")  # both colorings, without a reload
    tab.click("text=Where these colors come from")
    expect(tab.locator("text=Model file (sha256)")).to_be_visible()
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
    leave(tab, "button:has-text('Pick') >> nth=0")
    expect(tab.locator("text=Favorite")).to_be_visible()


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
    expect(tab.locator("text=dropped.jpg")).to_be_visible()
    expect(tab.locator("[data-send]")).to_be_visible()
    tab.evaluate("document.querySelector('[data-drop]').dataset.most = 10")
    tab.evaluate(drop, 1000)
    expect(tab.locator("text=choose fewer")).to_be_visible()
    expect(tab.locator("[data-send]")).to_be_hidden()


def test_a_phone_can_install_it_and_no_picture_enters_the_cache(tab):
    register(tab, "Frida")
    upload(tab, picture(6))
    tab.wait_for_selector(".compare.ready")
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tab.reload()
    tab.wait_for_selector(".compare.ready")
    session = tab.context.new_cdp_session(tab)
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in errors} <= {"in-incognito"}, "which a test's tab is"
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
    expect(tab.locator("text=No connection to the studio")).to_be_visible()
