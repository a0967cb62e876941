"""Lesson 06: what a discriminator beside L1 buys and costs, where the truth is known.

`paintbox` compares L1 alone with L1 and a discriminator on scenes. The shipped network is made by
`trainings` and `checkpoints`, with a discriminator and without.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import batches, course, metrics, paintbox, progress, training
from experiments import experiment, lesson
from experiments.runner import Run

L = lesson("06")

Rows = list[dict[str, Any]]


def device() -> str:
    """Where experiments train, as the course decides it."""
    return course.device(course.profile())[0]


def half_precision() -> AbstractContextManager:
    """Arithmetic in bfloat16, weights in float32; no copy of them is kept in a step."""
    import torch

    return torch.autocast(device(), torch.bfloat16, cache_enabled=False)


# A training that can be interrupted.


def adversary(D: Any, lam: float, rate: float) -> Any:
    """The lesson's callback, which also counts how often D is right."""
    import torch

    class Counting(L.Adversary):
        def __init__(self) -> None:
            super().__init__(D, lam=lam, rate=rate)
            self.hits: list[float] = []

        def after_pred(self) -> None:
            with torch.no_grad():
                real, fake = (
                    self.D(torch.cat([self.x, ab], 1)) for ab in (self.y, self.pred.detach())
                )
            self.hits.append(float(((real > 0).float().mean() + (fake < 0).float().mean()) / 2))
            super().after_pred()

    return Counting()


def learner(G: Any, loss: Any, played: Any = None) -> Any:
    """fastai's Learner around a generator; its pictures come with each epoch."""
    from fastai.data.core import DataLoaders

    made = L.learner(G, DataLoaders(), loss, played)
    made.create_opt()
    return made


def adversaries(made: Any) -> list[Any]:
    """The callbacks of a learner that play a discriminator: one, or none."""
    return [cb for cb in made.cbs if isinstance(cb, L.Adversary)]


def one_epoch(made: Any, dls: Any, rate: float) -> dict[str, float]:
    """A row: L1, what D and G paid, and how often D was right, as means."""
    made.dls, begun = dls, time.monotonic()
    with made.no_bar(), made.no_logging():
        made.fit(1, lr=rate)
    row = {"loss": float(made.recorder.log[1])}
    for cb in adversaries(made):
        paid = np.mean(cb.paid, axis=0)
        row |= {"D": float(paid[0]), "hits": float(np.mean(cb.hits)), "G": float(paid[1])}
        cb.paid.clear()
        cb.hits.clear()
    return row | {"minutes": round((time.monotonic() - begun) / 60, 2)}


def belongs_to(made: Any, epoch: Any, epochs: int, rate: Any, seed: int) -> dict[str, Any]:
    """What a kept state of this training belongs to: training of anything else refuses it."""
    first = [x.cpu() for x in epoch(0).train.one_batch()]
    start = [weights.detach().cpu() for weights in made.model.parameters()]
    about: dict[str, Any] = {"loss": made.loss_func.__name__, "epochs": epochs, "seed": seed}
    about |= {"data": training.fingerprint(*first), "start": training.fingerprint(*start)}
    about |= {"rates": [rate(number) for number in range(epochs)]}
    for cb in adversaries(made):
        about |= {"adversary": [cb.form.__name__, cb.lam, cb.adam.param_groups[0]["lr"]]}
    return about


def learn(
    made: Any,
    epoch: Callable[[int], Any],
    epochs: int,
    rate: Callable[[int], float],
    folder: Path | None = None,
    seed: int = course.SEED,
) -> Rows:
    """A row for each epoch; `epoch` gives an epoch's DataLoaders, `rate` its learning rate."""
    import torch

    parts = {"G": made.model, "adam_G": made.opt}
    for cb in adversaries(made):
        parts |= {"D": cb.D, "adam_D": cb.adam}
    about = belongs_to(made, epoch, epochs, rate, seed) if folder else {}
    rows = training.restore_torch(folder, about, **parts)  # a run that was interrupted goes on
    for number in progress.bar(range(len(rows), epochs), "epochs"):
        torch.manual_seed(1000 * seed + number)  # D's grain goes on as if never interrupted
        rows.append({"epoch": number + 1} | one_epoch(made, epoch(number), rate(number)))
        training.keep_torch(folder, rows, about, **parts)
    return rows


# Paintbox: what is measured of an object.

KINDS = ("balloon", "field", "roof", "sail")  # what draws its color from a palette
PALETTES = [np.array(paintbox.palette(kind)) for kind in KINDS]  # rows of probability, a, b
SHARES = np.stack([np.pad(colors[:, 0], (0, 4 - len(colors))) for colors in PALETTES])  # (4, 4)
NEAR = 15  # ab units


def objects(scenes: Any, least: float = 0.004) -> list[tuple[int, int, NDArray[Any]]]:
    """[(scene, kind, places inside)] of what shows `least` of the picture; no places on edges."""
    from scipy import ndimage

    found = []
    for number, regions in enumerate(scenes.regions):
        for kind, name in enumerate(KINDS):
            labels, count = ndimage.label(regions == paintbox.NAMES.index(name))  # pyright: ignore
            masks = [labels == label for label in range(1, count + 1)]
            masks = [ndimage.binary_erosion(m) for m in masks if m.mean() >= least]
            found += [(number, kind, np.flatnonzero(mask)) for mask in masks]
    return found


def object_rows(found: list[tuple], ab: NDArray[Any]) -> NDArray[Any]:
    """(objects, 5): scene, kind, distance to the nearest palette color, which, spread inside."""
    rows = []
    for number, kind, places in found:
        inside = ab[number].reshape(-1, 2)[places]  # (pixels, 2)
        middle = inside.mean(0)
        away = np.hypot(*(PALETTES[kind][:, 1:] - middle).T)  # (colors,)
        spread = np.sqrt(((inside - middle) ** 2).sum(1).mean())
        rows.append((number, kind, away.min(), away.argmin(), spread))
    return np.array(rows)


def choices(rows: NDArray[Any], n: int) -> NDArray[Any]:
    """How often each scene's objects were nearest to each color of their palette, (n, 4, 4)."""
    table = np.zeros((n, 4, 4))
    np.add.at(table, tuple(rows[:, [0, 1, 3]].astype(int).T), 1)
    return table


def variation(tables: NDArray[Any]) -> NDArray[Any]:
    """Total variation of shares chosen from the palettes', mean of four kinds; (…, n, 4, 4)."""
    total = tables.sum(-3)  # (…, kinds, colors)
    shares = total / np.maximum(total.sum(-1, keepdims=True), 1)
    return np.abs(shares - SHARES).sum(-1).mean(-1) / 2


def variation_interval(tables: NDArray[Any], n_resamples: int = 1000) -> list[float]:
    """[mean over seeds, low, high] for tables (seeds, n, 4, 4), scenes drawn anew."""
    rng, n = np.random.default_rng(1), tables.shape[1]
    draws = [variation(tables[:, rng.integers(n, size=n)]).mean() for _ in range(n_resamples)]
    return [float(variation(tables).mean()), *map(float, np.percentile(draws, [2.5, 97.5]))]


def arm_scores(scenes: Any, hats: list[NDArray[Any]]) -> dict[str, list[float]]:
    """What the lesson says of ab (N, H, W, 2), one for every seed: each [mean, low, high]."""
    found, n = objects(scenes), len(scenes)
    rows = [object_rows(found, ab) for ab in hats]
    scene, away, spread = np.concatenate(rows)[:, [0, 2, 4]].T
    near = metrics.bootstrap(away < NEAR, clusters=scene)
    tables = np.stack([choices(part, n) for part in rows])  # (seeds, n, 4, 4)
    errors = [np.abs(ab - scenes.ab).mean((1, 2, 3)) for ab in hats]
    squares = [np.square(ab - scenes.ab).mean((1, 2, 3)) for ab in hats]
    each = np.tile(np.arange(n), len(hats))
    both = [metrics.bootstrap(np.concatenate(x), clusters=each) for x in (errors, squares)]
    said: dict[str, Any] = {"near": near, "spread": metrics.bootstrap(spread, clusters=scene)}
    said |= {"variation": variation_interval(tables), "l1": both[0], "mse": both[1]}
    return {name: list(value) for name, value in said.items()}


def exact_rows(scenes: Any) -> dict[str, dict[str, list[float]]]:
    """The rows beside the arms: the truth, other samples, and what each pixel loss asks for."""
    n, size = scenes.L.shape[:2]
    again = [paintbox.sample(n, size, seed=2, draw=draw).ab for draw in range(1, 4)]
    answers = {"the truth": [scenes.ab], "another draw": again}
    answers |= {"exact median": [scenes.median_ab()], "exact mean": [scenes.expected_ab()]}
    return {name: arm_scores(scenes, hats) for name, hats in answers.items()}


# Paintbox: arms with one generator and one budget.

ARMS = {"L1": None, "L1 + GAN": 10.0}  # the weight λ of L1 beside a discriminator
RATE, RATE_OF_D = 5e-4, 2e-4


def scenes_for(source: Any, seed: int, on: str, first: int = 0, batch: int = 4) -> Any:
    """A function of an epoch's number that gives its DataLoaders of painted scenes."""
    held = paintbox.sample(4, 64, seed=3)  # for fastai's validation
    return lambda number: batches.fastai_dataloaders(
        source, held, batch, seed, first + number, device=on
    )


def train_arm(
    lam: float | None,
    seed: int,
    epoch: Any,
    rates: list[float],
    on: str,
    start: Any = None,
    folder: Path | None = None,
) -> tuple[Any, Rows]:
    """A generator from its seed or a start, with an adversary where λ is given; and its rows.

    rates: the generator's, one for every epoch.
    """
    import torch

    torch.manual_seed(seed)
    G = L.compact(16).to(on)
    if start is not None:
        G.load_state_dict(start.state_dict())
    played = None if lam is None else adversary(L.discriminator().to(on), lam, RATE_OF_D)
    made = learner(G, torch.nn.functional.l1_loss, played)
    return G, learn(made, epoch, len(rates), rates.__getitem__, folder, seed)


def two_parts(
    run: Run, lam: float | None, seed: int, scenes: Any, epochs: tuple[int, int]
) -> tuple[Any, Rows]:
    """First L1 alone, then the whole arm: a generator, and a row for every epoch.

    epochs: of both parts. As pix2pix has it, the rate falls in a line in the last half of the
    second. Arms of one seed share the first part: it is found again in the run's folder.
    """
    (alone, together), on, folder = epochs, device(), run.folder / str(seed)
    falling = [RATE * min(1, 2 - 2 * number / together) for number in range(together)]
    begun = [scenes_for(scenes, seed, on, first) for first in (0, alone)]
    with half_precision():
        start, rows = train_arm(None, seed, begun[0], [RATE] * alone, on, folder=folder)
        G, more = train_arm(lam, seed, begun[1], falling, on, start, folder / str(lam))
    return G, rows + more


@experiment("06/paintbox")
def with_and_without(
    run: Run,
    *,
    n: int = 600,
    epochs: tuple[int, int] = (8, 16),
    n_test: int = 150,
    seeds: tuple[int, ...] = (1, 2, 3),
) -> dict[str, Any]:
    """L1 with a discriminator and without, one generator and one budget, from the same seeds."""
    scenes, held = (paintbox.sample(k, 64, seed=s) for k, s in ((n, run.seed), (n_test, 2)))
    about = {"data": "paintbox", "n": n, "n_test": n_test, "size": 64, "seed": run.seed}
    about |= {"seeds": seeds, "epochs": epochs, "floor": paintbox.floors(held)}
    about |= {"exact": exact_rows(held), "arms": {}, "rows": {}}
    for name, lam in ARMS.items():
        runs = [two_parts(run, lam, seed, scenes, epochs) for seed in seeds]
        about["arms"][name] = arm_scores(held, [L.colors_of(G.eval(), held.L) for G, _ in runs])
        about["rows"][name] = [rows for _, rows in runs]
    return about
