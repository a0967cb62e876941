"""The shipped colorizers: what `trainings` has trained, exported, judged on four sets, and shipped.

Every number is measured of the exported file.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from course_utils import color, course, metrics
from course_utils.colorizer import Colorizer, save_torch
from course_utils.networks.unet import Unet
from experiments import data, experiment, learning, trainings
from experiments.judging import on_test_sets
from experiments.runner import Run
from experiments.shipping import ship

PHOTOGRAPHS = ("diverse", "intel", "photos")
LICENCE = "weights for research and teaching, like their photographs; code MIT"
DATA_LICENCE = (
    "diverse: mostly not stated or for research only; Intel: none stated; birds: CC0; album: CC0, "
    "public domain, CC BY, CC BY-SA (see course_utils/album/CREDITS.md); encoder: ImageNet, "
    "weights Apache-2.0"
)
WORKING = 160  # pixels of the shorter side: the networks learned from 96 to 160


class Enlarged(nn.Module):
    """L / 100 (N, 1, H, W) to ab / AB_SCALE (N, 2, H, W): a U-Net and one enlargement."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(self.net(x), scale_factor=2, mode="bilinear")


def about(lesson: str, architecture: str) -> dict[str, Any]:
    """The metadata of a file that a training of `trainings` has made; it is not measured yet."""
    trained = course.result(f"{lesson[:2]}/training")
    return {
        "lesson": lesson,
        "architecture": architecture,
        "data": f"{trained['n']} photographs: {trained['data']}",
        "data_licence": DATA_LICENCE,
        "licence": LICENCE,
        "profile": "gpu",
        "seed": trained["seed"],
        "metrics": [],
    }


def judged(path: Path, name: str, system: str) -> dict[str, Any]:
    """Judge an exported file on the test sets, ship it, and tell what training said of itself."""
    model = Colorizer.load(path)
    sets = on_test_sets({system: model.colorize})
    ship(path, name, [row for found in sets.values() for row in found["table"]])
    trained = course.result(f"{name[:2]}/training")
    kept = {key: trained[key] for key in ("data", "n", "seed", "rows")}
    clear = ~data.diverse()[1]
    gains = np.subtract(*(np.array(sets["diverse"]["psnr"][k]) for k in (system, "gray")))
    found = {"without ImageNet": [int(clear.sum()), *metrics.bootstrap(gains[clear])]}
    return kept | {"size": learning.SIZE, "working": model.size, "sets": sets} | found


S4 = "04_pretrained_fusion"


@experiment("04/checkpoint", photographs=PHOTOGRAPHS, models=(S4, "lite0"))
def s4(run: Run) -> dict[str, Any]:
    """S4: the fine-tuned encoder and its decoder."""
    net = Unet(2, weights="random")
    learning.from_arrays(net, trainings.weights("04/training"))
    told = about(S4, "EfficientNet-Lite0, fine-tuned, with a U-Net decoder and its mean fused")
    path = run.folder / f"{S4}.onnx"
    save_torch(
        Enlarged(net), path, scale=color.AB_SCALE, multiple=32, size=WORKING, loss="MSE", **told
    )
    return judged(path, S4, "S4") | {"embedding": swapped_vectors(net.eval(), data.diverse()[0])}


def swapped_vectors(net: Unet, rgb: NDArray[np.uint8]) -> dict[str, list[float]]:
    """PSNR of photographs (N, H, W, 3) with their own vector, another photograph's, and zeros."""

    def predict(change: Any) -> learning.Predict:
        def call(x: Tensor) -> Tensor:
            maps = net.encoder(x)
            hat = net.decode(maps, change(maps[-1].mean((2, 3))))
            return functional.interpolate(hat, scale_factor=2, mode="bilinear")

        return call

    tried = {"its own": lambda v: v, "another's": lambda v: v.roll(1, 0), "zeros": torch.zeros_like}
    return {k: learning.psnr(predict(f), rgb, "cpu").round(3).tolist() for k, f in tried.items()}
