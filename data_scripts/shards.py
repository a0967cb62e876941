"""More photographs than memory holds: webdataset shards of prepared sets, with a manifest.

    python -m data_scripts.shards FOLDER [FOLDER ...] -o SHARDS

FOLDER is what a data script prepares, or any folder with `train`. A shard is a tar file of small
JPEG pictures; all of them are mixed, so that each shard is like every other. manifest.csv lists the
shards with their numbers of photographs and their sha256. `experiments.recipe --shards SHARDS`
learns from them, as lessons 05 and 06 do with `--system S2` and `--system S3`.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import color, files, photos, progress

SIDE = 144  # pixels of a stored picture: a little more than the 128 that are learned from
A_SHARD = 2000  # photographs, about 15 MB
MANIFEST = "manifest.csv"
SEED = 0  # of the order in which photographs are mixed


def write(photographs: Iterable[NDArray[np.uint8]], out: Path, count: int = A_SHARD) -> int:
    """Write pictures, each (H, W, 3) uint8, as shards of `count`, and a manifest.

    Returns how many pictures there were. Raises ValueError where `out` holds shards already.
    """
    import webdataset

    if (out / MANIFEST).exists():
        raise ValueError(f"{out} holds shards already: name another folder.")
    out.mkdir(parents=True, exist_ok=True)
    number = -1
    with webdataset.ShardWriter(str(out / "%06d.tar"), maxcount=count, verbose=0) as sink:  # pyright: ignore
        for number, rgb in enumerate(photographs):
            data = io.BytesIO()
            Image.fromarray(rgb).save(data, "JPEG", quality=92)
            sink.write({"__key__": f"{number:09}", "jpg": data.getvalue()})
    total = number + 1
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["shard", "photographs", "sha256"])
    for i in range(-(-total // count)):
        name = f"{i:06}.tar"
        rows.writerow([name, min(count, total - i * count), files.sha256(out / name)])
    files.write(out / MANIFEST, table.getvalue())  # last: without it there are no shards
    return total


def small(folders: Iterable[Path]) -> Iterable[NDArray[np.uint8]]:
    """The photographs in color of the folders' training splits, their middle squares, mixed.

    What cannot be read is named and left out. Raises ValueError where a folder has no `train`.
    """
    found = []
    for folder in folders:
        if not (folder / "train").is_dir():
            raise ValueError(f"{folder} has no folder train: name what a data script prepared.")
        found += photos.files_in(folder / "train")
    order = np.random.default_rng(SEED).permutation(len(found))
    for i in progress.bar(order, "shards", unit="photo"):
        try:
            rgb = Image.fromarray(photos.open_photo(found[i]))
        except (OSError, ValueError) as error:
            print("skipped:", error)
            continue
        side = min(rgb.size)
        left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
        box = (left, top, left + side, top + side)
        cut = np.asarray(rgb.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box))
        if np.linalg.norm(color.ab(cut), axis=-1).mean() >= photos.GRAY_CHROMA:
            yield cut


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 with one sentence where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m data_scripts.shards")
    parser.add_argument("folders", nargs="+", type=Path, help="as data_scripts prepares them")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a new folder")
    arguments: Any = parser.parse_args(argv)
    try:
        total = write(small(arguments.folders), arguments.out)
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))
    print(f"{total} photographs in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
