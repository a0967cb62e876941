"""The first blocks of VGG-16 in Keras, with weights from a file or at random."""

from pathlib import Path
from typing import Any

import numpy as np

from course_utils import course
from course_utils.networks.applications import input_layer, weights_file


def vgg_blocks(
    weights: str | Path, blocks: int = 2, rgb: bool = False, seed: int = course.SEED
) -> Any:
    """The first blocks of VGG-16 in Keras: L / 100 (N, H, W, 1), any size -> (N, H', W', C).

    Preprocessing is inside (`input_layer`). One line is printed that says which weights it has.
    weights: "random", from `seed` (this resets the global seeds), or the path of an .npz with the
        tensors NAME__kernel (3, 3, in, out) and NAME__bias, as `vgg19_block1-3.npz` has them: the
        first two blocks of VGG-19 have VGG-16's shapes, of its third block three layers of four
        are taken. FileNotFoundError or ValueError where it does not fit.
    blocks: 1, 2 or 3, each ends in a pooling: the maps are 1 / 2**blocks of the size (rounded
        down) with 64, 128 or 256 channels. Layers have Keras's names, so that
        `get_layer("block2_conv2")` gives the maps before the last pooling. Trained maps hold
        hundreds, random ones a few: bring both to one scale before you compare them.
    rgb: it takes RGB / 255 (N, H, W, 3) instead.
    """
    import keras

    if blocks not in (1, 2, 3):
        raise ValueError(f"blocks is {blocks}; it must be 1, 2 or 3.")
    tensors = None if weights == "random" else _tensors(weights_file(weights))
    if tensors is None:
        keras.utils.set_random_seed(seed)
    inputs = keras.Input((None, None, 3 if rgb else 1))
    x = input_layer("VGG16", rgb)(inputs)
    for block, (count, filters) in enumerate([(2, 64), (2, 128), (3, 256)][:blocks], 1):
        for i in range(count):
            name = f"block{block}_conv{i + 1}"
            conv = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)
            x = conv(x)  # (N, H / 2**(block - 1), W / 2**(block - 1), filters)
            if tensors is not None:
                _assign(conv, tensors, weights_file(weights).name)
        x = keras.layers.MaxPooling2D(name=f"block{block}_pool")(x)
    words = f"random, seed {seed}" if tensors is None else f"from {weights_file(weights).name}"
    print(f"VGG, {blocks} block{'s' * (blocks > 1)}: {words}")
    return keras.Model(inputs, x, name="vgg_blocks")


def _tensors(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as file:
            return dict(file)
    except Exception:  # numpy raises many kinds
        raise ValueError(f"{path.name} cannot be read as an .npz of tensors.") from None


def _assign(layer: Any, tensors: dict[str, np.ndarray], file: str) -> None:
    names = [f"{layer.name}__kernel", f"{layer.name}__bias"]
    given = [tensors[name].shape if name in tensors else "nothing" for name in names]
    wanted = [tuple(weight.shape) for weight in layer.weights]
    if given != wanted:
        raise ValueError(f"{file} holds {given} for {layer.name} of VGG-16, which needs {wanted}.")
    layer.set_weights([tensors[name] for name in names])
