"""Try a model of unknown origin where it can do no harm: in a process with little time and memory.

This file is also what that process runs. It imports nothing of the course, so that it starts fast.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

SECONDS, MEMORY = 5, 3 * 2**30  # of processor time, and bytes beside four times the file's
PATIENCE = 120  # seconds on the clock: on a busy machine, processor time is rare
MOST_SIZE = 2048  # working sizes that can be meant
_SLOW, _LARGE, _FAILS = 3, 4, 5  # exit codes


def try_out(path: Path, data: bytes) -> None:
    """Raise ValueError where a model hangs, takes too much memory or kills the process.

    data: its file's content. It colors one picture of 5 by 3 pixels and one of its working size.
    Memory is limited on Linux, processor time on macOS too; everywhere the clock.
    """
    command = [sys.executable, "-P", __file__]
    try:
        code = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE).returncode
    except subprocess.TimeoutExpired:
        code = _SLOW
    if code == -getattr(signal, "SIGXCPU", 0):
        code = _SLOW
    if code:
        why = {
            _SLOW: f"needs more than {SECONDS} seconds of a processor",
            _LARGE: f"needs over {MEMORY >> 30} GB of memory",
            _FAILS: "fails at its working size",
        }.get(code, "ends the process")
        raise ValueError(
            f"{path} {why} for one small picture and is not used: look for a loop without end, a "
            "huge constant, or a layer that grows with its input."
        )


def _trial() -> None:
    """Load the model on stdin and run it twice, within limits; errors are for others to tell."""
    import numpy as np
    import onnxruntime

    data = sys.stdin.buffer.read()
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        room = MEMORY + 4 * len(data)
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    size = json.loads(session.get_modelmeta().custom_metadata_map["size"])
    session.run(["ab"], {"L": np.zeros((2, 1, 5, 3), np.float32)})
    if type(size) is int and 0 < size <= MOST_SIZE:
        try:
            session.run(["ab"], {"L": np.zeros((1, 1, size, size), np.float32)})
        except Exception as error:
            sys.exit(_LARGE if "alloc" in str(error) else _FAILS)


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each would reserve memory
    try:
        _trial()
    except MemoryError:
        sys.exit(_LARGE)
    except Exception as error:
        sys.exit(_LARGE if "alloc" in str(error) else 0)
