"""The checks of lesson 03. Keras is imported by the checks that need it, not with this module."""

import warnings
from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import models
from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import numbers, tell


def influence(answer: Answer) -> None:
    """Check |gradient| of a + b at one pixel, of three networks and pictures of three sizes."""
    inputs = [(31, 3, 12, 14, 5, 8), (32, 5, 9, 7, 4, 2), (33, 3, 8, 13, 6, 3)]

    def slope(part=lambda out, y, x: out[0, y, x], change=np.abs):
        """The gradient of the sum over a part of the output, then changed."""

        def answered(model, L, row, column):
            import tensorflow as tf

            picture = tf.Variable(L[None])
            with tf.GradientTape() as tape:
                moved = tf.reduce_sum(part(model(picture), row, column))
            return change(np.asarray(tape.gradient(moved, picture))[0, :, :, 0])

        return answered

    parts = {
        "this is the gradient of all output pixels together; take one, [0, row, column].": (
            lambda out, y, x: out
        ),
        "this is a alone; asked is a + b.": lambda out, y, x: out[0, y, x, 0],
        "this is b alone; asked is a + b.": lambda out, y, x: out[0, y, x, 1],
        "this is a² + b²; asked is a + b.": lambda out, y, x: out[0, y, x] ** 2,
        "row and column are swapped.": lambda out, y, x: out[0, x, y],
        "this is the gradient of a whole row; take one pixel.": lambda out, y, x: out[0, y],
        "this is the gradient of a whole column; take one pixel.": lambda out, y, x: out[0, :, x],
    }
    changes = {
        "the gradient has signs; asked is its absolute value.": lambda x: x,
        "this is the squared gradient; asked is its absolute value.": np.square,
        "this is divided by its maximum; leave it as it is.": lambda x: np.abs(x) / np.abs(x).max(),
        "this says where it is not zero; asked is how large it is.": lambda x: x != 0,
    }
    wrong = {told: slope(part) for told, part in parts.items()}
    wrong |= {told: slope(change=change) for told, change in changes.items()}
    hint = "watch the picture, compute a + b of one pixel inside the tape, then tape.gradient."
    compare("influence", answer, inputs, slope(), wrong, hint, 1e-5, measure=_slope)


def _slope(
    answer: Any, seed: int, kernel: int, height: int, width: int, row: int, column: int
) -> object:
    """What an answer gives for a network with known weights and a picture of noise."""
    import keras

    rng = np.random.default_rng(seed)
    ends = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, kernel, padding="same", activation="tanh")(ends)
    model = keras.Model(ends, keras.layers.Conv2D(2, 1)(x))
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    L = rng.uniform(0, 1, (height, width, 1)).astype(np.float32)
    try:
        out = answer(model, L, row, column)
    except Exception as error:
        lost = "the tape gave None: put the picture into a tf.Variable, or tape.watch it, and call "
        lost += "the model inside the tape, model(picture), not model.predict."
        tell({lost: "None" in str(error)})
        raise
    if out is None:
        return None
    given, right = numbers(out), (height, width)
    squeezed = given.shape != right and given.squeeze().shape == right
    tell({"axes of length 1 are still there: take [0, :, :, 0].": squeezed})
    tell({"this is one number; asked is one for each pixel of L.": given.size == 1})
    tell({"these are a and b; asked is the gradient.": given.shape == (2,)})
    return given


def fusion(answer: Answer) -> None:
    """Check a fusion layer: on numbers with known weights, while Keras builds, and backward."""
    from keras import layers, ops

    rng = np.random.default_rng(34)
    sizes = (4, 3, 5, 6, 7, 8), (1, 2, 3, 5, 2, 4), (3, 4, 1, 2, 6, 5)
    inputs = [
        tuple(
            rng.normal(0, 1, shape).astype(np.float32)
            for shape in ((n, c), (n, h, w, d), (c + d, f), (f,))
        )
        for n, h, w, c, d, f in sizes
    ]

    def layer(call):
        """A class of fusion layers; `call` gets the part of the vector, then that of the map."""

        def made(self, filters):
            layers.Layer.__init__(self)
            self.of_vector = layers.Dense(filters)
            self.of_local = layers.Dense(filters, use_bias=False)

        def called(self, vector, local):
            return call(self.of_vector(vector)[:, None, None], self.of_local(local))

        return type("Fusion", (layers.Layer,), {"__init__": made, "call": called})

    wrong = {
        "the ReLU is missing.": ops.add,
        "ReLU comes after the sum, not on each part.": lambda *p: ops.add(*map(ops.relu, p)),
        "ReLU comes after the sum, not on the vector's part alone.": lambda v, x: ops.relu(v) + x,
        "ReLU comes after the sum, not on the map's part alone.": lambda v, x: v + ops.relu(x),
        "the two parts are multiplied; the formula adds them.": lambda v, x: ops.relu(v * x),
        "the vector's part is subtracted; the formula adds it.": lambda v, x: ops.relu(x - v),
        "the vector was not used.": lambda v, x: ops.relu(x + 0 * v),
        "the map was not used.": lambda v, x: ops.relu(v + 0 * x),
        "every picture got the vector of the first one.": (
            lambda v, x: ops.relu(0 * v + v[:1] + x)
        ),
        "every picture got the mean of all vectors; each has its own.": (
            lambda v, x: ops.relu(0 * v + ops.mean(v, 0, keepdims=True) + x)
        ),
        "this is a sigmoid; asked is ReLU.": lambda v, x: ops.sigmoid(v + x),
        "this is a tanh; asked is ReLU.": lambda v, x: ops.tanh(v + x),
    }
    known = {told: layer(call) for told, call in wrong.items()}
    right, hint = layer(lambda v, x: ops.relu(v + x)), "two axes of length 1, add, then ReLU."
    compare("fusion", answer, inputs, right, known, hint, 1e-3, 1e-3, measure=_fused)


def _fused(
    answer: Any, vector: np.ndarray, local: np.ndarray, W: np.ndarray, b: np.ndarray
) -> object:
    """What a layer of this class gives with these weights; where right, a network learns by it."""
    import keras

    base = keras.layers.Layer
    is_class = isinstance(answer, type) and issubclass(answer, base)
    tell({"this is a layer already; the check needs its class.": isinstance(answer, base)})
    tell({"asked is a class that inherits from keras.layers.Layer.": not is_class})
    tell({"the class has no method `call`, where a layer works.": answer.call is base.call})
    c, d, filters = vector.shape[1], local.shape[3], W.shape[1]
    try:
        layer: Any = answer(filters)  # pyright: ignore
        with warnings.catch_warnings(action="ignore"):  # Keras's, of layers that a stub never uses
            out = layer(*map(keras.ops.convert_to_tensor, (vector, local)))
    except Exception:
        cube = models.shape_of(partial(answer, 4), (4, 4), (4, 4, 4, 4))
        turned = models.shape_of(partial(answer, filters), local.shape, vector.shape)
        axes = "the vector's part needs two axes of length 1: [:, None, None, :]."
        tell({"`call` takes the vector first, then the map.": bool(turned)})
        tell({axes: cube == (4, 4, 4, 4)})
        raise
    if out is None:
        return None
    wanted = np.maximum((vector @ W[:c])[:, None, None] + local @ W[c:] + b, 0)
    given, right = np.empty(0), False
    for order in (np.r_[: c + d], np.r_[c : c + d, :c]):  # of a kernel that takes both
        if not right:
            _set(layer, {c: W[:c], d: W[c:], c + d: W[order]}, b)
            given = numbers(layer(vector, local))
            right = given.shape == wanted.shape and np.allclose(given, wanted, atol=1e-3)
    beside = given.shape == (*local.shape[:3], 2 * filters)
    tell({"the positions are lost; asked is (N, h, w, filters).": given.ndim == 2})
    tell({"the parts stand beside each other; the formula adds them.": beside})
    if right and len(vector) > 1:
        models.learn_through(lambda local, vector: layer(vector, local), local=local, vector=vector)
    return given


def _set(layer: Any, kernels: dict[int, np.ndarray], b: np.ndarray) -> None:
    """Set the weights of a fusion layer: kernels by the numbers they take, one bias to b."""
    biases = [w for w in layer.weights if len(w.shape) == 1]
    others = [w for w in layer.weights if len(w.shape) > 1]
    tell({"the layer has no weights: use the two dense layers.": not others})
    tell({"the bias is missing.": not biases})
    odd = {tuple(w.shape[-2:]) for w in others} - {(n, len(b)) for n in kernels}
    tell({f"a kernel has the shape {[*odd]}; it must take vector or map, to `filters`.": odd})
    for weight in others:
        weight.assign(np.reshape(kernels[int(weight.shape[-2])], weight.shape))
    for i, weight in enumerate(biases):
        weight.assign(b * (i == 0))


def wider(answer: Answer) -> None:
    """Check a stack of dilated convolutions: its layers, and what it gives with known weights."""
    inputs = [(3, (1, 2, 4, 8), 5), (5, (3,), 2), (2, (2, 1), 4)]

    def truth(filters, rates):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Conv2D(filters, 3, padding="same", dilation_rate=r, activation="relu")
                for r in rates
            ]
        )

    hint = "one Conv2D for each rate: padding, dilation_rate and activation; then Sequential."
    compare("wider", answer, inputs, truth, {}, hint, 1e-3, 1e-3, measure=_widened)


def _widened(answer: Any, filters: int, rates: tuple[int, ...], channels: int) -> object:
    """What a stack gives for noise, once its kernels are known."""
    import keras

    stack = answer(filters, rates)
    if stack is None:
        return None
    tell({"this is a list of layers; give it to keras.Sequential.": isinstance(stack, list)})
    kind = type(stack).__name__
    tell({f"asked is a keras.Sequential, this is a {kind}.": not isinstance(stack, keras.Layer)})
    convs = [x for x in getattr(stack, "layers", [stack]) if hasattr(x, "kernel_size")]
    x = np.random.default_rng(39).normal(0, 1, (2, 21, 23, channels)).astype(np.float32)
    found = [conv.dilation_rate[0] for conv in convs]
    tell(
        {
            f"asked are {len(rates)} convolutions, one for each rate; there are {len(convs)}.": (
                len(convs) != len(rates)
            ),
            "the kernels must be 3 × 3; a rate is no kernel size.": (
                {conv.kernel_size for conv in convs} != {(3, 3)}
            ),
            "this is a stride, which makes the maps smaller; asked is a dilation rate.": (
                {conv.strides for conv in convs} != {(1, 1)}
            ),
            "the number of filters is not `filters`.": {conv.filters for conv in convs}
            != {filters},
            "the convolutions are not dilated: pass dilation_rate.": {*found} == {1} != {*rates},
            f"the dilation rates are {found}; asked are {[*rates]}, in this order.": (
                found != [*rates]
            ),
            'the maps become smaller; take padding="same".': (
                {conv.padding for conv in convs} != {"same"}
            ),
        }
    )
    stack(x)
    for weight in stack.weights:
        noise = np.random.default_rng(len(weight.shape)).normal(0, 0.5, weight.shape)
        weight.assign(noise if len(weight.shape) == 4 else 0 * noise - 0.1)
    given = numbers(stack(x))
    tell({"negative numbers come out; the ReLU is missing.": (given < 0).any()})
    tell({"no zeros come out; the activation is another than ReLU.": (given > 0).all()})
    return given


def cut(answer: Answer) -> None:
    """Check the two halves of a network: vectors, and pictures with vectors of others."""
    inputs = [(35, 6, 4, 3), (36, 9, 5, 2), (37, 4, 8, 1)]

    def truth(net):
        from keras import Model

        middle = net.get_layer("vector").output
        return Model(net.inputs[1], middle), Model([net.inputs[0], middle], net.outputs[0])

    hint = "keras.Model(inputs, outputs) twice; the vector is the output of get_layer('vector')."
    compare("cut", answer, inputs, truth, {}, hint, measure=_halves)


def _halves(answer: Any, seed: int, side: int, width: int, n: int) -> object:
    """What the two models give for copies, and for pictures with the vectors of other pictures."""
    import keras

    rng = np.random.default_rng(seed)
    picture, copy = keras.Input((None, None, 1)), keras.Input((side, side, 1))
    shared = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")
    flat = keras.layers.Dense(width)(keras.layers.Flatten()(shared(copy)))
    vector = keras.layers.Identity(name="vector")(flat)
    wide = keras.layers.Dense(3)(vector)[:, None, None]
    net = keras.Model([picture, copy], keras.layers.Conv2D(2, 1)(wide * shared(picture)))
    net.set_weights([rng.normal(0, 0.5, w.shape) for w in net.get_weights()])
    given = answer(net)
    if given is None:
        return None
    pair = isinstance(given, list | tuple) and len(given) == 2
    tell({"asked are two models, (look, paint).": not pair})
    made = all(isinstance(one, keras.Model) for one in given)
    tell({"these are tensors; make models of them, keras.Model(inputs, outputs).": not made})
    look, paint = given
    ends = [[len(x.shape) for x in model.inputs] for model in given]  # axes of each input
    tell(
        {
            "the order is swapped: look comes first, then paint.": [*map(len, ends)] == [2, 1],
            "look takes one input, the copy.": len(ends[0]) != 1,
            "paint takes two inputs, the picture and the vector.": len(ends[1]) != 2,
            "paint takes the copy, so it is not cut: its second input is the vector.": (
                ends[1] == [4, 4]
            ),
            "paint takes the picture first, then the vector.": ends[1] == [2, 4],
            "look begins at the picture; it begins at the copy.": look.inputs[0].shape[1] is None,
            "look must end at the vector.": look.outputs[0].shape[1:] != (width,),
            "paint must end at ab, the output of the network.": paint.outputs[0].shape[-1] != 2,
        }
    )
    copies, pictures = (rng.uniform(0, 1, (n, *s, 1)).astype("f") for s in ((side, side), (7, 5)))
    vectors = numbers(look(copies))
    own = {id(w) for w in net.weights}
    fresh = any(id(w) not in own for model in given for w in model.weights)
    tell({"these are new weights; use the network's own tensors, and clone nothing.": fresh})
    return [*vectors.ravel(), *numbers(paint([pictures, np.float32(vectors + 1)])).ravel()]
