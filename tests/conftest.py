"""Fixtures shared by all tests."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run"
)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real photographs beside the checkout; COURSE_SHARED_DATA names another."""
    folder = Path(os.environ.get("COURSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs real photographs in {folder.name}/ beside the checkout")
    return folder


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, driven by playwright; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Own cache, home and data; no waiting; no address but this machine's."""
    from data_server import stay_inside

    for name, folder in (("COURSE_CACHE", "cache"), ("HOME", "home"), ("COURSE_DATA", "data")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    stay_inside(monkeypatch)


@pytest.fixture
def server():
    """A server on this machine that answers as the data sets' servers do, or as they should not."""
    from data_server import DataServer

    with DataServer() as server:
        yield server
