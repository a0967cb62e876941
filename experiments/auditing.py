"""What the claims need and no lesson measures: one U-Net, ab or RGB, from two starts.

It decides whether R, G and B can be predicted by a network that can copy L. And how far its starts
differ says which differences between two networks that were trained once mean nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color, course, metrics, photos
from course_utils.training import fit_keras, keras_on
from experiments import experiment, lesson
from experiments.data import judged_photographs, shared
from experiments.runner import Run

L = lesson("02")
SIZE = 64  # pixels a side
WIDTHS = (8, 16, 32, 64, 64, 64)  # the lesson's, halved
WARM = 90  # pixels that a photograph needs to be counted as one with warm colors

Image = NDArray[np.uint8]
Floats = NDArray[Any]


@experiment("08/audit_targets", photographs=("intel",))
def targets(
    run: Run, *, n: int = 1200, epochs: int = 6, seeds: tuple[int, ...] = (1, 2)
) -> dict[str, Any]:
    """Both targets from every start, a row each: see `scores`."""
    train = photos.load(shared("intel"), "train", SIZE, n, color_only=True)
    test = judged_photographs(SIZE)
    arms: dict[str, list[dict[str, Any]]] = {"ab": [], "RGB": []}
    for seed in seeds:
        for name, rows in arms.items():
            network = trained(name, train, seed, epochs, run.folder / f"{name}-{seed}")
            rows.append(scores(network, test))
    light = color.L(test)
    return {
        "data": "Intel test photographs, color only",
        "size": SIZE,
        "n": len(train),
        "n_test": len(test),
        "n_warm": int(with_warm(test).sum()),
        "epochs": epochs,
        "seed": run.seed,
        "seeds": list(seeds),
        "parameters": L.unet(WIDTHS).count_params(),
        "arms": arms,
        "gray": psnr(test, color.with_ab(light, np.zeros((*light.shape[:3], 2), np.float32))),
    }


def trained(target: str, rgb: Image, seed: int, epochs: int, folder: Path) -> Any:
    """The lesson's U-Net, thinner, after some epochs on the squared error; target: ab or RGB."""
    import keras

    keras_on(course.device(course.profile())[0])
    keras.utils.set_random_seed(seed)
    network, epoch = L.unet(WIDTHS), L.epochs_of(rgb, seed, 16, augmented=False)
    if target == "RGB":
        last = keras.layers.Conv2D(3, 1, activation="sigmoid")
        network = keras.Model(network.input, last(network.layers[-1].input))
    network.compile("adam", "mse")

    def batches(number: int) -> Any:
        return epoch(number) if target == "ab" else epoch(number).map(to_rgb)

    def rate(number: int) -> float:
        return 2e-3 * (1 + np.cos(np.pi * number / epochs)) / 2

    fit_keras(network, batches, epochs, rate, folder)
    return network


def to_rgb(x: Any, y: Any) -> tuple[Any, Any]:
    """From batches of L / 100 and ab / 128 to L / 100 and RGB in 0…1."""
    return x, color.with_ab(100 * x, L.PAPER_SCALE * y)


def scores(network: Any, test: Image) -> dict[str, Any]:
    """A row of one trained network on test photographs (N, SIZE, SIZE, 3).

    "color": PSNR in dB of each photograph, the predicted color with the true L. "raw": of RGB as
    predicted. "colorfulness": its mean. "warm": of gray's squared error on warm pixels, the share
    that is left; the mean of the photographs with enough of them.
    """
    light, row = color.L(test), {}
    if network.output_shape[-1] == 3:
        rgb = network.predict(light / 100, batch_size=20, verbose=0)  # (N, H, W, 3)
        row["raw"], ab = psnr(test, rgb), color.ab(rgb)
    else:
        ab = L.answers(network, light)
    hats = color.with_ab(light, ab)
    vivid = [float(metrics.colorfulness(x)) for x in hats]
    warm = float(warm_left(test, ab))
    return row | {"color": psnr(test, hats), "colorfulness": float(np.mean(vivid)), "warm": warm}


def warm_left(rgb: Image, hats: Floats) -> float:
    """Of gray's squared error on warm pixels, the share that ab hats (N, H, W, 2) leave."""
    ab = color.ab(rgb)
    left, gray = (((x - ab) ** 2).sum(-1) * warm_pixels(rgb) for x in (hats, 0 * ab))
    many = with_warm(rgb)
    return (left.sum((1, 2))[many] / gray.sum((1, 2))[many]).mean()


def warm_pixels(rgb: Image) -> NDArray[np.bool_]:
    """Reds, oranges and browns, (N, H, W)."""
    return np.all(color.ab(rgb) > 10, axis=-1)


def with_warm(rgb: Image) -> NDArray[np.bool_]:
    """The photographs with enough warm pixels, (N,)."""
    return warm_pixels(rgb).sum((1, 2)) >= WARM


def psnr(rgb: Image, hats: Any) -> list[float]:
    """PSNR in dB of each prediction, floats in 0…1, for photographs (N, H, W, 3)."""
    hats = np.asarray(hats, np.float32)
    return np.asarray(metrics.psnr(rgb / np.float32(255), hats)).round(3).tolist()
