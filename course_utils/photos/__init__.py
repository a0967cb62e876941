"""Photographs: open any picture as sRGB, show the installed ones, load a folder of them.

`opening` reads one file, `loading` many; what was decoded is kept in a cache.
"""

from course_utils.photos.loading import (
    GRAY_CHROMA,
    INDEX,
    SETS,
    Photo,
    bundled,
    data_home,
    describe,
    files_in,
    load,
    mapped,
    near_duplicates,
)
from course_utils.photos.opening import SUFFIXES, PhotoError, open_photo

__all__ = [
    "GRAY_CHROMA",
    "INDEX",
    "SETS",
    "SUFFIXES",
    "Photo",
    "PhotoError",
    "bundled",
    "data_home",
    "describe",
    "files_in",
    "load",
    "mapped",
    "near_duplicates",
    "open_photo",
]
