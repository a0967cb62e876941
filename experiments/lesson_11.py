"""Experiments of lesson 11, on scenes of 64 px: hints, color queries, flow matching.

`hints` compares two ways to place hints in training. `queries` trains four networks of one size,
and takes their queries away. `flow` counts what its samples are. `experiments.hinting` has the
photographs. What a stage of a training has learned is kept: an interrupted run goes on after it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from course_utils import metrics, paintbox, training
from course_utils.checks import lesson_11 as checks
from experiments import experiment, lesson
from experiments.runner import Run

L = lesson("11")

Place = Callable[[NDArray, NDArray, NDArray], NDArray[np.bool_]]
Plan = list[tuple[int, int]]  # sizes in pixels, and steps: half the size first, a step costs less
Loss = Callable[..., torch.Tensor]


@contextmanager
def quick(net: nn.Module) -> Iterator[None]:
    """Inside, the U-Nets of a network calculate in bfloat16, and give float32."""
    unets = [part for part in net.modules() if isinstance(part, L.UNet)]
    for unet in unets:
        whole = unet.forward

        def half(x: torch.Tensor, whole: Callable = whole) -> torch.Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                return whole(x).float()

        unet.forward = half
    try:
        yield
    finally:
        for unet in unets:
            del unet.forward


def staged(
    run: Run,
    name: str,
    net: nn.Module,
    loss: Loss,
    n: int,
    plan: Plan,
    told: Callable[[int], dict[str, Any]] = lambda size: {},
) -> list[dict[str, Any]]:
    """Train on n scenes, in the stages of a plan; a row for each, with what told(size) says of it.

    loss: a function of the network, L, ab, parts and a generator.
    """
    about = {"name": name, "n": n, "plan": [list(stage) for stage in plan], "seed": run.seed}
    folder = run.folder / name.replace(",", "").replace(" ", "_")
    rows = training.restore_torch(folder, about, net=net)
    for size, steps in plan[len(rows) :]:
        scenes = paintbox.sample(n, size, run.seed)
        arrays = [L.to_maps(scenes.L), L.to_maps(scenes.ab), torch.from_numpy(scenes.parts)]
        with quick(net):
            losses = L.learn(net, loss, arrays, steps, seed=run.seed)
        rows.append({"size": size, "steps": steps, "losses": losses} | told(size))
        training.keep_torch(folder, rows, about, net=net)
    return rows


def without_parts(loss: Loss) -> Loss:
    """A loss of the network, L, ab and a generator, as `staged` takes it."""
    return lambda net, light, ab, parts, generator: loss(net, light, ab, generator)


def interval(values: NDArray[Any]) -> list[float]:
    """[mean, low, high] of a value for each scene."""
    return [float(f"{x:.4g}") for x in metrics.bootstrap(values)]


# Hints.

WISHES = {  # what the hint is about: the number of the part, ab
    "balloon, blue": ("balloon", (10, -40)),
    "balloon, yellow (nobody's)": ("balloon", (0, 70)),
    "sky, green (nobody's)": ("sky", (-40, 40)),
    "meadow, purple (nobody's)": ("meadow", (40, -50)),
}


def evenly(parts: NDArray, chosen: NDArray, luck: NDArray) -> NDArray[np.bool_]:
    """As many pixels as objects are chosen, anywhere in the picture: (H, W)."""
    told = np.zeros(parts.shape, bool)
    told.flat[np.argsort(luck, axis=None)[luck.size - len(chosen) :]] = True
    return told


def first(count: int, parts: NDArray, chosen: NDArray, luck: NDArray) -> NDArray[np.bool_]:
    """One pixel in each of the first `count` of the chosen objects: (H, W)."""
    return checks.luckiest(parts, chosen[:count], luck)


ARMS: dict[str, Place] = {"by object": checks.luckiest, "evenly": evenly}


def judged(net: Any, n_test: int, size: int) -> dict[str, Any]:
    """The lesson's scores on scenes of another seed, after hints for no, one and all objects."""
    held, found = paintbox.sample(n_test, size, seed=2), {}
    for name, count in (("none", 0), ("one", 1), ("all", 9)):
        told = L.by_object(held.parts, 1, partial(first, count))
        found[name] = L.hint_scores(net, held, told)
    return {"hints": found}


def obedience(net: Any, scenes: paintbox.Scenes, part: int, wish: tuple[float, float]) -> float:
    """How far a part goes, from its unhinted color, to a wish for one of its pixels: 0 to 1."""
    there = np.array([part in parts for parts in scenes.parts])
    light, parts = scenes.L[there], scenes.parts[there]
    told = L.by_object(parts, 1, lambda scene, _, luck: checks.luckiest(scene, [part], luck))
    said = np.full((*parts.shape, 2), wish, np.float32)
    before, after = (L.answered(net, light, said, here) for here in (told & False, told))
    way = said - before
    share = ((after - before) * way).sum(-1) / (way**2).sum(-1)
    return float(share[parts == part].mean())


@experiment("11/hints")
def on_hints(
    run: Run,
    *,
    n: int = 4000,
    n_test: int = 100,
    size: int = 64,
    half: int = 1200,
    full: int = 400,
) -> dict[str, Any]:
    """Errors and regrets after no, one and all hints; how far wrong wishes are obeyed."""
    held = paintbox.sample(n_test, size, seed=2)
    about: dict[str, Any] = {"data": "paintbox", "n": n, "n_test": n_test, "size": size}
    noise = np.hypot(*paintbox.AB_NOISE.T)
    about |= {"seed": run.seed, "noise": float((noise**2).mean() ** 0.5), "arms": {}}
    for arm, place in ARMS.items():
        torch.manual_seed(run.seed)
        net, loss = L.Listener(), partial(L.hint_loss, place=place)
        plan = [(size // 2, half), (size, full)]
        rows = staged(run, arm, net, loss, n, plan, partial(judged, net, n_test))
        obeys = {
            name: obedience(net, held, paintbox.NAMES.index(region), wish)
            for name, (region, wish) in WISHES.items()
        }
        about["arms"][arm] = {"stages": rows, "hints": rows[-1]["hints"], "obedience": obeys}
    return about


# Color queries.

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "no queries": lambda: L.Pixels(2),
    "past them, pixels": lambda: L.Bypass(checks.attended),
    "past them, gray picture": lambda: L.Bypass(checks.attended, "gray", 1.0),
    "queries only": lambda: L.Palette(checks.attended),
}


def costs(net: nn.Module, scenes: paintbox.Scenes) -> dict[str, Any]:
    """Regret as trained, and what each change of the queries adds to it."""
    light = L.to_maps(scenes.L)
    if isinstance(net, L.Pixels):
        return {"regret": interval(paintbox.regret(scenes, L.answer(net, light)))}
    answers = L.audit(net, light)
    least = paintbox.regret(scenes, answers.pop("as trained"))  # (n,)
    added = {k: interval(paintbox.regret(scenes, ab) - least) for k, ab in answers.items()}
    return {"regret": interval(least), "added": added}


@experiment("11/queries")
def queries(
    run: Run,
    *,
    n: int = 2000,
    n_test: int = 200,
    size: int = 64,
    half: int = 800,
    full: int = 200,
) -> dict[str, Any]:
    """Four networks of one size, as many steps each, and the audit of those with queries."""
    held = paintbox.sample(n_test, size, 2)
    about = {"data": "paintbox", "n": n, "n_test": n_test, "size": size, "seed": run.seed}
    about |= {"steps": [half, full], "floor": paintbox.floors(held)["mse"]}
    about["gray"] = float(paintbox.regret(held, 0 * held.ab).mean())
    rows = []
    for name, make in NETWORKS.items():
        torch.manual_seed(run.seed)
        net = make()
        staged(run, name, net, without_parts(L.squared), n, [(size // 2, half), (size, full)])
        parameters = sum(x.numel() for x in net.parameters())
        rows.append({"name": name, "parameters": parameters} | costs(net, held))
    return about | {"rows": rows}


# Flow matching.

WALKS = (1, 2, 4, 16)  # Euler steps


def of_object(name: str, pixels: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray]:
    """Of samples of one object (S, M, 2): distance to its palette, spread, share of each color."""
    middle = pixels.mean(1, keepdims=True)  # (S, 1, 2)
    colors = np.array(paintbox.palette(name))[:, 1:]
    apart = np.linalg.norm(middle - colors, axis=-1)  # (S, colors)
    spread = ((pixels - middle) ** 2).sum(-1).mean(1) ** 0.5
    return apart.min(1), spread, np.eye(len(colors))[apart.argmin(1)].mean(0)


def scored(scenes: paintbox.Scenes, sampled: NDArray[np.float32]) -> dict[str, float]:
    """Scores of samples (S, N, H, W, 2) of N scenes.

    "near": share of objects whose mean is within 10 of a color of their palette. "spread": root
    mean square distance of an object's pixels to their mean. "mean": squared error of the mean of
    all samples. "frequencies": total variation of how often colors come, mean of the four kinds.
    """
    away, spread, shares = [], [], {}
    for scene, parts in enumerate(scenes.parts):
        for part in np.intersect1d(parts, L.DRAWN):
            name = paintbox.NAMES[part % 32]
            one = of_object(name, sampled[:, scene, parts == part])
            away.append(one[0])
            spread.append(one[1])
            shares.setdefault(name, []).append(one[2])
    off = [
        np.abs(np.mean(share, 0) - np.array(paintbox.palette(name))[:, 0]).sum() / 2
        for name, share in shares.items()
    ]
    mean = ((sampled.mean(0) - scenes.expected_ab()) ** 2).sum(-1).mean()
    found = {"near": np.mean(np.array(away) <= 10), "spread": np.mean(spread), "mean": mean}
    return {k: float(f"{x:.4g}") for k, x in (found | {"frequencies": np.mean(off)}).items()}


@experiment("11/flow")
def flow(
    run: Run,
    *,
    n: int = 12000,
    n_test: int = 60,
    size: int = 64,
    half: int = 5400,
    full: int = 5400,
    samples: int = 16,
) -> dict[str, Any]:
    """Scores of samples at half the size and at the size, after 1 to 16 steps, and of exact."""
    torch.manual_seed(run.seed)
    net = L.Flow(paintbox.sample(n, size // 2, run.seed).ab)
    tested = partial(sampled_scores, net, n_test, samples)
    plan = [(size // 2, half), (size, full)]
    rows = staged(run, "flow", net, without_parts(L.flow_loss), n, plan, tested)
    about = {"data": "paintbox", "n": n, "n_test": n_test, "size": size, "seed": run.seed}
    smaller, larger = ({k: row[k] for k in ("exact", "steps")} for row in rows)
    return about | {"samples": samples, "stages": rows, "half": smaller} | larger


def sampled_scores(net: Any, n_test: int, samples: int, size: int) -> dict[str, Any]:
    """`scored` of the network's samples after each of WALKS, and of exact samples."""
    held = paintbox.sample(n_test, size, seed=2)
    exact = np.stack([paintbox.sample(n_test, size, 2, draw=d + 1).ab for d in range(samples)])
    steps = {}
    for count in WALKS:
        with quick(net):
            drawn = L.colorings(net, L.to_maps(held.L), samples, count, checks.euler)
        steps[str(count)] = scored(held, drawn)
    return {"exact": scored(held, exact), "steps": steps}
