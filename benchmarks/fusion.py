"""The timing table of the fusion paper: the published network beside the course's `colorize`.

    python -m benchmarks.fusion

The network of lesson 03 (42.2 million weights, random: time does not depend on them) paints
pictures at full resolution, as the paper does; `Colorizer.colorize` predicts ab at the working size
and joins them with the full-resolution L. Both go from RGB to RGB, in turns, on Keras and on
onnxruntime as the course uses them. Seconds are processor time, the least of some rounds: they do
not depend on what else the machine does. Ratios are what the lesson quotes. A size that does not
fit in memory is left out, and a sentence says so. `make experiment NAME=03/timing` measures the
same and stores it.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("COURSE_PROFILE", "ci")

from course_utils import course
from experiments import lesson_03


def main() -> None:
    lesson_03.start()
    rows = lesson_03.seconds_by_size(lesson_03.SIZES, course.SEED)
    print(f"{'size':>4}{'published s':>13}{'course s':>10}{'ratio':>8}")
    for row in rows:
        full, ours = row["published"], row["course"]
        if full is not None:
            print(f"{row['size']:4}{full:13.2f}{ours:10.3f}{full / ours:8.1f}")


if __name__ == "__main__":
    main()
