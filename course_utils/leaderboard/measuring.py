"""Measure colorizers, known by `Colorizer.load`, `.colorize` and `.ab` alone.

All are scored on the same photographs and on the same drawn scenes, at their native size. A board
keeps the values of every photograph and scene, so that others can rescore some of them, compare
colorizers in pairs, and draw.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import bins, colorizer, course, metrics, paintbox, progress
from course_utils.colorizer import Colorizer
from course_utils.colorizer.model import resize, working_size
from course_utils.leaderboard.costing import costs
from course_utils.metrics import METRICS
from course_utils.training import fingerprint

Board = dict[str, Any]
Photographs = NDArray[np.uint8]
Painter = Callable[[Photographs | metrics.Picture], Photographs]

SCENES, SCENE_SIZE, SCENE_SEED = 100, 64, 77  # scenes that no lesson trains on
CEILING_SIZE = 64  # the smallest working size of the shipped colorizers, in pixels
HALVINGS = 20
LEAST = 2  # photographs of a half for each feature
TANH = 1.5  # ab that never leave this are a network's output, not CIELAB units
FAR = 200.0  # no color of sRGB has an a or b beyond 108
PROTOCOL = {
    "measures": "sRGB, 8 bits, data range 1, mean of per-image values; SSIM window uniform 7x7",
    "interval": "95 % percentile bootstrap over pictures, 2000 resamples, seed 1",
    "gap": "absolute difference to the truth's, photograph by photograph",
    "frechet": "96 features of MobileNetV2 (not FID), which no colorizer here was made with; "
    "Fréchet Lite0: 112 of Lite0, which some were made with; both means at stride 16, truth of "
    f"one half against prediction of the other, mean of {HALVINGS} halvings",
    "class_score": "Lite0's 1,000 classes (not IS), all photographs at once",
    "scenes": f"{SCENES} scenes of paintbox, {SCENE_SIZE} px, seed {SCENE_SEED}",
    "ms": "processor time for one photograph on one thread, median, in turns",
    "memory": "MB that a process holds more at most, for one photograph of 256 px, nearest 10",
}
GRAY, MEAN = "gray", "own mean ab (uses the answer)"


def shipped() -> dict[str, Colorizer]:
    """All shipped colorizers by name, in the order of their lessons."""
    return {name: admit(name) for name in colorizer.names()}


def admit(model: str | Path) -> Colorizer:
    """The colorizer of a shipped name or of a path, after a trial on three scenes and a ramp.

    Raises FileNotFoundError or ValueError, whose one sentence says why it cannot take part: those
    of `Colorizer.load`, and answers that are not finite or not in CIELAB units.
    """
    loaded = Colorizer.load(model)
    L = np.concatenate([paintbox.sample(3, 64, SCENE_SEED).L, np.zeros((1, 64, 64, 1), np.float32)])
    L[3] = np.linspace(0, 100, 64 * 64).reshape(64, 64, 1)
    try:
        ab = loaded.ab(L)
    except Exception as error:  # onnxruntime raises a dozen kinds of its own
        raise ValueError(
            f"{loaded.name} stops on an L of shape {L.shape} with {type(error).__name__}; a graph "
            "takes any N, H and W."
        ) from None
    if not np.isfinite(ab).all():
        share = 1 - np.isfinite(ab).mean()
        raise ValueError(
            f"{loaded.name} answers {share:.0%} of its ab with NaN or infinity; look for a "
            "logarithm, a root or a division that some L makes undefined."
        )
    reach = float(np.abs(ab).max())
    if 0 < reach <= TANH:
        raise ValueError(
            f"{loaded.name} never leaves ±{reach:.2g} in ab: that is a network's output and not "
            "CIELAB units; multiply by what its targets were divided by (`scale` when exporting)."
        )
    if reach > FAR:
        raise ValueError(
            f"{loaded.name} reaches {reach:.4g} in ab, and no color of sRGB lies beyond 108; "
            "check its `scale`, and whether it knows that L spans 0 to 100."
        )
    return loaded


def contestants(
    files: Iterable[str | Path],
) -> tuple[dict[str, Colorizer], dict[str, str]]:
    """({name: Colorizer}, {file: why it cannot take part}) of the readers' own .onnx files."""
    models, refused = {}, {}
    for file in files:
        try:
            model = admit(file)
        except (OSError, ValueError) as error:
            refused[str(file)] = str(error)
            continue
        name = model.name
        while name in {*models, *colorizer.names(), *REFERENCES, *SCENE_REFERENCES}:
            name += " (yours)"
        models[name] = model
    return models, refused


# References: rows that need no network.


def _shrunk(ab: NDArray[np.float32]) -> NDArray[np.float32]:
    """True ab (H, W, 2) brought to CEILING_SIZE and back, as colorizers do."""
    height, width = ab.shape[:2]
    return resize(resize(ab, *working_size(height, width, CEILING_SIZE)), height, width)


def _binned(ab: NDArray[np.float32]) -> NDArray[np.float32]:
    """True ab (H, W, 2) moved to the nearest of the 313 bins."""
    return bins.ab_bins()[bins.encode(ab, k=1)[0][..., 0]]


REFERENCES: dict[str, Painter] = {
    GRAY: metrics.paint_gray,
    MEAN: metrics.paint_mean,
    f"truth at {CEILING_SIZE} px (ceiling)": partial(metrics.repaint, recolor=_shrunk),
    "truth in 313 bins (ceiling)": partial(metrics.repaint, recolor=_binned),
}
SCENE_REFERENCES: dict[str, Callable[[paintbox.Scenes], NDArray[np.float32]]] = {
    GRAY: lambda scenes: 0 * scenes.ab,
    MEAN: lambda scenes: scenes.ab.mean((1, 2), keepdims=True) + 0 * scenes.ab,
    "expected color (ceiling)": lambda scenes: scenes.expected_ab(),
}


# Values of every picture.


def scene_values(
    scenes: paintbox.Scenes, ab_hat: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """{"regret", "mse", "chroma"}, each (n,), of predictions (n, H, W, 2) for drawn scenes.

    Regret is free of the luck of the sample (`paintbox.regret`); "mse" is the squared error on the
    one sample that there is, per pixel and channel; "chroma" the mean length of the prediction.
    """
    mse = ((ab_hat - scenes.ab) ** 2).mean((1, 2, 3), dtype=float)
    chroma = np.hypot(*np.moveaxis(ab_hat, -1, 0)).mean((1, 2), dtype=float)
    return {"regret": paintbox.regret(scenes, ab_hat), "mse": mse, "chroma": chroma}


def drawn_scenes() -> paintbox.Scenes:
    """The scenes of the leaderboard, always the same."""
    return paintbox.sample(SCENES, SCENE_SIZE, SCENE_SEED)


def halved_distances(
    features: NDArray[np.float32],
    features_hat: NDArray[np.float32],
    halvings: int = HALVINGS,
    seed: int = course.SEED,
) -> NDArray[np.float64]:
    """Fréchet distances between disjoint halves: truth of one, prediction of the other.

    features, features_hat: (N, width) of the same N photographs, true and predicted. The halves are
    of equal size and share no photograph, and the same halvings serve every model, so that with
    the truth itself as `features_hat` one has the floor that bias leaves at this N. Returns
    (halvings,).
    """
    rng, half = np.random.default_rng(seed), len(features) // 2
    orders = [rng.permutation(len(features)) for _ in range(halvings)]
    return np.array(
        [
            metrics.frechet_distance(
                features[one[:half]], features_hat[one[half : 2 * half]], LEAST
            )
            for one in orders
        ]
    )


# The measurement.


def measure(
    models: dict[str, Colorizer], rgb: Photographs, data: str, references: bool = True
) -> Board:
    """A board of colorizers on photographs and on the drawn scenes: a dict that json can hold.

    models: {name: Colorizer}. rgb: uint8 (N, H, W, 3). data: what they are, in words. references:
    with the rows of REFERENCES and SCENE_REFERENCES.

    Returns what `on_photographs` does, and scenes, {name: {measure: values}}; cost, see `costs`;
    trained_on, {name: what its file says that it learned from}.
    """
    board = on_photographs(models, rgb, data, references=references)
    return board | {
        "scenes": on_scenes(models, references),
        "cost": costs(models, rgb),
        "trained_on": trained_on(models),
    }


def on_photographs(
    models: dict[str, Colorizer],
    rgb: Photographs,
    data: str,
    kinds: Sequence[str] = (),
    references: bool = True,
) -> Board:
    """The part of a board that is of photographs; arguments as in `measure`.

    kinds: what each photograph shows, N words, or nothing.

    Returns data, n, size, seed; pictures, a fingerprint of the photographs; protocol, in words;
    kinds; photographs, {name: {key of METRICS: values}}; rows, {name: {key: [mean, low, high]}};
    frechet, frechet_lite0 and class_score, {name: values, of "truth" among them}, {} for fewer
    photographs than they need.
    """
    judges = _judges(rgb)
    board: Board = {
        "data": data,
        "n": len(rgb),
        "size": rgb.shape[1],
        "seed": course.SEED,
        "pictures": fingerprint(rgb),
        "protocol": PROTOCOL,
        "kinds": list(kinds),
        **{key: {"truth": judge(rgb)} if judge else {} for key, judge in judges.items()},
        "photographs": {},
        "rows": {},
    }
    truths = [metrics.Picture(x) for x in rgb]  # all models share their Lab
    for name in [*(REFERENCES if references else ()), *models]:
        if name in models:
            hats = [models[name].colorize(x) for x in progress.bar(rgb, name)]
        else:
            hats = [REFERENCES[name](x) for x in progress.bar(truths, name)]
        found = _rounded(
            metrics.each(truths, hats, name), {key: m.digits + 1 for key, m in METRICS.items()}
        )
        board["photographs"][name] = found
        board["rows"][name] = {key: list(metrics.bootstrap(found[key])) for key in METRICS}
        for key, judge in judges.items():
            if judge and "ceiling" not in name:
                board[key][name] = judge(hats)
    return board


def on_scenes(
    models: dict[str, Colorizer], references: bool = True
) -> dict[str, dict[str, list[float]]]:
    """{name: {measure: values}} of `scene_values`, rounded; arguments as in `measure`."""
    scenes = drawn_scenes()
    answers = {k: answer(scenes) for k, answer in SCENE_REFERENCES.items() if references}
    answers |= {name: model.ab(scenes.L) for name, model in models.items()}
    digits = {"regret": 2, "mse": 2, "chroma": 3}
    return {name: _rounded(scene_values(scenes, ab), digits) for name, ab in answers.items()}


def trained_on(models: dict[str, Colorizer]) -> dict[str, str]:
    """{name: what a file's metadata say that it learned from}, on one line."""
    return {name: " ".join(str(m.metadata["data"]).split()) for name, m in models.items()}


def _rounded(values: dict[str, Any], digits: dict[str, int]) -> dict[str, list[float]]:
    return {key: np.round(values[key], digits[key]).tolist() for key in digits}


def _judges(rgb: Photographs) -> dict[str, Callable[[Any], list[float]] | None]:
    """{key of a board: a function from N pictures to its values}; None where N is too small."""
    from course_utils import networks

    with redirect_stdout(None):
        lite0, other = networks.features("Lite0"), networks.features("MobileNetV2")

    def distances(network: networks.Features, layer: str) -> Callable[[Any], list[float]] | None:
        if len(rgb) // 2 < LEAST * network.widths[layer]:
            return None
        true = network.embed(rgb, layer)
        return lambda hats: halved_distances(true, network.embed(hats, layer)).round(5).tolist()

    def score(hats: Any) -> list[float]:
        return [round(metrics.inception_score(lite0.classify(hats)), 4)]

    found = {"frechet": distances(other, "features"), "frechet_lite0": distances(lite0, "stride16")}
    return found | {"class_score": score if found["frechet_lite0"] else None}
