"""What a colorizer costs on this machine: processor time, memory, and the size of its file."""

import subprocess
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import progress
from course_utils.colorizer import Colorizer

TURNS = 15  # photographs that every colorizer predicts for its median time
HELD = """
import sys
from pathlib import Path
import numpy as np
import onnxruntime
from course_utils import color
from course_utils.colorizer import Colorizer

def held(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key))

rgb = np.full((256, 256, 3), 128, np.uint8)
color.ab(rgb)  # loads what color needs
before = held("VmRSS")
Colorizer(Path(sys.argv[1]), "it", 1).colorize(rgb)
print(held("VmHWM") - before)
"""


def costs(models: dict[str, Colorizer], rgb: NDArray[np.uint8]) -> dict[str, dict[str, Any]]:
    """{name: {"ms", "memory", "megabytes", "parameters", "works at"}}, measured here and now.

    rgb: (N, H, W, 3), of which TURNS are predicted. memory: see there; megabytes: of the file.
    Times of two machines cannot be compared, so all models of a board are measured together.
    """
    taken = seconds(models, rgb[:TURNS])
    return {
        name: {
            "ms": round(1000 * taken[name], 1),
            "memory": memory(model),
            "megabytes": round(model.n_bytes / 1e6, 2),
            "parameters": model.metadata["parameters"],
            "works at": model.size,
        }
        for name, model in models.items()
    }


def seconds(models: dict[str, Colorizer], rgb: NDArray[np.uint8]) -> dict[str, float]:
    """{name: median processor time of `colorize` for one photograph, on one thread}.

    rgb: (N, H, W, 3). Processor time leaves out other processes, and one thread leaves out threads
    that wait busily for each other. Models take turns, so that a busy machine is fair to all.
    """
    single = {name: model.on_threads(1) for name, model in models.items()}
    taken: dict[str, list[float]] = {name: [] for name in models}
    for x in progress.bar(rgb, "seconds"):
        for name, model in single.items():
            begun = time.process_time()
            model.colorize(x)
            taken[name].append(time.process_time() - begun)
    return {name: float(np.median(values)) for name, values in taken.items()}


def memory(model: Colorizer) -> int | None:
    """How many megabytes more a process holds at most when it opens the file and uses it once.

    Measured in a process of its own, with one photograph of 256 px; to the nearest 10, because two
    runs differ by as much. None where the system does not tell: only Linux does.
    """
    command = [sys.executable, "-c", HELD, str(model.path)]
    run = subprocess.run(command, capture_output=True, text=True)
    return round(int(run.stdout) * 1024 / 1e7) * 10 if run.returncode == 0 else None
