"""Lesson 09: smaller files, and a colorizer as a function in the cloud.

`int8` quantizes every shipped colorizer and measures what that gives and costs. `serverless` builds
the package of a function, starts it, and weighs it against one with TensorFlow.
"""

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import files, metrics, photos
from course_utils.colorizer import Colorizer, names
from course_utils.colorizer import graph as onnx_graph
from deploy import int8 as smaller
from experiments import experiment
from experiments.data import CAMERAS, shared
from experiments.runner import Run

ROUNDS, TIMED = 7, 4  # rounds and photographs that a speed is measured on
FLAGS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "VNNI (8-bit products)"}
OTHERS = 60  # photographs of other cameras


@experiment("09/int8", photographs=("photos",), models=tuple(names()))
def int8(run: Run, *, mean: float = smaller.MEAN, p99: float = smaller.P99) -> dict[str, Any]:
    """Quantize every shipped colorizer; size, speed, PSNR and how far ab moved."""
    rows = {name: int8_row(name, run.folder) for name in names()}
    return {
        "data": "the album's test split",
        "n": len(photos.album("test")),
        "size": "the working size for ab and speed, up to 384 px for PSNR",
        "seed": run.seed,
        "gate": {"mean": mean, "p99": p99},
        "others": f"{OTHERS} COCO photographs at 256 px, which neither choice nor gate has seen",
        "speed": f"processor time on one thread, in turns, the least of {ROUNDS} rounds on each of "
        f"{TIMED} photographs",
        "machine": processor(),
        "rows": rows,
    }


def int8_row(name: str, folder: Path) -> dict[str, Any]:
    """One colorizer, from the folder of states where it is there already."""
    state, path = folder / f"{name}.json", folder / f"{name}.onnx"
    if state.is_file():
        return json.loads(state.read_text("utf-8"))
    model = Colorizer.load(name)
    made = smaller.quantize(name)
    row: dict[str, Any] = {
        "float": {"MB": model.n_bytes / 1e6},
        "passed": made.gate.passed,
        "moved": made.gate._asdict(),
        "floats": made.floats,
        "convolutions": made.convolutions,
    }
    if made.gate.passed:
        smaller.write(made, name, path)
        row["int8"] = {"MB": path.stat().st_size / 1e6}
        row |= compared(model, Colorizer.load(path), row)
    files.write(state, json.dumps(row))
    return row


def compared(model: Colorizer, small: Colorizer, row: dict[str, Any]) -> dict[str, Any]:
    """PSNR and milliseconds of both, the ratio, and how far ab moved on other photographs."""
    truth = [photo.rgb for photo in photos.album("test")]
    both = {"float": model, "int8": small}
    for key, colorizer in both.items():
        painted = [colorizer.colorize(rgb) for rgb in truth]
        psnr = np.array([float(metrics.psnr(a[None], b[None])[0]) for a, b in zip(truth, painted)])
        row[key]["psnr"] = list(metrics.bootstrap(psnr))
    Ls = smaller.at_working_size("test", model.size)[:TIMED]
    ms = milliseconds([model.path.read_bytes(), small.path.read_bytes()], Ls)
    row["float"]["ms"], row["int8"]["ms"] = ms
    others = photos.load(shared(CAMERAS), "train", 256, limit=OTHERS, color_only=True)
    wanted, found = (
        smaller.predict(m.path.read_bytes(), smaller.shrunk(others, m.size)) for m in both.values()
    )
    return {"ratio": ms[0] / ms[1], "moved on others": smaller.moved(wanted, found)._asdict()}


def processor() -> str:
    """The processor in words: its name, cores, and what speeds up integers."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()}, {os.cpu_count()} cores"
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    told = {key.strip(): value.strip() for key, value in told.items()}
    flags = set(told.get("flags", "").split())
    has = [words for flag, words in FLAGS.items() if flag in flags]
    kind = told.get("model name", platform.machine())
    return f"{kind}, {os.cpu_count()} shared cores, {', '.join(has) or 'no vector instructions'}"


def milliseconds(models: list[bytes], Ls: smaller.Maps) -> list[float]:
    """Mean processor time of each graph for one L, the graphs in turns."""
    sessions = [onnx_graph.session(model, threads=1) for model in models]
    best = np.full((len(models), len(Ls)), np.inf)
    for _ in range(ROUNDS):
        for j, L in enumerate(Ls):
            for i, session in enumerate(sessions):
                started = time.process_time()
                session.run(["ab"], {"L": L})
                best[i, j] = min(best[i, j], time.process_time() - started)
    return (1000 * best.mean(axis=1)).tolist()
