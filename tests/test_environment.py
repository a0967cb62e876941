"""The files that install, check and publish the course agree with each other and with the code."""

import doctest
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
EXTRAS = PROJECT["optional-dependencies"]
WORKFLOWS = ROOT / ".github" / "workflows"
CLAIMED = [
    text.rpartition(" ")[2]
    for text in PROJECT["classifiers"]
    if text.startswith("Programming Language :: Python :: ")
]
DIRECT = [
    requirement
    for requirement in map(Requirement, sum(EXTRAS.values(), PROJECT["dependencies"]))
    if requirement.name != PROJECT["name"]
]


def pins():
    """The lines of constraints.txt as requirements."""
    return [Requirement(line) for line in CONSTRAINTS if line.strip() and line[0] != "#"]


def pinned(name, python=None):
    """The pins of a package that hold under this Python, or under `python` = "3.11"."""
    here = (
        {} if python is None else {"python_version": python, "python_full_version": f"{python}.9"}
    )
    return [
        pin
        for pin in pins()
        if pin.name == name and (pin.marker is None or pin.marker.evaluate(here))
    ]


def workflow(name):
    parsed = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return parsed | {"on": parsed[True]}  # YAML 1.1 reads the key `on` as true


# pyproject.toml, constraints.txt, environment.yml


def test_pyproject_gives_lower_bounds_only():
    for requirement in DIRECT:
        assert [spec.operator for spec in requirement.specifier] == [">="], str(requirement)
        assert requirement.url is None


def test_extras_that_name_extras_name_existing_ones():
    named = [
        (requirement, extra)
        for requirement in map(Requirement, sum(EXTRAS.values(), []))
        if requirement.name == PROJECT["name"]
        for extra in requirement.extras
    ]
    assert named
    for requirement, extra in named:
        assert extra in EXTRAS, str(requirement)


def test_every_constraint_is_one_exact_version_without_address():
    for pin in pins():
        assert [spec.operator for spec in pin.specifier] == ["=="], str(pin)
        assert pin.url is None and not pin.extras
    for line in CONSTRAINTS:
        assert "://" not in line and " @ " not in line and not line.startswith("-"), line


@pytest.mark.parametrize("python", CLAIMED)
def test_every_dependency_is_pinned_once_within_its_bound(python):
    for requirement in DIRECT:
        found = pinned(requirement.name, python)
        assert len(found) == 1, f"{requirement.name} has {len(found)} pins under Python {python}"
        (spec,) = found[0].specifier
        assert requirement.specifier.contains(spec.version), f"{found[0]} against {requirement}"


def test_the_tested_environment_is_the_pinned_one():
    wrong = []
    for requirement in DIRECT:
        (pin,) = pinned(requirement.name)
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = "nothing"
        if not pin.specifier.contains(found if found != "nothing" else "0"):
            wrong.append(f"{pin}, installed is {found}")
    assert not wrong


def test_conda_environment_agrees_with_pyproject():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["name"] == PROJECT["name"]
    python, pip, lines = conda["dependencies"]
    assert re.fullmatch(r"python=3\.\d+", python) and pip == "pip"
    assert python.partition("=")[2] in CLAIMED
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.partition("=")[2])
    constrain, install = lines["pip"]
    assert constrain == "-c constraints.txt"
    extras = re.fullmatch(r"-e \.\[(.+)\]", install)[1].split(",")
    assert set(extras) <= set(EXTRAS)


def test_claimed_python_versions_are_those_that_ci_runs():
    jobs = workflow("test.yml")["jobs"]
    for name in ("test", "unit"):
        assert jobs[name]["strategy"]["matrix"]["python-version"] == CLAIMED
    minors = sorted(int(text.partition(".")[2]) for text in CLAIMED)
    assert minors == [*range(minors[0], minors[-1] + 1)]
    assert PROJECT["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"


# Workflows


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.yml")), ids=lambda file: file.name)
def test_workflows_use_two_actions_and_say_what_they_may_do(file):
    parsed = workflow(file.name)
    assert parsed["permissions"]["contents"] == "read"
    for job in parsed["jobs"].values():
        assert job["timeout-minutes"]
        used = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        assert used <= {"actions/checkout", "actions/setup-python"}


def commands(job):
    """The shell lines of a workflow's job."""
    return [step.get("run", "") for step in job["steps"]]


def test_ci_runs_make_lint_and_make_test_on_push_and_pull_request():
    parsed = workflow("test.yml")
    assert {"push", "pull_request"} <= set(parsed["on"])
    steps = commands(parsed["jobs"]["test"])
    assert "make test" in steps and any("chromium" in step for step in steps)
    assert "make lint" in commands(parsed["jobs"]["lint"])


def test_ci_runs_the_unit_tests_on_other_systems():
    unit = workflow("test.yml")["jobs"]["unit"]
    assert unit["strategy"]["matrix"]["os"] == ["windows-latest", "macos-latest"]
    install, test = filter(None, commands(unit))
    assert "-c constraints.txt" in install and "[test]" in install
    assert test.startswith("python -m pytest") and "nbval" not in test and test.endswith(" tests")


def test_ci_runs_make_stress_every_night():
    parsed = workflow("stress.yml")
    (cron,) = parsed["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", cron["cron"])
    assert "make stress" in commands(parsed["jobs"]["stress"])


def test_colab_workflow_runs_each_notebook_alone_every_week(tmp_path):
    parsed = workflow("colab.yml")
    (cron,) = parsed["on"]["schedule"]
    assert (
        re.fullmatch(r"\d+ \d+ \* \* [0-6]", cron["cron"]) and "workflow_dispatch" in parsed["on"]
    )
    job = parsed["jobs"]["lessons"]
    assert job["env"]["IMAGE"] == "us-docker.pkg.dev/colab-images/public/runtime"
    run = next(step["run"] for step in job["steps"] if "nbconvert" in step.get("run", ""))
    (tmp_path / "notebooks").mkdir()
    for name in ("01_good.ipynb", "02_bad.ipynb"):
        (tmp_path / "notebooks" / name).touch()
    fake(tmp_path / "bin" / "docker", 'echo "$@"; case "$*" in *02_bad*) exit 1;; esac')
    done = shell(run, tmp_path, IMAGE="image", GITHUB_ENV=str(tmp_path / "env"))
    assert done.returncode == 1  # one lesson failed, and the one after it still ran
    assert (tmp_path / "env").read_text() == "FAILED= notebooks/02_bad.ipynb\n"
    mounted = re.findall(r"--volume (\S+):/lesson.ipynb:ro", done.stdout)
    assert mounted == [f"{tmp_path}/notebooks/{name}" for name in ("01_good.ipynb", "02_bad.ipynb")]


@pytest.mark.parametrize("open_already", [True, False])
def test_colab_workflow_opens_one_issue(open_already, tmp_path):
    parsed = workflow("colab.yml")
    assert parsed["permissions"]["issues"] == "write"
    step = parsed["jobs"]["lessons"]["steps"][-1]
    assert step["if"] == "failure()"
    title = step["env"]["TITLE"]
    listed = f"Something else\n{title if open_already else title + ' (old)'}"
    fake(tmp_path / "bin" / "gh", f'case "$2" in list) echo "{listed}";; *) echo "$@";; esac')
    done = shell(
        step["run"], tmp_path, TITLE=title, RUN="the run", FAILED=" notebooks/02_bad.ipynb"
    )
    assert done.returncode == 0, done.stderr
    asked = f"issue create --title {title} --body Failed: notebooks/02_bad.ipynb. See the run\n"
    assert done.stdout == ("" if open_already else asked)


def fake(path, script):
    """Write an executable that stands in for a program."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(0o755)


def shell(script, folder, **env):
    """Run a step as GitHub does, with the programs of folder/bin before all others."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | env | {"PATH": path},
        capture_output=True,
        text=True,
    )


# Importing the package

# What takes long to import, or is not installed everywhere: imported where it is used.
HEAVY = set("tensorflow keras torch fastai onnx onnxruntime sklearn scipy skimage pandas".split())
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "course_utils").rglob("*.py")
}


IMPORTED = """
import importlib, sys
seen = set()
for module in sys.argv[1:]:
    importlib.import_module(module)
    names = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
    print(module, *names - seen)
    seen |= names
"""


def imported(*modules):
    """{module: top-level packages that it loads beyond what those before it have loaded}.

    The modules are imported one after the other; the standard library does not count.
    """
    command = [sys.executable, "-c", IMPORTED, *modules]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {module: set(new) for module, *new in map(str.split, run.stdout.splitlines())}


def test_importing_the_package_costs_little_more_than_numpy():
    first = imported("numpy", "course_utils")
    assert first["course_utils"] == {"course_utils"}


OF_TORCH = {"course_utils.networks.unet"}  # torch's classes: who imports it wants torch


def test_importing_any_module_loads_nothing_heavy():
    heavy = {m: new & HEAVY for m, new in imported(*sorted(MODULES - OF_TORCH)).items()}
    assert heavy == {module: set() for module in MODULES - OF_TORCH}


# Files

MACHINE_PATH = r"(?<![\w.~:/-])/(?:{})/\w".format("|".join(["work", "root", "home", "Users"]))
HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "ana" + "conda.",
    "npm" + "js.",
    "download.py" + "torch.org",
]
HISTORY = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    cwd=ROOT,
    capture_output=True,
    text=True,
)
TEXT_FILES = [ROOT / name for name in HISTORY.stdout.split("\0") if name]


def test_no_file_names_this_machine_or_a_registry():
    if not TEXT_FILES:
        pytest.skip("needs a git checkout: it reads the files that git knows")
    found = []
    for path in TEXT_FILES:
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" in content:
            continue
        text = content.decode("utf-8")
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in re.findall(MACHINE_PATH, text)]
        found += [f"{path.relative_to(ROOT)}: {host}" for host in HOSTS if host in text]
    assert not found


@pytest.mark.parametrize(
    ("text", "caught"),
    [("see /ho" + "me/me/x", True), ("'/wo" + "rk/x'", True), ("a /110 and/root", False)],
)
def test_machine_paths_are_recognised(text, caught):
    assert bool(re.search(MACHINE_PATH, text)) is caught


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_has_no_complaint(command):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--quiet", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("module", sorted(MODULES - {"course_utils.__main__"}))
def test_examples_in_docstrings_give_what_they_show(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0


# What the documents say


def test_changelog_and_citation_know_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (name, day), *_ = re.findall(r"^## \[([\d.]+)\] - (\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert name == citation["version"] == PROJECT["version"]
    assert day == citation["date-released"]
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["title"]
    assert citation["authors"] == [{"name": "Color from Gray contributors"}]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert citation["license"] == PROJECT["license"]


# The changelog also names what is gone.
DOCUMENTS = {*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")}
DOCUMENTS = sorted(DOCUMENTS - {ROOT / "CHANGELOG.md"})


def targets():
    """The targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_documents_name_targets_and_files_that_exist(file):
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets()
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text)
    assert [link for link in links if not (file.parent / link).exists()] == []


# Makefile

# A Python whose environments hold a pip, which brings an `uv`; each exits as it is told.
PYTHON = """
if [ "$1" = -c ]; then exit {old}; fi
mkdir -p "$3/bin" && touch "$3/half-made"
cat > "$3/bin/uv" <<< 'exit {uv}'
cat > "$3/bin/python" <<< 'exit {pip}'
chmod +x "$3/bin/uv" "$3/bin/python"
exit {venv}
"""


@pytest.fixture
def make(tmp_path):
    """Call make in a copy of the files it needs: make("lab", uv=1) has a failing uv."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / name, tmp_path)

    def call(*arguments, old=0, venv=0, pip=0, uv=0):
        fake(tmp_path / "bin" / "python3", PYTHON.format(old=old, venv=venv, pip=pip, uv=uv))
        python = f"PYTHON={tmp_path / 'bin' / 'python3'}"
        # Under `make test` this make would be a child that announces its directories.
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        return subprocess.run(
            ["make", *arguments, python], cwd=tmp_path, capture_output=True, text=True, env=env
        )

    call.venv = tmp_path / ".venv"
    call.folder = tmp_path
    return call


def test_make_alone_lists_every_target(make):
    listed = make()
    assert listed.returncode == 0 and not make.venv.exists()
    assert {"lab", "test", "lessons", "slides"} <= targets()
    told = dict(line.split(maxsplit=1) for line in listed.stdout.splitlines())
    assert set(told) == targets()
    assert not any("#" in words or "$" in words for words in told.values())


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"old": 1}, "Python 3.11, 3.12 or 3.13 is needed"),
        ({"venv": 1}, "python3-venv"),
        ({"pip": 1}, "nothing was kept"),
        ({"uv": 1}, "nothing was kept"),
    ],
    ids=["old python", "no venv", "no pip", "failing installation"],
)
def test_failed_installation_leaves_nothing_and_says_so(make, broken, told):
    done = make("test", **broken)
    assert done.returncode != 0
    assert told in done.stdout
    assert not make.venv.exists()


@pytest.mark.parametrize(
    ("version", "accepted"),
    [((3, 10, 14), False), ((3, 11), True), ((3, 13, 9), True), ((3, 14), False)],
    ids=str,
)
def test_make_refuses_a_python_that_pyproject_refuses(version, accepted):
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (condition,) = re.findall(r"\$\(PYTHON\) -c 'import sys; sys\.exit\((.+)\)'", text)
    refused = eval(condition, {"sys": SimpleNamespace(version_info=version)})
    assert refused is not accepted
    written = ".".join(map(str, version))
    assert SpecifierSet(PROJECT["requires-python"]).contains(written) is accepted


def shown(make, *arguments):
    """The command that a target would run in a finished environment."""
    (make.venv / ".ready").parent.mkdir()
    (make.venv / ".ready").touch()
    return make("--dry-run", *arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["experiment"], "-m experiments"),
        (["experiment", "NAME=06/paintbox"], "-m experiments 06/paintbox"),
        (["experiment", "NAME=02/targets", "FRESH=1"], "-m experiments 02/targets --fresh"),
        (["stale"], "-m experiments.stale"),
        (["new", "LESSON=12_name"], "-m tools.new_lesson 12_name"),
    ],
    ids=" ".join,
)
def test_targets_pass_their_arguments_on(arguments, command, make):
    words = shown(make, *arguments).split()
    assert words[0].endswith("/python") and words[1:] == command.split()


def test_a_new_lesson_needs_a_name(make):
    make(".venv/.ready")
    done = make("new")
    assert done.returncode != 0 and "make new LESSON=12_name" in done.stdout


def test_stress_and_test_share_the_work(make):
    every, long = shown(make, "test"), make("--dry-run", "stress").stdout
    assert "--nbval tests notebooks solutions" in every and "-m stress tests" in long


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a system with root")
def test_root_may_start_jupyter(make):
    assert ("--allow-root" in shown(make, "lab")) is (os.geteuid() == 0)


def test_finished_environment_is_reused_until_its_files_change(make):
    ready = ".venv/.ready"
    assert make(ready).returncode == 0
    assert (make.venv / ".ready").exists()
    assert make("-q", ready).returncode == 0
    later = time.time() + 60
    os.utime(make.folder / "constraints.txt", (later, later))
    assert make("-q", ready).returncode == 1


def test_killed_installation_starts_again_from_nothing(make):
    assert make(".venv/.ready").returncode == 0
    (make.venv / ".ready").unlink()
    (make.venv / "left over").touch()
    assert make(".venv/.ready").returncode == 0
    assert not (make.venv / "left over").exists()
