"""Boards that are stored, and how colorizers of your own come onto one of them.

A board is of one set of photographs. Rows of two sets cannot be compared: what is hard differs.
"""

from typing import Any

import numpy as np

from course_utils import course, photos
from course_utils.colorizer import Colorizer
from course_utils.leaderboard import measuring
from course_utils.leaderboard.standings import JUDGES
from course_utils.training import fingerprint

Board = dict[str, Any]
ALBUM = "the album's test split at 256 px"
OF_ALL = ("scenes", "cost", "trained_on")  # what does not depend on the photographs


def packed(boards: dict[str, Board]) -> dict[str, Any]:
    """Boards {set: board} of the same colorizers as a result stores them, with values as text."""

    def text(values: list[float]) -> str:
        return " ".join(f"{value:g}" for value in values)

    small = {}
    for name, board in boards.items():
        small[name] = {key: value for key, value in board.items() if key not in OF_ALL}
        small[name]["kinds"] = ", ".join(board["kinds"])
        small[name]["photographs"] = {
            row: {key: text(values) for key, values in measured.items()}
            for row, measured in board["photographs"].items()
        }
    return {"boards": small} | {key: next(iter(boards.values()))[key] for key in OF_ALL}


def stored() -> dict[str, Board]:
    """{set: board} of the shipped colorizers: "diverse", "Intel", "album" and "other cameras"."""
    return unpacked(course.result("08/leaderboard"))


def unpacked(result: dict[str, Any]) -> dict[str, Board]:
    """The boards that `packed` made text of."""
    boards = {}
    for name, board in result["boards"].items():
        boards[name] = board | {key: result[key] for key in OF_ALL}
        boards[name]["kinds"] = [kind for kind in board["kinds"].split(", ") if kind]
        boards[name]["photographs"] = {
            row: {key: np.array(values.split(), float).tolist() for key, values in measured.items()}
            for row, measured in board["photographs"].items()
        }
    return boards


def joined(board: Board, own: Board) -> Board:
    """A board with the rows of another one in it.

    Raises ValueError where the two were not measured on the same photographs in the same way.
    """
    for key in ("pictures", "protocol"):
        if board[key] != own[key]:
            raise ValueError(
                f"One board is of {board['data']}, the other of {own['data']}: only rows that were "
                "measured on the same pictures can be compared. Measure all of them on one set."
            )
    keys = ("photographs", "rows", *JUDGES, *OF_ALL)
    return board | {key: board[key] | own[key] for key in keys}


def on_album(models: dict[str, Colorizer]) -> Board:
    """The board of the album's test photographs with colorizers of your own in it, without costs.

    The shipped ones keep their stored rows. Where this machine decodes the album to other pixels,
    they are measured again.
    """
    rgb, board = photos.load("album", "test", 256), stored()["album"] | {"cost": {}}
    again = fingerprint(rgb) != board["pictures"]
    tried = measuring.shipped() | models if again else models
    own = measuring.on_photographs(tried, rgb, ALBUM, references=again)
    own |= {"scenes": measuring.on_scenes(tried, again), "cost": {}}
    own |= {"trained_on": measuring.trained_on(tried)}
    return own if again else joined(board, own)
