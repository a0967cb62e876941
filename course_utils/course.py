"""Start a lesson: decide once, and say, which profile, seed, device and data it uses."""

import os
import random
import shutil
import subprocess
from typing import NamedTuple

import numpy as np

PROFILES = {
    "ci": "small enough for a test",
    "cpu": "two cores, minutes",
    "gpu": "photographs, at most 20 minutes on a T4",
    "full": "the maintainers' run, hours",
}
SEED = 1


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
    data: "bundled" (photographs that come with scikit-image and scikit-learn), "paintbox", or a
        folder of your own.
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
