"""The checks of lesson 02. Keras is imported by the checks that need it, not with this module."""

import warnings
from typing import Any

import numpy as np

from course_utils.checks import models
from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import numbers, tell


def stage(answer: Answer) -> None:
    """Check two convolutions: how they are built, and what comes out of known weights."""
    rng = np.random.default_rng(21)
    sizes = (2, 8, 12, 3, 4), (1, 6, 10, 5, 2), (3, 4, 6, 1, 3)
    inputs = [(rng.normal(0, 1, size[:4]), size[4]) for size in sizes]

    def truth(x, filters):
        from keras import layers

        x = layers.Conv2D(filters, 3, 2, "same", activation="relu")(x)
        return layers.Conv2D(2 * filters, 3, padding="same", activation="relu")(x)

    hint = "two Conv2D, one after the other: stride 2 with `filters`, then twice as many."
    compare("stage", answer, inputs, truth, {}, hint, 1e-3, 2e-3, measure=_staged)


def _staged(answer: Answer, x: np.ndarray, filters: int) -> object:
    """What comes out of a model of the answer's layers, once their weights are known."""
    import keras

    ends = keras.Input((None, None, x.shape[-1]))
    out: Any = answer(ends, filters)
    if out is None:
        return None
    kind, tensor = type(out).__name__, isinstance(out, keras.KerasTensor)
    tell({f"asked is the tensor that the last layer gives, this is a {kind}.": not tensor})
    model: Any = keras.Model(ends, out)
    kernels, biases = _weights(model, 2)
    (*_, first), (*_, received, second) = (kernel.shape for kernel in kernels)
    wide, pooled = 2 * filters, any(hasattr(layer, "pool_size") for layer in model.layers)
    early = (first, second) in ((wide, filters), (wide, wide), (wide, 2 * wide))
    tell(
        {
            "the second convolution takes x again, not what the first made.": received != first,
            "the first convolution doubles already; it keeps `filters`.": early,
            "the second convolution must double the filters.": second == filters,
            f"the first convolution has {first} filters; asked are {filters}.": first != filters,
            f"the second convolution has {second} filters; asked are {wide}.": second != wide,
            "a pooling halves the size; a stride of 2 does it here.": pooled,
        }
    )
    given = numbers(model(x))
    (h, w), size = x.shape[1:3], given.shape[1:3]
    quarter = (-(-h // 4), -(-w // 4))
    tell(
        {
            "the size is not halved; the first convolution needs strides=2.": size == (h, w),
            "the size is quartered; only the first convolution has a stride.": size == quarter,
            'the border is lost; take padding="same" twice.': size != (h // 2, w // 2),
        }
    )

    def other(before="relu", after="relu", strides=(2, 1)):
        maps = _convolved(x, kernels[0], biases[0], before, strides[0])
        return np.allclose(given, _convolved(maps, kernels[1], biases[1], after, strides[1]), 1e-3)

    tell(
        {
            "the stride belongs to the first convolution.": other(strides=(1, 2)),
            "the second ReLU is missing.": other(after=""),
            "the first ReLU is missing.": other(before=""),
            "neither convolution has a ReLU.": other("", ""),
            "the activation is tanh; the report has ReLU.": other("tanh", "tanh"),
        }
    )
    return given


def _weights(model: Any, count: int) -> tuple[list, list]:
    """Kernels and biases of a model of `count` 3×3 convolutions, to which it gives new values."""
    kernels = [w for w in model.weights if len(w.shape) == 4]
    biases = [w for w in model.weights if len(w.shape) == 1]
    found, more = len(kernels), len(model.weights) != 2 * count
    sizes = {tuple(kernel.shape[:2]) for kernel in kernels} - {(3, 3)}
    tell(
        {
            f"asked are {count} convolutions, there are {found}.": found != count,
            "a kernel is not 3×3.": sizes,
            "the convolutions have no bias; leave `use_bias` as it is.": not biases,
            "there are other weights than those of the convolutions.": more,
        }
    )
    rng = np.random.default_rng(22)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return [np.array(x) for x in kernels], [np.array(x) for x in biases]


def _convolved(x: Any, kernel: Any, bias: Any, activation: str, strides: int = 1) -> Any:
    """A convolution that keeps the border, on numbers; activation "" is none."""
    from keras import ops

    out = ops.conv(np.float32(x), np.float32(kernel), strides, "same") + bias
    return np.array(getattr(ops, activation)(out) if activation else out)


def huber(answer: Answer) -> None:
    """Check the mean Huber loss and its gradient, on arrays of four ranks."""
    rng = np.random.default_rng(23)
    shapes = ((2, 3, 4, 2), 0.5), ((7,), 0.1), ((5, 2), 1.0), ((1, 3, 1, 2), 0.02)
    inputs = []
    for shape, delta in shapes:
        y = rng.normal(0, 1, shape)
        away = delta * rng.uniform(0.2, 3, shape) * rng.choice([-1, 1], shape)
        inputs.append((y, y + away, delta))
    forms = {
        "d": lambda d, delta: d,
        "d²": lambda d, delta: d**2,
        "d² / 2": lambda d, delta: d**2 / 2,
        "δ d": lambda d, delta: delta * d,
        "δ² / 2": lambda d, delta: delta**2 / 2 + 0 * d,
        "d - δ / 2": lambda d, delta: d - delta / 2,
        "δ (d - δ / 2)": lambda d, delta: delta * (d - delta / 2),
    }
    square, line = "d² / 2", "δ (d - δ / 2)"

    def loss(near=square, far=line, total="mean", sign=False, limit=None):
        def value(y, y_hat, delta):
            from keras import ops

            d, delta = y - y_hat if sign else ops.abs(y - y_hat), limit or delta
            parts = (forms[name](d, delta) for name in (near, far))
            return getattr(ops, total)(ops.where(d <= delta, *parts))

        return value

    wrong = {
        "this is the mean squared error; beyond δ the loss is a straight line.": loss("d²", "d²"),
        "this is half the squared error; beyond δ it is a straight line.": loss(square, square),
        "this is the absolute error; below δ it must be a square.": loss("d", "d"),
        "this is δ times the absolute error; below δ it must be a square.": loss("δ d", "δ d"),
        "this is the line everywhere; below δ it must be a square.": loss(line, line),
        "square and line do not meet at δ: beyond it take δ · (d - δ / 2).": loss(far="δ d"),
        "the square is halved: d² / 2.": loss(near="d²"),
        "the two formulas are exchanged: the square is for d ≤ δ.": loss(line, square),
        "the line is d - δ / 2 here; it is multiplied by δ.": loss(far="d - δ / 2"),
        "beyond δ the loss no longer grows, so it has no gradient.": loss(far="δ² / 2"),
        "δ is 1 here, whatever comes in.": loss(limit=1.0),
        "the losses are added; average them.": loss(total="sum"),
        "d is |y - ŷ|; without the absolute value half of it is negative.": loss(sign=True),
    }
    hint = "d = keras.ops.abs(y - y_hat); then keras.ops.where(d <= delta, …, …); then the mean."
    compare("huber", answer, inputs, loss(), wrong, hint, measure=_with_gradient)


def _with_gradient(answer: Answer, y: np.ndarray, y_hat: np.ndarray, delta: float) -> object:
    """A loss and its gradient with respect to the prediction."""
    import tensorflow as tf
    from keras import ops

    true = ops.convert_to_tensor(np.float32(y))
    predicted: Any = ops.convert_to_tensor(np.float32(y_hat))
    with tf.GradientTape() as tape:  # it records what tensors go through
        tape.watch(predicted)
        value: Any = answer(true, predicted, delta)
        if value is None:
            return None
        tell({f"asked is one number; this has the shape {np.shape(value)}.": len(np.shape(value))})
        value = ops.convert_to_tensor(value)
    slope: Any = tape.gradient(value, predicted)
    tell({"no gradient comes back: use keras.ops, not NumPy.": slope is None})
    return [float(value), *np.array(slope).ravel()]


def short_sighted(answer: Answer) -> None:
    """Check a model of convolutions: how it is built, and what comes out of known weights."""

    def truth(layers, filters):
        import keras

        x = ends = keras.Input((None, None, 1))
        for _ in range(layers):
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return keras.Model(ends, keras.layers.Conv2D(2, 3, padding="same", activation="tanh")(x))

    hint = "Input, `layers` times Conv2D with ReLU, one Conv2D of 2 filters with tanh, Model."
    inputs = [(1, 4), (3, 2), (2, 5)]
    compare("short_sighted", answer, inputs, truth, {}, hint, 1e-3, 2e-3, measure=_seen)


def _seen(answer: Answer, layers: int, filters: int) -> object:
    """What a model of the answer gives, once its weights are known."""
    import keras

    model: Any = answer(layers, filters)
    if model is None:
        return None
    kind = type(model).__name__
    tell({f"asked is a keras.Model, this is a {kind}.": not isinstance(model, keras.Model)})
    counts = [w.shape[3] for w in model.weights if len(w.shape) == 4]
    found, asked, fixed = len(counts), layers + 1, any(model.input_shape[1:3])
    tell(
        {
            "the network takes L alone, one channel.": model.input_shape[-1] != 1,
            "the input has a fixed size; None stands for any height and width.": fixed,
            "the last convolution, to a and b, is missing.": found == layers,
            f"one hidden convolution, whatever `layers` is; here {layers}.": found == 2 != asked,
            f"{found} convolutions; `layers` and the last one are {asked}.": found != asked,
            f"the last convolution has {counts[-1]} filters; a and b are 2.": counts[-1] != 2,
            "a hidden convolution has not `filters` filters.": {*counts[:-1]} != {filters},
        }
    )
    kernels, biases = _weights(model, asked)
    x = np.random.default_rng(24).uniform(0, 1, (2, 12, 9, 1))
    given = numbers(model(np.float32(x)))
    size = given.shape[1:3]
    tell(
        {
            "a stride or a pooling makes the picture smaller; there is none.": size[0] <= 6,
            'the border is lost; take padding="same".': size != (12, 9),
        }
    )

    def other(hidden, last):
        maps = x
        for kernel, bias in zip(kernels[:-1], biases):
            maps = _convolved(maps, kernel, bias, hidden)
        return np.allclose(given, _convolved(maps, kernels[-1], biases[-1], last), 1e-3, 1e-4)

    tell(
        {
            "the tanh of the last convolution is missing.": other("relu", ""),
            "the last one has ReLU, but a and b can be negative.": other("relu", "relu"),
            "the last one has sigmoid, but a and b can be negative.": other("relu", "sigmoid"),
            "the hidden convolutions have no ReLU.": other("", "tanh"),
            "the hidden convolutions have tanh; they need ReLU.": other("tanh", "tanh"),
        }
    )
    return given


def memorize(answer: Answer) -> None:
    """Check a training on one batch: its loss, its steps, and the list that it returns."""
    import tensorflow as tf

    def truth(model, x, y, epochs):
        model.compile("adam", "mse")
        return model.fit(x, y, batch_size=len(x), epochs=epochs, verbose=0).history["loss"]

    hint = 'compile with "mse"; fit with batch_size=len(x) and epochs; history["loss"].'
    eager, run = tf.config.functions_run_eagerly(), tf.config.run_functions_eagerly
    run(True)  # few steps do not pay for compiling
    try:
        with warnings.catch_warnings(action="ignore"):  # TensorFlow says that its data stay lazy
            compare("memorize", answer, [(3, 6, 4), (2, 8, 3)], truth, {}, hint, measure=_memorized)
    finally:
        run(eager)


def _memorized(answer: Answer, count: int, size: int, epochs: int) -> object:
    """The first loss, how many losses there are, and how many steps were taken."""
    import keras

    keras.utils.set_random_seed(25)
    layer = keras.layers.Conv2D
    model: Any = keras.Sequential([keras.Input((size, size + 1, 1)), layer(4, 3, padding="same")])
    model.add(layer(2, 3, padding="same"))
    x, y = np.random.default_rng(26).uniform(0, 1, (2, count, size, size + 1, 2)).astype("f")
    x, old = x[..., :1], model.get_weights()
    begun = float(np.square(numbers(model(x)) - y).mean())
    try:
        given: Any = answer(model, x, y, epochs)
    except ValueError as error:
        tell({"compile the model before you fit it.": "compile" in str(error)})
        raise
    still = all(map(np.array_equal, old, model.get_weights()))
    if given is None and still:
        return None
    fitted = hasattr(given, "history")
    tell(
        {
            "the model has learned; now return the list of its losses.": given is None,
            'this is what `fit` returns; the losses are its history["loss"].': fitted,
            'this is a dict of lists; the losses are its "loss".': isinstance(given, dict),
            "the model is not trained: its weights are the old ones.": still,
            "the loss is not the mean squared error.": not models.is_mse(model),
        }
    )
    losses = numbers(given)
    losses, alone = losses.ravel(), losses.ndim == 0
    steps, length = int(model.optimizer.iterations), losses.size
    ended = float(np.square(numbers(model(x)) - y).mean())
    tell(
        {
            f"asked is a list of {epochs} losses; this is one number.": alone,
            f"{steps} steps in {epochs} epochs; take all photographs as one batch.": steps > epochs,
            f"the optimizer took {steps} steps; `epochs` asks for {epochs}.": steps < epochs,
            f"there are {length} losses for {epochs} epochs.": length != epochs,
            "the loss rises; take a smaller learning rate.": not ended < begun,
            "the first loss is not that of the untrained model.": abs(losses[0] / begun - 1) > 0.01,
        }
    )
    return [losses[0], length, steps]
