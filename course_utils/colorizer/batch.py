"""Colorize many photographs: each ends as a result or as one sentence, and none ends the others.

A result is there whole or not at all. Nothing that exists is overwritten, but a result of ours that
was cut short.
"""

import errno
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from course_utils import files
from course_utils.colorizer.model import Colorizer
from course_utils.colorizer.saving import label
from course_utils.photos import opening

DONE, THERE, FAILED, OURS, FULL = "colorized", "already there", "failed", "a result", "disk full"
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_ENDS = (b"\xff\xd9", b"IEND\xaeB`\x82")  # of a JPEG and of a PNG that are whole


class Task(NamedTuple):
    """One photograph to colorize."""

    source: str
    wanted: str  # the path of its result, if nothing is there
    named: bool  # by the user: then it is colorized even if it is a result of ours


class Row(NamedTuple):
    """What became of one photograph: a line of the summary."""

    source: str
    result: str
    what: str  # DONE, THERE, FAILED, OURS (a result of ours in the folder, passed over) or FULL
    said: str  # warnings, and why it failed


def jobs(found: Iterable[tuple[Path, Path, bool]], output: Path) -> list[list[Task]]:
    """Tasks of (file, place below `output`, named), those that want one name together.

    A file that is found twice is done once. A result is a JPEG where the photograph is one, and
    else a PNG.
    """
    work: dict[str, list[Task]] = {}
    seen = set()
    for path, place, named in found:
        jpeg = place.suffix.lower() in (".jpg", ".jpeg")
        wanted = str(output / (place if jpeg else place.with_suffix(".png")))
        really = os.path.realpath(path)
        if really not in seen:
            work.setdefault(wanted, []).append(Task(str(path), wanted, named))
        seen.add(really)
    return list(work.values())


def run(work: list[list[Task]], output: Path, model: Colorizer, count: int) -> Iterator[Row]:
    """One Row for each photograph, as they are done, by `count` processes; by this one, if it is 1.

    Where a process dies, of memory for instance, each photograph that it may have been at is tried
    once more in a process of its own, and fails if that dies too.
    """
    files.sweep(output)
    if count == 1:
        for job in work:
            yield from colorize(job, output, model)
        return
    while work:
        left = []
        for job, rows in _shared(work, output, model, count):
            yield from rows
            left += [] if rows else [job]
        suspects, work = left[: 3 * count], left[3 * count :]
        for job in suspects:
            for _, rows in _shared([job], output, model, 1):
                yield from rows or [Row(t.source, "", FAILED, _DIED.format(t.source)) for t in job]


_DIED = "{} ended the process that colored it, as too little memory does: save a smaller copy."


def _shared(work, output, model, count):
    """(job, its rows) as processes finish them; no rows where a process has died."""
    context = multiprocessing.get_context("spawn")  # forks of a process with threads may hang
    pool = ProcessPoolExecutor(count, context, _begin, (model.path, model.name))
    try:
        with _deaf():  # the processes inherit it: a Ctrl-C is for this one
            futures = {pool.submit(_rows, job, output): job for job in work}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], []
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf():
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, handler)


def _begin(path, name):
    global _model
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows inherits nothing
    _model = Colorizer(path, name, threads=1)

    def follow():
        parent: Any = multiprocessing.parent_process()
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _rows(job, output):
    return list(colorize(job, output, _model))


def colorize(job: list[Task], output: Path, model: Colorizer) -> Iterator[Row]:
    """One Row for each photograph of a job, whatever it raises."""
    taken: set[Path] = set()
    for task in job:
        with warnings.catch_warnings(record=True, action="always") as caught:
            try:
                row = _colorized(task, output, model, taken)
            except Exception as error:
                full = getattr(error, "errno", None) in _FULL
                said = _sentence(error, task.source, model)
                row = Row(task.source, "", FULL if full else FAILED, said)
        said = [str(w.message) for w in caught if "PIL" not in Path(w.filename).parts]
        yield row._replace(said=" ".join([*said, row.said]).strip())


def _colorized(task, output, model, taken):
    if not task.named and label(task.source)[0] is not None:
        return Row(task.source, "", OURS, "")
    data, painted, n = opening.read(Path(task.source)), None, 0
    stamp, wanted = model.fingerprint(data), Path(task.wanted)
    while True:  # until a name is free, or holds the result of this photograph by this model
        n += 1
        target = wanted if n == 1 else wanted.with_stem(f"{wanted.stem}-{n}")
        exists = os.path.lexists(target)
        if target in taken or exists and label(target)[1] != stamp:
            continue
        done = exists and _is_whole(target)
        if not done:
            painted = (
                model.colorize(opening.decode(data, task.source)) if painted is None else painted
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(output.resolve()):
                remedy = f"{target.parent} is a link out of {output}, remove it"
                raise ValueError(f"{task.source} gets no result: {remedy}.")
            try:
                model.save(target, painted, data, new=not exists)
            except FileExistsError:  # another process was faster
                n -= 1
                continue
        taken.add(target)
        return Row(task.source, str(target), THERE if done else DONE, "")


def _is_whole(path):
    with open(path, "rb") as file:
        file.seek(-min(12, path.stat().st_size), os.SEEK_END)
        return file.read().endswith(_ENDS)


def _sentence(error, source, model):
    """What went wrong with a photograph, in one sentence that names it."""
    if isinstance(error, MemoryError):
        return f"{source} needs more memory than there is: save a smaller copy, or use --jobs 1."
    if reason := getattr(error, "strerror", None):
        return f"{error.filename2 or error.filename or source}: {reason}."
    said = str(error)
    if isinstance(error, OSError | ValueError) and source in said:
        return said
    return f"{source} cannot be colorized by {model.name} ({type(error).__name__}: {said[:300]})."
