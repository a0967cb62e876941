"""The two small networks that the course ships: their layers, their files, what they are fed.

`experiments.scene_classes` makes them, `networks.features` is how lessons use them. A file is
ONNX, from x (N, C, H, W) of any size to `features` (N, width) and `p` (N, classes); its kernels and
biases are named as the layers of `small_network`, and it carries what its card says.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color
from course_utils.colorizer.graph import session as onnx_session

SHIPPED = {"course_L": (1, 128), "course_RGB": (3, 48)}  # channels, width
SIZE = 96  # pixels a side, what they are trained at
LAYERS = ((32, 2), (64, 2), (96, 2), (96, 1), (128, 2))  # filters and stride; then the width, 1


def small_network(channels: int, width: int, normalized: bool = False) -> Any:
    """The shipped networks in Keras: (N, H, W, channels), any size -> (N, width).

    3×3 convolutions as LAYERS lists them, ReLU, and the mean over all positions, so that it takes
    any height and width. normalized: with batch normalization, as it is trained; then the
    normalization is folded into kernels and biases, and what is shipped has none.
    """
    import keras

    layers = keras.layers
    x = inputs = keras.Input((None, None, channels))
    for i, (filters, stride) in enumerate((*LAYERS, (width, 1)), 1):
        options = {"use_bias": not normalized, "name": f"conv{i}"}
        x = layers.Conv2D(filters, 3, stride, "same", **options)(x)
        if normalized:
            x = layers.BatchNormalization(name=f"norm{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
    x = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    return keras.Model(inputs, x, name="small_network")


def scaled(rgb: NDArray[np.uint8], channels: int) -> NDArray[np.float32]:
    """What a shipped network takes of uint8 pictures (N, H, W, 3): L / 100, or RGB / 255."""
    if channels == 1:
        return color.L(rgb) / np.float32(100)
    return rgb.astype(np.float32) / np.float32(255)


def opened(data: bytes, name: str) -> tuple[Any, dict[str, Any]]:
    """(onnxruntime session, what the file says about itself) of a shipped network's file."""
    try:
        session = onnx_session(data)
    except ImportError:
        raise
    except Exception:  # onnxruntime raises a dozen kinds of its own
        session = None
    found = session.get_modelmeta().custom_metadata_map if session else {}
    if found.get("network") != name:
        kind = f"of {found['network']}" if "network" in found else "something else or damaged"
        raise ValueError(f"The file does not hold the weights of {name}: it is {kind}.")
    return session, {key: _value(text) for key, text in found.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def tensors(data: bytes) -> dict[str, NDArray[np.float32]]:
    """{name: array} of a shipped network's file; kernels are (out, in, height, width)."""
    import onnx

    return {
        t.name.removesuffix("/float16"): onnx.numpy_helper.to_array(t).astype(np.float32)
        for t in onnx.load_from_string(data).graph.initializer
    }


def to_keras(data: bytes, channels: int, width: int) -> Any:
    """The Keras network with the kernels and biases of a shipped network's file."""
    arrays, network = tensors(data), small_network(channels, width)
    for layer in network.layers:
        if layer.weights:
            kernel = arrays[f"{layer.name}/kernel"].transpose(2, 3, 1, 0)  # (3, 3, in, out)
            layer.set_weights([kernel, arrays[f"{layer.name}/bias"]])
    return network
