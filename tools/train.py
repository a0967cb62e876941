"""Run a lesson's code as one script under the `full` profile: its experiments and its checkpoint.

    python -m tools.train 02           (make train LESSON=02)

What it writes: `course_utils/results/*.json`, `course_utils/checkpoints/*`, and working files under
`build/train`, from which an interrupted run goes on. Needs photographs; see `experiments.shared`.
"""

import os
import sys

from tools.lessons import read_source, sources


def script(path):
    """The code cells of a lesson's source, each under the line number it has in that file."""
    text = path.read_text().splitlines()
    start = 0
    for cell in read_source(path).cells:
        if cell.cell_type != "code":
            continue
        first = cell.source.splitlines()[0]
        start = text.index(first, start)
        yield "\n" * start + cell.source
        start += len(cell.source.splitlines())


def main():
    os.environ["COURSE_PROFILE"] = "full"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import matplotlib

    matplotlib.use("Agg")
    wanted = sys.argv[1:]
    chosen = [path for path in sources() if path.stem[:2] in wanted or path.stem in wanted]
    if not chosen:
        sys.exit(f"Name a lesson: {', '.join(path.stem[:2] for path in sources())}.")
    for path in chosen:
        from course_utils import course

        space = {"__name__": "__main__", "session": course.start(path.stem)}
        for code in script(path):
            exec(compile(code, path.name, "exec"), space)


if __name__ == "__main__":
    main()
