"""Lesson 04: what Keras's accuracy counts, and the classifiers that the course ships.

`constants` measures an accuracy that answers without any training reach. `course_L` and
`course_RGB` make the small classifiers of Intel's six classes. What pretrained features buy is
measured in `trainings`, and the shipped colorizer S4 in `checkpoints`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color, photos
from experiments import experiment, scene_classes
from experiments.data import shared
from experiments.runner import Run

WITHIN = 10  # ab units from gray that `gray within 10` counts

Images = NDArray[np.uint8]
Floats = NDArray[Any]  # float32


# What Keras's accuracy counts.

SETS = {"birds": "birds_cc0", "COCO": "coco_cc", "colorful (CQ100)": "cq100"}


@experiment("04/constants", photographs=("intel", "photos"))
def constants(run: Run, *, size: int = 96) -> dict[str, Any]:
    """What constant answers score on Intel's test classes, on all of them, and on three sets."""
    kinds = sorted((shared("intel") / "seg_test").iterdir())
    sets = {f"Intel, {folder.name}": both_halves(folder, size) for folder in kinds}
    intel = np.concatenate(list(sets.values()))
    sets |= {name: both_halves(shared("photos") / folder, size) for name, folder in SETS.items()}
    return {
        "data": "Intel test photographs and free ones, color only",
        "size": size,
        "n": sum(map(len, sets.values())),
        "seed": run.seed,
        "rows": {k: constant_row(rgb) for k, rgb in ({"Intel, all six": intel} | sets).items()},
    }


def both_halves(folder: Path, size: int) -> Images:
    """All color photographs of a folder that is not split, in both of `load`'s halves."""
    halves = [photos.load(folder, half, size, color_only=True) for half in ("train", "test")]
    return np.concatenate(halves, dtype=np.uint8, casting="no")


def constant_row(rgb: Images) -> dict[str, float]:
    """Accuracy of b > a everywhere and of the better bit of each picture; gray within WITHIN."""
    ab = color.ab(rgb)  # (N, H, W, 2)
    yellow = (ab[..., 1] > ab[..., 0]).mean((1, 2))  # (N,)
    row = {
        "n": len(rgb),
        "yellow": yellow.mean(),
        "one bit": np.maximum(yellow, 1 - yellow).mean(),
        "gray within 10": gray_within(ab),
    }
    return {name: float(value) for name, value in row.items()}


def gray_within(ab: Floats) -> float:
    """Share of pixels of ab (N, H, W, 2) that lie within WITHIN of gray."""
    return float((np.hypot(ab[..., 0], ab[..., 1]) <= WITHIN).mean())


# The classifiers that the course ships.


@experiment("04/course_L", photographs=("intel",), models=("course_L",))
def course_L(run: Run, *, epochs: int = 24, batch: int = 64) -> dict[str, Any]:
    """Train, ship and judge the classifier of Intel's six classes that looks at L alone."""
    return scene_classes.make("course_L", run, epochs, batch)


@experiment("04/course_RGB", photographs=("intel",), models=("course_RGB",))
def course_RGB(run: Run, *, epochs: int = 24, batch: int = 64) -> dict[str, Any]:
    """Train, ship and judge the classifier of Intel's six classes that looks at colors."""
    return scene_classes.make("course_RGB", run, epochs, batch)
