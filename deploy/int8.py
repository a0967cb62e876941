"""Colorizers with 8-bit weights and activations: smaller, faster, and held to a gate.

    python -m deploy.int8                               every shipped colorizer, into build/int8
    python -m deploy.int8 04_pretrained_fusion my.onnx -o smaller

The convolutions are quantized: each weight becomes an integer of 8 bits with one scale per output
channel, and each activation one with a scale that photographs of the album's training split gave.
onnxruntime then computes with integers. The result keeps the colorizer contract.

The gate: on the album's test split, at the working size, ab must not move by more than MEAN
CIELAB units on average and P99 at the 99th percentile. Where it does, groups of convolutions stay
float, as few as the gate allows: first those that move it most for what they compute, and if that
does not help, those that move it most. A file that cannot pass is not written.
"""

import argparse
import contextlib
import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_utils import color, files, photos
from course_utils.colorizer import Colorizer, names
from course_utils.colorizer import graph as onnx_graph
from course_utils.colorizer.model import resize, working_size

MEAN, P99 = 0.5, 3.0  # CIELAB units that ab may move
CALIBRATED_ON, TRIED_ON = 24, 4  # photographs of the training split: for ranges, for a group
GROUP = 4  # neighboring convolutions that are tried, and stay float, together
BUILD = Path(__file__).resolve().parents[1] / "build" / "int8"

Maps = list[NDArray[np.float32]]  # one L (1, 1, H, W) or ab (1, 2, H, W) a photograph


class Gate(NamedTuple):
    """How far ab moved, in CIELAB units, over all pixels of some photographs."""

    mean: float
    p99: float

    @property
    def passed(self) -> bool:
        """Whether that is little enough."""
        return self.mean <= MEAN and self.p99 <= P99

    def __str__(self) -> str:
        return f"{self.mean:.2f} on average and {self.p99:.2f} at the 99th percentile"


class Quantized(NamedTuple):
    """What `quantize` made: an ONNX model, its gate, and the convolutions that stayed float."""

    model: Any
    gate: Gate
    floats: list[str]
    convolutions: int


class Harm(NamedTuple):
    """A group of convolutions: how far ab moves if it is int8, and how much it multiplies."""

    group: list[str]
    harm: float  # CIELAB units, on average
    work: int  # multiplications on one picture


def quantize(source: str | Path) -> Quantized:
    """An int8 copy of a colorizer, with as few float convolutions as the gate allows.

    source: a shipped name or an .onnx file that keeps the contract. Where no number of float groups
    helps, the last try is returned: look at `gate.passed`.
    Raises what `Colorizer.load` raises, and ValueError for a model without convolutions.
    """
    model = Colorizer.load(source)
    train, test = (at_working_size(split, model.size) for split in ("train", "test"))
    wanted = predict(model.path.read_bytes(), test)
    with tempfile.TemporaryDirectory() as folder:
        graph = Graph(model.path, Path(folder))
        if not graph.convolutions:
            raise ValueError(f"{source} has no convolutions, and nothing else is quantized here.")
        graph.calibrate(train[:CALIBRATED_ON])

        def tried(floats: list[str]) -> Quantized:
            copy = graph.quantized(floats)
            gate = moved(wanted, predict(copy.SerializeToString(), test))
            return Quantized(copy, gate, floats, len(graph.convolutions))

        found = tried([])
        if found.gate.passed:
            return found
        harms = graph.harms(train[:TRIED_ON])
        for by in (lambda h: h.harm / h.work, lambda h: h.harm):
            order = [h.group for h in sorted(harms, key=by, reverse=True)]
            # Too few float groups, enough of them. With all of them nothing would be int8.
            low, high = 0, len(order)
            best = None
            while high - low > 1:
                middle = (low + high) // 2
                found = tried(sum(order[:middle], []))
                if found.gate.passed:
                    best, high = found, middle
                else:
                    low = middle
            if best is not None:
                return best
        return found


class Graph:
    """A colorizer's graph in a folder, ready to be quantized more than once."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Simplify the graph: float16 weights become float32 constants, constants are folded."""
        import onnx
        from onnxruntime.quantization import shape_inference

        self.path, self.ranges = folder / "float.onnx", folder / "ranges.json"
        with _quiet():
            shape_inference.quant_pre_process(path, self.path, skip_symbolic_shape=True)
        self.model = onnx.load(self.path)
        for number, node in enumerate(self.model.graph.node):
            node.name = node.name or f"{node.op_type}_{number}"
        onnx.save(self.model, self.path)
        weights = {tensor.name for tensor in self.model.graph.initializer}
        self.convolutions = [
            node.name
            for node in self.model.graph.node
            if node.op_type == "Conv" and node.input[1] in weights
        ]

    def calibrate(self, Ls: Maps) -> None:
        """Measure between which values every activation lies on these photographs."""
        self.quantized([], Ls)

    def quantized(self, floats: list[str], Ls: Maps | None = None) -> Any:
        """A copy in which all convolutions but these compute with integers."""
        import onnx
        from onnxruntime import quantization

        out = self.path.with_name("int8.onnx")
        reader: Any = _Reader(Ls) if Ls else None
        with _quiet():
            quantization.quantize_static(
                self.path,
                out,
                reader,
                # A ReLU is part of the convolution before it: its input needs no range of its own.
                op_types_to_quantize=["Conv", "Relu", "Clip"],
                nodes_to_exclude=floats,
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibration_cache_path=self.ranges,
            )
        return onnx.load(out)

    def harms(self, Ls: Maps) -> list[Harm]:
        """How far ab moves where one group alone is int8 and all others are float."""
        every = self.convolutions
        wanted = predict(self.model.SerializeToString(), Ls)
        work = self._multiplications(Ls[0])
        found = []
        for group in (every[i : i + GROUP] for i in range(0, len(every), GROUP)):
            copy = self.quantized([name for name in every if name not in group])
            step = moved(wanted, predict(copy.SerializeToString(), Ls)).mean
            found.append(Harm(group, step, sum(work[name] for name in group)))
        return found

    def _multiplications(self, L: NDArray[np.float32]) -> dict[str, int]:
        """{convolution: multiplications on one picture}."""
        import onnx

        model = onnx.load(self.path)
        nodes = {n.name: n for n in model.graph.node if n.name in self.convolutions}
        outputs = [node.output[0] for node in nodes.values()]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        maps = onnx_graph.session(model.SerializeToString()).run(outputs, {"L": L})
        weights = {tensor.name: np.prod(tensor.dims) for tensor in model.graph.initializer}
        return {
            name: int(weights[node.input[1]] * np.prod(y.shape[2:]))
            for (name, node), y in zip(nodes.items(), maps)
        }


class _Reader:
    """What onnxruntime calls a calibration data reader."""

    def __init__(self, Ls: Maps) -> None:
        self.left: Iterator[NDArray[np.float32]] = iter(Ls)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next photograph, or None after the last."""
        L = next(self.left, None)
        return None if L is None else {"L": L}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """onnxruntime's quantizer without its advice."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


# Measuring.


def at_working_size(split: str, size: int) -> Maps:
    """L of the album's photographs of a split, the shorter side `size` pixels long."""
    return shrunk([photo.rgb for photo in photos.album(split)], size)


def shrunk(pictures: Iterable[NDArray[np.uint8]], size: int) -> Maps:
    """L of pictures (H, W, 3), the shorter side `size` pixels long."""
    Ls = [color.L(rgb) for rgb in pictures]
    small = [resize(L, *working_size(L.shape[0], L.shape[1], size)).clip(0, 100) for L in Ls]
    return [np.moveaxis(L, -1, 0)[None] for L in small]


def predict(model: bytes, Ls: Maps) -> Maps:
    """ab of every L, by a colorizer's graph on one thread."""
    session = onnx_graph.session(model, threads=1)
    return [session.run(["ab"], {"L": L})[0] for L in Ls]


def moved(wanted: Maps, found: Maps) -> Gate:
    """How far ab moved from `wanted` to `found`."""
    steps = [np.hypot(*(a - b)[0]).ravel() for a, b in zip(wanted, found)]
    every = np.concatenate(steps)
    return Gate(float(every.mean()), float(np.quantile(every, 0.99)))


# Writing.


def write(quantized: Quantized, source: str | Path, path: Path) -> Path:
    """Write an int8 colorizer with the metadata of its source, and `int8`, which says what it is.

    What stays float is stored as float16, as in the source.
    """
    import onnx

    told = onnx.load(Colorizer.load(source).path, load_external_data=False).metadata_props
    kept = {entry.key: entry.value for entry in told}
    floats = ", ".join(quantized.floats) or "none"
    kept["int8"] = (
        f"static, per channel, calibrated on {CALIBRATED_ON} photographs of the album; on its test "
        f"split ab moved by {quantized.gate}; float convolutions: {floats}"
    )
    half = onnx_graph.halve(quantized.model)
    onnx.helper.set_model_props(half, kept)
    files.write(path, half.SerializeToString())
    Colorizer.load(path)  # keeps the contract
    return path


def main(argv: list[str] | None = None) -> int:
    """Quantize colorizers; return 0, or 1 if one of them was not written, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m deploy.int8", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="shipped names or .onnx files")
    parser.add_argument("-o", "--output", type=Path, default=BUILD, help="the folder")
    arguments = parser.parse_args(argv)
    failed = False
    for source in arguments.models or names():
        try:
            name = Colorizer.load(source).name
            made = quantize(source)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        path = arguments.output / f"{name}.onnx"
        if not made.gate.passed:
            print(
                f"{source} is not written: even with {len(made.floats)} convolutions in float, "
                f"int8 moves ab by {made.gate}, and {MEAN} and {P99} are allowed.",
                file=sys.stderr,
            )
            failed = True
            continue
        write(made, source, path)
        kept = f"{len(made.floats)} of {made.convolutions} convolutions float"
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB, {kept}, ab moved by {made.gate}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
