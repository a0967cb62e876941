"""The album: photographs that the course ships, with author, licence and a fixed split."""

import csv

from course_utils.files import PACKAGE
from course_utils.photos.installed import Photo
from course_utils.photos.opening import open_photo

FOLDER = PACKAGE / "album"
COLUMNS = "file title author licence source split category width height".split()


def album(split: str | None = None) -> list[Photo]:
    """The photographs that come with the course, at most 384 pixels long: a list of Photo.

    split: "train" or "test"; both where None. In a fixed order in which kinds alternate
    (landscape, animal, food, portrait, street, flower, room, historical, ...), so that the first
    few of a split show its variety. Raises ValueError for another split.

    >>> album("test")[2].credit
    'coffee, Rachel Michetti, CC0 1.0'
    """
    if split not in (None, "train", "test"):
        raise ValueError(f'split is {split!r}; it must be "train", "test" or None for both.')
    with (FOLDER / "album.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if split in (None, row["split"])]
    return [
        Photo(
            row["file"].removesuffix(".jpg"),
            open_photo(FOLDER / row["file"]),
            *(row[name] for name in ("author", "licence", "title", "source", "split", "category")),
        )
        for row in rows
    ]
