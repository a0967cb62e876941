"""The two small classifiers that the course ships: trained, exported, judged, and put in place.

`course_L` looks at L alone, `course_RGB` at colors; both name one of Intel's six classes. The
experiments 04/course_L and 04/course_RGB call `make`. `networks.features` is how lessons use what
it makes.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from course_utils import __version__, batches, course, files, networks, photos, progress
from course_utils.colorizer.graph import OPSET, halve
from course_utils.metrics import wilson
from course_utils.networks.small import LAYERS, SHIPPED, SIZE, scaled, small_network
from course_utils.training import Rows, fit_keras, keras_on
from experiments.data import shared
from experiments.runner import Run

CLASSES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
SPLITS = {"train": "seg_train", "test": "seg_test"}
RATE = 2e-3  # Adam's, after one epoch of warming up; from there it falls to 0 along a cosine
SMOOTHING = 0.1  # of the labels
DROPOUT = 0.3  # of the features, before the classes

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def make(name: str, run: Run, epochs: int, batch: int) -> dict[str, Any]:
    """Train a classifier, judge it, and ship it with its card; return what the card says.

    name: "course_L" or "course_RGB". What is judged is the exported file, on the whole published
    test split.
    """
    rgb, labels = labelled("train")
    model, rows = train_classifier(name, rgb, labels, epochs, batch, run)
    arrays = folded(model)
    profile = course.profile()
    minutes = sum(row["minutes"] for row in rows)
    about: dict[str, Any] = {
        "network": name,
        "sees": "L / 100" if SHIPPED[name][0] == 1 else "RGB / 255",
        "classes": list(CLASSES),
        "parameters": sum(array.size for array in arrays.values()),
        "data": "Intel Image Classification, training split as published, gray photographs too",
        "data_licence": "none stated by its publisher",
        "licence": "MIT",
        "n": len(rgb),
        "n_by_class": np.bincount(labels).tolist(),
        "size": rgb.shape[1],
        "epochs": epochs,
        "batch": batch,
        "seed": run.seed,
        "loss": "cross-entropy, labels smoothed by 0.1, classes drawn equally often",
        "precision": "mixed_bfloat16, stored as float16",
        "minutes": f"{minutes:.0f}, on {course.device(profile)[1]}",
        "command": f"make experiment NAME=04/{name}",
        "version": __version__,
    }
    test, truth = labelled("test")
    draft = files.write(run.folder / f"{name}.onnx", graph(arrays, about).SerializeToString())
    about |= scores(networks.features(name, str(draft)).classify(test), truth)
    ship(name, graph(arrays, about).SerializeToString(), about)
    return about


# Photographs and batches.


def labelled(split: str, size: int = SIZE) -> tuple[Images, Labels]:
    """Intel's photographs of a split as published, gray ones too: (rgb, labels).

    split: "train" or "test". rgb: (N, size, size, 3), resized with Lanczos' filter. labels: (N,),
    which of CLASSES each is; the photographs come class by class.
    """
    found = [sorted((shared("intel") / SPLITS[split] / name).glob("*.jpg")) for name in CLASSES]
    paths = progress.bar([path for folder in found for path in folder], split)
    opened = (Image.fromarray(photos.open_photo(path)) for path in paths)
    fit = Image.Resampling.LANCZOS
    rgb = np.stack([np.asarray(ImageOps.fit(image, (size, size), fit)) for image in opened])
    return rgb, np.repeat(np.arange(len(CLASSES)), [len(folder) for folder in found])


def epoch(rgb: Images, labels: Labels, channels: int, batch: int, seed: int, number: int) -> Any:
    """One epoch of training batches, a finite `tf.data.Dataset`: x (batch, H, W, C), y (batch, 6).

    len(rgb) photographs are drawn, every class equally often: the rare ones come up several times,
    each time augmented otherwise (`batches.augment`). x is L / 100 or RGB / 255, y smoothed labels.
    """
    import tensorflow as tf

    steps = len(rgb) // batch
    share = 1 / np.bincount(labels)[labels]
    y = np.eye(len(CLASSES), dtype=np.float32)[labels] * (1 - SMOOTHING) + SMOOTHING / len(CLASSES)

    def pairs():
        rng = np.random.default_rng((seed, number))
        drawn = rng.choice(len(rgb), (steps, batch), p=share / share.sum())
        for chosen in drawn:
            x = np.stack([batches.augment(rgb[i], rng) for i in chosen])
            yield scaled(x, channels), y[chosen]

    height, width = rgb.shape[1:3]
    signature = (
        tf.TensorSpec((batch, height, width, channels), tf.float32),
        tf.TensorSpec((batch, len(CLASSES)), tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(4)


# Training.


def train_classifier(
    name: str, rgb: Images, labels: Labels, epochs: int, batch: int, run: Run
) -> tuple[Any, Rows]:
    """Train `course_L` or `course_RGB` in bfloat16; return the model and a row for every epoch."""
    import keras

    keras_on(course.device(course.profile())[0])
    keras.utils.set_random_seed(run.seed)
    channels, width = SHIPPED[name]
    model = lighter(lambda: classifier(channels, width))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(weight_decay=1e-3), loss)

    def data(number: int) -> Any:
        return epoch(rgb, labels, channels, batch, run.seed, number)

    return model, fit_keras(model, data, epochs, rate(epochs), run.folder)


def classifier(channels: int, width: int) -> Any:
    """What is trained: the small network with batch normalization, and a layer of classes."""
    import keras

    network = small_network(channels, width, normalized=True)
    x = keras.layers.Dropout(DROPOUT, dtype="float32")(network.output)  # (N, width)
    x = keras.layers.Dense(len(CLASSES), dtype="float32", name="classes")(x)  # (N, 6)
    return keras.Model(network.input, x)


def lighter(build: Callable[[], Any]) -> Any:
    """build() with layers that compute in bfloat16: half the time, and float32 weights."""
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(policy)


def rate(epochs: int) -> Callable[[int], float]:
    """The learning rate as a function of the epoch's number from 0."""
    return lambda n: RATE / 4 if n == 0 else RATE * (1 + math.cos(math.pi * n / epochs)) / 2


# The file.


def folded(model: Any) -> dict[str, NDArray[np.float32]]:
    """{name: array} of a trained classifier, its normalization folded into kernels and biases.

    Kernels have ONNX's layout, (out, in, 3, 3), that of the classes is (6, width).
    """
    arrays = {}
    for layer in model.layers:
        if layer.name.startswith("conv"):
            norm = model.get_layer(layer.name.replace("conv", "norm"))
            gamma, beta, mean, variance = (w.numpy().astype(np.float64) for w in norm.weights)
            gain = gamma / np.sqrt(variance + norm.epsilon)
            kernel = layer.kernel.numpy() * gain  # (3, 3, in, out)
            arrays[f"{layer.name}/kernel"] = kernel.transpose(3, 2, 0, 1)
            arrays[f"{layer.name}/bias"] = beta - mean * gain
    kernel, bias = model.get_layer("classes").get_weights()
    arrays |= {"classes/kernel": kernel.T, "classes/bias": bias}
    return {key: np.ascontiguousarray(array, np.float32) for key, array in arrays.items()}


def graph(arrays: dict[str, NDArray[np.float32]], about: dict[str, Any]) -> Any:
    """The ONNX file's model: x (N, C, H, W) -> features (N, width) and p (N, 6).

    arrays: as `folded` gives them; large ones are stored as float16. about: {key: text or number}.
    """
    import onnx

    make_node, nodes, x = onnx.helper.make_node, [], "x"
    strides = [stride for _, stride in (*LAYERS, (0, 1))]
    for i, stride in enumerate(strides, 1):
        inputs, steps = [x, f"conv{i}/kernel", f"conv{i}/bias"], [stride] * 2
        x = f"relu{i}"
        nodes.append(make_node("Conv", inputs, [f"y{i}"], strides=steps, auto_pad="SAME_UPPER"))
        nodes.append(make_node("Relu", [f"y{i}"], [x]))
    nodes += [
        make_node("GlobalAveragePool", [x], ["pooled"]),
        make_node("Flatten", ["pooled"], ["features"]),
        make_node("Gemm", ["features", "classes/kernel", "classes/bias"], ["logits"], transB=1),
        make_node("Softmax", ["logits"], ["p"]),
    ]
    channels, width = arrays["conv1/kernel"].shape[1], arrays["classes/kernel"].shape[1]
    value, number = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "scene_classes",
            [value("x", number, ["N", channels, "H", "W"])],
            [value("features", number, ["N", width]), value("p", number, ["N", len(CLASSES)])],
            [onnx.numpy_helper.from_array(array, key) for key, array in arrays.items()],
        ),
        ir_version=8,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )
    model = halve(model)
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in about.items()}
    onnx.helper.set_model_props(model, dict(sorted(texts.items())))
    onnx.checker.check_model(model, full_check=True)
    return model


def scores(p: NDArray[np.float32], labels: Labels) -> dict[str, Any]:
    """How well probabilities (N, 6) tell labels (N,).

    accuracy: share of right answers and its 95 % Wilson interval. majority: the same for the one
    answer that is right most often. balanced: the mean over classes of the share that is right.
    recall: that share for each class.
    """

    def share(k: int) -> list[float]:
        return [k / len(labels), *wilson(k, len(labels))]

    right = p.argmax(axis=1) == labels
    recall = [float(right[labels == k].mean()) for k in np.unique(labels)]
    return {
        "n_test": len(labels),
        "accuracy": share(int(right.sum())),
        "majority": share(int(np.bincount(labels).max())),
        "balanced": float(np.mean(recall)),
        "recall": recall,
    }


def ship(name: str, data: bytes, about: dict[str, Any]) -> Path:
    """Write NAME.onnx among the checkpoints, its line in SHA256SUMS, and its card NAME.md."""
    file = files.write(files.CHECKPOINTS / f"{name}.onnx", data)
    text = card(name, about, len(data), files.register(file))
    files.write(file.with_suffix(".md"), text)
    return file


def card(name: str, about: dict[str, Any], n_bytes: int, digest: str) -> str:
    """The model card, Markdown."""
    measured = {"n_test", "accuracy", "majority", "balanced", "recall", "classes", "n_by_class"}
    rows = [f"| {key} | {about[key]} |" for key in sorted(about) if key not in measured]
    share, low, high = about["accuracy"]
    best, best_low, best_high = about["majority"]
    table = zip(about["classes"], about["n_by_class"], about["recall"], strict=True)
    lines = [
        f"# {name}\n",
        f"A small classifier of six kinds of places: `networks.features({name!r})`. It was",
        "made for the lessons of this course; of other pictures it knows nothing.\n",
        "| | |\n| --- | --- |",
        *rows,
        f"| file | {n_bytes:,} bytes |\n| sha256 | {digest} |\n",
        f"Of the {about['n_test']} test photographs of the same source, gray ones too, it names",
        f"{share:.3f} [{low:.3f}, {high:.3f}] rightly (95 % Wilson interval). To call all of them",
        f"by the commonest name is right for {best:.3f} [{best_low:.3f}, {best_high:.3f}]. The",
        f"mean over the classes is {about['balanced']:.3f}:\n",
        "| class | training photographs | share of test photographs that is right |",
        "| --- | ---: | ---: |",
        *(f"| {kind} | {n} | {recall:.3f} |" for kind, n, recall in table),
    ]
    return "\n".join(lines) + "\n"
