"""What a data set says about itself: the manifest, the card, and the last line of a run."""

import csv
import io
import shlex
from collections import Counter
from typing import NamedTuple

from course_utils import photos
from data_scripts import clean

COLUMNS = "id file url licence author width height bytes sha256 source_sha256 split chroma".split()


class About(NamedTuple):
    """What a data set is, in words for its card."""

    name: str
    title: str
    page: str
    licence: str
    used_by: str


def table(rows):
    """manifest.csv as text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def sentence(counts, options):
    """What was found, kept and left out."""
    parts = [f"{counts[reason]:,} {reason}" for reason in ("not to be had", *clean.REASONS)]
    spare = counts[""] - counts["train"] - counts["test"]
    parts += [f"{spare:,} more than asked for"] * (spare > 0)
    words = (
        f"{counts['train']:,} photographs for training and {counts['test']:,} for testing of "
        f"{counts['candidates']:,} candidates; left out: {', '.join(parts)}."
    )
    asked = {"train": options.train, "test": options.test}
    short = [f"{n:,} for {split}" for split, n in asked.items() if n and n > counts[split]]
    return words + f" Asked for were {' and '.join(short)}: there are no more." * bool(short)


def missing(counts):
    """What was not to be had, and what to do about it; "" where all was."""
    words = ""
    if counts["gone"]:
        words += f"{counts['gone']:,} are no more (404, 410); --again asks for them again.\n"
    if counts["later"]:
        words += f"{counts['later']:,} did not come this time; run the command again for them.\n"
    return words


CARD = """# {about.title}

Source: {about.page}

Used by: {about.used_by}

{sentence}

The shorter side is at most {options.size} pixels. Unreadable means that the file does not open as a
picture; tiny, a side below {clean.SHORTEST} pixels; extreme aspect, more than {clean.LONGEST:g}
times as long as wide; gray, a mean chroma C*ab below {photos.GRAY_CHROMA:g}. Of near duplicates
(`photos.near_duplicates`) one is kept, so that none is in both splits.

Made with

    {command}

Licence: {about.licence}.

| photographs | licence |
| ---: | --- |
{licences}

`manifest.csv` names source, author, licence, size and checksum of each.

The course tests this script against a server of its own; it has not been run against the real one
yet.
"""


def card(about, options, rows, counts):
    """CARD.md as text."""
    found = Counter(row["licence"] for row in rows).most_common()
    licences = "\n".join(f"| {n:,} | {licence.replace('|', '/')} |" for licence, n in found)
    return CARD.format(
        about=about,
        options=options,
        clean=clean,
        photos=photos,
        sentence=sentence(counts, options),
        command=command(about, options),
        licences=licences,
    )


def command(about, options):
    """The command that was given, without the paths of this machine."""
    words = ["python", "-m", f"data_scripts.{about.name}"]
    for name, value in vars(options).items():
        if name == "local" and value:
            words += ["--from", "PATH"]
        elif name not in ("out", "local", "again") and value:
            words.append(f"--{name}")
            if value is not True:
                words += map(str, value if isinstance(value, list) else [value])
    return shlex.join(words)


def use(about, out):
    """How a lesson gets at the photographs."""
    source = about.name if out == photos.data_home() / about.name else out
    return f'use them with photos.load("{source}")'
