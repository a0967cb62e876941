"""Candidates, and where they come from when they are here already: a folder or an archive."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from course_utils import photos
from data_scripts.archives import unpack
from data_scripts.files import DataError
from data_scripts.web import OFFLINE


class Picture(NamedTuple):
    """A candidate. Where `fetch` is set, `path` is where that address is fetched to."""

    id: str
    path: Path
    url: str
    licence: str
    author: str = ""
    fetch: str = ""


def folder_of(local, downloads):
    """A folder as it is; an archive unpacked. What the user names with --from."""
    local = local.expanduser()
    if local.is_dir():
        return local
    if local.is_file():
        return unpack(local, downloads / "unpacked")
    raise DataError(f"there is no folder or archive {local}; {OFFLINE}")


def inside(root, name):
    """The folder of that name anywhere under root: archives differ in how deep they nest it."""
    found = sorted(path for path in root.rglob(name) if path.is_dir())
    if not found:
        raise DataError(f"{root} has no folder {name}")
    return found[0]


def mixed(pictures):
    """A fixed random order, so that the first N are a sample."""
    return iter(sorted(pictures, key=lambda p: hashlib.sha256(p.id.encode()).digest()))


def pictures_in(folder, root, about, licence="", url=""):
    """Candidates from the files of a folder; an id is the path under root."""
    for file in photos.files_in(folder):
        name = os.fsencode(file.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")
        yield Picture(name, file, f"{url or about.page}#{name}", licence or about.licence)
