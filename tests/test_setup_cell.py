"""The setup cell brings the course where it is missing: beside a clone, alone, without network.

Each test has a virtual environment that sees what this one has installed, but not the course. Git
is told to fetch the repository's address from a local bare clone, so the cell is run as it is.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import lessons

ROOT = lessons.ROOT
SOURCES = lessons.sources() or [Path(__file__).parent / "toy" / "01_toy.py"]
NOWHERE = "https://127.0.0.1:9/nobody/listens"  # refused at once, like a network that is off
SENTENCE = "The course is not installed; offline, run `make lab` in a copy of it."


def setup_cell(source):
    """The first code cell of the student's copy."""
    student = lessons.products(source)[1][1]
    return next(cell.source for cell in student.cells if cell.cell_type == "code")


def one_lesson_for_each_set_of_extras():
    found = {}
    for source in SOURCES:
        found.setdefault(tuple(lessons.read_source(source).metadata["course"]["extras"]), source)
    return list(found.values())


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory):
    """A folder with everything this environment has installed, except the course."""
    folder = tmp_path_factory.mktemp("dependencies")
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "color_from_gray" not in entry.name and entry.name != "__pycache__":
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of this working tree, which knows its bare repository as its origin."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: it makes a repository from its files")
    base = tmp_path_factory.mktemp("repository")
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (base / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, base / "tree" / name)
    for command in (
        ["init", "--quiet", "--initial-branch=main", "tree"],
        ["-C", "tree", "add", "--all"],
        ["-C", "tree", "commit", "--quiet", "--message=All files"],
        ["clone", "--quiet", "--bare", "tree", "bare.git"],
        ["clone", "--quiet", "bare.git", "clone"],
    ):
        subprocess.run([*git, *command], cwd=base, check=True, capture_output=True)
    (base / "clone" / "notebooks").mkdir(exist_ok=True)
    return base / "clone"


@pytest.fixture
def student(tmp_path, monkeypatch, dependencies):
    """student(source, folder, remote) runs a setup cell; returns (what it shows, its error)."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    report = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = subprocess.check_output([python, "-c", report], text=True).strip()
    (Path(packages) / "dependencies.pth").write_text(str(dependencies))
    spec = tmp_path / "jupyter" / "kernels" / "apart"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": argv, "display_name": "apart", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    def run(source, folder, remote):
        env = {
            k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "COURSE"))
        }
        env |= {
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the wrong way round: this is "off"
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{remote}.insteadOf",
            "GIT_CONFIG_VALUE_0": lessons.repository(),
        }
        folder.mkdir(exist_ok=True)
        # The second cell tells where the course was imported from.
        cells = [setup_cell(source), "import course_utils\nprint(course_utils.__file__)"]
        notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=300, kernel_name="apart", resources=resources)
        try:
            client.execute(env=env)
            error = None
        except CellExecutionError as raised:
            error = raised
        return [cell.outputs for cell in notebook.cells], error

    run.packages = Path(packages)
    return run


def assert_started(outputs, source, where):
    """The first cell printed its five lines and nothing else; the course lies in `where`."""
    (told,), (address,) = outputs
    assert told.name == "stdout"
    lines = told.text.splitlines()
    assert [line.split()[0] for line in lines] == ["lesson", "profile", "seed", "device", "data"]
    assert lines[0].split()[1] == source.stem
    assert Path(address.text.strip()).is_relative_to(where)


@pytest.mark.parametrize("source", one_lesson_for_each_set_of_extras(), ids=lambda path: path.stem)
def test_single_file_installs_the_course_from_the_repository(source, student, clone, tmp_path):
    remote = (clone.parent / "bare.git").as_uri()
    outputs, error = student(source, tmp_path / "alone", remote)
    assert error is None
    assert_started(outputs, source, student.packages)


def test_clone_installs_the_course_from_itself(student, clone):
    outputs, error = student(SOURCES[0], clone / "notebooks", NOWHERE)
    assert error is None
    assert_started(outputs, SOURCES[0], student.packages)


def test_without_network_one_sentence_names_the_remedy(student, tmp_path):
    (told, after), error = student(SOURCES[0], tmp_path / "alone", NOWHERE)
    assert error is not None and not after  # "Run all" stops here
    assert (
        "".join(output.get("text", "traceback") for output in told) == f"UsageError: {SENTENCE}\n"
    )


def test_installed_course_is_left_alone(student, clone, tmp_path):
    (student.packages / "course_utils").symlink_to(clone / "course_utils")
    info = student.packages / "color_from_gray-0.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: color-from-gray\nVersion: 0.0.0\n")
    outputs, error = student(SOURCES[0], tmp_path / "alone", NOWHERE)
    assert error is None
    assert_started(outputs, SOURCES[0], student.packages)
    assert sorted(path.name for path in student.packages.glob("*color_from_gray*")) == [info.name]
