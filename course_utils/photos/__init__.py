"""Photographs: open any picture as sRGB, show the installed ones, load a folder of them.

`opening` reads one file, `loading` many, `splitting` decides what is for testing, and `cache` keeps
what was decoded.
"""

from course_utils.photos.album import album
from course_utils.photos.cache import mapped
from course_utils.photos.installed import Photo, bundled
from course_utils.photos.loading import SETS, data_home, files_in, load
from course_utils.photos.opening import SUFFIXES, PhotoError, open_photo
from course_utils.photos.splitting import GRAY_CHROMA, INDEX, describe, near_duplicates

__all__ = [
    "GRAY_CHROMA",
    "INDEX",
    "SETS",
    "SUFFIXES",
    "Photo",
    "PhotoError",
    "album",
    "bundled",
    "data_home",
    "describe",
    "files_in",
    "load",
    "mapped",
    "near_duplicates",
    "open_photo",
]
