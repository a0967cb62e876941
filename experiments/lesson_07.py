"""Experiments of lesson 07: what scores of pictures see and miss, and how they depend on N.

`redraws` scores painted scenes that are as real as the truth by construction. `changes` scores
photographs after changes of a known kind. `scores` measures every shipped colorizer, and has to be
run again when one is trained again. `bias` follows distances between sets as the sets grow.
"""

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color, files, metrics, networks, photos, progress, systems
from course_utils.colorizer import Colorizer
from course_utils.networks import small
from experiments import data, experiment, lesson
from experiments.runner import Run

L = lesson("07")

Photographs = NDArray[np.uint8]
Recolor = Callable[[Photographs], Photographs]  # one photograph to another
Floats = NDArray[Any]
Row = dict[str, Any]

JUDGES = ("MobileNetV2", "Lite0")  # whose features are compared; the first made no colorizer
BATCH = 32
DRAWS = 20  # pairs of halves that a distance between sets is the mean of
CHECKPOINTS = tuple(system.checkpoint for system in systems.SYSTEMS.values())


# The redraw.


@experiment("07/redraws")
def redraws(run: Run, *, n: int = 400) -> dict[str, Any]:
    """SSIM and PSNR of scenes whose noise or colors are drawn anew, and of scenes left gray."""
    truth, *variants = L.redrawn(n).items()
    about: dict[str, Any] = {"data": "paintbox", "n": n, "size": 128, "seed": 2}
    for measure in (metrics.ssim, metrics.psnr):
        values = {name: measure(truth[1], rgb) for name, rgb in variants}
        about[measure.__name__] = {k: np.round(x, 4).tolist() for k, x in values.items()}
    return about


# What two networks see.


def seen(rgb: Photographs) -> dict[str, Floats]:
    """Features (N, width) of both judges by name, "Lite0, last" (N, 1280), and "p" (N, 1000).

    Lite0 runs once for all that it gives.
    """
    lite0, session, mobile = _judges()
    found: dict[str, list] = {name: [] for name in ("MobileNetV2", "Lite0", "Lite0, last", "p")}
    for start in range(0, len(rgb), BATCH):
        batch = rgb[start : start + BATCH]
        x = np.ascontiguousarray(np.moveaxis(lite0.prepare(batch), -1, 1))
        outputs = session.run(["stride16", "features", "p"], {"x": x})
        for name, value in zip(found, (mobile.embed(batch), *outputs), strict=True):
            found[name].append(value)
    return {name: np.concatenate(parts) for name, parts in found.items()}


@functools.cache
def _judges() -> tuple[networks.Features, Any, networks.Features]:
    session, _ = small.opened(files.shipped("lite0.onnx"), "Lite0")
    return networks.features("Lite0"), session, networks.features("MobileNetV2")


def halves(n: int, each: int, seed: int, times: int = DRAWS) -> list[NDArray[np.intp]]:
    """`times` draws of two disjoint sets of `each` photographs among n: (2, each) places."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(n)[: 2 * each].reshape(2, each) for _ in range(times)]


def frechet(real: Floats, other: Floats) -> float:
    """The Fréchet distance, of sets of any size; fewer pictures than features are allowed."""
    return metrics.frechet_distance(real, other, least=0)


def kernel(real: Floats, other: Floats) -> float:
    """The squared maximum mean discrepancy with the cubic kernel, as torchmetrics counts it."""
    import torch
    from torchmetrics.image.kid import poly_mmd

    x, y = (torch.from_numpy(each.astype(np.float64)) for each in (real, other))
    return float(poly_mmd(x, y))


def spread(values: Floats) -> list[float]:
    """[mean, low, high]: the mean, and what 95 % of the values lie between."""
    return [float(np.mean(values)), *map(float, np.percentile(values, [2.5, 97.5]))]


# Rows.


def pairs(rgb: Photographs, hats: Photographs) -> dict[str, Floats]:
    """The measures of each picture against its own truth, (N,) each."""
    truth = metrics.colorfulness(rgb)
    found = {
        "psnr": metrics.psnr(rgb, hats),
        "ssim": metrics.ssim(rgb, hats),
        "ab_error": metrics.ab_error(rgb, hats),
        "colorfulness": metrics.colorfulness(hats),
    }
    return found | {"gap": np.abs(found["colorfulness"] - truth)}


def row(name: str, rgb: Photographs, hats: Photographs, values: dict[str, Floats]) -> Row:
    """Means with 95 % intervals of what `pairs` gave; None where a mean is infinite."""
    finite = {key: bool(np.isfinite(x).all()) for key, x in values.items()}
    found = {k: list(metrics.bootstrap(x)) if finite[k] else None for k, x in values.items()}
    return {"name": name, "n": len(rgb)} | found


def sets(real: dict[str, Floats], other: dict[str, Floats], seed: int) -> Row:
    """The measures of sets: against disjoint halves of real photographs, and against their own.

    real, other: what `seen` gave of the same photographs, and of what was made of them. A draw of
    halves is the same for every row, so that rows can be compared draw by draw.
    """
    n = len(real["p"])
    drawn = halves(n, n // 2, seed)
    found: Row = {"class_score": metrics.inception_score(other["p"])}
    for key, distance in (("frechet", frechet), ("kernel", kernel)):
        by_draw = {
            judge: np.array([distance(real[judge][a], other[judge][b]) for a, b in drawn])
            for judge in JUDGES
        }
        found[key] = {judge: spread(values) for judge, values in by_draw.items()}
        found[f"{key}_draws"] = {k: [float(f"{v:.4g}") for v in x] for k, x in by_draw.items()}
    own = {judge: frechet(real[judge], other[judge]) for judge in JUDGES}
    return found | {"frechet_own": own}


def chosen(n: int) -> Photographs:
    """n of the diverse test photographs at 128 px, the same at every call."""
    rgb, _ = data.diverse()
    order = np.random.default_rng(1).permutation(len(rgb))[:n]
    return rgb[np.sort(order)]


def about(run: Run, rgb: Photographs) -> dict[str, Any]:
    """The protocol of a result on `chosen` photographs."""
    words = "diverse test photographs at 128 px, in color"
    return {"data": words, "n": len(rgb), "size": rgb.shape[1], "seed": run.seed}


# Changes of a known kind.


def only(rgb: Photographs, change: Recolor, of: str) -> Photographs:
    """The photograph with the "L" of change(rgb) and its own ab, or the other way around."""
    new = change(rgb)
    light, ab = (new, rgb) if of == "L" else (rgb, new)
    return np.round(255 * color.with_ab(color.L(light), color.ab(ab))).astype(np.uint8)


def mirrored(rgb: Photographs) -> Photographs:
    """Left and right exchanged."""
    return rgb[:, ::-1]


def upside_down(rgb: Photographs) -> Photographs:
    """Its own L, and its colors upside down."""
    return metrics.repaint(rgb, np.flipud)


def changes() -> dict[str, Recolor]:
    """What is done to every photograph, by name."""
    return {
        "one pixel right": L.one_right,
        "mirrored": mirrored,
        "gray": metrics.paint_gray,
        "own mean ab": metrics.paint_mean,
        "hues turned by 180°": L.hues_turned(180),
        "colors upside down": upside_down,
    }


@experiment("07/changes", photographs=("diverse",))
def changed(run: Run, *, n: int = 240) -> dict[str, Any]:
    """Every measure of photographs that were changed in a known way, and of pairs exchanged."""
    rgb = chosen(n)
    real, rows, ssim = seen(rgb), [], {}
    for name, change in progress.bar(({"truth": np.asarray} | changes()).items(), "changes"):
        hats = np.stack([change(x) for x in rgb])
        values = pairs(rgb, hats)
        rows.append(row(name, rgb, hats, values) | sets(real, seen(hats), run.seed))
        ssim[name] = np.round(values["ssim"], 3).tolist()
    other = np.roll(rgb, 1, axis=0)
    rows.append(row("pairs exchanged", rgb, other, pairs(rgb, other)) | _of_sets(rows[0]))
    for of in ("L", "ab"):
        moved = partial(only, change=L.one_right, of=of)
        ssim[f"one pixel right, {of} only"] = metrics.ssim(rgb, [moved(x) for x in rgb]).tolist()
    about_p = {"class_score": class_scores(real["p"], run.seed)}
    return about(run, rgb) | {"network": "Lite0", "rows": rows, "ssim": ssim} | about_p


def _of_sets(found: Row) -> Row:
    """What a row says of its pictures as a set: the order of the pictures does not count."""
    keys = ("class_score", "frechet", "frechet_draws", "kernel", "kernel_draws")
    return {key: found[key] for key in keys}


def class_scores(p: Floats, seed: int, times: int = 100) -> dict[str, list[float]]:
    """{number of pictures: [mean, low, high]} of the class score of that many, over draws."""
    rng = np.random.default_rng(seed)
    counts = [n for n in (15, 30, 60, 120) if n < len(p)]
    drawn = {
        n: [metrics.inception_score(p[rng.permutation(len(p))[:n]]) for _ in range(times)]
        for n in counts
    }
    found = {str(n): spread(np.array(values)) for n, values in drawn.items()}
    return found | {str(len(p)): [metrics.inception_score(p)] * 3}


# The shipped colorizers.


def conventions(rgb: Photographs, hats: Photographs) -> dict[str, float]:
    """PSNR and SSIM of the same pictures as different people count them: the mean."""
    import torch
    from torchmetrics.functional import image

    ssim: Any = image.structural_similarity_index_measure
    x, y = (torch.from_numpy(np.moveaxis(each, -1, 1) / np.float32(255)) for each in (hats, rgb))
    small_x, small_y = (torch.nn.functional.avg_pool2d(each, 2) for each in (x, y))
    light = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    gray_x, gray_y = ((each * light).sum(1, keepdim=True) for each in (x, y))
    uniform: dict[str, Any] = {"gaussian_kernel": False, "kernel_size": 7}

    def decibels(a, b):
        return float((-10 * (a - b).square().mean((1, 2, 3)).log10()).mean())

    return {
        "PSNR, mean of the pictures": decibels(x, y),
        "PSNR, all pixels at once": float(-10 * (x - y).square().mean().log10()),
        "PSNR at half the size": decibels(small_x, small_y),
        "SSIM, 7 × 7 windows": float(ssim(x, y, data_range=1.0, **uniform)),
        "SSIM, Gaussian windows": float(ssim(x, y, data_range=1.0)),
        "SSIM at half the size": float(ssim(small_x, small_y, data_range=1.0, **uniform)),
        "SSIM of the luminance": float(ssim(gray_x, gray_y, data_range=1.0, **uniform)),
        "SSIM, range given as 2": float(ssim(x, y, data_range=2.0, **uniform)),
    }


@experiment("07/scores", photographs=("diverse",), models=CHECKPOINTS)
def scores(run: Run, *, n: int = 240) -> dict[str, Any]:
    """Every measure of gray, of each photograph's mean color, and of every shipped colorizer."""
    rgb = chosen(n)
    real, rows, by_picture, counted = seen(rgb), [], {}, {}
    ways: dict[str, Recolor] = {"truth": np.asarray, "gray": metrics.paint_gray}
    ways |= {"own mean ab": metrics.paint_mean}
    ways |= {key: Colorizer.load(s.checkpoint).colorize for key, s in systems.SYSTEMS.items()}
    for name, change in progress.bar(ways.items(), "colorizers"):
        hats = np.stack([change(x) for x in rgb])
        values = pairs(rgb, hats)
        rows.append(row(name, rgb, hats, values) | sets(real, seen(hats), run.seed))
        if name == "truth":
            continue
        counted[name] = conventions(rgb, hats)
        by_picture[name] = {
            key: np.round(values[key], 3).tolist() for key in ("psnr", "ssim", "gap")
        }
    other = np.roll(rgb, 1, axis=0)
    rows.append(row("pairs exchanged", rgb, other, pairs(rgb, other)) | _of_sets(rows[0]))
    found = {"network": "Lite0", "rows": rows, "by_picture": by_picture, "conventions": counted}
    return about(run, rgb) | found


# Bias.


def curve(real: Floats, gray: Floats, counts: list[int], seed: int, times: int) -> dict[str, Any]:
    """Real against real, and against gray, at each N: [[mean, low, high], …] over `times` draws."""
    found: dict[str, Any] = {"width": real.shape[1], "N": counts}
    for prefix, distance in (("", frechet), ("kernel ", kernel)):
        for name, other in (("real", real), ("gray", gray)):
            by_count = [halves(len(real), n, seed, times) for n in counts]
            found[prefix + name] = [
                spread(np.array([distance(real[a], other[b]) for a, b in drawn]))
                for drawn in progress.bar(by_count, f"{prefix}{name}")
            ]
    return found


@experiment("07/bias", photographs=("diverse",))
def bias(
    run: Run, *, n: int = 800, size: int = 128, least: int = 100, times: int = 8
) -> dict[str, Any]:
    """Distances between sets against N: 96 features of MobileNetV2, 1,280 of Lite0."""
    rgb = photos.load(data.shared("diverse"), "train", size, limit=n, color_only=True)
    real, gray = (seen(x) for x in (rgb, np.stack([metrics.paint_gray(x) for x in rgb])))
    counts = np.geomspace(least, len(rgb) // 2, 4).astype(int).tolist()
    curves = {
        judge: curve(real[judge], gray[judge], counts, run.seed, times)
        for judge in ("MobileNetV2", "Lite0, last")
    }
    words = "diverse training photographs at 128 px, in color"
    protocol = {"data": words, "n": len(rgb), "size": size, "seed": run.seed, "draws": times}
    return protocol | {"curves": curves}
