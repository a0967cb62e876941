"""The photographs of the maintainers, which the course does not carry."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from course_utils import photos, progress

JUDGED_ON = "Intel test photographs, color only"


def shared(name: str) -> Path:
    """A folder of photographs that an experiment needs and the course does not carry.

    It lies in `shared/data` beside the checkout, or in the folder that COURSE_SHARED_DATA names.
    Raises FileNotFoundError where it is missing.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("COURSE_SHARED_DATA", beside)) / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The photographs {name!r} are not here: put them into shared/data beside the "
            "checkout, or name their folder in COURSE_SHARED_DATA."
        )
    return folder


def judged_photographs(size: int = 150) -> np.ndarray:
    """What every shipped colorizer is judged on, JUDGED_ON in words: uint8 (N, size, size, 3)."""
    return photos.load(shared("intel"), "test", size, color_only=True)


# What a colorizer is judged on; no training sees any of it.

CAMERAS = "photos/coco_cc"  # photographs of many cameras, at twice the size of those learned from
IMAGENET = ("imagenet_1perclass", "imagenet_1perclass_b", "imagenette160")  # parts of `diverse`


def test_sets() -> dict[str, tuple[str, NDArray[np.uint8]]]:
    """{name: (in words, photographs (N, size, size, 3))}: four sets in color, none learned from."""
    cameras = [photos.load(shared(CAMERAS), half, 256, color_only=True) for half in HALVES]
    return {
        "diverse": ("diverse test photographs at 128 px", diverse()[0]),
        "Intel": ("Intel test photographs in color at 128 px", judged_photographs(128)),
        "album": ("the album's test split at 256 px", photos.load("album", "test", 256)),
        "other cameras": ("COCO photographs in color at 256 px", np.concatenate(cameras)),
    }


HALVES = ("train", "test")  # of a folder that is not learned from, both are for testing


def diverse(size: int = 128) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(photographs (N, size, size, 3), which of them come from ImageNet's folders): for testing.

    A network that was pretrained on ImageNet may have seen those.
    """
    chosen = photos.files_in(shared("diverse") / "test")
    rgb = [Image.fromarray(photos.open_photo(f)) for f in progress.bar(chosen, "diverse")]
    fit, method = (size, size), Image.Resampling.LANCZOS
    pictures = np.stack([np.asarray(ImageOps.fit(x, fit, method)) for x in rgb])
    return pictures, np.array([f.parent.name in IMAGENET for f in chosen])
