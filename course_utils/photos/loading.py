"""Photographs: open any picture as sRGB, show the installed ones, load a folder of them."""

import hashlib
import json
import os
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from PIL import Image, ImageOps

from course_utils import color, progress
from course_utils.photos.opening import SUFFIXES, PhotoError, open_photo

__all__ = ["SUFFIXES", "Photo", "PhotoError", "bundled", "load", "open_photo"]

# Public data sets that `python -m data_scripts.NAME` prepares.
SETS = ("coco", "flickr", "imagenet", "imagenette", "intel", "places")
TEST_SHARE = 0.1
GRAY_CHROMA = 3.0  # mean C*ab below which a photograph counts as gray
PART = 1000  # pictures decoded between two writes to the cache
BLOCK, WAITING = 2**24, 10**6  # cosines held at once, and pairs found, when looking for copies
CACHED = 1  # raise it when what the cache keeps is computed in another way


class Photo(NamedTuple):
    """A photograph: name, rgb uint8 (H, W, 3), credit and licence as its package states them."""

    name: str
    rgb: np.ndarray
    credit: str
    licence: str


# From scikit-image's docstrings and scikit-learn's README (its text names danielbuechele for the
# flower as well, but links to vultilion).
_MIDDLEBURY = "Nesic, Westling, Wang, Kitajima, Krathwohl, Scharstein (Middlebury stereo 2014)"
_BUNDLED = [
    ("china", "sklearn/datasets/images/china.jpg", "danielbuechele (Flickr)", "CC BY 2.0"),
    ("flower", "sklearn/datasets/images/flower.jpg", "vultilion (Flickr)", "CC BY 2.0"),
    ("coffee", "skimage/data/coffee.png", "Rachel Michetti, Pikolo Espresso Bar", "CC0"),
    ("chelsea", "skimage/data/chelsea.png", "Stefan van der Walt", "CC0"),
    ("astronaut", "skimage/data/astronaut.png", "NASA", "public domain"),
    ("rocket", "skimage/data/rocket.jpg", "SpaceX", "public domain"),
    ("motorcycle", "skimage/data/motorcycle_left.png", _MIDDLEBURY, "not stated"),
    ("hubble", "skimage/data/hubble_deep_field.jpg", "NASA", "public domain"),
]
_BUNDLED_TEST = ("coffee", "astronaut")


def bundled():
    """The eight color photographs that scikit-image and scikit-learn install: a list of Photo.

    In a fixed order, landscape and everyday first; nothing is downloaded. Raises FileNotFoundError
    where an installation lacks one.
    """
    photos = []
    for name, path, credit, licence in _BUNDLED:
        package, _, inside = path.partition("/")
        # find_spec finds the folder without importing scikit-learn, which takes a second
        file = Path(find_spec(package).submodule_search_locations[0], inside)
        photos.append(Photo(name, open_photo(file), credit, licence))
    return photos


def load(source, split="train", size=64, limit=None, color_only=False):
    """Square pictures of one split: uint8 (N, size, size, 3); for "paintbox" float32 in [0, 1].

    source: "bundled" (`bundled()`; coffee and astronaut for testing, six for training), "paintbox"
        (1,000 scenes or `limit`; the splits differ in their seed), a public data set that
        `python -m data_scripts.NAME` has prepared ("coco", "flickr", "imagenet", "imagenette",
        "intel", "places"), or a folder, which is searched with its subfolders; hidden files are
        passed over. A folder with the name of a data set is written "./coco".
    split: "train" or "test". Subfolders `train` and `test`, or `seg_train` and `seg_test`, are used
        as published. Else the contents of the files decide, not names, places, `size` or `limit`:
        about a tenth is for testing, and near duplicates stay together (a photo re-encoded,
        resized, cut to its center square or by up to 7 % on every side). A photo that comes or goes
        moves none but its near duplicates and theirs.
    size: the side in pixels. The center square is cut out and resized with Lanczos' filter.
    limit: at most so many: a fixed sample, the beginning of every larger one.
    color_only: leave out gray photographs (mean chroma C*ab below 3) and print how many they are.
        paintbox has none.

    Files that cannot be read are skipped and printed. What is decoded is kept in the cache
    (~/.cache/color-from-gray, or the folder COURSE_CACHE names; delete it whenever you like), so
    that an interrupted call goes on where it was, by parts of 1,000 pictures.

    Raises ValueError for a bad argument and where no picture is left, FileNotFoundError for a
    folder that does not exist and a data set that is not prepared.
    """
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; it must be "train" or "test".')
    for name, value in (("size", size), ("limit", 1 if limit is None else limit)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1.")
    if source == "paintbox":
        from course_utils import paintbox

        seeds = {"train": 0, "test": 1_000_000}
        return paintbox.sample(limit or 1000, size, seeds[split]).rgb
    if source == "bundled":
        rgbs = [p.rgb for p in bundled() if (p.name in _BUNDLED_TEST) == (split == "test")]
        if color_only:
            rgbs = _colored(rgbs, [_chroma(Image.fromarray(rgb)) for rgb in rgbs])
        return np.stack([_square(rgb, size) for rgb in rgbs[:limit]])

    folder = _prepared(source) if source in SETS else Path(source).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f'There is no folder {folder}: source is a folder of photographs, "paintbox", '
            f'"bundled" (photographs that are installed already) or one of {", ".join(SETS)}.'
        )
    pairs = (("train", "test"), ("seg_train", "seg_test"))
    published = [pair for pair in pairs if all((folder / name).is_dir() for name in pair)]
    if published:
        folder = folder / published[0][split == "test"]
    files = files_in(folder)
    index = mapped("index", files, describe, INDEX)
    opens = index["note"] == ""
    refused = index["note"][~opens]
    for note in refused[:5]:
        print("skipped:", note.replace(f"{folder}{os.sep}", ""))
    if len(refused) > 5:
        print(f"skipped: {len(refused) - 5} more")
    chosen = np.argsort(index["sha256"], kind="stable")
    chosen = chosen[opens[chosen]]
    if not published:
        key = ["split", index["sha256"][chosen].astype(str).tolist()]
        is_test = _stored(key, lambda: _is_test(index[chosen]), bool)
        chosen = chosen[is_test == (split == "test")]
    if color_only:
        chosen = _colored(chosen, index["chroma"][chosen])
    if not len(chosen):
        raise ValueError(
            f'{folder} has no picture for split="{split}" (of {len(files)} files that end in '
            f'{" ".join(SUFFIXES)}): add some, or use source="bundled".'
        )
    row = np.dtype(("u1", (size, size, 3)))
    return mapped("pixels", [files[i] for i in chosen[:limit]], lambda f: _pixels(f, size), row)


def data_home():
    """The folder where public data sets live: COURSE_DATA, or ~/.cache/color-from-gray/data."""
    home = os.environ.get("COURSE_DATA") or Path.home() / ".cache" / "color-from-gray" / "data"
    return Path(home).expanduser()


def _prepared(name):
    folder = data_home() / name
    if not (folder / "manifest.csv").is_file():  # written last
        raise FileNotFoundError(
            f'The photographs "{name}" are not on this machine yet: run `python -m '
            f'data_scripts.{name}`, or use source="bundled", which needs no download.'
        )
    return folder


def files_in(folder):
    """The pictures in a folder and its subfolders, sorted; hidden ones are passed over."""
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    hidden = [any(p.startswith(".") for p in file.relative_to(folder).parts) for file in files]
    return [f for f, is_hidden in zip(files, hidden, strict=True) if not is_hidden and f.is_file()]


# `note`: why a file does not open. `windows`: see `_windows`.
INDEX = np.dtype(
    [("note", "U300"), ("sha256", "S64"), ("chroma", "f4"), ("windows", "i1", (4, 288))]
)


def describe(file):
    """One row of INDEX: what `load` and the data scripts need to know of a file."""
    try:
        with warnings.catch_warnings(action="ignore"):  # `_pixels` lets them pass
            im = Image.fromarray(open_photo(file))
    except (OSError, PhotoError) as error:
        return str(error), b"", 0, 0
    return "", hashlib.sha256(file.read_bytes()).hexdigest(), _chroma(im), _windows(im)


def _pixels(file, size):
    return _square(open_photo(file), size)


def _chroma(im):
    small = np.asarray(im.resize((64, 64), Image.Resampling.LANCZOS, reducing_gap=3.0))
    return np.hypot(*np.moveaxis(color.rgb_to_lab(small)[..., 1:], -1, 0)).mean()


def _colored(photos, chromas):
    kept = [p for p, chroma in zip(photos, chromas, strict=True) if chroma >= GRAY_CHROMA]
    print(f"left out {len(photos) - len(kept)} gray photographs of {len(photos)}")
    return kept


def _square(rgb, size):
    return np.asarray(ImageOps.fit(Image.fromarray(rgb), (size, size), Image.Resampling.LANCZOS))


def _windows(im):
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
    cells = np.int16([im.resize((13, 13), Image.Resampling.LANCZOS, box) for box in boxes])
    steps = np.stack([np.diff(cells, axis=2)[:, :12], np.diff(cells, axis=1)[..., :12]], 1)
    return (np.sign(steps) * (abs(steps) >= 3)).reshape(4, 288)


def _is_test(index):
    """Which rows of INDEX, sorted by sha256, are for testing: near duplicates share one draw."""
    group = near_duplicates(index)
    firsts = index["sha256"][np.unique(group, return_index=True)[1]]
    draws = [int(hashlib.sha256(first).hexdigest(), 16) / 2**256 for first in firsts]
    return (np.array(draws) < TEST_SHARE)[group]


def near_duplicates(index):
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
    with _bar("near duplicates", len(index)) as bar:
        for start in range(0, len(index), step):
            rows = slice(4 * start, 4 * (start + step), 4)
            near = windows[rows] @ windows.T >= 0.75 * length[rows, None] * length
            pairs.append(np.argwhere(near) // (1, 4) + (start, 0))
            waiting += len(pairs[-1])
            if waiting > WAITING:  # an album of copies has more pairs than memory
                group, pairs, waiting = _joined(group, pairs), [], 0
            bar.update(near.shape[0])
    return _joined(group, pairs)


def _joined(group, pairs):
    """Groups after joining those of the rows i and j, for every pair (i, j)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    i, j = group[np.concatenate([np.empty((0, 2), int), *pairs])].T
    graph = coo_matrix((np.ones(len(i), bool), (i, j)), (len(group), len(group)))
    return connected_components(graph, directed=False)[1][group]


def _bar(what, total):
    return progress.bar([], what, total, "photo")


def mapped(stage, files, make, dtype, run=map):
    """make(file) of every file as an array, in parts that the cache keeps.

    run: what calls `make` on many files, `map` or the like of a pool of processes.
    """
    result = np.empty(len(files), dtype)
    with _bar(stage, len(files)) as bar:

        def counted(rows):
            for row in rows:
                yield row
                bar.update()

        for start in range(0, len(files), PART):
            part = files[start : start + PART]
            stats = [(file.stat(), str(file.resolve())) for file in part]
            key = [stage, str(dtype), [(n, s.st_size, s.st_mtime_ns, s.st_mode) for s, n in stats]]
            rows = _stored(key, lambda part=part: counted(run(make, part)), dtype)
            result[start : start + PART] = rows
            bar.update(start + len(part) - bar.n)
    return result


def _stored(key, make, dtype):
    """The items of make() as an array, from the cache if it is there.

    A file is moved into the cache when it is whole, so that two processes do not disturb each
    other; its CRC tells whether it is damaged, and then it is made again.
    """
    Image.init()
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
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as folder:
            np.savez(Path(folder, path.name), rows=rows)
            os.replace(Path(folder, path.name), path)
    except OSError as error:
        remedy = "free some space or set COURSE_CACHE to another folder"
        warnings.warn(f"{root} keeps no photos ({error.strerror}): {remedy}.", stacklevel=4)
    return rows
