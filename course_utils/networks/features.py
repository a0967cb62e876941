"""Pretrained networks: pictures as a network sees them that was trained for something else.

`features` gives a whole network that turns a photograph into one vector. It says in one printed
line which weights it uses, and they are random only where that was asked for.

Four networks come with the course. Two saw ImageNet: `Lite0`, which names 1,000 classes, and the
first layers of `MobileNetV2`, which no colorizer was made with, so that it may judge them all. Two
are small classifiers of Intel's six classes that `experiments.scene_classes` trains: `course_L`
looks at L alone, `course_RGB` at colors. Each is one ONNX file, and onnxruntime is enough to use
it; `.model` is the same network in Keras, made from the same file.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import course, files, progress
from course_utils.networks import applications, lite0, small
from course_utils.networks.applications import APPLICATIONS, RANGES, weights_file

SUBSTITUTE = "Lite0"  # what "auto" takes where ImageNet weights cannot be had
BATCH = 32
Pictures = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]


class Features:
    """A borrowed network; make one with `features`.

    name: the network that it is: where "auto" had to take the substitute, the substitute's name.
    weights: which weights it has, in words: "ImageNet (Keras Applications)", "ImageNet, from FILE",
        "ImageNet, shipped", "the course's own, of L, Intel's six classes", "from FILE",
        "random, seed 1".
    width: how many numbers describe a picture. size: the side in pixels that it looks at.
    widths: {layer: how many numbers}, of all layers that `embed` gives; "features" is among them.
    classes: the names of the classes that `classify` tells apart, in its order, or None.
    about: what the file says about itself, a dict (data, n, accuracy, ...); {} for other networks.
    """

    def __init__(
        self,
        name: str,
        weights: str,
        size: int,
        widths: dict[str, int],
        prepare: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
        make: Callable[[], Any],
        run: Callable[[NDArray[np.float32], str], NDArray[np.float32]] | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.weights, self.size, self.widths = name, weights, size, widths
        self.width = widths["features"]
        self.about = about or {}
        self.classes = self.about.get("classes")
        self._prepare, self._make, self._run = prepare, make, run

    @functools.cached_property
    def model(self) -> Any:
        """The Keras model: what `prepare` gives -> (N, width), or (N, H, W, ...) of other sizes.

        VGG16, Lite0, course_L and course_RGB take any height and width; MobileNet and
        InceptionResNetV2 their own size. Earlier layers are had from it as maps, for instance
        `keras.Model(model.input, model.get_layer("block2_pool").output)`. It is made once and is
        yours: freeze it, train it. `embed` of a shipped network does not see what you change.
        MobileNetV2, which only judges, has none: ValueError.
        """
        return self._make()

    def prepare(self, pictures: Pictures) -> NDArray[np.float32]:
        """What `model` takes: float32 (N, size, size, C) of uint8 pictures (N, H, W, 3).

        Pictures may have any size, a list different ones. The whole picture is resized to a square
        (Lanczos), so one that is not square is squeezed. C is 1 for course_L, which gets L / 100;
        Lite0 gets (RGB - 127) / 128, course_RGB RGB / 255, VGG16 BGR in 0..255 less ImageNet's
        mean, InceptionResNetV2 and MobileNet RGB / 127.5 - 1, MobileNetV2 RGB / 255 less ImageNet's
        mean and divided by its deviation. A gray photograph has three equal channels.
        Raises ValueError for floats: a network fed 0..1 for 0..255 sees black.
        """
        return self._prepare(np.stack([_square(picture, self.size) for picture in pictures]))

    def embed(self, pictures: Pictures, layer: str = "features") -> NDArray[np.float32]:
        """Features float32 (N, width) of uint8 pictures (N, H, W, 3) of any size; see `prepare`.

        Of VGG16 and MobileNet the last maps' mean over positions, of InceptionResNetV2 the 1,000
        logits that Deep Koalarization fuses (its own network had 1,001), of the shipped networks
        the layer before the classes, of MobileNetV2 the mean of its last maps at stride 16.
        layer: one of `widths`. Lite0's "stride16" are the 112 means of its last maps at stride 16:
        few enough for a Fréchet distance of some hundred pictures.
        """
        if layer not in self.widths:
            raise ValueError(f"{self.name} has no layer {layer!r}; take one of {[*self.widths]}.")
        return self._batches(pictures, layer, self.widths[layer])

    def classify(self, pictures: Pictures) -> NDArray[np.float32]:
        """Probabilities float32 (N, len(classes)) of uint8 pictures (N, H, W, 3) of any size.

        Only Lite0, course_L and course_RGB with the weights of their files have classes.
        """
        if self.classes is None:
            raise ValueError(f"{self.name} ({self.weights}) has no classes here: take Lite0.")
        return self._batches(pictures, "p", len(self.classes))

    def see(self, pictures: Pictures, count: int = 3) -> list[dict[str, float]]:
        """What it sees: of each picture {class: probability}, the `count` most likely, best first.

        pictures as for `classify`.
        """
        return [
            {self.about["classes"][k]: float(p[k]) for k in np.argsort(-p)[:count]}
            for p in self.classify(pictures)
        ]

    def _batches(self, pictures: Pictures, layer: str, width: int) -> NDArray[np.float32]:
        results = [np.empty((0, width), np.float32)]
        starts = range(0, len(pictures), BATCH)
        for start in progress.bar(starts, self.name):
            x = self.prepare(pictures[start : start + BATCH])
            if self._run:
                results.append(self._run(x, layer))
            else:
                results.append(np.asarray(self.model(x, training=False), np.float32))
        return np.concatenate(results)


def features(name: str, weights: str | Path = "auto", seed: int = course.SEED) -> Features:
    """A borrowed network as `Features`; prints one line that says which weights it has.

    name: "VGG16" (512 features), "InceptionResNetV2" (1,000 logits), "MobileNet" (of a quarter of
        the usual width: 256 features), of Keras Applications; shipped ones: "Lite0" (1,280), which
        classifies ImageNet's 1,000 classes, "MobileNetV2" (96), "course_L" (128) and "course_RGB"
        (48), which classify Intel's six classes.
    weights:
        "auto": ImageNet's, from Keras's cache or the network; where they cannot be had, the shipped
            Lite0 instead of the network that was asked for, and the line says so. A shipped network
            has its own weights.
        "imagenet": ImageNet's, or ConnectionError within seconds.
        "random": random, from `seed`; this resets the global seeds of Python, numpy and Keras.
        a path: a local file, for Keras Applications the .h5 that the official loader would fetch
            (APPLICATIONS names it), for a shipped network an .onnx like its own.
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
        print(f"{name}: its weights cannot be had here, so {found.name} instead: {found.weights}")
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

    widths = {"features": spec["width"]}
    return Features(name, words, spec["size"], widths, prepare, lambda: model)


# The shipped networks.


class Shipped(NamedTuple):
    """A network that comes with the course."""

    file: str  # among the checkpoints
    words: str  # which weights it has
    size: int
    widths: dict[str, int]
    prepare: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    build: Callable[[bytes | None], Any]  # the Keras model with a file's weights, or random ones


def _own(name: str) -> Shipped:
    channels, width = small.SHIPPED[name]
    words = f"the course's own, of {'L' if channels == 1 else 'RGB'}, Intel's six classes"

    def build(data):
        if data is None:
            return small.small_network(channels, width)
        return small.to_keras(data, channels, width)

    prepare = functools.partial(small.scaled, channels=channels)
    return Shipped(f"{name}.onnx", words, small.SIZE, {"features": width}, prepare, build)


def _imagenet(name: str, widths: dict[str, int], build: Callable[[bytes | None], Any]) -> Shipped:
    def prepare(rgb):
        return RANGES[name](rgb.astype(np.float32)).astype(np.float32)

    file = f"{name.lower()}.onnx"
    return Shipped(file, "ImageNet, shipped", lite0.SIZE, widths, prepare, build)


def _no_keras(data: bytes | None) -> Any:
    raise ValueError("MobileNetV2 only judges and has no Keras model here: take Lite0.")


SHIPPED = {name: _own(name) for name in small.SHIPPED} | {
    "Lite0": _imagenet("Lite0", lite0.WIDTHS, lite0.keras_network),
    "MobileNetV2": _imagenet("MobileNetV2", {"features": 96}, _no_keras),
}


def _shipped(name: str, weights: str | Path, seed: int) -> Features:
    file, words, size, widths, prepare, build = SHIPPED[name]
    if weights == "imagenet" and name in small.SHIPPED:
        raise ValueError(f'{name} never saw ImageNet; take its own weights: "auto".')
    if weights == "random":
        import keras

        keras.utils.set_random_seed(seed)
        network, last = build(None), {"features": widths["features"]}
        return Features(name, f"random, seed {seed}", size, last, prepare, lambda: network)
    if weights in ("auto", "imagenet"):
        data = files.shipped(file)
    else:
        data, words = weights_file(weights).read_bytes(), f"from {weights_file(weights).name}"
    session, about = small.opened(data, name)

    def run(x, layer):  # (N, H, W, C) -> (N, width) or (N, classes)
        return session.run([layer], {"x": np.ascontiguousarray(np.moveaxis(x, -1, 1))})[0]

    return Features(name, words, size, widths, prepare, lambda: build(data), run, about)
