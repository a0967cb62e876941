"""Stock nbgrader gives full points to a lesson's solution and none to its stub."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from tools import lessons

ROOT = lessons.ROOT
TOY = Path(__file__).parent / "toy" / "01_toy.py"
GRADED = [path for path in lessons.sources() if path.stem != "00_start_here"] or [TOY]


# nbgrader calls `alembic` by its bare name: it needs a shell in which the environment is active.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def nbgrader(folder, *arguments):
    env = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_")}
    database = f"--db=sqlite:///{folder / 'gradebook.db'}"
    command = [sys.executable, "-m", "nbgrader", *arguments, f"--course={folder}", database]
    done = subprocess.run(
        command, cwd=folder, env=env | {"PATH": PATH}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def stubs(notebook):
    return {
        cell.metadata["nbgrader"]["grade_id"]: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


@pytest.fixture(scope="module", params=GRADED, ids=lambda path: path.stem)
def released(request, tmp_path_factory):
    """A course folder in which nbgrader has released a lesson; (folder, source)."""
    folder, source = tmp_path_factory.mktemp("course"), request.param
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (path, full), _ = lessons.products(source)
    (folder / "source" / source.stem).mkdir(parents=True)
    nbformat.write(full, folder / "source" / source.stem / path.name)
    nbgrader(folder, "generate_assignment", source.stem, "--create")
    return folder, source


def test_nbgrader_releases_the_stubs_of_the_student_copy(released):
    folder, source = released
    _, (path, student) = lessons.products(source)
    release = nbformat.read(folder / "release" / source.stem / path.name, as_version=4)
    assert stubs(student) and stubs(release) == stubs(student)


# Grading executes a lesson once for each student. What differs between lessons is tested above and
# in test_lessons.py, so one lesson is enough here.
@pytest.mark.parametrize(
    "released", GRADED[:1], indirect=True, scope="module", ids=lambda path: path.stem
)
def test_solution_gets_full_points_and_stub_none(released, monkeypatch):
    monkeypatch.setenv("PATH", PATH)
    folder, source = released
    name = source.stem
    (path, full), (_, student) = lessons.products(source)
    handed_in = {"solved": full, "untouched": student}
    for who, work in handed_in.items():
        (folder / "submitted" / who / name).mkdir(parents=True)
        nbformat.write(work, folder / "submitted" / who / name / path.name)
    nbgrader(folder, "autograde", name)
    wanted = sum(cell.metadata.get("points", 0) for cell in lessons.read_source(source).cells)
    assert wanted > 0
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        graded = {who: gradebook.find_submission(name, who) for who in handed_in}
        scores = {who: (one.score, one.max_score) for who, one in graded.items()}
    assert scores == {"solved": (wanted, wanted), "untouched": (0, wanted)}
