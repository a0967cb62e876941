"""Build the lessons: one percent script in, two executed notebooks out.

    python -m tools.lessons            rebuild what changed      (make lessons)

`solutions/NN_name.py` is the only file of a lesson that is written by hand. From it come
`solutions/NN_name.ipynb`, the full lesson, and `notebooks/NN_name.ipynb`, the student's copy
without solutions and instructor notes. Both are executed under the `cpu` profile.

Cells of a source carry these keys after their `# %%` marker:

    exercise="NAME" minutes=5     a code cell with a region between BEGIN and END SOLUTION
    check="NAME" points=2         the cell that checks it; nbgrader grades it
    deck="slide" | "notes"        markdown that stands in the slides only (tools.slides)
    deck="figure"                 a code cell whose pictures also stand on the current slide
    picture="NAME"                its picture is also written to docs/images/NAME.jpeg or .png
    tags=["instructor"]           dropped from the student's copy

Everything else (front matter, setup cell, nbgrader metadata, cell ids) is made here, so that
it is the same in every lesson.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import time
import tomllib
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbgrader.preprocessors import ClearSolutions
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[1]
DECK_ONLY = ("slide", "notes")
FRONT_MATTER = (
    "title",
    "question",
    "objectives",
    "prerequisites",
    "minutes",
    "running",
    "data",
    "licence",
    "extras",
)
WORDS_A_MINUTE = 150
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def sources(root=ROOT):
    """The percent scripts of all lessons, in order."""
    return sorted((Path(root) / "solutions").glob("[0-9][0-9]_*.py"))


def repository(root=ROOT):
    """The repository's address, from the one place where it stands."""
    return tomllib.loads((Path(root) / "pyproject.toml").read_text())["project"]["urls"][
        "Repository"
    ]


def read_source(path):
    """A lesson's source as a notebook: every cell, with an id that depends on its text alone."""
    notebook = jupytext.read(path, fmt="py:percent")
    course = notebook.metadata.get("course", {})
    missing = [key for key in FRONT_MATTER if key not in course]
    if missing:
        raise ValueError(f"{Path(path).name}: the front matter lacks {', '.join(missing)}")
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def words(notebook):
    """Words that a student reads: the markdown of the student's copy, without addresses."""
    text = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return len(re.findall(r"\w[\w'’*.-]*", re.sub(r"https?://\S+|<[^>]+>", " ", text)))


def planned_minutes(source):
    """Reading, running and exercise minutes of a lesson; their sum is its planned time."""
    reading = words(_student_cells(source)) / WORDS_A_MINUTE
    exercises = sum(cell.metadata.get("minutes", 0) for cell in source.cells)
    return round(reading), source.metadata["course"]["running"], exercises


def front_matter(name, source, address):
    """The first cell of a lesson, made from the metadata of its source."""
    course = source.metadata["course"]
    reading, running, exercises = planned_minutes(source)
    colab = address.replace("https://github.com/", "https://colab.research.google.com/github/")
    link = f"{colab}/blob/main/notebooks/{name}.ipynb"
    return "\n".join(
        [
            f"# {name[:2]} · {course['title']}",
            "",
            f"**{course['question']}**",
            "",
            f"[Open this lesson in Colab]({link})",  # a badge would be a broken picture offline
            "",
            "After this lesson you can",
            "",
            *(f"- {objective}" for objective in course["objectives"]),
            "",
            f"**Before you start:** {course['prerequisites']}",
            "",
            f"**Time:** {course['minutes']} minutes (reading {reading}, running {running}, "
            f"exercises {exercises})",
            "",
            f"**Data:** {course['data']}",
            "",
            f"**Licence:** {course['licence']}",
        ]
    )


def setup_code(name, extras, address):
    """The first code cell: silent where the course is installed, else installs what is missing."""
    package = f"color-from-gray[{','.join(extras)}]" if extras else "color-from-gray"
    return f'''import importlib.util
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("course_utils") is None:  # no `make lab` here: Colab, or one file
    from IPython.core.error import UsageError

    clone, source = Path.cwd().parent, "git+{address}"
    if (clone / "course_utils").is_dir():
        source = clone.as_uri()
    pip = [sys.executable, "-m", "pip", "install", "-q", f"{package} @ {{source}}"]
    if subprocess.run(pip, capture_output=True).returncode:
        raise UsageError("The course is not installed; offline, run `make lab` in a copy of it.")
    importlib.invalidate_caches()

from course_utils import course

session = course.start("{name}")'''


def _grading(cell):
    """nbgrader's metadata for an exercise or its check, else None."""
    grade = dict(schema_version=3, task=False, grade=False, solution=False, locked=False)
    if "exercise" in cell.metadata:
        return grade | dict(grade_id=cell.metadata["exercise"], solution=True)
    if "check" in cell.metadata:
        points = cell.metadata.get("points", 1)
        name = f"check_{cell.metadata['check']}"
        return grade | dict(grade_id=name, grade=True, locked=True, points=points)
    return None


def plan(path, root=ROOT):
    """What a source gives before execution: (full lesson, student's copy)."""
    source, name, address = read_source(path), Path(path).stem, repository(root)
    full = nbformat.v4.new_notebook(
        metadata={
            "course": source.metadata["course"],
            "kernelspec": dict(display_name="Python 3", language="python", name="python3"),
            "language_info": {"name": "python"},
        }
    )
    front = nbformat.v4.new_markdown_cell(front_matter(name, source, address), id="front-matter")
    setup = nbformat.v4.new_code_cell(
        setup_code(name, source.metadata["course"]["extras"], address),
        id="setup",
        metadata={"tags": ["nbval-ignore-output"]},
    )
    full.cells = [front, setup]
    for cell in source.cells:
        if cell.metadata.get("deck") in DECK_ONLY:
            continue
        metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        grading = _grading(cell)
        if grading:
            metadata["nbgrader"] = grading
        make = nbformat.v4.new_code_cell
        if cell.cell_type == "markdown":
            make = nbformat.v4.new_markdown_cell
        full.cells.append(make(cell.source, id=cell["id"], metadata=metadata))
    return full, _student_cells(full)


def _student_cells(notebook):
    """A copy without instructor and deck cells, its solutions replaced by stubs."""
    copy = deepcopy(notebook)
    copy.cells = [
        cell
        for cell in copy.cells
        if "instructor" not in cell.metadata.get("tags", [])
        and cell.metadata.get("deck") not in DECK_ONLY
    ]
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    clear = ClearSolutions(config=config, enforce_metadata=False)
    return clear.preprocess(copy, {})[0]


def execute(notebook, folder):
    """Run a notebook in its folder under the cpu profile; return it with tidy outputs."""
    # TensorFlow's start-up lines vanish under pytest; without this they would be captured here
    # and missing there.
    env = os.environ | {"COURSE_PROFILE": "cpu", "PYTEST_CURRENT_TEST": "building"}
    notebook = deepcopy(notebook)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.on_comm_open_jupyter_widget = lambda msg: None  # widgets may swallow a reply otherwise
    client.execute(env=env, stderr=subprocess.DEVNULL)  # the kernel's own log, not the cells'
    notebook.metadata["language_info"] = {"name": "python"}  # nbclient adds the Python's version
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # it names a model of a dead kernel
    return notebook


def same_plan(committed, planned):
    """True when a notebook on disk has the planned cells: ids, types, text and metadata."""

    def key(notebook):
        cells = [(c["id"], c.cell_type, c.source, c.metadata) for c in notebook.cells]
        return cells, notebook.metadata

    return key(committed) == key(planned)


def products(path, root=ROOT):
    """[(file to write, planned notebook)] of a source: the full lesson and the student's copy."""
    full, student = plan(path, root)
    name = Path(path).with_suffix(".ipynb").name
    return [
        (Path(root) / "solutions" / name, full),
        (Path(root) / "notebooks" / name, student),
    ]


def build(path, root=ROOT):
    """Execute and write what is out of date; return the files written."""
    written = []
    newest = max(p.stat().st_mtime for p in [Path(path), *(ROOT / "course_utils").rglob("*.py")])
    for target, planned in products(path, root):
        fresh = target.exists() and target.stat().st_mtime >= newest
        if fresh and same_plan(nbformat.read(target, as_version=4), planned):
            continue
        target.parent.mkdir(exist_ok=True)
        started = time.perf_counter()
        executed = execute(planned, target.parent)
        minutes = (time.perf_counter() - started) / 60
        allowed = planned.metadata["course"]["running"]
        nbformat.write(executed, target)
        if target.parent.name == "solutions":
            write_pictures(read_source(path), executed, Path(root) / "docs" / "images")
        late = f", more than the {allowed} min of its front matter" if minutes > allowed else ""
        print(f"{target.parent.name}/{target.name}: executed in {60 * minutes:.0f} s{late}")
        written.append(target)
    return written


def write_pictures(source, executed, folder):
    """Write the pictures that the README and the docs show, from the executed lesson."""
    outputs = {cell["id"]: cell.get("outputs", []) for cell in executed.cells}
    for cell in source.cells:
        if name := cell.metadata.get("picture"):
            data = outputs[cell["id"]][-1].data
            kind = next(kind for kind in data if kind.startswith("image/"))
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.{kind.removeprefix('image/')}"
            path.write_bytes(base64.b64decode(data[kind]))


def main():
    wanted = sys.argv[1:]
    for path in sources():
        if not wanted or path.stem[:2] in wanted or path.stem in wanted:
            build(path)


if __name__ == "__main__":
    main()
