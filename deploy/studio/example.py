"""The example on the first page: a glass plate of the course's album, gray and colorized."""

import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from course_utils import color, photos
from course_utils.colorizer import BEST, LABEL, Colorizer

NAME = "prokudin_00106"
CREDIT = (
    "Sergei Prokudin-Gorskii, about 1910, public domain. The colors were invented by a network."
)


@functools.cache
def size() -> tuple[int, int]:
    """(width, height) of the example."""
    height, width = _rgb().shape[:2]
    return width, height


@functools.cache
def drawn(kind: str) -> bytes:
    """The example as JPEG: `before`, gray, or `after`, colorized by the best model."""
    rgb, exif = _rgb(), Image.Exif()
    if kind == "after":
        exif[ExifTags.Base.ImageDescription] = LABEL + BEST
        rgb = Colorizer.load(BEST).colorize(rgb)
    else:
        rgb = np.uint8(np.round(255 * color.with_ab(color.L(rgb), np.zeros((*rgb.shape[:2], 2)))))
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


@functools.cache
def _rgb() -> NDArray[np.uint8]:
    return next(photo.rgb for photo in photos.album("test") if photo.name == NAME)
