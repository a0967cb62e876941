"""Lesson 06: what a discriminator beside L1 buys and costs, and what scores of pictures see.

On paintbox the truth is known, and an arm is three things: a loss over pixels, the weight λ of that
loss beside an adversary (None without one), and the levels on whose way up dropout draws. On
photographs three experiments share one training: `photographs` compares its arms, `checkpoint`
ships one of them, and `scores` measures two of them beside the other colorizers.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import (
    batches,
    color,
    course,
    metrics,
    networks,
    packing,
    paintbox,
    photos,
    progress,
)
from course_utils.colorizer import Colorizer, names, save_torch
from experiments import data, experiment, identity, lesson
from experiments.judging import judge
from experiments.runner import Run
from experiments.shipping import ship

L = lesson("06")
NAME = "06_pix2pix_gan"
EARLIER = tuple(name for name in names() if name < NAME)  # what lessons 02 to 05 ship

Arm = tuple[str, float | None, tuple[int, ...]]
Rates = tuple[float, float]  # of the generator and of the discriminator
Plan = Iterable[tuple[int, float]]  # size in pixels and learning rate of every epoch
Photographs = NDArray[np.uint8]
Recolor = Callable[[Photographs], Photographs]  # one photograph to another


def device() -> str:
    """Where experiments train, as the course decides it."""
    return course.device(course.profile())[0]


def precision(half: bool) -> AbstractContextManager:
    """Arithmetic in bfloat16 if `half`, weights in float32; no copy of them is kept in a step."""
    import torch

    return torch.autocast(device(), torch.bfloat16, enabled=half, cache_enabled=False)


# Paintbox: arms with one generator and one budget.

ARMS: dict[str, Arm] = {
    "L1": ("l1_loss", None, ()),
    "MSE": ("mse_loss", None, ()),
    "L1 + GAN": ("l1_loss", 10, ()),
}
NOISY: Arm = ("l1_loss", 10, (3, 4))  # the same with the published noise
COLLAPSE: dict[str, tuple[float, Rates]] = {  # λ, rates
    "provoked": (0, (5e-4, 5e-3)),
    "L1 is back": (10, (5e-4, 5e-3)),
    "a slower judge": (0, (5e-4, 1e-4)),
    "both": (10, (5e-4, 1e-4)),
}


def worlds(run: Run, n: int, n_test: int) -> tuple[Any, Any, dict[str, Any]]:
    """Scenes to learn from, scenes to be judged on, and the protocol of what is measured."""
    scenes, held = (paintbox.sample(k, 64, seed=s) for k, s in ((n, run.seed), (n_test, 2)))
    about = {"data": "paintbox", "n": n, "n_test": n_test, "size": 64, "seed": run.seed}
    return scenes, held, about


def two_parts(
    run: Run,
    arm: Arm,
    seed: int,
    scenes: Any,
    epochs: tuple[int, int],
    half: bool,
    rates: Rates,
) -> tuple[Any, list[dict[str, Any]]]:
    """First the pixel loss alone, then the whole arm: a generator, and a row for every epoch.

    epochs: of both parts. Arms of one loss, seed and noise share the first part: it is trained once
    and found again in the run's folder.
    """
    from torch.nn import functional

    loss, lam, noisy = arm
    form, (alone, together), on = getattr(functional, loss), epochs, device()
    folder = run.folder / f"{loss}{len(noisy)}_{seed}"
    later = folder / f"{lam}_{rates[1]}"
    with precision(half):
        begun = [L.scenes_for(scenes, seed, on, first) for first in (0, alone)]
        plain = form, None, noisy
        start, rows = L.train_arm(plain, seed, begun[0], alone, on, folder=folder)
        whole = form, lam, noisy
        G, more = L.train_arm(whole, seed, begun[1], together, on, start, later, rates)
    return G, rows + more


def predicted(G: Any, scenes: Any) -> NDArray[np.float32]:
    """ab (N, H, W, 2) of a generator as it is used, without dropout."""
    return L.paint(L.asleep(G), scenes.L)


def stored(ab: NDArray[np.float32]) -> list[str]:
    """The predicted colors of the scenes that the lesson shows, packed."""
    return [packing.pack(ab[i]) for i in L.SHOWN]


@experiment("06/collapse")
def collapse(
    run: Run, *, n: int = 600, epochs: tuple = (8, 6), n_test: int = 100, half: bool = True
) -> dict[str, Any]:
    """A game in which the discriminator runs away, and two repairs, apart and together."""
    scenes, held, about = worlds(run, n, n_test)
    about |= {"epochs": epochs, "arms": {}, "rows": {}, "pictures": {}}
    for name, (lam, rates) in COLLAPSE.items():
        G, rows = two_parts(run, ("l1_loss", lam, ()), run.seed, scenes, epochs, half, rates)
        ab_hat = predicted(G, held)
        about["arms"][name], about["rows"][name] = L.arm_scores(held, [ab_hat]), rows
        about["pictures"][name] = stored(ab_hat)
    return about


@experiment("06/paintbox")
def three_losses(
    run: Run,
    *,
    n: int = 600,
    epochs: tuple = (8, 16),
    n_test: int = 150,
    seeds: tuple = (1, 2, 3),
    half: bool = True,
) -> dict[str, Any]:
    """Three losses with one generator and one budget, from the same seeds; and dropout as noise."""
    scenes, held, about = worlds(run, n, n_test)
    about |= {"seeds": seeds, "epochs": epochs, "floor": paintbox.floors(held)}
    about |= {"exact": L.exact_rows(held), "arms": {}, "rows": {}, "pictures": {}}
    for name, arm in ARMS.items():
        runs = [two_parts(run, arm, seed, scenes, epochs, half, L.RATES) for seed in seeds]
        hats = [predicted(G, held) for G, _ in runs]
        about["arms"][name] = L.arm_scores(held, hats)
        about["rows"][name] = [rows for _, rows in runs]
        about["pictures"][name] = stored(hats[0])
    G, _ = two_parts(run, NOISY, seeds[0], scenes, epochs, half, L.RATES)
    return about | {"noise": noise(held, G)}


def awake(G: Any) -> Any:
    """A generator in use whose dropout goes on drawing: the noise z."""
    from torch import nn

    for part in G.eval().modules():
        part.train(isinstance(part, nn.Dropout))
    return G


def movement(found: list[tuple], hats: list[NDArray[np.float32]]) -> list[float]:
    """How far the mean color of an object lies from its own mean over draws: [mean, low, high].

    found: `objects` of the scenes. hats: one ab (N, H, W, 2) for every draw.
    """
    away = []
    for number, _, places in found:
        draws = np.stack([ab[number].reshape(-1, 2)[places].mean(0) for ab in hats])  # (draws, 2)
        away.append(np.hypot(*(draws - draws.mean(0)).T).mean())
    return list(metrics.bootstrap(away, clusters=[number for number, *_ in found]))


def noise(scenes: Any, G: Any, draws: int = 8) -> dict[str, Any]:
    """What dropout does: how far it moves colors of objects, and the scores without it."""
    n, size = scenes.L.shape[:2]
    found, quiet = L.objects(scenes), L.arm_scores(scenes, [predicted(G, scenes)])
    moved = [L.paint(awake(G), scenes.L) for _ in range(draws)]
    drawn = [paintbox.sample(n, size, seed=2, draw=draw).ab for draw in range(draws)]
    return {
        "dropout": movement(found, moved),
        "the world": movement(found, drawn),
        "scores": quiet,
    }


@experiment("06/lambda")
def weight_of_L1(
    run: Run,
    *,
    n: int = 600,
    epochs: tuple = (8, 8),
    n_test: int = 150,
    weights: tuple = (0, 1, 10, 100),
    half: bool = True,
) -> dict[str, Any]:
    """The weight of L1 beside the adversary, one seed each."""
    scenes, held, about = worlds(run, n, n_test)
    about |= {"epochs": epochs, "arms": {}}
    for lam in weights:
        arm = "l1_loss", lam, ()
        G, rows = two_parts(run, arm, run.seed, scenes, epochs, half, L.RATES)
        measured = L.arm_scores(held, [predicted(G, held)])
        about["arms"][str(lam)] = measured | {"hits": rows[-1]["hits"]}
    return about


# Photographs: the same start, then as many epochs with a discriminator and without.

SHARED = ((64, 1e-3),) * 6 + ((64, 3e-4),) * 2
APART = ((96, 3e-4),) * 3 + ((96, 1e-4),) * 2
LAMBDA = 100  # the published weight
HELD_OUT = 64  # photographs of the training split that fastai shows after each epoch
LOSSES = {"shared start": "L1", "L1": "L1", "L1 + GAN": f"L1 times {LAMBDA}, and an adversary"}
Sized = dict[int, Photographs]  # {size: photographs (N, size, size, 3)}
Trained = tuple[Any, list[dict[str, Any]]]  # a generator and its rows


def sized(*plans: Plan) -> Sized:
    """The photographs to learn from, at every size that the plans name."""
    return {size: data.photographs(size) for size in sorted({s for plan in plans for s, _ in plan})}


def learned_from(rgb: Sized) -> int:
    """How many photographs the generators learn from."""
    return len(next(iter(rgb.values()))) - HELD_OUT


def photo_arm(
    run: Run, folder: Path, rgb: Sized, plan: Plan, adversary: Any = None, start: Any = None
) -> Trained:
    """A generator of 32 filters and the published dropout, trained on photographs as planned."""
    import torch

    plan, on = list(plan), device()
    torch.manual_seed(run.seed)
    G = L.compact(32, noisy=(3, 4)).to(on)
    if start is not None:
        G.load_state_dict(start.state_dict())

    def epoch(number):
        x = rgb[plan[number][0]]
        given = x[HELD_OUT:], x[:HELD_OUT], 16, run.seed, number
        return batches.fastai_dataloaders(*given, device=on)

    made = L.learner(G, torch.nn.functional.l1_loss, adversary)
    rate = [rate for _, rate in plan].__getitem__
    return G, L.learn(made, epoch, len(plan), rate, folder, run.seed)


def photo_arms(run: Run, folder: Path, rgb: Sized, shared: Plan, apart: Plan) -> dict[str, Trained]:
    """{arm: (generator, rows)}: a common start, and what follows it without a D and with one."""
    import torch

    with precision(half=True):
        start = photo_arm(run, folder / "shared", rgb, shared)
        plain = photo_arm(run, folder / "l1", rgb, apart, start=start[0])
        torch.manual_seed(run.seed)
        adversary = L.Adversary(L.judge().to(device()), lam=LAMBDA)
        judged = photo_arm(run, folder / "gan", rgb, apart, adversary, start[0])
    return {"shared start": start, "L1": plain, "L1 + GAN": judged}


def trained(run: Run, rgb: Sized, shared: Plan, apart: Plan) -> tuple[Path, dict[str, Trained]]:
    """The arms, trained or found trained, and the folder of the training that three share.

    Its name holds the hash of the code, so that no other code goes on with it.
    """
    folder = run.folder.with_name("photographs") / f"arms_{identity.code(photo_arms)}"
    return folder, photo_arms(run, folder, rgb, shared, apart)


def export(
    run: Run, path: Path, arm: str, arms: dict[str, Trained], rgb: Sized, plans: list
) -> Colorizer:
    """An arm as a colorizer: the file from L to ab, opened. It is not measured yet."""
    G, rows = arms[arm]
    minutes = sum(row["minutes"] for row in rows)
    minutes += sum(row["minutes"] for row in arms["shared start"][1]) * (arm != "shared start")
    profile = course.profile()
    saved = save_torch(
        L.asleep(G),
        path,
        scale=color.AB_SCALE,
        multiple=2**L.LEVELS,
        size=plans[1][-1][0],
        lesson=NAME,
        loss=LOSSES[arm],
        architecture=f"S3 (Gendre), pix2pix U-Net of {L.LEVELS} levels and 32 filters",
        data=f"{learned_from(rgb)} photographs: {data.TRAINED_ON}",
        data_licence=data.TRAINED_ON_LICENCE,
        licence="MIT",
        profile=profile,
        seed=run.seed,
        epochs=sum(map(len, plans)),
        plan=str([list(plan) for plan in plans]),
        precision="bfloat16",
        minutes=f"{minutes:.0f}, on {course.device(profile)[1]}",
        metrics=[],
    )
    return Colorizer.load(saved)


@experiment("06/photographs", photographs=("intel", "photos"))
def two_arms(run: Run, *, shared: tuple = SHARED, apart: tuple = APART) -> dict[str, Any]:
    """L1 alone against L1 and a discriminator, on the same photographs, judged from their files."""
    rgb = sized(shared, apart)
    folder, arms = trained(run, rgb, shared, apart)
    models = {
        arm: export(run, folder / f"{i}.onnx", arm, arms, rgb, [shared, apart])
        for i, arm in enumerate(arms)
    }
    judged = judge(data.judged_photographs(), {k: model.colorize for k, model in models.items()})
    return judged | {
        "n": learned_from(rgb),
        "size": apart[-1][0],
        "seed": run.seed,
        "plan": [shared, apart],
        "lambda": LAMBDA,
        "rows": {arm: rows for arm, (_, rows) in arms.items()},
        "album": album(models),
    }


def album(models: dict[str, Colorizer]) -> dict[str, dict[str, str]]:
    """{arm: {photograph: packed ab}} of the installed photographs, made small."""
    light = {name: color.L(rgb) for name, rgb in L.album().items()}
    return {
        arm: {name: packing.pack(model.ab(x)) for name, x in light.items()}
        for arm, model in models.items()
    }


@experiment("06/checkpoint", photographs=("intel", "photos"), models=(NAME,))
def checkpoint(
    run: Run,
    *,
    shared: tuple = SHARED,
    apart: tuple = APART,
    costs: tuple = ("scenes, as in the lesson", "photographs", "published"),
) -> dict[str, Any]:
    """Ship the arm with a discriminator, judged; and count what training costs.

    costs: names of COSTS.
    """
    rgb = sized(shared, apart)
    folder, arms = trained(run, rgb, shared, apart)
    given = run, folder / "shipped.onnx", "L1 + GAN", arms, rgb, [shared, apart]
    draft = export(*given)
    table = judge(data.judged_photographs(), {"L1 + GAN": draft.colorize})["table"]
    file = ship(given[1], NAME, table)
    return {
        "data": data.TRAINED_ON,
        "n": learned_from(rgb),
        "size": apart[-1][0],
        "seed": run.seed,
        "bytes": file.stat().st_size,
        "table": table,
        "costs": [cost(name, *COSTS[name]) for name in costs],
    }


# What a game costs.

COSTS = {  # generator, discriminator, size, batch
    "scenes, as in the lesson": (lambda: L.compact(16), lambda: L.judge(), 64, 4),
    "photographs": (lambda: L.compact(32, (3, 4)), lambda: L.judge(), 96, 16),
    "published": (lambda: L.Unet(), lambda: L.patchgan(), 256, 1),
}


def kept_bytes(step: Callable[[], Any]) -> int:
    """Bytes that autograd keeps of step() for the way back, each tensor counted once."""
    import torch

    held = {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        alive = step()  # as long as it lives, no address is used twice
    del alive
    return sum(held.values())


def cost(
    name: str, generator: Callable, discriminator: Callable, size: int, batch: int, steps: int = 3
) -> list[Any]:
    """[name, size, batch, parameters, MB of weights, MB kept for a step, ms for a picture].

    Weights count four times: with their gradients and Adam's two means.
    """
    import torch

    G, D = (make().to(device()) for make in (generator, discriminator))
    adams = [torch.optim.Adam(x.parameters(), 2e-4) for x in (G, D)]
    light, ab = (torch.rand(batch, k, size, size).to(device()) for k in (1, 2))
    kept = kept_bytes(lambda: D(torch.cat([light, G(light)], 1)))
    taken = []
    for _ in range(steps):
        begun = time.perf_counter()
        L.play(G, D, *adams, light, ab)
        taken.append(1000 * (time.perf_counter() - begun) / batch)
    total = L.parameters(G) + L.parameters(D)
    return [name, size, batch, total, 16 * total / 1e6, kept / 1e6, float(np.median(taken))]


# What a score is worth.


@experiment("06/redraws")
def redraws(run: Run, *, n: int = 400) -> dict[str, Any]:
    """SSIM and PSNR of scenes whose noise or colors are drawn anew, and of scenes left gray."""
    truth, *variants = L.redrawn(n).items()
    about: dict[str, Any] = {"data": "paintbox", "n": n, "size": 128, "seed": 2}
    for measure in (metrics.ssim, metrics.psnr):
        values = {name: measure(truth[1], rgb) for name, rgb in variants}
        about[measure.__name__] = {k: np.round(x, 4).tolist() for k, x in values.items()}
    return about


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
    one_right = L.one_right
    return {
        "one pixel right": one_right,
        "one pixel right, L only": partial(only, change=one_right, of="L"),
        "one pixel right, ab only": partial(only, change=one_right, of="ab"),
        "mirrored": mirrored,
        "gray": metrics.paint_gray,
        "own mean ab": metrics.paint_mean,
        "hues turned by 180°": L.hues_turned(180),
        "colors upside down": upside_down,
    }


def class_probabilities(network: networks.Features, rgb: Photographs) -> NDArray[Any]:
    """p (N, classes) of uint8 pictures; InceptionResNetV2's features are 1,000 logits."""
    from scipy.special import softmax

    return network.classify(rgb) if network.classes else softmax(network.embed(rgb), axis=-1)


def distances(
    real: NDArray[Any], other: NDArray[Any], n: int, seed: int, times: int = 20
) -> NDArray[np.float64]:
    """Fréchet distances (times,) of n real pictures from n others, which never show the same.

    real, other: features (N, width) of the same N photographs, the others changed.
    """
    rng = np.random.default_rng(seed)
    draws = [rng.permutation(len(real))[: 2 * n].reshape(2, n) for _ in range(times)]
    return np.array([metrics.frechet_distance(real[a], other[b]) for a, b in draws])


def spread(values: NDArray[Any]) -> list[float]:
    """[mean, low, high]: the mean, and what 95 % of the values lie between."""
    return [float(values.mean()), *map(float, np.percentile(values, [2.5, 97.5]))]


def score(
    run: Run,
    name: str,
    rgb: Photographs,
    hats: Photographs,
    network: networks.Features,
    real: NDArray[Any],
) -> dict[str, Any]:
    """A row of `metrics.report`, and the measures that know no pairs.

    rgb, hats: photographs (N, H, W, 3) and what was made of them. real: features of rgb.
    """
    row = metrics.report(rgb, hats, name=name, data=data.JUDGED_ON)
    row["gap"] = abs(row["colorfulness"][0] - row["colorfulness_truth"][0])
    row["class_score"] = metrics.inception_score(class_probabilities(network, hats))
    row["n_frechet"] = half = len(rgb) // 2
    if half < 4 * network.width:  # its covariance would be mostly noise
        return row | {"frechet": None}
    features = network.embed(hats)
    draws = distances(real, features, half, run.seed)  # (20,)
    row |= {"frechet": spread(draws), "draws": np.round(draws, 4).tolist()}
    return row | {"frechet_own": metrics.frechet_distance(real, features)}


def score_kinds(
    run: Run, rgb: Photographs, colorizers: dict[str, Recolor], network: networks.Features
) -> list[dict[str, Any]]:
    """Rows of the truth, of what `changes` makes, of colorizers, and of pairs exchanged."""
    real, rows = network.embed(rgb), []
    ways = {"truth": np.asarray} | changes() | colorizers
    for name, change in progress.bar(ways.items(), "kinds"):
        hats = np.stack([change(x) for x in rgb])
        rows.append(score(run, name, rgb, hats, network, real))
    exchanged = score(run, "pairs exchanged", rgb, np.roll(rgb, 1, axis=0), network, real)
    same = {key: rows[0][key] for key in ("frechet", "draws") if key in rows[0]}
    return [*rows, exchanged | same]  # it is the truth's set of pictures


@experiment("06/scores", photographs=("intel", "photos"), models=(*EARLIER, NAME))
def scores(
    run: Run, *, shared: tuple = SHARED, apart: tuple = APART, network: str = "course_RGB"
) -> dict[str, Any]:
    """Every measure of changed photographs and of all colorizers, and of L1 alone.

    network: what `networks.features` takes; "InceptionResNetV2" needs ImageNet's weights, and has a
    Fréchet distance from 8,000 photographs on.
    """
    rgb, found = data.judged_photographs(), networks.features(network)
    colorizers: dict[str, Recolor] = {n: Colorizer.load(n).colorize for n in EARLIER}
    learned = sized(shared, apart)
    folder, arms = trained(run, learned, shared, apart)
    file = folder / "scored.onnx"
    plain = export(run, file, "L1", arms, learned, [shared, apart])
    colorizers |= {"L1": plain.colorize, "L1 + GAN": Colorizer.load(NAME).colorize}
    about = {"data": data.JUDGED_ON, "n": len(rgb), "size": rgb.shape[1], "seed": run.seed}
    about |= {"network": found.name, "rows": score_kinds(run, rgb, colorizers, found)}
    for name in ("one pixel right", "gray"):  # picture by picture, for the paired claims
        values = metrics.ssim(rgb, [changes()[name](x) for x in rgb])
        about[f"ssim of {name}"] = np.round(values, 3).tolist()
    return about | {"p": np.round(class_probabilities(found, rgb), 4).tolist()}


def curves(
    rgb: Photographs, network: networks.Features, counts: list[int], seed: int, times: int = 20
) -> dict[str, Any]:
    """Real against real, and against gray, at each N: [[mean, low, high], …] over `times` draws."""
    gray = network.embed([metrics.paint_gray(x) for x in rgb])
    real = network.embed(rgb)
    found = {
        name: [spread(distances(real, other, n, seed, times)) for n in counts]
        for name, other in (("real", real), ("gray", gray))
    }
    return {"width": network.width, "N": counts, **found}


@experiment("06/bias", photographs=("intel", "weights"), models=())
def bias(run: Run, *, n: int = 3200, size: int = 96) -> dict[str, Any]:
    """The Fréchet distance against N: the course's 48 features, and 256 of ImageNet's MobileNet."""
    rgb = photos.load(data.shared("intel"), "train", size, limit=n, color_only=True)
    file = data.shared("weights") / networks.APPLICATIONS["MobileNet"]["file"]
    about = {"data": "Intel photographs, training split, color only", "n": len(rgb)}
    about |= {"size": size, "seed": run.seed, "curves": {}}
    few = {"course_RGB": ("auto", 200), "MobileNet": (file, 1024)}  # weights, the least N
    for name, (weights, least) in few.items():
        network = networks.features(name, weights)
        counts = np.geomspace(least, len(rgb) // 2, 6).astype(int).tolist()
        about["curves"][network.name] = curves(rgb, network, counts, run.seed)
    return about
