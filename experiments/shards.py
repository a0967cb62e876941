"""More photographs than memory holds: webdataset shards, some of them at a time.

    python -m experiments.shards FOLDER [FOLDER ...] -o SHARDS

A shard is a tar file of small JPEG pictures; manifest.csv lists each with its sha256 and its number
of photographs. `python -m experiments.recipe --shards SHARDS` learns from them.
"""

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import webdataset
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from course_utils import color, course, files, photos, progress

SIDE = 144  # pixels of a stored picture: a little more than the 128 that are learned from
A_SHARD = 2000  # photographs, about 15 MB
AT_ONCE = 8  # shards in memory: 16,000 photographs, 1 GB
MANIFEST = "manifest.csv"


def write(photographs: Iterable[NDArray[np.uint8]], out: Path, count: int = A_SHARD) -> int:
    """Write pictures, each (H, W, 3) uint8, as shards of `count`, and a manifest.

    Returns how many pictures there were. Raises ValueError where `out` holds shards already.
    """
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
    with (out / MANIFEST).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["shard", "photographs", "sha256"])
        for i, shard in enumerate(sorted(out.glob("*.tar"))):
            table.writerow([shard.name, min(count, total - i * count), files.sha256(shard)])
    return total


def read(shard: Path) -> NDArray[np.uint8]:
    """The photographs of a shard, uint8 (N, SIDE, SIDE, 3)."""
    found = webdataset.WebDataset(str(shard), shardshuffle=False).decode("rgb8").to_tuple("jpg")  # pyright: ignore
    return np.stack([rgb for (rgb,) in found])


def names(folder: Path) -> list[str]:
    """The shards that a manifest lists. Raises ValueError where there are fewer than two."""
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} holds no shards: `python -m experiments.shards` makes them.")
    with (folder / MANIFEST).open(encoding="utf-8") as file:
        found = [row["shard"] for row in csv.DictReader(file)]
    if len(found) < 2:
        raise ValueError(f"{folder} has one shard: so few photographs fit in memory, name folders.")
    return found


def watched(folder: Path, count: int = 200) -> NDArray[np.uint8]:
    """Photographs of the last shard, which is not learned from: (count, SIDE, SIDE, 3)."""
    return read(folder / names(folder)[-1])[:count]


def in_turns(
    folder: Path, device: str, seed: int = course.SEED, at_once: int = AT_ONCE
) -> Callable[[int], Tensor]:
    """A function from the number of a part of training to photographs, uint8 (N, 3, H, W).

    Part after part it walks through all shards but the last, which `watched` gives, in an order of
    `seed`, with `at_once` of them in memory. The same number gives the same photographs, so an
    interrupted training goes on with its own.
    """
    order = np.random.default_rng(seed).permutation(names(folder)[:-1])

    def pictures(part: int) -> Tensor:
        turns = [part * at_once + i for i in range(min(at_once, len(order)))]
        chosen = [folder / str(order[turn % len(order)]) for turn in turns]
        rgb = np.concatenate([read(shard) for shard in progress.bar(chosen, "shards")])
        return torch.tensor(rgb, device=device).movedim(-1, 1).contiguous()

    return pictures


def small(folder: Path) -> Iterable[NDArray[np.uint8]]:
    """The photographs in color of a folder's training split, their middle squares.

    What cannot be read is named and left out.
    """
    for file in progress.bar(photos.files_in(folder / "train"), folder.name):
        try:
            pixels = photos.open_photo(file)
        except ValueError as error:
            print("skipped:", error)
            continue
        rgb = Image.fromarray(pixels)
        side = min(rgb.size)
        left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
        box = (left, top, left + side, top + side)
        cut = np.asarray(rgb.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box))
        if np.linalg.norm(color.ab(cut), axis=-1).mean() >= photos.GRAY_CHROMA:
            yield cut


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 with one sentence where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m experiments.shards")
    parser.add_argument("folders", nargs="+", type=Path, help="as data_scripts prepares them")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a new folder")
    arguments: Any = parser.parse_args(argv)
    try:
        total = write((rgb for f in arguments.folders for rgb in small(f)), arguments.out)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    print(f"{total} photographs in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
