"""How the two shipped classifiers were made: `python -m course_utils.scene_classes course_L`.

It needs Intel's photographs (see `experiments.shared`) and takes minutes on two cores; run again
after an interruption, it continues. It writes NAME.onnx and its card, NAME.md, among the
checkpoints, and lists its sha256 in SUMS.
"""

import argparse
import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np
from course_utils.small_network import (
    CHECKPOINTS,
    LAYERS,
    SHIPPED,
    SIZE,
    SUMS,
    scaled,
    small_network,
)
from PIL import Image, ImageOps

from course_utils import __version__, backbones, batches, course, experiments, photos
from course_utils.study import wilson

CLASSES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
SPLITS = {"train": "seg_train", "test": "seg_test"}
EPOCHS = 24
BATCH = 64
RATE = 2e-3  # Adam's, after one epoch of warming up; from there it falls to 0 along a cosine
SMOOTHING = 0.1  # of the labels
DROPOUT = 0.3  # of the features, before the classes


def labelled(split, size=SIZE):
    """Intel's photographs of a split as published, gray ones too: (rgb, labels, names).

    split: "train" or "test". rgb: uint8 (N, size, size, 3), resized with Lanczos' filter. labels:
    (N,), which of `names` each is; the photographs come class by class.
    """
    files, labels = [], []
    for label, name in enumerate(CLASSES):
        found = sorted((experiments.shared("intel") / SPLITS[split] / name).glob("*.jpg"))
        files += found
        labels += [label] * len(found)
    opened = (Image.fromarray(photos.open_photo(f)) for f in experiments.progress(files, split))
    fit = Image.Resampling.LANCZOS
    rgb = np.stack([np.asarray(ImageOps.fit(image, (size, size), fit)) for image in opened])
    return rgb, np.array(labels), CLASSES


def epoch(rgb, labels, channels, batch, seed, number):
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


def classifier(channels, width):
    """What is trained: the small network with batch normalization, and a layer of classes."""
    import keras

    network = small_network(channels, width, normalized=True)
    x = keras.layers.Dropout(DROPOUT, dtype="float32")(network.output)  # (N, width)
    x = keras.layers.Dense(len(CLASSES), dtype="float32", name="classes")(x)  # (N, 6)
    return keras.Model(network.input, x)


def train_classifier(name, rgb, labels, epochs=EPOCHS, batch=BATCH, seed=course.SEED, folder=None):
    """Train `course_L` or `course_RGB` in bfloat16; returns (model, one row for every epoch).

    rgb uint8 (N, H, W, 3) and labels (N,) as `labelled` gives them; folder as in
    `experiments.train`, to continue after an interruption.
    """
    import keras

    channels, width = SHIPPED[name]
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        keras.utils.set_random_seed(seed)
        model = classifier(channels, width)
    finally:
        keras.config.set_dtype_policy(policy)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(weight_decay=1e-3), loss)
    rows = experiments.train(
        model, lambda n: epoch(rgb, labels, channels, batch, seed, n), epochs, rate(epochs), folder
    )
    return model, rows


def rate(epochs):
    """The learning rate as a function of the epoch's number from 0."""
    return lambda n: RATE / 4 if n == 0 else RATE * (1 + math.cos(math.pi * n / epochs)) / 2


def folded(model):
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


def graph(arrays, about):
    """The ONNX file's model: x (N, C, H, W) -> features (N, width) and p (N, 6).

    arrays: as `folded` gives them; large ones are stored as float16. about: {key: text or number}.
    """
    import onnx

    from course_utils import onnx_graph

    make, nodes, x = onnx.helper.make_node, [], "x"
    strides = [stride for _, stride in (*LAYERS, (0, 1))]
    for i, stride in enumerate(strides, 1):
        inputs = [x, f"conv{i}/kernel", f"conv{i}/bias"]
        x = f"relu{i}"
        nodes.append(make("Conv", inputs, [f"y{i}"], strides=[stride] * 2, auto_pad="SAME_UPPER"))
        nodes.append(make("Relu", [f"y{i}"], [x]))
    nodes += [
        make("GlobalAveragePool", [x], ["pooled"]),
        make("Flatten", ["pooled"], ["features"]),
        make("Gemm", ["features", "classes/kernel", "classes/bias"], ["logits"], transB=1),
        make("Softmax", ["logits"], ["p"]),
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
        opset_imports=[onnx.helper.make_opsetid("", onnx_graph.OPSET)],
    )
    model = onnx_graph.halve(model)
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in about.items()}
    onnx.helper.set_model_props(model, dict(sorted(texts.items())))
    onnx.checker.check_model(model, full_check=True)
    return model


def scores(p, labels):
    """How well probabilities (N, 6) tell labels (N,), a dict.

    accuracy: share of right answers and its 95 % Wilson interval. majority: the same for the one
    answer that is right most often. balanced: the mean over classes of the share that is right.
    recall: that share for each class.
    """

    def share(k):
        return int(k) / len(labels), *wilson(int(k), len(labels))

    right = p.argmax(axis=1) == labels
    recall = [float(right[labels == k].mean()) for k in np.unique(labels)]
    return {
        "n_test": len(labels),
        "accuracy": share(right.sum()),
        "majority": share(np.bincount(labels).max()),
        "balanced": float(np.mean(recall)),
        "recall": recall,
    }


def make(name, train, test, folder, epochs=EPOCHS, target=CHECKPOINTS):
    """Train a classifier, judge it, and ship it with its card; returns what the card says, a dict.

    name: "course_L" or "course_RGB". train, test: as `labelled` gives them. folder: for the state
    of training. What is judged is the exported file, on all of `test`.
    """
    model, rows = train_classifier(name, *train[:2], epochs=epochs, folder=folder)
    arrays = folded(model)
    about = {
        "network": name,
        "sees": "L / 100" if SHIPPED[name][0] == 1 else "RGB / 255",
        "classes": list(train[2]),
        "parameters": sum(array.size for array in arrays.values()),
        "data": "Intel Image Classification, training split as published, gray photographs too",
        "data_licence": "none stated by its publisher",
        "licence": "MIT",
        "n": len(train[0]),
        "n_by_class": np.bincount(train[1]).tolist(),
        "size": train[0].shape[1],
        "epochs": epochs,
        "batch": BATCH,
        "seed": course.SEED,
        "loss": "cross-entropy, labels smoothed by 0.1, classes drawn equally often",
        "precision": "mixed_bfloat16, stored as float16",
        "minutes": f"{sum(row['minutes'] for row in rows):.0f}, on two shared cores",
        "command": f"python -m course_utils.scene_classes {name}",
        "version": __version__,
    }
    draft = Path(folder) / f"{name}.onnx"
    draft.write_bytes(graph(arrays, about).SerializeToString())
    p = backbones.features(name, draft).classify(test[0])
    about |= scores(p, test[1])
    _ship(name, graph(arrays, about).SerializeToString(), about, Path(target))
    return about


def _ship(name, data, about, target):
    """Write NAME.onnx, its card NAME.md, and the line with its sha256."""
    digest = hashlib.sha256(data).hexdigest()
    sums, line = target / SUMS, f"{digest}  {name}.onnx"
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    lines = [line, *(old for old in lines if old.split()[1] != f"{name}.onnx")]
    lines.sort(key=lambda text: text.split()[1])
    for file, content in (
        (target / f"{name}.onnx", data),
        (target / f"{name}.md", card(name, about, len(data), digest).encode()),
        (sums, "".join(f"{text}\n" for text in lines).encode()),
    ):
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(content)
        os.replace(part, file)


def card(name, about, n_bytes, digest):
    """The model card, Markdown."""
    measured = {"n_test", "accuracy", "majority", "balanced", "recall", "classes", "n_by_class"}
    rows = [f"| {key} | {about[key]} |" for key in sorted(about) if key not in measured]
    share, low, high = about["accuracy"]
    best, best_low, best_high = about["majority"]
    classes = [
        f"| {name} | {n} | {recall:.3f} |"
        for name, n, recall in zip(about["classes"], about["n_by_class"], about["recall"])
    ]
    lines = [
        f"# {name}\n",
        f"A small classifier of six kinds of places: `backbones.features({name!r})`. It was",
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
        *classes,
    ]
    return "\n".join(lines) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.scene_classes",
        description="Train a shipped classifier of Intel's six classes anew, judge it, ship it.",
    )
    parser.add_argument("name", choices=sorted(SHIPPED))
    name = parser.parse_args(arguments).name
    folder = Path(__file__).resolve().parents[1] / "build" / "train" / name
    about = make(name, labelled("train"), labelled("test"), folder)
    print(f"{name}: accuracy {about['accuracy'][0]:.3f} on {about['n_test']} photographs")


if __name__ == "__main__":
    main()
