"""Lesson 02. Keras takes its time: answers that need it are made when they are tried."""

import numpy as np

from check_cases import GENERIC, Cases, Later, forgets

keras = Later("keras")
layers = Later("keras.layers")
ops = Later("keras.ops")


# stage


def convolution(filters, **more):
    return layers.Conv2D(filters, **{"kernel_size": 3, "padding": "same", **more})


def pair(first=None, second=None, widths=lambda n: (n, 2 * n)):
    """A stage whose convolutions have other options than they must."""
    first, second = ({"activation": "relu", **(more or {})} for more in (first, second))
    first = {"strides": 2} | first

    def answer(x, filters):
        narrow, wide = widths(filters)
        return convolution(wide, **second)(convolution(narrow, **first)(x))

    return answer


def stage_of_layers(x, filters):
    """ReLU as layers of their own, and a stride for each axis."""
    for width, stride in ((filters, (2, 2)), (filters + filters, (1, 1))):
        x = layers.ReLU()(convolution(width, strides=stride)(x))
    return x


def stage_in_a_model(x, filters):
    first = convolution(filters, strides=2, activation="relu")
    second = convolution(filters * 2, activation=keras.activations.relu)
    return keras.Sequential([first, second])(x)


def stage_by_cutting(x, filters):
    """ReLU by hand."""
    x = ops.maximum(convolution(filters, strides=2)(x), 0)
    return ops.maximum(convolution(2 * filters)(x), 0)


def one_convolution(x, filters):
    return convolution(2 * filters, strides=2, activation="relu")(x)


def pooled(x, filters):
    x = layers.MaxPooling2D()(convolution(filters, activation="relu")(x))
    return convolution(2 * filters, activation="relu")(x)


def takes_x_again(x, filters):
    first = convolution(filters, strides=2, activation="relu")(x)
    second = convolution(2 * filters, strides=2, activation="relu")(x)
    return layers.Concatenate()([first, second])[..., -2 * filters :]


def normalized(x, filters):
    x = convolution(filters, strides=2, activation="relu")(x)
    return convolution(2 * filters, activation="relu")(layers.BatchNormalization()(x))


def the_layer(x, filters):
    return convolution(2 * filters)


# huber


def huber(y, y_hat, delta):
    """A square of what is clipped, and a line of what is left."""
    d = ops.abs(y_hat - y)
    inner = ops.minimum(d, delta)
    return ops.mean(0.5 * inner * inner + delta * (d - inner))


def of_keras(y, y_hat, delta):
    return keras.losses.Huber(delta=delta)(ops.reshape(y, (1, -1)), ops.reshape(y_hat, (1, -1)))


def by_weights(y, y_hat, delta):
    d = ops.abs(y - y_hat)
    near = ops.cast(d < delta, "float32")
    return ops.mean(near * d**2 / 2 + (1 - near) * delta * (d - delta / 2))


def joined(near, far, total=lambda x: ops.mean(x), absolute=lambda x: ops.abs(x)):
    """A loss of two parts that differ from the right ones."""

    def answer(y, y_hat, delta):
        d = absolute(y - y_hat)
        return total(ops.where(d > delta, far(d, delta), near(d, delta)))

    return answer


def square(d, delta):
    return ops.square(d) / 2


def line(d, delta):
    return delta * d - delta**2 / 2


def in_numpy(y, y_hat, delta):
    d = np.abs(np.asarray(y) - np.asarray(y_hat))
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2)).mean()


# short_sighted


def stack(layers_of, filters, last=None, hidden=None, size=(None, None, 1)):
    """A model of convolutions, with options that may be wrong."""
    hidden = {"activation": "relu", **(hidden or {})}
    ends = x = keras.Input(size)
    for _ in range(layers_of):
        x = convolution(filters, **hidden)(x)
    return keras.Model(ends, convolution(**{"filters": 2, "activation": "tanh", **(last or {})})(x))


def with_last(**last):
    return lambda n, filters: stack(n, filters, last)


def with_hidden(**hidden):
    return lambda n, filters: stack(n, filters, hidden=hidden)


def sequential(n, filters):
    hidden = [convolution(filters, activation="relu") for _ in range(n)]
    last = convolution(2, activation="tanh")
    return keras.Sequential([keras.Input((None, None, 1)), *hidden, last])


def by_recursion(n, filters):
    """Activations as layers, from the last hidden layer back to the first."""
    ends = keras.Input((None, None, 1))

    def below(k):
        return ends if k == 0 else layers.ReLU()(convolution(filters)(below(k - 1)))

    return keras.Model(ends, ops.tanh(convolution(2)(below(n))))


def without_last(n, filters):
    model = stack(n, filters)
    return keras.Model(model.inputs, model.layers[-2].output)


def shrinking(n, filters):
    return stack(n, filters, hidden={"strides": 2})


def the_tensor(n, filters):
    return stack(n, filters).outputs[0]


def fixed(n, filters):
    return stack(n, filters, size=(64, 64, 1))


# memorize


def fitted(model, x, y, epochs, loss="mse", times=None, **more):
    model.compile(keras.optimizers.Adam(0.01), loss)
    more = {"batch_size": len(x), "epochs": times or epochs, "verbose": 0} | more
    return model.fit(x, y, **more)


def memorized(**more):
    """As it should be, with one thing changed."""
    return lambda model, x, y, epochs: fitted(model, x, y, epochs, **more).history["loss"]


def step_by_step(model, x, y, epochs):
    """One batch at a time, and the loss of each before the step."""
    model.compile(keras.optimizers.SGD(0.05), keras.losses.MeanSquaredError())
    losses = []
    for _ in range(epochs):
        losses.append(float(model.evaluate(x, y, batch_size=len(x), verbose=0)))
        model.train_on_batch(x, y)
    return losses


def with_a_name(model, x, y, epochs):
    model.compile(optimizer="rmsprop", loss="mean_squared_error")
    return np.array(model.fit(x, y, len(x), epochs, verbose=0).history["loss"])


def not_compiled(model, x, y, epochs):
    return model.fit(x, y, epochs=epochs, verbose=0).history["loss"]


def only_measured(model, x, y, epochs):
    model.compile("adam", "mse")
    return [model.evaluate(x, y, verbose=0) for _ in range(epochs)]


def too_fast(model, x, y, epochs):
    model.compile(keras.optimizers.SGD(300.0), "mse")
    return model.fit(x, y, len(x), epochs, verbose=0).history["loss"]


def of_first_photograph(model, x, y, epochs):
    return fitted(model, x[:1], y[:1], epochs).history["loss"]


CASES = {
    "stage": Cases(
        right={
            "layers": stage_of_layers,
            "a model": stage_in_a_model,
            "by cutting": stage_by_cutting,
        },
        wrong={
            "no stride": (pair({"strides": 1}), "first convolution needs strides=2"),
            "both strides": (pair(second={"strides": 2}), "quartered"),
            "stride in second": (pair({"strides": 1}, {"strides": 2}), "belongs to the first"),
            "doubled first": (pair(widths=lambda n: (2 * n, 2 * n)), "doubles already"),
            "doubled twice": (pair(widths=lambda n: (2 * n, 4 * n)), "doubles already"),
            "not doubled": (pair(widths=lambda n: (n, n)), "must double"),
            "thirty": (pair(widths=lambda n: (30, 2 * n)), "has 30 filters"),
            "three times": (pair(widths=lambda n: (n, 3 * n)), "filters; asked are"),
            "5×5": (pair({"kernel_size": 5}), "not 3×3"),
            "border lost": (pair(second={"padding": "valid"}), "border is lost"),
            "no ReLU": (pair({"activation": None}, {"activation": None}), "neither"),
            "one ReLU": (pair(second={"activation": None}), "second ReLU is missing"),
            "other ReLU": (pair({"activation": None}), "first ReLU is missing"),
            "tanh": (pair({"activation": "tanh"}, {"activation": "tanh"}), "tanh"),
            "gelu": (pair({"activation": "gelu"}), GENERIC),
            "no bias": (pair({"use_bias": False}, {"use_bias": False}), "no bias"),
            "one convolution": (one_convolution, "there are 1"),
            "pooling": (pooled, "pooling"),
            "x again": (takes_x_again, "takes x again"),
            "normalized": (normalized, "other weights"),
            "the layer": (the_layer, "this is a Conv2D"),
            "forgotten return": (forgets(stage_of_layers), "returns None"),
        },
    ),
    "huber": Cases(
        right={"clipped": huber, "Keras's class": of_keras, "weights": by_weights},
        wrong={
            "squares": (lambda y, y_hat, delta: ops.mean((y - y_hat) ** 2), "mean squared error"),
            "half squares": (joined(square, square), "half the squared error"),
            "absolute": (lambda y, y_hat, delta: ops.mean(ops.abs(y - y_hat)), "absolute error"),
            "steep": (joined(lambda d, t: t * d, lambda d, t: t * d), "δ times the absolute"),
            "line": (joined(line, line), "the line everywhere"),
            "a gap": (joined(square, lambda d, t: t * d), "do not meet"),
            "not halved": (joined(lambda d, t: d * d, line), "the square is halved"),
            "exchanged": (joined(line, square), "exchanged"),
            "not multiplied": (joined(square, lambda d, t: d - t / 2), "multiplied by δ"),
            "flat": (joined(square, lambda d, t: 0 * d + t * t / 2), "no longer grows"),
            "δ = 1": (lambda y, y_hat, delta: huber(y, y_hat, 1.0), "δ is 1 here"),
            "added": (joined(square, line, total=lambda x: ops.sum(x)), "average them"),
            "signed": (joined(square, line, absolute=lambda x: x), "absolute value"),
            "each value": (joined(square, line, total=lambda x: x), "this has the shape"),
            "per photograph": (joined(square, line, total=lambda x: ops.mean(x, -1)), "shape"),
            "NumPy": (in_numpy, "no gradient"),
            "divided by δ": (lambda y, y_hat, delta: huber(y, y_hat, delta) / delta, GENERIC),
            "forgotten return": (forgets(huber), "returns None"),
        },
    ),
    "short_sighted": Cases(
        right={"sequential": sequential, "recursion": by_recursion},
        wrong={
            "no tanh": (with_last(activation=None), "tanh of the last convolution is missing"),
            "ReLU at the end": (with_last(activation="relu"), "has ReLU"),
            "sigmoid": (with_last(activation="sigmoid"), "has sigmoid"),
            "three channels": (with_last(filters=3), "a and b are 2"),
            "no ReLU": (with_hidden(activation=None), "have no ReLU"),
            "tanh everywhere": (with_hidden(activation="tanh"), "need ReLU"),
            "elu": (with_hidden(activation="elu"), GENERIC),
            "border lost": (with_hidden(padding="valid"), "border is lost"),
            "5×5": (with_hidden(kernel_size=5), "not 3×3"),
            "strides": (shrinking, "makes the picture smaller"),
            "without the last": (without_last, "the last convolution, to a and b, is missing"),
            "one layer": (lambda n, filters: stack(1, filters), "whatever `layers` is"),
            "one too many": (lambda n, filters: stack(n + 1, filters), "convolutions; `layers`"),
            "doubled filters": (lambda n, filters: stack(n, 2 * filters), "not `filters`"),
            "fixed size": (fixed, "fixed size"),
            "RGB": (lambda n, filters: stack(n, filters, size=(None, None, 3)), "one channel"),
            "the tensor": (the_tensor, "asked is a keras.Model"),
            "no bias": (
                lambda n, filters: stack(n, filters, {"use_bias": False}, {"use_bias": False}),
                "no bias",
            ),
            "forgotten return": (forgets(sequential), "returns None"),
        },
    ),
    "memorize": Cases(
        right={"step by step": step_by_step, "by name": with_a_name},
        wrong={
            "absolute error": (memorized(loss="mae"), "not the mean squared error"),
            "batches of one": (memorized(batch_size=1), "as one batch"),
            "one epoch": (memorized(times=1), "`epochs` asks for"),
            "ten epochs": (memorized(times=10), "10 steps in"),
            "what fit returns": (fitted, "this is what `fit` returns"),
            "the dict": (lambda *args: fitted(*args).history, "a dict of lists"),
            "the last loss": (lambda *args: memorized()(*args)[-1], "this is one number"),
            "half of them": (lambda *args: memorized()(*args)[::2], "losses for"),
            "not compiled": (not_compiled, "compile the model before"),
            "not trained": (only_measured, "weights are the old ones"),
            "too fast": (too_fast, "the loss rises"),
            "one photograph": (of_first_photograph, "not that of the untrained model"),
            "reversed": (lambda *args: memorized()(*args)[::-1], "not that of the untrained"),
            "forgotten return": (forgets(memorized()), "return the list"),
        },
    ),
}
