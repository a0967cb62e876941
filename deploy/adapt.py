"""Networks that others trained, brought into the colorizer contract: DDColor and DeOldify.

    python -m deploy.adapt ddcolor_tiny.onnx --kind ddcolor -o ddcolor.onnx
    python -m course_utils colorize old.jpg --model ddcolor.onnx

Their weights do not travel with the course; whoever has an ONNX file of them can compare, serve and
deploy it like any other colorizer. Both take a gray picture as RGB, often of one fixed size and one
at a time. In the graph that is written, L is resized to that size and turned into gray RGB; the
pictures go through the network one after the other; what comes out becomes ab, and is resized back.

A model that is not shipped is tried on two small pictures before it is used: 5 seconds of
processor time and 3 GB of memory. The largest networks need a smaller `--size`, if their file
allows one.
"""

import argparse
import io
import json
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from course_utils import __version__, color, files
from course_utils.colorizer.graph import OPSET


class Kind(NamedTuple):
    """What a family of networks takes and gives: gray RGB in, ab or RGB out."""

    channels: int  # of the answer. 2: ab in CIELAB units. 3: RGB
    full: float  # the value of white in RGB
    size: int  # pixels a side, where neither the file nor the caller says
    licence: str  # of the published weights
    data: str  # what they learned from


KINDS = {
    "ddcolor": Kind(2, 1.0, 512, "Apache-2.0", "ImageNet"),
    "deoldify": Kind(3, 255.0, 256, "MIT", "ImageNet"),
}


def adapt(source: str | Path, path: str | Path, kind: str, size: int | None = None) -> Path:
    """Write the network of an ONNX file as a colorizer; return the path.

    source: one input, RGB (N or 1, 3, H, W); one output, as `kind`, a key of KINDS, has it.
    size: the side at which it works; by default that of its input, or its kind's.

    Raises ValueError, with a sentence, for an unknown kind, for a file that is no such network, and
    for a size that it does not take; FileNotFoundError where there is none.
    """
    import onnx

    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}: give {' or '.join(map(repr, KINDS))}.")
    about, source = KINDS[kind], Path(source)
    if not source.is_file():
        raise FileNotFoundError(f"There is no file {source}: give the path of an ONNX file.")
    try:
        network = onnx.load(source)
        if network.opset_import[0].version < OPSET:  # what stands around it is of that version
            network = onnx.version_converter.convert_version(network, OPSET)
        inputs = _inputs(network)
    except Exception:  # protobuf and the converter raise kinds of their own
        raise ValueError(f"{source} cannot be read as ONNX: download or export it again.") from None
    ends = [_sides(node) for node in (*inputs, *network.graph.output)]
    if [(len(sides), *sides[1:2]) for sides in ends] != [(4, 3), (4, about.channels)]:
        raise ValueError(
            f"{source} is no {kind}: it must have one input, RGB (1, 3, H, W), and one output of "
            f"{about.channels} channels, and it has {' and '.join(map(str, ends))} (0 is any size)."
        )
    fixed = [side for side in ends[0][2:] if side]
    size = size or (fixed[0] if fixed else about.size)
    if fixed and fixed != [size, size]:
        raise ValueError(f"{source} takes {' x '.join(map(str, fixed))} pixels, not {size}.")
    graph = _joined(network, about, size)
    counts = [math.prod(tensor.dims) for tensor in network.graph.initializer]
    described = {
        "lesson": "none: adapted from a file",
        "architecture": f"{kind}, {source.name}",
        "data": about.data,
        "data_licence": "see its authors' page",
        "licence": about.licence,
        "profile": "not trained here",
        "seed": None,
        "metrics": [],
        "parameters": sum(counts),
        "size": size,
        "version": __version__,
    }
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in described.items()}
    onnx.helper.set_model_props(graph, texts)
    return files.write(path, graph.SerializeToString())


def _joined(network: Any, about: Kind, size: int) -> Any:
    """L to gray RGB, the network picture by picture, and its answer to ab, as one graph."""
    import onnx
    import torch
    from torch import nn
    from torch.nn import functional

    class Before(nn.Module):
        def forward(self, L):
            small = functional.interpolate(L, size=(size, size), mode="bilinear")
            light = color.inverse_response((small + 16) / 116, torch)
            return about.full * color.encode_srgb(light, torch).expand(-1, 3, -1, -1)

    class After(nn.Module):
        def forward(self, answer, L):
            if about.channels == 3:
                light = color.decode_srgb((answer / about.full).clamp(0, 1), torch)
                x, y, z = color.response(functional.conv2d(light, to_xyz), torch).split(1, 1)
                answer = torch.cat([500 * (x - y), 200 * (y - z)], 1)
            return functional.interpolate(answer, size=L.shape[2:], mode="bilinear")

    matrix = color.XYZ_FROM_RGB / color.WHITE[:, None]
    to_xyz = torch.tensor(matrix, dtype=torch.float32)[..., None, None]
    version = network.opset_import[0].version
    L, answer = torch.rand(2, 1, size + 3, size + 5), torch.rand(2, about.channels, size, size)
    before = _exported(Before(), (L,), ["L"], "rgb", version)
    after = _exported(After(), (answer, L), ["answer", "L_again"], "ab", version)
    middle = _one_by_one(network, about.channels, size)
    newest = max(model.ir_version for model in (network, before, after))
    for model in (before, middle, after):
        model.ir_version = newest
    graph = onnx.compose.merge_models(before, middle, [("rgb", "rgbs")])
    graph = onnx.compose.merge_models(graph, after, [("answers", "answer")])
    # L is wanted twice; merging knows one user of an input.
    for node in graph.graph.node:
        node.input[:] = ["L" if name == "L_again" else name for name in node.input]
    del graph.graph.input[1:], graph.graph.output[:]
    free = onnx.helper.make_tensor_value_info("ab", onnx.TensorProto.FLOAT, ["N", 2, "H", "W"])
    graph.graph.output.append(free)
    onnx.checker.check_model(graph)
    return graph


def _one_by_one(network: Any, channels: int, size: int) -> Any:
    """A model that runs a network of one picture on N of them, (N, 3, S, S): a Scan over N."""
    import onnx
    from onnx import TensorProto, helper

    FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
    prefixed = onnx.compose.add_prefix(network, "network/")
    inside, given, answer = prefixed.graph, _inputs(prefixed)[0], prefixed.graph.output[0]
    body = helper.make_graph(
        [
            helper.make_node("Unsqueeze", ["picture", "zero"], ["batch"]),
            helper.make_node("Cast", ["batch"], [given.name], to=given.type.tensor_type.elem_type),
            *inside.node,
            helper.make_node("Cast", [answer.name], ["as float"], to=FLOAT),
            helper.make_node("Squeeze", ["as float", "zero"], ["one"]),
        ],
        "one picture",
        [helper.make_tensor_value_info("picture", FLOAT, [3, size, size])],
        [helper.make_tensor_value_info("one", FLOAT, [channels, size, size])],
        [*inside.initializer, helper.make_tensor("zero", INT64, [1], [0])],
    )
    scan = helper.make_node("Scan", ["rgbs"], ["answers"], num_scan_inputs=1, body=body)
    graph = helper.make_graph(
        [scan],
        "picture by picture",
        [helper.make_tensor_value_info("rgbs", FLOAT, ["N", 3, size, size])],
        [helper.make_tensor_value_info("answers", FLOAT, ["N", channels, size, size])],
    )
    return helper.make_model(graph, opset_imports=list(network.opset_import))


def _exported(
    module: Any, given: tuple[Any, ...], names: Sequence[str], result: str, version: int
) -> Any:
    """A torch module of maps as an ONNX model; N, H and W are free at every end."""
    import onnx
    import torch

    buffer, free = io.BytesIO(), {0: "N", 2: "H", 3: "W"}
    with warnings.catch_warnings(action="ignore"):  # deprecated; its successor needs onnxscript
        torch.onnx.export(
            module,
            given,
            buffer,  # pyright: ignore[reportArgumentType] (it takes files, its type does not say so)
            input_names=list(names),
            output_names=[result],
            dynamic_axes={name: free for name in (*names, result)},
            opset_version=version,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    ends = {"rename_inputs": False, "rename_outputs": False}
    return onnx.compose.add_prefix(model, f"{result}/", **ends)


def _inputs(network: Any) -> list[Any]:
    """The inputs of a model that are no weights: old exports list those too."""
    weights = {tensor.name for tensor in network.graph.initializer}
    return [node for node in network.graph.input if node.name not in weights]


def _sides(node: Any) -> list[int]:
    """The shape of an input or output; 0 for what is free."""
    return [dim.dim_value for dim in node.type.tensor_type.shape.dim]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.adapt", description="Make a colorizer of a DDColor or DeOldify file."
    )
    parser.add_argument("source", type=Path, help="the ONNX file")
    parser.add_argument("--kind", choices=list(KINDS), required=True)
    parser.add_argument("--size", type=int, help="pixels a side at which it works")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the colorizer's file")
    given = parser.parse_args(arguments)
    try:
        path = adapt(given.source, given.output, given.kind, given.size)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print(f"{path}, {path.stat().st_size / 1e6:.0f} MB: use it as --model {path}")


if __name__ == "__main__":
    main()
