"""Sphinx's settings. `python -m tools.website` (make site) prepares what it reads."""

import re
from importlib.metadata import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADDRESSES = metadata("color-from-gray").get_all("Project-URL") or []
REPOSITORY = dict(address.split(", ", 1) for address in ADDRESSES)["Repository"]

project = "Color from Gray"
author = "Color from Gray contributors"
copyright = "Color from Gray contributors; text and figures CC BY 4.0, code MIT"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
exclude_patterns = []
html_extra_path = [str(HERE.with_name("site_extra"))]

nb_execution_mode = "off"  # the notebooks are executed where they are built
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "mystnb.unknown_mime_type"]

# Docstrings are plain text: what stands between backticks is code.
default_role = "code"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True  # as they are written, not as this machine shows them
add_module_names = False
python_use_unqualified_type_names = True

mathjax_path = "../vendor/mathjax/es5/tex-svg-full.js"
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_use_index = False
html_show_sourcelink = True
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": "main",
    "path_to_docs": "",
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "use_download_button": True,
    "use_repository_button": True,
    "use_issues_button": False,
    "use_edit_page_button": False,
    "show_navbar_depth": 1,
    "navbar_start": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


ITEM = re.compile(r"^([a-zA-Z_][\w, ]{0,30}): ")


def as_paragraphs(app, what, name, obj, options, lines):
    """Docstrings of the course are plain text: make reStructuredText of them.

    "name: what it means" is an item of a list, and indented lines go on with it. Examples stay as
    they are.
    """
    paragraphs = "\n".join(lines).split("\n\n")
    lines.clear()
    for paragraph in paragraphs:
        if paragraph.lstrip().startswith(">>>"):
            lines += [*paragraph.splitlines(), ""]
            continue
        text = re.sub(r"\n +", " ", paragraph.strip())
        text = re.sub(r"([*|\\])", r"\\\1", text)
        text = re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", text)  # a plural behind a name
        for line in text.splitlines():
            if ITEM.match(line):
                lines += ["", ITEM.sub(r"- **\1**: ", line)]
            elif line.startswith(("Returns", "Raises")):
                lines += ["", line]
            else:  # goes on with the text or the item before it
                lines += ["  " * lines[-1:][0].startswith(("- ", "  ")) + line] if lines else [line]
        lines.append("")


ARRAY = re.compile(r"[\w~.]*_Buffer \| .+?complex \| bytes \| str \| .+?complex \| bytes \| str\]")


def with_short_types(app, what, name, obj, options, signature, returns):
    """numpy's ArrayLike by its name: written out it takes three lines."""
    return ARRAY.sub("ArrayLike", signature or "") or None, returns


def without_fields(app, what, name, obj, skip, options):
    """A field of a named tuple is explained by its class; Python's own word for it says nothing."""
    return True if (getattr(obj, "__doc__", "") or "").startswith("Alias for field") else None


def setup(app):
    """Connect what Sphinx calls."""
    app.connect("autodoc-process-docstring", as_paragraphs)
    app.connect("autodoc-process-signature", with_short_types)
    app.connect("autodoc-skip-member", without_fields)
