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
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import lessons

ROOT = lessons.ROOT
SOURCES = lessons.sources() or [Path(__file__).parent / "toy" / "01_toy.py"]
NOWHERE = "https://127.0.0.1:9/nobody/listens"  # refused at once, like a network that is off
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
SENTENCE = "The course is not installed; offline, run `make lab` in a copy of it."


def setup_cell(source):
    """The first code cell of the student's copy."""
    student = lessons.products(source)[1][1]
    return next(cell.source for cell in student.cells if cell.cell_type == "code")


def extras(source):
    """What a lesson needs of pyproject.toml's extras."""
    return lessons.read_source(source).metadata["course"]["extras"]


def asks_for(source):
    """What pip is asked for where the course is missing, without the address."""
    return f"color-from-gray[{','.join(extras(source))}]" if extras(source) else "color-from-gray"


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
    """student(folder, remote, *sources) runs their setup cells, one after the other, in one kernel.

    It returns what each cell shows, and the error that ended the run or None.
    """
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

    def run(folder, remote, *sources):
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
        # The last cell tells where the course was imported from.
        cells = [*map(setup_cell, sources), "import course_utils\nprint(course_utils.__file__)"]
        notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=300, kernel_name="apart", resources=resources)
        try:
            client.execute(env=env)
            error = None
        except CellExecutionError as raised:
            error = raised
        return [cell.outputs for cell in notebook.cells], error

    run.python, run.packages = python, Path(packages)
    return run


def printed(outputs):
    """What a cell printed, which is all that it shows. A busy kernel sends it in pieces."""
    assert {output.get("name") for output in outputs} == {"stdout"}
    return "".join(output.text for output in outputs)


def assert_started(outputs, where, *sources):
    """Each cell printed its five lines and nothing else; the course lies in `where`."""
    *told, address = map(printed, outputs)
    for source, text in zip(sources, told, strict=True):
        words = [line.split() for line in text.splitlines()]
        assert [first for first, *_ in words] == ["lesson", "profile", "seed", "device", "data"]
        assert words[0][1] == source.stem
    assert Path(address.strip()).is_relative_to(where)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_setup_cells_differ_in_name_and_extras_alone(source):
    first = SOURCES[0]
    wanted = setup_cell(first).replace(first.stem, source.stem)
    assert setup_cell(source) == wanted.replace(f'"{asks_for(first)} @', f'"{asks_for(source)} @')
    assert set(extras(source)) <= set(EXTRAS)


@pytest.mark.stress
def test_single_files_install_the_course_from_the_repository(student, clone, tmp_path):
    # The lesson that needs most installs the course; the others find it, with all that they need.
    most, *others = sorted(SOURCES, key=lambda source: -len(extras(source)))
    remote = (clone.parent / "bare.git").as_uri()
    outputs, error = student(tmp_path / "alone", remote, most, *others)
    assert error is None
    assert_started(outputs, student.packages, most, *others)
    wanted = sorted({asks_for(source) for source in SOURCES})
    command = [student.python, "-m", "pip", "install", "--dry-run", "--no-index", *wanted]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0 and "Would install" not in told.stdout, told.stdout + told.stderr
    assert "does not provide the extra" not in told.stderr


def test_clone_installs_the_course_from_itself(student, clone):
    outputs, error = student(clone / "notebooks", NOWHERE, SOURCES[0])
    assert error is None
    assert_started(outputs, student.packages, SOURCES[0])


def test_without_network_one_sentence_names_the_remedy(student, tmp_path):
    (told, after), error = student(tmp_path / "alone", NOWHERE, SOURCES[0])
    assert error is not None and not after  # "Run all" stops here
    assert (
        "".join(output.get("text", "traceback") for output in told) == f"UsageError: {SENTENCE}\n"
    )


def test_installed_course_is_left_alone(student, clone, tmp_path):
    (student.packages / "course_utils").symlink_to(clone / "course_utils")
    info = student.packages / "color_from_gray-0.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: color-from-gray\nVersion: 0.0.0\n")
    outputs, error = student(tmp_path / "alone", NOWHERE, SOURCES[0])
    assert error is None
    assert_started(outputs, student.packages, SOURCES[0])
    assert sorted(path.name for path in student.packages.glob("*color_from_gray*")) == [info.name]
