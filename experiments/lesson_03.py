"""Experiments of lesson 03: what a branch that sees the whole picture is worth, and costs.

On painted scenes with and without it (fusion) and against wider windows (dial), on photographs
(checkpoint, which trains the shipped colorizer S1), and the time that networks take (timing).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from course_utils import batches, color, course, metrics, paintbox, photos, training
from course_utils.colorizer import Colorizer, save_keras
from experiments import experiment, lesson
from experiments.data import (
    TRAINED_ON,
    TRAINED_ON_LICENCE,
    judged_photographs,
    photographs,
    shared,
)
from experiments.judging import judge
from experiments.runner import Run
from experiments.shipping import ship

L = lesson("03")
NAME = "03_global_local_fusion"  # of the shipped colorizer
HALF = "mixed_bfloat16"  # half the time on processors that have it; weights stay float32

Picture = NDArray[np.uint8]
Painter = Callable[[Picture], Picture]  # from a photograph (H, W, 3) to its colored copy


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
    **shape: Any,
) -> tuple[Any, dict[str, Any]]:
    """Train one compact network; return the core in it, and its scores on `held`.

    sees: whether its global branch is shown the picture. shape: what `compact` takes beside dtype.
    """
    import keras

    keras.utils.set_random_seed(seed)
    core = L.compact(dtype=HALF, **shape)
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


# Would a wider window do?

# {window in pixels: the shape of a compact network that has it}; 27 is the lesson's own.
WINDOWS: dict[int, dict[str, Any]] = {15: {"kernel": 1}, 27: {}} | {
    window: {"mid": (3,) * layers} for window, layers in ((35, 1), (51, 3), (83, 7), (131, 13))
}


@experiment("03/dial")
def dial(
    run: Run,
    *,
    n: int = 1000,
    epochs: int = 10,
    n_test: int = 100,
    windows: dict[int, dict[str, Any]] = WINDOWS,
    size: int = 64,
) -> dict[str, Any]:
    """Regret where cues decide, of local networks with wider and wider windows and of the fused."""
    start()
    scenes, held = (paintbox.sample(k, size, seed=s) for k, s in ((n, 11), (n_test, 2)))
    given = run.seed, epochs
    rows = []
    for window, shape in windows.items():
        core, row = arm(scenes, held, False, *given, run.folder / f"window_{window}", **shape)
        size_of_it = {"window": window, "parameters": core.count_params()}
        rows.append(row | size_of_it | {"least": L.least_regret(held, window)})
    _, whole = arm(scenes, held, True, *given, run.folder / "with")
    local, _ = L.split_regret(held, held.expected_ab("local"))
    return {
        "data": "paintbox",
        "n": n,
        "n_test": n_test,
        "size": size,
        "seed": run.seed,
        "epochs": epochs,
        "rows": rows,
        "with": whole,
        "local": float(local.mean()),
    }


# Photographs, and the shipped colorizer.

Plan = tuple[tuple[int, float], ...]  # (size in pixels, learning rate), epoch by epoch
PLAN: Plan = ((64, 1e-3),) * 6 + ((64, 5e-4), (64, 2e-4), (64, 1e-4))
ARMS = {"S1": True, "S1, blind": False}  # {name: whether it sees the whole picture}


@experiment("03/checkpoint", photographs=("intel", "photos"), models=(NAME,))
def checkpoint(
    run: Run,
    *,
    plan: Plan = PLAN,
    held_out: int = 200,
    width: int = 2,
    sizes: tuple[int, ...] = (32, 64, 128, 256, 512),
) -> dict[str, Any]:
    """Train S1 and its blind control on photographs, judge both, ship the one that sees.

    held_out: photographs of the training split that judge each epoch. width: 2 for twice the
    filters of the lesson's network. sizes: at which the shipped network is tried.
    """
    _, device = start()
    rgb = {size: photographs(size) for size in sorted({size for size, _ in plan})}
    size = plan[-1][0]
    n = len(rgb[size]) - held_out
    rows: dict[str, training.Rows] = {}
    files: dict[str, tuple[Any, dict[str, Any], Path]] = {}
    for name, sees in ARMS.items():
        folder = run.folder / ("sees" if sees else "blind")
        network, rows[name] = train(rgb, plan, held_out, sees, width, run.seed, folder)
        spent = sum(row["minutes"] for row in rows[name])
        about = {"data": f"{n} photographs: {TRAINED_ON}", "size": size, "epochs": len(plan)}
        about |= {"seed": run.seed, "minutes": f"{spent:.0f}, on {device}"}
        files[name] = as_float32(network, sees, width), about, folder / f"{NAME}.onnx"
    models = {name: Colorizer.load(export(*file)) for name, file in files.items()}
    painters = {name: model.colorize for name, model in models.items()}
    judged = judge(judged_photographs(), painters)
    large: NDArray[Any] = photos.load(shared("photos"), "test", max(sizes), color_only=True)
    result = {"n": n, "size": size, "seed": run.seed, "plan": plan, "rows": rows}
    result |= {"brown": brown_seas(painters), "sizes": at_sizes(models["S1"], large, sizes)}
    ship(files["S1"][-1], NAME, judged["table"])
    return judged | result


def train(
    rgb: dict[int, NDArray[np.uint8]],
    plan: Plan,
    held_out: int,
    sees: bool,
    width: int,
    seed: int,
    folder: Path,
) -> tuple[Any, training.Rows]:
    """The compact network on photographs {size: (N, size, size, 3)}, each epoch as `plan` says."""
    import keras

    keras.utils.set_random_seed(seed)
    network = L.alone(L.compact(width, dtype=HALF), sees)
    network.compile(keras.optimizers.Adam(), "mse")
    judged = rgb[plan[-1][0]][:held_out]

    def epoch(number):
        learned = rgb[plan[number][0]][held_out:]
        return batches.keras_dataset(learned, 16, seed, number, ab_scale=L.SCALE)

    def rate(number):
        return plan[number][1]

    def measure(network):
        return {"psnr": mean_psnr(network, judged)}

    return network, training.fit_keras(network, epoch, len(plan), rate, folder, measure)


def mean_psnr(network: Any, rgb: NDArray[np.uint8]) -> float:
    """Mean PSNR in dB of a network's color with the true L, for photographs (N, H, W, 3)."""
    lightness = color.L(rgb)
    rgb_hat = color.with_ab(lightness, L.answers(network, lightness))
    return float(np.mean(metrics.psnr(rgb / np.float32(255), rgb_hat)))


def as_float32(network: Any, sees: bool, width: int) -> Any:
    """The same network without the dtypes that it was trained in."""
    plain = L.alone(L.compact(width), sees)
    plain.set_weights(network.get_weights())
    return plain


def export(network: Any, about: dict[str, Any], path: Path) -> Path:
    """Write a network as a colorizer: the one file from L to ab that every later lesson uses.

    about: metadata of this training; what it is worth is not measured yet.
    """
    about = about | {"architecture": "S1 compact (global and local fusion)", "precision": HALF}
    return save_keras(
        network,
        path,
        scale=L.SCALE,
        multiple=4,
        lesson=NAME,
        licence="MIT",
        data_licence=TRAINED_ON_LICENCE,
        profile=course.profile(),
        metrics=[],
        **about,
    )


def brown_seas(painters: Mapping[str, Painter], size: int = 150) -> dict[str, list[float]]:
    """The share of brown in each of the judged photographs of the sea, and as models predict it."""
    folder = shared("intel") / "seg_test" / "sea"
    halves = [photos.load(folder, half, size, color_only=True) for half in ("train", "test")]
    sea = np.concatenate(halves)  # (N, size, size, 3)
    painters = {"truth": np.asarray, **painters}
    return {name: [brown(paint(x)) for x in sea] for name, paint in painters.items()}


def brown(rgb: Picture) -> float:
    """Share of a picture's pixels that are brown or orange: red and yellow, and not gray."""
    a, b = np.moveaxis(color.ab(rgb), -1, 0)
    return float(((a > 0) & (b > 10)).mean())


def at_sizes(
    model: Colorizer, rgb: NDArray[np.uint8], sizes: tuple[int, ...]
) -> dict[int | str, list[float]]:
    """PSNR in dB of each photograph when the network works at other sizes than its own."""

    def psnr(paint: Painter) -> list[float]:
        return np.round(metrics.psnr(rgb, [paint(x) for x in rgb]), 3).tolist()

    table: dict[int | str, list[float]] = {"gray": psnr(metrics.paint_gray)}
    own = model.size
    for size in sizes:
        model.size = size
        table[size] = psnr(model.colorize)
    model.size = own
    return table


# Time.

SIZES = ((224, 5), (512, 3), (1024, 2), (2048, 2))  # (pixels a side, rounds)
BYTES = 1_000  # of memory for each pixel, at most, that the published network takes


@experiment("03/timing", models=(NAME,))
def timing(run: Run, *, sizes: tuple[tuple[int, int], ...] = SIZES) -> dict[str, Any]:
    """The paper's table of times: the published network at full size beside the course's way."""
    start()
    about = {"data": "noise", "n": 1, "size": [size for size, _ in sizes], "seed": run.seed}
    return about | {"rows": seconds_by_size(sizes, run.seed)}


def seconds_by_size(sizes: tuple[tuple[int, int], ...], seed: int) -> list[dict[str, Any]]:
    """A row for each size: its pixels, and the seconds of both ways on a picture of noise.

    The published network has random weights, because time does not depend on them.
    """
    network, ours = L.alone(L.published()), Colorizer.load(NAME)
    largest = max(size for size, _ in sizes)
    noise = np.random.default_rng(seed).integers(0, 256, (largest, largest, 3), np.uint8)
    return [both_ways(network, ours, noise[:size, :size], rounds) for size, rounds in sizes]


def both_ways(network: Any, ours: Colorizer, rgb: Picture, rounds: int) -> dict[str, Any]:
    """Least seconds of both ways over some rounds in turns, after one to warm up.

    "published" is None, and a sentence says so, where it would not fit in memory.
    """
    ways = {
        "course": lambda: ours.colorize(rgb),
        "published": lambda: paint_published(network, rgb),
    }
    if BYTES * len(rgb) ** 2 > psutil.virtual_memory().available:
        print(f"{len(rgb)} × {len(rgb)} is left out: the published network needs more memory.")
        del ways["published"]
    turns = [{name: seconds(way) for name, way in ways.items()} for _ in range(rounds + 1)][1:]
    least = {name: min(turn[name] for turn in turns) for name in ways}
    return {"size": len(rgb), "published": None} | least


def paint_published(network: Any, rgb: Picture) -> NDArray[np.float32]:
    """A photograph through a network of ab in 0…1 at full resolution; sides are multiples of 8."""
    lightness = color.L(rgb)[None]  # (1, H, W, 1)
    ab = 255 * np.asarray(network(lightness / 100, training=False)) - 128  # (1, H, W, 2)
    return color.with_ab(lightness, ab)[0]


def seconds(call: Callable[[], Any]) -> float:
    """Seconds of processor time that a call takes; other processes do not count."""
    begun = process_time()
    call()
    return process_time() - begun
