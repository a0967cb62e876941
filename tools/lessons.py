"""Build the lessons: one percent script in, two executed notebooks out.

    python -m tools.lessons            rebuild what is out of date      (make lessons)
    python -m tools.lessons 02         only lesson 02

`solutions/NN_name.py` is the only file of a lesson that is written by hand. From it come
`solutions/NN_name.ipynb`, the full lesson, and `notebooks/NN_name.ipynb`, the student's copy
without solutions and instructor notes. Both are executed under the `cpu` profile.

Cells of a source carry these keys after their `# %%` marker:

    exercise="NAME" minutes=5     a code cell with a region between BEGIN and END SOLUTION
    check="NAME" points=2         the cell that checks it; nbgrader grades it
    deck="slide" | "notes"        markdown that stands in the slides only (tools.slides), where
                                  {{expression:format}} is filled in (tools.placeholders)
    deck="figure"                 a code cell whose pictures also stand on the current slide
    picture="NAME"                its picture is also written to docs/images/NAME.jpeg or .png
    tags=["instructor"]           dropped from the student's copy
    tags=["optional"]             not on the marked path for one class (tools.minutes)
    tags=["export"]               what `experiments` use of the lesson; it only defines things

Everything else (front matter, setup cell, nbgrader metadata, cell ids) is made here, so that
it is the same in every lesson. What building found out stands under "build" in the metadata of
the notebooks: `minutes`, measured on the student's copy; `inputs`, the sha256 of each stored
result and checkpoint that the code names; in the full lesson `deck`, the filled text of slides.
"""

import hashlib
import math
import re
import sys
import tomllib
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from traitlets.config.loader import PyFileConfigLoader

from course_utils import files
from tools import placeholders
from tools.execution import deck_by_cell, execute, write_pictures
from tools.front import front_matter, setup_code
from tools.inputs import inputs
from tools.minutes import Minutes, kept, minutes

ROOT = Path(__file__).resolve().parents[1]
DECK_ONLY = ("slide", "notes")
FRONT_MATTER = (
    "title",
    "question",
    "objectives",
    "prerequisites",
    "running",
    "data",
    "licence",
    "extras",
)
FRAMEWORKS = {
    "keras": "Keras",
    "torch": "PyTorch",
    "scores": "PyTorch",
    "fastai": "fastai",
    "onnx": "onnxruntime",
}
TABLE = re.compile(r"(?<=<!-- lessons -->\n).*?(?=<!-- end of the lessons -->)", re.DOTALL)


def sources(root: Path = ROOT) -> list[Path]:
    """The percent scripts of all lessons, in order."""
    return sorted((Path(root) / "solutions").glob("[0-9][0-9]_*.py"))


def repository(root: Path = ROOT) -> str:
    """The repository's address, from the one place where it stands."""
    return tomllib.loads((Path(root) / "pyproject.toml").read_text())["project"]["urls"][
        "Repository"
    ]


def read_source(path: Path) -> NotebookNode:
    """A lesson's source as a notebook: every cell, with an id that depends on its text alone."""
    notebook = jupytext.read(path, fmt="py:percent")
    course = notebook.metadata.get("course", {})
    missing = [key for key in FRONT_MATTER if key not in course]
    if missing:
        raise ValueError(f"{Path(path).name}: the front matter lacks {', '.join(missing)}")
    course.pop("minutes", None)  # written by hand until they were counted
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


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


def plan(
    path: Path, root: Path = ROOT, running: int | None = None
) -> tuple[NotebookNode, NotebookNode]:
    """What a source gives before execution: (full lesson, student's copy).

    running: measured minutes; the limit in the source stands for them before the first build.
    """
    source, name, address = read_source(path), Path(path).stem, repository(root)
    course = source.metadata["course"]
    full = nbformat.v4.new_notebook(
        metadata={
            "course": course,
            "kernelspec": dict(display_name="Python 3", language="python", name="python3"),
            "language_info": {"name": "python"},
        }
    )
    front = nbformat.v4.new_markdown_cell(id="front-matter")
    setup = nbformat.v4.new_code_cell(
        setup_code(name, course["extras"], address),
        id="setup",
        metadata={"tags": ["nbval-ignore-output"]},
    )
    full.cells, deck = [front, setup], {}
    for cell in source.cells:
        if cell.metadata.get("deck") in DECK_ONLY:
            if _placeholders(cell, name):
                deck[cell["id"]] = cell.source
            continue
        metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        grading = _grading(cell)
        if grading:
            metadata["nbgrader"] = grading
        make = nbformat.v4.new_code_cell
        if cell.cell_type == "markdown":
            make = nbformat.v4.new_markdown_cell
        full.cells.append(make(cell.source, id=cell["id"], metadata=metadata))
    student = _student_cells(full)
    measured: int = course["running"] if running is None else running
    for _ in range(2):  # the second time its own words, whose number is the same, are counted
        times = counted(source, student, measured)
        student.cells[0].source = front_matter(name, course, address, *times)
    full.cells[0].source, files_used = student.cells[0].source, inputs(source, root)
    for notebook in (full, student):
        notebook.metadata["build"] = {"minutes": measured, "inputs": files_used}
    full.metadata["build"]["deck"] = deck
    return full, student


def counted(
    source: NotebookNode, student: NotebookNode, running: int
) -> tuple[Minutes, Minutes | None]:
    """Minutes of a student's copy, and those of the marked path, None where nothing is optional."""
    stated = {cell["id"]: cell.metadata.get("minutes", 0) for cell in source.cells}
    path = kept(student)
    whole = minutes(student.cells, stated, running)
    return whole, minutes(path, stated, running) if len(path) < len(student.cells) else None


def times(path: Path, root: Path = ROOT) -> tuple[Minutes, Minutes | None]:
    """What `counted` gives for a lesson, with the running time that its notebooks state."""
    _, student = (planned for _, planned in products(path, root))
    return counted(read_source(path), student, student.metadata["build"]["minutes"])


def _placeholders(cell, name):
    """Those of a deck cell; ValueError names the lesson and the cell."""
    try:
        return placeholders.found(cell.source)
    except ValueError as error:
        raise ValueError(f"{name}, deck cell {cell.source[:40]!r}: {error}") from None


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
    return clear.preprocess(copy, ResourcesDict())[0]


def same_plan(committed: NotebookNode, planned: NotebookNode) -> bool:
    """True when a notebook on disk has the planned cells: ids, types, text and metadata.

    Files that it was built with are not compared (`staleness` does), nor filled numbers.
    """

    def key(notebook):
        cells = [(c["id"], c.cell_type, c.source, c.metadata) for c in notebook.cells]
        metadata = dict(notebook.metadata)
        slides = set(metadata.pop("build", {}).get("deck", {}))
        return cells, metadata, slides

    return key(committed) == key(planned)


def products(path: Path, root: Path = ROOT) -> list[tuple[Path, NotebookNode]]:
    """[(file to write, planned notebook)] of a source: the full lesson and the student's copy.

    Minutes of running are those that the last build measured.
    """
    root, name = Path(root), Path(path).with_suffix(".ipynb").name
    targets = [root / "solutions" / name, root / "notebooks" / name]
    built = [nbformat.read(t, as_version=4).metadata.get("build") for t in targets if t.exists()]
    running = next((build["minutes"] for build in reversed(built) if build), None)
    return list(zip(targets, plan(path, root, running)))


def staleness(target: Path, planned: NotebookNode, root: Path = ROOT) -> str | None:
    """A sentence that says why a notebook is out of date, or None where it is not."""
    where = f"{target.parent.name}/{target.name}"
    if not target.exists():
        return f"{where} was never built: make lessons"
    committed = nbformat.read(target, as_version=4)
    if not same_plan(committed, planned):
        return f"{where} is not what solutions/{target.stem}.py gives: make lessons"
    then = committed.metadata.get("build", {}).get("inputs", {})
    now = planned.metadata["build"]["inputs"]
    changed = sorted(file for file in then | now if then.get(file) != now.get(file))
    if changed:
        return f"{where} was built with another {', another '.join(changed)}: make lessons"
    return None


def stale_lessons(root: Path = ROOT) -> list[str]:
    """One sentence for each notebook that is not what its source and the stored files give."""
    pairs = [pair for path in sources(root) for pair in products(path, root)]
    return [why for target, planned in pairs if (why := staleness(target, planned, root))]


def build(path: Path, root: Path = ROOT) -> list[Path]:
    """Execute and write what is out of date; return the files written.

    Raises ValueError for a placeholder without a value, nbclient's CellExecutionError for a cell
    that fails.
    """
    path, root = Path(path), Path(root)
    source, written = read_source(path), []
    newest = max(module.stat().st_mtime for module in (ROOT / "course_utils").rglob("*.py"))
    running = None
    for target, planned in products(path, root):
        full = target.parent.name == "solutions"
        fresh = not staleness(target, planned, root) and target.stat().st_mtime >= newest
        if fresh and not (full and _lacks_pictures(source, root)):
            continue
        target.parent.mkdir(exist_ok=True)
        try:
            executed, seconds = execute(
                planned, target.parent, deck_by_cell(source) if full else None
            )
        except ValueError as error:
            raise ValueError(f"{path.name}, {error}") from None
        files.write(target, nbformat.writes(executed) + "\n")
        written.append(target)
        print(f"{target.parent.name}/{target.name}: executed in {seconds:.0f} s")
        if full:
            write_pictures(source, executed, root / "docs" / "images")
        else:
            running = math.ceil(seconds / 60)
    return _say_minutes(path, root, running, written)


def _say_minutes(path, root, running, written):
    """Let both notebooks state what was measured on the student's copy; return what was written."""
    if running is None:
        return written
    for (target, _), planned in zip(products(path, root), plan(path, root, running)):
        notebook = nbformat.read(target, as_version=4)
        if notebook.metadata["build"]["minutes"] != running:
            notebook.cells[0].source = planned.cells[0].source
            notebook.metadata["build"]["minutes"] = running
            files.write(target, nbformat.writes(notebook) + "\n")
            written += [] if target in written else [target]
    whole, short = times(path, root)
    marked = f", {sum(short)} on the marked path" if short else ""
    print(f"{path.stem}: {sum(whole)} minutes{marked}")
    allowed = planned.metadata["course"]["running"]
    if running > allowed:
        print(f"{path.stem}: running takes {running} min; the front matter allows {allowed}")
    return written


def table(root: Path = ROOT) -> str:
    """The table of lessons that stands in README.md."""
    lines = [
        "| | lesson | framework | question | minutes |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for path in sources(root):
        course = read_source(path).metadata["course"]
        whole, _ = times(path, root)
        framework = FRAMEWORKS[course["extras"][0]] if course["extras"] else "scikit-image"
        link = f"[{path.stem[:2]}](notebooks/{path.stem}.ipynb)"
        row = (link, course["title"], framework, course["question"], str(sum(whole)))
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def write_table(root: Path = ROOT) -> None:
    """Write the table of lessons into README.md, between its marks."""
    readme = Path(root) / "README.md"
    text = readme.read_text(encoding="utf-8")
    new = TABLE.sub(lambda _: f"\n{table(root)}\n", text)
    if new != text:
        files.write(readme, new)


def _lacks_pictures(source, root):
    names = [cell.metadata["picture"] for cell in source.cells if "picture" in cell.metadata]
    return any(not list((root / "docs" / "images").glob(f"{name}.*")) for name in names)


def main() -> None:
    wanted = sys.argv[1:]
    chosen = [p for p in sources() if not wanted or {p.stem, p.stem[:2]} & set(wanted)]
    if not chosen:
        sys.exit(f"No such lesson: {' '.join(wanted)}")
    from tools import kit  # which counts with this module

    try:
        for path in chosen:
            build(path)
        write_table()
        kit.write_syllabi()
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
