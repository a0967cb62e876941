"""What was computed of photographs is kept, so that an interrupted call goes on where it was."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from course_utils import files, progress
from course_utils.photos.opening import readable

PART = 1000  # pictures decoded between two writes to the cache
CACHED = 3  # raise it when what the cache keeps is computed in another way


def mapped(
    stage: str,
    photos: list[Path],
    make: Callable[[Path], Any],
    dtype: DTypeLike,
    run: Callable[..., Iterable[Any]] = map,
) -> NDArray[Any]:
    """make(photo) of every file as an array, in parts that the cache keeps.

    run: what calls `make` on many files, `map` or the like of a pool of processes.
    """
    result = np.empty(len(photos), dtype)
    with progress.bar([], stage, len(photos), "photo") as bar:

        def counted(rows):
            for row in rows:
                yield row
                bar.update()

        for start in range(0, len(photos), PART):
            part = photos[start : start + PART]
            stats = [(file.stat(), str(file.resolve())) for file in part]
            key = [stage, str(dtype), [(n, s.st_size, s.st_mtime_ns, s.st_mode) for s, n in stats]]
            rows = stored(key, lambda part=part: counted(run(make, part)), dtype)
            result[start : start + PART] = rows
            bar.update(start + len(part) - bar.n)
    return result


def stored(key: Any, make: Callable[[], Iterable[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """The items of make() as an array, from the cache if it is there.

    A file is moved into the cache when it is whole, so that two processes do not disturb each
    other; its CRC tells whether it is damaged, and then it is made again.
    """
    readable()
    key = json.dumps([CACHED, PIL.__version__, sorted(Image.OPEN), Image.MAX_IMAGE_PIXELS, key])
    root = os.environ.get("COURSE_CACHE") or Path.home() / ".cache" / "color-from-gray"
    root = Path(root).expanduser() / "photos"
    path = root / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    try:
        with np.load(path) as stored:
            return stored["rows"]
    except Exception:
        pass  # not there, cut short, anything: it is made again
    rows = np.fromiter(make(), dtype)
    files.sweep(root)
    try:
        files.write(path, lambda file: np.savez(file, rows=rows))
    except OSError as error:
        remedy = "free some space or set COURSE_CACHE to another folder"
        warnings.warn(f"{root} keeps no photos ({error.strerror}): {remedy}.", stacklevel=4)
    return rows
