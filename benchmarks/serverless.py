"""The function in the cloud, measured here: package, start, time and memory.

    python -m benchmarks.serverless

The package of the course's best colorizer is built and run by the runtime that AWS Lambda uses.
Milliseconds are processor time of its process, which does not depend on what else the machine does:
"start" is from the start of the process to its first answer. `make experiment NAME=09/serverless`
measures the same and stores it. Linux only.
"""

import tempfile
from pathlib import Path

from course_utils.colorizer import BEST
from deploy.serverless import __main__ as builder
from deploy.serverless import loopback
from experiments import lesson_09

TIMES = {"small": 11, "12 MP": 2, "25 MP": 2}


def main() -> None:
    print(lesson_09.processor())
    with tempfile.TemporaryDirectory() as place:
        packed = builder.build(BEST, Path(place))
        folder = packed.with_suffix("")
        size = packed.stat().st_size / 1e6
        print(f"{BEST}: {size:.1f} MB, {lesson_09.megabytes(folder):.1f} MB unpacked")
        runtime = loopback.runtime(Path(place, "runtime"))
        print(f"{'picture':10}{'start ms':>10}{'warm ms':>10}{'peak MB':>10}")
        for name, times in TIMES.items():
            row = lesson_09.answered([folder, runtime], name, times)
            warm = sum(row["warm ms"]) / len(row["warm ms"])
            print(f"{name:10}{row['cold ms']:10.0f}{warm:10.0f}{row['peak MB']:10.0f}")


if __name__ == "__main__":
    main()
