"""EfficientNet-Lite0 (Tan & Le 2019, as Google made it for phones): a network that saw ImageNet.

Its weights are shipped, `checkpoints/lite0.onnx`; the card beside it says where they come from.
`keras_encoder` and `torch_encoder` give its maps of a gray photograph, to train a decoder on them,
and `networks.features("Lite0")` the whole network with its 1,000 classes. One table, STAGES, says
what it is made of; `steps` reads it for Keras and for the ONNX file, timm knows it by itself.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_utils import course, files
from course_utils.networks.applications import gray_of, input_layer

# Kernel, first stride, widening, filters and number of blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
MAPS = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}  # channels at each stride
EPSILON = 1e-3  # of batch normalization
MOMENTUM = 0.99  # what its running mean keeps at each step
SIZE = 224  # pixels a side, what it was trained at
WIDTHS = {"features": 1280, "stride16": MAPS[16]}  # what the file gives beside the 1,000 classes

Tensors = dict[str, NDArray[np.float32]]


class Step(NamedTuple):
    """A convolution, its batch normalization, and what follows."""

    conv: str  # timm's names: the file and timm's network have the same
    norm: str
    size: int  # of its kernel
    stride: int
    filters: int
    depthwise: bool = False
    active: bool = True  # ReLU6 follows
    opens: bool = False  # its input is kept as a shortcut
    adds: bool = False  # and added here
    map: int = 0  # the stride of the maps that end here, or 0


def steps(top: bool = False) -> Iterator[Step]:
    """The convolutions in order; top: with the last one, whose 1,280 maps are the embedding."""
    yield Step("conv_stem", "bn1", 3, 2, 32)
    before, total = 32, 2
    for i, (size, first, widening, filters, count) in enumerate(STAGES):
        for j in range(count):
            stride, wide = first if j == 0 else 1, before * widening
            total *= stride
            spread = ("conv_dw", size, stride, wide)
            rows = [spread, ("conv_pw", 1, 1, filters)]
            if widening > 1:
                rows = [("conv_pw", 1, 1, wide), spread, ("conv_pwl", 1, 1, filters)]
            # The maps of a stride are those before the next stride begins.
            last = j == count - 1 and (i + 1 == len(STAGES) or STAGES[i + 1][1] == 2)
            for k, (conv, *shape) in enumerate(rows, 1):
                names, end = (f"blocks.{i}.{j}.{conv}", f"blocks.{i}.{j}.bn{k}"), k == len(rows)
                kind = (conv == "conv_dw", not end, k == 1, end and j > 0, end * last * total)
                yield Step(*names, shape[0], shape[1], shape[2], *kind)
            before = filters
    if top:
        yield Step("conv_head", "bn2", 1, 1, WIDTHS["features"])


def tensors(data: bytes) -> Tensors:
    """{timm's name: array} of the shipped file's content; kernels are (out, in, height, width)."""
    import onnx

    return {
        t.name.removesuffix("/float16"): onnx.numpy_helper.to_array(t).astype(np.float32)
        for t in onnx.load_from_string(data).graph.initializer
    }


def keras_encoder(weights: str = "imagenet", seed: int = course.SEED) -> Any:
    """A Keras model from L / 100 (N, H, W, 1) to five maps, at strides 2, 4, 8, 16 and 32.

    The maps have 16, 24, 40, 112 and 320 channels and the size of the input divided by the stride,
    rounded up. All of it can be trained; with `encoder.trainable = False` it stays as it is, its
    batch normalization too. Preprocessing is inside (`input_layer`).
    weights: "imagenet", or "random", from `seed` (this resets the global seeds).
    """
    import keras

    given = _given(weights)
    if given is None:
        keras.utils.set_random_seed(seed)
    inputs = keras.Input((None, None, 1))
    return _keras(inputs, input_layer("Lite0")(inputs), given, top=False)


def keras_network(data: bytes | None) -> Any:
    """A Keras model from (RGB - 127) / 128 (N, H, W, 3) to the embedding (N, 1280).

    data: the content of the shipped file; None for random weights, from Keras's global seed.
    """
    import keras

    inputs = keras.Input((None, None, 3))
    return _keras(inputs, inputs, None if data is None else tensors(data), top=True)


def _keras(inputs: Any, x: Any, given: Tensors | None, top: bool) -> Any:
    import keras

    layers, shortcut, maps = keras.layers, x, []
    for step in steps(top):
        shortcut = x if step.opens else shortcut
        # As timm does: what leaves a layer has about the spread of what enters it, at any width.
        deviation = (2 / (step.size**2 * (1 if step.depthwise else step.filters))) ** 0.5
        start = keras.initializers.RandomNormal(0, deviation)
        options: dict[str, Any] = {
            "strides": step.stride,
            "padding": "same",
            "use_bias": False,
            "name": step.conv.replace(".", "_"),
        }
        if step.depthwise:
            conv = layers.DepthwiseConv2D(step.size, depthwise_initializer=start, **options)
        else:
            conv = layers.Conv2D(step.filters, step.size, kernel_initializer=start, **options)
        norm = layers.BatchNormalization(
            momentum=MOMENTUM, epsilon=EPSILON, name=step.norm.replace(".", "_")
        )
        x = norm(conv(x))
        if given is not None:
            turn = (2, 3, 0, 1) if step.depthwise else (2, 3, 1, 0)  # to (h, w, in, out)
            conv.set_weights([given[f"{step.conv}.weight"].transpose(turn)])
            parts = ("weight", "bias", "running_mean", "running_var")
            norm.set_weights([given[f"{step.norm}.{part}"] for part in parts])
        x = layers.ReLU(6, name=f"{norm.name}_relu")(x) if step.active else x
        x = layers.Add(name=f"{norm.name}_add")([x, shortcut]) if step.adds else x
        if step.map:
            maps.append(x)
    if top:
        maps = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    return keras.Model(inputs, maps, name="lite0")


def torch_encoder(weights: str = "imagenet", seed: int = course.SEED) -> Any:
    """The same for torch: a module from L / 100 (N, 1, H, W) to a list of five maps (N, C, h, w).

    timm's network is inside, so that `eval()` freezes its batch normalization. weights and seed as
    in `keras_encoder`; "random" resets torch's global seed.
    """
    import timm
    import torch

    class Encoder(torch.nn.Module):
        """See `torch_encoder`."""

        def __init__(self) -> None:
            super().__init__()
            self.network: Any = timm.create_model(
                "tf_efficientnet_lite0",
                pretrained=False,
                features_only=True,
                bn_momentum=1 - MOMENTUM,  # torch's is the share of the new
            )

        def forward(self, x: Any) -> Any:
            rgb = 255 * gray_of(100 * x, torch).expand(-1, 3, -1, -1)
            return self.network((rgb - 127) / 128)

    given = _given(weights)
    if given is None:
        torch.manual_seed(seed)
    encoder = Encoder()
    if given is not None:
        state = encoder.network.state_dict()
        found = {k: torch.from_numpy(given[k]) for k in state if "num_batches" not in k}
        encoder.network.load_state_dict(state | found)
    return encoder


def _given(weights: str) -> Tensors | None:
    if weights not in ("imagenet", "random"):
        raise ValueError(f'weights is {weights!r}; give "imagenet" or "random".')
    return None if weights == "random" else tensors(files.shipped("lite0.onnx"))
