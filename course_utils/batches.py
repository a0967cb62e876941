"""Batches of L and ab for training: one augmentation policy, the same for every framework.

An epoch is a function of its source, a seed and its own number, so a run that was interrupted
continues with the very batches it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import color
from course_utils.paintbox import Scenes

if TYPE_CHECKING:
    import tensorflow as tf
    import torch
    from fastai.data.core import DataLoaders

Source: TypeAlias = NDArray[np.uint8] | Scenes  # photographs (N, H, W, 3), or painted scenes
Pair: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]

ROTATION = 10.0  # degrees, either way
SHEAR = 5.0  # degrees, either way
ZOOM = 1.2  # from 1 to this: only closer, because farther would invent a frame


def augment(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A photograph, flipped, rotated, sheared and zoomed by chance; colors are left alone.

    rgb: uint8 (H, W, 3), and so is the result. It is done on RGB, before the conversion to Lab: one
    picture is resampled, not L and ab each in its own way. Beyond its border the photograph is
    mirrored.
    rng: a numpy Generator; four numbers are drawn from it.
    """
    height, width, _ = rgb.shape
    flip, rotation, shear, zoom = rng.uniform(size=4)
    angle = np.radians(ROTATION * (2 * rotation - 1))
    slope = np.tan(np.radians(SHEAR * (2 * shear - 1)))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ [[1, slope], [0, 1]] / (1 + (ZOOM - 1) * zoom)
    if flip < 0.5:
        turn[:, 0] *= -1
    rows, columns = height // 4, width // 4  # room enough for a corner that turns out of the frame
    padded = np.pad(rgb, ((rows, rows), (columns, columns), (0, 0)), mode="symmetric")
    center = np.array([width / 2, height / 2])  # Pillow puts the middle of pixel i at i + 0.5
    shift = center + [columns, rows] - turn @ center
    matrix = (*turn[0], shift[0], *turn[1], shift[1])  # from the result's x, y to the source's
    picture = Image.fromarray(padded)
    method = Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    return np.asarray(picture.transform((width, height), *method))


def epoch(
    source: Source, batch: int, seed: int, number: int, augmented: bool = True
) -> Iterator[Pair]:
    """The batches of one epoch, shuffled: yields L (batch, H, W, 1) and ab (batch, H, W, 2).

    source: uint8 photographs (N, H, W, 3), or `paintbox.Scenes`. Photographs pass through
        `augment`. Scenes are flipped and nothing else, because only a flip keeps the distribution
        of their colors; their L and ab are taken as they are.
    seed, number: the run's seed and the epoch's number from 0; they decide everything random.
    augmented: False leaves every picture as it is.
    Both arrays are float32 in CIELAB units. What does not fill a batch is left for another epoch.
    Raises ValueError when the source holds less than a batch or is of another kind.
    """
    _check(source, batch)
    total = count(source)
    rng = np.random.default_rng((seed, number))
    order = rng.permutation(total)
    for start in range(0, total - batch + 1, batch):
        chosen = order[start : start + batch]
        if isinstance(source, np.ndarray):
            rgb = source[chosen]
            if augmented:
                rgb = np.stack([augment(picture, rng) for picture in rgb])
            yield color.split(color.rgb_to_lab(rgb))
        else:
            L, ab = source.L[chosen], source.ab[chosen]
            if augmented:
                flip = (rng.uniform(size=batch) < 0.5)[:, None, None, None]
                L = np.where(flip, L[:, :, ::-1], L)
                ab = np.where(flip, ab[:, :, ::-1], ab)
            yield L.astype(np.float32), ab.astype(np.float32)


def count(source: Source) -> int:
    """How many pictures a source holds."""
    return len(_pictures(source))


def _pictures(source: Source) -> NDArray[np.uint8] | NDArray[np.float32]:
    """An array that begins with N, H and W of a source."""
    return source if isinstance(source, np.ndarray) else source.L


def _check(source: Source, batch: int) -> None:
    """ValueError for a source, or a size of batches, that no epoch can be made of."""
    if isinstance(source, np.ndarray) and (
        source.dtype != np.uint8 or source.ndim != 4 or source.shape[-1] != 3
    ):
        raise ValueError(
            f"source is {source.dtype} {source.shape}; "
            "give uint8 photographs (N, H, W, 3), or Scenes."
        )
    if not 1 <= batch <= count(source):
        raise ValueError(f"A batch of {batch} cannot be drawn from {count(source)} pictures.")


def _scaled(
    source: Source, batch: int, seed: int, number: int, augmented: bool, ab_scale: float
) -> Iterator[Pair]:
    """The pairs that networks see: L / 100 and ab / ab_scale, as the colorizer contract has it."""
    for L, ab in epoch(source, batch, seed, number, augmented):
        yield L / np.float32(100), ab / np.float32(ab_scale)


def keras_dataset(
    source: Source,
    batch: int,
    seed: int,
    number: int,
    augmented: bool = True,
    ab_scale: float = color.AB_SCALE,
) -> tf.data.Dataset:
    """One epoch as a finite `tf.data.Dataset` of L / 100 (batch, H, W, 1) and ab / ab_scale.

    Call it with the next `number` for the next epoch; see `epoch`, also for its errors.
    """
    import tensorflow as tf

    def pairs():
        yield from _scaled(source, batch, seed, number, augmented, ab_scale)

    _check(source, batch)  # now: an error inside a dataset arrives later, wrapped by TensorFlow
    shape = batch, *_pictures(source).shape[1:3]
    signature = tuple(tf.TensorSpec((*shape, channels), tf.float32) for channels in (1, 2))
    dataset = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    steps = count(source) // batch
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


def torch_loader(
    source: Source,
    batch: int,
    seed: int,
    number: int,
    augmented: bool = True,
    ab_scale: float = color.AB_SCALE,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch as torch tensors on the CPU: yields L / 100 (batch, 1, H, W) and ab / ab_scale.

    Call it with the next `number` for the next epoch; see `epoch`.
    """
    for L, ab in _scaled(source, batch, seed, number, augmented, ab_scale):
        yield _first_channels(L), _first_channels(ab)


def _first_channels(x: NDArray[np.float32]) -> torch.Tensor:
    """(N, H, W, C) as a tensor (N, C, H, W)."""
    import torch

    return torch.from_numpy(np.moveaxis(x, -1, 1).copy())


def fastai_dataloaders(
    source: Source,
    held_out: Source,
    batch: int,
    seed: int,
    number: int = 0,
    augmented: bool = True,
    ab_scale: float = color.AB_SCALE,
    *,
    device: str,
) -> DataLoaders:
    """fastai's `DataLoaders` of L / 100 and ab / ab_scale, channels first, like `torch_loader`.

    source: what `.train` draws from. Each whole pass over it is the next epoch, from `number` on.
    held_out: what `.valid` shows, never augmented, in the same batches each time.
    device: where batches are put, and fastai's `Learner` its network: "cpu", "cuda" or "mps", as
        `course.start` decided. It has no default, because fastai's own may be another one.
    """
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader

    epochs = _Epochs(source, batch, seed, number, augmented, ab_scale, moves_on=True)
    judged = _Epochs(held_out, batch, seed, 0, False, ab_scale, moves_on=False)
    loaders = (DataLoader(pairs, bs=None) for pairs in (epochs, judged))
    return DataLoaders(*loaders, device=device)


class _Epochs:
    """One epoch after the other, each time it is iterated; fastai wants to know the length."""

    def __init__(
        self,
        source: Source,
        batch: int,
        seed: int,
        number: int,
        augmented: bool,
        ab_scale: float,
        moves_on: bool,
    ) -> None:
        _check(source, batch)
        self.source, self.batch, self.number, self.moves_on = source, batch, number, moves_on
        self.rest = augmented, ab_scale
        self.seed = seed

    def __len__(self) -> int:
        return count(self.source) // self.batch

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        pairs = torch_loader(self.source, self.batch, self.seed, self.number, *self.rest)
        for left, pair in zip(reversed(range(len(self))), pairs):
            # fastai does not ask for more than the last batch: what stands after it never runs.
            self.number += self.moves_on and left == 0
            yield pair
