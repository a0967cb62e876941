"""The web site: what its builder makes of texts and notebooks, and the whole of it in a browser."""

import functools
import http.server
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import pytest

from tools import website

ROOT = Path(__file__).resolve().parents[1]
MOST = 40e6  # bytes of the whole site


# Texts.


def test_links_to_what_the_site_has_stay_and_others_lead_to_the_repository(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "data.md").touch()
    text = (
        "[data](data.md) [code](../course_utils/color.py) [gone](nothing.md) "
        "[web](https://example.org/a.md) [here](#part) [part](../README.md#start)"
    )
    changed = website.relinked(text, Path("docs", "claims.md"), tmp_path)
    assert "[data](data.md)" in changed and "[gone](nothing.md)" in changed
    assert f"[code]({website.address('course_utils/color.py')})" in changed
    assert f"[part]({website.address('README.md')}#start)" in changed
    assert "[web](https://example.org/a.md) [here](#part)" in changed


def test_every_document_has_a_place_in_the_contents():
    index = (website.SITE / "index.md").read_text(encoding="utf-8")
    named = {line.strip("<>\n ").split("<")[-1] for line in index.splitlines()}
    documents = [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/teaching/*.md")]
    assert documents
    for path in documents:
        assert path.relative_to(ROOT).with_suffix("").as_posix() in named


def test_every_picture_of_a_notebook_keeps_its_alternative_text():
    for path in sorted(website.NOTEBOOKS.glob("*.ipynb")):
        for cell in website.notebook(path).cells:
            for output in cell.get("outputs", []):
                for mime in output.get("data", {}):
                    if mime.startswith("image/"):
                        assert cell.metadata["mystnb"]["image"]["alt"].strip()


def test_a_download_is_the_notebook_without_outputs(tmp_path):
    source = sorted(website.NOTEBOOKS.glob("*.ipynb"))[0]
    target = tmp_path / source.name
    nbformat.write(website.notebook(source), target)
    website.without_outputs(target)
    before, after = nbformat.read(source, 4), nbformat.read(target, 4)
    assert [cell.source for cell in before.cells] == [cell.source for cell in after.cells]
    assert not any(cell.get("outputs") for cell in after.cells)
    assert not any("mystnb" in cell.metadata for cell in after.cells)
    assert target.stat().st_size < source.stat().st_size / 10


def test_the_glossary_names_the_first_lesson_of_each_term():
    made = website.glossary()
    table = (website.SITE / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", table, re.MULTILINE)
    assert terms == sorted(terms, key=lambda term: term.replace("ΔE00", "CIELAC").lower())
    entries = re.findall(r"^\*\*(.+?)\*\*\n: .+ \(lesson \[(\d\d)\]", made, re.MULTILINE)
    assert [term for term, _ in entries] == terms  # each term is used in a lesson
    first = dict(entries)
    assert first["pix2pix"] <= "06" and first["skip connection"] <= "06" and first["Holm"] == "08"


def test_the_bibliography_has_what_every_lesson_names():
    made = website.bibliography()
    for path in website.lessons.sources():
        if "## Further reading" in path.read_text(encoding="utf-8"):
            assert f"## {path.stem[:2]} · " in made
    assert "Colorful image colorization" in made and "## Quiz" not in made


def test_the_gallery_credits_every_photograph(tmp_path, monkeypatch):
    album = website.photos.album
    monkeypatch.setattr(website.photos, "album", lambda split: album(split)[:3])
    made = website.gallery(tmp_path)
    for split in ("train", "test"):
        for photo in website.photos.album(split):
            assert photo.source.replace("&", "&amp;") in made and photo.licence in made
            assert (tmp_path / "gallery" / f"{photo.name}.jpg").stat().st_size > 1000


def test_a_picture_of_a_deck_lies_once_beside_the_lessons_pictures(tmp_path):
    images = tmp_path / "_images"
    images.mkdir()
    (images / "known.png").write_bytes(b"one picture")
    deck = tmp_path / "slides" / "deck.html"
    deck.parent.mkdir()
    encoded = [website.base64.b64encode(data).decode() for data in (b"one picture", b"another")]
    deck.write_text("".join(f'<img src="data:image/png;base64,{e}">' for e in encoded))
    website.shared_pictures(deck, images)
    first, second = re.findall(r'src="\.\./_images/([^"]+)"', deck.read_text())
    assert first == "known.png" and (images / second).read_bytes() == b"another"
    assert len(list(images.iterdir())) == 2


# The whole site.


class Links(HTMLParser):
    """What a page loads and links, and the names that it defines."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.names = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("href", "src") and value:
                self.targets.append(value)
            if key in ("id", "name") and value:
                self.names.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, or a skip where npm is missing."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing: it fetches reveal.js, MathJax and onnxruntime-web")
    return website.build(tmp_path_factory.mktemp("build") / "site")


@pytest.fixture(scope="module")
def served(site):
    """The address of a server of the site on this machine."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    handler.log_message = lambda *arguments: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.stress
def test_the_site_is_small_and_has_a_page_for_everything(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < MOST
    assert not (site / ".doctrees").exists(), "Sphinx's own cache"
    for path in website.NOTEBOOKS.glob("*.ipynb"):
        assert (site / "notebooks" / f"{path.stem}.html").is_file()
    for name in ("leaderboard", "glossary", "docs/claims", "docs/instructors", "api/color"):
        assert (site / f"{name}.html").is_file(), name
    assert (site / "colorize" / "index.html").is_file()


@pytest.mark.stress
def test_no_link_of_the_site_is_dead(site):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or target.startswith("//"):
                continue
            place, name = urldefrag(unquote(target.partition("?")[0]))
            wanted = (path.parent / place).resolve() if place else path
            wanted = wanted / "index.html" if wanted.is_dir() else wanted
            if not wanted.is_file():
                dead.append((path.name, target))
            elif name and wanted in pages and name not in pages[wanted].names:
                dead.append((path.name, target))
    assert dead == []


@pytest.mark.stress
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_pages_are_accessible_fit_and_ask_nobody_else(site, served, browser, width, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    outside = []
    page.on(
        "request",
        lambda r: urlsplit(r.url).hostname not in (None, "127.0.0.1") and outside.append(r.url),
    )
    wrong = []
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name.startswith(("slides/", "colorize/", "_static/")):
            continue  # decks and the page that colorizes have tests of their own
        page.goto(f"{served}/{name}")
        found = Axe().run(page).response["violations"]
        wrong += [(name, v["id"], len(v["nodes"])) for v in found]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append((name, "is wider than the screen", 1))
        filters = page.evaluate(
            "[...document.querySelectorAll('.bd-content img')]"
            ".filter(i => getComputedStyle(i).filter != 'none').length"
        )
        if filters:
            wrong.append((name, "changes the colors of pictures", filters))
    page.close()
    assert wrong == [] and outside == []


@pytest.mark.stress
def test_the_search_finds_a_term(served, browser):
    page = browser.new_page()
    page.goto(f"{served}/search.html?q=calibration")
    page.wait_for_selector("#search-results li")
    assert "05" in page.inner_text("#search-results")
    page.close()
