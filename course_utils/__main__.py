"""The command line: `python -m course_utils colorize IN… -o OUT --model NAME`, and `video`."""

import signal

if __name__ == "__main__":  # a Ctrl-C while Python still imports ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# ruff: noqa: E402
import argparse
import collections
import csv
import glob
import io
import os
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from course_utils import colorizer, files, photos, progress
from course_utils.colorizer import batch
from course_utils.video.steady import STRENGTH

SUMMARY = "colorized.csv"
A_PROCESS = 20  # photographs that pay for the start of one more process


def main(argv: list[str] | None = None) -> int:
    """Run a command; return 0 if all went well, 1 if a photograph failed, 2 for wrong usage."""
    progress.print_anything()
    parser = argparse.ArgumentParser(prog="python -m course_utils")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "colorize",
        help="colorize photographs",
        description="Colorize photographs. Each result carries a label that says so. Nothing that "
        "exists is overwritten: a second x.jpg becomes x-2.jpg. What is already done is skipped, "
        f"so an interrupted command is simply run again. OUT/{SUMMARY} lists what became of each.",
    )
    command.add_argument(
        "inputs", nargs="+", metavar="IN", help="photographs, folders of them, patterns like *.jpg"
    )
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", type=Path, help="the folder for the results"
    )
    film = commands.add_parser(
        "video",
        help="colorize a video file",
        description="Colorize a video file, steadily in time. Sound and times are copied. An "
        "interrupted command is simply run again. Nothing that exists is overwritten.",
    )
    film.add_argument("input", metavar="IN", type=Path, help="a video file")
    film.add_argument(
        "-o", "--output", required=True, metavar="OUT", type=Path,
        help="the result: .mp4, .mov (H.264) or .mkv (FFV1, without loss)",
    )  # fmt: skip
    film.add_argument(
        "--smooth",
        type=float,
        default=STRENGTH,
        metavar="S",
        help="how much color the last frame lends, 0 (none) to below 1 (default: %(default)s)",
    )
    for each in (command, film):
        each.add_argument(
            "--model",
            default=colorizer.BEST,
            help=f"a shipped name ({', '.join(colorizer.names())}) or an .onnx file "
            "(default: %(default)s)",
        )
    command.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes that share the work (default: one a core, fewer for few photographs)",
    )
    arguments = parser.parse_args(argv)
    if arguments.command == "video":
        return _video(arguments)
    if arguments.output.exists() and not arguments.output.is_dir():
        command.error(f"{arguments.output} is a file: name a folder for the results.")
    if arguments.jobs is not None and arguments.jobs < 1:
        command.error(f"--jobs is {arguments.jobs}; it must be at least 1.")
    _listen()
    try:
        model = colorizer.Colorizer.load(arguments.model)
        arguments.output.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, ImportError) as error:
        command.error(str(error))
    return colorize(arguments.inputs, arguments.output, model, arguments.jobs)


_stop = threading.Event()


def _listen():
    with suppress(ValueError):  # raised in other threads than the first
        signal.signal(signal.SIGINT, _interrupted)
    _stop.clear()


def _interrupted(*_):
    if _stop.is_set():  # twice: at once
        os._exit(130)
    _stop.set()


def colorize(
    inputs: list[str], output: Path, model: colorizer.Colorizer, jobs: int | None = 1
) -> int:
    """Colorize files and folders into a folder; print one line for each failure; return the status.

    A folder's photographs keep their places below it. JPEG becomes JPEG, all else PNG.
    """
    from tqdm import tqdm

    rows: list[batch.Row] = []
    shown = sys.stderr.isatty()

    def note(row):
        rows.append(row)
        if row.said:
            line = "".join(c if c.isprintable() else "?" for c in " ".join(row.said.split()))
            (tqdm.write if shown else print)(line, file=sys.stderr)

    def refuse(path, why):
        note(batch.Row(str(path), "", batch.FAILED, why))

    work = batch.jobs(_found(inputs, refuse), output)
    total = sum(map(len, work))
    count = min(jobs or os.cpu_count() or 1, len(work), total if jobs else 1 + total // A_PROCESS)
    pause = 0.1 if shown else 60.0  # seconds; a log grows slowly
    options: Any = {"mininterval": pause, "delay": pause, "disable": progress.under_test()}
    with tqdm(total=total, desc=model.name, unit="photo", **options) as bar:
        for row in batch.run(work, output, model, max(1, count)):
            note(row)
            bar.update()
            if row.what == batch.FULL or _stop.is_set():
                break
    counts = collections.Counter(row.what for row in rows)
    print(", ".join(f"{counts[what]} {what}" for what in (batch.DONE, batch.THERE, batch.FAILED)))
    if counts[batch.FULL]:
        print(f"Free some space on the disk of {output}, and run the same command again.")
        return 1
    _summarize(output / SUMMARY, rows)
    if _stop.is_set():
        print("Interrupted: run the same command again, it goes on from here.", file=sys.stderr)
        return 130
    return 1 if counts[batch.FAILED] else 0


def _video(arguments):
    from tqdm import tqdm

    from course_utils.video import converting, streams

    _listen()
    source, result, done = arguments.input, arguments.output, 0
    shown = sys.stderr.isatty() and not progress.under_test()
    try:
        model = colorizer.Colorizer.load(arguments.model)
        with warnings.catch_warnings(record=True, action="always") as caught:
            counts = converting.colorize(source, result, model, arguments.smooth)
            total = streams.about(source).total
            with tqdm(total=total, desc=model.name, unit="frame", disable=not shown) as bar:
                for done in counts:
                    bar.update(done - bar.n)
                    if _stop.is_set():
                        print("Interrupted: run the same command again.", file=sys.stderr)
                        return 130
                bar.total = done  # what a file says of its length is an estimate
                bar.refresh()
    except (OSError, ValueError, ImportError) as error:
        reason = getattr(error, "strerror", None)  # of the system: a full disk, no permission
        print(f"{result}: {reason}." if reason else error, file=sys.stderr)
        return 1
    for line in {str(w.message) for w in caught}:
        print(line, file=sys.stderr)
    print(f"{done} frames colorized: {result}")
    return 0


def _summarize(path, rows):
    """Write what became of the photographs of this run, one a line, in place of the last one's."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([batch.Row._fields, *sorted(rows)])
    data, head = text.getvalue().encode("utf-8-sig", "backslashreplace"), b"source,result,what,said"
    try:
        if path.exists() and head not in path.read_bytes()[:40]:
            raise FileExistsError(f"{path} is no summary of ours: it stays.")
        files.write(path, data)
    except OSError as error:
        print(error, file=sys.stderr)


def _found(inputs, refuse):
    """(file, place of its result, whether it was named) of what the command line names."""
    for text in inputs:
        path = Path(text)
        matches = [path] if os.path.lexists(path) else sorted(map(Path, glob.glob(text))) or [path]
        for path in matches:
            if not path.is_dir():
                yield path, Path(path.name), True
                continue
            found = photos.files_in(path, refuse)
            if not found:
                refuse(path, f"{path} holds no photograph ({' '.join(photos.SUFFIXES)}).")
            yield from ((file, file.relative_to(path), False) for file in found)


if __name__ == "__main__":
    sys.exit(main())
