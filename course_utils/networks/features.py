"""Borrowed networks: pictures as a network sees them that was trained for something else.

`features` gives a whole network that turns a photograph into one vector, `vgg_blocks` the first
layers of one, as maps. Both say in one printed line which weights they use, and weights are random
only where that was asked for.

Two small networks come with the course, classifiers of Intel's six classes that
`experiments.scene_classes` trains: `course_L` looks at L alone, so that a colorizer may look
through it, and `course_RGB` at colors, so that it can judge them. Each is one ONNX file, and
onnxruntime is enough to use it; `.model` is the same network in Keras, made from the same file.
Their widths are small, so that a Fréchet distance can be measured on a few hundred photographs.
"""

import functools
import os
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils import color, course, files, progress
from course_utils.networks.small import (
    SHIPPED,
    SIZE,
    opened,
    scaled,
    small_network,
    to_keras,
)

SUBSTITUTE = "course_L"  # what "auto" takes where ImageNet weights cannot be had
BATCH = 32
SERVER = "https://storage.googleapis.com"  # where Keras Applications keep their weights
WAIT = 4.0  # seconds after which it counts as out of reach
STALL = 30.0  # seconds without a byte after which a download is given up
BGR_MEAN = (103.939, 116.779, 123.68)  # of ImageNet; VGG's photographs have it subtracted


# What networks take. Each function maps rgb (..., 3) in 0..255, numpy or Keras, to a range.


def _bgr(rgb):
    return rgb[..., ::-1] - np.float32(BGR_MEAN)


def _signed(rgb):
    return rgb / 127.5 - 1


# size: pixels a side. file: what the official loader calls its weights. options: what else it gets.
APPLICATIONS = {
    "VGG16": {
        "size": 224,
        "width": 512,
        "range": _bgr,
        "file": "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "options": {"include_top": False, "pooling": "avg", "input_shape": (None, None, 3)},
    },
    "InceptionResNetV2": {
        "size": 299,
        "width": 1000,
        "range": _signed,
        "file": "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5",
        "options": {"include_top": True, "classifier_activation": None},
    },
    "MobileNet": {
        "size": 224,
        "width": 256,
        "range": _signed,
        "file": "mobilenet_2_5_224_tf_no_top.h5",
        "options": {
            "include_top": False,
            "pooling": "avg",
            "input_shape": (224, 224, 3),
            "alpha": 0.25,
        },
    },
}


class Features:
    """A borrowed network; make one with `features`.

    name: the network that it is: where "auto" had to take the substitute, the substitute's name.
    weights: which weights it has, in words: "ImageNet (Keras Applications)", "ImageNet, from FILE",
        "the course's own, of L, Intel's six classes", "from FILE", "random, seed 1".
    width: how many numbers describe a picture. size: the side in pixels that it looks at.
    classes: the names of the classes that `classify` tells apart, in its order, or None.
    about: what the file says about itself, a dict (data, n, accuracy, ...); {} for other networks.
    """

    def __init__(self, name, weights, size, width, prepare, make, run=None, about=None):
        self.name, self.weights, self.size, self.width = name, weights, size, width
        self.about = about or {}
        self.classes = self.about.get("classes")
        self._prepare, self._make, self._run = prepare, make, run

    @functools.cached_property
    def model(self):
        """The Keras model: what `prepare` gives -> (N, width), or (N, H, W, ...) of other sizes.

        VGG16, course_L and course_RGB take any height and width; MobileNet and InceptionResNetV2
        their own size. Earlier layers are had from it as maps, for instance
        `keras.Model(model.input, model.get_layer("block2_pool").output)`. It is made once and is
        yours: freeze it, train it. `embed` of a shipped network does not see what you change.
        """
        return self._make()

    def prepare(self, pictures):
        """What `model` takes: float32 (N, size, size, C) of uint8 pictures (N, H, W, 3).

        Pictures may have any size, a list different ones. The whole picture is resized to a square
        (Lanczos), so one that is not square is squeezed. C is 1 for course_L, which gets L / 100;
        course_RGB gets RGB / 255, VGG16 BGR in 0..255 less ImageNet's mean, InceptionResNetV2 and
        MobileNet RGB / 127.5 - 1. A gray photograph has three equal channels.
        Raises ValueError for floats: a network fed 0..1 for 0..255 sees black.
        """
        return self._prepare(np.stack([_square(picture, self.size) for picture in pictures]))

    def embed(self, pictures):
        """Features float32 (N, width) of uint8 pictures (N, H, W, 3) of any size; see `prepare`.

        Of VGG16 and MobileNet the last maps' mean over positions, of InceptionResNetV2 the 1,000
        logits that Deep Koalarization fuses (its own network had 1,001), of the shipped networks
        the layer before the classes.
        """
        return self._batches(pictures, 0, self.width)

    def classify(self, pictures):
        """Probabilities float32 (N, len(classes)) of uint8 pictures (N, H, W, 3) of any size.

        Only the shipped networks have classes.
        """
        if self.classes is None:
            raise ValueError(f"{self.name} ({self.weights}) has no classes here: take course_L.")
        return self._batches(pictures, 1, len(self.classes))

    def _batches(self, pictures, output, width):
        results = [np.empty((0, width), np.float32)]
        starts = range(0, len(pictures), BATCH)
        for start in progress.bar(starts, self.name):
            x = self.prepare(pictures[start : start + BATCH])
            if self._run:
                results.append(self._run(x)[output])
            else:
                results.append(np.asarray(self.model(x, training=False), np.float32))
        return np.concatenate(results)


def features(name, weights="auto", seed=course.SEED):
    """A borrowed network as `Features`; prints one line that says which weights it has.

    name: "VGG16" (512 features), "InceptionResNetV2" (1,000 logits), "MobileNet" (of a quarter of
        the usual width: 256 features), of Keras Applications; "course_L" (128) or "course_RGB"
        (48), which are shipped and classify Intel's six classes.
    weights:
        "auto": ImageNet's, from Keras's cache or the network; where they cannot be had, the shipped
            course_L instead of the network that was asked for, and the line says so. A shipped
            network has its own weights.
        "imagenet": ImageNet's, or ConnectionError within seconds.
        "random": random, from `seed`; this resets the global seeds of Python, numpy and Keras.
        a path: a local file, for Keras Applications the .h5 that the official loader would fetch
            (APPLICATIONS names it), for a shipped network an .onnx of `experiments.scene_classes`.
            FileNotFoundError where it is missing, ValueError where it is of another network.
    """
    if name in APPLICATIONS:
        found = _application(name, weights, seed)
    elif name in SHIPPED:
        found = _shipped(name, weights, seed)
    else:
        known = ", ".join([*APPLICATIONS, *SHIPPED])
        raise ValueError(f"There is no network {name!r}; take one of {known}.")
    if found.name == name:
        print(f"{name}: {found.weights}")
    else:
        print(f"{name}: no ImageNet weights here, so {found.name} instead: {found.weights}")
    return found


def input_layer(name, rgb=False):
    """A Keras layer from L / 100 (N, H, W, 1) to what a network takes, at the same size.

    For a borrowed network inside a colorizer: the grays of L three times, in the network's range.
    name: "VGG16", "InceptionResNetV2" or "MobileNet"; course_L takes L / 100 as it is.
    rgb: the layer takes RGB / 255 (N, H, W, 3) instead. It computes in float32 under any policy.
    """
    if name not in APPLICATIONS:
        raise ValueError(f"{name!r} has no input layer; give one of {', '.join(APPLICATIONS)}.")
    return _layer_class()(name, rgb, name=f"{name}_input")


def vgg_blocks(weights, blocks=2, rgb=False, seed=course.SEED):
    """The first blocks of VGG-16 in Keras: L / 100 (N, H, W, 1), any size -> (N, H', W', C).

    Preprocessing is inside (`input_layer`). One line is printed that says which weights it has.
    weights: "random", from `seed` (this resets the global seeds), or the path of an .npz with the
        tensors NAME__kernel (3, 3, in, out) and NAME__bias, as `vgg19_block1-3.npz` has them: the
        first two blocks of VGG-19 have VGG-16's shapes, of its third block three layers of four
        are taken. FileNotFoundError or ValueError where it does not fit.
    blocks: 1, 2 or 3, each ends in a pooling: the maps are 1 / 2**blocks of the size (rounded
        down) with 64, 128 or 256 channels. Layers have Keras's names, so that
        `get_layer("block2_conv2")` gives the maps before the last pooling. Trained maps hold
        hundreds, random ones a few: bring both to one scale before you compare them.
    rgb: it takes RGB / 255 (N, H, W, 3) instead.
    """
    import keras

    if blocks not in (1, 2, 3):
        raise ValueError(f"blocks is {blocks}; it must be 1, 2 or 3.")
    tensors = None if weights == "random" else _tensors(_file(weights))
    if tensors is None:
        keras.utils.set_random_seed(seed)
    inputs = keras.Input((None, None, 3 if rgb else 1))
    x = input_layer("VGG16", rgb)(inputs)
    for block, (count, filters) in enumerate([(2, 64), (2, 128), (3, 256)][:blocks], 1):
        for i in range(count):
            name = f"block{block}_conv{i + 1}"
            conv = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)
            x = conv(x)  # (N, H / 2**(block - 1), W / 2**(block - 1), filters)
            if tensors is not None:
                _assign(conv, tensors, _file(weights).name)
        x = keras.layers.MaxPooling2D(name=f"block{block}_pool")(x)
    words = f"random, seed {seed}" if tensors is None else f"from {_file(weights).name}"
    print(f"VGG, {blocks} block{'s' * (blocks > 1)}: {words}")
    return keras.Model(inputs, x, name="vgg_blocks")


# Pictures.


def _square(picture, size):
    x = np.asarray(picture)
    if x.dtype != np.uint8 or x.ndim != 3 or x.shape[-1] != 3 or x.size == 0:
        raise ValueError(
            f"A picture is {x.dtype} {x.shape}; give a batch of uint8 (H, W, 3) in 0..255, because "
            "a network that is fed 0..1 for 0..255 sees black."
        )
    return np.asarray(Image.fromarray(x).resize((size, size), Image.Resampling.LANCZOS))


# Keras Applications.


def _application(name, weights, seed):
    if weights in ("auto", "imagenet"):
        try:
            model, words = _imagenet(name), "ImageNet (Keras Applications)"
        except ConnectionError:
            if weights == "imagenet":
                raise
            return _shipped(SUBSTITUTE, "auto", seed)
    elif weights == "random":
        import keras

        keras.utils.set_random_seed(seed)
        model, words = _build(name, None), f"random, seed {seed}"
    else:
        file = _file(weights)
        model, words = _build(name, None), f"ImageNet, from {file.name}"
        try:
            model.load_weights(file)
        except Exception as error:  # h5py and Keras raise many kinds
            wanted = APPLICATIONS[name]["file"]
            raise ValueError(
                f"{file.name} does not hold the weights of {name}: the file is {wanted}."
            ) from error
    spec = APPLICATIONS[name]

    def prepare(rgb):
        return np.ascontiguousarray(spec["range"](rgb.astype(np.float32)), np.float32)

    return Features(name, words, spec["size"], spec["width"], prepare, lambda: model)


def _build(name, weights):
    from keras import applications

    return getattr(applications, name)(weights=weights, **APPLICATIONS[name]["options"])


def _imagenet(name):
    """The network from the official loader; ConnectionError where its weights cannot be had."""
    file = APPLICATIONS[name]["file"]
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    cause = None
    if (home / "models" / file).is_file() or _reachable():
        import keras.applications  # noqa: F401  if it is missing, that is what must be said

        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(STALL)  # the loader's download would wait forever
        try:
            return _build(name, "imagenet")
        except Exception as error:  # the loader raises a plain Exception
            cause = error
        finally:
            socket.setdefaulttimeout(patience)
    raise ConnectionError(
        f"The ImageNet weights of {name} are neither in Keras's cache nor to be had from their "
        f"server: connect to the network, or fetch {file} elsewhere and give its path as weights."
    ) from cause


def _reachable():
    """Whether the server of the ImageNet weights answers within WAIT; what hangs is left behind."""
    answers = []

    def ask():
        try:
            urllib.request.urlopen(urllib.request.Request(SERVER, method="HEAD"), timeout=WAIT)
        except urllib.error.HTTPError:  # it is there and speaks, if only to say no
            pass
        except OSError:
            return
        answers.append(True)

    thread = threading.Thread(target=ask, daemon=True)  # a name server may hang past any timeout
    thread.start()
    thread.join(WAIT)
    return bool(answers)


@functools.cache
def _layer_class():
    import keras

    @keras.saving.register_keras_serializable("course_utils")
    class NetworkInput(keras.layers.Layer):
        """See `input_layer`."""

        def __init__(self, network, rgb=False, **options):
            super().__init__(**{"dtype": "float32", "trainable": False} | options)
            self.network, self.rgb = network, rgb

        def call(self, x):
            if not self.rgb:  # (N, H, W, 1)
                zero = keras.ops.zeros_like(x)
                x = color.lab_to_rgb(keras.ops.concatenate([100 * x, zero, zero], -1))
            return APPLICATIONS[self.network]["range"](255 * x)  # (N, H, W, 3)

        def compute_output_shape(self, shape):
            return (*shape[:-1], 3)

        def get_config(self):
            return super().get_config() | {"network": self.network, "rgb": self.rgb}

    return NetworkInput


# The shipped networks.


def _shipped(name, weights, seed):
    channels, width = SHIPPED[name]

    def prepare(rgb):
        return scaled(rgb, channels)

    if weights == "imagenet":
        raise ValueError(f'{name} never saw ImageNet; take its own weights: "auto".')
    if weights == "random":
        import keras

        keras.utils.set_random_seed(seed)
        network = small_network(channels, width)
        words = f"random, seed {seed}"
        return Features(name, words, SIZE, width, prepare, lambda: network)
    if weights == "auto":
        data = files.shipped(f"{name}.onnx")
        seen = "L" if channels == 1 else "RGB"
        words = f"the course's own, of {seen}, Intel's six classes"
    else:
        data = _file(weights).read_bytes()
        words = f"from {_file(weights).name}"
    session, about = opened(data, name)

    def run(x):  # (N, H, W, C) -> (N, width), (N, classes)
        return session.run(["features", "p"], {"x": np.ascontiguousarray(np.moveaxis(x, -1, 1))})

    def make():
        return to_keras(data, channels, width)

    return Features(name, words, SIZE, width, prepare, make, run, about)


# Files.


def _file(weights):
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no file {str(weights)!r}; give "auto", "imagenet", "random" or the path '
            "of a file that is there."
        )
    return path


def _tensors(path):
    try:
        with np.load(path) as file:
            return dict(file)
    except Exception:  # numpy raises many kinds
        raise ValueError(f"{path.name} cannot be read as an .npz of tensors.") from None


def _assign(layer, tensors, file):
    names = [f"{layer.name}__kernel", f"{layer.name}__bias"]
    given = [tensors[name].shape if name in tensors else "nothing" for name in names]
    wanted = [tuple(weight.shape) for weight in layer.weights]
    if given != wanted:
        raise ValueError(f"{file} holds {given} for {layer.name} of VGG-16, which needs {wanted}.")
    layer.set_weights([tensors[name] for name in names])
