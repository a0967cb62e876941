"""The leaderboard: all shipped colorizers, measured by the contract alone."""

from typing import Any

from course_utils import leaderboard
from course_utils.systems import SYSTEMS
from experiments.data import JUDGED_ON, judged_photographs
from experiments.runner import Run, experiment

NAMES = tuple(system.checkpoint for system in SYSTEMS.values())


@experiment("08/leaderboard", photographs=("intel",), models=NAMES)
def measure(run: Run, *, size: int = 150) -> dict[str, Any]:
    """Score every shipped colorizer on Intel's test photographs and on drawn scenes."""
    rgb, scenes = judged_photographs(size), leaderboard.drawn_scenes()
    return leaderboard.measure(leaderboard.shipped(), rgb, scenes, JUDGED_ON)
