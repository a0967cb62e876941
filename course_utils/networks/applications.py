"""The networks of Keras Applications: what each takes, and its official weights."""

import functools
import os
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import color

SERVER = "https://storage.googleapis.com"  # where Keras Applications keep their weights
WAIT = 4.0  # seconds after which it counts as out of reach
STALL = 30.0  # seconds without a byte after which a download is given up
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet's RGB / 255
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
BGR_MEAN = (103.939, 116.779, 123.68)  # of ImageNet; VGG's photographs have it subtracted


def _bgr(rgb: Any) -> Any:
    return rgb[..., ::-1] - np.array(BGR_MEAN, np.float32)


def _signed(rgb: Any) -> Any:
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


# What each network takes of RGB in 0..255.
RANGES = {name: spec["range"] for name, spec in APPLICATIONS.items()} | {
    "Lite0": lambda rgb: (rgb - 127) / 128,
    "MobileNetV2": lambda rgb: (rgb / 255 - MEAN) / DEVIATION,
}


def input_layer(name: str, rgb: bool = False) -> Any:
    """A Keras layer from L / 100 (N, H, W, 1) to what a network takes, at the same size.

    For a borrowed network inside a colorizer: the grays of L three times, in the network's range.
    name: "Lite0", "VGG16", "InceptionResNetV2" or "MobileNet"; course_L takes L / 100 as it is.
    rgb: the layer takes RGB / 255 (N, H, W, 3) instead. It computes in float32 under any policy.
    """
    if name not in RANGES:
        raise ValueError(f"{name!r} has no input layer; give one of {', '.join(RANGES)}.")
    return _layer_class()(name, rgb, name=f"{name}_input")


def gray_of(L: Any, xp: Any) -> Any:
    """sRGB values in [0, 1] of the grays of L in 0..100, of any shape; xp: keras.ops or torch."""
    light = color.inverse_response((L + 16) / 116, xp)
    return xp.clip(color.encode_srgb(light, xp), 0.0, 1.0)


def build(name: str, weights: str | None) -> Any:
    """The Keras model of APPLICATIONS; weights: "imagenet", or None for random ones."""
    from keras import applications

    return getattr(applications, name)(weights=weights, **APPLICATIONS[name]["options"])


def imagenet(name: str) -> Any:
    """The network from the official loader; ConnectionError where its weights cannot be had."""
    file = APPLICATIONS[name]["file"]
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    cause = None
    if (home / "models" / file).is_file() or _reachable():
        import keras.applications  # noqa: F401  if it is missing, that is what must be said

        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(STALL)  # the loader's download would wait forever
        try:
            return build(name, "imagenet")
        except Exception as error:  # the loader raises a plain Exception
            cause = error
        finally:
            socket.setdefaulttimeout(patience)
    raise ConnectionError(
        f"The ImageNet weights of {name} are neither in Keras's cache nor to be had from their "
        f"server: connect to the network, or fetch {file} elsewhere and give its path as weights."
    ) from cause


def _reachable() -> bool:
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
def _layer_class() -> Any:
    import keras

    @keras.saving.register_keras_serializable("course_utils")
    class NetworkInput(keras.layers.Layer):
        """See `input_layer`."""

        def __init__(self, network, rgb=False, **options):
            super().__init__(**{"dtype": "float32", "trainable": False} | options)
            self.network, self.rgb = network, rgb

        def call(self, x: Any) -> Any:
            if not self.rgb:  # (N, H, W, 1)
                gray = gray_of(100 * x, keras.ops)
                x = keras.ops.concatenate([gray, gray, gray], -1)
            return RANGES[self.network](255 * x)  # (N, H, W, 3)

        def compute_output_shape(self, shape):
            return (*shape[:-1], 3)

        def get_config(self):
            return super().get_config() | {"network": self.network, "rgb": self.rgb}

    return NetworkInput


def weights_file(weights: str | Path) -> Path:
    """The path of a local file of weights; FileNotFoundError names the other possibilities."""
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no file {str(weights)!r}; give "auto", "imagenet", "random" or the path '
            "of a file that is there."
        )
    return path
