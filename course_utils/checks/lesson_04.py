"""The checks of lesson 04. Keras is imported by the checks that need it, not with this module."""

from typing import Any

import numpy as np

from course_utils.checks import models
from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import Fault, numbers, tell


def prepare(answer: Answer) -> None:
    """Check what Lite0 takes, on gray pictures of four sizes, with black and white in each."""
    rng = np.random.default_rng(41)
    inputs = []
    for shape in ((6, 5, 4), (1, 3, 7), (2, 6, 1), (3, 2, 2)):
        gray = rng.integers(0, 256, shape, dtype=np.uint8)
        gray.flat[:4] = 0, 255, 126, 127
        inputs.append((gray,))
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # ImageNet's
    wrong = {
        "this runs from 0 to 1; Lite0 sees negative numbers too.": lambda x: x / 255,
        "these are still 0 to 255; Lite0 takes -1 to 1.": lambda x: x,
        "this is x / 127.5 - 1, which MobileNet and Inception-ResNet-v2 take; Lite0 learned with "
        "127 and 128.": lambda x: x / 127.5 - 1,
        "this is x / 128 - 1; what is subtracted is 127.": lambda x: x / 128 - 1,
        "127 is subtracted, but nothing divided.": lambda x: x - 127,
        "this divides by 127; it subtracts 127 and divides by 128.": lambda x: (x - 127) / 127,
        "this divides by 255; what divides is 128.": lambda x: (x - 127) / 255,
        "this is x - 127 / 128: the difference needs brackets.": lambda x: x - 127 / 128,
        "this is divided by 128, but 127 was not subtracted.": lambda x: x / 128,
        "it sees almost black: this divides by 255 before.": lambda x: (x / 255 - 127) / 128,
        "this is ImageNet's mean and deviation, which other networks take.": (
            lambda x: (x / 255 - mean) / deviation
        ),
        "each picture is scaled by its own mean and deviation; Lite0 wants the same numbers for "
        "all.": lambda x: (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True),
        "the fractions are lost: divide with /, and make no integers.": lambda x: (x - 127) // 128,
    }

    def three(scale, kind: Any = np.float64):
        return lambda gray: scale(np.repeat(gray[..., None].astype(kind), 3, axis=-1))

    right = three(lambda x: (x - 127) / 128)
    wraps = "uint8 has wrapped around: convert to float before you subtract."
    squeezed = "a single picture has lost its first axis: keep (1, H, W, 3)."
    compare(
        "prepare",
        answer,
        inputs,
        right,
        {sentence: three(scale) for sentence, scale in wrong.items()}
        | {wraps: three(lambda x: (x - np.uint8(127)) / 128, np.uint8)}
        | {squeezed: lambda gray: right(gray).squeeze()},
        "to float first; then black, 0, becomes -0.992 and white, 255, becomes 1; three times.",
    )


def fuse(answer: Answer) -> None:
    """Check a layer that joins maps and vectors: on numbers, while Keras builds, and backward."""
    from keras import layers, ops

    rng = np.random.default_rng(42)
    sizes = (4, 3, 5, 6, 7), (1, 2, 3, 5, 2), (3, 4, 1, 2, 6)
    inputs = [(rng.normal(0, 1, size[:4]), rng.normal(0, 1, (size[0], size[4]))) for size in sizes]

    def everywhere(maps, vector):
        return ops.zeros_like(maps[..., :1]) + vector[:, None, None]

    def once(maps, vector):
        place = np.indices(maps.shape[1:3]).sum(axis=0)[..., None]
        return everywhere(maps, vector) * (place == 0)

    def tiled(maps, vector):
        places = maps.shape[1] * maps.shape[2]
        return ops.reshape(ops.tile(vector, (places, 1)), (*maps.shape[:3], -1))

    def layer(second, order=1):
        """A class that joins the maps and this function of maps and vector."""

        def call(self, maps, vector):
            return ops.concatenate([maps, second(maps, vector)][::order], -1)

        return type("Fuse", (layers.Layer,), {"call": call})

    compare(
        "fuse",
        answer,
        inputs,
        layer(everywhere),
        {
            "the maps come first, the vector behind them.": layer(everywhere, -1),
            "the vector stands at one position only; every position needs it.": layer(once),
            "the vectors are mixed up: repeat each, not the list of them.": layer(tiled),
            "every picture got the vector of the first one.": (
                layer(lambda maps, vector: everywhere(maps, 0 * vector + vector[:1]))
            ),
            "every picture got the mean of all vectors; each has its own.": (
                layer(lambda maps, vector: everywhere(maps, 0 * vector + ops.mean(vector, 0)))
            ),
        },
        "two axes of length 1 for the vector, broadcast over h and w, joined on the last axis.",
        measure=_fused,
    )


def _fused(answer: Any, maps: np.ndarray, vector: np.ndarray) -> object:
    """What a new layer of this class gives; where it is right, a network has learned through it."""
    import keras

    base = keras.layers.Layer
    is_class = isinstance(answer, type) and issubclass(answer, base)
    tell({"this is a layer already; the check needs its class.": isinstance(answer, base)})
    tell({"asked is a class that inherits from keras.layers.Layer.": not is_class})
    tell({"the class has no method `call`, where a layer works.": answer.call is base.call})
    try:
        layer = answer()
        out = layer(*map(keras.ops.convert_to_tensor, (maps, vector)))
    except Exception as error:
        outside = isinstance(error, TypeError) and "Exception encountered" not in str(error)
        square, flat = (4, 4, 4, 4), (4, 4)
        cube, turned = models.shape_of(answer, square, flat), models.shape_of(answer, flat, square)
        point = models.shape_of(answer, (4, 1, 1, 4), flat)
        tell(
            {
                "a layer is made of nothing here, and `call` takes maps and vector.": outside,
                "`call` takes the maps first, then the vector.": bool(turned) and not cube,
                "the vector is repeated along the wrong axes: its first axis counts pictures, so "
                "write vector[:, None, None].": cube == (4, 4, 4, 8),
                "the vector is added; it belongs behind the maps.": cube == (4, 4, 4, 4),
                "join on the last axis, where the channels are.": sum(cube) == 20,
                "repeat the vector over h and w before you join it.": point == (4, 1, 1, 8),
            }
        )
        raise
    tell({"the layer has weights; it must only join what is there.": layer.weights})
    if out is None:
        return None
    wide = vector[:, None, None] + np.zeros((*maps.shape[:3], 1))
    given, wanted = numbers(out), np.concatenate([maps, wide], -1)
    tell({"the maps are lost; only the vectors come out.": given.shape == wide.shape})
    tell({"no more channels come out than the maps have.": given.shape == maps.shape})
    right = given.shape == wanted.shape and np.allclose(given, wanted, atol=1e-4)
    if right and len(maps) > 1:  # of one picture, many a wrong answer is right
        models.learn_through(layer, maps=maps, vector=vector)
    return given


def unfreeze(answer: Answer) -> None:
    """Check what can learn in a model after the answer, and how it is compiled; nothing learns."""

    def truth(model, encoder, rate):
        import keras

        encoder.trainable = True
        for layer in encoder.layers:
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
        model.compile(keras.optimizers.Adam(rate), "mse")
        return model

    hint = "encoder.trainable; then each BatchNormalization of encoder.layers; then compile."
    rates = [(2, 4, 1e-4), (1, 3, 0.02)]
    compare("unfreeze", answer, rates, truth, {}, hint, measure=_unfrozen)


def _unfrozen(answer: Answer, blocks: int, filters: int, rate: float) -> object:
    """What can learn, and how fast, after the answer had a model with a frozen encoder."""
    import keras

    model, encoder = models.frozen(blocks, filters)
    old, weights = model.optimizer, model.get_weights()
    given: Any = answer(model, encoder, rate)
    if given is None:
        return None
    tell({"this is not the model that came in; return that one.": given is not model})
    kept = all(map(np.array_equal, weights, model.get_weights()))
    learns, flags = {id(w) for w in model.trainable_variables}, {}
    for layer in (layer for layer in model.layers if layer.weights):
        kind = layer in encoder.layers, isinstance(layer, keras.layers.BatchNormalization)
        flags.setdefault(kind, []).append(any(id(w) in learns for w in layer.weights))
    eyes, eye_norms = flags[True, False], flags[True, True]
    hands, hand_norms = flags[False, False], flags[False, True]
    means = encoder.get_weights()
    model(np.ones((2, 8, 8, 1), "f"), training=True)
    moved = not all(map(np.array_equal, means, encoder.get_weights()))
    used: Any = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    kind, rated = type(used).__name__, float(getattr(used, "learning_rate", 0))
    tell(
        {
            "the weights have changed; unfreezing keeps what was learned.": not kept,
            "nothing can learn: the model's own `trainable` is False.": not model.trainable,
            "the encoder is still frozen.": not any(eyes),
            "a part of the encoder is still frozen: "
            f"{sum(eyes)} of its {len(eyes)} convolutions can learn.": not all(eyes),
            "the decoder can no longer learn.": not any(hands),
            "a layer of the decoder can no longer learn.": not all(hands),
            "the encoder's batch normalization can learn too; freeze it again.": any(eye_norms),
            "the encoder's batch normalization still follows the means of its batches; freeze the "
            "layers, not their weights.": moved,
            "the decoder's batch normalization is frozen too.": not all(hand_norms),
            "the model is not compiled again: its optimizer is the old one.": (
                model.optimizer is old
            ),
            f"the optimizer is {kind}; asked is Adam.": kind != "Adam",
            f"the learning rate is {rated:.4g}; it must be `rate`, {rate:.4g}.": (
                not np.isclose(rated, rate, 1e-4)
            ),
            "the loss is not the mean squared error.": not models.is_mse(model),
        }
    )
    return [*eyes, *eye_norms, *hands, *hand_norms, rated]


def with_skip(answer: Answer) -> None:
    """Check a step of a decoder: how it is built, and what comes out where its kernel is known.

    Deep maps are flat, and the kernel is the same for all input channels: then neither the way of
    interpolation nor the order of the parts matters.
    """
    rng = np.random.default_rng(45)
    inputs = []
    for n, h, w, c, d, filters in ((2, 9, 12, 3, 5, 4), (1, 11, 9, 4, 2, 7), (3, 9, 10, 2, 3, 6)):
        flat = np.ones((n, h, w, c)) * rng.normal(0, 1, (n, 1, 1, c))
        inputs.append((flat, rng.normal(0, 1, (n, 2 * h, 2 * w, d)), filters))

    def truth(deep, skip, filters):
        from keras import layers

        x = layers.Concatenate()([layers.UpSampling2D()(deep), skip])
        return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)

    hint = "UpSampling2D, Concatenate, and a Conv2D with padding and activation."
    compare("with_skip", answer, inputs, truth, {}, hint, 1e-3, 2e-3, measure=_decoded)


def _decoded(answer: Answer, deep: np.ndarray, skip: np.ndarray, filters: int) -> object:
    """What comes out of a model of the answer's layers, once their kernel is known."""
    import keras

    def build(*channels: int) -> tuple[list, Any]:
        ends = [keras.Input((None, None, count)) for count in channels]
        return ends, answer(*ends, filters)

    c, d = deep.shape[-1], skip.shape[-1]
    try:
        ends, out = build(c, d)
    except Exception as error:
        try:
            build(4, 4)
        except Exception:  # so it is not for the channels
            raise error from None
        alike = "it works only where deep and skip have equally many channels: do not add them, "
        raise Fault(alike + "join them on the last axis, to C + D channels.") from error
    if out is None:
        return None
    kind = type(out).__name__
    tensor = isinstance(out, keras.KerasTensor)
    tell({f"asked is the tensor that the last layer gives, this is a {kind}.": not tensor})
    model: Any = keras.Model(ends, out)
    kernels = [w for w in model.weights if len(w.shape) == 4]
    tell({f"asked is one convolution, there are {len(kernels)}.": len(kernels) != 1})
    high, wide, received, channels = kernels[0].shape
    tell(
        {
            f"the kernel is {high}×{wide}; asked is 3×3.": (high, wide) != (3, 3),
            "the skip maps do not reach the convolution.": received == c,
            "the deep maps do not reach the convolution.": received == d,
            f"the convolution gets {received} channels; C + D are {c + d}.": received != c + d,
            f"{channels} channels come out; `filters` asks for {filters}.": channels != filters,
        }
    )
    kernel = np.random.default_rng(filters).normal(0, 0.3, (3, 3, 1, filters))
    kernels[0].assign(np.repeat(kernel, c + d, axis=2))
    for bias in (w for w in model.weights if w.name == "bias"):
        bias.assign(0 * bias)
    try:
        given = numbers(model([deep, skip]))
    except Exception as error:
        unequal = "deep and skip do not fit where they are joined: enlarge deep to twice its "
        raise Fault(unequal + "height and width, and leave skip as it is.") from error
    (h, w), size = deep.shape[1:3], given.shape[1:3]
    strides = {layer.strides for layer in model.layers if hasattr(layer, "kernel_size")}
    tell(
        {
            "the convolution has a stride, which halves the size.": strides - {(1, 1)},
            "it comes out as large as deep; enlarge deep, and leave skip.": size == (h, w),
            "it comes out four times as large as deep.": size == (4 * h, 4 * w),
            'the border is lost; take padding="same".': size == (2 * h - 2, 2 * w - 2),
            "negative numbers come out; the ReLU is missing.": (given < 0).any(),
            "no zeros come out; the activation is another than ReLU.": (given > 0).all(),
        }
    )
    kernels[0].assign(np.repeat(np.abs(kernel), c + d, axis=2))
    spot = np.zeros_like(deep[:1])
    spot[0, 2, -3] = 1  # this may change two pixels and some neighbors, all in this corner
    lit = numbers(model([spot, 0 * skip[:1]]))[0].any(axis=-1)
    moved = not lit[:10, -10:].any() or lit.sum() > lit[:10, -10:].sum()
    tell({"what stands in deep does not come out in its place.": moved})
    return given
