"""A video file from gray to color, steady in time, in bounded memory, and again after a kill.

The result is made in pieces of PIECE frames. Behind each piece stands what the filter remembers
after it. So a run that is repeated goes on behind the last whole piece, and gives the same bytes.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from course_utils import __version__, color, files
from course_utils.colorizer import LABEL, Colorizer
from course_utils.colorizer.model import resize, working_size
from course_utils.video import streams
from course_utils.video.steady import STRENGTH, Steady

PIECE = 50  # frames; a kill loses the work on one piece at most


def paint(rgb: NDArray[np.uint8], model: Colorizer, filter: Steady) -> NDArray[np.uint8]:
    """A frame in color: as `Colorizer.colorize`, with its ab steadied at the working size."""
    L = color.L(rgb).clip(0, 100)
    height, width = L.shape[:2]
    small = resize(L, *working_size(height, width, model.size)).clip(0, 100)
    ab = resize(filter(small, model.ab(small)), height, width)
    return np.round(255 * color.with_ab(L, color.within_gamut(L, ab))).astype(np.uint8)


def colorize(
    source: Path, result: Path, model: Colorizer, strength: float = STRENGTH
) -> Iterator[int]:
    """Colorize a video file; yields, after each frame, how many are done.

    result: ends in .mp4, .mov (H.264, plays everywhere) or .mkv (FFV1, loses nothing). strength: of
    the filter, 0 for frame by frame, below 1. Until the end, the work lies in a folder beside the
    result, from which the same call goes on. Raises FileExistsError where there is a result, and
    OSError or ValueError, one sentence, for what cannot be read or written.
    """
    kind = result.suffix.lower()
    if kind not in streams.KINDS:
        raise ValueError(f"{result} must end in {', '.join(streams.KINDS)}.")
    if not 0 <= strength < 1:
        raise ValueError(f"The strength is {strength}; it is at least 0 and below 1.")
    if os.path.lexists(result):
        raise FileExistsError(f"{result} is there already, and stays: name another file.")
    said = streams.about(source)
    work = _folder(source, result, model, strength)
    pieces, filter = _remembered(work, strength)
    done = len(pieces) * PIECE
    rest = itertools.islice(streams.frames(source), done, None)
    for first in rest:
        piece = work / f"{len(pieces):06}.nut"
        with streams.writing(piece, kind, said) as add:
            for frame in itertools.chain([first], itertools.islice(rest, PIECE - 1)):
                add(frame._replace(rgb=paint(frame.rgb, model, filter)))
                done += 1
                yield done
        _remember(piece, filter)
        pieces.append(piece)
    whole = work / f"whole{kind}"
    streams.join(pieces, source, whole, LABEL + model.name)
    os.rename(whole, result)
    shutil.rmtree(work)


def _remember(piece, filter):
    """Only now the piece counts: what the filter remembers lies behind it."""
    L, ab = filter.before
    memory = piece.with_suffix(".npz")
    files.write(memory, lambda file: np.savez(file, L=L, ab=ab, cuts=filter.cuts))


def _remembered(work, strength):
    """The whole pieces of an earlier run, and the filter as it was behind the last of them."""
    pieces, filter = [], Steady(strength)
    while (piece := work / f"{len(pieces):06}.nut").with_suffix(".npz").is_file():
        pieces.append(piece)
    if pieces:
        with np.load(pieces[-1].with_suffix(".npz")) as kept:
            filter.before, filter.cuts = (kept["L"], kept["ab"]), int(kept["cuts"])
    return pieces, filter


def _folder(source, result, model, strength):
    """Where the work on this file, by this model and in this way, lies; it is made."""
    stat = source.stat()
    about = [source.resolve(), stat.st_size, stat.st_mtime_ns, strength, __version__]
    stamp = model.fingerprint(repr(list(map(str, about))).encode())[:12]
    work = result.with_name(f"{result.name}.{stamp}.parts")
    work.mkdir(parents=True, exist_ok=True)
    return work
