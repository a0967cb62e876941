"""Make a colorizer of a trained network: `save_keras` and `save_torch` write the ONNX file."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import __version__, files, metrics
from course_utils.colorizer import graph as onnx_graph
from course_utils.colorizer.model import GIVEN

HALF_COST = 0.5  # ab units; float16 weights may move no value further, a fifth of what is noticed


def save_keras(
    model: Any, path: str | Path, *, scale: float, multiple: int, size: int, **metadata: Any
) -> Path:
    """Export a Keras model as a colorizer; return the path.

    model: from (N, H, W, 1), L / 100, to (N, H, W, 2), ab / scale; built on
        `keras.Input((None, None, 1))`, on Keras's TensorFlow backend. It is exported in float32,
        whatever dtype policy it was trained under.
    path: ends in .onnx. scale: ab units per unit of the output.
    multiple: the H and W that the model takes are multiples of it; 8 for three strides of 2.
    size: the working size. metadata: all of GIVEN (metrics: rows of `metrics.report`), and more.

    Before the file is written, the graph is compared with the model at two sizes (ValueError if
    they differ). Kernels are stored as float16 (see `onnx_graph.halve`); how far that moved ab on
    the same inputs is in the metadata as `weights`. Beyond HALF_COST they stay float32.
    """
    _check_given(path, metadata)
    network, run = onnx_graph.from_keras(model)
    graph = onnx_graph.frame(network, scale, multiple, channels_last=True)
    metadata |= {"parameters": model.count_params(), "size": size}
    return _save(graph, path, run, scale, multiple, metadata)


def save_torch(
    module: Any,
    path: str | Path,
    *,
    scale: float,
    multiple: int,
    size: int,
    T: float | None = None,
    rebalance: bool = False,
    **metadata: Any,
) -> Path:
    """Export a torch module as a colorizer; return the path.

    module: from (N, 1, H, W), L / 100, to (N, 2, H, W), ab / scale; with T, the default
        temperature, it is called as `module(x, T)`, T a tensor of shape (). A copy in float32, in
        evaluation mode and on the CPU is exported; the module stays as it is.
    rebalance: with True, it is called as `module(x, T, rebalance)`, also a tensor of shape (): how
        much of the training's prior is taken out, from 0, the default, to 1.
    The rest as in `save_keras`.
    """
    _check_given(path, metadata)
    network, run = onnx_graph.from_torch(module, multiple, T, rebalance)
    graph = onnx_graph.frame(network, scale, multiple, T, rebalance=rebalance)
    metadata |= {"parameters": sum(p.numel() for p in module.parameters()), "size": size}
    metadata |= {} if T is None else {"T": T}
    return _save(graph, path, run, scale, multiple, metadata, onnx_graph.scalars(T, rebalance))


def _check_given(path, metadata):
    missing = [key for key in GIVEN if key not in metadata]
    if missing:
        raise ValueError(f"{path} lacks the metadata {', '.join(missing)}: give them as keywords.")
    if Path(path).suffix != ".onnx":
        raise ValueError(f"{path} must end in .onnx.")
    try:
        metrics.table(metadata["metrics"])
    except (KeyError, TypeError):
        raise ValueError("metrics must be a list of rows of metrics.report.") from None


def _save(graph, path, run, scale, multiple, metadata, scalars=None):
    """Compare the graph with `run(x, *scalars)`, its framework; halve, describe and write it."""
    import onnx

    side = multiple * -(-32 // multiple)
    rng = np.random.default_rng(1)
    shapes = (2, 1, side, side), (1, 1, side + 1, 3)
    feeds = [{"L": rng.uniform(0, 100, shape).astype(np.float32)} for shape in shapes]
    if scalars:
        others = {"T": np.float32(scalars["T"] / 2), "rebalance": np.float32(1)}
        others = {name: np.array(others[name]) for name in scalars}
        feeds = [feeds[0], *(feed | others for feed in feeds)]
    results = _run_all(graph, feeds)
    for feed, ab in zip(feeds, results):
        height, width = feed["L"].shape[2:]
        after = [(0, 0), (0, 0), (0, -height % multiple), (0, -width % multiple)]
        x = np.pad(feed["L"] / np.float32(100), after, mode="edge")
        beside = [float(feed[n]) if n in feed else value for n, value in (scalars or {}).items()]
        wanted = scale * run(x, *beside)[..., :height, :width]
        error = np.abs(ab - wanted).max() if ab.shape == wanted.shape else np.inf
        if not error <= 1e-4 + 1e-3 * np.abs(wanted).max():  # written so that NaN is refused too
            raise ValueError(
                f"The exported graph is {error:.3g} ab units from the model at {height}x{width}: "
                f"something in it depends on the size it was traced at, or needs another multiple "
                f"than {multiple}."
            )
    half = onnx_graph.halve(graph)
    cost = max(np.abs(a - b).max() for a, b in zip(results, _run_all(half, feeds)))
    if cost <= HALF_COST:
        graph = half
        metadata |= {"weights": f"float16, which moved ab by up to {cost:.2g} on noise"}
    else:
        warnings.warn(
            f"{path} keeps float32 weights: as float16 they would move ab by {cost:.2g} units.",
            stacklevel=3,
        )
    metadata |= {"version": __version__}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
    onnx.helper.set_model_props(graph, dict(sorted(texts.items())))
    onnx.checker.check_model(graph, full_check=True)
    return files.write(path, graph.SerializeToString())


def _run_all(graph, feeds):
    session = onnx_graph.session(graph.SerializeToString())
    try:
        return [session.run(["ab"], feed)[0] for feed in feeds]
    except Exception as error:  # of onnxruntime's kinds
        raise ValueError(
            "The exported graph does not run at every size: something in the model depends on the "
            "size it was traced at."
        ) from error
