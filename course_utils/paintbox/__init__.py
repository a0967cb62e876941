"""paintbox: drawn landscapes whose color distribution is known, so that every loss has a floor.

`scenes` holds the tables and draws the parts, `answers` samples scenes and knows their expected
color, `losses` knows what each loss can reach, `motion` makes clips of them.
"""

from course_utils.paintbox.answers import AB_NOISE, Scenes, sample, support
from course_utils.paintbox.losses import floors, ladder, regret, regret_kl
from course_utils.paintbox.motion import Clip, clip
from course_utils.paintbox.scenes import CUE_BOXES, CUES, NAMES, REGIONS, palette

__all__ = [
    "AB_NOISE",
    "CUES",
    "CUE_BOXES",
    "Clip",
    "NAMES",
    "REGIONS",
    "Scenes",
    "clip",
    "floors",
    "ladder",
    "palette",
    "regret",
    "regret_kl",
    "sample",
    "support",
]
