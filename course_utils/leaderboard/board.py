"""One table for every colorizer that keeps the contract: how good, how sure, at what cost.

    python -m course_utils.leaderboard              measure all shipped colorizers again, store the
                                                    result, write it into README.md, print it
    python -m course_utils.leaderboard --stored     measure nothing: README.md and the print alone
    python -m course_utils.leaderboard my.onnx …    print the table with your own files in it

A colorizer is known by `Colorizer.load`, `.colorize` and `.ab` alone. All are scored on the same
photographs (`experiments.judged_photographs`; they are not carried by the course) and on the same
painted scenes, at their native size. The stored result is `course_utils/results/07_leaderboard
.json`, an experiment of lesson 07 like any other; it keeps every photograph's and every scene's
values, so that others can rescore some of them, compare colorizers in pairs, and draw.
"""

import argparse
import functools
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from course_utils import (
    bins,
    color,
    colorizer,
    course,
    experiments,
    metrics,
    paintbox,
    photos,
    standings,
)

NAME = "07_leaderboard"
KEPT = "build/train/07_leaderboard"  # what an interrupted or repeated run need not measure again
README = Path(__file__).resolve().parents[1] / "README.md"
MARKS = "<!-- leaderboard -->", "<!-- end of the leaderboard -->"
SCENES, SCENE_SIZE, SCENE_SEED = 100, 64, 77  # scenes that no lesson trains on
CEILING_SIZE = 64  # the smallest working size of the shipped colorizers, in pixels
NEAR = 10.0  # ab units within which a pixel counts as right
HALVINGS = 20
TURNS = 15  # photographs that every colorizer paints for its median time
TANH = 1.5  # ab that never leave this are a network's output, not CIELAB units
FAR = 200.0  # no color of sRGB has an a or b beyond 108
STORED = {"psnr": 3, "ssim": 4, "delta_e": 3, "colorfulness": 2, "area": 4, "near": 4}  # digits
SCENE_STORED = {"regret": 2, "mse": 2, "chroma": 3}
GRAY, MEAN = "gray", "own mean ab (uses the answer)"
REFERENCES = {
    GRAY: metrics.paint_gray,
    MEAN: metrics.paint_mean,
    f"truth at {CEILING_SIZE} px (ceiling)": lambda rgb: _shrunk(rgb),
    "truth in 313 bins (ceiling)": lambda rgb: _binned(rgb),
}
SCENE_REFERENCES = {
    GRAY: lambda scenes: 0 * scenes.ab,
    MEAN: lambda scenes: scenes.ab.mean((1, 2), keepdims=True) + 0 * scenes.ab,
    "expected color (ceiling)": lambda scenes: scenes.expected_ab(),
}


# Who takes part.


def shipped():
    """{name: Colorizer} of all shipped ones, in the lessons' order."""
    return {name: admit(name) for name in colorizer.names()}


def admit(model):
    """The colorizer of a shipped name or of a path, after a trial on three scenes and a ramp.

    Raises FileNotFoundError or ValueError, whose one sentence says why it cannot take part: those
    of `Colorizer.load`, and answers that are not finite or not in CIELAB units.
    """
    loaded = colorizer.Colorizer.load(model)
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


def contestants(files):
    """({name: Colorizer}, {file: why it cannot take part}) of the readers' own .onnx files."""
    models, refused = {}, {}
    for file in files:
        try:
            model = admit(file)
        except (OSError, ValueError) as error:
            refused[str(file)] = str(error)
            continue
        name = model.name
        while name in models or name in colorizer.names():
            name += " (yours)"
        models[name] = model
    return models, refused


# Values of every picture.


def seconds(models, rgb):
    """{name: median processor time of `colorize`}: what it costs, whoever else is on the machine.

    Models take turns, so that a busy machine is fair to all.
    """
    taken = {name: [] for name in models}
    for x in experiments.progress(rgb, "seconds"):
        for name, model in models.items():
            begun = time.process_time()
            model.colorize(x)
            taken[name].append(time.process_time() - begun)
    return {name: float(np.median(values)) for name, values in taken.items()}


def photograph_values(rgb, rgb_hat, name=""):
    """{measure: (N,)} for the keys of STORED, of photographs and what was painted, uint8.

    "colorfulness" is that of what was painted; "area" lies under the accuracy curve of Zhang et
    al. (`metrics.accuracy_curve`), "near" is the share of pixels within NEAR of the true ab. Both
    are taken from the 8-bit picture, hence from what a screen shows.
    """
    values = metrics.each(rgb, rgb_hat, name)
    del values["colorfulness_truth"]
    pairs = [[color.split(color.rgb_to_lab(x))[1] for x in pair] for pair in zip(rgb, rgb_hat)]
    values["area"] = np.array([metrics.accuracy_curve(*pair)[1] for pair in pairs])
    distances = (np.hypot(*np.moveaxis(ab - ab_hat, -1, 0)) for ab, ab_hat in pairs)
    values["near"] = np.array([(distance <= NEAR).mean() for distance in distances])
    return values


def scene_values(scenes, ab_hat):
    """{"regret", "mse", "chroma"}, each (n,), of answers (n, H, W, 2) for painted scenes.

    Regret is free of the luck of the draw (`paintbox.regret`); "mse" is the squared error on the
    one draw that there is, per pixel and channel; "chroma" the mean length of the answer.
    """
    mse = ((ab_hat - scenes.ab) ** 2).mean((1, 2, 3), dtype=float)
    chroma = np.hypot(*np.moveaxis(ab_hat, -1, 0)).mean((1, 2), dtype=float)
    return {"regret": paintbox.regret(scenes, ab_hat), "mse": mse, "chroma": chroma}


def painted_scenes():
    """The scenes of the leaderboard, the same for ever."""
    return paintbox.sample(SCENES, SCENE_SIZE, SCENE_SEED)


def _shrunk(rgb):
    """A photograph whose true ab was brought to CEILING_SIZE and back, as colorizers do."""
    L, ab = color.split(color.rgb_to_lab(rgb))
    small = colorizer._working_size(*L.shape[:2], CEILING_SIZE)
    ab = colorizer._resize(colorizer._resize(ab, *small), *L.shape[:2])
    return np.round(255 * color.lab_to_rgb(color.join(L, ab))).astype(np.uint8)


def _binned(rgb):
    """A photograph whose true ab were moved to the nearest of the 313 bins."""
    L, ab = color.split(color.rgb_to_lab(rgb))
    ab = bins.ab_bins()[bins.encode(ab, k=1)[0][..., 0]]
    return np.round(255 * color.lab_to_rgb(color.join(L, ab))).astype(np.uint8)


def halved_distances(features, features_hat, halvings=HALVINGS, seed=course.SEED):
    """Fréchet distances between disjoint halves: truth of one, painted of the other, (halvings,).

    features, features_hat: (N, width) of the same N photographs, true and painted. The halves are
    of equal size and share no photograph, and the same halvings serve every model, so that with
    the truth itself as `features_hat` one has the floor that bias leaves at this N.
    """
    rng, half = np.random.default_rng(seed), len(features) // 2
    orders = [rng.permutation(len(features)) for _ in range(halvings)]
    return np.array(
        [
            metrics.frechet_distance(features[order[:half]], features_hat[order[half : 2 * half]])
            for order in orders
        ]
    )


# The measurement.


def measure(
    models=None, rgb=None, scenes=None, data=experiments.JUDGED_ON, references=True, folder=None
):
    """Score colorizers on photographs and scenes: a dict for `course.experiment` and for json.

    models: {name: Colorizer}, all shipped ones if None. rgb: uint8 (N, H, W, 3), the judged
    photographs if None; data: what they are, in words. scenes: `painted_scenes()` if None.
    references: with the rows of REFERENCES and SCENE_REFERENCES. folder: see `kept`.

    Returns data, n, size, seed; protocol, in words; truth, the colorfulness of every photograph;
    photographs and scenes, {name: {measure: values}}; frechet, {name: values of the halvings, of
    "truth" among them}, {} for fewer photographs than it needs; cost, {name: {"ms", "megabytes",
    "parameters", "works at"}}; and what `standings.judged` adds, means and tests.
    """
    models = shipped() if models is None else models
    rgb = experiments.judged_photographs() if rgb is None else rgb
    scenes = painted_scenes() if scenes is None else scenes
    distances = _to_truth(rgb)
    board = {
        "data": data,
        "n": len(rgb),
        "size": rgb.shape[1],
        "seed": course.SEED,
        "protocol": _protocol(scenes),
        "truth": np.round(metrics.colorfulness(rgb), 2).tolist(),
        "frechet": {"truth": distances(rgb)} if distances else {},
        "photographs": {},
        "scenes": {},
    }
    painters = (REFERENCES if references else {}) | {k: m.colorize for k, m in models.items()}
    for name, make in painters.items():
        key = [models[name].fingerprint(b"") if name in models else name, rgb]
        found = kept(folder, key, functools.partial(_on_photographs, rgb, make, name, distances))
        board["photographs"][name] = found["values"]
        if found["frechet"] and "ceiling" not in name:
            board["frechet"][name] = found["frechet"]
    answers = {k: answer(scenes) for k, answer in SCENE_REFERENCES.items() if references}
    answers |= {name: model.ab(scenes.L) for name, model in models.items()}
    for name, ab_hat in answers.items():
        board["scenes"][name] = _rounded(scene_values(scenes, ab_hat), SCENE_STORED)
    taken = seconds(models, rgb[:TURNS])
    board["cost"] = {name: _cost(model, taken[name]) for name, model in models.items()}
    return standings.judged(board)


def kept(folder, key, make):
    """make(), a dict for json, from `folder` if it is there; None keeps nothing.

    key: a list of texts and arrays; they decide the file's name. Delete the folder when what makes
    the values changes.
    """
    if folder is None:
        return make()
    digest = hashlib.sha256()
    for part in key:
        digest.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part))
    file = Path(folder) / f"{digest.hexdigest()[:32]}.json"
    if file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))
    made = make()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(made), encoding="utf-8")
    os.replace(part, file)
    return made


def _on_photographs(rgb, make, name, distances):
    hats = [make(x) for x in experiments.progress(rgb, name)]
    values = _rounded(photograph_values(rgb, hats, name), STORED)
    return {"values": values, "frechet": distances(hats) if distances else None}


def _rounded(values, digits):
    return {key: np.round(values[key], digits[key]).tolist() for key in digits}


def _to_truth(rgb):
    """A function from N pictures to their halved distances to `rgb`; None where N is too small."""
    from course_utils.small_network import SHIPPED

    if len(rgb) // 2 < 4 * SHIPPED["course_RGB"][1]:
        return None
    from contextlib import redirect_stdout

    from course_utils import backbones

    with redirect_stdout(None):
        eye = backbones.features("course_RGB")
    true = eye.embed(rgb)
    return lambda pictures: halved_distances(true, eye.embed(pictures)).round(5).tolist()


def _protocol(scenes):
    return {
        "measures": "sRGB, 8 bits, data range 1, mean of per-image values; SSIM window uniform 7x7",
        "interval": "95 % percentile bootstrap over pictures, 2000 resamples, seed 1",
        "gap": "absolute difference to the truth's, photograph by photograph",
        "frechet": "course_RGB features (not FID), truth of one half against painted of the other, "
        f"mean of {HALVINGS} halvings",
        "scenes": f"{len(scenes)} scenes of paintbox, {scenes.L.shape[1]} px, seed {SCENE_SEED}",
        "ms": "processor time for one photograph on one of two cores, median, in turns",
    }


def _cost(model, taken):
    return {
        "ms": round(1000 * taken, 1),
        "megabytes": round(model.n_bytes / 1e6, 2),
        "parameters": model.metadata["parameters"],
        "works at": model.size,
    }


# The command.


def write_readme(board, path):
    """Put the table between the MARKS of README.md; ValueError where they are not there."""
    text = path.read_text(encoding="utf-8")
    if [text.count(mark) for mark in MARKS] != [1, 1]:
        raise ValueError(f"{path.name} must have the lines {MARKS[0]} and {MARKS[1]} once each.")
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    new = f"{before}{MARKS[0]}\n\n{standings.markdown(board)}\n\n{MARKS[1]}{after}"
    if new != text:
        path.write_text(new, encoding="utf-8")


def stored():
    """The stored leaderboard; under the `full` profile it is measured anew (`make train`)."""
    return course.experiment(NAME, lambda: measure(folder=KEPT))


def joined(board, own):
    """A board with the colorizers of another one, measured on the same pictures, in it."""
    keys = ("photographs", "scenes", "frechet", "cost")
    return standings.judged(board | {key: board[key] | own[key] for key in keys})


def with_own(models):
    """The stored board and the readers' models: on the judged photographs, or what is installed.

    Without the judged photographs (`experiments.shared`) all colorizers, shipped and own, are
    measured on the eight photographs that scikit-image and scikit-learn install; on eight,
    intervals are wide.
    """
    try:
        rgb = experiments.judged_photographs()
    except FileNotFoundError:
        return measure(shipped() | models, *installed())
    return joined(stored(), measure(models, rgb, references=False))


def installed():
    """(rgb, scenes, data): eight installed photographs, 150 px, and the painted scenes."""
    parts = [photos.load("bundled", split, 150) for split in ("train", "test")]
    return np.concatenate(parts), painted_scenes(), "installed with scikit-image and scikit-learn"


def main(argv=None):
    """Run the command; return 0, or 1 where a file could not take part."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.leaderboard",
        description="Measure all shipped colorizers and store the table, or add your own to it.",
    )
    parser.add_argument("files", nargs="*", metavar="MODEL.onnx", help="your own colorizers")
    parser.add_argument("--stored", action="store_true", help="measure nothing, print what is kept")
    arguments = parser.parse_args(argv)
    if arguments.files:
        models, refused = contestants(arguments.files)
        if models:
            board = with_own(models)
            print(standings.table(board))
            print(f"\n{standings.pairs_text(board, 'psnr')}")
        for file, why in refused.items():
            print(f"{file} does not take part: {why}", file=sys.stderr)
        return 1 if refused else 0
    before = os.environ.get("COURSE_PROFILE")
    os.environ["COURSE_PROFILE"] = "cpu" if arguments.stored else "full"
    try:
        board = stored()
    except FileNotFoundError as error:
        parser.error(str(error))
    finally:
        os.environ.pop("COURSE_PROFILE")
        if before is not None:
            os.environ["COURSE_PROFILE"] = before
    if README.is_file():
        write_readme(board, README)
    print(standings.table(board))
    return 0


if __name__ == "__main__":
    sys.exit(main())
