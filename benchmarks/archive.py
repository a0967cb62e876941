"""What a photograph of an archive costs, from reading to writing, and what a million would take.

    python -m benchmarks.archive FOLDER [--photographs 100]

Processor time of one core, so that other programs do not count; the photographs are a sample with a
fixed seed.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from course_utils.colorizer import BEST, Colorizer, batch
from course_utils.photos.loading import files_in


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=int, default=100)
    arguments = parser.parse_args()
    found = files_in(arguments.folder)
    rng = np.random.default_rng(1)
    paths = [found[i] for i in sorted(rng.permutation(len(found))[: arguments.photographs])]
    model = Colorizer.load(BEST).on_threads(1)
    with tempfile.TemporaryDirectory() as output:
        places = [(path, path.relative_to(arguments.folder), False) for path in paths]
        work = batch.jobs(places, Path(output))
        begun = time.process_time()
        rows = [row for job in work for row in batch.colorize(job, Path(output), model)]
        taken = time.process_time() - begun
    done = sum(row.what == batch.DONE for row in rows)
    each = taken / max(1, done)
    size = sum(path.stat().st_size for path in paths) / max(1, len(paths))
    print(f"{done} of {len(rows)} photographs, {size / 1e3:.0f} kB on average, {BEST}, one thread")
    print(f"{1000 * each:.0f} ms of processor time for one photograph")
    print(f"{1e6 * each / 3600:.1f} hours of one core for a million")


if __name__ == "__main__":
    main()
