"""EfficientNet-Lite0 (Tan & Le 2019, as Google made it for phones): a network that saw ImageNet.

It is shipped, `checkpoints/lite0.onnx`; the card beside it says where the weights come from, and
`experiments.lite0` what it is made of. `keras_encoder` and `torch_encoder` give its maps of a gray
photograph, to train a decoder on them, `networks.features("Lite0")` the whole network with its
1,000 classes. Keras gets the layers from the file's graph; timm, for torch, knows them by itself.
"""

from typing import Any

from course_utils import course, files
from course_utils.networks.applications import gray_of, input_layer
from course_utils.networks.small import tensors

FILE = "lite0.onnx"
SIZE = 224  # pixels a side, what it was trained at
MAPS = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}  # channels at each stride
WIDTHS = {"features": 1280, "stride16": MAPS[16]}  # what the file gives beside the 1,000 classes
ENDS = (  # the maps, as the file calls them
    "blocks.0.0.bn2",
    "blocks.1.1.bn3/sum",
    "blocks.2.1.bn3/sum",
    "blocks.4.2.bn3/sum",
    "blocks.6.0.bn3",
)
MOMENTUM = 0.99  # what the running statistics of batch normalization keep at each step


def keras_encoder(weights: str = "imagenet", seed: int = course.SEED) -> Any:
    """A Keras model from L / 100 (N, H, W, 1) to five maps, at strides 2, 4, 8, 16 and 32.

    The maps have 16, 24, 40, 112 and 320 channels and the size of the input divided by the stride,
    rounded up. All of it can be trained; with `encoder.trainable = False` it stays as it is, its
    batch normalization too. Preprocessing is inside (`input_layer`).
    weights: "imagenet", or "random", from `seed` (this resets the global seeds).
    """
    import keras

    data = _data(weights)
    if data is None:
        keras.utils.set_random_seed(seed)
    inputs = keras.Input((None, None, 1))
    made = _layers(input_layer("Lite0")(inputs), data)
    return keras.Model(inputs, [made[name] for name in ENDS], name="lite0")


def keras_network(data: bytes | None) -> Any:
    """A Keras model from (RGB - 127) / 128 (N, H, W, 3) to the embedding (N, 1280).

    data: the content of the shipped file; None for random weights, from Keras's global seed.
    """
    import keras

    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, _layers(inputs, data)["features/maps"], name="lite0")


def _layers(x: Any, data: bytes | None) -> dict[str, Any]:
    """{name in the file: Keras tensor} of all that follows from x; without data at random."""
    import keras
    import onnx

    layers, given = keras.layers, tensors(data or files.shipped(FILE))
    made = {"x": x}
    for node in onnx.load_from_string(data or files.shipped(FILE)).graph.node:
        x, weights = made.get(node.input[0]), []
        told = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        name = node.output[0].replace(".", "_").replace("/", "_")
        if node.op_type == "Conv":
            kernel = given[node.input[1]]  # (out, in, height, width)
            out, into, size, _ = kernel.shape
            alone = into == 1  # depthwise: every channel by itself
            # As timm does: what leaves a layer has about the spread of what enters it.
            deviation = (2 / (size**2 * (1 if alone else out))) ** 0.5
            start = keras.initializers.RandomNormal(0, deviation)
            strides = {"strides": told["strides"][0]}
            options: Any = {"padding": "same", "use_bias": False, "name": name} | strides
            if alone:
                layer = layers.DepthwiseConv2D(size, depthwise_initializer=start, **options)
            else:
                layer = layers.Conv2D(out, size, kernel_initializer=start, **options)
            weights = [kernel.transpose(2, 3, 0, 1) if alone else kernel.transpose(2, 3, 1, 0)]
        elif node.op_type == "BatchNormalization":
            layer = layers.BatchNormalization(momentum=MOMENTUM, epsilon=told["epsilon"], name=name)
            weights = [given[key] for key in node.input[1:]]
        elif node.op_type == "Clip":
            layer = layers.ReLU(6, name=name)
        elif node.op_type == "Add":
            layer, x = layers.Add(name=name), [x, made[node.input[1]]]
        elif node.op_type == "GlobalAveragePool":
            layer = layers.GlobalAveragePooling2D(dtype="float32", name=name)
        else:  # casts of kernels, and the classes
            continue
        made[node.output[0]] = layer(x)
        if data is not None:
            layer.set_weights(weights)
    return made


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

    data = _data(weights)
    if data is None:
        torch.manual_seed(seed)
    encoder = Encoder()
    if data is not None:
        given, state = tensors(data), encoder.network.state_dict()
        found = {k: torch.from_numpy(given[k]) for k in state if "num_batches" not in k}
        encoder.network.load_state_dict(state | found)
    return encoder


def _data(weights: str) -> bytes | None:
    if weights not in ("imagenet", "random"):
        raise ValueError(f'weights is {weights!r}; give "imagenet" or "random".')
    return None if weights == "random" else files.shipped(FILE)
