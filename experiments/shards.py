"""Training on more photographs than memory holds: some webdataset shards at a time.

`python -m data_scripts.shards` makes them; `python -m experiments.recipe --shards SHARDS` learns
from them.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import webdataset
from numpy.typing import NDArray
from torch import Tensor

from course_utils import course, progress
from data_scripts.shards import MANIFEST

AT_ONCE = 8  # shards in memory: 16,000 photographs, 1 GB


def read(shard: Path) -> NDArray[np.uint8]:
    """The photographs of a shard, uint8 (N, SIDE, SIDE, 3)."""
    found = webdataset.WebDataset(str(shard), shardshuffle=False).decode("rgb8").to_tuple("jpg")  # pyright: ignore
    return np.stack([rgb for (rgb,) in found])


def names(folder: Path) -> list[str]:
    """The shards that a manifest lists. Raises ValueError where there are fewer than two."""
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} holds no shards: `python -m data_scripts.shards` makes them.")
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
