"""What was computed of photographs is kept, so that an interrupted call goes on where it was.

A file of the cache is one array, which is mapped into memory and not read into it. Before its rows
stand marks, one for each part: its checksum, and of each photograph whether it has a row.
"""

import functools
import hashlib
import io
import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import PIL
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from course_utils import progress
from course_utils.photos.opening import readable

PART = 100  # pictures decoded between two writes to the cache
CACHED = 3  # raise it when what the cache keeps is computed in another way


def mapped(
    stage: str,
    photos: list[Path],
    make: Callable[[Path], Any],
    dtype: DTypeLike,
    run: Callable[..., Iterable[Any]] | None = None,
    limit: int | None = None,
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The rows make(photo) of files as an array, in parts that the cache keeps.

    make: gives a row, or an int from 1 to 255 that says why this file has none.
    run: what calls `make` on many files, `map` or the like of a pool; threads where None.
    limit: look at no further part when there are so many rows.

    Returns the rows and, for each file that was looked at, 0 or the reason why it has no row.
    What is written into the rows does not reach the cache. Damaged parts are made again.
    """
    readable()
    dtype, real = np.dtype(dtype), functools.cache(Path.resolve)
    if not photos:
        return np.empty(0, dtype), np.empty(0, np.uint8)
    key = hashlib.sha256(repr((CACHED, PIL.__version__, sorted(Image.OPEN), dtype)).encode())
    key.update(repr((Image.MAX_IMAGE_PIXELS, PART, stage)).encode())
    for photo in photos:
        s = photo.stat()
        facts = real(photo.parent), photo.name, s.st_size, s.st_mtime_ns, s.st_mode, s.st_ino
        key.update(repr(facts).encode())
    root = os.environ.get("COURSE_CACHE") or Path.home() / ".cache" / "color-from-gray"
    path = Path(root).expanduser() / "photos" / f"{key.hexdigest()[:32]}.rows"
    marks = np.zeros(-(-len(photos) // PART), [("sum", "u4"), ("why", "u1", PART)])

    def filled(file):
        """How many rows a file of the cache has, and how many photos were looked at."""
        file.readinto(marks.view("u1"))
        total = looked = 0
        for mark in progress.bar(marks, stage, unit=f"{PART} photos"):
            part = photos[looked : looked + PART]
            why, place = mark["why"][: len(part)], marks.nbytes + total * dtype.itemsize
            file.seek(place)
            data = file.read(dtype.itemsize * np.count_nonzero(why == 0))
            if crc32(data, crc32(mark["why"])) != mark["sum"]:
                made = list((run or pool.map)(make, part))
                why[:] = [row if type(row) is int else 0 for row in made]
                data = np.fromiter((row for row in made if type(row) is not int), dtype).tobytes()
                mark["sum"] = crc32(data, crc32(mark["why"]))
                file.seek(place)
                file.write(data)
                file.seek(looked // PART * marks.itemsize)
                file.write(mark.tobytes())
                file.flush()
            looked, total = looked + len(part), total + len(data) // dtype.itemsize
            if total >= (limit or np.inf):
                break
        return total, looked

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            with path.open("r+b" if os.access(path, os.W_OK) else "rb") as file:
                total, looked = filled(file)
            rows = np.memmap(path, dtype, "c", marks.nbytes, total) if total else np.empty(0, dtype)
        except OSError as error:
            why = f"{path.parent} keeps no photos ({error.strerror})"
            warnings.warn(f"{why}: free space or set COURSE_CACHE to another folder.", stacklevel=3)
            total, looked = filled(file := io.BytesIO(bytes(marks.nbytes)))
            rows = np.frombuffer(file.getbuffer(), dtype, total, marks.nbytes)
    return np.asarray(rows), marks["why"].ravel()[:looked]
