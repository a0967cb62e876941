"""Lesson 03. Keras takes its time: answers that need it are made when they are tried."""

import numpy as np

from check_cases import GENERIC, Cases, Later, Made, forgets

keras = Later("keras")
layers = Later("keras.layers")
ops = Later("keras.ops")
tf = Later("tensorflow")


# influence


def gradient(model, L, target, watch=True):
    """The gradient (H, W) of target(output (1, H, W, 2)), with a constant that is watched."""
    x = tf.constant(L[np.newaxis], tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        if watch:
            tape.watch(x)
        y = target(model(x, training=False))
    return tape.gradient(y, x)[0, ..., 0]


def seen(target=None, after=np.abs):
    """An answer: the gradient of a target of output, row and column, then changed."""
    target = target or (lambda out, y, x: out[0, y, x, 0] + out[0, y, x, 1])

    def answer(model, L, row, column):
        return after(gradient(model, L, lambda out: target(out, row, column)).numpy())

    return answer


def channel_by_channel(model, L, row, column):
    """The two gradients one after the other, added before the absolute value."""
    both = [gradient(model, L, lambda out, k=k: out[0, row, column, k]) for k in (0, 1)]
    return tf.abs(both[0] + both[1])


def each_alone(model, L, row, column):
    return sum(np.abs(gradient(model, L, lambda out, k=k: out[0, row, column, k])) for k in (0, 1))


def by_differences(model, L, row, column, step=1e-2):
    """No tape: the network is asked again for each pixel, moved up and down, in float64 steps."""
    slope = np.empty(L.shape[:2])
    for place in np.ndindex(*slope.shape):
        moved = np.stack([L, L])
        moved[0][place] += step
        moved[1][place] -= step
        up, down = np.asarray(model(moved))[:, row, column].sum(-1)
        slope[place] = abs(up - down) / (2 * step)
    return slope


def with_batch(model, L, row, column):
    x = tf.Variable(L[None])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(model(x)[0, row, column])
    return tf.abs(tape.gradient(y, x))


def not_watched(model, L, row, column):
    target = lambda out: tf.reduce_sum(out[0, row, column])  # noqa: E731
    x = tf.constant(L[None])
    with tf.GradientTape() as tape:
        y = target(model(x))
    return np.abs(tape.gradient(y, x)[0, ..., 0])


def outside(model, L, row, column):
    x = tf.Variable(L[None])
    y = model(x)[0, row, column]
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(y)
    return np.abs(tape.gradient(y, x)[0, ..., 0])


def predicted(model, L, row, column):
    x = tf.Variable(L[None])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(model.predict(x, verbose=0)[0, row, column])
    return np.abs(tape.gradient(y, x)[0, ..., 0])


def the_colors(model, L, row, column):
    return np.asarray(model(L[None]))[0, row, column]


def one_number(model, L, row, column):
    return float(np.sum(seen()(model, L, row, column)))


def one_size(model, L, row, column):
    return np.reshape(seen()(model, L, row, column), (12, 14))


# fusion


def fused(call, dense=None):
    """A class of layers with the lesson's two dense layers, or those of `dense`, and this call."""

    def make():
        def made(self, filters):
            layers.Layer.__init__(self)
            if dense:
                dense(self, filters)
            else:
                self.of_vector = layers.Dense(filters)
                self.of_local = layers.Dense(filters, use_bias=False)

        return type("Mine", (layers.Layer,), {"__init__": made, "call": call})

    return Made(make)


def wide(self, vector, filters=None):
    """The vector's part with two axes of length 1."""
    return ops.expand_dims(ops.expand_dims(self.of_vector(vector), 1), 1)


def summed(after, before=lambda x: x):
    """A call: the sum of both parts, each changed before, and changed after."""
    return lambda self, vector, local: after(
        before(wide(self, vector)) + before(self.of_local(local))
    )


def one_kernel(self, filters):
    self.mix = layers.Conv2D(filters, 1, activation="relu")


def joined(order):
    """A call of one 1 × 1 convolution on vector and map beside each other, in this order."""

    def call(self, vector, local):
        tiled = ops.zeros_like(local[..., :1]) + vector[:, None, None]
        return self.mix(ops.concatenate([tiled, local][::order], axis=-1))

    return call


def own_relu(self, vector, local):
    x = wide(self, vector) + self.of_local(local)
    return ops.where(x > 0, x, 0.0)


def no_axes(self, vector, local):
    return ops.relu(self.of_vector(vector) + self.of_local(local))


def of_the_mean(self, vector, local):
    local = ops.mean(self.of_local(local), axis=(1, 2))
    return ops.relu(self.of_vector(vector) + local)


def stacked(self, vector, local):
    x = self.of_local(local)
    return ops.relu(ops.concatenate([ops.zeros_like(x) + wide(self, vector), x], axis=-1))


def sized(self, vector, local):
    x = self.of_local(local)
    n, h, w, c = x.shape
    return ops.relu(ops.broadcast_to(wide(self, vector), (n, h, w, c)) + x)


def in_numpy(self, vector, local):
    v, x = np.asarray(self.of_vector(vector)), np.asarray(self.of_local(local))
    return np.maximum(v[:, None, None] + x, 0)


def no_bias(self, filters):
    self.of_vector = layers.Dense(filters, use_bias=False)
    self.of_local = layers.Dense(filters, use_bias=False)


def other_width(self, filters):
    self.of_vector = layers.Dense(9)
    self.of_local = layers.Dense(9, use_bias=False)


def nothing(self, vector, local):
    ops.relu(wide(self, vector) + self.of_local(local))


# wider


def stack(padding="same", activation="relu", kernel=3, **more):
    """An answer with one thing changed in each convolution; `more` are functions of the rate."""

    def answer(filters, rates):
        return keras.Sequential(
            [
                layers.Conv2D(
                    filters,
                    kernel,
                    padding=padding,
                    activation=activation,
                    **({k: f(r) for k, f in more.items()} or {"dilation_rate": (r, r)}),
                )
                for r in rates
            ]
        )

    return answer


def added_one_by_one(filters, rates):
    net = keras.Sequential()
    for rate in rates:
        net.add(layers.Conv2D(filters, (3, 3), 1, "same", dilation_rate=rate))
        net.add(layers.ReLU())
    return net


def first_only(filters, rates):
    return stack()(filters, rates[:1])


def of_four(filters, rates):
    return stack()(filters, (1, 2, 4, 8))


def backwards(filters, rates):
    return stack()(filters, rates[::-1])


def as_list(filters, rates):
    return list(stack()(filters, rates).layers)


def numbered(filters, rates):
    return stack()(64, rates)


def last_without_relu(filters, rates):
    net = stack()(filters, rates)
    net.layers[-1].activation = keras.activations.linear
    return net


# cut


def through_layer(net):
    """With the layer's own tensors, in a tuple, inputs by name."""
    bridge = net.get_layer("vector")
    first = keras.Model(inputs=net.inputs[1], outputs=bridge.output, name="first")
    second = keras.Model(inputs=[net.inputs[0], bridge.output], outputs=net.outputs)
    return [first, second]


def from_input(net):
    """Cut before the layer, which passes its input on."""
    tensor = net.get_layer("vector").input
    look = keras.Model([net.inputs[1]], [tensor])
    return look, keras.Model([net.inputs[0], tensor], net.outputs[0])


def two(look=None, paint=None):
    """An answer with other halves; each is a function of the network and its vector."""

    def answer(net):
        vector = net.get_layer("vector").output
        first = (look or (lambda net, v: keras.Model(net.inputs[1], v)))(net, vector)
        default = lambda net, v: keras.Model([net.inputs[0], v], net.output)  # noqa: E731
        return first, (paint or default)(net, vector)

    return answer


def cloned(net):
    return through_layer(keras.models.clone_model(net))


def tensors(net):
    return net.get_layer("vector").output, net.output


def flattened(net, vector):
    (flat,) = (layer for layer in net.layers if type(layer).__name__ == "Flatten")
    return keras.Model(net.inputs[1], flat.output)


CASES = {
    "influence": Cases(
        right={
            "a constant that is watched": seen(),
            "channel by channel": channel_by_channel,
            "float64": seen(after=lambda x: np.abs(np.float64(x))),
            "the root of the square": seen(after=lambda x: np.sqrt(x**2)),
        },
        wrong={
            "signs": (seen(after=np.copy), "has signs"),
            "squared": (seen(after=np.square), "squared gradient"),
            "everything": (seen(lambda out, y, x: tf.reduce_sum(out)), "of all output pixels"),
            "a alone": (seen(lambda out, y, x: out[0, y, x, 0]), "a alone"),
            "b alone": (seen(lambda out, y, x: out[0, y, x, 1]), "b alone"),
            "squares": (seen(lambda out, y, x: tf.reduce_sum(out[0, y, x] ** 2)), "a² + b²"),
            "swapped": (seen(lambda out, y, x: tf.reduce_sum(out[0, x, y])), "are swapped"),
            "a row": (seen(lambda out, y, x: tf.reduce_sum(out[0, y])), "a whole row"),
            "a column": (seen(lambda out, y, x: tf.reduce_sum(out[0, :, x])), "a whole column"),
            "normalized": (seen(after=lambda x: np.abs(x) / np.abs(x).max()), "its maximum"),
            "where": (seen(after=lambda x: x != 0), "how large it is"),
            "all axes": (with_batch, "axes of length 1"),
            "not watched": (not_watched, "the tape gave None"),
            "outside of the tape": (outside, "the tape gave None"),
            "predict": (predicted, "not model.predict"),
            "the colors": (the_colors, "asked is the gradient"),
            "a number": (one_number, "one number"),
            "12 × 14": (one_size, "cannot reshape"),
            "transposed": (seen(after=lambda x: np.abs(x).T), "axes"),
            "each channel alone": (each_alone, GENERIC),
            "halved": (seen(after=lambda x: np.abs(x) / 2), "1/2 of what"),
            "forgotten return": (forgets(seen()), "returns None"),
        },
    ),
    "fusion": Cases(
        right={
            "where": fused(own_relu),
            "maximum": fused(summed(lambda x: ops.maximum(x, 0))),
            "one kernel, vector first": fused(joined(1), one_kernel),
            "one kernel, map first": fused(joined(-1), one_kernel),
            "activation of Keras": fused(summed(lambda x: layers.ReLU()(x))),
        },
        wrong={
            "no ReLU": (fused(summed(lambda x: x)), "ReLU is missing"),
            "ReLU before": (fused(summed(lambda x: x, lambda x: ops.relu(x))), "not on each part"),
            "ReLU of the vector": (
                fused(
                    lambda self, vector, local: ops.relu(wide(self, vector)) + self.of_local(local)
                ),
                "not on the vector's part",
            ),
            "ReLU of the map": (
                fused(
                    lambda self, vector, local: wide(self, vector) + ops.relu(self.of_local(local))
                ),
                "not on the map's part",
            ),
            "product": (
                fused(
                    lambda self, vector, local: ops.relu(wide(self, vector) * self.of_local(local))
                ),
                "are multiplied",
            ),
            "difference": (
                fused(
                    lambda self, vector, local: ops.relu(self.of_local(local) - wide(self, vector))
                ),
                "is subtracted",
            ),
            "vector of the first": (
                fused(
                    lambda self, vector, local: ops.relu(
                        wide(self, vector)[:1] + self.of_local(local)
                    )
                ),
                "of the first one",
            ),
            "mean vector": (
                fused(
                    lambda self, vector, local: ops.relu(
                        ops.mean(wide(self, vector), axis=0) + self.of_local(local)
                    )
                ),
                "mean of all vectors",
            ),
            "sigmoid": (fused(summed(lambda x: ops.sigmoid(x))), "sigmoid"),
            "tanh": (fused(summed(lambda x: ops.tanh(x))), "tanh"),
            "no axes": (fused(no_axes), "two axes of length 1"),
            "no positions": (fused(of_the_mean), "positions are lost"),
            "beside each other": (fused(stacked), "stand beside each other"),
            "no bias": (fused(summed(lambda x: ops.relu(x)), no_bias), "bias is missing"),
            "nine filters": (fused(summed(lambda x: ops.relu(x)), other_width), "a kernel has"),
            "no weights": (
                fused(lambda self, vector, local: ops.relu(local)),
                "no weights",
            ),
            "sizes of numbers": (fused(sized), "from keras.ops.shape"),
            "NumPy": (fused(in_numpy), "use keras.ops"),
            "map first": (
                fused(
                    lambda self, local, vector: ops.relu(wide(self, vector) + self.of_local(local))
                ),
                "the vector first",
            ),
            "no gradient of the vector": (
                fused(
                    lambda self, vector, local: ops.relu(
                        wide(self, ops.stop_gradient(vector)) + self.of_local(local)
                    )
                ),
                "back to the vector",
            ),
            "leaky": (fused(summed(lambda x: ops.leaky_relu(x, 0.2))), GENERIC),
            "doubled": (fused(summed(lambda x: 2 * ops.relu(x))), "2 times what"),
            "forgotten return": (fused(nothing), "returns None"),
            "an instance": (Made(lambda: fused(own_relu).make()(4)), "this is a layer already"),
            "a function": (wide, "a class that inherits"),
            "nothing": (None, "this is a NoneType"),
        },
    ),
    "wider": Cases(
        right={
            "pairs of rates": stack(),
            "one by one": added_one_by_one,
            "dilation by keyword": stack(dilation_rate=int),
        },
        wrong={
            "strides": (stack(strides=int), "this is a stride"),
            "not dilated": (stack(dilation_rate=lambda r: 1), "not dilated"),
            "kernel of the rate": (
                lambda filters, rates: keras.Sequential(
                    [layers.Conv2D(filters, r, padding="same", activation="relu") for r in rates]
                ),
                "a rate is no kernel size",
            ),
            "kernel of five": (stack(kernel=5), "3 × 3"),
            "no padding": (stack(padding="valid"), 'padding="same"'),
            "no ReLU": (stack(activation=None), "ReLU is missing"),
            "last without ReLU": (last_without_relu, "ReLU is missing"),
            "sigmoid": (stack(activation="sigmoid"), "no zeros come out"),
            "first rate": (first_only, "one for each rate"),
            "always four": (of_four, "one for each rate"),
            "backwards": (backwards, "in this order"),
            "64 filters": (numbered, "number of filters"),
            "twice the rate": (stack(dilation_rate=lambda r: 2 * r), "the dilation rates are"),
            "a list": (as_list, "give it to keras.Sequential"),
            "a number": (lambda filters, rates: len(rates), "asked is a keras.Sequential"),
            "leaky": (stack(activation="leaky_relu"), "ReLU is missing"),
            "forgotten return": (forgets(stack()), "returns None"),
        },
    ),
    "cut": Cases(
        right={"by name": through_layer, "before the layer": from_input, "two halves": two()},
        wrong={
            "swapped": (lambda net: two()(net)[::-1], "look comes first"),
            "not cut": (
                two(paint=lambda net, v: keras.Model(net.inputs, net.output)),
                "so it is not cut",
            ),
            "the net itself": (two(paint=lambda net, v: net), "so it is not cut"),
            "vector first": (
                two(paint=lambda net, v: keras.Model([v, net.inputs[0]], net.output)),
                "picture first",
            ),
            "look of both": (two(lambda net, v: keras.Model(net.inputs, v)), "look takes one"),
            "paint of one": (
                two(paint=lambda net, v: keras.Model(net.inputs[1], v)),
                "paint takes two",
            ),
            "too early": (two(flattened), "end at the vector"),
            "clone": (cloned, "new weights"),
            "tensors": (tensors, "these are tensors"),
            "look alone": (lambda net: two()(net)[0], "asked are two models"),
            "paint to the vector": (
                two(paint=lambda net, v: keras.Model([net.inputs[0], v], v)),
                "not connected",
            ),
            "forgotten return": (forgets(through_layer), "returns None"),
        },
    ),
}
