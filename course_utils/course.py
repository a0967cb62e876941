"""Start a lesson: decide once, and say, which profile, seed, device and data it uses."""

import json
import os
import platform
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import files, progress

PROFILES = {
    "ci": "small enough for a test",
    "cpu": "two cores, minutes",
    "gpu": "photographs, at most 20 minutes on a T4",
}
SEED = 1


class Session(NamedTuple):
    """What a lesson runs with.

    device: "cpu", "cuda" or "mps", decided here once; whatever trains or predicts takes it from
    here. data: what `photos.load` takes as its source.
    """

    lesson: str
    profile: str
    seed: int
    device: str
    data: str


def strict() -> bool:
    """True where a failed check must raise: under nbgrader, or with COURSE_STRICT=1."""
    return bool(os.environ.get("NBGRADER_EXECUTION")) or os.environ.get("COURSE_STRICT") == "1"


def profile() -> str:
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
    if progress.under_test() or "NBGRADER_EXECUTION" in os.environ:
        return "ci"
    return "gpu" if _gpu() else "cpu"


def _gpu() -> str | None:
    """The first GPU's name, or None. Asks the driver, because a framework takes seconds to load."""
    if shutil.which("nvidia-smi") is None:
        return None
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    lines = listing.stdout.splitlines() if listing.returncode == 0 else []
    return lines[0].partition(": ")[2].partition(" (UUID")[0] if lines else None


def device(chosen: str) -> tuple[str, str]:
    """The device of a profile and its name in words: ("cuda", "Tesla T4").

    Only the `gpu` profile leaves the processor: for NVIDIA's first GPU, or for Apple silicon.
    """
    if chosen == "gpu":
        if found := _gpu():
            return "cuda", found
        if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
            return "mps", "Apple silicon"
    return "cpu", f"{os.cpu_count()} cores"


def start(lesson: str, data: str = "bundled") -> Session:
    """Begin a lesson: seed Python and numpy, print five lines, return the `Session`.

    lesson: its file's name, for instance "01_lab_color".
    data: "bundled" (photographs that come with scikit-image and scikit-learn), "paintbox", a data
        set of `data_scripts`, or a folder of your own.
    """
    random.seed(SEED)
    np.random.seed(SEED)
    chosen = profile()
    name, words = device(chosen)
    session = Session(lesson=lesson, profile=chosen, seed=SEED, device=name, data=data)
    print(f"lesson   {session.lesson}")
    print(f"profile  {session.profile} ({PROFILES[chosen]}); COURSE_PROFILE changes it")
    print(f"seed     {session.seed}")
    print(f"device   {session.device} ({words})")
    print(f"data     {session.data}")
    if _channels_first():
        print(
            'keras    keras.json says "channels_first": write "channels_last" there, or Keras stops'
        )
    return session


def _channels_first():
    """Whether this user's Keras puts channels first; read without loading Keras."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        text = Path(home, "keras.json").read_text(encoding="utf-8")
        return json.loads(text).get("image_data_format") == "channels_first"
    except (OSError, ValueError, AttributeError):
        return False


def claim(text: str, condition: str, measured: str, verdict: str) -> None:
    """Print one audited claim in four lines; the cell that calls it asserts what it prints."""
    print(f"claim      {text}")
    print(f"condition  {condition}")
    print(f"measured   {measured}")
    print(f"verdict    {verdict}")


def result(name: str) -> dict[str, Any]:
    """What a long experiment of the maintainers found, a dict.

    name: lesson and experiment, for instance "02/targets". The result says on which data it was
    measured, on how many pictures (n) of which size in pixels, with which seed, and by which
    command. Raises FileNotFoundError where nothing of that name is stored.

    >>> result("02/targets")["seed"]
    1
    """
    file = files.RESULTS / f"{name}.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"There is no stored result {name!r}; `make experiment NAME={name}` makes it."
        )
    return json.loads(file.read_text(encoding="utf-8"))
