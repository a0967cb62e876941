"""Batches of L and ab for training: one augmentation policy, the same for every framework.

An epoch is a function of its source, a seed and its own number, so a run that was interrupted
continues with the very batches it would have seen.
"""

import numpy as np
from PIL import Image

from course_utils import color

ROTATION = 10.0  # degrees, either way
SHEAR = 5.0  # degrees, either way
ZOOM = 1.2  # from 1 to this: only closer, because farther would invent a frame


def augment(rgb, rng):
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


def epoch(source, batch, seed, number, augmented=True):
    """The batches of one epoch, shuffled: yields L (batch, H, W, 1) and ab (batch, H, W, 2).

    source: uint8 photographs (N, H, W, 3), or `paintbox.Scenes`. Photographs pass through
        `augment`. Scenes are flipped and nothing else, because only a flip keeps the distribution
        of their colors; their L and ab are taken as they are.
    seed, number: the run's seed and the epoch's number from 0; they decide everything random.
    augmented: False leaves every picture as it is.
    Both arrays are float32 in CIELAB units. What does not fill a batch is left for another epoch.
    Raises ValueError when the source holds less than a batch or is of another kind.
    """
    photographs = isinstance(source, np.ndarray)
    if photographs and (source.dtype != np.uint8 or source.ndim != 4 or source.shape[-1] != 3):
        raise ValueError(
            f"source is {source.dtype} {source.shape}; "
            "give uint8 photographs (N, H, W, 3), or Scenes."
        )
    total = count(source)
    if not 1 <= batch <= total:
        raise ValueError(f"A batch of {batch} cannot be drawn from {total} pictures.")
    rng = np.random.default_rng((seed, number))
    order = rng.permutation(total)
    for start in range(0, total - batch + 1, batch):
        chosen = order[start : start + batch]
        if photographs:
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


def count(source):
    """How many pictures a source holds."""
    return len(source if isinstance(source, np.ndarray) else source.L)


def _scaled(source, batch, seed, number, augmented, ab_scale):
    """The pairs that networks see: L / 100 and ab / ab_scale, as the colorizer contract has it."""
    for L, ab in epoch(source, batch, seed, number, augmented):
        yield L / np.float32(100), ab / np.float32(ab_scale)


def keras_dataset(source, batch, seed, number, augmented=True, ab_scale=color.AB_SCALE):
    """One epoch as a finite `tf.data.Dataset` of L / 100 (batch, H, W, 1) and ab / ab_scale.

    Call it with the next `number` for the next epoch; see `epoch`.
    """
    import tensorflow as tf

    def pairs():
        yield from _scaled(source, batch, seed, number, augmented, ab_scale)

    first = next(pairs())  # one batch now: its shapes, and any complaint about the source
    signature = tuple(tf.TensorSpec(x.shape, tf.float32) for x in first)
    dataset = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    steps = count(source) // batch
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


def torch_loader(source, batch, seed, number, augmented=True, ab_scale=color.AB_SCALE):
    """One epoch as torch tensors: yields L / 100 (batch, 1, H, W) and ab / ab_scale.

    Call it with the next `number` for the next epoch; see `epoch`.
    """
    import torch

    for pair in _scaled(source, batch, seed, number, augmented, ab_scale):
        yield tuple(torch.from_numpy(np.moveaxis(x, -1, 1).copy()) for x in pair)


def fastai_dataloaders(
    source, held_out, batch, seed, number=0, augmented=True, ab_scale=color.AB_SCALE
):
    """fastai's `DataLoaders` of L / 100 and ab / ab_scale, channels first, like `torch_loader`.

    source: what `.train` draws from. Each whole pass over it is the next epoch, from `number` on.
    held_out: what `.valid` shows, never augmented, in the same batches each time.
    """
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.torch_core import default_device

    epochs = _Epochs(source, batch, seed, number, augmented, ab_scale, moves_on=True)
    judged = _Epochs(held_out, batch, seed, 0, False, ab_scale, moves_on=False)
    loaders = (DataLoader(pairs, bs=None) for pairs in (epochs, judged))
    return DataLoaders(*loaders, device=default_device())


class _Epochs:
    """One epoch after the other, each time it is iterated; fastai wants to know the length."""

    def __init__(self, source, batch, seed, number, augmented, ab_scale, moves_on):
        self.source, self.batch, self.number, self.moves_on = source, batch, number, moves_on
        self.rest = augmented, ab_scale
        self.seed = seed
        next(torch_loader(source, batch, seed, number))  # any complaint about the source, now

    def __len__(self):
        return count(self.source) // self.batch

    def __iter__(self):
        pairs = torch_loader(self.source, self.batch, self.seed, self.number, *self.rest)
        for left, pair in zip(reversed(range(len(self))), pairs):
            # fastai does not ask for more than the last batch: what stands after it never runs.
            self.number += self.moves_on and left == 0
            yield pair
