"""Lesson 05: what weights do to a predicted distribution, on scenes and on photographs.

`on_paintbox` trains four losses where the truth is known, `on_photographs` the report's arms on its
mountains and glaciers, and `checkpoint` makes the shipped colorizer S2, judges it, and stores it at
three precisions. Network, losses and loop are the lesson's own.
"""

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime import quantization
from scipy.special import softmax
from torch import nn
from torch.nn import functional as F

from course_utils import bins, color, course, metrics, paintbox, photos, progress, training
from course_utils.colorizer import Colorizer, save_torch
from course_utils.colorizer import graph as onnx_graph
from course_utils.training import Rows
from experiments import experiment, lesson
from experiments.data import (
    TRAINED_ON,
    TRAINED_ON_LICENCE,
    judged_photographs,
    photographs,
    shared,
)
from experiments.judging import judge
from experiments.runner import Run
from experiments.shipping import ship

L = lesson("05")

CHECKPOINT = "05_quantized_classification"
THIN = 8  # the arms have an eighth of the published filters, the shipped network a quarter
COLD = ("mountain", "glacier")
SIX = ("mountain", "glacier", "sea", "forest", "street", "buildings")  # Intel's classes
TEMPERATURES = (1.0, 0.8, 0.6, 0.5, 0.38, 0.3, 0.2, 0.1, 0.05)

Picture = NDArray[np.uint8]  # (H, W, 3)
Source = paintbox.Scenes | NDArray[np.uint8]  # photographs are (N, H, W, 3)
Trained = tuple[nn.Module, Rows]


def device() -> str:
    """Where this machine's profile trains and predicts."""
    return course.device(course.profile())[0]


# The arms: one network and one start, four losses.

ARMS = ("L2", "plain", "rebalanced", "weight at the top bin")


def loss_of(arm: str, w: NDArray) -> tuple[Callable, int]:
    """The loss of an arm, from the weights (313,) of the bins, and how many channels it wants."""
    Q = len(L.CENTERS)
    losses = {
        "L2": (L.squared, 2),
        "plain": (L.cross_entropy(), Q),
        "rebalanced": (L.cross_entropy(w), Q),
        "weight at the top bin": (L.cross_entropy(w, inside=False), Q),
    }
    return losses[arm]


def fingerprint(source: Source) -> str:
    """What tells one source of batches from another."""
    arrays = (source,) if isinstance(source, np.ndarray) else (source.L, source.ab)
    return training.fingerprint(*arrays)


def train_arm(
    arm: str, w: NDArray, source: Source, epochs: int, run: Run, place: str, augmented: bool = True
) -> Trained:
    """Train one arm by the rule for the rate; the network and its rows.

    w: the weights of the bins, (313,). place: the folder of its state, below the run's.
    """
    loss, channels = loss_of(arm, w)
    torch.manual_seed(run.seed)  # the same start for every arm
    network = L.body(channels, THIN, device())
    about = {"arm": arm, "loss": "squared error" if arm == "L2" else "soft cross-entropy"}
    about |= {"weights": training.fingerprint(w), "data": fingerprint(source)}
    about |= {"epochs": epochs, "rates": "by the rule", "seed": run.seed, "augmented": augmented}

    def batches(number):
        return L.pairs(source, number, device(), run.seed, augmented), None

    return network, L.learn(network, loss, batches, epochs, None, run.folder / place, about)


# Paintbox, where the truth is known.


def restored(q: NDArray, w: NDArray) -> NDArray[np.float32]:
    """A rebalanced distribution (..., 313), divided by the weights: p ∝ q / w."""
    p = q / w
    return (p / p.sum(-1, keepdims=True)).astype(np.float32)


def distribution_scores(scenes: paintbox.Scenes, q: NDArray) -> dict[str, Any]:
    """Regret with its interval, NLL and calibration against E[z | .] of distributions q.

    q: (N, H / 4, W / 4, 313). Regret and NLL are in nats per block.
    """
    p = scenes.distribution(L.CENTERS, pool=4)  # (N, H / 4, W / 4, 313)
    regret = metrics.bootstrap(paintbox.regret_kl(scenes, q, L.CENTERS, pool=4))
    table = L.reliability(q, p)
    floor = paintbox.floors(scenes, pool=4)["ce"]
    scores = {"regret": list(regret), "nll": floor + regret[0], "ece": L.calibration_error(table)}
    return scores | {"reliability": table.tolist()}


def from_palette(scenes: paintbox.Scenes, ab_hat: NDArray) -> float:
    """Mean distance in ab to the nearest color of the region, where the color is drawn."""
    away = []
    for name in ("balloon", "field", "roof", "sail"):
        answer = ab_hat[scenes.regions == paintbox.NAMES.index(name)]  # (M, 2)
        colors = np.array(paintbox.palette(name))[:, 1:]  # (K, 2)
        away.append(np.hypot(*np.moveaxis(answer[:, None] - colors, -1, 0)).min(1))
    return float(np.concatenate(away).mean())


def price(scenes: paintbox.Scenes, ab_hat: NDArray) -> list[float]:
    """[chroma, expected squared error, distance to a possible color] where the color is drawn."""
    error = scenes.variance() / 2 + ((ab_hat - scenes.expected_ab()) ** 2).mean(-1)  # (N, H, W)
    drawn = scenes.variance() > 100  # balloons, fields, roofs and sails
    chroma = np.hypot(ab_hat[..., 0], ab_hat[..., 1])  # (N, H, W)
    return [float(chroma[drawn].mean()), float(error[drawn].mean()), from_palette(scenes, ab_hat)]


def prices(scenes: paintbox.Scenes, p: NDArray) -> list[list[float]]:
    """`price` of the annealed mean of distributions p, at every temperature.

    p: (N, h, w, 313) at the size of the scenes or at a quarter of it.
    """
    size = scenes.L.shape[1:3]
    enlarged = p.shape[1:3] != size
    answers = (bins.decode(p, T) for T in TEMPERATURES)
    return [price(scenes, L.enlarge(ab, *size) if enlarged else ab) for ab in answers]


def scene_scores(network: nn.Module, scenes: paintbox.Scenes, w: NDArray) -> dict[str, Any]:
    """What the lesson asks of one trained network; w: the weights of the bins, (313,)."""
    output = L.run(network, scenes.L, device())
    if output.shape[-1] == 2:
        ab_hat = L.enlarge(color.AB_SCALE * output, *scenes.L.shape[1:3])
        return {"price": price(scenes, ab_hat)}
    q = softmax(output, axis=-1)
    scores = {"said": distribution_scores(scenes, q), "prices": prices(scenes, q)}
    return scores | {"divided by w": distribution_scores(scenes, restored(q, w))}


def exact_scores(scenes: paintbox.Scenes) -> dict[str, Any]:
    """The same of the exact distribution, and the prices of answers in color."""
    p = scenes.distribution(L.CENTERS, pool=4)
    mean = scenes.expected_ab()
    return {
        "perfect": distribution_scores(scenes, p),
        "exact prices": prices(scenes, p),
        "native prices": prices(scenes, scenes.distribution(L.CENTERS)),
        "stretched mean": [price(scenes, s * mean) for s in (1.0, 1.25, 1.5, 1.75, 2.0)],
        "truth": price(scenes, scenes.ab),
        "gray": price(scenes, 0 * scenes.ab),
    }


@experiment("05/paintbox")
def on_paintbox(
    run: Run, *, n: int = 1500, n_test: int = 100, size: int = 64, epochs: int = 15
) -> dict[str, Any]:
    """Three cross-entropies and the squared error on scenes: regret, calibration and prices."""
    train, held = paintbox.sample(n, size, seed=run.seed), paintbox.sample(n_test, size, seed=2)
    w = bins.rebalance(bins.prior(train.ab))
    trained = {
        arm: train_arm(arm, w, train, epochs, run, str(number)) for number, arm in enumerate(ARMS)
    }
    about = {"data": "paintbox", "n": n, "n_test": n_test, "size": size, "seed": run.seed}
    about |= {"epochs": epochs, "floor": paintbox.floors(held, pool=4), "T": TEMPERATURES}
    about |= {"losses": {arm: [row["loss"] for row in rows] for arm, (_, rows) in trained.items()}}
    arms = {arm: scene_scores(network, held, w) for arm, (network, _) in trained.items()}
    return about | exact_scores(held) | {"arms": arms}


# Photographs: the report's mountains and glaciers.


def class_photographs(names: Iterable[str], n: int, size: int) -> NDArray[np.uint8]:
    """n color photographs of each of Intel's classes, from the published training split.

    Returns (N, size, size, 3).
    """
    folder = shared("intel") / "seg_train"
    parts = []
    for name in names:  # load divides each folder once more
        halves = [photos.load(folder / name, s, size, color_only=True) for s in ("train", "test")]
        parts.append(np.concatenate(halves)[:n])
    return np.concatenate(parts)


def photo_prior(rgb: NDArray[np.uint8]) -> NDArray:
    """The prior (313,) of photographs, from every fourth pixel each way."""
    return bins.prior(color.ab(rgb[:, ::4, ::4]))


def recolored(rgb: Picture, ab_hat: NDArray) -> Picture:
    """A photograph with its true L and another ab (H, W, 2)."""
    return np.round(255 * color.with_ab(color.L(rgb), ab_hat)).astype(np.uint8)


def nearest_bin(rgb: Picture) -> Picture:
    """The ceiling of the bins: every true color moved to its nearest one."""
    return recolored(rgb, L.CENTERS[bins.encode(color.ab(rgb), k=1)[0][..., 0]])


def quarter_code(rgb: Picture) -> Picture:
    """The ceiling of a quarter of the size: the true code of every block, decoded at T = 0.38."""
    ab = color.ab(rgb)  # (H, W, 2)
    height, width = ab.shape[:2]
    rest = (0, -height % 4), (0, -width % 4), (0, 0)
    z = bins.dense(*bins.encode(np.pad(ab, rest, "edge")))  # (4 h, 4 w, 313)
    z = z.reshape(1, len(z) // 4, 4, z.shape[1] // 4, 4, -1).mean((2, 4))  # (1, h, w, 313)
    return recolored(rgb, L.enlarge(bins.decode(z, T=0.38), height, width)[0])


def painter(network: nn.Module, T: float = 0.38, w: NDArray | float = 1.0) -> Callable:
    """A function from a photograph to its colored copy; w weighs the bins before decoding."""

    def paint(rgb: Picture) -> Picture:
        output = L.run(network, color.L(rgb)[None], device())  # (1, h, w, C)
        if output.shape[-1] == 2:
            ab = color.AB_SCALE * output
        else:
            ab = bins.decode(w * softmax(output, axis=-1), T)
        return recolored(rgb, L.enlarge(ab, *rgb.shape[:2])[0])

    return paint


def is_warm(ab: NDArray) -> NDArray[np.bool_]:
    """Reds, oranges and browns."""
    return np.all(ab > 10, axis=-1)


def warm_errors(rgb: NDArray[np.uint8], models: list[Callable]) -> list[list[float]]:
    """Per photograph: warm pixels, and the squared ab error on them, of gray and of the models."""
    rows = []
    for photo in progress.bar(rgb, "warm"):
        ab = color.ab(photo)
        warm = is_warm(ab)  # (H, W)
        hats = [color.ab(paint(photo)) for paint in models]
        errors = [((hat - ab) ** 2).sum(-1)[warm].sum() for hat in (0 * ab, *hats)]
        rows.append([int(warm.sum()), *map(float, errors)])
    return rows


def ways_to_color(trained: dict[str, Trained], w: NDArray) -> dict[str, Callable]:
    """{name: function from a photograph to its colored copy}: ceilings, networks and choices."""
    models = {"nearest bin (ceiling)": nearest_bin, "quarter code (ceiling)": quarter_code}
    models |= {name: painter(network) for name, (network, _) in trained.items()}
    for name in ("plain", "rebalanced"):
        models[f"{name}, T = 1"] = painter(trained[name][0], T=1.0)
    return models | {"plain, weighted after": painter(trained["plain"][0], w=w)}


@experiment("05/photographs", photographs=("intel",))
def on_photographs(
    run: Run, *, n: int = 1000, n_mixed: int = 333, size: int = 150, epochs: int = 8
) -> dict[str, Any]:
    """The report's arms on mountains and glaciers, and the plain one on six classes."""
    cold, mixed = class_photographs(COLD, n, size), class_photographs(SIX, n_mixed, size)
    judged, w = judged_photographs(size), bins.rebalance(photo_prior(cold))
    plan = [(arm, arm, cold) for arm in ("L2", "plain", "rebalanced")]
    plan.append(("plain, six classes", "plain", mixed))
    trained = {
        name: train_arm(arm, w, rgb, epochs, run, str(number), augmented=False)
        for number, (name, arm, rgb) in enumerate(plan)
    }
    models = ways_to_color(trained, w)
    warm = warm_errors(judged, [models[name] for name in ("plain", "plain, six classes")])
    about = {"n": len(cold), "size": size, "seed": run.seed, "epochs": epochs}
    about |= {"rows": {name: rows for name, (_, rows) in trained.items()}, "warm": warm}
    about |= {"warm_share": [float(photo_prior(x) @ is_warm(L.CENTERS)) for x in (cold, mixed)]}
    return judge(judged, models) | about | {"w": np.round(w, 4).tolist()}


# The shipped network.

# (size, learning rate) of every epoch.
PLAN = ((64, 1e-3),) * 4 + ((96, 1e-3), (96, 3e-4), (96, 1e-4))
Plan = tuple[tuple[int, float], ...]


def photo_scores(network: nn.Module, rgb: NDArray[np.uint8]) -> dict[str, float]:
    """PSNR in dB and mean chroma of the answers for photographs, at T = 1 and at T = 0.38."""
    light = color.L(rgb)
    q, row = L.distribution(network, light, device()), {}
    for T in (1.0, 0.38):
        ab_hat = L.enlarge(bins.decode(q, T), *light.shape[1:3])
        psnr = metrics.psnr(rgb / np.float32(255), color.with_ab(light, ab_hat))
        row[f"psnr {T:g}"] = float(psnr.mean())
        row[f"chroma {T:g}"] = float(np.hypot(*np.moveaxis(ab_hat, -1, 0)).mean())
    return row


def train_checkpoint(
    rgb: dict[int, NDArray[np.uint8]], plan: Plan, thin: int, held_out: int, run: Run
) -> Trained:
    """Train the network that is shipped, each epoch as planned; the network and its rows.

    rgb: {size: the same photographs (N, size, size, 3)}; the first `held_out` judge each epoch.
    thin: divides the published filters.
    """
    torch.manual_seed(run.seed)
    network = L.body(thin=thin, device=device())
    judged = rgb[plan[-1][0]][:held_out]
    about = {"arm": f"shipped, filters / {thin}", "loss": "soft cross-entropy"}
    about |= {"data": training.fingerprint(*rgb.values()), "held out": held_out}
    about |= {"epochs": len(plan), "rates": [rate for _, rate in plan], "seed": run.seed}
    about |= {"sizes": [size for size, _ in plan]}

    def batches(number):
        size, rate = plan[number]
        return L.pairs(rgb[size][held_out:], number, device(), run.seed), rate

    def measure(network):
        return photo_scores(network, judged)

    rule = len(plan), measure, run.folder / "states", about
    return network, L.learn(network, L.cross_entropy(), batches, *rule)


class Colorist(nn.Module):
    """L / 100 (N, 1, H, W) and T to ab / 110 (N, 2, H, W): the annealed mean of a network."""

    centers: torch.Tensor  # (2, 313, 1, 1)

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        centers = torch.tensor(L.CENTERS.T / color.AB_SCALE)[..., None, None]
        self.register_buffer("centers", centers)

    def forward(self, x: torch.Tensor, T: torch.Tensor) -> torch.Tensor:
        p = (self.network(x) / T).softmax(1)  # (N, 313, H / 4, W / 4)
        ab = F.conv2d(p, self.centers)  # (N, 2, H / 4, W / 4)
        return F.interpolate(ab, scale_factor=4, mode="bilinear")  # (N, 2, H, W)


def export(network: nn.Module, about: dict[str, Any], path: Path) -> Path:
    """Write the network as a colorizer that is not measured yet."""
    profile = course.profile()
    minutes = sum(row["minutes"] for row in about["rows"])
    return save_torch(
        Colorist(network),
        path,
        scale=color.AB_SCALE,
        multiple=8,
        size=about["size"],
        T=0.38,
        metrics=[],
        lesson=CHECKPOINT,
        architecture="S2 (Liu), read as Zhang et al. 2016 with a quarter of the filters, 313 bins",
        data=f"{about['n']} photographs: {TRAINED_ON}",
        data_licence=TRAINED_ON_LICENCE,
        licence="MIT",
        profile=profile,
        seed=about["seed"],
        epochs=len(about["plan"]),
        loss="soft cross-entropy, not rebalanced",
        plan=str(list(about["plan"])),
        minutes=f"{minutes:.0f}, on {course.device(profile)[1]}",
    )


@experiment("05/checkpoint", photographs=("intel", "photos"), models=(CHECKPOINT,))
def checkpoint(
    run: Run, *, plan: Plan = PLAN, thin: int = 4, held_out: int = 200, judged: int = 60
) -> dict[str, Any]:
    """Train, export, ship and judge S2, and its file at three precisions."""
    rgb = {size: photographs(size) for size in sorted({size for size, _ in plan})}
    network, rows = train_checkpoint(rgb, plan, thin, held_out, run)
    size = plan[-1][0]
    about = {"n": len(rgb[size]) - held_out, "size": size, "seed": run.seed}
    about |= {"plan": plan, "rows": rows}
    photo = judged_photographs()
    path = export(network, about, run.folder / f"{CHECKPOINT}.onnx")
    draft = Colorizer.load(path)
    models = {"T = 0.38": draft.colorize, "T = 1": lambda rgb: draft.colorize(rgb, T=1.0)}
    result = judge(photo, models)
    ship(path, CHECKPOINT, result["table"])
    return result | about | {"precision": precision_table(network, rgb[size][-12:], photo[:judged])}


# One network, three files.


class Feeds(quantization.CalibrationDataReader):
    """L of pictures (N, H, W, 1), one after the other, as onnxruntime asks for them."""

    def __init__(self, light: NDArray) -> None:
        self.feeds = iter([{"L": np.moveaxis(x[None], -1, 1)} for x in light])  # each (1, 1, H, W)

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self.feeds, None)


def as_int8(graph: onnx.ModelProto, light: NDArray, folder: str) -> onnx.ModelProto:
    """A graph whose convolutions work on 8-bit numbers; their ranges are measured on L.

    light: L of some pictures, (N, H, W, 1).
    """
    plain, path = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
    onnx.save(graph, plain)
    options = {"op_types_to_quantize": ["Conv", "ConvTranspose"], "per_channel": True}
    quantization.quantize_static(plain, path, Feeds(light), **options)
    return onnx.load(path)


def three_files(network: nn.Module, light: NDArray) -> dict[str, bytes]:
    """{precision: the same network as the bytes of an ONNX file}; light: see `as_int8`."""
    inside, _ = onnx_graph.from_torch(Colorist(network), 8, 0.38)
    whole = onnx_graph.frame(inside, color.AB_SCALE, 8, 0.38)
    graphs = {"float32": whole, "float16 in the file": onnx_graph.halve(whole)}
    with tempfile.TemporaryDirectory() as folder:
        graphs["int8"] = as_int8(whole, light, folder)
    return {name: found.SerializeToString() for name, found in graphs.items()}


Sessions = dict[str, onnxruntime.InferenceSession]


def median_seconds(sessions: Sessions, light: NDArray, rounds: int = 15) -> dict[str, float]:
    """Of each session for L (N, 1, H, W); they take turns, so that a busy machine is fair."""
    taken = {name: [] for name in sessions}
    for _ in range(rounds):
        for name, session in sessions.items():
            begun = time.perf_counter()
            session.run(["ab"], {"L": light})
            taken[name].append(time.perf_counter() - begun)
    return {name: float(np.median(values)) for name, values in taken.items()}


def all_answers(sessions: Sessions, light: NDArray) -> dict[str, NDArray[np.float32]]:
    """{name: ab (N, 2, H, W)} of every session, picture by picture, for L (N, 1, H, W)."""
    return {
        name: np.concatenate([np.asarray(session.run(["ab"], {"L": x[None]})[0]) for x in light])
        for name, session in sessions.items()
    }


def precision_table(
    network: nn.Module, seen: NDArray[np.uint8], held: NDArray[np.uint8]
) -> list[list]:
    """[precision, bytes, times as fast as float32, largest and mean difference in ab].

    seen: photographs (N, H, W, 3) that the ranges of int8 are measured on. held: others, for the
    differences.
    """
    files = three_files(network, color.L(seen))
    sessions = {name: onnxruntime.InferenceSession(content) for name, content in files.items()}
    light = np.moveaxis(color.L(held), -1, 1)  # (N, 1, H, W)
    seconds = median_seconds(sessions, np.tile(light[:1], (1, 1, 2, 2)))
    ab = all_answers(sessions, light)
    gaps = {name: np.abs(ab[name] - ab["float32"]) for name in files}
    return [
        [name, len(files[name]), seconds["float32"] / seconds[name]]
        + [float(gap.max()), float(gap.mean())]
        for name, gap in gaps.items()
    ]
