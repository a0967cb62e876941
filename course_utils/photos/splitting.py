"""What a file's content says about it: gray or not, a near duplicate or not, train or test."""

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import color, progress
from course_utils.photos.opening import PhotoError, decode, read

TEST_SHARE = 0.1
GRAY_CHROMA = 3.0  # mean C*ab below which a photograph counts as gray
BLOCK, WAITING = 2**24, 10**6  # cosines held at once, and pairs found, when looking for copies
# `note`: why a file does not open. `windows`: see `_windows`.
INDEX = np.dtype(
    [("note", "U300"), ("sha256", "S64"), ("chroma", "f4"), ("windows", "i1", (4, 288))]
)


def describe(file: Path, read: Callable[[Path], bytes] = read) -> tuple:
    """One row of INDEX: what `load` and the data scripts need to know of a file.

    read: gives the file's content, and is called once.
    """
    try:
        data = read(file)
        with warnings.catch_warnings(action="ignore"):  # who takes the pixels lets them pass
            im = Image.fromarray(decode(data, file))
    except (OSError, PhotoError) as error:
        return str(error), b"", 0, 0
    except Exception as error:  # one odd file ends nothing
        return f"{file} cannot be opened ({type(error).__name__}: {error}).", b"", 0, 0
    return "", hashlib.sha256(data).hexdigest(), mean_chroma(im), _windows(im)


def mean_chroma(im: Image.Image) -> float:
    """The mean chroma C*ab of a picture, taken at 64 x 64 pixels."""
    small = np.asarray(im.resize((64, 64), Image.Resampling.LANCZOS, reducing_gap=3.0))
    return np.hypot(*np.moveaxis(color.ab(small), -1, 0)).mean()


def _windows(im: Image.Image) -> NDArray[np.int8]:
    """How four cuts of a picture look from afar: int8 (4, 288), signs of coarse gradients.

    A dHash of 12 x 12 cells, in both directions, with 0 for steps below 3 of 255, so that flat
    areas count for nothing. First the whole picture, then what a cut copy may show: the inner 94 %,
    the inner 88 %, the center square.
    """
    im = im.convert("L")
    im.thumbnail((256, 256), reducing_gap=3.0)
    whole, side = np.array(im.size), min(im.size)
    shown = [whole, 0.94 * whole, 0.88 * whole, np.array([side, side])]
    boxes = [(*(whole - part) / 2, *(whole + part) / 2) for part in shown]
    cells = np.array(
        [im.resize((13, 13), Image.Resampling.LANCZOS, box) for box in boxes], np.int16
    )
    steps = np.stack([np.diff(cells, axis=2)[:, :12], np.diff(cells, axis=1)[..., :12]], 1)
    return (np.sign(steps) * (abs(steps) >= 3)).reshape(4, 288)


def is_test(index: NDArray) -> NDArray[np.bool_]:
    """Which rows of INDEX, sorted by sha256, are for testing: near duplicates share one draw."""
    group = near_duplicates(index)
    firsts = index["sha256"][np.unique(group, return_index=True)[1]]
    draws = [int(hashlib.sha256(first).hexdigest(), 16) / 2**256 for first in firsts]
    return (np.array(draws) < TEST_SHARE)[group]


def near_duplicates(index: NDArray) -> NDArray[np.intp]:
    """The number of each row's group: rows of INDEX that look alike, directly or by a chain."""
    # Whole pictures against all windows. A cosine of .75 joins them: 39 of 22 million pairs of
    # landscapes reach it, many of them bursts, and all but 1 in 500 of the copies that `load`
    # names. Products of whole numbers are exact in float32, so that every machine finds the same.
    signs = index["windows"].reshape(-1, 288)
    length = np.sqrt(abs(signs).sum(1, dtype=np.float32))
    windows = signs.astype(np.float32)
    length[length**2 < 32] = np.inf  # too flat to tell
    step = max(1, min(256, BLOCK // max(1, len(windows))))
    group, pairs, waiting = np.arange(len(index)), [], 0
    with progress.bar([], "near duplicates", len(index), "photo") as bar:
        for start in range(0, len(index), step):
            rows = slice(4 * start, 4 * (start + step), 4)
            near = windows[rows] @ windows.T >= 0.75 * length[rows, None] * length
            pairs.append(np.argwhere(near) // (1, 4) + (start, 0))
            waiting += len(pairs[-1])
            if waiting > WAITING:  # an album of copies has more pairs than memory
                group, pairs, waiting = _joined(group, pairs), [], 0
            bar.update(near.shape[0])
    return _joined(group, pairs)


def _joined(group: NDArray, pairs: list[NDArray]) -> NDArray:
    """Groups after joining those of the rows i and j, for every pair (i, j)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    i, j = group[np.concatenate([np.empty((0, 2), int), *pairs])].T
    graph = coo_matrix((np.ones(len(i), bool), (i, j)), (len(group), len(group)))
    return connected_components(graph, directed=False)[1][group]
