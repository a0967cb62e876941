"""Pretrained networks: pictures as a network sees them that was trained for something else.

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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import course, files, progress
from course_utils.networks import applications
from course_utils.networks.applications import APPLICATIONS, weights_file
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
Pictures = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]


class Features:
    """A borrowed network; make one with `features`.

    name: the network that it is: where "auto" had to take the substitute, the substitute's name.
    weights: which weights it has, in words: "ImageNet (Keras Applications)", "ImageNet, from FILE",
        "the course's own, of L, Intel's six classes", "from FILE", "random, seed 1".
    width: how many numbers describe a picture. size: the side in pixels that it looks at.
    classes: the names of the classes that `classify` tells apart, in its order, or None.
    about: what the file says about itself, a dict (data, n, accuracy, ...); {} for other networks.
    """

    def __init__(
        self,
        name: str,
        weights: str,
        size: int,
        width: int,
        prepare: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
        make: Callable[[], Any],
        run: Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]] | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.weights, self.size, self.width = name, weights, size, width
        self.about = about or {}
        self.classes = self.about.get("classes")
        self._prepare, self._make, self._run = prepare, make, run

    @functools.cached_property
    def model(self) -> Any:
        """The Keras model: what `prepare` gives -> (N, width), or (N, H, W, ...) of other sizes.

        VGG16, course_L and course_RGB take any height and width; MobileNet and InceptionResNetV2
        their own size. Earlier layers are had from it as maps, for instance
        `keras.Model(model.input, model.get_layer("block2_pool").output)`. It is made once and is
        yours: freeze it, train it. `embed` of a shipped network does not see what you change.
        """
        return self._make()

    def prepare(self, pictures: Pictures) -> NDArray[np.float32]:
        """What `model` takes: float32 (N, size, size, C) of uint8 pictures (N, H, W, 3).

        Pictures may have any size, a list different ones. The whole picture is resized to a square
        (Lanczos), so one that is not square is squeezed. C is 1 for course_L, which gets L / 100;
        course_RGB gets RGB / 255, VGG16 BGR in 0..255 less ImageNet's mean, InceptionResNetV2 and
        MobileNet RGB / 127.5 - 1. A gray photograph has three equal channels.
        Raises ValueError for floats: a network fed 0..1 for 0..255 sees black.
        """
        return self._prepare(np.stack([_square(picture, self.size) for picture in pictures]))

    def embed(self, pictures: Pictures) -> NDArray[np.float32]:
        """Features float32 (N, width) of uint8 pictures (N, H, W, 3) of any size; see `prepare`.

        Of VGG16 and MobileNet the last maps' mean over positions, of InceptionResNetV2 the 1,000
        logits that Deep Koalarization fuses (its own network had 1,001), of the shipped networks
        the layer before the classes.
        """
        return self._batches(pictures, 0, self.width)

    def classify(self, pictures: Pictures) -> NDArray[np.float32]:
        """Probabilities float32 (N, len(classes)) of uint8 pictures (N, H, W, 3) of any size.

        Only the shipped networks have classes.
        """
        if self.classes is None:
            raise ValueError(f"{self.name} ({self.weights}) has no classes here: take course_L.")
        return self._batches(pictures, 1, len(self.classes))

    def _batches(self, pictures: Pictures, output: int, width: int) -> NDArray[np.float32]:
        results = [np.empty((0, width), np.float32)]
        starts = range(0, len(pictures), BATCH)
        for start in progress.bar(starts, self.name):
            x = self.prepare(pictures[start : start + BATCH])
            if self._run:
                results.append(self._run(x)[output])
            else:
                results.append(np.asarray(self.model(x, training=False), np.float32))
        return np.concatenate(results)


def features(name: str, weights: str | Path = "auto", seed: int = course.SEED) -> Features:
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


# Pictures.


def _square(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    x = np.asarray(picture)
    if x.dtype != np.uint8 or x.ndim != 3 or x.shape[-1] != 3 or x.size == 0:
        raise ValueError(
            f"A picture is {x.dtype} {x.shape}; give a batch of uint8 (H, W, 3) in 0..255, because "
            "a network that is fed 0..1 for 0..255 sees black."
        )
    return np.asarray(Image.fromarray(x).resize((size, size), Image.Resampling.LANCZOS))


# Keras Applications.


def _application(name: str, weights: str | Path, seed: int) -> Features:
    if weights in ("auto", "imagenet"):
        try:
            model, words = applications.imagenet(name), "ImageNet (Keras Applications)"
        except ConnectionError:
            if weights == "imagenet":
                raise
            return _shipped(SUBSTITUTE, "auto", seed)
    elif weights == "random":
        import keras

        keras.utils.set_random_seed(seed)
        model, words = applications.build(name, None), f"random, seed {seed}"
    else:
        file = weights_file(weights)
        model, words = applications.build(name, None), f"ImageNet, from {file.name}"
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


# The shipped networks.


def _shipped(name: str, weights: str | Path, seed: int) -> Features:
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
        data = weights_file(weights).read_bytes()
        words = f"from {weights_file(weights).name}"
    session, about = opened(data, name)

    def run(x):  # (N, H, W, C) -> (N, width), (N, classes)
        return session.run(["features", "p"], {"x": np.ascontiguousarray(np.moveaxis(x, -1, 1))})

    def make():
        return to_keras(data, channels, width)

    return Features(name, words, SIZE, width, prepare, make, run, about)
