"""What a file's content says about it: gray or not, a near duplicate or not, train or test."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import color, progress
from course_utils.photos.opening import PhotoError, decode, read

TEST_SHARE = 0.1
GRAY_CHROMA = 3.0  # mean C*ab below which a photograph counts as gray
# When looking for copies: windows compared with each other, how often, and pairs held at once.
BLOCK, PASSES, WAITING = 512, 32, 10**6
# `sha256`: empty where a file does not open. `windows`: see `windows`.
INDEX = np.dtype([("sha256", "S64"), ("chroma", "f4"), ("windows", "u1", (4, 2, 36))])


def looks(im: Image.Image) -> tuple:
    """Chroma and windows of a picture, as INDEX holds them."""
    return mean_chroma(im), windows(im)


def describe(file: Path, read: Callable[[Path], bytes] = read, look: Any = looks) -> tuple:
    """One row of INDEX: what `load` and the data scripts need to know of a file.

    read: gives the file's content, and is called once. look: finds chroma and windows, or is None
    where the checksum is enough, and nothing is decoded. `refusal` says why a file does not open.
    """
    try:
        data = read(file)
        seen = look(Image.fromarray(decode(data, file))) if look else (0, 0)
    except Exception:  # one odd file ends nothing
        return b"", 0, 0
    return hashlib.sha256(data).hexdigest(), *seen


def refusal(file: Path) -> str:
    """The sentence that says why a file does not open."""
    try:
        decode(read(file), file)
    except (OSError, PhotoError) as error:
        return str(error)
    except Exception as error:
        return f"{file} cannot be opened ({type(error).__name__}: {error})."
    return f"{file} could not be opened the first time: delete the cache to try it again."


def mean_chroma(im: Image.Image) -> float:
    """The mean chroma C*ab of a picture, taken at 64 x 64 pixels."""
    small = np.asarray(im.resize((64, 64), Image.Resampling.LANCZOS, reducing_gap=3.0))
    return np.hypot(*np.moveaxis(color.ab(small), -1, 0)).mean()


def is_gray(im: Image.Image) -> bool:
    """Whether a picture counts as gray."""
    return mean_chroma(im) < GRAY_CHROMA


def windows(im: Image.Image) -> NDArray[np.uint8]:
    """How four cuts of a picture look from afar: signs of 288 coarse gradients of each.

    uint8 (4, 2, 36): packed bits, first for rising and then for falling gradients. A dHash of 12 x
    12 cells, in both directions, without steps below 3 of 255, so that flat areas count for
    nothing. First the whole picture, then what a cut copy may show: the inner 94 %, the inner 88 %,
    the center square.
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
    steps = steps.reshape(4, 288)
    return np.packbits(np.stack([steps >= 3, steps <= -3], 1), axis=-1)


def is_test(index: NDArray) -> NDArray[np.bool_]:
    """Which rows of INDEX, sorted by sha256, are for testing: near duplicates share one draw."""
    group = near_duplicates(index)
    firsts = index["sha256"][np.unique(group, return_index=True)[1]]
    draws = [int(hashlib.sha256(first).hexdigest(), 16) / 2**256 for first in firsts]
    return (np.array(draws) < TEST_SHARE)[group]


def near_duplicates(index: NDArray) -> NDArray[np.intp]:
    """The number of each row's group: rows of INDEX that look alike, directly or by a chain.

    Time grows with the number of rows, not with its square: rows are sorted by 64 of their signs,
    drawn anew in each of PASSES, and compared with those that stand near them. Up to 128 rows all
    pairs are. A pair that differs in many signs may be missed; what a chain of other pairs joins is
    found all the same.
    """
    # Whole pictures against all windows. A cosine of .75 joins them: 39 of 22 million pairs of
    # landscapes reach it, many of them bursts, and all but 1 in 500 of the copies that `load`
    # names. Products of whole numbers are exact in float32, so that every machine finds the same.
    packed = index["windows"].reshape(-1, 2, 36)
    group, pairs, waiting, rng = np.arange(len(index)), [], 0, np.random.default_rng(0)
    passes = PASSES if len(packed) > BLOCK else 1
    for _ in progress.bar(range(passes), "near duplicates", unit="pass"):
        order = _sorted(packed[:, 0], rng.choice(288, 64, replace=False))
        for start in range(0, len(order), BLOCK):
            rows = order[start : start + BLOCK]
            plus, minus = np.unpackbits(packed[rows], axis=-1).astype(np.float32).swapaxes(0, 1)
            signs, whole = plus - minus, rows % 4 == 0
            length = np.sqrt(abs(signs).sum(1))
            length[length**2 < 32] = np.inf  # too flat to tell
            i, j = np.nonzero(signs[whole] @ signs.T >= 0.75 * length[whole, None] * length)
            found = group[np.stack([rows[whole][i], rows[j]]) // 4]
            pairs.append(found[:, found[0] != found[1]])
            waiting += pairs[-1].shape[1]
            if waiting > WAITING:  # an album of copies has more pairs than memory
                group, pairs, waiting = _joined(group, pairs), [], 0
    return _joined(group, pairs)


def _sorted(bits: NDArray[np.uint8], some: NDArray) -> NDArray[np.intp]:
    """The order of rows of 288 packed bits by 64 of their bits."""
    parts = np.array_split(bits, len(bits) // 2**16 + 1)
    keys = [np.packbits(np.unpackbits(part, axis=1).take(some, 1), axis=1) for part in parts]
    return np.argsort(np.concatenate(keys).view("<u8")[:, 0], kind="stable")


def _joined(group: NDArray, pairs: list[NDArray]) -> NDArray:
    """Groups after joining groups i and j, for every pair in arrays (2, N) of such numbers."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    i, j = np.concatenate([np.empty((2, 0), int), *pairs], 1)
    graph = coo_matrix((np.ones(len(i), bool), (i, j)), (len(group), len(group)))
    return connected_components(graph, directed=False)[1][group]
