"""Lesson 04: what borrowed weights buy, what Keras's accuracy counts, and the second model.

`borrowed` compares borrowed with random weights, frozen with trained ones. `constants` and
`by_epoch` measure an accuracy that answers without any training reach. `checkpoint` makes the
shipped colorizer S4 and judges it; `course_L` and `course_RGB` make the classifiers that the course
ships, the first of which S4 looks through. Networks, loss and loop are the lesson's own.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import batches, color, course, metrics, networks, photos, progress
from course_utils.colorizer import Colorizer, save_keras
from course_utils.training import Rows, fit_keras, keras_on
from experiments import experiment, lesson, scene_classes
from experiments.data import (
    TRAINED_ON,
    TRAINED_ON_LICENCE,
    judged_photographs,
    photographs,
    shared,
)
from experiments.judging import judge
from experiments.runner import Run
from experiments.scene_classes import lighter
from experiments.shipping import ship

L = lesson("04")
CHECKPOINT = "04_pretrained_fusion"
HELD_OUT = 200  # the first photographs of the training split, which no colorizer learns from
WITHIN = 10  # ab units from the truth that count as right in the honest accuracy

Images = NDArray[np.uint8]
Floats = NDArray[Any]  # float32
Painter = Callable[[Images], Images]  # from a photograph (H, W, 3) to its colored copy


# What borrowed maps buy.

ARMS = {  # are the encoder's weights borrowed, and are they trained?
    "borrowed, frozen": (True, False),
    "borrowed, trained": (True, True),
    "random, frozen": (False, False),
    "random, trained": (False, True),
}


@experiment("04/borrowed", photographs=("intel", "photos", "weights"))
def borrowed(
    run: Run,
    *,
    n: int = 240,
    n_held: int = 50,
    size: int = 64,
    epochs: int = 6,
    rate: float = 3e-4,
    seeds: tuple[int, ...] = (1, 2),
) -> dict[str, Any]:
    """The first model in small, its encoder borrowed or random, frozen or trained: PSNR."""
    rgb, test = photographs(size), judged_photographs(size)
    train, held = rgb[HELD_OUT : HELD_OUT + n], rgb[:n_held]
    arms = {}
    for number, (name, (from_elsewhere, trained)) in enumerate(ARMS.items()):
        weights = vgg_weights() if from_elsewhere else "random"
        runs = []
        for seed in seeds:
            model = arm_model(weights, trained, train, seed)
            place = run.folder / f"{number}_{seed}"
            rows = learn_arm(model, train, held, epochs, rate, place)
            runs.append((rows, photo_psnr(model, test)))
        psnr = np.array([of_test for _, of_test in runs])  # (seeds, photographs)
        arms[name] = {
            "rows": [rows for rows, _ in runs],
            "psnr": psnr.mean(0).round(3).tolist(),
            "by_seed": psnr.mean(1).tolist(),
        }
    gray = metrics.psnr(test, [metrics.paint_gray(x) for x in test])
    return {
        "data": "Intel and free photographs, color only",
        "size": size,
        "n": len(train),
        "n_test": len(test),
        "epochs": epochs,
        "seed": list(seeds),
        "rate": rate,
        "arms": arms,
        "gray": np.asarray(gray).round(3).tolist(),
    }


def vgg_weights() -> Path:
    """The first three blocks of VGG-19, trained on ImageNet."""
    return shared("weights") / "vgg19_block1-3.npz"


def arm_model(weights: str | Path, trained: bool, rgb: Images, seed: int) -> Any:
    """Three VGG blocks and a small decoder, in bfloat16; photographs set the features' scale."""
    import keras

    def build() -> Any:
        keras.utils.set_random_seed(seed)
        blocks = networks.vgg_blocks(weights, blocks=3, seed=seed)
        encoder: Any = keras.Model(blocks.input, blocks.get_layer("block3_conv3").output)
        encoder.trainable = trained
        light = color.L(rgb[:40])  # (40, H, W, 1)
        maps = encoder.predict(light / 100, verbose=0).astype(np.float32)  # (40, H/4, W/4, 256)
        return L.first_model(encoder, wide=(128,), rising=(64,), scale=float(maps.std()))

    keras_on(course.device(course.profile())[0])
    return lighter(build)


def learn_arm(
    model: Any, train: Images, held: Images, epochs: int, rate: float, folder: Path
) -> list[float]:
    """Train one arm with one seed; return its mean PSNR on `held` after every epoch, in dB."""

    def measure(model: Any) -> dict[str, float]:
        return {"psnr": float(photo_psnr(model, held).mean())}

    rows = L.learn(model, train, epochs, L.cosine(rate, epochs), folder, measure)
    return [row["psnr"] for row in rows]


def photo_psnr(model: Any, rgb: Images) -> NDArray[np.float64]:
    """PSNR in dB, (N,), of a model's color with the true L of photographs (N, H, W, 3)."""
    return psnr_of(rgb, L.answers(model, color.L(rgb)))


def psnr_of(rgb: Images, ab_hat: Floats) -> NDArray[np.float64]:
    """PSNR in dB, (N,), of predicted ab (N, H, W, 2) with the true L of photographs."""
    hats = color.with_ab(color.L(rgb), ab_hat)
    return np.asarray(metrics.psnr(rgb / np.float32(255), hats))


# What Keras's accuracy counts.

SETS = {"birds": "birds_cc0", "COCO": "coco_cc", "colorful (CQ100)": "cq100"}


@experiment("04/constants", photographs=("intel", "photos"))
def constants(run: Run, *, size: int = 96) -> dict[str, Any]:
    """What constant answers score on Intel's test classes, on all of them, and on three sets."""
    kinds = sorted((shared("intel") / "seg_test").iterdir())
    sets = {f"Intel, {folder.name}": both_halves(folder, size) for folder in kinds}
    intel = np.concatenate(list(sets.values()))
    sets |= {name: both_halves(shared("photos") / folder, size) for name, folder in SETS.items()}
    return {
        "data": "Intel test photographs and free ones, color only",
        "size": size,
        "n": sum(map(len, sets.values())),
        "seed": run.seed,
        "rows": {k: constant_row(rgb) for k, rgb in ({"Intel, all six": intel} | sets).items()},
    }


def both_halves(folder: Path, size: int) -> Images:
    """All color photographs of a folder that is not split, in both of `load`'s halves."""
    halves = [photos.load(folder, half, size, color_only=True) for half in ("train", "test")]
    return np.concatenate(halves, dtype=np.uint8, casting="no")


def constant_row(rgb: Images) -> dict[str, float]:
    """Accuracy of b > a everywhere and of the better bit of each picture; gray within WITHIN."""
    ab = color.ab(rgb)  # (N, H, W, 2)
    yellow = (ab[..., 1] > ab[..., 0]).mean((1, 2))  # (N,)
    row = {
        "n": len(rgb),
        "yellow": yellow.mean(),
        "one bit": np.maximum(yellow, 1 - yellow).mean(),
        "gray within 10": gray_within(ab),
    }
    return {name: float(value) for name, value in row.items()}


def gray_within(ab: Floats) -> float:
    """Share of pixels of ab (N, H, W, 2) that lie within WITHIN of gray."""
    return float((np.hypot(ab[..., 0], ab[..., 1]) <= WITHIN).mean())


@experiment("04/epochs", photographs=("intel", "photos", "weights"))
def by_epoch(
    run: Run,
    *,
    n: int = 64,
    n_test: int = 64,
    size: int = 64,
    epochs: int = 40,
    rate: float = 3e-4,
) -> dict[str, Any]:
    """The first model in small on few photographs: numbers on them and on others, each epoch."""
    rgb = photographs(size)
    train, others = rgb[HELD_OUT : HELD_OUT + n], rgb[:n_test]
    model = arm_model(vgg_weights(), True, train, run.seed)

    def measure(model: Any) -> dict[str, list[float]]:
        return {"train": three_numbers(model, train), "others": three_numbers(model, others)}

    rows = L.learn(model, train, epochs, lambda _: rate, run.folder, measure, augmented=False)
    return {
        "data": "Intel and free photographs, color only",
        "n": len(train),
        "n_test": len(others),
        "size": size,
        "seed": run.seed,
        "yellow": constant_row(others)["yellow"],
        "gray within 10": gray_within(color.ab(others)),
        "rows": [{key: row[key] for key in ("epoch", "train", "others")} for row in rows],
    }


def three_numbers(model: Any, rgb: Images) -> list[float]:
    """Keras's accuracy, share within WITHIN of ab, and PSNR in dB, for photographs."""
    ab, ab_hat = color.ab(rgb), L.answers(model, color.L(rgb))
    shares, _ = metrics.accuracy_curve(ab, ab_hat)
    return [L.keras_accuracy(ab, ab_hat), float(shares[WITHIN]), float(psnr_of(rgb, ab_hat).mean())]


# The shipped checkpoint.

Plan = tuple[tuple[int, float], ...]  # (size in pixels, learning rate), epoch by epoch
PLAN: Plan = ((64, 1e-3),) * 5 + ((64, 4e-4),) * 2 + ((96, 3e-4), (96, 6e-5))


@experiment(
    "04/checkpoint",
    photographs=("intel", "photos"),
    models=(CHECKPOINT, "02_mse_regression", "course_L"),
)
def checkpoint(run: Run, *, plan: Plan = PLAN, batch: int = 20) -> dict[str, Any]:
    """Train, export, ship and judge S4; every number but the swapped vectors' is the file's."""
    rgb = {size: photographs(size) for size in sorted({size for size, _ in plan})}
    eye = networks.features("course_L").model
    network, rows = train_checkpoint(eye, rgb, plan, batch, run)
    size = plan[-1][0]
    n = len(rgb[size]) - HELD_OUT
    about = {"n": n, "size": size, "seed": run.seed, "plan": plan, "rows": rows}
    photo = judged_photographs()
    path = export(network, eye, about, run.folder / f"{CHECKPOINT}.onnx")
    draft = Colorizer.load(path)
    models = {"S0": Colorizer.load("02_mse_regression").colorize, "S4": draft.colorize}
    judged = judge(photo, models)
    ship(path, CHECKPOINT, judged["table"])
    found = {"accuracy": accuracy_rows(photo, models)}
    found |= {"embedding": swapped_vectors(network, eye, judged_photographs(size))}
    return judged | about | found


def train_checkpoint(
    eye: Any, rgb: dict[int, Images], plan: Plan, batch: int, run: Run
) -> tuple[Any, Rows]:
    """The whole system on photographs {size: (N, size, size, 3)}, each epoch as `plan` says."""
    import keras

    keras_on(course.device(course.profile())[0])
    keras.utils.set_random_seed(run.seed)
    network = lighter(lambda: L.whole(eye))
    network.compile(keras.optimizers.Adam(), "mse")
    judged = rgb[plan[-1][0]][:HELD_OUT]

    def epoch(number: int) -> Any:
        if plan[number][0] != plan[number - 1][0]:
            network.make_train_function(force=True)  # the graph was traced at another size
        learned = rgb[plan[number][0]][HELD_OUT:]
        return batches.keras_dataset(learned, batch, run.seed, number)

    def measure(model: Any) -> dict[str, float]:
        names = ("accuracy", "within", "psnr")
        return dict(zip(names, three_numbers(model, judged), strict=True))

    def rate(number: int) -> float:
        return plan[number][1]

    return network, fit_keras(network, epoch, len(plan), rate, run.folder, measure)


def export(network: Any, eye: Any, about: dict[str, Any], path: Path) -> Path:
    """Write the network as a colorizer, its eye inside; it is not measured yet."""
    plain = L.whole(eye)  # float32
    plain.set_weights(network.get_weights())
    profile = course.profile()
    minutes = sum(row["minutes"] for row in about["rows"])
    return save_keras(
        plain,
        path,
        scale=color.AB_SCALE,
        multiple=8,
        size=about["size"],
        metrics=[],
        lesson=CHECKPOINT,
        architecture="Deep Koalarization with half the filters, batch normalization, and course_L",
        licence="MIT",
        data=f"{about['n']} photographs: {TRAINED_ON}",
        data_licence=TRAINED_ON_LICENCE,
        profile=profile,
        seed=about["seed"],
        epochs=len(about["plan"]),
        plan=in_words(about["plan"]),
        precision="mixed_bfloat16",
        minutes=f"{minutes:.0f}, on {course.device(profile)[1]}",
    )


def in_words(plan: Plan) -> str:
    """A plan as text, "5 × 64 px at 0.001, …"."""
    steps = dict.fromkeys(plan)
    return ", ".join(f"{plan.count(step)} × {step[0]} px at {step[1]:g}" for step in steps)


def accuracy_rows(rgb: Images, models: Mapping[str, Painter]) -> dict[str, list[float]]:
    """{name: Keras's accuracy, share within WITHIN of ab, mean area under that curve}.

    rgb: photographs (N, H, W, 3). One yellow and gray stand above the models.
    """
    ab = color.ab(rgb)  # (N, H, W, 2)
    painted = {"one yellow": np.zeros_like(ab), "gray": np.zeros_like(ab)}
    painted["one yellow"][..., 1] = 1
    for name, colorize in models.items():
        painted[name] = color.ab(np.stack([colorize(x) for x in progress.bar(rgb, name)]))
    rows = {}
    for name, ab_hat in painted.items():
        shares, area = metrics.accuracy_curve(ab, ab_hat)
        rows[name] = [L.keras_accuracy(ab, ab_hat), float(shares[WITHIN]), float(np.mean(area))]
    return rows


def swapped_vectors(network: Any, eye: Any, rgb: Images) -> dict[str, list[float]]:
    """PSNR of every photograph with its own embedding, another photograph's, and zeros."""
    light = color.L(rgb) / 100
    own = eye.predict(light, batch_size=20, verbose=0)  # (N, 128)
    tried = {"its own": own, "another's": np.roll(own, 1, axis=0), "zeros": np.zeros_like(own)}
    hand = network.get_layer("hand")
    psnr = {}
    for name, vectors in tried.items():
        ab_hat = color.AB_SCALE * hand.predict([light, vectors], batch_size=20, verbose=0)
        psnr[name] = psnr_of(rgb, ab_hat).round(3).tolist()
    return psnr


# The classifiers that the course ships.


@experiment("04/course_L", photographs=("intel",), models=("course_L",))
def course_L(run: Run, *, epochs: int = 24, batch: int = 64) -> dict[str, Any]:
    """Train, ship and judge the classifier of Intel's six classes that looks at L alone."""
    return scene_classes.make("course_L", run, epochs, batch)


@experiment("04/course_RGB", photographs=("intel",), models=("course_RGB",))
def course_RGB(run: Run, *, epochs: int = 24, batch: int = 64) -> dict[str, Any]:
    """Train, ship and judge the classifier of Intel's six classes that looks at colors."""
    return scene_classes.make("course_RGB", run, epochs, batch)
