"""Experiments of lesson 10: how steady color is in time, what that costs, what memory is worth.

`pan` moves a window over photographs, as if on old film, and colors the frames in several ways.
`clips` does the same with two clips of a camera. `memory` takes the floors of painted clips, and
`price` measures seconds a frame. A deep video prior is left out: it learns a network anew for every
clip, for minutes.
"""

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color, metrics, paintbox, photos, progress
from course_utils.colorizer import Colorizer
from course_utils.colorizer.model import resize, working_size
from course_utils.video import converting, measures, steady, streams
from experiments import data, experiment, lesson
from experiments.runner import Run

Floats = NDArray[np.float32]
Row = dict[str, Any]

S = lesson("10")

MODELS = {"S1": "03_global_local_fusion", "S4": "04_pretrained_fusion"}
SIZE, FRAMES = 160, 24  # the working size of both
WORKING = 256  # pixels at which the filter's cost is held against the network's
STEP = (2, 1)  # pixels right and down a frame, of the lesson's pan
CLIPS = ("flower", "stream-of-water")


# Ways.


def steadied(L: Floats, ab: Floats) -> Floats:
    """The course's filter."""
    filter = steady.Steady()
    return np.stack([filter(*frame) for frame in zip(L, ab, strict=True)])


def ways(L: Floats, truth: Floats, model: Colorizer, motion: Floats) -> dict[str, Floats]:
    """Every way to color a clip: {name: ab (T, H, W, 2)}."""
    ab = np.stack([model.ab(frame) for frame in L])
    return {
        "truth": truth,
        "gray": np.zeros_like(ab),
        "frame by frame": ab,
        "moving average": S.average(ab),
        "moving average along the flow": steadied(L, ab),
        "first frame carried on": S.carried(ab, motion),
    }


def scores(L: Floats, truth: Floats, model: Colorizer) -> dict[str, Row]:
    """{way: warping error, error to the truth, drift of the histograms}, of one flow for all."""
    motion, sure = measures.flows(L)
    return {
        name: {
            "warping": float(measures.warping_error(ab, motion, sure).mean()),
            "error": float(measures.error(ab, truth).mean()),
            "drift": measures.color_drift(ab),
        }
        for name, ab in ways(L, truth, model, motion).items()
    }


def rows(by_clip: list[dict[str, Row]]) -> list[Row]:
    """A row for each way: means of the clips with 95 % intervals, and each clip's numbers."""
    found = []
    for name in by_clip[0]:
        row: Row = {"name": name}
        for key in by_clip[0][name]:
            values = [clip[name][key] for clip in by_clip]
            row[key] = list(metrics.bootstrap(values))
            row[f"{key}_by_clip"] = [float(f"{value:.4g}") for value in values]
        found.append(row)
    return found


@experiment("10/pan", models=tuple(MODELS.values()))
def panned(run: Run, *, n: int = 8, size: int = SIZE, frames: int = FRAMES) -> dict[str, Any]:
    """Pans over photographs of the album's test split, on old film, colored in every way."""
    right, down = STEP
    side = size + frames * max(right, down)
    album = photos.load("album", "test", side)
    chosen = np.sort(np.random.default_rng(run.seed).permutation(len(album))[:n])
    clips = [S.pan(album[i], frames, size) for i in chosen]
    found: dict[str, Any] = {}
    for key, name in MODELS.items():
        model = Colorizer.load(name).on_threads(1)
        pairs = progress.bar(list(zip(chosen, clips, strict=True)), key)
        found[key] = rows([scored(clip, int(seed), model) for seed, clip in pairs])
    about = {"data": "pans over the album's test photographs", "n": n, "size": size}
    settings = {"frames": frames, "step": list(STEP), "flicker": S.FLICKER, "grain": S.GRAIN}
    return about | settings | {"seed": run.seed, "strength": steady.STRENGTH, "models": found}


def scored(rgb: NDArray[np.uint8], seed: int, model: Colorizer) -> dict[str, Row]:
    """`scores` of a clip put on old film."""
    truth = np.stack([color.ab(frame) for frame in rgb])
    return scores(S.film(rgb, seed), truth, model)


def taken(name: str, size: int, frames: int) -> NDArray[np.uint8]:
    """(T, H, W, 3): the beginning of a clip of a camera, its shorter side `size` pixels."""
    source, kept = data.shared("video") / f"{name}.mp4", []
    for frame, _ in zip(streams.frames(source), range(frames)):
        height, width = working_size(frame.rgb.shape[0], frame.rgb.shape[1], size)
        kept.append(resize(frame.rgb.astype(np.float32), height, width))
    return np.round(kept).astype(np.uint8)


@experiment("10/clips", photographs=("video",), models=tuple(MODELS.values()))
def clips(run: Run, *, size: int = SIZE, frames: int = 48) -> dict[str, Any]:
    """Two clips of a camera, on old film, colored in every way."""
    found: dict[str, Any] = {}
    for key, name in MODELS.items():
        model = Colorizer.load(name).on_threads(1)
        found[key] = {c: scored(taken(c, size, frames), run.seed, model) for c in CLIPS}
    about = {"data": ", ".join(CLIPS), "n": len(CLIPS), "size": size, "seed": run.seed}
    return about | {"frames": frames, "flicker": S.FLICKER, "grain": S.GRAIN, "models": found}


# Memory.


@experiment("10/memory")
def memory(run: Run, *, n: int = 300, size: int = 128, frames: int = 33) -> dict[str, Any]:
    """The floors of pans over painted scenes, with and without memory, frame by frame."""
    floors = [
        paintbox.clip(frames, size, seed, width=size // 2).memory_floors()
        for seed in progress.bar(range(n), "clips")
    ]
    found = {k: np.array([floor[k] for floor in floors]) for k in floors[0]}  # (n, T)
    last = {k: list(metrics.bootstrap(values[:, -1])) for k, values in found.items()}
    worth = list(metrics.bootstrap(found["frame"][:, -1] - found["memory"][:, -1]))
    means = {k: np.round(values.mean(0), 2).tolist() for k, values in found.items()}
    about = {"data": "paintbox", "n": n, "size": size, "width": size // 2, "seed": run.seed}
    return about | {"frames": frames, "mean": means, "last": last, "worth": worth}


# Price.

REPORTED = (224, 512, 1024, 2048)  # pixels a side, in the report's table
MOST_SIDE = 512  # at which a network is run as a whole


@experiment("10/price", models=tuple(MODELS.values()))
def price(
    run: Run, *, sizes: tuple[int, ...] = REPORTED, rounds: int = 2, working: int = WORKING
) -> dict[str, Any]:
    """Seconds a frame on one thread: of the whole frame, of its network, of the filter."""
    found = {
        key: [seconds(Colorizer.load(name), size, rounds, run.seed) for size in sizes]
        for key, name in MODELS.items()
    }
    at = {key: beside(Colorizer.load(name), working, rounds) for key, name in MODELS.items()}
    about = {"data": "noise", "n": rounds, "size": list(sizes), "seed": run.seed}
    return about | {"threads": 1, "rows": found, "filter": at, "filter_size": working}


def seconds(model: Colorizer, size: int, rounds: int, seed: int) -> Row:
    """{"frame", "network", "network at this size"}: least processor seconds over some rounds.

    "frame" goes from RGB to RGB as in `python -m course_utils video`, files left out.
    """
    model, filter = model.on_threads(1), steady.Steady()
    noise = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    L = color.L(noise).clip(0, 100)
    small = resize(L, *working_size(size, size, model.size)).clip(0, 100)
    calls: dict[str, Callable[[], Any]] = {
        "frame": lambda: converting.paint(noise, model, filter),
        "network": lambda: model.ab(small),
    }
    if size <= MOST_SIDE:
        calls["network at this size"] = lambda: model.ab(L)
    least = in_turns(calls, rounds)
    return {"size": size, "network at this size": None} | least


def beside(model: Colorizer, size: int, rounds: int) -> dict[str, float]:
    """{"network", "filter"}: least processor seconds of both on frames of a pan, in turns."""
    frames = S.film(S.pan(photos.load("album", "test", size + 8)[0], 4, size), 1)
    model, filter = model.on_threads(1), steady.Steady()
    ab = model.ab(frames)
    turn = iter(range(10**6))

    def filtered():
        t = next(turn) % len(frames)
        return filter(frames[t], ab[t])

    filtered()
    return in_turns({"network": lambda: model.ab(frames[0]), "filter": filtered}, rounds)


def in_turns(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The least processor seconds of each call, measured in turns after one round to warm up."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            begun = process_time()
            call()
            found[name].append(process_time() - begun)
    return {name: min(values[1:]) for name, values in found.items()}
