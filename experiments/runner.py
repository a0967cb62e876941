"""Run an experiment by name; keep its state while it runs and its result when it has ended.

    make experiment                             list them
    make experiment NAME=02/targets             run one, or go on with it
    make experiment NAME=02/targets FRESH=1     throw its state away and start from nothing

The result is `course_utils/results/02/targets.json`, the state `build/experiments/02/targets`. Both
carry the identity of the experiment (see `identity`). A state of another configuration, of other
code or of other photographs is never continued: the run stops and says what changed.
"""

import importlib
import json
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from course_utils import course, files
from experiments import identity, parallel
from experiments.data import shared

STATES = Path(__file__).resolve().parents[1] / "build" / "experiments"
PROTOCOL = ("data", "n", "size", "seed")  # what every stored result says about itself
FRAMEWORKS = ("numpy", "tensorflow", "keras", "torch", "onnxruntime")


class Run(NamedTuple):
    """What an experiment is given: its folder for states, which exists, and its seed."""

    folder: Path
    seed: int = course.SEED


class Experiment(NamedTuple):
    """A registered experiment; `function(run, **configuration)` gives its result, a dict."""

    name: str
    function: Callable[..., dict[str, Any]]
    photographs: tuple[str, ...]
    models: tuple[str, ...]
    backend: str


EXPERIMENTS: dict[str, Experiment] = {}


def experiment(
    name: str,
    *,
    photographs: tuple[str, ...] = (),
    models: tuple[str, ...] = (),
    backend: str = "tensorflow",
):
    """Register the decorated function as an experiment; it stays an ordinary function.

    name: lesson and experiment, "02/targets". The function takes a `Run` and keywords with
    defaults, its configuration, and returns a dict that json can hold with the keys of PROTOCOL.
    photographs: the folders of shared data that it reads. models: the shipped models that it
    measures or makes, by name. backend: Keras's, which `python -m experiments` sets.
    """

    def register(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        EXPERIMENTS[name] = Experiment(name, function, photographs, models, backend)
        return function

    return register


def register_all() -> None:
    """Import the modules that hold experiments: one a lesson, and the leaderboard."""
    names = [path.stem for path in sorted(Path(__file__).parent.glob("lesson_*.py"))]
    others = ["hinting", "drawing", "lite0", "trainings", "checkpoints", "leaderboard", "auditing"]
    for name in [*names, *others]:
        importlib.import_module(f"experiments.{name}")


def about(found: Experiment) -> dict[str, Any]:
    """The identity of an experiment as it stands: configuration, photographs and code."""
    return {
        "config": json.loads(json.dumps(identity.config(found.function))),
        "data": identity.manifests([shared(name) for name in found.photographs]),
        "code": identity.code(found.function),
    }


def run(name: str, fresh: bool = False) -> dict[str, Any]:
    """Run an experiment, or go on with it, and store its result; return the result.

    Raises KeyError for an unknown name, and ValueError for a state of something else and for a
    result without its protocol.
    """
    found = EXPERIMENTS[name]
    now = about(found)
    folder = STATES / name
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    file = folder / "identity.json"
    if file.is_file():
        _refuse_another(name, json.loads(file.read_text(encoding="utf-8")), now)
    files.write(file, json.dumps(now, indent=1))
    result = found.function(Run(folder))
    missing = [key for key in PROTOCOL if key not in result]
    if missing:
        raise ValueError(f"The result of {name} lacks {', '.join(missing)}: let it return them.")
    versions = {n: sys.modules[n].__version__ for n in FRAMEWORKS if n in sys.modules}
    result |= {
        "command": f"make experiment NAME={name}",
        "identity": now | {"models": identity.models(found.models)},
        "versions": {"python": platform.python_version(), **versions},
    }
    text = json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False)
    if parallel.first():
        files.write(files.RESULTS / f"{name}.json", text + "\n")
    return result


def _refuse_another(name: str, kept: dict[str, Any], now: dict[str, Any]) -> None:
    """ValueError where a state was begun with something else."""
    changed = [words for key, words in WORDS.items() if kept.get(key) != now[key]]
    if changed:
        raise ValueError(
            f"{name} was begun with {' and '.join(changed)}, and its state cannot be continued; "
            f"`make experiment NAME={name} FRESH=1` starts from nothing."
        )


WORDS = {"config": "another configuration", "data": "other photographs", "code": "other code"}
