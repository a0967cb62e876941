"""Train a colorizer on your own folders of photographs, by the recipe of the shipped S4.

    python -m experiments.recipe FOLDER [FOLDER ...] -o my_model.onnx [--steps 2000]

A folder is what `data_scripts` prepares (COCO, Imagenette, ...), or any that `photos.load` reads;
the training split of each is learned from. The state lies beside the model, in `my_model.state`:
the same command goes on where it was interrupted. `python -m course_utils.leaderboard
my_model.onnx` then compares the model with those of the course.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from course_utils import color, course, photos
from course_utils.colorizer import save_torch
from experiments import checkpoints, learning, trainings

LEAST = 2 * learning.VALIDATION  # photographs; fewer leave nothing to watch


def train(
    folders: list[Path],
    out: Path,
    steps: int = 2000,
    batch: int = 128,
    rate: float = 2e-3,
    weights: str = "imagenet",
) -> Path:
    """Learn from the training split of each folder, write the colorizer, and return its path.

    weights: "imagenet" for the pretrained encoder, "random" for one from nothing. Raises ValueError
    for fewer than LEAST photographs in color, and for a state of another training.
    """
    parts = [photos.load(f, "train", learning.SIZE, color_only=True) for f in folders]
    rgb = np.concatenate(parts)
    if len(rgb) < LEAST:
        raise ValueError(f"{len(rgb)} color photographs are too few: give at least {LEAST}.")
    rgb = rgb[np.random.default_rng(course.SEED).permutation(len(rgb))]
    watched = np.arange(len(rgb)) % learning.VALIDATION == 0
    net = trainings.network(2, 2, weights, course.SEED)
    optimizer = trainings.adam(net, rate, weights)
    rows = learning.train(
        learning.least(trainings.half(net), optimizer, trainings.whole),
        [optimizer],
        learning.on_device(rgb[~watched], trainings.device()),
        steps=steps,
        batch=batch,
        seed=course.SEED,
        parts={"network": net, "optimizer": optimizer},
        about={"weights": weights, "rate": rate},
        measure=lambda: trainings.evaluated(net, trainings.enlarged(net), rgb[watched]),
        folder=out.with_suffix(".state"),
    )
    print(f"{watched.sum()} photographs left out: {rows[-1]['gain']:+.2f} dB over gray")
    return save_torch(
        checkpoints.Enlarged(net),
        out,
        scale=color.AB_SCALE,
        multiple=32,
        size=checkpoints.WORKING,
        lesson=checkpoints.S4,
        architecture="EfficientNet-Lite0 with a U-Net decoder",
        data=f"{int((~watched).sum())} photographs of {', '.join(f.name for f in folders)}",
        data_licence="see their manifests",
        licence="that of their photographs",
        profile=course.profile(),
        seed=course.SEED,
        metrics=[],
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 with one sentence where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m experiments.recipe")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="the colorizer, .onnx")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--from-nothing", action="store_true", help="a random encoder")
    arguments = parser.parse_args(argv)
    kind = "random" if arguments.from_nothing else "imagenet"
    try:
        train(arguments.folders, arguments.out, arguments.steps, arguments.batch, weights=kind)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on from the last state.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
