"""Render the lessons' slides: decks that work from a memory stick, without network.

    python -m tools.slides [NN ...]     all lessons, or those named      (make slides)

A deck is made of the deck cells of `solutions/NN_name.py`, in their order (tools.lessons names
them), after a title slide from its front matter. Nothing is executed: the pictures of a
deck="figure" cell and the numbers that fill placeholders are those of the committed
`solutions/NN_name.ipynb`.

`build/slides` holds the decks and their style, `build/vendor` reveal.js and MathJax, which npm
fetches once. Links are relative: copy the folder `build`, and open a deck in any browser.
Press S for the speaker's view; ?print-pdf behind the deck's address prints it.
"""

import io
import re
import shutil
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import DictLoader
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from PIL import Image

from tools import lessons, npm, placeholders

STYLE = Path(__file__).with_suffix(".css")
PACKAGES = {"reveal.js": "4.6.1", "mathjax": "3.2.2"}
# All that a deck loads. MathJax draws SVG, because browsers may refuse a font file beside a page.
VENDORED = [
    "reveal.js/LICENSE",
    "reveal.js/dist/reveal.css",
    "reveal.js/dist/reveal.js",
    "reveal.js/plugin/notes/notes.js",
    "mathjax/LICENSE",
    "mathjax/es5/tex-svg-full.js",
]
TALL = 1.45  # a figure of less width to height is larger beside the text than below it
# What stays as it is: code, formulas, quotations; what does not: an interval, a negative number.
VERBATIM = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|\"[^\"\n]*\"", re.DOTALL)
INTERVAL = re.compile(r"\[[-+−]?\d[\d.]*(?:,| to) [-+−]?\d[\d.]*\]")
NEGATIVE = re.compile(r"(?<![\w.\-)\]])-(?=\d)")
# nbconvert's own page loads MathJax 2, require.js, jQuery, mermaid and a web font from the network.
# Only its cells and sections are kept; the page around them is ours.
TEMPLATE = r"""
{%- extends 'index.html.j2' -%}
{%- block header -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ nb.metadata.course.title | escape_html }}</title>
<link rel="stylesheet" href="../vendor/reveal.js/dist/reveal.css">
<link rel="stylesheet" href="slides.css">
</head>
{%- endblock -%}
{%- block body_header %}
<body>
<div class="reveal"><div class="slides">
{% endblock -%}
{%- block markdowncell %}
<div class="text">{{ cell.source | markdown2html }}</div>
{% endblock -%}
{%- block codecell %}
{% for output in cell.outputs -%}
{% for mime, data in output.data.items() -%}
<figure{{ ' class="tall"' if output.metadata[mime].tall }}><img
src="data:{{ mime }};base64,{{ data | replace('\n', '') }}"
alt="{{ output.metadata[mime].alt | escape_html }}"></figure>
{% endfor %}{% endfor %}
{%- endblock -%}
{%- block body_footer %}
</div></div>
<script src="../vendor/reveal.js/dist/reveal.js"></script>
<script src="../vendor/reveal.js/plugin/notes/notes.js"></script>
<script>
Reveal.initialize({
  width: 1280, height: 720, margin: 0, center: false, display: "flex", transition: "none",
  slideNumber: "c/t", hash: true, controlsTutorial: false, pdfMaxPagesPerSlide: 1,
  plugins: [RevealNotes],
});
window.MathJax = {
  tex: { inlineMath: [["$", "$"], ["\\(", "\\)"]], processEscapes: true },
  svg: { fontCache: "local", scale: 0.88 },  // digits as high as those of the text
  options: { enableMenu: false },
  startup: {  // what is there for screen readers would show in the speaker's view
    pageReady: () => MathJax.startup.defaultPageReady().then(() =>
      document.querySelectorAll("aside mjx-assistive-mml").forEach(copy => copy.remove())),
  },
};
</script>
<script src="../vendor/mathjax/es5/tex-svg-full.js"></script>
</body>
{% endblock -%}
{%- block footer %}</html>
{% endblock -%}
"""


def title_cells(name: str, course: dict, minutes: int) -> list[tuple[str, str]]:
    """The title slide and its notes, [(kind, text)], from the front matter.

    minutes: those of one class, the marked path where the lesson has one.
    """
    slide = f"# {course['title']}\n\n{course['question']}\n\nColor from Gray · lesson {name[:2]}"
    goals = "\n".join(f"- {objective}" for objective in course["objectives"])
    notes = f"After this lesson students can\n\n{goals}\n\nThey need: {course['prerequisites']}"
    return [("slide", f"{slide} · {minutes} minutes"), ("notes", notes)]


def typeset(markdown: str) -> str:
    """The text of a slide with true minus signs, and intervals that are not broken over lines."""

    def mended(text: str) -> str:
        whole = INTERVAL.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
        return NEGATIVE.sub("−", whole)

    kept, last = [], 0
    for found in VERBATIM.finditer(markdown):
        kept += [mended(markdown[last : found.start()]), found[0]]
        last = found.end()
    return "".join([*kept, mended(markdown[last:])])


def is_tall(encoded: str) -> bool:
    """Whether a picture in base64 goes beside the text."""
    width, height = Image.open(io.BytesIO(b64decode(encoded))).size
    return width < TALL * height


def pictures(cell: NotebookNode, name: str) -> NotebookNode:
    """A copy of an executed cell with nothing but its pictures, each with its alt text."""
    outputs = []
    for output in cell.outputs:
        images = {
            k: v for k, v in output.get("data", {}).items() if k in ("image/png", "image/jpeg")
        }
        if not all(output.metadata.get(mime, {}).get("alt") for mime in images):
            raise ValueError(f"{name}: a figure has no alt text; draw it with plots.show")
        shown: Any = nbformat.from_dict(output | {"data": images})
        for mime, encoded in images.items():
            shown.metadata[mime]["tall"] = is_tall(encoded)
        outputs += [shown] if images else []
    if not outputs:
        raise ValueError(f'{name}: a deck="figure" cell shows no picture: {cell.source[:60]!r}')
    return nbformat.v4.new_code_cell(outputs=outputs)


def deck(path: Path) -> NotebookNode:
    """The cells of a lesson's deck as a notebook with reveal's slide types.

    Raises FileNotFoundError or ValueError when the executed notebook is missing or out of date,
    or a figure has no picture or no alt text.
    """
    path, source = Path(path), lessons.read_source(path)
    name, course = path.stem, source.metadata["course"]
    executed = path.with_suffix(".ipynb")
    if not executed.exists():
        raise FileNotFoundError(f"{executed.name} is missing: run make lessons first")
    notebook = nbformat.read(executed, as_version=4)
    shown = {cell.get("id"): cell for cell in notebook.cells}
    filled = notebook.metadata.get("build", {}).get("deck", {})
    old = f"{executed.name} is not what its source gives: run make lessons"
    whole, short = lessons.times(path, path.parents[1])
    markdown = nbformat.v4.new_markdown_cell
    cells = [(kind, markdown(t)) for kind, t in title_cells(name, course, sum(short or whole))]
    for cell in source.cells:
        kind = cell.metadata.get("deck")
        if kind in lessons.DECK_ONLY:
            if placeholders.found(cell.source) and cell["id"] not in filled:
                raise ValueError(old)
            cells.append((kind, markdown(typeset(filled.get(cell["id"], cell.source)))))
        elif kind == "figure":
            if cell["id"] not in shown:
                raise ValueError(old)
            cells.append(("-", pictures(shown[cell["id"]], name)))  # reveal's word for "go on"
        elif kind:
            raise ValueError(f'{name}: deck="{kind}" is none of slide, notes and figure')
    for kind, cell in cells:
        cell.metadata["slideshow"] = {"slide_type": kind}
    return nbformat.v4.new_notebook(cells=[cell for _, cell in cells], metadata={"course": course})


def build(path: Path, folder: Path) -> Path:
    """Write a lesson's deck to folder/slides; it expects folder/vendor beside it."""
    exporter = SlidesExporter(
        template_file="deck.html.j2",
        extra_loaders=[DictLoader({"deck.html.j2": TEMPLATE})],
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(deck(path))
    target = Path(folder) / "slides" / f"{Path(path).stem}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, encoding="utf-8")
    shutil.copyfile(STYLE, target.parent / STYLE.name)
    return target


def lectured(root: Path = lessons.ROOT) -> list[Path]:
    """The sources that have slides; lesson 00 is a tour without a lecture."""
    return [path for path in lessons.sources(root) if 'deck="slide"' in path.read_text("utf-8")]


def main() -> None:
    folder, wanted = lessons.ROOT / "build", sys.argv[1:]
    paths = [p for p in lectured() if not wanted or {p.stem, p.stem[:2]} & set(wanted)]
    if not paths:
        sys.exit(f"No such lesson with slides: {' '.join(wanted)}")
    try:
        npm.vendor(folder, PACKAGES, VENDORED, "make slides")
        for path in paths:
            print(build(path, folder).relative_to(lessons.ROOT))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
