"""Lesson 05: what weights do to a predicted distribution, on scenes and on photographs.

`on_paintbox` trains four losses where the truth is known, `on_photographs` the report's arms on its
mountains and glaciers; both with the network that the report follows. The shipped S2 is made in
`trainings` and `checkpoints`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from course_utils import batches, bins, color, course, metrics, paintbox, photos, progress, training
from course_utils.training import Rows
from experiments import experiment, lesson
from experiments.data import judged_photographs, shared
from experiments.judging import judge
from experiments.runner import Run

L = lesson("05")

THIN = 8  # the arms have an eighth of the published filters
COLD = ("mountain", "glacier")
SIX = ("mountain", "glacier", "sea", "forest", "street", "buildings")  # Intel's classes
TEMPERATURES = (1.0, 0.8, 0.6, 0.5, 0.38, 0.3, 0.2, 0.1, 0.05)

Picture = NDArray[np.uint8]  # (H, W, 3)
Source = paintbox.Scenes | NDArray[np.uint8]  # photographs are (N, H, W, 3)
Trained = tuple[nn.Module, Rows]


def device() -> str:
    """Where this machine's profile trains and predicts."""
    return course.device(course.profile())[0]


# The report's network, read as that of Zhang et al. 2016.


WIDE = (512, 512, 512)
BLOCKS = (  # filters of a block's convolutions, stride of its last, dilation
    ((64, 64), 2, 1),
    ((128, 128), 2, 1),
    ((256, 256, 256), 2, 1),
    *((WIDE, 1, dilation) for dilation in (1, 2, 2, 1)),
)


def block(channels: int, filters: Iterable[int], stride: int, dilation: int) -> list[nn.Module]:
    """3×3 convolutions with ReLU; the last has the stride and the batch normalization."""
    layers: list[nn.Module] = []
    filters = list(filters)
    for number, width in enumerate(filters, 1):
        last = number == len(filters)
        step = stride if last else 1
        layers.append(nn.Conv2d(channels, width, 3, step, dilation, dilation, bias=not last))
        layers += [nn.BatchNorm2d(width), nn.ReLU()] if last else [nn.ReLU()]
        channels = width
    return layers


def body(out: int = 313, thin: int = 1, device: str = "cpu") -> nn.Sequential:
    """From L / 100 (N, 1, H, W) to (N, out, H / 4, W / 4); `thin` divides the filters."""
    layers: list[nn.Module] = []
    channels = 1
    for filters, stride, dilation in BLOCKS:
        filters = [width // thin for width in filters]
        layers += block(channels, filters, stride, dilation)  # at last (N, 512, H / 8, W / 8)
        channels = filters[-1]
    half = 256 // thin
    layers += [nn.ConvTranspose2d(channels, half, 4, 2, 1), nn.ReLU()]  # (N, 256, H / 4, W / 4)
    for _ in range(2):
        layers += [nn.Conv2d(half, half, 3, 1, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(half, out, 1)).to(device)  # (N, out, H / 4, W / 4)


def one_of_sixteen(ab: Tensor, rng: np.random.Generator) -> Tensor:
    """One pixel of every 4 × 4 block, the same place in all: (N, 2, H, W) to (N, 2, H/4, W/4)."""
    row, column = rng.integers(4, size=2)
    return ab[..., row::4, column::4]


def cross_entropy(
    w: NDArray | None = None, inside: bool = True
) -> Callable[[Tensor, Tensor], Tensor]:
    """Soft cross-entropy in nats; w (313,) weighs the bins inside the sum, or each pixel's top."""
    weights = torch.ones(len(L.CENTERS)) if w is None else torch.tensor(w, dtype=torch.float32)

    def loss(logits: Tensor, ab: Tensor) -> Tensor:  # (N, 313, h, w); (N, 2, h, w) CIELAB units
        near, z = L.codes(ab.movedim(1, -1).numpy())  # (N, 5, h, w), the nearest first
        z = z * weights[near if inside else near[:, :1]]
        log_q = logits.log_softmax(1).gather(1, near.to(logits.device))  # (N, 5, h, w)
        return -(z.to(logits.device) * log_q).sum(1).mean()

    return loss


def squared(output: Tensor, ab: Tensor) -> Tensor:
    """The squared error at ab / 110, for the baseline; output (N, 2, h, w)."""
    return F.mse_loss(output, ab.to(output.device) / color.AB_SCALE)


def pairs(
    source: Source, number: int, seed: int, augmented: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch: L / 100 (N, 1, H, W), and ab (N, 2, H / 4, W / 4)."""
    rng = np.random.default_rng((seed, number))
    batch = min(16, batches.count(source))
    loader = batches.torch_loader(source, batch, seed, number, augmented, ab_scale=1)
    for x, ab in progress.bar(loader, f"epoch {number + 1}"):
        rest = (0, -x.shape[-1] % 8, 0, -x.shape[-2] % 8)  # 150 is no multiple of 8
        x, ab = (F.pad(each, rest, "replicate") for each in (x, ab))
        yield x.to(device()), one_of_sixteen(ab, rng)


def one_epoch(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    adam: torch.optim.Adam,
    data: Iterable[tuple[Tensor, Tensor]],
) -> dict[str, float]:
    """Train for one epoch; its mean loss, its learning rate, and the minutes that it took."""
    network.train()
    losses, begun = [], time.monotonic()
    for x, ab in data:
        value = loss(network(x), ab)
        adam.zero_grad()
        value.backward()
        adam.step()
        losses.append(value.item())
    row = {"loss": float(np.mean(losses)), "rate": adam.param_groups[0]["lr"]}
    return row | {"minutes": round((time.monotonic() - begun) / 60, 2)}


# The arms: one network and one start, four losses.

ARMS = ("L2", "plain", "rebalanced", "weight at the top bin")


def loss_of(arm: str, w: NDArray) -> tuple[Callable[[Tensor, Tensor], Tensor], int]:
    """The loss of an arm, from the weights (313,) of the bins, and how many channels it wants."""
    Q = len(L.CENTERS)
    losses = {
        "L2": (squared, 2),
        "plain": (cross_entropy(), Q),
        "rebalanced": (cross_entropy(w), Q),
        "weight at the top bin": (cross_entropy(w, inside=False), Q),
    }
    return losses[arm]


def fingerprint(source: Source) -> str:
    """What tells one source of batches from another."""
    arrays = (source,) if isinstance(source, np.ndarray) else (source.L, source.ab)
    return training.fingerprint(*arrays)


def train_arm(
    arm: str, w: NDArray, source: Source, epochs: int, run: Run, place: str, reported: bool = False
) -> Trained:
    """Train one arm; the network and its rows.

    w: the weights of the bins, (313,). place: the folder of its state, below the run's. From 0.001
    the rate falls along a cosine. reported: as the report has it, on pictures as they are, and the
    rate falls to a tenth whenever the loss improves by less than 0.0001.
    """
    loss, channels = loss_of(arm, w)
    torch.manual_seed(run.seed)  # the same start for every arm
    network = body(channels, THIN, device())
    about = {"arm": arm, "loss": "squared error" if arm == "L2" else "soft cross-entropy"}
    about |= {"weights": training.fingerprint(w), "data": fingerprint(source)}
    about |= {"epochs": epochs, "seed": run.seed, "reported": reported}
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    rates: Any = CosineAnnealingLR(adam, epochs)
    if reported:
        rates = ReduceLROnPlateau(adam, "min", 0.1, 0, threshold=1e-4, threshold_mode="abs")
    parts = {"network": network, "adam": adam, "rates": rates}
    folder = run.folder / place
    rows = training.restore_torch(folder, about, **parts)
    for number in range(len(rows), epochs):
        data = pairs(source, number, run.seed, augmented=not reported)
        rows.append({"epoch": number + 1} | one_epoch(network, loss, adam, data))
        if reported:
            rates.step(rows[-1]["loss"])
        else:
            rates.step()
        training.keep_torch(folder, rows, about, **parts)
    return network, rows


def answers(network: nn.Module, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Raw output (N, H / 4, W / 4, C) for L (N, H, W, 1) in 0…100; sizes are rounded up to 8."""
    network.eval()
    x = L.light(light)
    x = F.pad(x, (0, -x.shape[-1] % 8, 0, -x.shape[-2] % 8), "replicate")
    with torch.inference_mode():
        parts = [network(part.to(device())).cpu() for part in x.split(16)]
    return torch.cat(parts).movedim(1, -1).numpy()  # (N, h, w, C)


def to_full(x: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(N, h, w, C) at a quarter of the size to (N, height, width, C), bilinearly."""
    y = L.enlarge(torch.from_numpy(np.moveaxis(x, -1, 1)), 4)[..., :height, :width]
    return y.movedim(1, -1).numpy()


# Paintbox, where the truth is known.


def restored(q: NDArray, w: NDArray) -> NDArray[np.float32]:
    """A rebalanced distribution (..., 313), divided by the weights: p ∝ q / w."""
    p = q / w
    return (p / p.sum(-1, keepdims=True)).astype(np.float32)


def reliability(q: NDArray, p: NDArray, parts: int = 10) -> NDArray[np.float64]:
    """(parts, 3): how often q's top bin gets so much, what q says there, and what p says."""
    # Of equal bins the first counts, and not the one that a last digit prefers.
    top = q.round(5).argmax(-1)[..., None]  # (N, h, w, 1)
    said, true = (np.take_along_axis(x, top, -1).ravel() for x in (q, p))
    part = np.minimum((parts * said).astype(int), parts - 1)
    count = np.bincount(part, minlength=parts)
    sums = [np.bincount(part, x, parts) for x in (said, true)]
    return np.stack([count / count.sum(), *(x / np.maximum(count, 1) for x in sums)], -1)


def calibration_error(table: NDArray) -> float:
    """ECE: the mean distance of what is said from what is true."""
    share, said, true = np.transpose(table)
    return float((share * np.abs(said - true)).sum())


def distribution_scores(scenes: paintbox.Scenes, q: NDArray) -> dict[str, Any]:
    """Regret with its interval, NLL and calibration against E[z | .] of distributions q.

    q: (N, H / 4, W / 4, 313). Regret and NLL are in nats per block.
    """
    p = scenes.distribution(L.CENTERS, pool=4)  # (N, H / 4, W / 4, 313)
    regret = metrics.bootstrap(paintbox.regret_kl(scenes, q, L.CENTERS, pool=4))
    table = reliability(q, p)
    floor = paintbox.floors(scenes, pool=4)["ce"]
    scores = {"regret": list(regret), "nll": floor + regret[0], "ece": calibration_error(table)}
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
    return [price(scenes, to_full(ab, *size) if enlarged else ab) for ab in answers]


def scene_scores(network: nn.Module, scenes: paintbox.Scenes, w: NDArray) -> dict[str, Any]:
    """What the lesson asks of one trained network; w: the weights of the bins, (313,)."""
    output = answers(network, scenes.L)
    if output.shape[-1] == 2:
        ab_hat = to_full(color.AB_SCALE * output, *scenes.L.shape[1:3])
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
    run: Run, *, n: int = 1500, n_test: int = 100, size: int = 64, epochs: int = 25
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
    return recolored(rgb, to_full(bins.decode(z, T=0.38), height, width)[0])


def painter(network: nn.Module, T: float = 0.38, w: NDArray | float = 1.0) -> Callable:
    """A function from a photograph to its colored copy; w weighs the bins before decoding."""

    def paint(rgb: Picture) -> Picture:
        output = answers(network, color.L(rgb)[None])  # (1, h, w, C)
        if output.shape[-1] == 2:
            ab = color.AB_SCALE * output
        else:
            ab = bins.decode(w * softmax(output, axis=-1), T)
        return recolored(rgb, to_full(ab, *rgb.shape[:2])[0])

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
        name: train_arm(arm, w, rgb, epochs, run, str(number), reported=True)
        for number, (name, arm, rgb) in enumerate(plan)
    }
    models = ways_to_color(trained, w)
    warm = warm_errors(judged, [models[name] for name in ("plain", "plain, six classes")])
    about = {"n": len(cold), "size": size, "seed": run.seed, "epochs": epochs}
    about |= {"rows": {name: rows for name, (_, rows) in trained.items()}, "warm": warm}
    about |= {"warm_share": [float(photo_prior(x) @ is_warm(L.CENTERS)) for x in (cold, mixed)]}
    return judge(judged, models) | about | {"w": np.round(w, 4).tolist()}
