"""Lesson 09: smaller files, a colorizer as a function in the cloud, and the studio under stress.

`int8` quantizes every shipped colorizer and measures what that gives and costs. `serverless` builds
the package of a function, starts it, and weighs it against one with TensorFlow. `studio` kills the
studio's processes, and sends a hundred people at once.
"""

import base64
import io
import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from benchmarks import studio as stress
from course_utils import files, metrics, photos
from course_utils.colorizer import BEST, Colorizer, names
from course_utils.colorizer import graph as onnx_graph
from deploy import int8 as smaller
from deploy.serverless import __main__ as builder
from deploy.serverless import loopback
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


# A function in the cloud.

LIMITS = {"zip MB": 50, "unpacked MB": 250, "image MB": 10_000}  # that AWS Lambda documents
BYTES = {"small": (384, 256), "12 MP": (4000, 3000), "25 MP": (5000, 5000)}  # width, height


@experiment("09/serverless", models=(BEST,))
def serverless(run: Run, *, starts: int = 5, warm: int = 10) -> dict[str, Any]:
    """Build a function's package; its size, start, time and memory, and the size of TensorFlow."""
    packed = builder.build(BEST, run.folder)
    folder = packed.with_suffix("")
    runtime = loopback.runtime(run.folder / "runtime")
    cold = [answered([folder, runtime], "small", 1) for _ in range(starts)]
    rows = {
        name: answered([folder, runtime], name, 1 + (warm if name == "small" else 1))
        for name in BYTES
    }
    return {
        "data": "one photograph of the album, enlarged",
        "n": starts,
        "size": {name: list(sides) for name, sides in BYTES.items()},
        "seed": run.seed,
        "machine": processor(),
        "clock": "processor time of the function's process: the machine was busy with other things",
        "model": BEST,
        "where": builder.where(),
        "limits": LIMITS,
        "package": {"zip MB": packed.stat().st_size / 1e6, "unpacked MB": megabytes(folder)},
        "parts": {path.name: megabytes(path) for path in sorted(folder.iterdir())},
        "cold ms": [row["cold ms"] for row in cold],
        "cold wall ms": [row["cold wall ms"] for row in cold],
        "cold MB": [row["peak MB"] for row in cold],
        "rows": rows,
        "as installed": {name: closure(name) for name in ("tensorflow", "onnxruntime")},
    }


def answered(folders: list[Path], size: str, times: int) -> dict[str, Any]:
    """A process that is started and answers so many times: milliseconds and megabytes."""
    event = http_event(jpeg(*BYTES[size]))
    with loopback.Function(folders) as function:
        clock, ms, wall, peak = 0.0, [], [], 0.0
        for _ in range(times):
            began = time.perf_counter()
            kind, response = function.invoke(event, 600)
            wall.append(1000 * (time.perf_counter() - began))
            if kind != "response" or response["statusCode"] != 200:
                raise ValueError(f"The function answered {kind}: {str(response)[:200]}")
            now, peak = spent(function.process)
            ms.append(1000 * (now - clock))
            clock = now
    return {"cold ms": ms[0], "cold wall ms": wall[0], "warm ms": ms[1:], "peak MB": peak}


def spent(process: Any) -> tuple[float, float]:
    """(processor seconds, most megabytes in memory) of a process so far; Linux only."""
    pid = process.pid
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    status = Path(f"/proc/{pid}/status").read_text()
    return seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1000


def jpeg(width: int, height: int) -> bytes:
    """A photograph of the album as a JPEG of a size."""
    rgb = photos.open_photo(files.PACKAGE / "album" / "coffee.jpg")
    buffer = io.BytesIO()
    Image.fromarray(rgb).resize((width, height)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def http_event(body: bytes) -> dict[str, Any]:
    """A request to /colorize as API Gateway hands it on."""
    return {
        "version": "2.0",
        "rawPath": "/colorize",
        "requestContext": {"http": {"method": "POST"}},
        "queryStringParameters": {"format": "jpeg"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def megabytes(folder: Path) -> float:
    """What the files in a folder, or a file, hold."""
    found = folder.rglob("*") if folder.is_dir() else [folder]
    return sum(path.stat().st_size for path in found if path.is_file()) / 1e6


def closure(wanted: str) -> dict[str, Any]:
    """Versions and megabytes, installed, of a distribution and of all that it requires."""
    waiting, found = [wanted], {}
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        about = metadata.distribution(name)
        inside = [Path(str(path.locate())) for path in about.files or []]
        held = sum(path.stat().st_size for path in inside if path.is_file())
        found[name] = {"version": about.version, "MB": held / 1e6}
        for line in about.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return {"MB": sum(row["MB"] for row in found.values()), "distributions": found}


# The studio.


@experiment("09/studio", models=(BEST,))
def studio(
    run: Run, *, kills: int = stress.KILLS, people: int = stress.PEOPLE, seed: int = stress.SEED
) -> dict[str, Any]:
    """What kills lose, and how long a crowd waits, on this machine."""
    killed, crowd = stress.kills(kills, seed), stress.load(people)
    return {
        "data": "drawn pictures: of 96 px while processes are killed, of 1200 px for the crowd",
        "n": people,
        "size": 1200,
        "seed": seed,
        "machine": processor(),
        "kills": {k: len(v) if isinstance(v, list) else v for k, v in killed._asdict().items()},
        "load": crowd._asdict(),
    }
