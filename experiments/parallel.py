"""Several processes, one training: `torchrun --nproc-per-node 2 -m experiments 05/training`.

Each process takes its share of every batch. Gradients are averaged between them, and batch
normalization sees the whole batch, so that two processes learn what one would. Started without
torchrun or `accelerate launch`, nothing here does anything.
"""

import os
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def join() -> None:
    """Find the other processes that torchrun has started; each takes its own GPU."""
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not dist.is_initialized():
        on_gpu = torch.cuda.is_available()
        if on_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if on_gpu else "gloo")


def leave() -> None:
    """End what `join` began."""
    if dist.is_initialized():
        dist.destroy_process_group()


def world() -> int:
    """How many processes train together: 1 without torchrun."""
    return dist.get_world_size() if dist.is_initialized() else 1


def first() -> bool:
    """Whether this process writes files; of those that train together one does."""
    return not dist.is_initialized() or dist.get_rank() == 0


def part(x: Tensor) -> Tensor:
    """This process's share of a batch (N, ...); N must divide by their number (ValueError)."""
    if len(x) % world():
        raise ValueError(f"{len(x)} pictures cannot be shared evenly by {world()} processes.")
    return x[dist.get_rank() :: world()] if world() > 1 else x


def mean(x: Tensor) -> Tensor:
    """The mean of a value, such as a loss, over all processes; no gradient."""
    if world() > 1:
        x = x.clone()
        dist.all_reduce(x)
        x /= world()
    return x


def share(module: nn.Module) -> None:
    """Let a module learn together with its copies in the other processes.

    Gradients become their mean as soon as they are computed, before anybody clips them.
    """
    if world() == 1 or getattr(module, "is_shared", False):
        return
    module.is_shared = True  # pyright: ignore

    def average(parameter: Any) -> None:
        dist.all_reduce(parameter.grad)
        parameter.grad /= world()

    for parameter in (p for p in module.parameters() if p.requires_grad):
        parameter.register_post_accumulate_grad_hook(average)
    for inner in module.modules():
        if type(inner) is nn.BatchNorm2d:
            inner.__class__ = WholeBatchNorm


class Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is summed as well."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return Sum.forward(ctx, gradients[0])


class WholeBatchNorm(nn.BatchNorm2d):
    """Batch normalization over the batches of all processes; torch's own needs a GPU for that."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        x = input.float()
        mean = Sum.apply(x.mean((0, 2, 3))) / world()  # pyright: ignore
        from_mean = x - mean[:, None, None]
        variance = Sum.apply(from_mean.square().mean((0, 2, 3))) / world()  # pyright: ignore
        with torch.no_grad():
            n = world() * x.numel() / x.shape[1]
            for kept, new in (
                (self.running_mean, mean),
                (self.running_var, variance * n / (n - 1)),
            ):
                kept.lerp_(new, self.momentum)  # pyright: ignore
            self.num_batches_tracked += 1  # pyright: ignore
        scale = self.weight * (variance + self.eps).rsqrt()
        return (from_mean * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)
