"""Lesson 02: what the squared error makes of two networks, of three targets, and of photographs.

`paintbox` and `unet` train on scenes whose best answer is known, `targets` compares Lab with RGB,
and `report` repeats what the report is about: epochs side by side, and one model for each class.
The shipped colorizer S0 is made in `trainings` and judged in `checkpoints`. Network, loss and loop
are the lesson's own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color, course, metrics, packing, paintbox, photos
from course_utils.networks import features
from course_utils.training import Rows, fit_keras, keras_on
from experiments import experiment, lesson
from experiments.data import shared
from experiments.runner import Run
from experiments.scene_classes import CLASSES

L = lesson("02")
SIZE = 64  # pixels a side, of scenes and of the photographs in `targets`
REGIONS = ("sky", "meadow", "balloon", "roof", "field", "lake")

Image = NDArray[np.uint8]
Floats = NDArray[Any]  # float32, ab in CIELAB units


def seeded(seed: int) -> None:
    """Decide on device and seed before anything is built."""
    import keras

    keras_on(course.device(course.profile())[0])
    keras.utils.set_random_seed(seed)


# Scenes whose best answer is known.


@experiment("02/paintbox")
def on_scenes(run: Run, *, n: int = 300, epochs: int = 50, n_test: int = 100) -> dict[str, Any]:
    """S0 on paintbox: regret and chroma after every epoch, pictures after some, and why."""
    train = paintbox.sample(n, SIZE, seed=run.seed)
    held = paintbox.sample(n_test, SIZE, seed=2)
    scenes, shown = L.held_out_scenes()
    seeded(run.seed)
    network = L.s0(dtype=L.HALF)

    def measure(model: Any) -> dict[str, Any]:
        return scene_scores(model, held) | {"shown": packed(L.answers(model, scenes.L[shown]))}

    epoch = L.epochs_of(train, run.seed)
    rows = L.learn(network, epoch, epochs, measure, run.folder)
    rows = [row if row["epoch"] in L.SIDE_BY_SIDE else row | {"shown": None} for row in rows]
    return {
        "data": "paintbox",
        "n": n,
        "n_test": n_test,
        "size": SIZE,
        "seed": run.seed,
        "epochs": epochs,
        "ladder": paintbox.ladder(held),
        "rows": rows,
        "split": where_regret_comes_from(network, held),
    }


@experiment("02/unet")
def unet(run: Run, *, n: int = 2000, epochs: int = 10, n_test: int = 100) -> dict[str, Any]:
    """A U-Net on paintbox under the same loss: regret, chroma, and the color of the lake."""
    train = paintbox.sample(n, SIZE, seed=run.seed)
    held = paintbox.sample(n_test, SIZE, seed=2)
    seeded(run.seed)
    network = L.unet()
    learn_unet(network, L.epochs_of(train, run.seed, batch=16), epochs, run.folder)
    return {
        "data": "paintbox",
        "n": n,
        "n_test": n_test,
        "size": SIZE,
        "seed": run.seed,
        "epochs": epochs,
        "parameters": network.count_params(),
        "lake_b": lake_by_time(held, L.answers(network, held.L)),
    } | scene_scores(network, held)


def learn_unet(network: Any, epoch: Callable[[int], Any], epochs: int, folder: Path) -> Rows:
    """Squared error and Adam; a slow first epoch, then along a cosine to zero."""
    network.compile("adam", "mse")

    def rate(number: int) -> float:
        return 4e-3 * (1 + np.cos(np.pi * number / epochs)) / 2 if number else 1e-3

    return fit_keras(network, epoch, epochs, rate, folder)


def scene_scores(model: Any, scenes: paintbox.Scenes) -> dict[str, Any]:
    """A row of numbers about a model's answers, in CIELAB units; scenes are the clusters."""
    ab_hat = L.answers(model, scenes.L)
    return {
        "test": float(((ab_hat - scenes.ab) ** 2).mean()),
        "regret": list(metrics.bootstrap(paintbox.regret(scenes, ab_hat))),
        "chroma": chroma_by_region(scenes, ab_hat),
        "from_palette": from_palette(scenes, ab_hat),
    }


def chroma_by_region(scenes: paintbox.Scenes, ab_hat: Floats) -> dict[str, list[float]]:
    """{region: mean chroma of the truth, of the expected color and of ab_hat (N, H, W, 2)}."""
    fields = [np.hypot(x[..., 0], x[..., 1]) for x in (scenes.ab, scenes.expected_ab(), ab_hat)]
    masks = {name: region(scenes, name) for name in REGIONS}
    return {k: [float(f[mask].mean()) for f in fields] for k, mask in masks.items() if mask.any()}


def from_palette(scenes: paintbox.Scenes, ab_hat: Floats) -> float:
    """ΔE from the mean answer on balloons to the nearest color that a balloon can have."""
    palette = np.array(paintbox.palette("balloon"))[:, 1:]  # (4, 2)
    answer = ab_hat[region(scenes, "balloon")].mean(0)  # (2,)
    return float(np.hypot(*(palette - answer).T).min())


def lake_by_time(scenes: paintbox.Scenes, ab: Floats) -> list[float]:
    """Mean b of the lake in scenes of noon and of dusk; the height of the sun is the cue."""
    lake = region(scenes, "lake")
    return [float(ab[lake & (scenes.time == t)[:, None, None], 1].mean()) for t in (0, 1)]


def region(scenes: paintbox.Scenes, name: str) -> NDArray[np.bool_]:
    """Where a region is, (N, H, W)."""
    return scenes.regions == paintbox.NAMES.index(name)


def where_regret_comes_from(model: Any, scenes: paintbox.Scenes) -> dict[str, Any]:
    """Regret in all, of the bottleneck alone, and of never looking at a cue; the lake's b."""
    ab_hat, best = L.answers(model, scenes.L), scenes.expected_ab()
    parts = {
        "S0": ab_hat,
        "bottleneck": half_and_double(best),
        "no cue": scenes.expected_ab("local"),
    }
    split = {k: list(metrics.bootstrap(paintbox.regret(scenes, x))) for k, x in parts.items()}
    lakes = {"truth": lake_by_time(scenes, best), "S0": lake_by_time(scenes, ab_hat)}
    return {"regret": split, "lake_b": lakes}


def half_and_double(ab: Floats) -> Floats:
    """ab (N, H, W, 2) through the network's last enlargement: 2×2 means, each repeated."""
    n, height, width, _ = ab.shape
    small = ab.reshape(n, height // 2, 2, width // 2, 2, 2).mean((2, 4))  # (N, H/2, W/2, 2)
    return small.repeat(2, 1).repeat(2, 2)  # (N, H, W, 2)


def ceiling(L: Floats, ab: Floats) -> list[float]:
    """PSNR in dB of each picture's true colors after the last enlargement."""
    truth, best = (color.with_ab(L, x) for x in (ab, half_and_double(ab)))
    return np.asarray(metrics.psnr(truth, best)).tolist()


def packed(ab_hat: Floats) -> str:
    """S0's answers (N, H, W, 2) at half size as text: its last layer repeats every pixel."""
    return packing.pack(ab_hat[:, ::2, ::2].clip(-128, 127))


# Lab or RGB, augmentation or none.


@experiment("02/targets", photographs=("intel",))
def targets(run: Run, *, limit: int = 1000, epochs: int = 5) -> dict[str, Any]:
    """A small S0 that predicts ab, ab without augmentation, or RGB: PSNR of every photograph."""
    train = mountains_and_glaciers("train", limit)
    test = mountains_and_glaciers("test")
    arms = {}
    for number, (name, (channels, augmented)) in enumerate(ARMS.items()):
        seeded(run.seed)
        network = L.s0(thin=4, channels=channels)
        epoch = L.epochs_of(train, run.seed, augmented=augmented)
        epoch = epoch if channels == 2 else with_rgb(epoch)
        L.learn(network, epoch, epochs, None, run.folder / str(number))
        arms[name] = arm_psnr(network, test, channels)
    return {
        "data": "Intel mountain and glacier, color only",
        "size": SIZE,
        "n": len(train),
        "n_test": len(test),
        "epochs": epochs,
        "seed": run.seed,
        "arms": arms,
        "rows": reference_rows(test),
    }


ARMS = {  # channels of the output, and whether photographs are augmented
    "a and b": (2, True),
    "a and b, no augmentation": (2, False),
    "R, G and B": (3, True),
}


def mountains_and_glaciers(split: str, limit: int | None = None) -> Image:
    """Color photographs of the two classes in one published split, (N, SIZE, SIZE, 3).

    limit: of each of the four parts that they are loaded in.
    """
    folder = shared("intel") / f"seg_{split}"
    parts = [folder / name for name in ("mountain", "glacier")]  # load divides each once more
    halves = [(part, half) for part in parts for half in ("train", "test")]
    loaded = [photos.load(*half, SIZE, limit, color_only=True) for half in halves]
    return np.concatenate(loaded, dtype=np.uint8, casting="no")


def with_rgb(epoch: Callable[[int], Any]) -> Callable[[int], Any]:
    """The same epochs of (L / 100, ab / 128) with RGB in 0…1 as their target."""

    def to_rgb(x: Any, y: Any) -> tuple[Any, Any]:
        return x, color.with_ab(100 * x, L.PAPER_SCALE * y)

    return lambda number: epoch(number).map(to_rgb)


def arm_psnr(network: Any, rgb: Image, channels: int) -> dict[str, list[float]]:
    """PSNR in dB of each photograph: the predicted color with the true L; RGB also as predicted."""
    light = color.L(rgb)
    if channels == 2:
        return {"color": psnr(rgb, color.with_ab(light, L.answers(network, light)))}
    raw = network.predict(light / 100, batch_size=20, verbose=0)  # (N, H, W, 3)
    return {"color": psnr(rgb, color.with_ab(light, color.ab(raw))), "raw": psnr(rgb, raw)}


def reference_rows(rgb: Image) -> dict[str, list[float]]:
    """PSNR in dB of each photograph for answers that need no training."""
    light, ab = color.split(color.rgb_to_lab(rgb))
    return {
        "gray": psnr(rgb, [metrics.paint_gray(x) / 255 for x in rgb]),
        "own mean ab (uses the answer)": psnr(rgb, [metrics.paint_mean(x) / 255 for x in rgb]),
        "true color, bottleneck": ceiling(light, ab),
    }


def psnr(rgb: Image, hats: Any) -> list[float]:
    """PSNR in dB of each prediction, floats in 0…1, for photographs (N, H, W, 3)."""
    hats = np.asarray(hats, np.float32)
    return np.asarray(metrics.psnr(rgb / np.float32(255), hats)).tolist()


# What the report is about: epochs side by side, and one model for each class.

MARKS = (25, 50, 100, 200)  # the epochs that are shown side by side
ALBUM = ("maya_beach", "forest_path", "tulip_field", "white_spires")  # the photographs shown


@experiment("02/report", photographs=("intel",))
def report(
    run: Run,
    *,
    n: int = 100,
    epochs: int = 200,
    n_validation: int = 100,
    size: int = 48,
    thin: int = 2,
) -> dict[str, Any]:
    """S0 on mountains alone: losses by epoch, and at MARKS the PSNR and answers for the album.

    thin: what S0's filters are divided by.
    """
    test = of_class("test", "mountain", size)
    rgb = of_class("train", "mountain", size, n + n_validation)
    held, held_ab = color.split(color.rgb_to_lab(rgb[n:]))
    names = [photo.name for photo in photos.album("test")]
    album = color.L(photos.load("album", "test", size)[[names.index(x) for x in ALBUM]])
    gray = zero_psnr(test)

    def measure(model: Any, epoch: int) -> dict[str, Any]:
        if epoch % 5 and epoch not in (1, 2, 3):
            return {}
        error = (L.answers(model, held) - held_ab) / L.PAPER_SCALE
        row: dict[str, Any] = {"validation": float((error**2).mean())}
        if epoch in MARKS:
            values = color_psnr(model, test)
            row["psnr"] = np.round(values, 3).tolist()
            row["gain"] = list(metrics.bootstrap(values - gray))
            row["shown"] = packed(L.answers(model, album))
        return row

    _, rows = trained(rgb[:n], epochs, run, "mountains", thin, measure)
    return {
        "data": "Intel's mountains, color only; album photographs are shown",
        "n": n,
        "n_validation": n_validation,
        "n_test": len(test),
        "size": size,
        "seed": run.seed,
        "rate": RATE,
        "epochs": epochs,
        "parameters": L.s0(thin).count_params(),
        "zero": float((held_ab**2).mean() / L.PAPER_SCALE**2),
        "shown": list(ALBUM),
        "rows": rows,
    }


@experiment("02/classes", photographs=("intel",), models=("course_L",))
def classes(
    run: Run, *, n: int = 80, epochs: int = 30, size: int = 32, thin: int = 2
) -> dict[str, Any]:
    """One S0 for each class against one for all: PSNR of every test photograph.

    n: training photographs of each class. The steps are equal in all: what six networks take
    together, one takes alone.
    """
    train = {kind: of_class("train", kind, size, n) for kind in CLASSES}
    test = {kind: of_class("test", kind, size) for kind in CLASSES}
    rgb = np.concatenate(list(test.values()))
    labels = np.repeat(np.arange(len(CLASSES)), [len(x) for x in test.values()])

    def measure(model: Any, epoch: int) -> dict[str, Any]:
        early = epoch * len(CLASSES) == epochs  # as many steps as one of the six has in all
        return {"psnr": color_psnr(model, rgb).tolist()} if early else {}

    own = [color_psnr(trained(x, epochs, run, kind, thin)[0], rgb) for kind, x in train.items()]
    together = np.concatenate(list(train.values()))
    of_all, rows = trained(together, epochs, run, "all", thin, measure)
    seen = np.concatenate([of_class("test", kind, 96) for kind in CLASSES])
    chosen = features("course_L").classify(seen).argmax(axis=1)  # (N,)
    every, each = np.arange(len(rgb)), np.stack(own, axis=1)  # (N,), (N, 6)
    values = {
        "gray": zero_psnr(rgb),
        "its class's model": each[every, labels],
        "the chosen model": each[every, chosen],
        "one model for all": color_psnr(of_all, rgb),
        "one model for all, early": next(row["psnr"] for row in rows if "psnr" in row),
    }
    return {
        "data": "Intel Image Classification, color only",
        "n": n,
        "n_test": len(rgb),
        "size": size,
        "seed": run.seed,
        "rate": RATE,
        "epochs": epochs,
        "parameters": of_all.count_params(),
        "names": list(CLASSES),
        "labels": labels.tolist(),
        "chosen": chosen.tolist(),
        "psnr": {name: np.round(x, 3).tolist() for name, x in values.items()},
    }


RATE = 1e-3  # RMSprop's default, in every epoch


def of_class(split: str, kind: str, size: int, limit: int | None = None) -> Image:
    """Color photographs of one class of a published split, (N, size, size, 3); all for testing."""
    folder = shared("intel") / f"seg_{split}" / kind  # `load` divides it once more
    halves = ("train", "test") if split == "test" else ("train",)
    loaded = [photos.load(folder, half, size, limit, color_only=True) for half in halves]
    return np.concatenate(loaded, dtype=np.uint8, casting="no")


def trained(
    rgb: Image,
    epochs: int,
    run: Run,
    name: str,
    thin: int,
    measure: Callable[[Any, int], dict[str, Any]] | None = None,
) -> tuple[Any, Rows]:
    """S0 after `epochs` passes over photographs, and its rows; measure: of model and epoch."""
    seeded(run.seed)
    network = L.s0(thin, dtype=L.HALF)
    network.compile("rmsprop", "mse")
    steps = len(rgb) // 10

    def after(model: Any) -> dict[str, Any]:
        return measure(model, int(model.optimizer.iterations) // steps) if measure else {}

    epoch = L.epochs_of(rgb, run.seed)
    return network, fit_keras(network, epoch, epochs, constant, run.folder / name, after)


def constant(number: int) -> float:
    """The learning rate of an epoch."""
    return RATE


def color_psnr(model: Any, rgb: Image) -> Floats:
    """PSNR in dB, (N,), of a model's color with the true L."""
    light = color.L(rgb)
    return np.asarray(psnr(rgb, color.with_ab(light, L.answers(model, light))))


def zero_psnr(rgb: Image) -> Floats:
    """PSNR in dB, (N,), of a = b = 0 with the true L."""
    light = color.L(rgb)
    return np.asarray(psnr(rgb, color.with_ab(light, np.zeros((*light.shape[:3], 2), np.float32))))
