"""One table for every colorizer that keeps the contract: how good, how sure, at what cost.

`measuring` admits and measures colorizers, `standings` draws conclusions from their values, and
`tables` shows them; `python -m course_utils.leaderboard my.onnx` puts your own file into the table.
"""

from course_utils.leaderboard.measuring import (
    GRAY,
    MEAN,
    REFERENCES,
    SCENE_REFERENCES,
    admit,
    contestants,
    drawn_scenes,
    halved_distances,
    installed,
    measure,
    scene_values,
    seconds,
    shipped,
)
from course_utils.leaderboard.standings import joined, judged, label, ordered, pairs, short, values
from course_utils.leaderboard.tables import markdown, pairs_text, table

__all__ = [
    "GRAY",
    "MEAN",
    "REFERENCES",
    "SCENE_REFERENCES",
    "admit",
    "contestants",
    "drawn_scenes",
    "halved_distances",
    "installed",
    "joined",
    "judged",
    "label",
    "markdown",
    "measure",
    "ordered",
    "pairs",
    "pairs_text",
    "scene_values",
    "seconds",
    "shipped",
    "short",
    "table",
    "values",
]
