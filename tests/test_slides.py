"""The decks: what stands on them, and in Chromium that they fit, render and stay offline."""

import io
import re
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from tools import lessons, npm, slides

SOURCES = slides.lectured()
MORE_SLIDES: set[str] = set()  # lessons with more than 25 of them; the list may only shrink
ALT = 'A red square says "here" & not <there>.'
FRONT = """\
# ---
# jupyter:
#   course:
#     title: A toy
#     question: Does a deck hold?
#     objectives: [tell a slide from a note]
#     prerequisites: none.
#     running: 1
#     data: none
#     licence: MIT
#     extras: []
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---
"""
BODY = """
# %% [markdown] deck="slide"
# ## Roots
#
# Inline $y = x^{2.4}$, and on a line of its own
#
# $$f(t) = \\sqrt[3]{t}$$

# %% [markdown] deck="notes"
# A root of $t$.

# %% [markdown]
# This stands in the notebook only.

# %% [markdown] deck="slide"
# ## A square

# %% [markdown] deck="notes"
# Point at the square.

# %% deck="figure"
draw("red")

# %%
print("not on a slide")
"""
SLIDE = '\n# %% [markdown] deck="slide"\n# ## {}\n#\n{}\n'
NOTES = '\n# %% [markdown] deck="notes"\n# Say it.\n'


def png(size=(100, 40)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, format="png")
    return b64encode(buffer.getvalue()).decode() + "\n"  # as Jupyter stores it


def toy(folder, body=BODY, alt=ALT, outputs=None):
    """A lesson source and its executed notebook, where each code cell printed and drew."""
    path = Path(folder) / "solutions" / "90_toy.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(lessons.ROOT / "pyproject.toml", folder)
    path.write_text(FRONT + body, encoding="utf-8")
    drawn = nbformat.v4.new_output(
        "display_data",
        data={"image/png": png(), "text/plain": "drawn"},
        metadata={"image/png": {"alt": alt}} if alt else {},
    )
    printed = nbformat.v4.new_output("stream", name="stdout", text="printed\n")
    executed = lessons.read_source(path)
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs = [printed, drawn] if outputs is None else outputs
    nbformat.write(executed, path.with_suffix(".ipynb"))
    return path


def per_slide(path):
    """The cells of a deck, grouped by slide."""
    groups = []
    for cell in slides.deck(path).cells:
        if cell.metadata.slideshow.slide_type == "slide":
            groups.append([])
        groups[-1].append(cell)
    return groups


# --- what stands on a deck; no browser needed


def test_slides_notes_and_figures_keep_their_order(tmp_path):
    html = slides.build(toy(tmp_path), tmp_path).read_text(encoding="utf-8")
    sections = BeautifulSoup(html, "html.parser").select(".slides > section > section")
    assert [s.find(["h1", "h2"]).text for s in sections] == ["A toy", "Roots", "A square"]
    title, roots, square = sections
    assert "Does a deck hold?" in title.text and "lesson 90 · 2 minutes" in title.text
    assert "tell a slide from a note" in title.select_one("aside.notes").text
    assert roots.select_one("aside.notes").text.strip() == "A root of $t$."
    assert "Point at the square." in square.select_one("aside.notes").text
    assert not roots.find("img") and len(square.find_all("img")) == 1


def test_only_pictures_of_a_figure_cell_are_shown_and_keep_their_alt_text(tmp_path):
    html = slides.build(toy(tmp_path), tmp_path).read_text(encoding="utf-8")
    page = BeautifulSoup(html, "html.parser")
    (image,) = page.find_all("img")
    assert image["alt"] == ALT
    assert image["src"] == f"data:image/png;base64,{png().strip()}"
    for hidden in ("draw(", "printed", "drawn", "not on a slide", "in the notebook only"):
        assert hidden not in page.text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("+0.37 [-0.19, +0.91]", "+0.37 [−0.19,\u00a0+0.91]"),
        ("| 2.2 [2.2, 2.3] |", "| 2.2 [2.2,\u00a02.3] |"),
        ("from -4 to 5 dB, (-3)", "from −4 to 5 dB, (−3)"),
        ("a 28-px window, 2018-11, pix2pix-2", "a 28-px window, 2018-11, pix2pix-2"),
        ('$x-1$ `a[-1, 2]` "it says -1"', '$x-1$ `a[-1, 2]` "it says -1"'),
        ("```\nx[-1, 2]\n```\n\n-2", "```\nx[-1, 2]\n```\n\n−2"),
        ("| --- | ---: |\n- [a, b](c-1.md)", "| --- | ---: |\n- [a, b](c-1.md)"),
    ],
)
def test_numbers_are_typeset_and_nothing_else_is(written, shown):
    assert slides.typeset(written) == shown


def test_a_deck_links_only_to_its_neighbors(tmp_path):
    deck = slides.build(toy(tmp_path), tmp_path)
    page = BeautifulSoup(deck.read_text(encoding="utf-8"), "html.parser")
    links = [tag.get("src") or tag.get("href") for tag in page.find_all(["script", "link"])]
    links = [link for link in links if link]
    vendored = {f"../vendor/{file}" for file in slides.VENDORED if not file.endswith("LICENSE")}
    assert set(links) == vendored | {"slides.css"}
    assert (deck.parent / "slides.css").exists()
    assert not re.search(r"@import|url\(", (deck.parent / "slides.css").read_text())


def test_rendering_twice_gives_the_same_bytes(tmp_path):
    path = toy(tmp_path)
    assert slides.build(path, tmp_path / "a").read_bytes() == (
        slides.build(path, tmp_path / "b").read_bytes()
    )


def test_a_lesson_that_was_not_executed_is_refused(tmp_path):
    path = toy(tmp_path)
    path.with_suffix(".ipynb").unlink()
    with pytest.raises(FileNotFoundError, match=r"90_toy.ipynb is missing: run make lessons"):
        slides.deck(path)


def test_a_figure_whose_code_changed_since_is_refused(tmp_path):
    path = toy(tmp_path)
    path.write_text(path.read_text().replace('draw("red")', 'draw("blue")'))
    with pytest.raises(ValueError, match=r"90_toy.ipynb is not what its source gives"):
        slides.deck(path)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"outputs": []}, "shows no picture: 'draw"),
        ({"alt": None}, "has no alt text"),
        ({"body": BODY.replace('deck="figure"', 'deck="figur"')}, 'deck="figur" is none of'),
    ],
)
def test_a_figure_that_cannot_stand_on_a_slide_is_refused(tmp_path, how, says):
    with pytest.raises(ValueError, match=f"90_toy: .*{says}"):
        slides.deck(toy(tmp_path, **how))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_has_15_to_25_slides_each_with_notes(path):
    groups = per_slide(path)
    assert 15 <= len(groups)
    assert (len(groups) > 25) == (path.stem[:2] in MORE_SLIDES)
    for group in groups:
        kinds = [cell.metadata.slideshow.slide_type for cell in group]
        assert "notes" in kinds, f"no notes: {group[0].source!r}"


# --- reveal.js and MathJax


def vendor(folder):
    return npm.vendor(folder, slides.PACKAGES, slides.VENDORED, "make slides")


def fake_npm(status=0, calls=None):
    """A stand-in for subprocess.run that plays npm: writes the packages, fails half-way, or hangs.

    status: its exit status; None where it does not answer in time.
    """

    def run(call, timeout, **_):
        packages = Path(call[call.index("--prefix") + 1]) / "node_modules"
        for file in slides.VENDORED[: None if status == 0 else 2]:
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            (packages / file).write_text(file)
        if calls is not None:
            calls.append(call)
        if status is None:
            raise subprocess.TimeoutExpired(call, timeout)
        return subprocess.CompletedProcess(call, status)

    return run


def test_npm_is_asked_once_and_for_exact_versions(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(npm.shutil, "which", lambda name: name)
    monkeypatch.setattr(npm.subprocess, "run", fake_npm(calls=calls))
    vendor(tmp_path / "build")
    vendor(tmp_path / "build")
    (call,) = calls
    assert "reveal.js@4.6.1" in call and "mathjax@3.2.2" in call
    assert [p.name for p in (tmp_path / "build").iterdir()] == ["vendor"]
    there = tmp_path / "build" / "vendor"
    found = {p.relative_to(there).as_posix() for p in there.rglob("*") if p.is_file()}
    assert found == set(slides.VENDORED)


@pytest.mark.parametrize("status", [1, None])
def test_a_failed_npm_leaves_nothing_and_names_the_remedy(tmp_path, monkeypatch, status):
    monkeypatch.setattr(npm.shutil, "which", lambda name: name)
    monkeypatch.setattr(npm.subprocess, "run", fake_npm(status))
    with pytest.raises(OSError, match="connect to the network and call make slides again"):
        vendor(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_npm_the_message_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    with pytest.raises(OSError, match="install Node.js"):
        vendor(tmp_path)


def test_an_unknown_lesson_is_named(monkeypatch):
    monkeypatch.setattr(slides.sys, "argv", ["slides", "77"])
    with pytest.raises(SystemExit, match="No such lesson with slides: 77"):
        slides.main()


# --- in the browser


@pytest.fixture
def page(browser):
    """A page of 1280 x 720 in headless Chromium that cannot reach the network."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.route(lambda address: not is_local(address), lambda route: route.abort())
    yield page
    page.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of decks with reveal.js and MathJax beside them, as on a memory stick."""
    try:
        vendored = vendor(lessons.ROOT / "build")
    except OSError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("stick")
    shutil.copytree(vendored, folder / "vendor")
    return folder


def is_local(address):
    parts = urlsplit(address)
    return parts.scheme in ("file", "data", "blob", "about") or parts.hostname in (
        "127.0.0.1",
        "localhost",
    )


# Shows a slide and measures it in its own pixels: by how many its content leaves the room inside
# its margins, what its text and pictures look like, and its notes.
MEASURE = r"""index => {
  const slide = Reveal.getSlides()[index];
  const { h, v } = Reveal.getIndices(slide);
  Reveal.slide(h, v);
  const unseen = "aside.notes, mjx-assistive-mml";
  const boxes = [];
  let text = "";
  const walk = document.createTreeWalker(slide, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (element.closest(unseen)) continue;
    const range = document.createRange();
    range.selectNode(node);
    boxes.push(...(node === element ? node : range).getClientRects());
    if (node !== element && !element.closest("code")) text += node.data;
  }
  const seen = boxes.filter(box => box.width > 0 && box.height > 0);
  const frame = slide.getBoundingClientRect(), style = getComputedStyle(slide);
  const margin = side => parseFloat(style["padding" + side]);
  const over = {
    left: frame.left + margin("Left") - Math.min(...seen.map(box => box.left)),
    top: frame.top + margin("Top") - Math.min(...seen.map(box => box.top)),
    right: Math.max(...seen.map(box => box.right)) - frame.right + margin("Right"),
    bottom: Math.max(...seen.map(box => box.bottom)) - frame.bottom + margin("Bottom"),
  };
  const images = [...slide.querySelectorAll("img")];
  return {
    size: [frame.width, frame.height], over, text,
    heading: slide.querySelector("h1, h2, h3")?.textContent,
    notes: slide.querySelector("aside.notes")?.textContent.trim(),
    formulas: slide.querySelectorAll(":scope mjx-container:not(aside *)").length,
    broken: slide.querySelectorAll("[data-mml-node=merror]").length,
    noAlt: images.filter(image => !image.alt.trim()).length,
    noPicture: images.filter(image => !image.naturalWidth).length,
  };
}"""


def faults(page, deck, groups):
    """What is wrong with a deck, as sentences; empty when it is fit for a lecture."""
    found, outside = [], []
    note = lambda request: None if is_local(request.url) else outside.append(request.url)  # noqa: E731
    page.on("request", note)
    page.goto(deck.as_uri())
    page.evaluate("() => MathJax.startup.promise.then(() => true)")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    page.remove_listener("request", note)
    found += [f"it asks for {address}" for address in outside]
    if page.evaluate("Reveal.getTotalSlides()") != len(groups):
        found.append("its slides are not those of its source")
        return found
    for i, group in enumerate(groups):
        slide = page.evaluate(MEASURE, i)
        name = f"slide {i + 1} ({slide['heading']})"
        over = [f"{side} {by:.0f} px" for side, by in slide["over"].items() if by > 1]
        written = " ".join(c.source for c in group if c.metadata.slideshow.slide_type == "slide")
        asks = "$" in re.sub(r"`[^`]*`|\\\$", "", written)
        wrong = {
            f"overflows: {', '.join(over)}": over,
            f"is {slide['size']} pixels": slide["size"] != [1280, 720],
            "has no speaker notes": not slide["notes"],
            "shows a formula as text": re.search(r"\$[^$]+\$|\\[(\[]", slide["text"]),
            "lacks its formulas": asks and not slide["formulas"],
            "has a formula that MathJax refuses": slide["broken"],
            "has a picture without alt text": slide["noAlt"],
            "has a picture that does not load": slide["noPicture"],
        }
        found += [f"{name} {what}" for what, is_so in wrong.items() if is_so]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lessons_deck_is_fit_for_a_lecture(page, folder, path):
    assert faults(page, slides.build(path, folder), per_slide(path)) == []


@pytest.mark.parametrize(("size", "beside"), [((100, 90), True), ((100, 40), False)])
def test_a_figure_stands_where_it_is_larger(page, folder, tmp_path, size, beside):
    drawn = nbformat.v4.new_output(
        "display_data", data={"image/png": png(size)}, metadata={"image/png": {"alt": ALT}}
    )
    path = toy(tmp_path, outputs=[drawn])
    assert faults(page, slides.build(path, folder), per_slide(path)) == []  # it ends on the square
    boxes = "what => Reveal.getCurrentSlide().querySelector(what).getBoundingClientRect().toJSON()"
    text, figure = page.evaluate(boxes, ".text"), page.evaluate(boxes, "figure")
    assert (figure["left"] > text["right"]) == beside
    assert (figure["top"] > text["bottom"]) != beside


def test_the_toy_deck_is_fit_for_a_lecture(page, folder, tmp_path):
    path = toy(tmp_path)
    assert faults(page, slides.build(path, folder), per_slide(path)) == []
    # Its note has a formula: the copy for screen readers would show twice to the speaker.
    assert page.locator("aside mjx-container").count() == 1
    assert page.locator("aside mjx-assistive-mml").count() == 0
    assert page.locator("mjx-assistive-mml").count() == 2


BAD = {
    "\n".join(f"# - point {i}" for i in range(20)): r"overflows: bottom \d+ px",
    "# " + "lightness" * 12: r"overflows: right \d+ px",
    "# ```\n# " + "x" * 200 + "\n# ```": r"overflows: right \d+ px",
    "# ![outside](https://example.org/a.png)": "has a picture that does not load",
    "# ![gone](gone.png)": "has a picture that does not load",
    "# ![](data:image/png;base64," + png().strip() + ")": "has a picture without alt text",
    "# $\\frac{1}$": "has a formula that MathJax refuses",
    "# $$x^2$": "shows a formula as text",
}


def test_every_fault_of_a_bad_deck_is_reported(page, folder, tmp_path):
    bad = NOTES.join(SLIDE.format(f"Bad {i}", text) for i, text in enumerate(BAD))
    path = toy(tmp_path, BODY + bad)  # the last one has no notes
    found = faults(page, slides.build(path, folder), per_slide(path))
    assert found.pop(0) == "it asks for https://example.org/a.png"
    for i, fault in enumerate(BAD.values()):
        about = [sentence for sentence in found if f"(Bad {i})" in sentence]
        assert any(re.search(fault, sentence) for sentence in about), (fault, found)
    assert f"slide {3 + len(BAD)} (Bad {len(BAD) - 1}) has no speaker notes" in found
    assert not [sentence for sentence in found if "(Bad " not in sentence]


def test_a_slide_whose_figure_has_no_room_left_is_reported(page, folder, tmp_path):
    text = "\n".join("# A line of text, again and again.\n#" for _ in range(6))
    path = toy(tmp_path, BODY.replace("# ## A square\n", f"# ## A square\n#\n{text}\n"))
    found = faults(page, slides.build(path, folder), per_slide(path))
    assert any("slide 3 (A square) overflows: bottom" in sentence for sentence in found), found


def test_a_deck_without_mathjax_is_not_passed(page, tmp_path):
    path = toy(tmp_path)
    deck = slides.build(path, tmp_path)  # no vendor folder beside it
    with pytest.raises(Exception, match="MathJax|Reveal"):
        faults(page, deck, per_slide(path))
