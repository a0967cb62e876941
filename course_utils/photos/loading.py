"""Load photographs, from a folder or by name, as square pictures of one split."""

import functools
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from course_utils.photos.album import album
from course_utils.photos.cache import mapped
from course_utils.photos.installed import bundled
from course_utils.photos.opening import SUFFIXES, decode, read
from course_utils.photos.splitting import INDEX, describe, is_gray, is_test, refusal, windows

GRAY, BROKEN = 1, 2  # why a file has no pixels
LEFT_OUT = "left out {} gray photographs of {}"
# Bytes of files that one call of `load` keeps: a folder on a network drive is not read twice.
HELD = 2**28
# Public data sets that `python -m data_scripts.NAME` prepares.
SETS = ("coco", "flickr", "imagenet", "imagenette", "intel", "places")


def load(
    source: str | Path,
    split: str = "train",
    size: int = 64,
    limit: int | None = None,
    color_only: bool = False,
) -> NDArray[Any]:
    """Square pictures of one split: uint8 (N, size, size, 3); for "paintbox" float32 in [0, 1].

    source: "album" (`album()`, the photographs that the course ships, split by hand), "bundled"
        (`bundled()`; coffee and astronaut for testing, six for training), "paintbox" (1,000 scenes
        or `limit`; the splits differ in their seed), a public data set that `python -m
        data_scripts.NAME` has prepared ("coco", "flickr", "imagenet", "imagenette", "intel",
        "places"), or a folder, which is searched with its subfolders; hidden files are passed over.
        A folder with the name of a data set is written "./coco".
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
    that an interrupted call goes on where it was, by parts of 100 pictures. The result of a folder
    is a file of the cache, mapped into memory: more pictures than memory holds are read as they are
    used, and what is written into the array does not reach the file.

    With `limit`, published splits are decoded until there are enough pictures, after all files were
    read once for the order of their contents. Without a published split, all files are decoded.

    Raises ValueError for a bad argument and where no picture is left, FileNotFoundError for a
    folder that does not exist and a data set that is not prepared.

    >>> load("bundled").shape, load("bundled", "test", size=150).shape
    ((6, 64, 64, 3), (2, 150, 150, 3))
    """
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; it must be "train" or "test".')
    for name, value in (("size", size), ("limit", 1 if limit is None else limit)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1.")
    if source == "paintbox":
        from course_utils import paintbox

        return paintbox.sample(limit or 1000, size, 1_000_000 * (split == "test")).rgb
    if source in ("album", "bundled"):
        shipped = album(split) if source == "album" else bundled()
        ims = [Image.fromarray(photo.rgb) for photo in shipped if photo.split == split]
        if color_only:
            every, ims = len(ims), [im for im in ims if not is_gray(im)]
            print(LEFT_OUT.format(every - len(ims), every))
        return np.stack([_square(im, size) for im in ims[:limit]])

    folder = _prepared(str(source)) if source in SETS else Path(source).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f'There is no folder {folder}: source is a folder of photographs, "album" or "bundled" '
            f'(photographs that are here already), "paintbox" or one of {", ".join(SETS)}.'
        )
    pairs = (("train", "test"), ("seg_train", "seg_test"))
    published = [pair for pair in pairs if all((folder / name).is_dir() for name in pair)]
    if published:
        folder = folder / published[0][split == "test"]
    files = files_in(folder)
    largest = max((file.stat().st_size for file in files), default=0)
    once = functools.lru_cache(HELD // (largest or 1))(read)  # its place, then its pixels
    chosen = _in_order(files, once, folder, "" if published else split)

    def pixels(file):
        try:
            im = Image.fromarray(decode(once(file), file))
        except Exception:  # one odd file ends nothing
            return BROKEN
        return GRAY if color_only and is_gray(im) else _square(im, size)

    row = np.dtype(("u1", (size, size, 3)))
    rows, why = mapped(f"pixels{color_only}", chosen, pixels, row, limit=limit)
    _refused([file for file, reason in zip(chosen, why, strict=False) if reason == BROKEN], folder)
    if color_only:
        print(LEFT_OUT.format(np.sum(why == GRAY), np.sum(why != BROKEN)))
    if not len(rows):
        raise ValueError(
            f'{folder} has no picture for split="{split}" (of {len(files)} files that end in '
            f'{" ".join(SUFFIXES)}): add some, or use source="bundled".'
        )
    return rows[:limit]


def _in_order(files, once, folder, split):
    """Files in the order of their contents, which decide the split too; split "" takes all."""
    look = (lambda im: (0, windows(im))) if split else None
    with warnings.catch_warnings(action="ignore"):  # who takes the pixels lets them pass
        index, _ = mapped(f"index{split != ''}", files, lambda f: describe(f, once, look), INDEX)
    order = np.argsort(index["sha256"], kind="stable")
    opens = index["sha256"][order] != b""
    _refused([files[i] for i in order[~opens]], folder)
    order = order[opens]
    chosen = [files[i] for i in order]
    if not split:
        return chosen
    drawn = functools.cache(lambda: dict(zip(chosen, is_test(index[order]), strict=True)))
    testing, _ = mapped("split", chosen, lambda file: drawn()[file], bool, map)
    return [chosen[i] for i in np.flatnonzero(testing == (split == "test"))]


def _refused(files, folder):
    for file in sorted(files)[:5]:
        print("skipped:", refusal(file).replace(f"{folder}{os.sep}", ""))
    if len(files) > 5:
        print(f"skipped: {len(files) - 5} more")


def data_home() -> Path:
    """The folder where public data sets live: COURSE_DATA, or ~/.cache/color-from-gray/data."""
    home = os.environ.get("COURSE_DATA") or Path.home() / ".cache" / "color-from-gray" / "data"
    return Path(home).expanduser()


def _prepared(name: str) -> Path:
    folder = data_home() / name
    if not (folder / "manifest.csv").is_file():  # written last
        raise FileNotFoundError(
            f'The photographs "{name}" are not on this machine yet: run `python -m '
            f'data_scripts.{name}`, or use source="bundled", which needs no download.'
        )
    return folder


def files_in(
    folder: Path, refused: Callable[[Path, str], object] = lambda path, why: print("skipped:", why)
) -> list[Path]:
    """The pictures in a folder and its subfolders, sorted; hidden ones are passed over.

    refused: is told of folders that cannot be read, and of pictures that are no files.
    """

    def closed(error):
        where = Path(error.filename)
        refused(where, f"{where} cannot be read ({error.strerror}): check its permissions.")

    found = []
    for place, folders, names in os.walk(folder, onerror=closed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() not in SUFFIXES:
                continue
            if os.path.isfile(path):
                found.append(path)
            else:
                refused(path, f"{path} is no file, or a link that leads to none: remove it.")
    return sorted(found)


def _square(im: Image.Image, size: int) -> NDArray[np.uint8]:
    return np.asarray(ImageOps.fit(im, (size, size), Image.Resampling.LANCZOS))
