"""Build the course's web site: every lesson, slide deck, table and page, without network.

    python -m tools.website [-o build/site]      (make site)

Sphinx reads `build/site_source`, which is laid out like the repository, so that links between its
files keep their meaning: pages written by hand in `site/`, the documents of `docs/`, the students'
notebooks, and pages made here (slides, gallery, leaderboard, bibliography, first uses of terms,
API). Nothing is executed. npm fetches reveal.js, MathJax and onnxruntime-web once.
"""

import argparse
import base64
import hashlib
import html
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image

from course_utils import photos
from course_utils.colorizer import BEST, Colorizer
from deploy.browser import build as browser
from tools import lessons, npm, slides

SITE, NOTEBOOKS = lessons.ROOT / "site", lessons.ROOT / "notebooks"
# What a reader may ask of the package, in the order of the page; a module of the repository each.
MODULES = (
    "color",
    "photos",
    "paintbox",
    "metrics",
    "colorizer",
    "networks",
    "batches",
    "bins",
    "training",
    "old_photographs",
    "video",
    "leaderboard",
    "claims",
    "plots",
    "widgets",
    "course",
    "files",
    "checks",
)
LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)#\s]+)((?:#[^)\s]*)?\))")
EMPTY = re.compile(r"<th([^>]*)>(?:<p></p>)?\s*</th>")
MADE = "<!-- Made by tools/website.py: do not edit. -->\n\n"
THUMBNAIL, QUALITY = 200, 70  # pixels of the gallery's pictures; of all JPEGs of the site


def address(path: str) -> str:
    """Where the repository shows one of its files."""
    return f"{lessons.repository()}/blob/main/{path}"


def relinked(text: str, page: Path, source: Path) -> str:
    """A page's text; links to files that the site does not have lead to the repository.

    page: where the text stands, relative to the repository. source: the folder that Sphinx reads.
    """

    def changed(link: re.Match) -> str:
        before, target, after = link.groups()
        wanted = (lessons.ROOT / page.parent / target).resolve()
        if not wanted.is_relative_to(lessons.ROOT):
            return link[0]
        inside = wanted.relative_to(lessons.ROOT)
        if (source / inside).is_file() or not wanted.exists():
            return link[0]
        return f"{before}{address(inside.as_posix())}{after}"

    return LINK.sub(changed, text)


def notebook(path: Path) -> nbformat.NotebookNode:
    """A student's notebook for the site: each picture's alt text where myst-nb looks for it."""
    read = nbformat.read(path, as_version=4)
    for cell in read.cells:
        if cell.cell_type != "code":
            continue
        if "course.start(" in cell.source:  # the setup cell is for who runs it
            cell.metadata["tags"] = ["hide-input"]
        for output in cell.outputs:
            for mime, facts in output.get("metadata", {}).items():
                if mime.startswith("image/"):
                    cell.metadata["mystnb"] = {"image": {"alt": facts["alt"]}}
    return read


def without_outputs(path: Path) -> None:
    """Make a notebook that visitors download small: they run it themselves."""
    read = nbformat.read(path, as_version=4)
    for cell in read.cells:
        cell.metadata.pop("mystnb", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(read, path)


# Pages that are made.


def bibliography() -> str:
    """What the lessons name under "Further reading", lesson by lesson."""
    parts = [MADE, "# Bibliography\n"]
    for path in lessons.sources():
        read = lessons.read_source(path)
        text = "\n\n".join(c.source for c in read.cells if c.cell_type == "markdown")
        found = re.search(r"^## Further reading\n+(.+?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
        if found:
            title = read.metadata["course"]["title"]
            parts.append(f"## {path.stem[:2]} · {title}\n\n{found[1].strip()}\n")
    return "\n".join(parts).replace("](../", "](")  # a lesson lies one folder deeper


def gallery(folder: Path) -> str:
    """The album with its credits, test photographs beside what the default colorizer makes of them.

    Writes the pictures into folder/gallery.
    """
    (folder / "gallery").mkdir(parents=True, exist_ok=True)
    model = Colorizer.load(BEST)
    parts = [MADE, (SITE / "gallery.md").read_text(encoding="utf-8")]
    for split, title in (("test", "Test photographs"), ("train", "Training photographs")):
        parts += [f"\n## {title}\n", '<div class="gallery">']
        for photo in photos.album(split):
            colored = [model.colorize(photo.rgb)] if split == "test" else []
            picture = Image.fromarray(np.concatenate([*colored, photo.rgb], axis=1))
            picture.thumbnail((THUMBNAIL * (1 + len(colored)), THUMBNAIL))
            picture.save(folder / "gallery" / f"{photo.name}.jpg", quality=QUALITY)
            name = photo.name.replace("_", " ")
            alt = f"{name}: colorized on the left, the photograph on the right" if colored else name
            parts.append(
                f'<figure><img src="gallery/{photo.name}.jpg" alt="{html.escape(alt)}" '
                f'width="{picture.width}" height="{picture.height}" loading="lazy">'
                f'<figcaption><a href="{html.escape(photo.source)}">{html.escape(photo.credit)}</a>'
                "</figcaption></figure>"
            )
        parts.append("</div>")
    return "\n".join(parts)


def block(name: str) -> str:
    """What stands in the README between the comments of this name."""
    text = (lessons.ROOT / "README.md").read_text(encoding="utf-8")
    return text.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of the {name} -->")[0].strip()


def glossary() -> str:
    """The terms of `site/glossary.md`, a table, as a list; with the lesson that uses each first."""
    read = {path.stem: nbformat.read(path, 4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    texts = {name: "\n".join(cell.source for cell in nb.cells) for name, nb in read.items()}

    def entry(row: re.Match) -> str:
        term, meaning = row.groups()
        word = re.compile(rf"\b{re.escape(term)}", re.IGNORECASE)
        name = next((name for name, text in texts.items() if word.search(text)), None)
        first = f" (lesson [{name[:2]}](notebooks/{name}.ipynb))" if name else ""
        return f"**{term}**\n: {meaning}{first}\n"

    text = (SITE / "glossary.md").read_text(encoding="utf-8")
    text = re.sub(r"^\| (?:term|---) .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^\| \*\*(.+?)\*\* \| (.+) \|$", entry, text, flags=re.MULTILINE)


def decks() -> str:
    """The list of slide decks."""
    lines = [MADE, (SITE / "slides.md").read_text(encoding="utf-8")]
    for path in slides.lectured():
        title = lessons.read_source(path).metadata["course"]["title"]
        lines.append(f'- <a href="slides/{path.stem}.html">{path.stem[:2]} · {title}</a>')
    return "\n".join(lines)


def api(module: str) -> str:
    """The page of a module, in reStructuredText: its docstring, and those of all that it offers."""
    package = (lessons.ROOT / "course_utils" / module).is_dir()
    shared = "   :imported-members:\n" * package  # a package offers what stands in its modules
    return (
        f"{module}\n{'=' * len(module)}\n\n.. automodule:: course_utils.{module}\n   :members:\n"
        f"{shared}   :member-order: bysource\n"
    )


def shared_pictures(deck: Path, images: Path) -> None:
    """Take a deck's pictures out of its page: into `images`, where the lessons' pictures lie.

    A picture that a lesson shows as well lies there once.
    """
    known = {hashlib.sha256(path.read_bytes()).digest(): path.name for path in images.iterdir()}

    def outside(found: re.Match) -> str:
        data = base64.b64decode(found[2])
        key = hashlib.sha256(data).digest()
        if key not in known:
            known[key] = f"{key.hex()[:32]}.{found[1]}"
            (images / known[key]).write_bytes(data)
        return f'src="../{images.name}/{known[key]}"'

    text = deck.read_text(encoding="utf-8")
    text = re.sub(r'src="data:image/(\w+);base64,([^"]+)"', outside, text)
    deck.write_text(text, encoding="utf-8")


def make_light(folder: Path) -> None:
    """Store the site's JPEGs smaller, with colors at full resolution; drop what nobody reads."""
    shutil.rmtree(folder / ".doctrees", ignore_errors=True)  # Sphinx keeps it for its next run
    for path in [*folder.rglob("*.map"), *folder.glob("_static/*webpack-macros.html")]:
        path.unlink()
    for path in (folder / "_images").glob("*.jp*g"):
        small = io.BytesIO()
        Image.open(path).save(small, "JPEG", quality=QUALITY, progressive=True, subsampling=0)
        if small.tell() < path.stat().st_size:
            path.write_bytes(small.getvalue())


def make_accessible(folder: Path) -> None:
    """Name what the theme leaves without a name for a screen reader."""
    for path in folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        named = text.replace("<summary>", '<summary aria-label="Pages below">', 1)
        start = '<div class="sidebar-primary-items__start'
        named = named.replace(
            start, start.replace("<div", '<div role="navigation" aria-label="Site"')
        )
        named = EMPTY.sub(r"<td\1></td>", named)  # a table's corner is a cell, and heads nothing
        if named != text:
            path.write_text(named, encoding="utf-8")


# The site.


def assemble(source: Path, extra: Path) -> None:
    """Write all that Sphinx reads into `source`, and what it copies as it is into `extra`."""
    for folder in (source, extra):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SITE, source)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        target = source / "notebooks" / path.name
        target.parent.mkdir(exist_ok=True)
        nbformat.write(notebook(path), target)
    made = {
        "gallery.md": gallery(extra),
        "glossary.md": glossary(),
        "slides.md": decks(),
        "bibliography.md": bibliography(),
        "leaderboard.md": f"{MADE}# Leaderboard\n\n{block('leaderboard')}\n",
        **{f"api/{module}.rst": api(module) for module in MODULES},
    }
    for name, text in made.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    documents = [lessons.ROOT / "CONTRIBUTING.md", *lessons.ROOT.glob("docs/*.md")]
    for path in [*documents, *lessons.ROOT.glob("docs/teaching/*.md")]:
        target = source / path.relative_to(lessons.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copytree(lessons.ROOT / "docs" / "images", source / "docs" / "images")
    for path in source.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        path.write_text(relinked(text, path.relative_to(source), source), encoding="utf-8")
    for path in (source / "notebooks").glob("*.ipynb"):
        read = nbformat.read(path, as_version=4)
        for cell in read.cells:
            if cell.cell_type == "markdown":
                cell.source = relinked(cell.source, path.relative_to(source), source)
        nbformat.write(read, path)


def build(target: Path) -> Path:
    """Build the whole site into `target`; raises OSError or CalledProcessError where it cannot."""
    source, extra = target.with_name("site_source"), target.with_name("site_extra")
    assemble(source, extra)
    vendor = npm.vendor(target.parent, slides.PACKAGES, slides.VENDORED, "make site")
    shutil.copytree(vendor, extra / "vendor", ignore=shutil.ignore_patterns("onnxruntime*"))
    browser.build(extra / "colorize", [BEST])
    shutil.rmtree(target, ignore_errors=True)
    call = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    subprocess.run([*call, str(source), str(target)], check=True)
    for path in slides.lectured():
        shared_pictures(slides.build(path, target), target / "_images")
    for path in (target / "_sources").rglob("*.ipynb"):
        without_outputs(path)
    make_light(target)
    make_accessible(target)
    return target


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.website", description="Build the site.")
    parser.add_argument("-o", dest="target", type=Path, default=lessons.ROOT / "build" / "site")
    try:
        print(build(parser.parse_args(argv).target.resolve()))
    except OSError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError:
        sys.exit("Sphinx found mistakes: mend what it names above, and call make site again.")


if __name__ == "__main__":
    main()
