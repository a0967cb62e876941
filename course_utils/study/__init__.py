"""Questions to people, asked with a mouse, and what their answers are worth.

`asking` shows pictures and keeps and counts the answers, `power` says how many are needed.
"""

from course_utils.study.asking import (
    NATURAL,
    REAL,
    TRUTH,
    Question,
    answers,
    ask,
    shares,
    table,
)
from course_utils.study.power import alike, audience, design_effect, needed

__all__ = [
    "NATURAL",
    "REAL",
    "TRUTH",
    "Question",
    "alike",
    "answers",
    "ask",
    "audience",
    "design_effect",
    "needed",
    "shares",
    "table",
]
