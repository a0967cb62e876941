"""Start a lesson: decide once, and say, which profile, seed, device and data it uses."""

import json
import os
import platform
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

PROFILES = {
    "ci": "small enough for a test",
    "cpu": "two cores, minutes",
    "gpu": "photographs, at most 20 minutes on a T4",
    "full": "the maintainers' run, hours",
}
SEED = 1
RESULTS = Path(__file__).parent / "results"
PROTOCOL = ("data", "n", "size", "seed")  # what every stored result says about itself
FRAMEWORKS = ("numpy", "tensorflow", "keras", "torch", "onnxruntime")


class Session(NamedTuple):
    """What a lesson runs with. `data` is what `photos.load` takes as its source."""

    lesson: str
    profile: str
    seed: int
    device: str
    data: str


def strict():
    """True where a failed check must raise: under nbgrader, or with COURSE_STRICT=1."""
    return bool(os.environ.get("NBGRADER_EXECUTION")) or os.environ.get("COURSE_STRICT") == "1"


def profile():
    """The profile in force: COURSE_PROFILE, else `ci` under test, `gpu` with one, else `cpu`.

    Raises ValueError when COURSE_PROFILE names no profile.
    """
    chosen = os.environ.get("COURSE_PROFILE")
    if chosen:
        if chosen not in PROFILES:
            raise ValueError(
                f"COURSE_PROFILE is {chosen!r}; it must be one of {', '.join(PROFILES)}."
            )
        return chosen
    if "PYTEST_CURRENT_TEST" in os.environ or "NBGRADER_EXECUTION" in os.environ:
        return "ci"
    return "gpu" if _gpu() else "cpu"


def _gpu():
    """The first GPU's name, or None. Asks the driver, because a framework takes seconds to load."""
    if shutil.which("nvidia-smi") is None:
        return None
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    lines = listing.stdout.splitlines() if listing.returncode == 0 else []
    return lines[0].partition(": ")[2].partition(" (UUID")[0] if lines else None


def start(lesson, data="bundled"):
    """Begin a lesson: seed Python and numpy, print five lines, return the `Session`.

    lesson: its file's name, for instance "01_lab_color".
    data: "bundled" (photographs that come with scikit-image and scikit-learn), "paintbox", a data
        set of `data_scripts`, or a folder of your own.
    """
    random.seed(SEED)
    np.random.seed(SEED)
    chosen = profile()
    device = _gpu() if chosen in ("gpu", "full") else None
    session = Session(
        lesson=lesson,
        profile=chosen,
        seed=SEED,
        device=device or f"CPU, {os.cpu_count()} cores",
        data=data,
    )
    print(f"lesson   {session.lesson}")
    print(f"profile  {session.profile} ({PROFILES[chosen]}); COURSE_PROFILE changes it")
    print(f"seed     {session.seed}")
    print(f"device   {session.device}")
    print(f"data     {session.data}")
    return session


def claim(text, condition, measured, verdict):
    """Print one audited claim in four lines; the cell that calls it asserts what it prints."""
    print(f"claim      {text}")
    print(f"condition  {condition}")
    print(f"measured   {measured}")
    print(f"verdict    {verdict}")


def experiment(name, run):
    """The stored result of an experiment, a dict; under the `full` profile it is made anew first.

    name: begins with its lesson's number; the result lies in `course_utils/results/NAME.json`.
    run: function without arguments, gives a dict that json can hold, with the keys of PROTOCOL:
        data in words, n (how many pictures), size in pixels, seed. The command that makes the
        result and the versions that were used are added. It is called under `full` only.
    Raises FileNotFoundError where nothing is stored, ValueError for a result without its protocol.
    """
    file = RESULTS / f"{name}.json"
    command = f"make train LESSON={name[:2]}"
    if profile() != "full":
        if not file.is_file():
            raise FileNotFoundError(f"There is no stored result {name!r}; `{command}` makes it.")
        return json.loads(file.read_text(encoding="utf-8"))
    result = run()
    missing = [key for key in PROTOCOL if key not in result]
    if missing:
        raise ValueError(f"The result {name!r} lacks {', '.join(missing)}: let run() return them.")
    versions = {n: sys.modules[n].__version__ for n in FRAMEWORKS if n in sys.modules}
    result |= {"command": command, "versions": {"python": platform.python_version(), **versions}}
    RESULTS.mkdir(exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(part, file)
    return result
