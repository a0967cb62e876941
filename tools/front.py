"""What the builder writes at the top of a lesson: its front matter and its setup cell."""

from tools.minutes import Minutes


def front_matter(
    name: str, course: dict, address: str, whole: Minutes, path: Minutes | None
) -> str:
    """The first cell of a lesson, made from the metadata of its source and its minutes.

    path: those without what is marked optional, None where nothing is.
    """
    colab = address.replace("https://github.com/", "https://colab.research.google.com/github/")
    link = f"{colab}/blob/main/notebooks/{name}.ipynb"
    short = f"; {sum(path)} minutes without what is marked optional" if path else ""
    return "\n".join(
        [
            f"# {name[:2]} · {course['title']}",
            "",
            f"**{course['question']}**",
            "",
            f"[Open this lesson in Colab]({link})",  # a badge would be a broken picture offline
            "",
            "After this lesson you can",
            "",
            *(f"- {objective}" for objective in course["objectives"]),
            "",
            f"**Before you start:** {course['prerequisites']}",
            "",
            f"**Time:** {sum(whole)} minutes (reading {whole.reading}, code {whole.code}, "
            f"exercises {whole.exercises}, running {whole.running}){short}",
            "",
            f"**Data:** {course['data']}",
            "",
            f"**Licence:** {course['licence']}",
        ]
    )


def setup_code(name: str, extras: list[str], address: str) -> str:
    """The first code cell: silent where the course is installed, else installs what is missing."""
    package = f"color-from-gray[{','.join(extras)}]" if extras else "color-from-gray"
    return f'''import importlib.util
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("course_utils") is None:  # no `make lab` here: Colab, or one file
    from IPython.core.error import UsageError

    clone, source = Path.cwd().parent, "git+{address}"
    if (clone / "course_utils").is_dir():
        source = clone.as_uri()
    pip = [sys.executable, "-m", "pip", "install", "-q", f"{package} @ {{source}}"]
    if subprocess.run(pip, capture_output=True).returncode:
        raise UsageError("The course is not installed; offline, run `make lab` in a copy of it.")
    importlib.invalidate_caches()

from course_utils import course

session = course.start("{name}")'''
