"""What a frame of video costs, and the filter beside the network whose colors it steadies.

    python -m benchmarks.video

Processor seconds on one thread, the least of some rounds, measured in turns in one run. The filter
(optical flow, two warps, confidence, mixing) and the network both work on 256 px. `make experiment
NAME=10/price` measures the same and stores it.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from course_utils import course
from course_utils.colorizer import Colorizer
from experiments import lesson_10


def main() -> None:
    import cv2

    cv2.setNumThreads(1)
    print(f"{'':4}{'size':>6}{'network s':>11}{'filter s':>10}{'ratio':>8}")
    for key, name in lesson_10.MODELS.items():
        found = lesson_10.beside(Colorizer.load(name), lesson_10.WORKING, 9)
        ratio = found["network"] / found["filter"]
        print(
            f"{key:4}{lesson_10.WORKING:6}{found['network']:11.3f}{found['filter']:10.3f}{ratio:8.1f}"
        )
    print(f"\n{'':4}{'size':>6}{'frame s':>11}{'a second':>10}")
    for key, name in lesson_10.MODELS.items():
        for size in lesson_10.REPORTED[:3]:
            row = lesson_10.seconds(Colorizer.load(name), size, 3, course.SEED)
            print(f"{key:4}{size:6}{row['frame']:11.3f}{1 / row['frame']:10.1f}")


if __name__ == "__main__":
    main()
