"""One table for every colorizer that keeps the contract: how good, how sure, at what cost.

`measuring` admits and measures colorizers, `costing` says what they take, `standings` draws
conclusions from their values, `boards` keeps them by sets of photographs, and `tables` shows them;
`python -m course_utils.leaderboard my.onnx` puts your own file into the table.
"""

from course_utils.leaderboard.boards import joined, on_album, packed, stored, unpacked
from course_utils.leaderboard.costing import costs
from course_utils.leaderboard.measuring import (
    GRAY,
    MEAN,
    PROTOCOL,
    admit,
    contestants,
    measure,
    on_photographs,
    on_scenes,
    shipped,
    trained_on,
)
from course_utils.leaderboard.standings import JUDGES, label, ordered, pairs, short, values
from course_utils.leaderboard.tables import pairs_text, table

__all__ = [
    "GRAY",
    "JUDGES",
    "MEAN",
    "PROTOCOL",
    "admit",
    "contestants",
    "costs",
    "joined",
    "label",
    "measure",
    "on_album",
    "on_photographs",
    "on_scenes",
    "ordered",
    "packed",
    "pairs",
    "pairs_text",
    "shipped",
    "short",
    "stored",
    "table",
    "trained_on",
    "unpacked",
    "values",
]
