"""The networks of the shipped colorizers, trained on photographs; `learning` is their recipe.

Each training keeps its weights beside its state, `weights.npz`; the experiment NN/checkpoint of its
lesson exports, judges and ships them. 04/features is the comparison that lesson 04 shows: one
decoder on four encoders, with equal steps.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from course_utils import bins, color, course, photos
from course_utils.networks.unet import Unet, groups
from course_utils.training import Rows
from experiments import experiment, learning, lesson
from experiments.data import shared
from experiments.learning import Images, least, psnr, squared
from experiments.runner import STATES, Run

S0, S1 = lesson("02"), lesson("03")
DATA = "diverse, Intel, birds and the album, their training splits, in color"
PHOTOGRAPHS = ("diverse", "intel", "photos")


def weights(name: str) -> Path:
    """Where a training, for instance "04/training", has kept its weights.

    Raises FileNotFoundError with the command that makes them.
    """
    path = STATES / name / "weights.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{name} has no weights: run `make experiment NAME={name}` first.")
    return path


def device() -> str:
    """Where this machine's profile trains."""
    return course.device(course.profile())[0]


def told(run: Run, n: int, **more: Any) -> dict[str, Any]:
    """What every training says about itself."""
    about = {"data": DATA, "n": n, "size": learning.SIZE, "seed": run.seed}
    return about | {"ended on": course.device(course.profile())[1]} | more


# Lessons 02 and 03: from nothing.


@experiment("02/training", photographs=PHOTOGRAPHS, backend="torch")
def s0(run: Run, *, steps: int = 2500, batch: int = 128, rate: float = 5e-4) -> dict[str, Any]:
    """S0, the published network, from nothing."""
    return keras_training(run, lambda: S0.s0(), steps, batch, rate, S0.PAPER_SCALE)


WIDTH = 4  # times the filters of the lesson's compact network


@experiment("03/training", photographs=PHOTOGRAPHS, backend="torch")
def s1(
    run: Run, *, width: int = WIDTH, steps: int = 2500, batch: int = 128, rate: float = 1e-3
) -> dict[str, Any]:
    """S1, the compact network with `width` times its filters, from nothing."""
    return keras_training(run, lambda: S1.alone(s1_parts(width)), steps, batch, rate, S1.SCALE)


def s1_parts(width: int) -> Any:
    """The compact network for photographs: 3x3 kernels everywhere, as published."""
    return S1.compact(width, mid=(3, 3), kernel=3)


def keras_training(
    run: Run, build: Any, steps: int, batch: int, rate: float, scale: float
) -> dict[str, Any]:
    """Train a Keras network from L / 100 to ab / `scale` from nothing; keep its weights."""
    import keras

    rgb, watched = learning.photographs()
    keras.utils.set_random_seed(run.seed)
    model = lighter(build)
    options: dict[str, Any] = {"steps": steps, "batch": batch, "rate": rate, "seed": run.seed}
    options |= {"folder": run.folder, "scale": scale / color.AB_SCALE}
    rows = learning.fit_keras(model, rgb, watched, **options)
    learning.keep_weights(run.folder / "weights.npz", learning.keras_arrays(model))
    return told(run, len(rgb), rows=rows, parameters=model.count_params())


def lighter(build: Any) -> Any:
    """build() in bfloat16 on a GPU, which is twice as fast there; in float32 on a CPU."""
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16" if device() == "cuda" else "float32")
    model = build()
    keras.config.set_dtype_policy("float32")
    return model


# Lesson 04: what pretrained features buy.

ARMS = {  # the encoder's weights, and whether they go on learning
    "from nothing": ("random", True),
    "random, frozen": ("random", False),
    "pretrained, frozen": ("imagenet", False),
    "pretrained, fine-tuned": ("imagenet", True),
}


@experiment("04/features", photographs=PHOTOGRAPHS, models=("lite0",))
def features(
    run: Run,
    *,
    steps: int = 500,
    batch: int = 32,
    rate: float = 2e-3,
    sides: tuple[int, ...] = (64, 96),
    seeds: tuple[int, ...] = (1,),
) -> dict[str, Any]:
    """One decoder on four encoders, equal steps: validation curves, PSNR on two test sets."""
    rgb, watched = learning.photographs()
    pictures = learning.on_device(rgb, device())
    options: dict[str, Any] = {"steps": steps, "batch": batch, "sides": sides, "rows": 10}
    arms = {}
    for name in ARMS:
        found = [train_arm(run, name, seed, pictures, watched, rate, options) for seed in seeds]
        values = [tested(net) for net, _ in found]
        psnr_of = {key: [each[key] for each in values] for key in values[0]}
        arms[name] = {"rows": [rows for _, rows in found], "psnr": psnr_of}
    gray = {name: gray_psnr(x).round(3).tolist() for name, x in test_sets().items()}
    about = {"arms": arms, "gray": gray, "n_test": {name: len(x) for name, x in gray.items()}}
    about |= {"steps": steps, "batch": batch, "sides": sides, "seeds": list(seeds)}
    return told(run, len(rgb), **about)


def train_arm(
    run: Run,
    name: str,
    seed: int,
    pictures: Tensor,
    watched: Images,
    rate: float,
    options: dict[str, Any],
) -> tuple[nn.Module, Rows]:
    """(network, rows of its training) of one arm with one seed; its state is kept by itself."""
    kind, tuned = ARMS[name]
    net = network(2, 2, kind, seed)
    optimizer = adam(net, rate, kind)
    net.encoder.requires_grad_(tuned)

    def forward(x: Tensor) -> Tensor:
        net.encoder.train(tuned and net.training)  # frozen are its running statistics too
        return half(net)(x)

    rows = learning.train(
        least(forward, optimizer, whole),
        [optimizer],
        pictures,
        seed=seed,
        parts={"network": net, "optimizer": optimizer},
        about={"arm": name, "rate": rate},
        measure=lambda: evaluated(net, enlarged(net), watched),
        folder=run.folder / f"{name.replace(', ', '_').replace(' ', '_')}_{seed}",
        **options,
    )
    return net, rows


def test_sets() -> dict[str, Images]:
    """Photographs (N, SIZE, SIZE, 3) that no training sees, in color."""
    return {
        "diverse": photos.load(shared("diverse"), "test", learning.SIZE, color_only=True),
        "Intel": photos.load(shared("intel"), "test", learning.SIZE, color_only=True),
    }


def gray_psnr(rgb: Images) -> NDArray[np.float64]:
    """PSNR in dB, (N,), of photographs left gray."""
    return psnr(lambda x: torch.zeros_like(x).expand(-1, 2, -1, -1), rgb, device())


@experiment("04/training", photographs=PHOTOGRAPHS, models=("lite0",))
def s4(
    run: Run,
    *,
    steps: int = 2000,
    stop: int = 1000,
    batch: int = 128,
    rate: float = 2e-3,
    finish: int = 200,
    finish_batch: int = 64,
) -> dict[str, Any]:
    """S4: all of it learns, on a GPU up to `stop`; then, on two cores, `finish` steps to rate 0."""
    rgb, watched = learning.photographs()
    pictures = learning.on_device(rgb, device())
    net = network(2, 2, "imagenet", run.seed)
    rows = []
    plan = [("long", steps, stop, batch, rate), ("finish", finish, finish, finish_batch, rate / 2)]
    for name, of, until, many, highest in plan:
        optimizer = adam(net, highest, "imagenet")
        rows.append(
            learning.train(
                least(half(net), optimizer, whole),
                [optimizer],
                pictures,
                steps=of,
                stop=until,
                batch=many,
                seed=run.seed,
                parts={"network": net, "optimizer": optimizer},
                about={"loss": "squared", "rate": highest},
                measure=lambda: evaluated(net, enlarged(net), watched),
                folder=run.folder / name,
            )
        )
    learning.keep_weights(run.folder / "weights.npz", learning.torch_arrays(net))
    tests = tested(net)
    gray = {name: gray_psnr(x).round(3).tolist() for name, x in test_sets().items()}
    return told(run, len(rgb), rows=rows, psnr=tests, gray=gray)


def whole(hat: Tensor, ab: Tensor) -> Tensor:
    """The mean squared error of a prediction at stride 2, enlarged to the size of ab."""
    return squared(functional.interpolate(hat.float(), scale_factor=2, mode="bilinear"), ab)


# Lesson 05: a distribution over bins.


def network(out: int, finest: int, kind: str, seed: int) -> Unet:
    """Lite0 and a decoder in torch, on the device of this machine."""
    torch.manual_seed(seed)
    return Unet(out, finest, kind, seed).to(device(), memory_format=torch.channels_last)  # pyright: ignore


def adam(net: Any, rate: float, kind: str, betas: tuple[float, float] = (0.9, 0.999)) -> Any:
    """AdamW, in which a pretrained encoder learns at 0.3 of the rate."""
    slower = 0.3 if kind == "imagenet" else 1.0
    return torch.optim.AdamW(groups(net, rate, slower * rate), betas=betas, weight_decay=0.01)


def half(net: nn.Module) -> Any:
    """The network as a function that computes in bfloat16, two or three times as fast."""

    def call(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return net(x.contiguous(memory_format=torch.channels_last))

    return call


def soft_cross_entropy(k: int = 5, sigma: float = 5.0) -> Any:
    """Of logits (N, 313, h, w) against ab / AB_SCALE: the k nearest bins share a pixel.

    Their shares fall as exp(-d^2 / 2 sigma^2) with the distance d in CIELAB units (Zhang et al.
    2016). A target at the size of the logits is the mean of the pixels it covers.
    """
    centers = torch.tensor(bins.ab_bins(), dtype=torch.float32, device=device())  # (313, 2)

    def loss(logits: Tensor, ab: Tensor) -> Tensor:
        near = functional.adaptive_avg_pool2d(ab, logits.shape[-2:]) * color.AB_SCALE  # pyright: ignore
        flat = near.movedim(1, -1)  # (N, h, w, 2)
        distance, chosen = (flat[..., None, :] - centers).square().sum(-1).topk(k, largest=False)
        share = (-distance / (2 * sigma**2)).softmax(-1).movedim(-1, 1)  # (N, k, h, w)
        log_p = logits.float().log_softmax(1).gather(1, chosen.movedim(-1, 1))
        return -(share * log_p).sum(1).mean()

    return loss


def mean_color(net: Any) -> learning.Predict:
    """The mean of the predicted distribution, as ab / AB_SCALE at the size of L."""
    centers = torch.tensor(bins.ab_bins() / color.AB_SCALE, dtype=torch.float32, device=device())

    def predict(x: Tensor) -> Tensor:
        p = half(net)(x).float().softmax(1)
        ab = torch.einsum("nkhw,kc->nchw", p, centers)
        return functional.interpolate(ab, size=x.shape[-2:], mode="bilinear")

    return predict


def evaluated(net: nn.Module, predict: learning.Predict, watched: Images) -> dict[str, float]:
    """PSNR on the photographs `watched`, minus gray's, in dB."""
    net.eval()
    gain = float((psnr(predict, watched, device()) - gray_psnr(watched)).mean())
    net.train()
    return {"gain": gain}


def from_s4(out: int, finest: int, seed: int) -> Unet:
    """A network that goes on from S4: all of S4's weights that have a place in it.

    With other channels or another stride at its end, it has a new head.
    """
    net = network(out, finest, "random", seed)
    own = net.state_dict()
    with np.load(weights("04/training")) as kept:
        known = {k: torch.from_numpy(kept[k]).to(own[k]) for k in kept.files if k in own}
    net.load_state_dict(own | {k: v for k, v in known.items() if v.shape == own[k].shape})
    net.encoder.requires_grad_(False)
    return net


def frozen(net: Unet) -> Any:
    """half(net), whose encoder keeps its running statistics too."""

    def call(x: Tensor) -> Tensor:
        net.encoder.eval()
        return half(net)(x)

    return call


@experiment("05/training", photographs=PHOTOGRAPHS, models=("04_pretrained_fusion",))
def s2(
    run: Run,
    *,
    steps: int = 2400,
    batch: int = 32,
    rate: float = 1e-3,
    sides: tuple[int, ...] = (96, 128),
) -> dict[str, Any]:
    """S2: soft cross-entropy over 313 bins; S4's encoder stays, its decoder learns on."""
    rgb, watched = learning.photographs()
    net = from_s4(len(bins.ab_bins()), 4, run.seed)
    optimizer = adam(net, rate, "random")
    predict = mean_color(net)
    rows = learning.train(
        least(frozen(net), optimizer, soft_cross_entropy()),
        [optimizer],
        learning.on_device(rgb, device()),
        steps=steps,
        batch=batch,
        seed=run.seed,
        parts={"network": net, "optimizer": optimizer},
        about={"loss": "soft cross-entropy", "rate": rate},
        measure=lambda: evaluated(net, predict, watched),
        folder=run.folder / "long",
        sides=sides,
    )
    net.eval()
    tests = {name: psnr(predict, x, device()) for name, x in test_sets().items()}
    learning.keep_weights(run.folder / "weights.npz", learning.torch_arrays(net))
    gray = {name: gray_psnr(x).round(3).tolist() for name, x in test_sets().items()}
    share = prior(rgb).astype(float).round(9).tolist()
    psnr_of = {name: x.round(3).tolist() for name, x in tests.items()}
    return told(run, len(rgb), rows=rows, psnr=psnr_of, gray=gray, prior=share, sides=sides)


def prior(rgb: Images, every: int = 8) -> NDArray[np.float64]:
    """The share of each of the 313 bins among the colors of photographs (N, H, W, 3)."""
    centers = torch.tensor(bins.ab_bins(), dtype=torch.float32)
    counts = torch.zeros(len(centers), dtype=torch.float64)
    for part in np.array_split(rgb[:, ::every, ::every], max(1, len(rgb) // 500)):
        flat = torch.tensor(color.ab(np.ascontiguousarray(part)).reshape(-1, 2))
        counts += torch.cdist(flat, centers).argmin(1).bincount(minlength=len(centers))
    return (counts / counts.sum()).numpy()


# Lesson 06: L1, and then a discriminator beside it.


def discriminator() -> nn.Module:
    """A PatchGAN on L and ab at half size, spectrally normalized: logits (N, 1, h, w)."""
    norm = nn.utils.parametrizations.spectral_norm
    layers: list[nn.Module] = []
    before = 3
    for width, stride in ((64, 2), (128, 2), (256, 2), (256, 1)):
        layers += [norm(nn.Conv2d(before, width, 4, stride, 1)), nn.LeakyReLU(0.2)]
        before = width
    return nn.Sequential(*layers, norm(nn.Conv2d(before, 1, 4, 1, 1)))


def play(net: Any, D: nn.Module, of_net: Any, of_D: Any, lam: float) -> Any:
    """One step of the game for `learning.train`: hinge losses, and lam times L1 of ab / 110."""
    parameters = [p for group in of_net.param_groups for p in group["params"]]

    def move(L: Tensor, ab: Tensor, step: int) -> dict[str, Tensor]:
        hat = frozen(net)(L).float()  # (N, 2, H/2, W/2)
        true = functional.avg_pool2d(ab, 2)
        seen = functional.avg_pool2d(L, 2) * 2 - 1
        with torch.autocast(L.device.type, torch.bfloat16):
            real = D(torch.cat([seen, true], 1)).float()
            fake = D(torch.cat([seen, hat.detach()], 1)).float()
        loss_D = functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
        of_D.zero_grad(set_to_none=True)
        loss_D.backward()
        of_D.step()
        D.requires_grad_(False)
        with torch.autocast(L.device.type, torch.bfloat16):
            opinion = D(torch.cat([seen, hat], 1)).float()
        L1 = (hat - true).abs().mean()
        of_net.zero_grad(set_to_none=True)
        (lam * L1 - opinion.mean()).backward()
        nn.utils.clip_grad_norm_(parameters, 10.0)
        of_net.step()
        D.requires_grad_(True)
        return {"D": loss_D.detach(), "L1": L1.detach(), "G": -opinion.mean().detach()}

    return move


def absolute(hat: Tensor, ab: Tensor) -> Tensor:
    """L1 of ab at the size of the prediction."""
    return (hat.float() - functional.adaptive_avg_pool2d(ab, hat.shape[-2:])).abs().mean()  # pyright: ignore


def enlarged(net: nn.Module) -> learning.Predict:
    """The prediction at the size of L."""

    def predict(x: Tensor) -> Tensor:
        return functional.interpolate(half(net)(x).float(), scale_factor=2, mode="bilinear")

    return predict


@experiment("06/training", photographs=PHOTOGRAPHS, models=("04_pretrained_fusion",))
def s3(
    run: Run,
    *,
    steps: int = 300,
    game: int = 600,
    batch: int = 16,
    rate: float = 5e-4,
    rate_G: float = 2e-4,
    rate_D: float = 4e-4,
    lams: tuple[float, ...] = (30.0, 100.0, 10.0),
    sides: tuple[int, ...] = (96, 128),
) -> dict[str, Any]:
    """S3: S4's decoder under L1; then from there L1 alone, and with a discriminator for each λ."""
    rgb, watched = learning.photographs()
    pictures = learning.on_device(rgb, device())
    net = from_s4(2, 2, run.seed)
    options: dict[str, Any] = {"batch": batch, "seed": run.seed, "sides": sides}
    options |= {"measure": lambda: evaluated(net, enlarged(net), watched)}

    def alone(folder: str, steps: int, rate: float) -> Rows:
        """Train by L1 alone."""
        optimizer = adam(net, rate, "random")
        return learning.train(
            least(frozen(net), optimizer, absolute),
            [optimizer],
            pictures,
            steps=steps,
            parts={"network": net, "optimizer": optimizer},
            about={"loss": "L1", "rate": rate},
            folder=run.folder / folder,
            **options,
        )

    found: dict[str, Any] = {"start": {"rows": alone("start", steps, rate), "psnr": tested(net)}}
    start = {key: value.clone() for key, value in net.state_dict().items()}

    def keep(name: str, file: str, rows: Rows) -> None:
        found[name] = {"rows": rows, "psnr": tested(net)}
        learning.keep_weights(run.folder / f"{file}.npz", learning.torch_arrays(net))
        net.load_state_dict(start)
        net.train()

    net.train()
    keep("L1 alone", "L1", alone("L1", game, rate_G))
    for lam in lams:
        torch.manual_seed(run.seed)
        D = discriminator().to(device(), memory_format=torch.channels_last)  # pyright: ignore
        of_net = adam(net, rate_G, "random", (0.5, 0.999))
        of_D = torch.optim.Adam(D.parameters(), rate_D, (0.5, 0.999))
        rows = learning.train(
            play(net, D, of_net, of_D, lam),
            [of_net, of_D],
            pictures,
            steps=game,
            parts={"network": net, "D": D, "of_net": of_net, "of_D": of_D},
            about={"lam": lam, "rates": [rate_G, rate_D]},
            folder=run.folder / f"game_{lam:g}",
            **options,
        )
        keep(f"L1 and D, λ = {lam:g}", f"game_{lam:g}", rows)
    gray = {name: gray_psnr(x).round(3).tolist() for name, x in test_sets().items()}
    return told(run, len(rgb), arms=found, gray=gray, sides=sides)


def tested(net: nn.Module) -> dict[str, list[float]]:
    """PSNR in dB of each photograph of the test sets."""
    net.eval()
    sets = test_sets().items()
    return {name: psnr(enlarged(net), x, device()).round(3).tolist() for name, x in sets}
