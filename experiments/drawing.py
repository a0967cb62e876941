"""Several colorings of a photograph: lesson 05's network draws hints, 11_hints spreads them.

`several` holds them against the one answer of lesson 04, and against two ways of drawing that lack
something: hints that spread to where their color is improbable, and colors that were drawn for
another photograph.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import color, files, metrics, photos, progress
from course_utils.colorizer import Colorizer, graph
from experiments import data, experiment, hinting, learning, lesson, vividness
from experiments.runner import Run
from experiments.vividness import Paint, frechet

L = lesson("11")

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]

S2 = "05_quantized_classification"
WAYS = ("drawn", "anywhere", "another's")
ENOUGH = 384  # photographs for a Fréchet distance: four times its features


def anywhere(places: Any, p: Floats, at: list[int], told: list[int]) -> Any:
    """The lesson's `influence` without what S2 says: hints spread by features alone."""
    return L.influence(places, np.ones_like(p), at, told)


def painted(light: Floats, ab: Floats) -> Images:
    """A photograph (H, W, 3) as `Colorizer.colorize` paints it."""
    return vividness.painted(light, lambda _: ab)


def apart(drawings: Floats) -> float:
    """The mean distance in ab between two of some colorings (S, H, W, 2), over all their pairs."""
    pairs = [(i, j) for i in range(len(drawings)) for j in range(i)]
    return float(np.mean([np.linalg.norm(drawings[i] - drawings[j], axis=-1) for i, j in pairs]))


def in_turn(answers: list[Floats]) -> Paint:
    """A `Paint` that gives the next of these answers at each call."""
    rest = iter(answers)
    return lambda _: next(rest)


def scores(rgb: Images, light: Floats, ab: Floats, drawings: Floats) -> dict[str, float]:
    """Of colorings (S, H, W, 2) of one photograph: PSNR in dB minus S4's, of one and of the best.

    "apart": see there. "colorfulness": their mean.
    """
    base, pictures = metrics.psnr(rgb, painted(light, ab)), [painted(light, x) for x in drawings]
    gains = [metrics.psnr(rgb, picture) - base for picture in pictures]
    vivid = np.mean([metrics.colorfulness(picture) for picture in pictures])
    row = {"single": np.mean(gains), "best": max(gains), "apart": apart(drawings)}
    return {key: float(value) for key, value in (row | {"colorfulness": vivid}).items()}


def judged(rgb: Images, net: Any, samples: int) -> dict[str, Any]:
    """`scores` of each of WAYS, with intervals over photographs (N, H, W, 3).

    "behind": by how much a way is behind "drawn". "frechet": the distance of one coloring of each
    photograph to the photographs, where they are ENOUGH.
    """
    s2, lights = graph.softmax_inside(files.shipped(f"{S2}.onnx")), [color.L(x) for x in rgb]
    answers = hinting.answers(rgb, Colorizer.load(hinting.S4).on_threads(1))
    rows: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    firsts: dict[str, list[Floats]] = {"S4": [*answers]} | {way: [] for way in WAYS}
    other = L.distribution(s2, lights[-1])
    for i, (x, light, ab) in enumerate(zip(progress.bar(rgb, "drawn"), lights, answers)):
        own = L.distribution(s2, light)
        told = {"drawn": (own, L.influence), "anywhere": (own, anywhere)}
        for way, (p, spread) in (told | {"another's": (other, L.influence)}).items():
            seeds = range(samples * i, samples * (i + 1))
            drawings = np.stack([L.drawn(net, light, ab, p, spread, seed=k) for k in seeds])
            rows[way].append(scores(x, light, ab, drawings))
            firsts[way].append(drawings[0])
        other = own
    found: dict[str, Any] = {"n": len(rgb), "size": rgb.shape[1]}
    columns = {
        way: {k: np.array([row[k] for row in rows[way]]) for k in rows[way][0]} for way in WAYS
    }
    for way, values in columns.items():
        found[way] = {key: list(metrics.bootstrap(column)) for key, column in values.items()}
    for way in WAYS[1:]:
        ahead = {key: columns["drawn"][key] - columns[way][key] for key in ("single", "best")}
        found[way]["behind"] = {key: list(metrics.bootstrap(x)) for key, x in ahead.items()}
    vivid = {"truth": rgb, "S4": [painted(light, ab) for light, ab in zip(lights, answers)]}
    found["colorfulness"] = {k: float(np.mean(metrics.colorfulness(x))) for k, x in vivid.items()}
    if len(rgb) >= ENOUGH:
        found["frechet"] = frechet(rgb, {k: in_turn(x) for k, x in firsts.items()}, "drawn")
    return found


@experiment(
    "11/several", photographs=("diverse",), models=(hinting.S4, S2, hinting.NAME), backend="torch"
)
def several(run: Run, *, samples: int = 8, n_test: int = 400) -> dict[str, Any]:
    """Several colorings of a photograph: PSNR, the best of them, how far apart, how vivid."""
    net = hinting.network()
    learning.from_arrays(net, files.CHECKPOINTS / f"{hinting.NAME}.npz")
    net.eval()
    sets = {
        "album": photos.load("album", "test", 256),
        "diverse": photos.load(data.shared("diverse"), "test", 128, color_only=True)[:n_test],
    }
    found = {name: judged(rgb, net, samples) for name, rgb in sets.items()}
    about = {"data": "album and diverse, test", "n": n_test, "size": [256, 128], "seed": run.seed}
    return about | {"samples": samples, "sets": found}
