"""Experiments of lesson 03: what a branch that sees the whole picture is worth, and costs.

On painted scenes with and without it (fusion), and the time that networks take (timing). The
shipped colorizer S1 is trained in `trainings` and judged in `checkpoints`.
"""

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from course_utils import color, course, metrics, paintbox, training
from course_utils.colorizer import Colorizer
from course_utils.colorizer.model import resize
from experiments import experiment, lesson
from experiments.runner import Run

L = lesson("03")
NAME = "03_global_local_fusion"  # of the shipped colorizer
HALF = "mixed_bfloat16"  # half the time on processors that have it; weights stay float32

Picture = NDArray[np.uint8]


def start() -> tuple[str, str]:
    """Let Keras use the device that the course decides on; return its name, and in words."""
    device = course.device(course.profile())
    training.keras_on(device[0])
    return device


# With and without the whole picture.


@experiment("03/fusion")
def fusion(
    run: Run,
    *,
    n: int = 600,
    epochs: int = 12,
    n_test: int = 100,
    seeds: tuple[int, ...] = (1, 2, 3),
    size: int = 128,
) -> dict[str, Any]:
    """The compact network with and without sight of the whole picture, seed by seed."""
    start()
    held = paintbox.sample(n_test, size, seed=2)
    best = held.expected_ab()
    local, _ = L.split_regret(held, held.expected_ab("local"))
    pairs = [both_arms(seed, n, epochs, held, run.folder) for seed in seeds]
    return {
        "data": "paintbox",
        "n": n,
        "n_test": n_test,
        "size": size,
        "seed": list(seeds),
        "epochs": epochs,
        "half": float(edge_steps(held, at_half_size(best)).mean()),
        "local": list(metrics.bootstrap(local)),
        "arms": {name: [pair[name] for pair in pairs] for name in pairs[0]},
    }


def both_arms(
    seed: int, n: int, epochs: int, held: paintbox.Scenes, folder: Path
) -> dict[str, dict[str, Any]]:
    """Scores of the network that sees the whole picture, and of its blind control.

    Both learn from the same n scenes, in the same order, from the same weights.
    """
    size = held.L.shape[1]
    scenes = paintbox.sample(n, size, seed=10 + seed)
    core, sees = arm(scenes, held, True, seed, epochs, folder / f"with_{seed}")
    _, blind = arm(scenes, held, False, seed, epochs, folder / f"without_{seed}")
    return {"with": sees | {"borrowed": borrow(core, size)}, "without": blind}


def arm(
    scenes: paintbox.Scenes,
    held: paintbox.Scenes,
    sees: bool,
    seed: int,
    epochs: int,
    folder: Path,
) -> tuple[Any, dict[str, Any]]:
    """Train one compact network; return the core in it, and its scores on `held`.

    sees: whether its global branch is shown the picture.
    """
    import keras

    keras.utils.set_random_seed(seed)
    core = L.compact(dtype=HALF)
    model = L.alone(core, sees)
    L.learn(model, scenes, epochs, seed, folder=folder)
    ab_hat = L.answers(model, held.L)  # (n, H, W, 2)
    cued, elsewhere = (list(metrics.bootstrap(x)) for x in L.split_regret(held, ab_hat))
    return core, {
        "seed": seed,
        "cued": cued,
        "elsewhere": elsewhere,
        "lake_b": [lake_b(held, ab_hat, time) for time in (0, 1)],
        "edges": edge_steps(held, ab_hat).round(4).tolist(),
    }


def lake_b(scenes: paintbox.Scenes, ab: NDArray[np.float32], time: int) -> float:
    """Mean b of the lakes in scenes of one time; in truth -40 at noon (0), -10 at dusk (1)."""
    lake = scenes.regions == paintbox.NAMES.index("lake")  # (n, H, W)
    return float(ab[lake & (scenes.time == time)[:, None, None], 1].mean())


def borrow(core: Any, size: int, n: int = 20) -> dict[str, list[float]]:
    """{time: mean b of lakes predicted with their own scene's vector, and with another scene's}."""
    noon, dusk = (paintbox.sample(n, size, seed=s, time=t) for s, t in ((3, "noon"), (4, "dusk")))
    table = {}
    for name, time, own, other in (("noon", 0, noon, dusk), ("dusk", 1, dusk, noon)):
        both = [L.answers(core, own.L, L.shrink(lender.L)) for lender in (own, other)]
        table[name] = [lake_b(own, ab, time) for ab in both]
    return table


def edge_steps(
    scenes: paintbox.Scenes, ab_hat: NDArray[np.float32], large: float = 30
) -> NDArray[np.float64]:
    """How much of a color edge an answer makes within one pixel, mean of each scene, (n,).

    large: ab units between two neighboring columns from which a step counts as an edge.
    """
    true, made = (np.diff(x, axis=2) for x in (scenes.expected_ab(), ab_hat))  # (n, H, W-1, 2)
    length = np.hypot(true[..., 0], true[..., 1])  # (n, H, W-1)
    share = (true * made).sum(-1) / np.maximum(length, 1) ** 2
    return np.array([s[step > large].mean() for s, step in zip(share, length, strict=True)])


def at_half_size(ab: NDArray[np.float32]) -> NDArray[np.float32]:
    """ab (N, H, W, 2), halved and interpolated back: all that the compact network can answer."""
    import keras

    n, height, width, _ = ab.shape
    small = ab.reshape(n, height // 2, 2, width // 2, 2, 2).mean((2, 4))  # (N, H/2, W/2, 2)
    return np.asarray(keras.ops.image.resize(small, (height, width)))


# Time.

SIZES = ((224, 3), (512, 3), (1024, 1))  # (pixels a side, rounds)
FAIR = 224  # pixels at which the published network was trained
BYTES = 1_000  # of memory for each pixel, at most, that the published network takes


@experiment("03/timing", models=(NAME,))
def timing(run: Run, *, sizes: tuple[tuple[int, int], ...] = SIZES) -> dict[str, Any]:
    """The paper's table of times: the published network at full size and at its own, and S1."""
    start()
    about = {"data": "noise", "n": 1, "size": [size for size, _ in sizes], "seed": run.seed}
    return about | {"rows": seconds_by_size(sizes, run.seed)}


def seconds_by_size(sizes: tuple[tuple[int, int], ...], seed: int) -> list[dict[str, Any]]:
    """A row for each size: its pixels, and the seconds of all ways on a picture of noise.

    The published network has random weights, because time does not depend on them.
    """
    network, ours = L.alone(L.published()), Colorizer.load(NAME)
    largest = max(size for size, _ in sizes)
    noise = np.random.default_rng(seed).integers(0, 256, (largest, largest, 3), np.uint8)
    return [all_ways(network, ours, noise[:size, :size], rounds) for size, rounds in sizes]


def all_ways(network: Any, ours: Colorizer, rgb: Picture, rounds: int) -> dict[str, Any]:
    """Least seconds of three ways over some rounds in turns, after one to warm up.

    "course": S1 at its working size. "published": that network at the picture's size; None, and a
    sentence says so, where it would not fit in memory. "published at 224": the same network at the
    size of its training, its ab enlarged.
    """
    ways = {
        "course": lambda: ours.colorize(rgb),
        f"published at {FAIR}": lambda: paint_published(network, rgb, FAIR),
        "published": lambda: paint_published(network, rgb, len(rgb)),
    }
    if BYTES * len(rgb) ** 2 > psutil.virtual_memory().available:
        print(f"{len(rgb)} × {len(rgb)} is left out: the published network needs more memory.")
        del ways["published"]
    turns = [{name: seconds(way) for name, way in ways.items()} for _ in range(rounds + 1)][1:]
    least = {name: min(turn[name] for turn in turns) for name in ways}
    return {"size": len(rgb), "published": None} | least


def paint_published(network: Any, rgb: Picture, side: int) -> NDArray[np.float32]:
    """A square photograph through a network of ab in 0…1 that works at `side`, a multiple of 8."""
    lightness = color.L(rgb)  # (H, W, 1)
    small = resize(lightness, side, side)
    ab = 255 * np.asarray(network(small[None] / 100, training=False))[0] - 128  # (side, side, 2)
    return color.with_ab(lightness, resize(ab, *rgb.shape[:2]))


def seconds(call: Callable[[], Any]) -> float:
    """Seconds of processor time that a call takes; other processes do not count."""
    begun = process_time()
    call()
    return process_time() - begun
