"""One function per exercise: it tries an answer on hidden inputs and says what is wrong with it.

One module a lesson: `from course_utils.checks import lesson_05 as checks`. The harness of all of
them is `compare`, which raises `CheckFailed` only under nbgrader, or with COURSE_STRICT=1. `chosen`
lets a later cell use an answer that passes.
"""

from course_utils.checks.compare import CheckFailed, chosen, compare

__all__ = ["CheckFailed", "chosen", "compare"]
