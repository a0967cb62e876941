"""Experiments at toy size: run, killed, and held against what is stored."""

import pytest

from course_utils import batches, course
from experiments.runner import Run

ADDED = {"command", "versions", "identity"}  # by the runner


class Killed(Exception):
    pass


def killed_in(patch, number):
    """Training dies when it asks for this epoch for the first time."""
    whole = batches.keras_dataset

    def dataset(*arguments, **options):
        if arguments[3] == number:
            raise Killed
        return whole(*arguments, **options)

    patch.setattr(batches, "keras_dataset", dataset)


def untimed(result):
    """A result without what two runs cannot share."""
    if not isinstance(result.get("rows"), list):
        return result
    return result | {"rows": [row | {"minutes": 0} for row in result["rows"]]}


def survives(experiment, tmp_path, **toy):
    """The result of a run, which equals that of one that was killed in its second epoch."""
    whole = experiment(Run(tmp_path / "whole"), **toy)
    with pytest.MonkeyPatch.context() as patch:
        killed_in(patch, 1)
        with pytest.raises(Killed):
            experiment(Run(tmp_path / "killed"), **toy)
    assert list((tmp_path / "killed").rglob("epoch_001.npz")), "nothing to go on with"
    assert untimed(experiment(Run(tmp_path / "killed"), **toy)) == untimed(whole)
    return whole


def same_form(result, name):
    """A result has the keys of the stored one, and its rows too."""
    stored = course.result(name)
    assert set(result) == set(stored) - ADDED
    if isinstance(result.get("rows"), list):
        assert set(result["rows"][-1]) == set(stored["rows"][-1])
