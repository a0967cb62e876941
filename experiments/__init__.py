"""Experiments of the maintainers: hours of work, so that a lesson can quote a number.

One module a lesson, run by name: `make experiment NAME=02/targets`. `runner` keeps the state and
the result of each, `identity` says what a result was measured with, `stale` what no longer holds.
"""

from experiments.exports import lesson
from experiments.runner import experiment

__all__ = ["experiment", "lesson"]
