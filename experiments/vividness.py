"""What vividness costs: colorfulness beside PSNR, calibration, and a Fréchet distance."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from course_utils import bins, color, course, metrics, networks, progress

Paint = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # from L (H, W, 1) to ab (H, W, 2)


def scaled(paint: Paint, k: float) -> Paint:
    """The colors of a network times k: vividness that needs no training."""
    return lambda L: k * paint(L)


def vividness(rgb: NDArray[np.uint8], paints: dict[str, Paint]) -> dict[str, Any]:
    """{name: {"psnr", "colorfulness"}}, a value for each photograph (N, H, W, 3); truth beside."""
    truth = [round(float(metrics.colorfulness(x)), 2) for x in rgb]
    found: dict[str, Any] = {"truth": {"colorfulness": truth}}
    for name, paint in {"gray": lambda L: np.repeat(0 * L, 2, -1), **paints}.items():
        hats = [painted(color.L(x), paint) for x in progress.bar(rgb, name)]
        vivid = [round(float(metrics.colorfulness(x)), 2) for x in hats]
        found[name] = {"psnr": metrics.psnr(rgb, hats).round(3).tolist(), "colorfulness": vivid}
    return found


def painted(L: NDArray[np.float32], paint: Paint) -> NDArray[np.uint8]:
    """What `Colorizer.colorize` makes of L (H, W, 1) and the ab of `paint`."""
    ab = color.within_gamut(L, paint(L))
    return np.round(255 * color.with_ab(L, ab)).astype(np.uint8)


def equal_psnr(rgb: NDArray[np.uint8], paint: Paint, wanted: float) -> float:
    """The k above 1 with which the colors of `paint` have this mean PSNR in dB."""
    kept = [(color.L(x), paint(color.L(x))) for x in rgb]

    def psnr(k: float) -> float:
        return float(
            np.mean(metrics.psnr(rgb, [painted(L, lambda _, ab=ab: k * ab) for L, ab in kept]))
        )

    low, high = 1.0, 4.0
    for _ in progress.bar(range(9), "k"):
        middle = (low + high) / 2
        low, high = (middle, high) if psnr(middle) > wanted else (low, middle)
    return round(low, 2)


def calibration(net: nn.Module, rgb: NDArray[np.uint8], cells: int = 15) -> dict[str, Any]:
    """ECE and NLL of a network's distributions on photographs (N, H, W, 3), at a quarter.

    A place's truth is the bin of its mean color. NLL: the mean of -log p(truth), in nats. ECE: of
    the likeliest bin, how far confidence and hit rate differ in `cells` cells, weighted (Guo et
    al. 2017); "curve" has a row (confidence, hit rate, share of all places) for each.
    """
    sure, hits, nll = [], [], []
    centers = torch.tensor(bins.ab_bins(), dtype=torch.float32)
    for part in np.array_split(rgb, max(1, len(rgb) // 50)):
        lab = torch.tensor(color.rgb_to_lab(part)).movedim(-1, 1)  # (N, 3, H, W)
        true = functional.avg_pool2d(lab[:, 1:], 4).movedim(1, -1).reshape(-1, 2)
        bin_of = torch.cdist(true, centers).argmin(1)
        with torch.no_grad():
            log_p = net(lab[:, :1] / 100).log_softmax(1).movedim(1, -1).reshape(-1, len(centers))
        best = log_p.max(1)
        sure.append(best.values.exp().numpy())
        hits.append((best.indices == bin_of).numpy())
        nll.append(-log_p.gather(1, bin_of[:, None])[:, 0].numpy())
    confidence, hit = np.concatenate(sure), np.concatenate(hits)
    cell = np.minimum((confidence * cells).astype(int), cells - 1)
    curve = [
        [
            float(confidence[cell == i].mean()),
            float(hit[cell == i].mean()),
            float((cell == i).mean()),
        ]
        for i in range(cells)
        if (cell == i).any()
    ]
    ece = sum(share * abs(sure - right) for sure, right, share in curve)
    return {"ece": ece, "nll": float(np.concatenate(nll).mean()), "curve": curve}


def frechet(
    rgb: NDArray[np.uint8], paints: dict[str, Paint], ours: str, rounds: int = 200
) -> dict[str, list[float]]:
    """{name: [distance, low, high]} by MobileNetV2, which no colorizer was made with.

    Between photographs (N, H, W, 3) and their colored copies; intervals are 95 % percentiles of
    `rounds` bootstrap samples of photographs. "ours - NAME" is the difference of `ours`, paired.
    """
    network = networks.features("MobileNetV2")
    true = network.embed(rgb, "features")
    features = {
        name: network.embed(np.stack([painted(color.L(x), paint) for x in rgb]), "features")
        for name, paint in {"gray": lambda L: np.repeat(0 * L, 2, -1), **paints}.items()
    }
    rng = np.random.default_rng(course.SEED)
    chosen = [np.arange(len(rgb)), *(rng.integers(0, len(rgb), len(rgb)) for _ in range(rounds))]
    found = {
        name: np.array([metrics.frechet_distance(true[i], x[i]) for i in chosen])
        for name, x in features.items()
    }
    found |= {f"{ours} - {name}": found[ours] - x for name, x in found.items() if name != ours}
    return {
        name: [float(x[0]), *map(float, np.percentile(x[1:], [2.5, 97.5]))]
        for name, x in found.items()
    }
