"""The checks of lesson 05. Torch is imported by what needs it, not with this module.

Here stand the course's own answers too: the lesson runs them where a student's does not pass.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from course_utils import bins
from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import tell

# The course's own answers.


def head_of(channels: int, prior: Any, bias: Callable = lambda prior: prior.log()) -> Any:
    """A 1×1 convolution to logits; at its start its softmax is the prior (Q,) everywhere."""
    import torch

    head = torch.nn.Conv2d(channels, len(prior), 1)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(bias(torch.as_tensor(prior)))  # type: ignore[union-attr]
    return head


def cross_entropy(logits: Any, near: Any, z: Any) -> Any:
    """Soft cross-entropy of logits (N, Q, h, w) and codes (N, k, h, w), in nats: a mean."""
    return -(z * logits.log_softmax(1).gather(1, near)).sum(1).mean()


def rebalanced(logits: Any, near: Any, z: Any, w: Any) -> Any:
    """The same with the weight w (Q,) of each bin inside the sum over bins."""
    return -(w[near] * z * logits.log_softmax(1).gather(1, near)).sum(1).mean()


def mean_of(logits: Any, centers: Any, T: float) -> Any:
    """The annealed mean of logits (N, Q, h, w) over centers (Q, 2): ab (N, 2, h, w)."""
    return ((logits / T).softmax(1).movedim(1, -1) @ centers).movedim(-1, 1)


def of_colorful(logits: Any, near: Any, z: Any, centers: Any, least: float) -> Any:
    """`cross_entropy` of the blocks with a chroma of `least` or more; 0 without any."""
    counts = (z[..., None] * centers[near]).sum(1).norm(dim=-1) >= least
    each = -(z * logits.log_softmax(1).gather(1, near)).sum(1)
    return (counts * each).sum() / counts.sum().clamp(min=1)


# Exercise 1.


def make_head(answer: Answer) -> None:
    """Check a head by what it gives of maps at its start, and by its parameters."""
    rng = np.random.default_rng(51)
    inputs = []
    for n, channels, h, w, Q in ((2, 5, 3, 4, 7), (1, 3, 2, 6, 11), (3, 8, 4, 1, 4)):
        prior = rng.dirichlet(np.full(Q, 0.7)) + 1e-4
        inputs.append((channels, prior / prior.sum(), rng.normal(0, 3, (n, channels, h, w))))
    biases = {
        "the bias is the prior itself; whose softmax is the prior?": lambda p: p,
        "the bias is a logarithm to another base; take the natural one.": lambda p: p.log10(),
        "the bias has the wrong sign: the frequent bins come out rare.": lambda p: -p.log(),
        "at its start all bins are alike; the bias must hold the prior.": lambda p: 0 * p,
    }
    wrong = {told: partial(head_of, bias=bias) for told, bias in biases.items()}
    hint = "a Conv2d of kernel 1; weights 0; bias log prior; no softmax."
    compare("make_head", answer, inputs, head_of, wrong, hint, 1e-3, measure=_headed)


def _headed(answer: Any, channels: int, prior: np.ndarray, maps: np.ndarray) -> object:
    """The distribution that a head gives of maps, once it is known to be a head."""
    import torch

    head: Any = answer(channels, torch.tensor(prior, dtype=torch.float32))
    if head is None:
        return None
    module, kind = isinstance(head, torch.nn.Module), type(head).__name__
    tell({f"asked is a module of torch, this is a {kind}.": not module})
    x = torch.tensor(maps, dtype=torch.float32)
    logits = head(x)
    count = logits.shape[1]
    tell({f"{count} channels come out; Q are {len(prior)}.": count != len(prior)})
    tell({"the size changes: take a kernel of 1.": logits.shape[2:] != maps.shape[2:]})
    parameters = list(head.parameters())
    weights = [p for p in parameters if p.dim() > 1]
    looks = any(bool((p != 0).any()) for p in weights)
    learn = all(p.requires_grad for p in parameters)
    for p in parameters:
        p.data += 1  # moves logits, but no distribution
    inside = torch.allclose(head(x).sum(1), torch.ones(()), atol=1e-4)
    tell(
        {
            "the head has a softmax inside; the loss has one already: leave it out.": inside,
            "the head has no bias.": not any(p.dim() == 1 for p in parameters),
            "the head has no weights: it can never look at the maps.": not weights,
            "some of it cannot learn: requires_grad is False.": not learn,
            "the kernel is larger than 1×1.": any(max(p.shape[2:], default=1) > 1 for p in weights),
            "the weights are not 0: at its start the head already looks at the maps.": looks,
        }
    )
    return logits.softmax(1).detach()


# Exercises 2, 3 and 5: losses.


def _blocks(seed: int, far: float = 0.0) -> list[tuple]:
    """Logits, bins, their weights, and centers, in three sizes; logits of one are `far` apart."""
    import torch

    rng = np.random.default_rng(seed)
    made = []
    for i, (n, Q, k, h, w) in enumerate(((3, 313, 5, 2, 4), (1, 40, 3, 5, 2), (2, 12, 4, 3, 3))):
        logits = rng.normal(0, 3, (n, Q, h, w)) + (i == 1) * np.resize([far, -far], w)
        near = rng.permuted(np.tile(np.arange(Q), (n, h, w, 1)), axis=-1)[..., :k]
        z = rng.dirichlet(np.full(k, 2.0), (n, h, w))
        centers = bins.ab_bins() if Q == 313 else rng.uniform(-60, 60, (Q, 2))
        near, z = np.moveaxis(near, -1, 1), np.moveaxis(z, -1, 1)
        floats = [torch.tensor(np.float32(x)) for x in (logits, z, centers)]
        made.append((floats[0], torch.tensor(near), *floats[1:]))
    return made


def _loss(x: Any, near: Any, z: Any, log: Any = None, reduce: Any = None) -> Any:
    """The soft cross-entropy with another logarithm or another mean."""
    log_q = log(x) if log else x.log_softmax(1)
    terms = z * log_q.gather(1, near)
    return reduce(terms) if reduce else -terms.sum(1).mean()


# What is done to the terms z log q (N, k, h, w), and instead of log_softmax(1).
REDUCED = {
    "the sign is wrong: a loss is above 0.": lambda t: t.sum(1).mean(),
    "this is the sum over all blocks; asked is the mean.": lambda t: -t.sum(),
    "the mean is also over the k bins; sum over them.": lambda t: -t.mean(),
    "pictures are summed; take the mean over them too.": lambda t: -t.sum(1).mean((1, 2)).sum(),
}
LOGS = {
    "exp of such logits is infinite or 0: use log_softmax.": lambda x: (
        x.exp() / x.exp().sum(1, keepdim=True)
    ).log(),
    "the softmax is over positions; it belongs on axis 1, the bins.": lambda x: x.log_softmax(-1),
    "the softmax is over pictures; it belongs on axis 1, the bins.": lambda x: x.log_softmax(0),
    "the softmax is taken twice.": lambda x: x.softmax(1).log_softmax(1),
    "these are probabilities; the loss takes their logarithms.": lambda x: x.softmax(1),
    "there is no softmax: logits are no log-probabilities yet.": lambda x: x,
    "this is the logarithm to base 2; take the natural one.": lambda x: (
        x.log_softmax(1) / np.log(2)
    ),
}
HINT = "log_softmax(1); gather(1, near); times the weights; sum(1); mean(); minus."


def _usual() -> dict[str, Callable[..., Any]]:
    """{diagnosis: a loss that many people write}."""
    found = {told: partial(_loss, reduce=way) for told, way in REDUCED.items()}
    return found | {told: partial(_loss, log=log) for told, log in LOGS.items()}


def _learns(answer: Any, logits: Any, *rest: Any) -> object:
    """The value of a loss, once a gradient comes back to the logits."""
    import torch

    value: Any = answer(logits.clone().requires_grad_(), *rest)
    if value is None:
        return None
    kind, constant = type(value).__name__, torch.is_tensor(value) and not value.requires_grad
    tell({f"asked is a tensor with one number, this is a {kind}.": not torch.is_tensor(value)})
    tell({f"asked is one number, not shape {tuple(value.shape)}.": value.numel() != 1})
    told = "no gradient comes back to the logits: leave out .item(), .detach() and NumPy."
    tell({told: constant and float(value) != 0})
    return value.reshape(()).detach()


def soft_cross_entropy(answer: Answer) -> None:
    """Check the loss on three sizes; columns of one are 1,800 apart, so that exp would not do."""
    alone: dict[str, Answer] = {
        "the weights z are not used: all k bins count alike.": (
            lambda x, near, z: _loss(x, near, z * 0 + 1 / z.shape[1])
        ),
        "only the first bin counts; all k do.": (
            lambda x, near, z: _loss(x, near[:, :1], z[:, :1] * 0 + 1)
        ),
    }
    inputs = [x[:3] for x in _blocks(52, 900)]
    wrong = alone | _usual()
    compare("soft_cross_entropy", answer, inputs, cross_entropy, wrong, HINT, measure=_learns)


def rebalanced_loss(answer: Answer) -> None:
    """Check the weighted loss on three sizes; the weights are far from 1."""
    import torch

    rng = np.random.default_rng(53)
    inputs = []
    for *block, centers in _blocks(53, 90):
        w = bins.rebalance(rng.dirichlet(np.full(len(centers), 0.3)))
        inputs.append((*block, torch.tensor(w, dtype=torch.float32)))
    one = "each block has one weight, that of its {} bin; every bin has its own."
    codes = {  # of v = w[near], z and w
        "the weights are not used: this is the plain loss.": lambda v, z, w: z,
        one.format("first"): lambda v, z, w: v[:, :1] * z,
        one.format("top"): lambda v, z, w: v.gather(1, z.argmax(1, keepdim=True)) * z,
        "the weighted code is made to sum to 1 again; leave its sum.": (
            lambda v, z, w: v * z / (v * z).sum(1, keepdim=True)
        ),
        "this divides by the weights; multiply.": lambda v, z, w: z / v,
        "the weights are not picked: write w[near].": lambda v, z, w: (
            z * w[: z.shape[1], None, None]
        ),
        "one mean weight stands before the sum; it only scales.": lambda v, z, w: z * w.mean(),
        "the code z is lost: the weights alone multiply.": lambda v, z, w: v,
    }
    wrong: dict[str, Answer] = {
        told: lambda x, near, z, w, code=code: _loss(x, near, code(w[near], z, w))
        for told, code in codes.items()
    }
    wrong |= {
        "the weights multiply the logits; they belong to the terms of the loss.": (
            lambda x, near, z, w: _loss(x * w[:, None, None], near, z)
        ),
        "log w is added to the logits; the weights belong to the terms of the loss.": (
            lambda x, near, z, w: _loss(x + w[:, None, None].log(), near, z)
        ),
    }
    wrong |= {
        told: lambda x, near, z, w, loss=loss: loss(x, near, w[near] * z)
        for told, loss in _usual().items()
    }
    compare("rebalanced_loss", answer, inputs, rebalanced, wrong, HINT, measure=_learns)


# Which blocks count, from ab (N, h, w, 2) and its norm r; what is made of the losses that count.
COUNTED = {
    "the gray blocks count, the others do not; turn the comparison.": lambda ab, r, at: r < at,
    "no block is left out: this is the plain loss.": lambda ab, r, at: r == r,
    "a block with a chroma of exactly `least` counts too: >=.": lambda ab, r, at: r > at,
    "chroma is √(a² + b²), not the larger of both.": lambda ab, r, at: ab.abs().amax(-1) >= at,
    "chroma is √(a² + b²); this adds |a| and |b|.": lambda ab, r, at: ab.abs().sum(-1) >= at,
    "chroma is √(a² + b²); the root is missing.": lambda ab, r, at: r**2 >= at,
    "a whole picture counts where one of its blocks does; decide for each block.": (
        lambda ab, r, at: (r >= at).flatten(1).any(1)[:, None, None] * (r == r)
    ),
}
JOINED = {
    "this divides by the number of all blocks; divide by how many count.": lambda x, n: x.mean(),
    "this is the sum over the blocks that count; asked is the mean.": lambda x, n: x.sum(),
    "where no block counts this is 0 / 0: divide by at least 1.": lambda x, n: x.sum() / n,
}


def colorful_only(answer: Answer) -> None:
    """Check the masked loss: a block lies just on the edge, and in one case none counts."""
    import torch

    inputs = []
    for (logits, near, z, centers), least in zip(_blocks(55), (40.0, 20.0, 500.0)):
        edge = min(least, 60) * torch.tensor([3.0, -4.0]) / 5  # of chroma `least`, but in the last
        centers[near[0, :, 0, 0]], z[0, :, 0, 0] = edge, 0
        z[0, :3, 0, 0] = torch.tensor([0.5, 0.25, 0.25])
        inputs.append((logits, near, z, centers, least))
    wrong = {told: partial(_masked, counts=counts) for told, counts in COUNTED.items()}
    wrong |= {told: partial(_masked, join=join) for told, join in JOINED.items()}
    codes = {
        "this is the chroma of the first bin; the code's color is the mean of all k.": (
            lambda z, picked: picked[:, 0]
        ),
        "the weights z are missing in the color: the k centers count alike.": (
            lambda z, picked: picked.mean(1)
        ),
    }
    wrong |= {told: partial(_masked, code=code) for told, code in codes.items()}
    hint = "ab from z and centers[near]; its norm; >= least; divide by how many count, at least 1."
    compare("colorful_only", answer, inputs, of_colorful, wrong, hint, measure=_learns)


def _masked(x: Any, near: Any, z: Any, centers: Any, least: float, **how: Any) -> Any:
    """`of_colorful`, and its usual mistakes."""
    ab = how.get("code", lambda z, picked: (z[..., None] * picked).sum(1))(z, centers[near])
    counts = how.get("counts", lambda ab, r, at: r >= at)(ab, ab.norm(dim=-1), least)
    each = counts * -(z * x.log_softmax(1).gather(1, near)).sum(1)
    return how.get("join", lambda x, n: x.sum() / n.clamp(min=1))(each, counts.sum())


# Exercise 4.


def annealed_mean(answer: Answer) -> None:
    """Check the annealed mean on maps whose columns are 1,400 apart, at four temperatures."""
    import torch

    rng = np.random.default_rng(54)
    inputs = []
    sizes = ((2, 313, 3, 4), (1, 9, 5, 2), (3, 50, 2, 3), (2, 4, 1, 1))
    for (n, Q, h, w), T in zip(sizes, (0.38, 1.0, 0.15, 2.0)):
        logits = rng.normal(0, 2, (n, Q, h, w)) + np.resize([700.0, -700.0, 0.0], w)
        centers = bins.ab_bins() if Q == 313 else rng.uniform(-90, 90, (Q, 2))
        inputs.append((*(torch.tensor(np.float32(x)) for x in (logits, centers)), T))

    def naive(x, centers, T, top=0.0):
        p = ((x - top) / T).exp()
        return (p.movedim(1, -1) @ centers / p.sum(1)[..., None]).movedim(-1, 1)

    def of(p):
        return lambda x, c, T: (p(x, T).movedim(1, -1) @ c).movedim(-1, 1)

    wrong: dict[str, Answer] = {
        "T is not used: this is the plain mean.": of(lambda x, T: x.softmax(1)),
        "T is not used: it is not always 0.38.": of(lambda x, T: (x / 0.38).softmax(1)),
        "the logits are multiplied by T; divide them.": of(lambda x, T: (x * T).softmax(1)),
        "this is the top bin, the limit T → 0.": lambda x, c, T: c[x.argmax(1)].movedim(-1, 1),
        "T divides the probabilities; it must divide the logits.": of(
            lambda x, T: x.softmax(1) / T
        ),
        "the softmax is taken twice.": of(lambda x, T: (x.softmax(1) / T).softmax(1)),
        "the softmax is over positions; it belongs on axis 1, the bins.": of(
            lambda x, T: (x / T).softmax(-1)
        ),
        "one maximum for all: exp is 0 in other places; softmax(1) takes one for each.": (
            lambda x, c, T: naive(x, c, T, x.max())
        ),
        "exp of such logits is infinite or 0: use softmax(1).": naive,
        "the powers do not sum to 1 again.": of(lambda x, T: x.softmax(1) ** (1 / T)),
        "the channels come last; torch has them second.": lambda x, c, T: mean_of(x, c, T).movedim(
            1, -1
        ),
    }
    hint = "(logits / T).softmax(1), then the sum over bins of p times center."
    compare("annealed_mean", answer, inputs, mean_of, wrong, hint, absolute=0.02)
