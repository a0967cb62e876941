"""What follows from a board's values: names, order, and tests in pairs.

A board is what `measuring.measure` returns and `boards.stored` reads. Everything here is computed
from its values of single photographs and scenes, and from nothing else.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import course, metrics, systems
from course_utils.metrics import METRICS

RESAMPLES = 10_000
# What networks say of sets of pictures: keys of a board, and the titles of their columns.
JUDGES = {"frechet": "Fréchet", "frechet_lite0": "Fréchet Lite0", "class_score": "class score"}
RANKED = [key for key, metric in METRICS.items() if metric.better]


def short(name: str) -> str:
    """What figures call a colorizer: "S0" for "02_mse_regression", other names as they are."""
    system = systems.of_checkpoint(name)
    return system.key if system else name


def label(name: str) -> str:
    """The row's name in a table: "S0 (lesson 02)" for a shipped colorizer."""
    system = systems.of_checkpoint(name)
    return f"{system.key} (lesson {system.lesson[:2]})" if system else name


def values(board: dict[str, Any], name: str, key: str) -> NDArray[np.float64]:
    """A metric's values (N,) of one row; key: of METRICS."""
    return np.array(board["photographs"][name][key])


def compared(board: dict[str, Any]) -> list[str]:
    """The names that are compared in pairs: gray, and every colorizer."""
    return ["gray"] * ("gray" in board["photographs"]) + list(board["trained_on"])


def ordered(board: dict[str, Any]) -> list[str]:
    """All names of a board: references first, then ceilings, then colorizers."""
    names = [*board["photographs"], *(n for n in board["scenes"] if n not in board["photographs"])]
    return sorted(names, key=lambda name: (name in board["trained_on"], "ceiling" in name))


def pairs(
    board: dict[str, Any], key: str, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Paired tests of all pairs on one measure: a list of dicts, the largest lead first.

    names: who is compared, `compared(board)` if None.

    "first" and "second": names, the better one first. "lead": [mean, low, high] of how much better
    it is, always counted so that more is better, with a 95 % interval for this pair alone. "p":
    twice the share of resampled means on the other side of 0, at least 1 / RESAMPLES. "holm":
    whether the pair stays when all pairs are held to 5 % together.
    Photographs are drawn with replacement, the same draw for all pairs.
    """
    names = compared(board) if names is None else names
    x = np.stack(
        [METRICS[key].better * values(board, name, key) for name in names], -1
    )  # (N, names)
    rng, n = np.random.default_rng(course.SEED), len(x)
    drawn = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n  # (RESAMPLES, N), weights
    means, resampled = x.mean(0), drawn @ x
    best_first = np.argsort(-means, kind="stable")
    found = []
    for place, a in enumerate(best_first):
        for b in best_first[place + 1 :]:
            lead = resampled[:, a] - resampled[:, b]
            interval = [means[a] - means[b], *np.percentile(lead, [2.5, 97.5])]
            p = 2 * min((lead <= 0).mean(), (lead >= 0).mean())
            found.append(
                {"first": names[a], "second": names[b], "lead": list(map(float, interval))}
            )
            found[-1]["p"] = float(np.clip(p, 1 / RESAMPLES, 1))
    for pair, stays in zip(found, metrics.holm([pair["p"] for pair in found]), strict=True):
        pair["holm"] = bool(stays)
    return sorted(found, key=lambda pair: -pair["lead"][0])
