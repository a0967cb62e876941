"""Lesson 06: what a discriminator beside L1 buys and costs, where the truth is known, and on Intel.

An arm is three things: a loss over pixels, the weight λ of that loss beside an adversary (None
without one), and the levels on whose way up dropout draws. `paintbox` compares three losses on
scenes; `photographs` compares L1 alone with L1 and a discriminator, from nothing. The shipped
network is made by `trainings` and `checkpoints`.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import batches, color, course, metrics, packing, paintbox, progress, training
from course_utils.colorizer import Colorizer, save_torch
from experiments import data, experiment, identity, lesson
from experiments.judging import judge
from experiments.runner import Run

L = lesson("06")
NAME = "06_pix2pix_gan"

Arm = tuple[str, float | None, tuple[int, ...]]
Rates = tuple[float, float]  # of the generator and of the discriminator
Plan = Iterable[tuple[int, float]]  # size in pixels and learning rate of every epoch
Photographs = NDArray[np.uint8]
Rows = list[dict[str, Any]]


def device() -> str:
    """Where experiments train, as the course decides it."""
    return course.device(course.profile())[0]


def precision(half: bool) -> AbstractContextManager:
    """Arithmetic in bfloat16 if `half`, weights in float32; no copy of them is kept in a step."""
    import torch

    return torch.autocast(device(), torch.bfloat16, enabled=half, cache_enabled=False)


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
    """A row: L1 or MSE, what D and G paid, and how often D was right, as means."""
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
        torch.manual_seed(1000 * seed + number)  # dropout too goes on as if never interrupted
        rows.append({"epoch": number + 1} | one_epoch(made, epoch(number), rate(number)))
        training.keep_torch(folder, rows, about, **parts)
    return rows


# Paintbox: what is measured of an object.

KINDS = ("balloon", "field", "roof", "sail")  # what draws its color from a palette
PALETTES = [np.array(paintbox.palette(kind)) for kind in KINDS]  # rows of probability, a, b
SHARES = np.stack([np.pad(colors[:, 0], (0, 4 - len(colors))) for colors in PALETTES])  # (4, 4)
NEAR = 15  # ab units
SHOWN = (3, 8)  # scenes whose predicted colors are stored


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

ARMS: dict[str, Arm] = {
    "L1": ("l1_loss", None, ()),
    "MSE": ("mse_loss", None, ()),
    "L1 + GAN": ("l1_loss", 10, ()),
}
NOISY: Arm = ("l1_loss", 10, (3, 4))  # the same with the published noise
RATES: Rates = (5e-4, 2e-4)


def scenes_for(source: Any, seed: int, on: str, first: int = 0, batch: int = 4) -> Any:
    """A function of an epoch's number that gives its DataLoaders of painted scenes."""
    held = paintbox.sample(4, 64, seed=3)  # for fastai's validation
    return lambda number: batches.fastai_dataloaders(
        source, held, batch, seed, first + number, device=on
    )


def train_arm(
    arm: tuple,
    seed: int,
    epoch: Any,
    epochs: int,
    on: str,
    start: Any = None,
    folder: Path | None = None,
    rates: Rates = RATES,
) -> tuple[Any, Rows]:
    """A generator from its seed or a start, with an adversary where λ is given; and its rows."""
    import torch

    loss, lam, noisy = arm
    torch.manual_seed(seed)
    G = L.compact(16, noisy).to(on)
    if start is not None:
        G.load_state_dict(start.state_dict())
    played = None if lam is None else adversary(L.discriminator().to(on), lam, rates[1])
    return G, learn(learner(G, loss, played), epoch, epochs, lambda _: rates[0], folder, seed)


def two_parts(
    run: Run,
    arm: Arm,
    seed: int,
    scenes: Any,
    epochs: tuple[int, int],
    half: bool,
    rates: Rates = RATES,
) -> tuple[Any, Rows]:
    """First the pixel loss alone, then the whole arm: a generator, and a row for every epoch.

    epochs: of both parts. Arms of one loss, seed and noise share the first part: it is trained once
    and found again in the run's folder.
    """
    from torch.nn import functional

    loss, lam, noisy = arm
    form, (alone, together), on = getattr(functional, loss), epochs, device()
    folder = run.folder / f"{loss}{len(noisy)}_{seed}"
    later = folder / f"{lam}_{rates[1]}"
    with precision(half):
        begun = [scenes_for(scenes, seed, on, first) for first in (0, alone)]
        plain = form, None, noisy
        start, rows = train_arm(plain, seed, begun[0], alone, on, folder=folder)
        whole = form, lam, noisy
        G, more = train_arm(whole, seed, begun[1], together, on, start, later, rates)
    return G, rows + more


def predicted(G: Any, scenes: Any) -> NDArray[np.float32]:
    """ab (N, H, W, 2) of a generator as it is used, without dropout."""
    return L.colors_of(G.eval(), scenes.L)


@experiment("06/paintbox")
def three_losses(
    run: Run,
    *,
    n: int = 600,
    epochs: tuple = (8, 16),
    n_test: int = 150,
    seeds: tuple = (1, 2, 3),
    half: bool = True,
) -> dict[str, Any]:
    """Three losses with one generator and one budget, from the same seeds; and dropout as noise."""
    scenes, held = (paintbox.sample(k, 64, seed=s) for k, s in ((n, run.seed), (n_test, 2)))
    about = {"data": "paintbox", "n": n, "n_test": n_test, "size": 64, "seed": run.seed}
    about |= {"seeds": seeds, "epochs": epochs, "floor": paintbox.floors(held)}
    about |= {"exact": exact_rows(held), "arms": {}, "rows": {}, "pictures": {}}
    for name, arm in ARMS.items():
        runs = [two_parts(run, arm, seed, scenes, epochs, half) for seed in seeds]
        hats = [predicted(G, held) for G, _ in runs]
        about["arms"][name] = arm_scores(held, hats)
        about["rows"][name] = [rows for _, rows in runs]
        about["pictures"][name] = [packing.pack(hats[0][i]) for i in SHOWN]
    G, _ = two_parts(run, NOISY, seeds[0], scenes, epochs, half)
    return about | {"noise": noise(held, G)}


def awake(G: Any) -> Any:
    """A generator in use whose dropout goes on drawing: the noise z."""
    from torch import nn

    for part in G.eval().modules():
        part.train(isinstance(part, nn.Dropout))
    return G


def movement(found: list[tuple], hats: list[NDArray[np.float32]]) -> list[float]:
    """How far the mean color of an object lies from its own mean over draws: [mean, low, high].

    found: `objects` of the scenes. hats: one ab (N, H, W, 2) for every draw.
    """
    away = []
    for number, _, places in found:
        draws = np.stack([ab[number].reshape(-1, 2)[places].mean(0) for ab in hats])  # (draws, 2)
        away.append(np.hypot(*(draws - draws.mean(0)).T).mean())
    return list(metrics.bootstrap(away, clusters=[number for number, *_ in found]))


def noise(scenes: Any, G: Any, draws: int = 8) -> dict[str, Any]:
    """What dropout does: how far it moves colors of objects, and the scores without it."""
    n, size = scenes.L.shape[:2]
    found, quiet = objects(scenes), arm_scores(scenes, [predicted(G, scenes)])
    moved = [L.colors_of(awake(G), scenes.L) for _ in range(draws)]
    drawn = [paintbox.sample(n, size, seed=2, draw=draw).ab for draw in range(draws)]
    return {
        "dropout": movement(found, moved),
        "the world": movement(found, drawn),
        "scores": quiet,
    }


# Photographs: the same start, then as many epochs with a discriminator and without.

SHARED = ((64, 1e-3),) * 6 + ((64, 3e-4),) * 2
APART = ((96, 3e-4),) * 3 + ((96, 1e-4),) * 2
LAMBDA = 100  # the published weight
HELD_OUT = 64  # photographs of the training split that fastai judges after each epoch
Sized = dict[int, Photographs]  # {size: photographs (N, size, size, 3)}
Trained = tuple[Any, Rows]  # a generator and its rows


def photo_arm(
    run: Run, folder: Path, rgb: Sized, plan: Plan, played: Any = None, start: Any = None
) -> Trained:
    """A generator of 32 filters and the published dropout, trained on photographs as planned."""
    import torch

    plan, on = list(plan), device()
    torch.manual_seed(run.seed)
    G = L.compact(32, noisy=(3, 4)).to(on)
    if start is not None:
        G.load_state_dict(start.state_dict())

    def epoch(number: int) -> Any:
        x = rgb[plan[number][0]]
        given = x[HELD_OUT:], x[:HELD_OUT], 16, run.seed, number
        return batches.fastai_dataloaders(*given, device=on)

    made = learner(G, torch.nn.functional.l1_loss, played)
    rate = [rate for _, rate in plan].__getitem__
    return G, learn(made, epoch, len(plan), rate, folder, run.seed)


def photo_arms(run: Run, folder: Path, rgb: Sized, shared: Plan, apart: Plan) -> dict[str, Trained]:
    """{arm: (generator, rows)}: a common start, and what follows it without a D and with one."""
    import torch

    with precision(half=True):
        start = photo_arm(run, folder / "shared", rgb, shared)
        plain = photo_arm(run, folder / "l1", rgb, apart, start=start[0])
        torch.manual_seed(run.seed)
        played = adversary(L.discriminator().to(device()), LAMBDA, RATES[1])
        judged = photo_arm(run, folder / "gan", rgb, apart, played, start[0])
    return {"shared start": start, "L1": plain, "L1 + GAN": judged}


def export(path: Path, G: Any, size: int) -> Colorizer:
    """A generator as a colorizer: the file from L to ab, opened; it is not shipped."""
    about: dict[str, Any] = {"lesson": NAME, "architecture": "pix2pix U-Net, compact", "loss": ""}
    about |= {"data": "", "data_licence": "", "licence": "MIT", "metrics": []}
    about |= {"profile": course.profile()}
    options: dict[str, Any] = {"scale": color.AB_SCALE, "multiple": 2**L.LEVELS, "size": size}
    return Colorizer.load(save_torch(G.eval(), path, seed=course.SEED, **options, **about))


@experiment("06/photographs", photographs=("intel", "photos"))
def two_arms(run: Run, *, shared: tuple = SHARED, apart: tuple = APART) -> dict[str, Any]:
    """L1 alone against L1 and a discriminator, on the same photographs, judged from their files."""
    sizes = sorted({size for plan in (shared, apart) for size, _ in plan})
    rgb = {size: data.photographs(size) for size in sizes}
    folder, size = run.folder / f"arms_{identity.code(photo_arms)}", apart[-1][0]
    arms = photo_arms(run, folder, rgb, shared, apart)
    models = {arm: export(folder / f"{i}.onnx", arms[arm][0], size) for i, arm in enumerate(arms)}
    judged = judge(data.judged_photographs(), {k: model.colorize for k, model in models.items()})
    return judged | {
        "n": len(rgb[sizes[0]]) - HELD_OUT,
        "size": size,
        "seed": run.seed,
        "plan": [shared, apart],
        "lambda": LAMBDA,
        "rows": {arm: rows for arm, (_, rows) in arms.items()},
    }
