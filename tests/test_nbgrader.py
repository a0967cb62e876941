"""Stock nbgrader gives full points to a lesson's solution and none to its stub.

Grading executes a lesson once for each student, so `make stress` does it, and not `make test`.
"""

import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from tools import lessons

ROOT = lessons.ROOT
TOY = Path(__file__).parent / "toy" / "01_toy.py"
GRADED = [path for path in lessons.sources() if 'check="' in path.read_text(encoding="utf-8")] or [
    TOY
]
FIRST, OTHERS = GRADED[0], GRADED[1:]


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


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def stubs(notebook):
    return {
        grade_id(cell): cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def without(notebook, *deleted):
    """A copy without the cells of these grade ids."""
    copy = deepcopy(notebook)
    copy.cells = [cell for cell in copy.cells if grade_id(cell) not in deleted]
    assert len(copy.cells) == len(notebook.cells) - len(deleted)
    return copy


def release(folder, source):
    """Have nbgrader release a lesson in a course folder; gives the planned copies.

    What it releases must hold the stubs of the student's copy.
    """
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (path, full), (_, student) = lessons.products(source)
    (folder / "source" / source.stem).mkdir(parents=True)
    nbformat.write(full, folder / "source" / source.stem / path.name)
    nbgrader(folder, "generate_assignment", source.stem, "--create")
    released = nbformat.read(folder / "release" / source.stem / path.name, as_version=4)
    assert stubs(student) and stubs(released) == stubs(student)
    return full, student


def grade(folder, source, handed_in, monkeypatch):
    """Grade {student: notebook}; gives ({student: score}, the most points there are).

    Fails where a person would have to look at a submission.
    """
    monkeypatch.setenv("PATH", PATH)
    name = source.stem
    for who, work in handed_in.items():
        (folder / "submitted" / who / name).mkdir(parents=True)
        nbformat.write(work, folder / "submitted" / who / name / f"{name}.ipynb")
    nbgrader(folder, "autograde", name)
    most = sum(cell.metadata.get("points", 0) for cell in lessons.read_source(source).cells)
    assert most > 0
    scores = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for who in handed_in:
            graded = gradebook.find_submission(name, who)
            assert graded.max_score == most and not graded.needs_manual_grade
            scores[who] = graded.score
    return scores, most


@pytest.mark.stress
def test_solution_gets_full_points_and_stub_none(tmp_path, monkeypatch):
    full, student = release(tmp_path, FIRST)
    names = [name for cell in full.cells if (name := grade_id(cell))]
    check = next(name for name in names if name.startswith("check_"))
    handed_in = {
        "solved": full,
        "untouched": student,
        # Deleting a check neither saves a wrong answer nor costs a right one its points.
        "solved, a check deleted": without(full, check),
        "exercises and checks deleted": without(student, *names),
    }
    scores, most = grade(tmp_path, FIRST, handed_in, monkeypatch)
    assert scores == dict(zip(handed_in, [most, 0, most, 0]))


@pytest.mark.stress
@pytest.mark.parametrize("source", OTHERS, ids=lambda path: path.stem)
def test_every_solution_gets_full_points_and_stub_none(source, tmp_path, monkeypatch):
    full, student = release(tmp_path, source)
    handed_in = {"solved": full, "untouched": student}
    scores, most = grade(tmp_path, source, handed_in, monkeypatch)
    assert scores == {"solved": most, "untouched": 0}


@pytest.mark.stress
def test_imports_that_take_half_a_minute_cost_no_points(tmp_path, monkeypatch):
    full, _ = release(tmp_path, FIRST)
    slow = deepcopy(full)
    imports = next(cell for cell in slow.cells if re.search("^from .*checks", cell.source, re.M))
    imports.source = f"import time\ntime.sleep(31)  # nbgrader's own limit is 30\n{imports.source}"
    scores, most = grade(tmp_path, FIRST, {"slow": slow}, monkeypatch)
    assert scores == {"slow": most}
