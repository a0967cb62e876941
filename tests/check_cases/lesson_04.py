"""Lesson 04. Keras takes its time: answers that need it are made when they are tried."""

import numpy as np

from check_cases import GENERIC, Cases, Later, Made, forgets

keras = Later("keras")
layers = Later("keras.layers")
ops = Later("keras.ops")
torch = Later("torch")


# prepare


def prepare(gray):
    """From a table of the 256 grays."""
    table = np.arange(-127, 129, dtype=np.float32) / 128
    return np.stack([table[gray]] * 3, axis=-1)


def linear(factor, offset):
    """Another straight line from gray to input."""
    return lambda gray: np.tile(gray[..., None] * factor + offset, 3)


def in_place(gray):
    gray -= 127
    return np.tile(gray[..., None], 3) / 128


def imagenet(gray):
    x = np.tile(gray[..., None] / 255, 3)
    return (x - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)


def by_own_spread(gray):
    x = gray - gray.mean(axis=(1, 2), keepdims=True)
    return np.tile((x / gray.std(axis=(1, 2), keepdims=True))[..., None], 3)


# fuse


def layer(call, base="Layer", **more):
    """A class of layers with this method, under any name."""
    return Made(lambda: type("Beside", (getattr(layers, base),), {"call": call, **more}))


def wide(maps, vector):
    """The vector at every position of the maps."""
    n, h, w, _ = ops.shape(maps)
    return ops.broadcast_to(vector[:, None, None, :], (n, h, w, vector.shape[-1]))


def with_wide(change):
    """Joined as it should be, with a changed vector."""
    return layer(
        lambda self, maps, vector: ops.concatenate([maps, wide(maps, change(vector))], axis=3)
    )


def repeated(self, maps, vector):
    """The vector, row by row and column by column, with sizes as Keras knows them."""
    _, height, width, _ = ops.shape(maps)
    tall = ops.repeat(ops.expand_dims(vector, 1), height, axis=1)
    return ops.concatenate([maps, ops.repeat(ops.expand_dims(tall, 2), width, axis=2)], axis=-1)


def by_outer_product(self, maps, vector):
    flat = ops.einsum("nhw,ne->nhwe", ops.ones_like(maps[..., 0]), vector)
    return layers.Concatenate()([maps, flat])


def where_it_stands(self, maps, vector):
    everywhere = wide(maps, vector)
    return ops.concatenate([maps, ops.pad(everywhere[:, :1, :1], self.rest(maps))], axis=-1)


def rest(self, maps):
    return [[0, 0], [0, maps.shape[1] - 1], [0, maps.shape[2] - 1], [0, 0]]


def list_tiled(self, maps, vector):
    n, h, w, _ = maps.shape
    return ops.concatenate([maps, ops.reshape(ops.tile(vector, (h * w, 1)), (n, h, w, -1))], -1)


def in_numpy(self, maps, vector):
    flat = np.asarray(vector)[:, None, None]
    everywhere = np.broadcast_to(flat, (*maps.shape[:3], vector.shape[1]))
    return np.concatenate([np.asarray(maps), everywhere], axis=-1)


def forgotten(self, maps, vector):
    ops.concatenate([maps, wide(maps, vector)], axis=-1)


def sizes_of_numbers(self, maps, vector):
    everywhere = ops.tile(vector[:, None, None], (1, maps.shape[1], maps.shape[2], 1))
    return ops.concatenate([maps, everywhere], axis=-1)


def of_four(self, maps, vector):
    everywhere = ops.broadcast_to(vector[:, None, None], (4, 3, 5, 7))
    return ops.concatenate([maps, everywhere], axis=-1)


def along(axes):
    """The vector gets other axes, so that it fits by accident only."""

    def call(self, maps, vector):
        return ops.concatenate([maps, ops.zeros_like(maps) + ops.expand_dims(vector, axes)], -1)

    return layer(call)


def projected(self, maps, vector):
    return ops.concatenate([maps, wide(maps, self.dense(vector))], axis=-1)


def with_dense(self):
    layers.Layer.__init__(self)
    self.dense = layers.Dense(7)


def sized(self, height, width):
    layers.Layer.__init__(self)


# unfreeze


def is_norm(layer):
    return "normalization" in type(layer).__name__.lower()


def compiled(model, optimizer, loss="mse"):
    model.compile(optimizer=optimizer, loss=loss)
    return model


def set_layers(model, encoder):
    """The encoder's layers one by one, as they must be."""
    for one in encoder.layers:
        one.trainable = not is_norm(one)


def one_by_one(model, encoder, rate):
    set_layers(model, encoder)
    return compiled(model, keras.optimizers.Adam(learning_rate=rate), "mean_squared_error")


def all_but_norms(model, encoder, rate):
    encoder.trainable = True
    for one in filter(is_norm, encoder.layers):
        one.trainable = False
    model.compile(
        keras.optimizers.Adam(rate, clipnorm=1.0), keras.losses.MeanSquaredError(), metrics=["mae"]
    )
    return model


def by_name(model, encoder, rate):
    encoder.trainable = True
    for one in encoder.layers:
        if one.name.startswith("batch_normalization"):
            one.trainable = False
    model.compile("adam", keras.losses.mean_squared_error)
    model.optimizer.learning_rate = rate
    return model


def unfrozen(prepare=set_layers, optimizer=lambda rate: keras.optimizers.Adam(rate), loss="mse"):
    """As it should be, with one thing changed."""

    def answer(model, encoder, rate):
        prepare(model, encoder)
        return compiled(model, optimizer(rate), loss)

    return answer


def set_all(model, encoder):
    """TensorFlow leaves an attribute alone that has this value: what it contains stays frozen."""
    model.trainable = True


def set_all_twice(model, encoder):
    model.trainable = False
    model.trainable = True


def set_encoder(model, encoder):
    encoder.trainable = True


def set_nothing(model, encoder):
    pass


def set_last(model, encoder):
    encoder.layers[-3].trainable = True


def set_kind(model, encoder):
    for one in encoder.layers:
        one.trainable = type(one).__name__ == "Conv2D"


def set_encoder_alone(model, encoder):
    for one in set(model.layers) - set(encoder.layers):
        one.trainable = False
    set_layers(model, encoder)


def set_model_off(model, encoder):
    model.trainable = False
    set_layers(model, encoder)


def set_two_parts(model, encoder):
    set_layers(model, encoder)
    model.layers[-1].trainable = False


def set_no_norm_at_all(model, encoder):
    set_layers(model, model)


def set_weights_of_norms(model, encoder):
    encoder.trainable = True
    for one in filter(is_norm, encoder.layers):
        one.gamma.trainable = one.beta.trainable = False


def not_compiled(model, encoder, rate):
    set_layers(model, encoder)
    return model


def only_rate(model, encoder, rate):
    set_layers(model, encoder)
    model.optimizer.learning_rate = rate
    return model


def encoder_compiled(model, encoder, rate):
    set_layers(model, encoder)
    encoder.compile(keras.optimizers.Adam(rate), "mse")
    return model


def cloned(model, encoder, rate):
    model = keras.models.clone_model(model)
    return compiled(model, keras.optimizers.Adam(rate))


def drawn_anew(model, encoder, rate):
    encoder.set_weights([0.1 * w for w in encoder.get_weights()])
    return one_by_one(model, encoder, rate)


def encoder_back(model, encoder, rate):
    one_by_one(model, encoder, rate)
    return encoder


def trains_too(model, encoder, rate):
    one_by_one(model, encoder, rate)
    model.run_eagerly = True
    model.train_on_batch(np.ones((1, 4, 4, 1)), np.zeros((1, 4, 4, 2)))
    return model


# with_skip


def decoder(deep, skip, filters, up=None, conv=None):
    """As it should be, with layers of the caller's choice."""
    x = layers.Concatenate(axis=-1)([(up or layers.UpSampling2D())(deep), skip])
    return (conv or layers.Conv2D(filters, 3, 1, "same", activation="relu"))(x)


def with_up(up):
    return lambda deep, skip, filters: decoder(deep, skip, filters, up=up)


def with_conv(*arguments, **more):
    """A convolution that differs; `filters` is in place of None."""
    more = {"padding": "same", "activation": "relu", **more}

    def answer(deep, skip, filters):
        conv = layers.Conv2D(*(x or filters for x in arguments), **more)
        return decoder(deep, skip, filters, conv=conv)

    return answer


def in_ops(deep, skip, filters):
    """Skip first, and no layer but the convolution."""
    deep = ops.repeat(ops.repeat(deep, 2, axis=1), 2, axis=2)
    x = layers.Conv2D(filters, (3, 3), padding="same")(ops.concatenate([skip, deep], axis=-1))
    return ops.maximum(x, 0)


def in_a_model(deep, skip, filters):
    """A bilinear way up, and the convolution in a network of its own, without a bias."""
    x = layers.UpSampling2D((2, 2), interpolation="bilinear")(deep)
    conv = layers.Conv2D(filters, 3, padding="same", use_bias=False)
    return keras.Sequential([conv, layers.BatchNormalization(), layers.ReLU()])(
        layers.concatenate([x, skip])
    )


def deep_alone(deep, filters):
    x = layers.UpSampling2D()(deep)
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)


def added(deep, skip, filters):
    x = layers.UpSampling2D()(deep) + skip
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)


def projected_and_added(deep, skip, filters):
    x = layers.Conv2D(deep.shape[-1], 1)(skip)
    return added(deep, x, filters)


def shrunk(deep, skip, filters):
    return decoder(deep, layers.AveragePooling2D(2)(skip), filters, up=lambda x: x)


def enlarged_after(deep, skip, filters):
    return layers.UpSampling2D()(decoder(deep, skip, filters))


def joined_below(deep, skip, filters):
    x = layers.Concatenate(axis=1)([layers.UpSampling2D()(deep), skip])
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)


def joined_late(deep, skip, filters):
    x = layers.UpSampling2D()(deep)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return layers.Concatenate()([x, skip])


def two_convolutions(deep, skip, filters):
    x = decoder(deep, skip, filters)
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)


def relu_before(deep, skip, filters):
    conv = layers.Conv2D(filters, 3, padding="same")
    return decoder(deep, skip, filters, conv=lambda x: conv(layers.ReLU()(x)))


def no_convolution(deep, skip, filters):
    return layers.ReLU()(decoder(deep, skip, filters, conv=lambda x: x))


def a_model(deep, skip, filters):
    return keras.Model([deep, skip], decoder(deep, skip, filters))


CASES = {
    "prepare": Cases(
        right={
            "a table": prepare,
            "Keras": lambda gray: ops.repeat(
                (ops.cast(gray, "float32")[..., None] - 127.0) / 128.0, 3, axis=-1
            ),
            "torch": lambda gray: (
                (torch.tensor(gray).float()[..., None].expand(-1, -1, -1, 3)).sub(127).div(128)
            ),
            "int16": lambda gray: np.stack([(np.int16(gray) - 127) / 128] * 3, axis=3),
        },
        wrong={
            "0 to 1": (linear(1 / 255, 0), "from 0 to 1"),
            "raw": (linear(1, 0), "still 0 to 255"),
            "127.5": (linear(1 / 127.5, -1), "which MobileNet and Inception-ResNet-v2 take"),
            "x / 128 - 1": (linear(1 / 128, -1), "what is subtracted is 127"),
            "not divided": (linear(1, -127.0), "nothing divided"),
            "127 twice": (linear(1 / 127, -1), "this divides by 127"),
            "255": (linear(1 / 255, -127 / 255), "what divides is 128"),
            "no brackets": (linear(1, -127 / 128), "needs brackets"),
            "not subtracted": (linear(1 / 128, 0), "was not subtracted"),
            "ImageNet": (imagenet, "ImageNet's mean and deviation"),
            "divides twice": (linear(1 / 255 / 128, -127 / 128), "almost black"),
            "wraps": (lambda gray: np.tile((gray - 127)[..., None], 3) / 128, "wrapped around"),
            "integers": (lambda gray: np.floor(prepare(gray)), "fractions are lost"),
            "squeezed": (lambda gray: prepare(gray).squeeze(), "lost its first axis"),
            "own spread": (by_own_spread, "by its own mean"),
            "white is -1": (lambda gray: -prepare(gray), "wrong sign"),
            "one channel": (lambda gray: prepare(gray)[..., :1], "has shape"),
            "no channel": (lambda gray: prepare(gray)[..., 0], "has shape"),
            "channels first": (lambda gray: np.stack([prepare(gray)[..., 0]] * 3, 1), "axes"),
            "of 5 × 4": (lambda gray: prepare(gray.reshape(6, 5, 4)), "one size only"),
            "in place": (in_place, "wrapped around: convert"),
            "in place too": (in_place, "changes its input `gray`"),
            "forgotten return": (forgets(prepare), "returns None"),
            "cubes": (lambda gray: prepare(gray) ** 3, GENERIC),
        },
    ),
    "fuse": Cases(
        right={
            "broadcast": with_wide(lambda vector: vector),
            "repeat": layer(repeated),
            "outer product": layer(by_outer_product),
            "zeros": layer(
                lambda self, maps, vector: ops.concatenate(
                    [maps, 0 * maps[..., :1] + vector[:, None, None, :]], axis=-1
                )
            ),
            "own __init__": layer(
                by_outer_product, __init__=lambda self, **more: layers.Layer.__init__(self, **more)
            ),
        },
        wrong={
            "vector first": (
                layer(lambda self, maps, vector: ops.concatenate([wide(maps, vector), maps], 3)),
                "maps come first",
            ),
            "one position": (layer(where_it_stands, rest=rest), "one position only"),
            "list tiled": (layer(list_tiled), "mixed up"),
            "first picture": (
                with_wide(lambda vector: ops.repeat(vector[:1], vector.shape[0], axis=0)),
                "of the first one",
            ),
            "mean": (
                with_wide(lambda vector: vector - vector + ops.mean(vector, axis=0, keepdims=True)),
                "mean of all vectors",
            ),
            "vector alone": (layer(lambda self, maps, vector: wide(maps, vector)), "maps are lost"),
            "maps alone": (layer(lambda self, maps, vector: maps), "no more channels"),
            "vector before maps": (
                layer(lambda self, vector, maps: ops.concatenate([maps, wide(maps, vector)], -1)),
                "`call` takes the maps first",
            ),
            "added": (
                layer(lambda self, maps, vector: maps + vector[:, None, None]),
                "the vector is added",
            ),
            "along the width": (along((0, 1)), "along the wrong axes"),
            "along the height": (along((0, 2)), "along the wrong axes"),
            "at one position": (
                layer(
                    lambda self, maps, vector: ops.concatenate([maps, vector[:, None, None]], -1)
                ),
                "repeat the vector over h and w",
            ),
            "joined below": (
                layer(lambda self, maps, vector: ops.concatenate([maps, wide(maps, vector)], 1)),
                "join on the last axis",
            ),
            "joined as it is": (
                layer(lambda self, maps, vector: ops.concatenate([maps, vector], -1)),
                "your code stopped with InvalidArgumentError: ConcatOp : Ranks of all",
            ),
            "of four": (layer(of_four), "one size only"),
            "sizes of numbers": (layer(sizes_of_numbers), "from keras.ops.shape"),
            "NumPy": (layer(in_numpy), "use keras.ops"),
            "no gradient of the vector": (
                with_wide(lambda vector: ops.stop_gradient(vector)),
                "back to the vector",
            ),
            "no gradient of the maps": (
                layer(
                    lambda self, maps, vector: ops.concatenate(
                        [ops.stop_gradient(maps), wide(maps, vector)], -1
                    )
                ),
                "back to the maps",
            ),
            "weights": (layer(projected, __init__=with_dense), "has weights"),
            "doubled": (with_wide(lambda vector: 2 * vector), GENERIC),
            "forgotten return": (layer(forgotten), "returns None"),
            "no call": (Made(lambda: type("Beside", (layers.Layer,), {})), "no method `call`"),
            "one argument": (layer(lambda self, inputs: inputs[0]), "`call` takes maps and vector"),
            "sizes when made": (layer(repeated, __init__=sized), "made of nothing"),
            "an instance": (
                Made(lambda: layer(repeated).make()()),
                "this is a layer already",
            ),
            "a function": (wide, "a class that inherits"),
            "a class": (type("Beside", (), {"call": repeated}), "a class that inherits"),
            "nothing": (None, "this is a NoneType"),
        },
    ),
    "unfreeze": Cases(
        right={"one by one": one_by_one, "all but norms": all_but_norms, "by name": by_name},
        wrong={
            "not compiled": (not_compiled, "not compiled again"),
            "only the rate": (only_rate, "not compiled again"),
            "the encoder compiled": (encoder_compiled, "not compiled again"),
            "hard-coded rate": (
                unfrozen(optimizer=lambda rate: keras.optimizers.Adam(1e-4)),
                "the learning rate is 0.0001; it must be `rate`, 0.02",
            ),
            "no rate": (
                unfrozen(optimizer=lambda rate: "adam"),
                "the learning rate is 0.001; it must be `rate`, 0.0001",
            ),
            "a tenth": (
                unfrozen(optimizer=lambda rate: keras.optimizers.Adam(rate / 10)),
                "the learning rate is 1e-05",
            ),
            "SGD": (
                unfrozen(optimizer=lambda rate: keras.optimizers.SGD(rate)),
                "the optimizer is SGD",
            ),
            "AdamW": (
                unfrozen(optimizer=lambda rate: keras.optimizers.AdamW(rate)),
                "the optimizer is AdamW",
            ),
            "absolute": (unfrozen(loss="mae"), "not the mean squared error"),
            "cross-entropy": (unfrozen(loss="categorical_crossentropy"), "not the mean squared"),
            "labels": (unfrozen(loss="sparse_categorical_crossentropy"), "not the mean squared"),
            "no loss": (unfrozen(loss=None), "not the mean squared error"),
            "nothing set": (unfrozen(set_nothing), "encoder is still frozen"),
            "the model, which is True": (unfrozen(set_all), "encoder"),
            "all of the model": (unfrozen(set_all_twice), "encoder's batch normalization can"),
            "all of the encoder": (unfrozen(set_encoder), "encoder's batch normalization can"),
            "weights of norms": (unfrozen(set_weights_of_norms), "follows the means"),
            "last layers": (unfrozen(set_last), "1 of its 4 convolutions"),
            "Conv2D alone": (unfrozen(set_kind), "2 of its 4 convolutions"),
            "the encoder alone": (unfrozen(set_encoder_alone), "decoder can no longer learn"),
            "the model is off": (unfrozen(set_model_off), "own `trainable` is False"),
            "one layer less": (unfrozen(set_two_parts), "layer of the decoder"),
            "no norm at all": (unfrozen(set_no_norm_at_all), "decoder's batch normalization"),
            "cloned": (cloned, "not the model that came in"),
            "the encoder back": (encoder_back, "not the model that came in"),
            "drawn anew": (drawn_anew, "weights have changed"),
            "trains too": (trains_too, "weights have changed"),
            "forgotten return": (forgets(one_by_one), "returns None"),
        },
    ),
    "with_skip": Cases(
        right={
            "layers": decoder,
            "operations": in_ops,
            "a network inside": in_a_model,
            "bicubic": with_up(lambda x: layers.UpSampling2D(2, interpolation="bicubic")(x)),
            "weights that start elsewhere": with_conv(
                None, 3, kernel_initializer="ones", bias_initializer="ones"
            ),
        },
        wrong={
            "skip ignored": (
                lambda deep, skip, filters: deep_alone(deep, filters),
                "skip maps do not reach",
            ),
            "deep ignored": (
                lambda deep, skip, filters: layers.Conv2D(
                    filters, 3, padding="same", activation="relu"
                )(skip),
                "deep maps do not reach",
            ),
            "skip twice": (lambda deep, skip, filters: in_ops(skip, skip, filters), "channels"),
            "added": (added, "do not add them"),
            "joined below": (joined_below, "do not add them"),
            "projected and added": (projected_and_added, "there are 2"),
            "two convolutions": (two_convolutions, "there are 2"),
            "no convolution": (no_convolution, "there are 0"),
            "joined late": (joined_late, "skip maps do not reach"),
            "not enlarged": (with_up(lambda x: x), "do not fit where they are joined"),
            "enlarged by 4": (with_up(lambda x: layers.UpSampling2D(4)(x)), "do not fit"),
            "enlarged in height": (with_up(lambda x: layers.UpSampling2D((2, 1))(x)), "do not fit"),
            "enlarged after": (enlarged_after, "four times as large"),
            "skip shrunk": (shrunk, "as large as deep"),
            "1×1": (with_conv(None, 1), "the kernel is 1×1"),
            "5×5": (with_conv(None, 5), "the kernel is 5×5"),
            "stride": (with_conv(None, 3, strides=2), "has a stride"),
            "valid": (with_conv(None, 3, padding="valid"), "border is lost"),
            "linear": (with_conv(None, 3, activation=None), "the ReLU is missing"),
            "tanh": (with_conv(None, 3, activation="tanh"), "the ReLU is missing"),
            "sigmoid": (with_conv(None, 3, activation="sigmoid"), "another than ReLU"),
            "ReLU before": (relu_before, "the ReLU is missing"),
            "64 filters": (with_conv(64, 3), "64 channels come out"),
            "as many as came": (
                lambda deep, skip, filters: decoder(deep, skip, deep.shape[-1]),
                "channels come out",
            ),
            "deep times 0": (with_up(lambda x: 0 * layers.UpSampling2D()(x)), "in its place"),
            "upside down": (
                with_up(lambda x: layers.UpSampling2D()(ops.flip(x, 1))),
                "not come out in its place",
            ),
            "dilated": (with_conv(None, 3, dilation_rate=2), GENERIC),
            "a model": (a_model, "this is a Functional"),
            "a layer": (
                lambda deep, skip, filters: layers.Conv2D(filters, 3),
                "this is a Conv2D",
            ),
            "an array": (lambda deep, skip, filters: np.zeros(3), "this is a ndarray"),
            "forgotten return": (forgets(decoder), "returns None"),
        },
    ),
}
