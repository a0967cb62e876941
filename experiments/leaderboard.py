"""The leaderboard: all shipped colorizers on four sets of photographs, by the contract alone."""

import csv
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from course_utils import files, leaderboard, photos
from course_utils.systems import SYSTEMS
from course_utils.training import fingerprint
from experiments.data import JUDGED_ON, judged_photographs, shared, test_sets
from experiments.runner import Run, experiment

NAMES = tuple(system.checkpoint for system in SYSTEMS.values())
# What the folders of `diverse` show; where a folder holds several things, by the category of its
# manifest. What is not named here is "other".
SHOWN = {
    "flickr8k": "people or dogs",  # looked at 36 of 202: 27 people, 8 dogs
    "food101_10": "food",
    "tf_flowers": "flowers",
    "voc2012_animals": "fur",  # cats, dogs, horses, cows, sheep
    "weather": "sky",
}
SHOWN_CATEGORY = dict.fromkeys(["bathroom", "bedroom", "kitchen"], "rooms")
SHOWN_CATEGORY |= dict.fromkeys(["frontal", "house"], "houses")
SHOWN_CATEGORY |= dict.fromkeys(["dog", "horse", "giraffe"], "fur")  # of pacs_photo and ImageNet


@experiment("08/leaderboard", photographs=("diverse", "intel", "photos"), models=NAMES)
def measure(run: Run) -> dict[str, Any]:
    """Score every shipped colorizer on four sets of photographs and on drawn scenes."""
    # One thread each: on a busy machine two wait for each other.
    models = {name: model.on_threads(1) for name, model in leaderboard.shipped().items()}
    sets = test_sets() | {"Intel": (JUDGED_ON, judged_photographs())}
    boards: dict[str, Any] = {}
    for name, (words, rgb) in sets.items():
        file = run.folder / f"{name}.json"  # a set that was measured before an interruption
        if not file.is_file():
            board = leaderboard.on_photographs(models, rgb, words, kinds(name, rgb))
            files.write(file, json.dumps(board))
        boards[name] = json.loads(file.read_text(encoding="utf-8"))
    about = {
        "scenes": leaderboard.on_scenes(models),
        "cost": leaderboard.costs(models, sets["album"][1]),
        "trained_on": leaderboard.trained_on(models),
    }
    said = {"data": "four sets of test photographs, and drawn scenes"}
    said |= {"n": sum(board["n"] for board in boards.values()), "size": 0, "seed": 1}
    return said | leaderboard.packed({name: board | about for name, board in boards.items()})


def kinds(name: str, rgb: NDArray[np.uint8]) -> list[str]:
    """What each photograph of a test set shows, N words; [] where nobody has said it."""
    if name == "album":
        return [photo.category for photo in photos.album("test")]
    if name == "diverse":
        with (shared("diverse") / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = {row["file"]: row for row in csv.DictReader(file)}
        found = photos.files_in(shared("diverse") / "test")
        return [shown(rows[f.relative_to(shared("diverse")).as_posix()]) for f in found]
    if name == "Intel":
        fit = (rgb.shape[2], rgb.shape[1]), Image.Resampling.LANCZOS
        scene_of = {}  # {fingerprint of a photograph: the folder that it lies in}
        for file in photos.files_in(shared("intel") / "seg_test"):
            picture = ImageOps.fit(Image.fromarray(photos.open_photo(file)), *fit)
            scene_of[fingerprint(np.asarray(picture))] = file.parent.name
        return [scene_of[fingerprint(x)] for x in rgb]
    return []


def shown(row: dict[str, str]) -> str:
    """What a photograph of `diverse` shows, from its row of the manifest."""
    return SHOWN.get(row["dataset"]) or SHOWN_CATEGORY.get(row["category"], "other")
