"""What checks of Keras layers and models have in common; Keras is imported when one is called."""

import warnings
from typing import Any

import numpy as np

from course_utils.checks.trial import Fault, tell


def shape_of(kind: Any, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a new layer of a class gives for inputs of these; () where it stops."""
    try:
        return tuple(kind()(*(np.ones(shape, np.float32) for shape in shapes)).shape)
    except Exception:  # each framework has its own
        return ()


def learn_through(layer: Any, **inputs: np.ndarray) -> None:
    """Raise Fault where a network with this layer cannot be built for any size, or not learn.

    inputs: by name, what the layer takes: (N, ..., channels), the first with one position or more.
    """
    import keras

    ends: list[Any] = [keras.Input((*[None] * (x.ndim - 2), x.shape[-1])) for x in inputs.values()]
    before = [keras.layers.Dense(end.shape[-1]) for end in ends]
    try:
        joined = layer(*(dense(end) for dense, end in zip(before, ends)))
        model = keras.Model(ends, keras.layers.Dense(1)(joined))
        model.compile("sgd", "mse", run_eagerly=True)
        old = [dense.get_weights()[0] for dense in before]
        arrays = list(inputs.values())
        with warnings.catch_warnings(action="ignore"):  # of gradients that are missing
            model.train_on_batch(arrays, np.full((*arrays[0].shape[:-1], 1), 9.0))
    except Exception as error:  # each framework has its own
        numpy = "NumPy stops Keras, which builds networks without numbers; use keras.ops."
        sizes = "right on numbers, but no network can use it: while Keras builds, height and width "
        sizes += "are None; take them from keras.ops.shape(maps)."
        raise Fault(numpy if "numpy" in str(error).lower() else sizes) from error
    for name, dense, weights in zip(inputs, before, old):
        still = np.array_equal(dense.get_weights()[0], weights)
        tell({f"no gradient comes back to the {name}; what made them could not learn.": still})


def frozen(blocks: int, filters: int) -> tuple[Any, Any]:
    """A colorizer (N, H, W, 1) to (N, H, W, 2), compiled, and its encoder, which is frozen.

    Its loss is the absolute error: Keras keeps the old loss where `compile` gets none.
    """
    import keras
    from keras import layers

    ends = x = keras.Input((None, None, 1))
    for _ in range(blocks):
        for conv in (layers.Conv2D(filters, 3, padding="same"), layers.DepthwiseConv2D(1)):
            x = layers.ReLU()(layers.BatchNormalization()(conv(x)))
    encoder = keras.Model(ends, x)
    encoder.trainable = False
    x = layers.BatchNormalization()(layers.Conv2D(filters, 1)(x))
    model = keras.Model(ends, layers.Conv2D(2, 1)(layers.ReLU()(x)))
    rng = np.random.default_rng(43)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    model.compile(keras.optimizers.Adam(0.01), "mae")
    return model, encoder


def is_mse(model: Any) -> bool:
    """Whether a model was compiled with the mean squared error."""
    y, y_hat = np.random.default_rng(44).uniform(0.1, 0.9, (2, 3, 4, 4, 2)).astype("f")
    try:
        return np.isclose(model.compute_loss(y=y, y_pred=y_hat), np.square(y - y_hat).mean())
    except Exception:  # a loss of something else
        return False
