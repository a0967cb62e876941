"""Lesson 11 on photographs: a small network spreads what a user says about a few places.

It sees L and S4's answer, and gives features that tell which places belong together; lesson 11
spreads a hint by attention between them. `hints` trains it in minutes of one core, holds it against
a rule that learns nothing, and ships its weights.
"""

import json
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from course_utils import color, files, metrics, photos, progress
from course_utils.colorizer import Colorizer
from course_utils.colorizer.model import resize
from experiments import data, experiment, learning, lesson, trainings
from experiments.checkpoints import DATA_LICENCE, LICENCE
from experiments.runner import Run

L = lesson("11")

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]
Hint = tuple[float, float, NDArray[np.float32]]  # y and x in 0..1, ab
Spread = Callable[[Floats, Floats, list[Hint]], Floats]  # L, ab, hints -> ab

S4, NAME = "04_pretrained_fusion", "11_hints"
TRAINED, SIDE = 64, 96  # pixels a side, in training and of the shorter side in use
COUNTS = (0, 1, 3, 10, 30)
MOST, PLACES = 24, 1024  # hints and judged pixels of a picture, in training
FAR, NEAR = 40.0, 10.0  # units of ab: a place that a hint must not reach, one that it should


# What it learns from.


def answers(rgb: Images, model: Colorizer) -> Floats:
    """ab (N, H, W, 2) of a colorizer, for photographs (N, H, W, 3)."""
    return np.stack([model.ab_for(color.L(x)) for x in progress.bar(rgb, "S4")])


def learned_from(file: Path, n: int, seed: int) -> list[Tensor]:
    """L / 100, the true ab and S4's, both / AB_SCALE: (n, C, TRAINED, TRAINED), in half precision.

    Each is a square cut by chance out of a photograph that S4 has seen as a whole. They are kept
    in `file`, which is read where it is there.
    """
    if not file.is_file():
        rgb, model = learning.photographs()[0][:n], Colorizer.load(S4).on_threads(1)
        rng, size, parts = np.random.default_rng(seed), (TRAINED, TRAINED), []
        for x, hat in zip(rgb, answers(rgb, model), strict=True):
            side = int(rng.uniform(TRAINED, len(x) + 1))
            top, left = rng.integers(0, len(x) - side + 1, 2)
            seen = np.concatenate([color.rgb_to_lab(x), hat], -1)[top:, left:][:side, :side]
            parts.append(resize(seen[:, :: rng.choice((-1, 1))], *size))
        scaled = np.stack(parts) / np.array([100, *4 * [color.AB_SCALE]], np.float32)
        files.write(file, lambda f: np.save(f, scaled.astype(np.float16)))  # pyright: ignore
    whole = torch.from_numpy(np.load(file)).movedim(-1, 1)
    return [whole[:, :1], whole[:, 1:3], whole[:, 3:]]


def told(ab: Tensor, hat: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hints for a batch: their pixels (N, M) and their colors (N, M, 2).

    Their number M is drawn once for all pictures: geometric with the mean 7, from 1 to MOST. In
    every second picture they stand where the answer `hat` is wrong, in the others anywhere; a color
    is the mean of 3 by 3 pixels.
    """
    luck = float(torch.rand((), generator=generator))
    count = min(1 + int(np.log(1 - luck) / np.log(6 / 7)), MOST)
    wrong = (ab - hat).norm(dim=1).flatten(1) + 0.02
    wrong[::2] = 1.0
    where = torch.multinomial(wrong, count, generator=generator)
    mean = F.avg_pool2d(ab, 3, 1, 1, count_include_pad=False).flatten(2).mT  # (N, HW, 2)
    return where, mean.gather(1, where[..., None].expand(-1, -1, 2))


def network() -> torch.nn.Module:
    """As in the lesson: 16 features of a place and its doubt, from L and ab."""
    return L.UNet(3, 17)


def loss(net: Any, light: Tensor, ab: Tensor, hat: Tensor, generator: torch.Generator) -> Tensor:
    """How far the hinted answer is from the truth, at PLACES pixels of each picture."""
    light, ab, hat = light.float(), ab.float(), hat.float()
    where, wish = told(ab, hat, generator)
    some = torch.randperm(light[0].numel(), generator=generator)[:PLACES]
    with torch.autocast(light.device.type, torch.bfloat16):
        places = L.features(net, torch.cat([light, hat], 1))
    places, own = places.float(), hat.flatten(2).mT[:, some]
    at = places.gather(1, where[..., None].expand(-1, -1, places.shape[2]))
    found = L.with_hints(places[:, some], own, at, wish)
    return F.smooth_l1_loss(found, ab.flatten(2).mT[:, some], beta=0.1)


# What it is held against.


def by_rule(wide: float, alike: float, doubt: float) -> Spread:
    """Nothing learned: a hint's difference to ab, spread by Gaussians in place and in L.

    wide: in shares of the shorter side. alike: in units of L. doubt: the weight of no change.
    """

    def spread(light: Floats, ab: Floats, hints: list[Hint]) -> Floats:
        height, width = (round(n * SIDE / min(light.shape[:2])) for n in light.shape[:2])
        small, own = resize(light, height, width)[..., 0], resize(ab, height, width)
        y, x = np.indices((height, width)) / min(height, width)
        change, total = np.zeros_like(own), np.full((height, width, 1), doubt, np.float32)
        for row, column, wish in hints:
            place = int(row * height), int(column * width)
            far = ((y - y[place]) ** 2 + (x - x[place]) ** 2) / wide**2
            weight = np.exp(-(far + (small - small[place]) ** 2 / alike**2) / 2)[..., None]
            change, total = change + weight * (wish - own[place]), total + weight
        return ab + resize((change / total).astype(np.float32), *light.shape[:2])

    return spread


RULES = [(w, a, d) for w in (0.1, 0.2, 0.3) for a in (7.0, 10.0, 15.0) for d in (0.05, 0.2)]


def best_rule(rgb: Images, hats: Floats, seed: int, count: int = 10) -> tuple[float, float, float]:
    """The widths with the best PSNR after `count` hints, on photographs that are learned from."""
    scores = [gains(rgb, hats, by_rule(*rule), seed, (count,)).mean() for rule in RULES]
    return RULES[int(np.argmax(scores))]


# Judging.


def truths(rgb: Images, count: int, seed: int) -> list[Hint]:
    """True colors at places drawn by chance: the mean ab of a spot of 3 pixels at SIDE."""
    rng, side = np.random.default_rng(seed), SIDE
    small = resize(color.ab(rgb), side, side)
    places = [rng.integers(1, side - 1, 2) for _ in range(count)]
    means = [small[i - 1 : i + 2, j - 1 : j + 2].mean((0, 1)) for i, j in places]
    return [((i + 0.5) / side, (j + 0.5) / side, m) for (i, j), m in zip(places, means)]


def psnr(rgb: Images, light: Floats, ab: Floats) -> float:
    """PSNR in dB of a picture that is painted as `Colorizer.colorize` paints it."""
    painted = np.round(255 * color.with_ab(light, color.within_gamut(light, ab)))
    return float(metrics.psnr(rgb, painted.astype(np.uint8)))


def gains(
    rgb: Images, hats: Floats, spread: Spread, seed: int, counts: tuple[int, ...] = COUNTS
) -> NDArray[np.float64]:
    """PSNR minus S4's in dB, (N, len(counts)), after so many true hints at places by chance."""
    rows = []
    for i, (x, ab) in enumerate(zip(rgb, hats)):
        light, hints = color.L(x), truths(x, max(counts), seed + i)
        own = psnr(x, light, ab)
        rows.append([psnr(x, light, spread(light, ab, hints[:n])) - own for n in counts])
    return np.array(rows)


def reach(rgb: Images, hats: Floats, spread: Spread, seed: int, hints: int = 4) -> dict[str, Any]:
    """How much of one hint's change arrives at places of its color, and at far other ones.

    Both as shares of the change that the hint asks for, with intervals over photographs. Hints
    that ask for less than NEAR units are left out, and so are photographs without such places.
    """
    found: dict[str, list[float]] = {"near": [], "far": []}
    for i, (x, ab) in enumerate(zip(rgb, hats)):
        light, truth, shares = color.L(x), color.ab(x), {"near": [], "far": []}
        silent = spread(light, ab, [])
        for y, column, wish in truths(x, hints, seed + i):
            asked = float(np.hypot(*(wish - ab[int(y * len(x)), int(column * x.shape[1])])))
            moved = np.linalg.norm(spread(light, ab, [(y, column, wish)]) - silent, axis=-1)
            unlike = np.linalg.norm(truth - wish, axis=-1)
            for name, where in (("near", unlike < NEAR), ("far", unlike > FAR)):
                if asked > NEAR and where.any():
                    shares[name].append(float(moved[where].mean()) / asked)
        for name, values in shares.items():
            found[name] += [float(np.mean(values))] if values else []
    return {k: [*metrics.bootstrap(v), len(v)] for k, v in found.items()}


def judged(rgb: Images, spreads: dict[str, Spread], seed: int) -> dict[str, Any]:
    """{way: {"gain": a row [mean, low, high] for each of COUNTS, "reach"}}, and the difference."""
    hats = answers(rgb, Colorizer.load(S4).on_threads(1))
    each = {k: gains(rgb, hats, spread, seed) for k, spread in spreads.items()}
    found: dict[str, Any] = {
        k: {
            "gain": [list(metrics.bootstrap(column)) for column in each[k].T],
            "reach": reach(rgb, hats, spread, seed),
            "each": each[k].round(3).tolist(),
        }
        for k, spread in spreads.items()
    }
    ahead = [list(metrics.bootstrap(column)) for column in (each["network"] - each["rule"]).T]
    return found | {"ahead": ahead, "n": len(rgb), "size": rgb.shape[1]}


# The experiment.


def weights(path: Path, net: torch.nn.Module, table: dict[str, Any], lines: list[str]) -> Path:
    """Ship the weights of a network: the file, its checksum, and its card, `lines` at its end."""
    learning.keep_weights(path, learning.torch_arrays(net))
    table.pop("losses")  # they stand in the result
    table |= {"parameters": sum(p.numel() for p in net.parameters()), "weights": "float16"}
    table |= {"data_licence": DATA_LICENCE, "licence": LICENCE}
    table |= {"file": f"{path.stat().st_size:,} bytes", "sha256": files.register(path)}
    rows = [f"| {key} | {value} |" for key, value in table.items()]
    head = [f"# {path.stem}\n", *lines[:1], "\n| | |\n| --- | --- |", *rows, ""]
    files.write(path.with_suffix(".md"), "\n".join([*head, *lines[1:]]) + "\n")
    return path


def card(found: dict[str, Any]) -> list[str]:
    """What the card says beside its table: what the weights are, and what was measured."""
    lines = [
        "The network of lesson 11 that spreads what a user says about the colors of a photograph.\n"
        f"It sees L and the answer of {S4}, and gives features of each place; a hint\n"
        "is spread by the attention between them.",
        f"PSNR minus that of {S4} in dB, after true hints at places drawn by chance:\n",
        f"| data | way | {' | '.join(f'{n} hints' for n in COUNTS)} |",
        "| --- | --- |" + " --- |" * len(COUNTS),
    ]
    for name, sets in found.items():
        for way in ("network", "rule"):
            cells = [f"{m:+.2f} [{low:+.2f}, {high:+.2f}]" for m, low, high in sets[way]["gain"]]
            lines.append(f"| {name} | {way} | {' | '.join(cells)} |")
    lines.append("\nThe rule learns nothing: it spreads each hint by Gaussians in place and in L.")
    return lines


@experiment("11/photographs", photographs=("diverse", "intel", "photos"), models=(S4,))
def hints(
    run: Run, *, n: int = 4000, steps: int = 1000, batch: int = 16, n_test: int = 200
) -> dict[str, Any]:
    """Hints on photographs: PSNR over S4's by their number, against a rule; ships the weights."""
    arrays = learned_from(run.folder / "views.npy", n, run.seed)
    torch.manual_seed(run.seed)
    net, kept, told_of = network(), run.folder / "weights.npz", run.folder / "training.json"
    if not told_of.is_file():
        begun = process_time()
        losses = L.learn(net, loss, arrays, steps, batch, seed=run.seed)
        learning.keep_weights(kept, learning.torch_arrays(net))
        seconds = round(process_time() - begun)
        files.write(told_of, json.dumps({"seconds": seconds, "losses": losses}))
    learning.from_arrays(net, kept)  # what is judged is what is shipped
    net.eval()
    known = photos.load("album", "train", 256)[:30]
    rule = best_rule(known, answers(known, Colorizer.load(S4).on_threads(1)), run.seed)
    spreads = {"network": lambda *seen: L.hinted(net, *seen, SIDE), "rule": by_rule(*rule)}
    sets = {
        "album": photos.load("album", "test", 256),
        "diverse": photos.load(data.shared("diverse"), "test", 128, color_only=True)[:n_test],
    }
    found = {name: judged(rgb, spreads, run.seed) for name, rgb in sets.items()}
    about = {"data": trainings.DATA, "n": n, "size": TRAINED, "seed": run.seed}
    about |= {"steps": steps, "batch": batch} | json.loads(told_of.read_text("utf-8"))
    path = weights(files.CHECKPOINTS / f"{NAME}.npz", net, dict(about), card(found))
    return about | {"counts": COUNTS, "rule": rule, "sets": found, "sha256": files.sha256(path)}
