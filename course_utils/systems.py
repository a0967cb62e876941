"""The systems of the course, read from `systems.toml`: the one place that lists them."""

import tomllib
from pathlib import Path
from typing import NamedTuple


class System(NamedTuple):
    """One published system as this course rebuilds it; every field is text."""

    key: str  # "S0"
    lesson: str  # "02_mse_regression"
    report: str  # its authors
    title: str  # of the report
    network: str  # in words
    checkpoint: str  # the name of its file among the checkpoints
    color: str  # of its line in figures, "#rrggbb"


def _read() -> dict[str, System]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {key: System(key, **fields) for key, fields in tomllib.loads(text).items()}


SYSTEMS: dict[str, System] = _read()  # by key, in the order of their lessons


def of_checkpoint(name: str) -> System | None:
    """The system whose checkpoint has this name, or None: a reader's own file has none.

    >>> of_checkpoint("02_mse_regression").key, of_checkpoint("mine")
    ('S0', None)
    """
    return next((s for s in SYSTEMS.values() if s.checkpoint == name), None)
