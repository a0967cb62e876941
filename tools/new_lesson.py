"""Begin a lesson: a source that builds, its checks, their cases, and its line in the README.

python -m tools.new_lesson 12_name     (make new LESSON=12_name)
"""

import re
import sys
from pathlib import Path

from course_utils import files
from tools import lessons

SCAFFOLD = Path(__file__).with_name("scaffold")
NAME = re.compile(r"[0-9]{2}_[a-z0-9]+(?:_[a-z0-9]+)*")
MADE = {  # file of the scaffold: what it becomes
    "lesson.py.txt": "solutions/NN_NAME.py",
    "checks.py.txt": "course_utils/checks/lesson_NN.py",
    "cases.py.txt": "tests/check_cases/lesson_NN.py",
}


def create(name: str, root: Path = lessons.ROOT) -> list[Path]:
    """Write the files of a new lesson, "12_name", and return them.

    Raises ValueError, with a sentence, for a name that is none and a number that is taken; then
    nothing was written.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a lesson: two digits, then words in small letters, for "
            "instance 12_name."
        )
    number, words = name.split("_", 1)
    taken = [path.stem for path in lessons.sources(root) if path.stem.startswith(f"{number}_")]
    if taken:
        raise ValueError(f"The number {number} is taken by {taken[0]}.")
    title = words.replace("_", " ").capitalize()
    targets = {
        SCAFFOLD / kept: Path(root) / new.replace("NN_NAME", name).replace("NN", number)
        for kept, new in MADE.items()
    }
    for target in targets.values():
        if target.exists():
            raise ValueError(f"{target.relative_to(root).as_posix()} is there already.")
    for kept, target in targets.items():
        text = kept.read_text(encoding="utf-8").replace("NN", number).replace("TITLE", title)
        files.write(target, text)
    lessons.write_table(root)
    return list(targets.values())


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Name the lesson: python -m tools.new_lesson 12_name")
    try:
        for path in create(sys.argv[1]):
            print(path.relative_to(lessons.ROOT).as_posix())
    except ValueError as error:
        sys.exit(str(error))
    print(
        f"Build it: python -m tools.lessons {sys.argv[1][:2]}; docs/writing_lessons.md says more."
    )


if __name__ == "__main__":
    main()
