"""Lesson 02: what the squared error makes of two networks, of three targets, and of photographs.

`paintbox` and `unet` train on scenes whose best answer is known, `targets` compares Lab with RGB,
and `checkpoint` makes the shipped colorizer S0 and judges it. Network, loss and loop are the
lesson's own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import batches, color, course, metrics, packing, paintbox, photos, progress
from course_utils.colorizer import Colorizer, save_keras
from course_utils.training import Rows, fit_keras, keras_on
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

L = lesson("02")
CHECKPOINT = "02_mse_regression"
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
        "bottleneck": L.half_and_double(best),
        "no cue": scenes.expected_ab("local"),
    }
    split = {k: list(metrics.bootstrap(paintbox.regret(scenes, x))) for k, x in parts.items()}
    lakes = {"truth": lake_by_time(scenes, best), "S0": lake_by_time(scenes, ab_hat)}
    return {"regret": split, "lake_b": lakes}


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
        "true color, bottleneck": np.asarray(L.ceiling(light, ab)).tolist(),
    }


def psnr(rgb: Image, hats: Any) -> list[float]:
    """PSNR in dB of each prediction, floats in 0…1, for photographs (N, H, W, 3)."""
    hats = np.asarray(hats, np.float32)
    return np.asarray(metrics.psnr(rgb / np.float32(255), hats)).tolist()


# The shipped checkpoint.

# (size, learning rate) of every epoch.
PLAN = ((64, 1e-3),) * 8 + ((128, 1e-3),) * 6 + ((128, 5e-4),) * 2 + ((128, 2e-4), (128, 1e-4))
Plan = tuple[tuple[int, float], ...]


@experiment("02/checkpoint", photographs=("intel", "photos"), models=(CHECKPOINT,))
def checkpoint(run: Run, *, plan: Plan = PLAN) -> dict[str, Any]:
    """Train, export, ship and judge S0; every number comes from the ONNX file."""
    rgb = {size: photographs(size) for size in sorted({size for size, _ in plan})}
    network, rows = train_checkpoint(rgb, plan, run)
    size = plan[-1][0]
    n = len(rgb[size]) - L.HELD_OUT
    about = {"n": n, "size": size, "seed": run.seed, "plan": plan, "rows": rows}
    photo = judged_photographs()
    path = export(network, about, run.folder / f"{CHECKPOINT}.onnx")
    draft = Colorizer.load(path)
    judged = judge(photo, {"S0": draft.colorize})
    ship(path, CHECKPOINT, judged["table"])
    zero = L.gray_row(*color.split(color.rgb_to_lab(rgb[size][: L.HELD_OUT])))
    return judged | about | {"zero": [float(x) for x in zero], "audit": per_photo(draft, photo)}


def train_checkpoint(rgb: dict[int, Image], plan: Plan, run: Run) -> tuple[Any, Rows]:
    """S0 on photographs {size: (N, size, size, 3)}, each epoch as `plan` says; and its epochs."""
    seeded(run.seed)
    network = L.s0(dtype=L.HALF)
    network.compile("rmsprop", "mse")
    judged = rgb[plan[-1][0]][: L.HELD_OUT]

    def epoch(number: int) -> Any:
        learned = rgb[plan[number][0]][L.HELD_OUT :]
        return batches.keras_dataset(learned, 10, run.seed, number, ab_scale=L.PAPER_SCALE)

    def rate(number: int) -> float:
        return plan[number][1]

    def measure(model: Any) -> dict[str, float]:
        return photo_scores(model, judged)

    return network, fit_keras(network, epoch, len(plan), rate, run.folder, measure)


def photo_scores(model: Any, rgb: Image) -> dict[str, float]:
    """Loss at ab/128, PSNR in dB and chroma of a model's answers for photographs (N, H, W, 3)."""
    light, ab = color.split(color.rgb_to_lab(rgb))
    ab_hat = L.answers(model, light)
    rgb_hat = color.with_ab(light, ab_hat)
    return {
        "mse": float(((ab_hat - ab) ** 2).mean() / L.PAPER_SCALE**2),
        "psnr": float(np.mean(psnr(rgb, rgb_hat))),
        "chroma": float(np.hypot(ab_hat[..., 0], ab_hat[..., 1]).mean()),
    }


def export(network: Any, about: dict[str, Any], path: Path) -> Path:
    """Write the network as a colorizer that is not measured yet."""
    plain = L.s0()  # float32
    plain.set_weights(network.get_weights())
    profile = course.profile()
    minutes = sum(row["minutes"] for row in about["rows"])
    return save_keras(
        plain,
        path,
        scale=L.PAPER_SCALE,
        multiple=8,
        size=about["size"],
        metrics=[],
        lesson=CHECKPOINT,
        architecture="S0 (Song and Liu 2018)",
        licence="MIT",
        data=f"{about['n']} photographs: {TRAINED_ON}",
        data_licence=TRAINED_ON_LICENCE,
        profile=profile,
        seed=about["seed"],
        epochs=len(about["plan"]),
        plan=in_words(about["plan"]),
        precision=L.HALF,
        minutes=f"{minutes:.0f}, on {course.device(profile)[1]}",
    )


def in_words(plan: Plan) -> str:
    """A plan as text, "8 × 64 px at 0.001, …"."""
    steps = dict.fromkeys(plan)
    return ", ".join(f"{plan.count(step)} × {step[0]} px at {step[1]:g}" for step in steps)


def per_photo(model: Colorizer, rgb: Image) -> list[list[float]]:
    """What the claims need of each photograph (N, H, W, 3), six numbers.

    Loss at ab/128, ΔE00, colorfulness predicted and true, red pixels, and how many of them are
    predicted red.
    """
    table = []
    for photo in progress.bar(rgb, "audit"):
        hat = model.colorize(photo)
        ab, ab_hat = color.ab(photo), color.ab(hat)
        red, red_hat = is_red(ab), is_red(ab_hat)
        mse = float(((ab - ab_hat) ** 2).mean() / L.PAPER_SCALE**2)
        vivid = metrics.colorfulness(hat), metrics.colorfulness(photo)
        reds = int(red.sum()), int((red & red_hat).sum())
        table.append([mse, metrics.delta_e(photo, hat), *vivid, *reds])
    return table


def is_red(ab: Floats) -> NDArray[np.bool_]:
    """Which pixels are red, (H, W), of ab (H, W, 2)."""
    a, b = ab[..., 0], ab[..., 1]
    return (a > L.RED) & (a > np.abs(b))
