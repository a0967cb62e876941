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

from course_utils import bins, color, course, metrics, photos, progress
from course_utils.colorizer import Colorizer, save_keras, save_torch
from course_utils.networks.unet import Unet
from experiments import data, experiment, learning, trainings
from experiments.judging import on_test_sets
from experiments.runner import STATES, Run
from experiments.shipping import ship
from experiments.vividness import Paint, calibration, equal_psnr, frechet, scaled, vividness

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
    kept = {key: trained[key] for key in ("data", "n", "seed", "rows") if key in trained}
    clear = ~data.diverse()[1]
    gains = np.subtract(*(np.array(sets["diverse"]["psnr"][k]) for k in (system, "gray")))
    found = {"without ImageNet": [int(clear.sum()), *metrics.bootstrap(gains[clear])]}
    return kept | {"size": learning.SIZE, "working": model.size, "sets": sets} | found


S0, S4 = "02_mse_regression", "04_pretrained_fusion"


@experiment("02/checkpoint", photographs=PHOTOGRAPHS, models=(S0,))
def s0(run: Run) -> dict[str, Any]:
    """S0: the published network."""
    network = with_weights(trainings.S0.s0(), trainings.weights("02/training"))
    told = about(S0, "S0 (Song and Liu), as published")
    scale = trainings.S0.PAPER_SCALE
    path = run.folder / f"{S0}.onnx"
    save_keras(network, path, scale=scale, multiple=8, size=WORKING, loss="MSE", **told)
    return judged(path, S0, "S0")


S1 = "03_global_local_fusion"
SIZES = (32, 64, 128, 160, 256, 512)  # pixels of the shorter side, at which S1 is tried


@experiment("03/checkpoint", photographs=PHOTOGRAPHS, models=(S1,))
def s1(run: Run, *, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """S1: the compact network, wider than in the lesson."""
    core = trainings.s1_parts(trainings.WIDTH)
    network = with_weights(trainings.S1.alone(core), trainings.weights("03/training"))
    told = about(S1, f"S1 (Kaushik et al.), compact, {trainings.WIDTH} times its filters")
    scale = trainings.S1.SCALE
    path = run.folder / f"{S1}.onnx"
    save_keras(network, path, scale=scale, multiple=4, size=WORKING, loss="MSE", **told)
    found = judged(path, S1, "S1") | {"embedding": swapped_pictures(core, data.diverse()[0])}
    return found | {
        "sizes": at_sizes(Colorizer.load(path), photos.load("album", "test", 512), sizes)
    }


RED = 30.0  # a pixel is red when its a exceeds this and exceeds |b|


@experiment("02/red", photographs=("diverse",), models=(S0, S4))
def red(run: Run, *, size: int = 128) -> dict[str, Any]:
    """How many red pixels of each photograph come out red: S0, and S4, which knows features."""

    def is_red(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
        a, b = np.moveaxis(color.ab(rgb), -1, 0)
        return (a > RED) & (a > np.abs(b))

    rgb = data.diverse(size)[0]
    there = [is_red(x) for x in rgb]
    found: dict[str, list[int]] = {"truth": [int(x.sum()) for x in there]}
    for name, file in (("S0", S0), ("S4", S4)):
        model = Colorizer.load(file)
        hats = [is_red(model.colorize(x)) for x in progress.bar(rgb, name)]
        found[name] = [int((x & hat).sum()) for x, hat in zip(there, hats, strict=True)]
    about = {"data": "diverse test photographs", "n": len(rgb), "size": size, "seed": run.seed}
    return about | {"pixels": found}


def with_weights(network: Any, path: Path) -> Any:
    """A Keras network with the weights that a training has kept."""
    with np.load(path) as kept:
        network.set_weights([np.asarray(kept[k], np.float32) for k in sorted(kept.files)])
    return network


def swapped_pictures(core: Any, rgb: NDArray[np.uint8]) -> dict[str, list[float]]:
    """PSNR of photographs (N, H, W, 3) when the global branch sees them, others, or nothing."""
    L = color.L(rgb)
    small = trainings.S1.shrink(L)
    seen = {"its own": small, "another's": np.roll(small, 1, 0), "zeros": np.zeros_like(small)}
    found = {}
    for name, copy in seen.items():
        rgb_hat = color.with_ab(L, trainings.S1.answers(core, L, copy))
        found[name] = np.round(metrics.psnr(rgb / np.float32(255), rgb_hat), 3).tolist()
    return found


def at_sizes(
    model: Colorizer, rgb: NDArray[np.uint8], sizes: tuple[int, ...]
) -> dict[str, list[float]]:
    """PSNR in dB of each photograph (N, H, W, 3) when the network works at other sizes."""

    def psnr(paint: Any) -> list[float]:
        return np.round(metrics.psnr(rgb, [paint(x) for x in rgb]), 3).tolist()

    table, own = {"gray": psnr(metrics.paint_gray)}, model.size
    for size in sizes:
        model.size = size
        table[str(size)] = psnr(model.colorize)
    model.size = own
    return table


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


# Lessons 05 and 06: what vividness costs.


S2 = "05_quantized_classification"


class Distribution(nn.Module):
    """L / 100 (N, 1, H, W) to ab / AB_SCALE (N, 2, H, W): the mean of a network's distribution.

    The logits gain `rebalance` times the logarithm of the weights of rare bins; then all is
    divided by T.
    """

    centers: Tensor  # (2, 313, 1, 1), ab / AB_SCALE
    log_w: Tensor  # (313, 1, 1)

    def __init__(self, net: nn.Module, prior: NDArray[np.float64]) -> None:
        super().__init__()
        self.net = net
        centers = torch.tensor(bins.ab_bins().T / color.AB_SCALE, dtype=torch.float32)
        self.register_buffer("centers", centers[..., None, None])
        log_w = torch.tensor(np.log(bins.rebalance(prior)), dtype=torch.float32)
        self.register_buffer("log_w", log_w[:, None, None])

    def forward(self, x: Tensor, T: Tensor, rebalance: Tensor) -> Tensor:
        p = ((self.net(x) + rebalance * self.log_w) / T).softmax(1)  # (N, 313, H / 4, W / 4)
        ab = functional.conv2d(p, self.centers)
        return functional.interpolate(ab, scale_factor=4, mode="bilinear")


@experiment("05/checkpoint", photographs=PHOTOGRAPHS, models=(S2, S4))
def s2(run: Run) -> dict[str, Any]:
    """S2: S4's encoder, a distribution over 313 bins; and what three choices make of it."""
    net = Unet(len(bins.ab_bins()), 4, "random")
    learning.from_arrays(net, trainings.weights("05/training"))
    told = about(S2, "EfficientNet-Lite0 as fine-tuned for S4, a U-Net decoder, 313 bins")
    prior = np.array(course.result("05/training")["prior"])
    path = run.folder / f"{S2}.onnx"
    options: dict[str, Any] = {"T": 1.0, "rebalance": True, "loss": "soft cross-entropy"}
    module = Distribution(net, smoothed(prior))
    save_torch(module, path, scale=color.AB_SCALE, multiple=32, size=WORKING, **options, **told)
    found = judged(path, S2, "S2") | {"prior": prior.tolist()}
    rgb, model = data.diverse()[0], Colorizer.load(path)
    paints: dict[str, Paint] = {
        "S2, mean": model.ab_for,
        "S2, annealed": lambda L: model.ab_for(L, 0.38),
        "S2, rebalanced by half": lambda L: model.ab_for(L, 1.0, 0.5),
        "S2, rebalanced": lambda L: model.ab_for(L, 1.0, 1.0),
        "S2, rebalanced and annealed": lambda L: model.ab_for(L, 0.38, 1.0),
        "S4": Colorizer.load(S4).ab_for,
    }
    choices = vividness(rgb, paints)
    k = equal_psnr(rgb, paints["S4"], np.mean(choices["S2, rebalanced by half"]["psnr"]))
    more = vividness(rgb, {"S4 × k": scaled(paints["S4"], k)})
    choices["S4 × k"] = more["S4 × k"] | {"k": k}
    return found | {"choices": choices, "calibration": calibration(net.eval(), rgb)}


def smoothed(prior: NDArray[np.float64], least: float = 1e-5) -> NDArray[np.float64]:
    """A prior (313,) in which no bin is empty: rare ones are known only roughly."""
    kept = np.maximum(prior, least)
    return kept / kept.sum()


S3 = "06_pix2pix_gan"
SHIPPED = 30  # the weight λ of L1 in the shipped one


@experiment("06/checkpoint", photographs=PHOTOGRAPHS, models=(S3, S4, "mobilenetv2"))
def s3(run: Run, *, shipped: int = SHIPPED) -> dict[str, Any]:
    """S3: L1 and a discriminator, beside L1 alone and other weights of L1."""
    files = {"L1 alone": "L1"} | {f"L1 and D, λ = {lam}": f"game_{lam}" for lam in (100, 30, 10)}
    told = about(S3, "EfficientNet-Lite0 as fine-tuned for S4, a U-Net decoder, PatchGAN beside it")
    models = {}
    for name, file in files.items():
        net = Unet(2, weights="random")
        learning.from_arrays(net, STATES / f"06/training/{file}.npz")
        path, options = run.folder / f"{file}.onnx", {"multiple": 32, "size": WORKING, "loss": name}
        save_torch(Enlarged(net), path, scale=color.AB_SCALE, **options, **told)
        models[name] = Colorizer.load(path)
    ours = f"L1 and D, λ = {shipped}"
    path = models[ours].path.rename(run.folder / f"{S3}.onnx")
    found = judged(path, S3, "S3")
    rgb = data.diverse()[0]
    paints: dict[str, Paint] = {name: model.ab_for for name, model in models.items()}
    arms = vividness(rgb, paints | {"S4": Colorizer.load(S4).ab_for})
    k = equal_psnr(rgb, paints["L1 alone"], np.mean(arms[ours]["psnr"]))
    paints["L1 × k"] = scaled(paints["L1 alone"], k)
    arms["L1 × k"] = vividness(rgb, {"L1 × k": paints["L1 × k"]})["L1 × k"] | {"k": k}
    return found | {"arms": arms, "shipped": ours, "frechet": frechet(rgb, paints, ours)}
