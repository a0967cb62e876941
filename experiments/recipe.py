"""Train a colorizer on your own photographs, by the recipe of the shipped S4, S2 or S3.

    python -m experiments.recipe FOLDER [FOLDER ...] -o my_model.onnx [--steps 2000] [--system S2]
    python -m experiments.recipe --shards SHARDS -o my_model.onnx

A folder is what `data_scripts` prepares (COCO, Imagenette, ...), or any that `photos.load` reads;
the training split of each is learned from. More than memory holds come as shards (`shards`). The
state lies beside the model, in `my_model.state`: the same command goes on where it was interrupted.
Several GPUs: `torchrun --nproc-per-node 2 -m experiments.recipe ...`, or `accelerate launch`.
`python -m course_utils.leaderboard my_model.onnx` compares the model with those of the course.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils import color, course, photos
from course_utils.colorizer import save_torch
from experiments import checkpoints, learning, parallel, shards, trainings

LEAST = 2 * learning.VALIDATION  # photographs; fewer leave nothing to watch
LAMBDA = 30.0  # the weight of L1 beside the discriminator of S3
SYSTEMS = ("S4", "S2", "S3")
Pictures = Tensor | Callable[[int], Tensor]


def train(
    pictures: Pictures,
    watched: learning.Images,
    out: Path,
    system: str = "S4",
    steps: int = 2000,
    batch: int = 128,
    rate: float = 2e-3,
    weights: str = "imagenet",
    **about: Any,
) -> Path:
    """Learn from photographs, write the colorizer, and return its path.

    pictures: as `learning.train` takes them; watched: others, (N, H, W, 3). system: S4 learns by
    the squared error, S2 a distribution over 313 bins, S3 by L1 and then, for half as many steps,
    with a discriminator. weights: "imagenet" for the pretrained encoder, "random" for one from
    nothing. about: `data` and `data_licence`. Raises ValueError for a state of another training.
    """
    net = trainings.network(*((313, 4) if system == "S2" else (2, 2)), weights, course.SEED)
    optimizer = trainings.adam(net, rate, weights)
    losses = {"S2": trainings.soft_cross_entropy(), "S3": trainings.absolute, "S4": trainings.whole}
    predict = trainings.mean_color(net) if system == "S2" else trainings.enlarged(net)
    options: dict[str, Any] = {"batch": batch, "seed": course.SEED}
    options |= {"measure": lambda: trainings.evaluated(net, predict, watched)}
    rows = learning.train(
        learning.least(trainings.half(net), optimizer, losses[system]),
        [optimizer],
        pictures,
        steps=steps,
        parts={"network": net, "optimizer": optimizer},
        about={"weights": weights, "rate": rate, "system": system},
        folder=out.with_suffix(".state"),
        **options,
    )
    if system == "S3":
        D = trainings.discriminator().to(trainings.device())
        of_net = trainings.adam(net, rate / 10, weights, (0.5, 0.999))
        of_D = torch.optim.Adam(D.parameters(), rate / 5, (0.5, 0.999))
        rows = learning.train(
            trainings.play(net, D, of_net, of_D, LAMBDA),
            [of_net, of_D],
            pictures,
            steps=steps // 2,
            parts={"network": net, "D": D, "of_net": of_net, "of_D": of_D},
            about={"weights": weights, "rate": rate, "lam": LAMBDA},
            folder=out.with_suffix(".state") / "game",
            **options,
        )
    if not parallel.first():
        return out
    print(f"{len(watched)} photographs left out: {rows[-1]['gain']:+.2f} dB over gray")
    module: Any = checkpoints.Enlarged(net)
    if system == "S2":
        share = trainings.prior(pictures_of(pictures))
        module = checkpoints.Distribution(net, checkpoints.smoothed(share))
        about |= {"T": 1.0, "rebalance": True}
    return save_torch(
        module,
        out,
        scale=color.AB_SCALE,
        multiple=32,
        size=checkpoints.WORKING,
        lesson={"S2": checkpoints.S2, "S3": checkpoints.S3, "S4": checkpoints.S4}[system],
        architecture="EfficientNet-Lite0 with a U-Net decoder",
        licence="that of their photographs",
        profile=course.profile(),
        seed=course.SEED,
        metrics=[],
        **about,
    )


def pictures_of(pictures: Pictures) -> learning.Images:
    """Photographs (N, H, W, 3) that speak for all: the first part where they come in parts."""
    rgb = pictures(0) if callable(pictures) else pictures
    return rgb.movedim(1, -1).cpu().numpy()


def of_folders(folders: list[Path]) -> tuple[Pictures, learning.Images, dict[str, Any]]:
    """(learned from, watched, what is said of them): the training split of each folder.

    Raises ValueError for fewer than LEAST photographs in color.
    """
    parts = [photos.load(f, "train", learning.SIZE, color_only=True) for f in folders]
    rgb = np.concatenate(parts)
    if len(rgb) < LEAST:
        raise ValueError(f"{len(rgb)} color photographs are too few: give at least {LEAST}.")
    rgb = rgb[np.random.default_rng(course.SEED).permutation(len(rgb))]
    watched = np.arange(len(rgb)) % learning.VALIDATION == 0
    words = f"{int((~watched).sum())} photographs of {', '.join(f.name for f in folders)}"
    about = {"data": words, "data_licence": "see their manifests"}
    return learning.on_device(rgb[~watched], trainings.device()), rgb[watched], about


def of_shards(folder: Path) -> tuple[Pictures, learning.Images, dict[str, Any]]:
    """(learned from, watched, what is said of them): some shards at a time, and the last one."""
    words = f"{len(shards.names(folder)) - 1} shards of {folder.name}"
    about = {"data": words, "data_licence": "see their manifest"}
    return shards.in_turns(folder, trainings.device()), shards.watched(folder), about


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 with one sentence where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m experiments.recipe")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--shards", type=Path, help="a folder of shards, instead of folders")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the colorizer, .onnx")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--system", choices=SYSTEMS, default="S4")
    parser.add_argument("--from-nothing", action="store_true", help="a random encoder")
    arguments = parser.parse_args(argv)
    if bool(arguments.folders) == bool(arguments.shards):
        parser.error("name folders of photographs, or --shards.")
    kind = "random" if arguments.from_nothing else "imagenet"
    options: dict[str, Any] = {
        "system": arguments.system,
        "steps": arguments.steps,
        "batch": arguments.batch,
    }
    parallel.join()
    try:
        found = of_shards(arguments.shards) if arguments.shards else of_folders(arguments.folders)
        pictures, watched, about = found
        train(pictures, watched, arguments.out, **options, weights=kind, **about)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on from the last state.", file=sys.stderr)
        return 130
    finally:
        parallel.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
