"""Experiments: run by name, keyed by what they were made with, and named when that has changed."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from course_utils import course, files
from experiments import data, exports, identity, pages, runner, stale

ROOT = Path(__file__).resolve().parents[1]
MODULE = '''
"""An experiment in two functions and one constant."""
from experiments import experiment, lesson
from experiments.toy_data import photographs

L = lesson("99")
RATE = 0.5
OTHER = 7


def score(x):
    """How good."""
    return RATE * x  # a comment


@experiment("99/toy", photographs=("toys",), models=("02_mse_regression",))
def toy(run, *, n=3, rates=(0.1, 0.2)):
    """A toy."""
    kept = run.folder / "steps.txt"
    with open(kept, "a") as file:
        file.write("step ")
    found = L.double(score(n)) + photographs()
    return {"data": "toys", "n": n, "size": 8, "seed": run.seed, "score": found}


def unused():
    return OTHER
'''
DATA = "def photographs():\n    return 1\n"
LESSON = '''# ---
# jupyter:
#   course: {}
# ---

# %% [markdown]
# A lesson.

# %% tags=["export"]
import math

# %%
raise SystemExit("a cell that an experiment does not run")


# %% tags=["export"]
def double(x):
    """Twice."""
    return 2 * x + helper()


def helper():
    return math.floor(0.5)


# %% tags=["export"]
def elsewhere():
    return 3
'''


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A house of one lesson, one experiment and one folder of photographs."""
    for name in ("experiments", "solutions", "shared/toys", "results"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "experiments/lesson_99.py").write_text(MODULE)
    (tmp_path / "experiments/toy_data.py").write_text(DATA)
    (tmp_path / "solutions/99_toy.py").write_text(LESSON)
    (tmp_path / "shared/toys/manifest.csv").write_text("path,sha256\na.jpg,abc\n")
    monkeypatch.setattr(exports, "SOLUTIONS", tmp_path / "solutions")
    monkeypatch.setattr(identity, "HERE", tmp_path / "experiments")
    monkeypatch.setattr(runner, "STATES", tmp_path / "states")
    monkeypatch.setattr(files, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(runner, "EXPERIMENTS", {})
    monkeypatch.setattr(stale, "EXPERIMENTS", runner.EXPERIMENTS)
    monkeypatch.setattr(stale, "register_all", lambda: None)
    monkeypatch.setattr(stale, "PROVISIONAL", tmp_path / "provisional.txt")
    (tmp_path / "provisional.txt").write_text("# none\n")
    monkeypatch.setenv("COURSE_SHARED_DATA", str(tmp_path / "shared"))
    monkeypatch.setattr("experiments.__path__", [str(tmp_path / "experiments"), *PATHS])
    return House(tmp_path)


import experiments as package  # noqa: E402

PATHS = list(package.__path__)


class House:
    """Import, change and run what the fixture wrote."""

    def __init__(self, folder):
        self.folder = folder

    def load(self):
        exports.source.cache_clear(), exports.cells.cache_clear(), exports.lesson.cache_clear()
        for name in ("lesson_99", "toy_data"):
            sys.modules.pop(f"experiments.{name}", None)
        import importlib

        importlib.invalidate_caches()
        shutil.rmtree(self.folder / "experiments/__pycache__", ignore_errors=True)
        return importlib.import_module("experiments.lesson_99")

    def change(self, file, old, new):
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new))
        self.load()

    def code(self):
        return identity.code(self.load().toy)


# Running


def test_a_result_carries_protocol_identity_and_versions(house):
    house.load()
    made = runner.run("99/toy")
    stored = json.loads((house.folder / "results/99/toy.json").read_text())
    assert stored == json.loads(json.dumps(made)) and stored["score"] == 4.0
    assert stored["command"] == "make experiment NAME=99/toy"
    assert stored["identity"]["config"] == {"n": 3, "rates": [0.1, 0.2]}
    assert list(stored["identity"]["data"]) == ["toys"]
    model = files.CHECKPOINTS / "02_mse_regression.onnx"
    assert stored["identity"]["models"] == {"02_mse_regression": files.sha256(model)}
    assert stored["versions"]["numpy"] == np.__version__
    assert course.result("99/toy")["score"] == 4.0


def test_models_are_graphs_or_weights():
    kept = files.sha256(files.CHECKPOINTS / "11_hints.npz")
    assert identity.models(("11_hints", "nobody")) == {"11_hints": kept, "nobody": "missing"}


@pytest.mark.parametrize("result", ["{}", "{'data': '', 'n': 1, 'size': 1, 'seed': float('nan')}"])
def test_a_bad_result_leaves_the_old_one(house, result):
    house.load()
    runner.run("99/toy")
    before = (house.folder / "results/99/toy.json").read_text()
    house.change(
        "experiments/lesson_99.py",
        "    kept = run.folder",
        f"    return {result}\n    kept = run.folder",
    )
    with pytest.raises(ValueError):
        runner.run("99/toy", fresh=True)
    assert (house.folder / "results/99/toy.json").read_text() == before


CHANGES = {  # what was changed, and what a run says about a state from before
    "configuration": ("experiments/lesson_99.py", "n=3", "n=4", "another configuration"),
    "its own code": (
        "experiments/lesson_99.py",
        "+ photographs()",
        "- photographs()",
        "other code",
    ),
    "a helper": ("experiments/lesson_99.py", "RATE * x", "RATE + x", "other code"),
    "a constant": ("experiments/lesson_99.py", "RATE = 0.5", "RATE = 0.25", "other code"),
    "another module": ("experiments/toy_data.py", "return 1", "return 2", "other code"),
    "the lesson": ("solutions/99_toy.py", "2 * x + helper", "3 * x + helper", "other code"),
    "a helper of the lesson": ("solutions/99_toy.py", "floor(0.5)", "ceil(0.5)", "other code"),
    "photographs": ("shared/toys/manifest.csv", "abc", "abd", "other photographs"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_state_of_something_else_is_never_continued(house, what):
    house.load()
    runner.run("99/toy")
    runner.run("99/toy")  # the same goes on
    steps = house.folder / "states/99/toy/steps.txt"
    assert steps.read_text() == "step step "
    *change, sentence = CHANGES[what]
    house.change(*change)
    with pytest.raises(ValueError, match=f"was begun with {sentence}.*FRESH=1` starts"):
        runner.run("99/toy")
    assert steps.read_text() == "step step ", "nothing is lost"
    runner.run("99/toy", fresh=True)
    assert steps.read_text() == "step "


SAME = {
    "a comment": ("experiments/lesson_99.py", "# a comment", "# another one"),
    "a docstring": ("experiments/lesson_99.py", '"""How good."""', '"""How well."""'),
    "what it does not reach": ("experiments/lesson_99.py", "OTHER = 7", "OTHER = 8"),
    "a docstring of the lesson": ("solutions/99_toy.py", '"""Twice."""', '"""Two times."""'),
    "a cell that is not exported": ("solutions/99_toy.py", "that an experiment", "that it"),
    "an export that it does not reach": ("solutions/99_toy.py", "return 3", "return 4"),
    "text": ("solutions/99_toy.py", "# A lesson.", "# The lesson."),
}


@pytest.mark.parametrize("what", SAME)
def test_what_changes_nothing_is_not_noticed(house, what):
    before = house.code()
    house.change(*SAME[what])
    assert house.code() == before


# Staleness


def stale_after(house, *change):
    house.load()
    runner.run("99/toy")
    assert stale.stale_results() == []
    house.change(*change)
    return stale.stale_results()


def test_a_changed_loss_in_the_lesson_is_named(house):
    assert stale_after(house, *CHANGES["the lesson"][:3]) == ["99/toy was made by other code."]


def test_another_configuration_is_named(house):
    said = stale_after(house, *CHANGES["configuration"][:3])
    assert "99/toy was made with another configuration." in said


def test_other_photographs_are_named(house):
    said = stale_after(house, *CHANGES["photographs"][:3])
    assert said == ["99/toy was measured on other photographs of toys."]


def test_a_retrained_model_is_named(house, monkeypatch, tmp_path):
    house.load()
    runner.run("99/toy")
    (tmp_path / "02_mse_regression.onnx").write_bytes(b"trained again")
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path)
    assert stale.stale_results() == ["99/toy was measured on another file of 02_mse_regression."]


def test_provisional_results_are_excused_and_must_leave_the_list(house):
    house.load()
    old = house.folder / "results/98/old.json"
    old.parent.mkdir()
    old.write_text("{}")
    assert stale.stale_results() == ["98/old carries no identity and is not in provisional.txt."]
    stale.PROVISIONAL.write_text("98/old\n")
    assert stale.stale_results() == []
    runner.run("99/toy")
    stale.PROVISIONAL.write_text("98/old\n99/toy\n97/gone\n")
    assert stale.stale_results() == [
        "99/toy was made again: take it out of provisional.txt.",
        "97/gone is in provisional.txt, and no such result is stored.",
    ]


def test_pages_are_named_and_written(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{pages.MARKS[0]}\n25.48 typed by hand\n{pages.MARKS[1]}\nafter\n")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "pages", lambda: {readme: pages.readme})
    assert stale.stale_pages() == [
        "README.md is not what its results give: `python -m experiments.pages` writes it."
    ]
    pages.write()
    assert stale.stale_pages() == []
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "by hand" not in text
    with pytest.raises(ValueError, match="must have the lines"):
        pages.readme("no marks")


def test_nothing_in_the_repository_is_stale():
    """What `make stale` says, without its count of provisional results."""
    assert stale.stale_results() + stale.stale_pages() == []


def test_the_command_lists_and_refuses_by_name(capsys):
    from experiments import __main__ as command

    assert command.main([]) == 0
    assert "08/leaderboard " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["02/none"])
    assert "There is no experiment '02/none'; there are " in capsys.readouterr().err


def test_nothing_of_the_wheel_imports_experiments():
    for folder in ("course_utils", "solutions"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "import experiments" not in text and "from experiments" not in text, path.name


# Photographs


def test_missing_photographs_name_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_SHARED_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="COURSE_SHARED_DATA"):
        data.shared("intel")
    (tmp_path / "intel").mkdir()
    assert data.shared("intel") == tmp_path / "intel"
