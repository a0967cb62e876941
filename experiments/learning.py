"""How every shipped colorizer learns from photographs: which ones, how they are varied, the loop.

The loop is torch's, on a GPU or on two cores; a Keras network takes part on Keras's torch backend,
where it is a torch module. A step is a function of the seed and of its own number, so that a run
which was interrupted goes on with the very batches it would have seen.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from course_utils import color, course, files, photos, progress
from course_utils.training import Rows, fingerprint, keep_torch, restore_torch
from experiments import parallel
from experiments.data import shared

SIZE = 128  # pixels a side of the photographs that are learned from
A_CLASS = 450  # Intel's photographs of a class, at most: two classes have five times as many
CROPS = 8  # views that are cut out of each large photograph
SMALLEST = 0.3  # of the shorter side, that a view shows at least
SIDES = (96, 128, 160)  # pixels a side of a batch, in turns
AGED = 0.35  # the share of pictures that look like old ones
VALIDATION = 60  # every so many-th photograph is left out and watched

Images = NDArray[np.uint8]
Tensor = torch.Tensor
Predict = Callable[[Tensor], Tensor]  # from L / 100 (N, 1, H, W) to ab / AB_SCALE (N, 2, H, W)


# Which photographs.


def photographs() -> tuple[Images, Images]:
    """(learned from, watched): color photographs (N, SIZE, SIZE, 3), in one fixed random order.

    Of `diverse` and Intel their training splits, of the large ones (birds and the album's training
    split) CROPS views each, so that a picture is also seen sharp and near.
    """
    sets = [photos.load(shared("diverse"), "train", SIZE, color_only=True), intel()]
    large = [photos.load(shared("photos") / "birds_cc0", half, 320) for half in ("train", "test")]
    large.append(np.stack([square(p.rgb, 320) for p in photos.album() if p.split == "train"]))
    rng = np.random.default_rng(course.SEED)
    sets += [np.stack([view(rgb, rng) for rgb in many for _ in range(CROPS)]) for many in large]
    small = np.concatenate(sets[:2])[rng.permutation(len(sets[0]) + len(sets[1]))]
    watched = np.zeros(len(small), bool)
    watched[::VALIDATION] = True
    rgb = np.concatenate([small[~watched], *sets[2:]])
    return rgb[rng.permutation(len(rgb))], small[watched]


def intel() -> Images:
    """Intel's training photographs in color, at most A_CLASS of each of its six classes."""
    folders = sorted((shared("intel") / "seg_train").iterdir())
    chosen = [file for folder in folders for file in photos.files_in(folder)[:A_CLASS]]
    rgb = np.stack([square(photos.open_photo(f), SIZE) for f in progress.bar(chosen, "Intel")])
    chroma = np.array([np.linalg.norm(color.ab(x), axis=-1).mean() for x in rgb])
    return rgb[chroma >= photos.GRAY_CHROMA]


def square(rgb: Images, side: int) -> Images:
    """The middle square of a photograph (H, W, 3), as (side, side, 3)."""
    least = min(rgb.shape[:2])
    top, left = ((n - least) // 2 for n in rgb.shape[:2])
    middle = Image.fromarray(rgb[top : top + least, left : left + least])
    return np.asarray(middle.resize((side, side), Image.Resampling.LANCZOS))


def view(rgb: Images, rng: np.random.Generator) -> Images:
    """A square cut out of a photograph by chance, as (SIZE, SIZE, 3)."""
    height, width = rgb.shape[:2]
    side = int(rng.uniform(SMALLEST, 1) * min(height, width))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    return square(rgb[top : top + side, left : left + side], SIZE)


# How they are varied.


def views(rgb: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Photographs uint8 (N, 3, H, W), cut and mirrored by chance: float (N, 3, side, side)."""
    n, device = len(rgb), rgb.device
    u = torch.rand(4, n, generator=generator, device=device)
    scale = 1 - (1 - SMALLEST) * u[0] ** 2  # most views show nearly all of a picture
    flip = torch.where(u[3] < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 1, 1] = scale * flip, scale
    theta[:, 0, 2], theta[:, 1, 2] = (1 - scale) * (2 * u[1] - 1), (1 - scale) * (2 * u[2] - 1)
    grid = functional.affine_grid(theta, [n, 3, side, side], align_corners=False)
    cut = functional.grid_sample(rgb / 255, grid, padding_mode="reflection", align_corners=False)
    return cut.clamp(0, 1)


def aged(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """L / 100 (N, 1, H, W) of photographs (N, 3, H, W) in 0..1, a share AGED of it as if old.

    An old film weighs the colors otherwise than the eye; its picture is darker or brighter than the
    scene, faded at both ends, and grainy.
    """
    n, device = len(rgb), rgb.device

    def chance(*shape: int) -> Tensor:
        return torch.rand(*shape, 1, 1, generator=generator, device=device)

    old = chance(n, 1) < AGED
    gain = torch.where(old, 0.8 + 0.4 * chance(n, 3), 1.0)
    L = color.L((rgb * gain).clamp(0, 1)) / 100
    gamma = 2 ** (1.6 * chance(n, 1) - 0.8)
    low, high = 0.2 * chance(n, 1), 1 - 0.2 * chance(n, 1)
    grain = 0.05 * chance(n, 1) * torch.randn(L.shape, generator=generator, device=device)
    worn = low + (high - low) * L.clamp(1e-4, 1) ** gamma + grain
    return torch.where(old, worn, L).clamp(0, 1)


def batch_of(
    rgb: Tensor, batch: int, seed: int, step: int, sides: Sequence[int] = SIDES
) -> tuple[Tensor, Tensor]:
    """L / 100 (batch, 1, S, S) and ab / AB_SCALE of one step; rgb: uint8 (N, 3, H, W)."""
    generator = torch.Generator(rgb.device).manual_seed(1_000_003 * seed + step)
    chosen = torch.randint(len(rgb), (batch,), generator=generator, device=rgb.device)
    cut = views(rgb[chosen], sides[step % len(sides)], generator)
    return aged(cut, generator), color.ab(cut) / color.AB_SCALE


# The loop.


def rate(step: int, steps: int, warm: int = 200) -> float:
    """The share of the full learning rate at a step: a short rise, then a cosine down to 0."""
    warm = min(warm, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def train(
    move: Callable[[Tensor, Tensor, int], dict[str, Tensor]],
    optimizers: Sequence[torch.optim.Optimizer],
    rgb: Tensor | Callable[[int], Tensor],
    *,
    steps: int,
    batch: int,
    seed: int,
    parts: dict[str, Any],
    about: dict[str, Any],
    measure: Callable[[], dict[str, float]],
    folder: Path | None = None,
    rows: int = 20,
    stop: int | None = None,
    sides: Sequence[int] = SIDES,
) -> Rows:
    """Train for some steps; return `rows` rows: step, mean of each loss, and what `measure` gives.

    move: does one step on a batch of `batch_of` and its number, gives its losses. optimizers:
    their rates are set before each step. rgb: uint8 (N, 3, H, W) on the device, or a function of
    the number of a row that gives those of its steps. parts: all that training changes, by name;
    about: what a state belongs to. A run that finds a state of the same parts and `about` in
    `folder` goes on after it. stop: end at this step, early. sides: pixels a side of the batches,
    in turns. Where torchrun has started several processes, each takes its share of every batch.
    """
    of_row = rgb if callable(rgb) else lambda row: rgb
    pictures = of_row(0)
    about = about | {"steps": steps, "batch": batch, "seed": seed, "rows": rows}
    about |= {"data": fingerprint(pictures[:64].cpu().numpy(), np.array(pictures.shape))}
    for module in (part for part in parts.values() if isinstance(part, torch.nn.Module)):
        parallel.share(module)
    kept = restore_torch(folder, about, **parts)
    full = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    if kept:
        full = kept[-1]["rates"]
    ends = [steps * (i + 1) // rows for i in range(rows)]
    ends = [end for end in ends if end <= (stop or steps)]
    for end in ends[len(kept) :]:
        begin = kept[-1]["step"] if kept else 0
        pictures = of_row(len(kept)) if len(kept) else pictures
        losses = []
        for step in progress.bar(range(begin, end), f"to step {end} of {steps}"):
            for optimizer, rates in zip(optimizers, full, strict=True):
                for group, highest in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = highest * rate(step, steps)
            L, ab = batch_of(pictures, batch, seed, step, sides)
            losses.append(move(parallel.part(L), parallel.part(ab), step))
        stacks = {key: torch.stack([x[key] for x in losses]).mean() for key in losses[0]}
        means = {key: float(parallel.mean(x)) for key, x in stacks.items()}
        kept.append({"step": end, "rates": full} | means | measure())
        keep_torch(folder if parallel.first() else None, kept, about, **parts)
    return [{key: value for key, value in row.items() if key != "rates"} for row in kept]


def least(
    network: Predict, optimizer: torch.optim.Optimizer, loss: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Tensor, Tensor, int], dict[str, Tensor]]:
    """A step for `train` that makes loss(network(L), ab) smaller; gradients are clipped to 1."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]

    def move(L: Tensor, ab: Tensor, step: int) -> dict[str, Tensor]:
        value = loss(network(L), ab)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return {"loss": value.detach()}

    return move


def squared(ab_hat: Tensor, ab: Tensor) -> Tensor:
    """The mean squared error, in float32."""
    return (ab_hat.float() - ab).square().mean()


def of_keras(model: Any, training: bool, scale: float = 1.0) -> Predict:
    """A Keras model of channels-last pictures, on the torch backend, as a function of torch's."""
    return lambda x: scale * model(x.movedim(1, -1), training=training).movedim(-1, 1)


def fit_keras(
    model: Any,
    rgb: Images,
    watched: Images,
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    folder: Path,
    slower: Sequence[Any] = (),
    scale: float = 1.0,
) -> Rows:
    """Train a Keras model from L / 100 to ab / AB_SCALE, times `scale`, by the squared error.

    slower: variables that learn at 0.3 of the rate, those of a pretrained encoder. Each row holds
    the PSNR on the photographs `watched`, minus gray's, in dB.
    """
    device = course.device(course.profile())[0]
    inside = {id(v) for v in slower}
    rest = [v.value for v in model.trainable_variables if id(v) not in inside]
    parameters = [{"params": rest, "lr": rate}]
    tuned = [v.value for v in model.trainable_variables if id(v) in inside]
    parameters += [{"params": tuned, "lr": 0.3 * rate}] if tuned else []
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.01)
    gray = psnr(lambda x: torch.zeros_like(x).expand(-1, 2, -1, -1), watched, device).mean()

    def measure() -> dict[str, float]:
        values = psnr(of_keras(model, False, scale), watched, device)
        return {"gain": float(values.mean() - gray)}

    return train(
        least(of_keras(model, True, scale), optimizer, squared),
        [optimizer],
        on_device(rgb, device),
        steps=steps,
        batch=batch,
        seed=seed,
        parts={"network": model, "optimizer": optimizer},
        about={"model": model.name, "parameters": model.count_params(), "rate": rate},
        measure=measure,
        folder=folder,
    )


def on_device(rgb: Images, device: str) -> Tensor:
    """Photographs (N, H, W, 3) as a tensor (N, 3, H, W), uint8, where training happens."""
    return torch.tensor(rgb, device=device).movedim(-1, 1).contiguous()


def psnr(predict: Predict, rgb: Images, device: str, batch: int = 100) -> NDArray[np.float64]:
    """PSNR in dB, (N,), of predicted ab with the true L, for photographs (N, H, W, 3), uint8."""
    values = []
    with torch.no_grad():
        for start in range(0, len(rgb), batch):
            truth = torch.tensor(rgb[start : start + batch], device=device).movedim(-1, 1) / 255
            L = color.L(truth)
            ab_hat = color.AB_SCALE * predict(L / 100).float()
            error = (color.with_ab(L, ab_hat) - truth).square().mean((1, 2, 3))
            values.append((-10 * error.clamp(1e-10).log10()).cpu().numpy())
    return np.concatenate(values).astype(np.float64)


def keep_weights(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write weights as they are shipped: kernels in float16, vectors in float32."""
    halves = {k: x.astype(np.float16) if x.ndim > 1 else x for k, x in arrays.items()}
    files.write(path, lambda file: np.savez(file, **halves))  # pyright: ignore


def keras_arrays(model: Any) -> dict[str, NDArray[Any]]:
    """The weights of a Keras model, numbered in their order: `model.set_weights` takes them."""
    return {f"{i:03}": np.asarray(x, np.float32) for i, x in enumerate(model.get_weights())}


def torch_arrays(module: torch.nn.Module) -> dict[str, NDArray[Any]]:
    """The state of a torch module as arrays; `from_arrays` puts it back."""
    return {k: v.float().cpu().numpy() for k, v in module.state_dict().items()}


def from_arrays(module: torch.nn.Module, path: Path) -> None:
    """Load into a torch module what `keep_weights` wrote of `torch_arrays`."""
    with np.load(path) as kept:
        state = {k: torch.from_numpy(np.asarray(kept[k], np.float32)) for k in kept.files}
    module.load_state_dict(state)
