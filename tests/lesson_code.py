"""Run a lesson's code as `make train` does, at the size of a test; run single cells of it again."""

import os
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tools.lessons import sources
from tools.train import script


def source(number):
    """The file of a lesson, "02" for instance."""
    return next(path for path in sources() if path.stem.startswith(number))


def ran(path, folder):
    """Yield the names that a lesson leaves behind when it is run under the ci profile.

    folder: an empty one to run in, for what a lesson writes beside itself.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "ci")
        patch.setitem(os.environ, "TF_CPP_MIN_LOG_LEVEL", "2")
        patch.setattr("course_utils.plots.show", lambda fig, alt: plt.close(fig))
        patch.chdir(folder)
        space = {"__name__": "lesson", "_source": path}
        for code in script(path):
            exec(compile(code, path.name, "exec"), space)
        yield space


def cell(path, words):
    """The one code cell that holds these words."""
    found = [code for code in script(path) if words in code]
    assert len(found) == 1, f"{len(found)} cells hold {words!r}"
    return found[0]


def run_cell(lesson, words, **changes):
    """Run that cell with some names replaced; the lesson's own names stay as they are."""
    path = lesson["_source"]
    exec(compile(cell(path, words), path.name, "exec"), lesson | changes)


def fails(lesson, words, **changes):
    """The cell holds as it stands, and its assertion fails with these names replaced."""
    run_cell(lesson, words)
    with pytest.raises(AssertionError):
        run_cell(lesson, words, **changes)


def other(module, **names):
    """A module with some of its names replaced."""
    return SimpleNamespace(**vars(module) | names)


def noise(n, size, seed=6):
    """Photographs of noise, uint8 (n, size, size, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)
