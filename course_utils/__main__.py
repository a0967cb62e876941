"""The command line: `python -m course_utils colorize IN… -o OUT --model NAME`."""

import argparse
import sys
import warnings
from pathlib import Path

from course_utils import colorizer, photos, progress


def main(argv: list[str] | None = None) -> int:
    """Run a command; return 0 if all went well, 1 if a photograph failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m course_utils")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "colorize",
        help="colorize photographs",
        description="Colorize photographs. Each result carries a label that says so. Nothing that "
        "exists is overwritten: a second x.jpg becomes x-2.jpg. What is already done is skipped, "
        "so an interrupted command is simply run again.",
    )
    command.add_argument(
        "inputs", nargs="+", metavar="IN", type=Path, help="photographs, and folders of them"
    )
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", type=Path, help="the folder for the results"
    )
    shipped = colorizer.names()
    command.add_argument(
        "--model",
        default=shipped[0],
        help=f"a shipped name ({', '.join(shipped)}) or an .onnx file (default: %(default)s)",
    )
    arguments = parser.parse_args(argv)
    if arguments.output.exists() and not arguments.output.is_dir():
        command.error(f"{arguments.output} is a file: name a folder for the results.")
    try:
        model = colorizer.Colorizer.load(arguments.model)
    except (OSError, ValueError, ImportError) as error:
        command.error(str(error))
    try:
        return colorize(arguments.inputs, arguments.output, model)
    except KeyboardInterrupt:
        print("Interrupted: run the same command again, it goes on from here.", file=sys.stderr)
        return 130


def colorize(inputs: list[Path], output: Path, model: colorizer.Colorizer) -> int:
    """Colorize files and folders into a folder; print one line for each failure; return 0 or 1.

    A folder's photographs keep their places below it. JPEG becomes JPEG, all else PNG.
    """
    from tqdm import tqdm

    counts = {"colorized": 0, "already there": 0, "failed": 0}

    def say(line, *_, **__):
        tqdm.write(" ".join(str(line).split()), file=sys.stderr)

    jobs = {}  # by where a file really is: one named twice is done once
    for path in inputs:
        found = list(_photographs(path)) if path.is_dir() else [(path, Path(path.name))]
        if not found:
            say(f"{path} holds no photograph ({' '.join(photos.SUFFIXES)}).")
            counts["failed"] += 1
        for path, place in found:
            jobs.setdefault(path.resolve(), (path, place))

    taken = set()
    silent = True if progress.under_test() else None  # None: only on a terminal
    with warnings.catch_warnings(action="always"):
        warnings.showwarning = say
        for path, place in tqdm(jobs.values(), desc=model.name, unit="photo", disable=silent):
            try:
                source = path.read_bytes() if path.is_file() else b""  # open_photo says the rest
                target, done = _target(output / place, model.fingerprint(source), taken)
                if not done:
                    model.save(target, model.colorize(photos.open_photo(path)), source)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None)  # else the message is a sentence
                say(f"{getattr(error, 'filename', None) or path}: {reason}." if reason else error)
                counts["failed"] += 1
                continue
            taken.add(target)
            counts["already there" if done else "colorized"] += 1
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["failed"] else 0


def _photographs(folder):
    """(path, place below the folder) of its photographs, without hidden files and our results."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        if path.suffix.lower() not in photos.SUFFIXES or hidden or not path.is_file():
            continue
        if colorizer.label(path)[0] is None:
            yield path, place


def _target(wanted: Path, fingerprint: str, taken: set[Path]) -> tuple[Path, bool]:
    """Where the result goes, and whether it is there already, whole.

    The first of x.png, x-2.png, x-3.png … that does not exist, or holds the result of the same
    photograph by the same model.
    """
    jpeg = wanted.suffix.lower() in (".jpg", ".jpeg")
    wanted = wanted if jpeg else wanted.with_suffix(".png")
    n = 0
    while True:
        n += 1
        path = wanted if n == 1 else wanted.with_stem(f"{wanted.stem}-{n}")
        if path in taken:
            continue
        if not path.exists():
            return path, False
        if colorizer.label(path)[1] == fingerprint:
            return path, _is_whole(path)


def _is_whole(path):
    try:
        photos.open_photo(path)
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
