"""Colorize an archive of a million photographs: bounded memory, each photograph counted once.

The walk makes chunks of photographs and hands a few of them at a time to Dask's workers. A ledger,
a text file beside the results, gets a line for each photograph that has ended, as a result or as a
sentence. Who runs the command again goes on where the ledger ends. A worker that is killed costs
its chunk, which another one does; what kills every worker that touches it fails alone.

Workers read the photographs and write the results themselves: all see the same folders.
"""

import csv
import functools
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from course_utils import files, progress
from course_utils.colorizer import Colorizer, batch
from course_utils.photos.opening import SUFFIXES

CHUNK = 64  # photographs that a worker gets at a time
AHEAD = 3  # chunks for each worker that are handed out at a time
LEDGER = "ledger.csv"
DIED = "{} ended each process that colored it, as too little memory does: save a smaller copy."


def chunks(source: Path, output: Path, ended: set[str]) -> Iterator[list[list[batch.Task]]]:
    """The work below a folder, a chunk at a time: lists of jobs as `batch.jobs` makes them.

    A folder is read when its turn comes. ended: photographs that need nothing more. Those that want
    one name for their result (x.png and x.tif) are one job.
    """
    for folder, below, names in os.walk(source):
        below[:] = sorted(name for name in below if not name.startswith("."))
        below[:] = [name for name in below if Path(folder, name).resolve() != output.resolve()]
        found = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
        found = [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
        places = ((path, path.relative_to(source), False) for path in found)
        left = [job for job in batch.jobs(places, output) if not _all_in(job, ended)]
        for start in range(0, len(left), CHUNK):
            yield left[start : start + CHUNK]


def _all_in(job: list[batch.Task], ended: set[str]) -> bool:
    return all(task.source in ended for task in job)


def work(jobs: list[list[batch.Task]], output: str, model: str) -> list[batch.Row]:
    """What a worker does with a chunk: a Row for each photograph."""
    loaded = _loaded(model)
    return [row for job in jobs for row in batch.colorize(job, Path(output), loaded)]


@functools.cache
def _loaded(model: str) -> Colorizer:
    return Colorizer.load(model).on_threads(1)  # once in each process


class Ledger:
    """What became of each photograph, in a file that grows; only whole lines count.

    what: {photograph: one of `batch`'s words}; a later line replaces an earlier one.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.what = path, dict[str, str]()
        if path.exists():
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:  # a kill cut the last line
                files.write(path, whole)
            with path.open(encoding="utf-8", newline="") as file:
                self.what = {source: sys.intern(what) for source, _, what, _ in csv.reader(file)}

    def add(self, rows: Iterable[batch.Row]) -> None:
        """Write rows to the end of the file, and to the disk."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            lines = [[" ".join(cell.splitlines()) for cell in row] for row in rows]
            csv.writer(file, lineterminator="\n").writerows(lines)
            file.flush()
            os.fsync(file.fileno())
        self.what |= {source: what for source, _, what, _ in lines}

    def ended(self) -> set[str]:
        """Photographs that need nothing more; what failed is tried again by the next run."""
        return {source for source, what in self.what.items() if what != batch.FAILED}

    def counts(self) -> Counter:
        """How many photographs ended in which way, each counted once."""
        return Counter(self.what.values())


def run(client: Any, source: Path, output: Path, model: str) -> Ledger:
    """Colorize all photographs below `source` into `output`; returns the ledger of all runs.

    client: of `distributed`. model: a shipped name or a path that every worker can read.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    output.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(output / LEDGER)
    waiting = chunks(source, output, ledger.ended())
    flying: dict[str, list[list[batch.Task]]] = {}
    suspects: list[list[batch.Task]] = []  # jobs that were with a worker when it died
    alone: set[str] = set()  # keys of those that ran again, with no other work beside
    done = as_completed(loop=client.loop)

    def hand_out(jobs):
        future = client.submit(work, jobs, str(output), model, pure=False)
        flying[future.key] = jobs
        done.add(future)

    def fill():
        most = AHEAD * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        while len(flying) < most and (jobs := next(waiting, None)):
            hand_out(jobs)
        if suspects and not flying:  # alone, so that nobody else is blamed for what it does
            hand_out([suspects.pop()])
            alone.update(flying)

    fill()
    with progress.bar([], "colorize", None, "photo") as bar:
        for future in done:
            jobs, error = flying.pop(future.key), future.exception()
            if error is None:
                rows = future.result()
            elif not isinstance(error, KilledWorker):
                raise error
            elif future.key not in alone:
                rows = []
                suspects.extend(jobs)
            else:
                rows = [
                    batch.Row(t.source, "", batch.FAILED, DIED.format(t.source)) for t in jobs[0]
                ]
            future.release()
            ledger.add(rows)
            bar.update(len(rows))
            for row in rows:
                if row.said:
                    bar.write(row.said, file=sys.stderr)
            if any(row.what == batch.FULL for row in rows):
                raise OSError(f"The disk of {output} is full: free some space, and run this again.")
            fill()
    return ledger
