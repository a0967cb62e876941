"""Which photographs are worth keeping, and what is written of them."""

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from multiprocessing import get_context, parent_process
from threading import Thread
from types import ModuleType
from warnings import catch_warnings

import numpy as np
from PIL import Image

from course_utils import photos
from data_scripts.files import bar, digest, write_whole

SHORTEST = 100  # pixels of the shorter side
LONGEST = 3.0  # times the shorter side
FEW = 300  # photographs for which starting processes does not pay
QUALITY = 95  # with 4:4:4 color; 4:2:0 would halve the resolution of what the course learns

ROW = np.dtype([("seen", photos.INDEX), ("width", "i4"), ("height", "i4")])
REASONS = ("unreadable", "tiny", "extreme aspect", "gray", "near duplicate")


def survey(files):
    """One ROW for every file, from a pool of processes; kept in the course's cache."""
    with _processes(len(files)) as run:
        return photos.mapped("looking at photographs", files, _look, ROW, run)[0]


def _look(file):
    with catch_warnings(action="ignore"):
        seen = photos.describe(file)
    width = height = 0
    if seen[0]:
        with Image.open(file) as im:
            width, height = im.size
    return seen, width, height


def reasons(rows):
    """Why each row is left out, one of REASONS, or "". Of near duplicates the first stays."""
    seen = rows["seen"]
    short, long = np.sort([rows["width"], rows["height"]], axis=0)
    why = np.full(len(rows), "", "U20")
    why[seen["chroma"] < photos.GRAY_CHROMA] = "gray"
    why[long > LONGEST * short] = "extreme aspect"
    why[short < SHORTEST] = "tiny"
    why[seen["sha256"] == b""] = "unreadable"
    good = np.flatnonzero(why == "")
    # the same bytes first: a flat picture has no features to be found by
    good = good[np.sort(np.unique(seen["sha256"][good], return_index=True)[1])]
    group = photos.near_duplicates(seen[good])
    kept = good[np.unique(group, return_index=True)[1]]
    why[np.setdiff1d(np.flatnonzero(why == ""), kept)] = "near duplicate"
    return why


def write(jobs):
    """Write photographs: triples (source, target, size). One (width, height, bytes, sha256) each.

    size: of the shorter side; a photograph that is no larger keeps its bytes. The target's suffix
    is .jpg or that of the source. A target that is there already is only looked at.
    """
    with _processes(len(jobs)) as run, bar(total=len(jobs), desc="writing", unit="photo") as shown:
        for fact in run(_write, jobs):
            yield fact
            shown.update()


def _write(job):
    source, target, size = job
    if not target.exists():
        write_whole(target, _resized(source, target, size))
    with Image.open(target) as im:
        width, height = im.size
    return width, height, target.stat().st_size, digest(target)


def _resized(source, target, size):
    with Image.open(source) as im:
        small = min(im.size) <= size
    if small and target.suffix == source.suffix.lower():
        return source.read_bytes()
    im = Image.fromarray(photos.open_photo(source))
    if not small:
        shape = [round(side * size / min(im.size)) for side in im.size]
        im = im.resize(shape, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = BytesIO()
    im.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


@contextmanager
def _processes(n):
    """`map`, or for many photographs that of a pool of processes."""
    if n < FEW:
        yield map
        return
    # spawn: forking a process that has threads can hang
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _end_with_parent)
    try:
        yield partial(_mapped, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _mapped(pool, function, items):
    """`map` of a pool whose processes do not run the caller's script.

    They would where it has a file, and one without `if __name__ == "__main__"` would begin again.
    """
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        return pool.map(function, items, chunksize=8)  # starts the processes
    finally:
        sys.modules["__main__"] = script


def _end_with_parent():
    """A killed parent takes its pool along; otherwise the processes would wait forever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to report

    def watch():
        parent_process().join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
