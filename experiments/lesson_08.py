"""The experiments of lesson 08: rooms of simulated people, failures counted."""

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils import color, leaderboard, metrics, progress
from course_utils import old_photographs as old
from course_utils.colorizer import Colorizer
from experiments import experiment
from experiments.data import JUDGED_ON, judged_photographs
from experiments.leaderboard import NAMES
from experiments.runner import Run

Photographs = NDArray[np.uint8]
Rows = list[list[float]]


# Rooms of simulated people.

# How much people and pictures differ: standard deviations of their bias and their ease.
CROWDS: dict[str, tuple[float, float]] = {
    "all alike": (0, 0),
    "people differ": (0.5, 0),
    "both differ": (0.5, 1.0),
}


@experiment("08/study_power")
def study_power(
    run: Run, *, audiences: int = 400, rate: float = 0.896, persons: int = 20, pictures: int = 100
) -> dict[str, Any]:
    """Count how often four intervals of a rate hold the truth, in simulated rooms."""
    about = {"data": f"simulated: {persons} people, {pictures} pictures, true rate {rate}"}
    about |= {"n": audiences, "size": 0, "seed": 0, "rate": rate}
    found = {}
    for crowd, spread in progress.bar(CROWDS.items(), "crowds"):
        found[crowd] = coverage(rate, persons, pictures, spread, audiences)
    return about | {"coverage": found}


def coverage(
    rate: float, persons: int, pictures: int, spread: tuple[float, float], audiences: int
) -> dict[str, list[float]]:
    """How often each interval holds the true rate, and its mean width: {name: [share, width]}."""
    held: dict[str, list] = {}
    for seed in range(audiences):
        said = audience(rate, persons, pictures, *spread, seed)
        for name, (low, high) in intervals(said).items():
            held.setdefault(name, []).append((low <= rate <= high, high - low))
    return {name: np.mean(x, axis=0).round(4).tolist() for name, x in held.items()}


def audience(
    rate: float,
    persons: int,
    pictures: int,
    person_sd: float = 0.0,
    picture_sd: float = 0.0,
    seed: int = 1,
) -> NDArray[np.bool_]:
    """Simulated answers, bool (persons, pictures): the truth behind them is `rate`, exactly.

    Person i says yes to picture j when m + a_i + b_j + e_ij > 0, with normal a (the person's
    bias, of standard deviation person_sd), b (the picture's ease, picture_sd) and e (1). m is
    such that a person and a picture drawn at random give `rate`. It tests statistics; nobody
    was asked.
    """
    rng = np.random.default_rng(seed)
    m = NormalDist().inv_cdf(rate) * np.sqrt(1 + person_sd**2 + picture_sd**2)
    bias = person_sd * rng.standard_normal((persons, 1))
    ease = picture_sd * rng.standard_normal((1, pictures))
    return m + bias + ease + rng.standard_normal((persons, pictures)) > 0


def intervals(said: NDArray[np.bool_], n_resamples: int = 400) -> dict[str, tuple[float, ...]]:
    """Four 95 % intervals (low, high) of the rate in answers (persons, pictures)."""
    person, picture = (x.ravel() for x in np.indices(said.shape))
    y = said.ravel()
    return {
        "Wilson, as if independent": metrics.wilson(y.sum(), y.size),
        "whole pictures drawn": metrics.bootstrap(y, n_resamples, clusters=picture)[1:],
        "whole people drawn": metrics.bootstrap(y, n_resamples, clusters=person)[1:],
        "both drawn": metrics.crossed(y, person, picture, n_resamples)[1:],
    }


# Old, red, dark and tiny photographs.

LANCZOS = Image.Resampling.LANCZOS
MENDED = "faded, stretched"
HARD: dict[str, Callable[[Photographs], Photographs]] = {
    "four stops darker": lambda rgb: np.round(255 * old.darken(rgb, 4)).astype(np.uint8),
    "32 pixels": lambda rgb: np.asarray(Image.fromarray(rgb).resize((32, 32), LANCZOS)),
    "16 pixels": lambda rgb: np.asarray(Image.fromarray(rgb).resize((16, 16), LANCZOS)),
}


@experiment("08/gallery", photographs=("intel",), models=NAMES)
def gallery(run: Run, *, n: int = 120, size: int = 150) -> dict[str, Any]:
    """Measure what old, red, dark and tiny pictures cost every shipped colorizer."""
    rgb = judged_photographs(size)[:n]
    seen = old_Ls(rgb)
    gray = {"as they are": [mean_chroma(x) for x in rgb]}
    gray |= {name: [mean_chroma(change(x)) for x in rgb] for name, change in HARD.items()}
    systems = {}
    for name, model in leaderboard.shipped().items():
        aged, hard = made_old(model, rgb, seen), made_hard(model, rgb)
        systems[leaderboard.short(name)] = summary(aged, hard, gray)
    return {"data": JUDGED_ON, "n": n, "size": size, "seed": 0, "systems": systems}


def mean_chroma(rgb: Photographs) -> float:
    """Mean length of ab: the distance of a gray picture from it."""
    return float(np.hypot(*np.moveaxis(color.ab(rgb), -1, 0)).mean())


def on_true_L(model: Colorizer, rgb: Photographs, seen: NDArray[np.float32]) -> list[float]:
    """A model's ab for the L that it saw, on the true L of the photograph: how wrong, how colorful.

    Mean distance in ab, ΔE00, colorfulness. seen: L (H, W, 1).
    """
    L, ab = color.split(color.rgb_to_lab(rgb))
    ab_hat = model.ab_for(seen)  # (H, W, 2)
    hat = color.with_ab(L, ab_hat)
    distance = np.hypot(*np.moveaxis(ab - ab_hat, -1, 0)).mean()
    measured = distance, metrics.delta_e(rgb / np.float32(255), hat), metrics.colorfulness(hat)
    return [round(float(x), 4) for x in measured]


def old_Ls(rgb: Any) -> dict[str, list[NDArray[np.float32]]]:
    """{kind: the L (H, W, 1) of each photograph made old}, and of the faded ones stretched."""
    seen = {}
    for kind in progress.bar(old.KINDS, "old photographs"):
        seen[kind] = [old.to_L(old.scan(x, kind, seed=i)) for i, x in enumerate(rgb)]
    return seen | {MENDED: [old.stretch(L) for L in seen["faded"]]}


def made_old(model: Colorizer, rgb: Any, seen: dict[str, list]) -> dict[str, Rows]:
    """{kind: a row of `on_true_L` for each photograph}."""
    rows = {}
    for kind, Ls in seen.items():
        pairs = progress.bar(list(zip(rgb, Ls, strict=True)), kind)
        rows[kind] = [on_true_L(model, *pair) for pair in pairs]
    return rows


def made_hard(model: Colorizer, rgb: Any) -> dict[str, Rows]:
    """{condition: a row of `on_true_L` for each photograph}; the truth is dark or tiny as well."""
    rows = {}
    for condition, change in HARD.items():
        changed = progress.bar([change(x) for x in rgb], condition)
        rows[condition] = [on_true_L(model, x, color.L(x)) for x in changed]
    return rows


def interval(values: Any) -> list[float]:
    """Mean, low and high of a bootstrap, with four digits."""
    return [round(x, 4) for x in metrics.bootstrap(values)]


def summary(
    aged: dict[str, Rows], hard: dict[str, Rows], gray: dict[str, list[float]]
) -> dict[str, Any]:
    """Means with intervals, paired by photograph. gray: {condition: its distances}."""
    table: dict[str, Any] = {"old": {}, "hard": {}}
    keys = ("ab", "delta_e", "colorfulness")
    clean = np.array(aged["clean"])  # (N, 3)
    for kind, found in aged.items():
        row = dict(zip(keys, map(interval, np.array(found).T), strict=True))
        more = zip(keys, (found - clean).T, strict=True)
        row |= {f"more {key}": interval(x) for key, x in more}
        over = np.array(found)[:, 0] - gray["as they are"]
        table["old"][kind] = row | {"over gray": interval(over)}
    for condition, found in ({"as they are": aged["clean"]} | hard).items():
        blank = np.array(gray[condition])
        table["hard"][condition] = interval((blank - np.array(found)[:, 0]) / blank.mean())
    return table
