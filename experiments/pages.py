"""What is written from results: README's leaderboard, the claims, and the models' cards.

    python -m experiments.pages        write them all again

Nobody edits these by hand. `stale` names each that is not what its results give.
"""

import json
from collections.abc import Callable
from pathlib import Path

from course_utils import files, leaderboard
from experiments import claims, scoreboard, shipping
from experiments.claims import page

ROOT = files.PACKAGE.parent
MARKS = "<!-- leaderboard -->", "<!-- end of the leaderboard -->"


def readme(text: str) -> str:
    """README.md with the table of the stored boards between the MARKS.

    Raises ValueError where the marks are not there.
    """
    if [text.count(mark) for mark in MARKS] != [1, 1]:
        raise ValueError(f"README.md must have the lines {MARKS[0]} and {MARKS[1]} once each.")
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    return f"{before}{MARKS[0]}\n\n{scoreboard.text(leaderboard.stored())}\n\n{MARKS[1]}{after}"


def claims_data(text: str) -> str:
    """claims.json, which lessons read."""
    rows = [row._asdict() for row in claims.judged()]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def pages() -> dict[Path, Callable[[str], str]]:
    """{file: function from its text to what it must be}."""
    found = {
        ROOT / "README.md": readme,
        ROOT / "docs" / "claims.md": lambda text: page.document(),
        files.PACKAGE / "claims.json": claims_data,
    }
    for name in shipping.names():
        found[files.CHECKPOINTS / f"{name}.md"] = lambda text, name=name: shipping.card(name)
    return found


def outdated() -> list[Path]:
    """The pages that are not what their results give."""
    return [path for path, make in pages().items() if make(_text(path)) != _text(path)]


def write() -> None:
    """Write every page that is not what its results give, and name it."""
    for path in outdated():
        files.write(path, pages()[path](_text(path)))
        print(f"written: {path.relative_to(ROOT).as_posix()}")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    write()
