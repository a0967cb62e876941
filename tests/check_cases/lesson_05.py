"""Lesson 05: heads, losses and an annealed mean in torch."""

import torch
from torch import nn
from torch.nn import functional as F

from check_cases import GENERIC, Cases, forgets


def to_last(x):
    return x.permute(0, 2, 3, 1)  # (N, h, w, C)


# The head


def head(kernel=1, bias=lambda prior: torch.log(prior), weight=0.0, **options):
    """A way to make heads, with one thing changed."""

    def make(channels, prior):
        conv = nn.Conv2d(channels, prior.numel(), kernel, padding=kernel // 2, **options)
        nn.init.constant_(conv.weight, weight)
        if conv.bias is not None:
            conv.bias = nn.Parameter(bias(prior))
        return conv

    return make


class Linear(nn.Module):
    """A head of matrices: a linear layer at each position."""

    def __init__(self, channels, prior):
        super().__init__()
        self.mix = nn.Parameter(torch.zeros(channels, len(prior)))
        self.shift = nn.Parameter(prior.log())

    def forward(self, maps):
        return (to_last(maps) @ self.mix + self.shift).permute(0, 3, 1, 2)


def scaled(channels, prior):
    """Other logits of the same distribution."""
    return head(bias=lambda prior: prior.log() + 3)(channels, prior)


def started(channels, prior):
    conv = nn.Conv2d(channels, len(prior), 1)
    conv.bias.data = prior.log()
    return conv


def frozen(channels, prior):
    return head()(channels, prior).requires_grad_(False)


def with_softmax(channels, prior):
    return nn.Sequential(head()(channels, prior), nn.Softmax(1))


def a_function(channels, prior):
    return lambda maps: prior.log()[None, :, None, None].expand(len(maps), -1, *maps.shape[2:])


class Constant(nn.Module):
    def __init__(self, channels, prior):
        super().__init__()
        self.bias = nn.Parameter(prior.log())

    def forward(self, maps):
        return self.bias[None, :, None, None].expand(len(maps), -1, *maps.shape[2:])


# Losses


def by_hand(logits, near, z):
    """The normalizer apart: log of the sum of exp."""
    picked = torch.take_along_dim(logits, near, dim=1)
    return (z * (torch.logsumexp(logits, dim=1, keepdim=True) - picked)).sum() / z[:, 0].numel()


def dense(logits, near, z):
    """The whole code, and torch's own loss."""
    target = torch.zeros_like(logits).scatter_add(1, near, z)
    return F.cross_entropy(logits, target)


def of_log(log, reduce=lambda x: -x.sum(1).mean()):
    return lambda logits, near, z: reduce(z * torch.take_along_dim(log(logits), near, dim=1))


def reduced(reduce):
    return of_log(lambda x: F.log_softmax(x, dim=1), reduce)


def changing(logits, near, z):
    logits -= logits.amax(1, keepdim=True)
    return dense(logits.clone(), near, z)


def in_numpy(logits, near, z):
    return float(dense(logits, near, z))


def nearest_alone(logits, near, z):
    return F.cross_entropy(logits, near[:, 0])


def weighted_by_hand(logits, near, z, w):
    picked = torch.take_along_dim(logits, near, dim=1)
    each = w[near] * z * (torch.logsumexp(logits, dim=1, keepdim=True) - picked)
    return each.sum(1).mean()


def weighted_dense(logits, near, z, w):
    target = torch.zeros_like(logits).scatter_add(1, near, z) * w.view(1, -1, 1, 1)
    return -(target * F.log_softmax(logits, 1)).sum() / z[:, 0].numel()


def torch_weights(logits, near, z, w):
    """F.cross_entropy's own weights: with soft targets they stand inside the sum, too."""
    return F.cross_entropy(logits, torch.zeros_like(logits).scatter_add(1, near, z), weight=w)


def weigh(change):
    """The plain loss of a code that is changed."""
    return lambda logits, near, z, w: by_hand(logits, near, change(near, z, w)) * 1.0


def of_code(change):
    def loss(logits, near, z, w):
        log_q = torch.take_along_dim(F.log_softmax(logits, 1), near, dim=1)
        return -(change(near, z, w) * log_q).sum(1).mean()

    return loss


# The annealed mean


def matrix(logits, centers, T):
    p = to_last(logits / T).softmax(-1)
    return (p @ centers).permute(0, 3, 1, 2)


def as_convolution(logits, centers, T):
    return F.conv2d(F.softmax(logits.div(T), dim=1), centers.T[:, :, None, None])


def by_maximum(logits, centers, T):
    p = torch.exp((logits - logits.amax(1, keepdim=True)) / T)
    p = p / p.sum(1, keepdim=True)
    return torch.stack([(p * centers[:, i].view(1, -1, 1, 1)).sum(1) for i in (0, 1)], 1)


def of_p(p):
    return lambda logits, centers, T: F.conv2d(p(logits, T), centers.T[:, :, None, None])


# The mask


def selected(logits, near, z, centers, least):
    """Pick the blocks that count, then take their mean."""
    ab = torch.einsum("nkhw,nkhwc->nhwc", z, centers[near])
    each = -(z * torch.take_along_dim(F.log_softmax(logits, 1), near, dim=1)).sum(1)
    kept = each[torch.hypot(ab[..., 0], ab[..., 1]) >= least]
    return kept.mean() if len(kept) else 0 * each.sum()


def with_where(logits, near, z, centers, least):
    ab = (centers[near] * z.unsqueeze(-1)).sum(1)
    counts = (ab.pow(2).sum(-1) >= least * least).float()
    each = -(z * torch.take_along_dim(F.log_softmax(logits, 1), near, dim=1)).sum(1)
    return (each * counts).sum() / max(counts.sum().item(), 1)


def where_it_counts(
    counts, join=lambda each, kept: each[kept].mean() if kept.any() else 0 * each.sum()
):
    def loss(logits, near, z, centers, least):
        ab = (centers[near] * z.unsqueeze(-1)).sum(1)
        each = -(z * torch.take_along_dim(F.log_softmax(logits, 1), near, dim=1)).sum(1)
        return join(each, counts(ab, least))

    return loss


def chroma(ab, least):
    return torch.linalg.vector_norm(ab, dim=-1) >= least


def first_bin(logits, near, z, centers, least):
    each = -(z * torch.take_along_dim(F.log_softmax(logits, 1), near, dim=1)).sum(1)
    kept = torch.linalg.vector_norm(centers[near[:, 0]], dim=-1) >= least
    return each[kept].mean() if kept.any() else 0 * each.sum()


def of_five(logits, near, z, centers, least):
    return selected(logits, near[:, :5].reshape(3, 5, 2, 4), z[:, :5], centers, least)


CASES = {
    "make_head": Cases(
        right={"initial values": head(), "matrices": Linear, "shifted logits": scaled},
        wrong={
            "prior as bias": (head(bias=lambda p: p), "the bias is the prior itself"),
            "log10": (head(bias=lambda p: torch.log10(p)), "another base"),
            "minus": (head(bias=lambda p: -torch.log(p)), "wrong sign"),
            "zeros": (head(bias=torch.zeros_like), "all bins are alike"),
            "as torch starts": (lambda c, p: nn.Conv2d(c, len(p), 1), "weights are not 0"),
            "random weights": (started, "weights are not 0"),
            "kernel 3": (head(kernel=3), "larger than 1×1"),
            "no bias": (
                head(bias=torch.log, weight=0.0)
                and (lambda c, p: nn.Conv2d(c, len(p), 1, bias=False)),
                "has no bias",
            ),
            "softmax inside": (with_softmax, "softmax inside"),
            "frozen": (frozen, "requires_grad is False"),
            "two channels": (lambda c, p: nn.Conv2d(c, 2, 1), "2 channels come out"),
            "313 channels": (lambda c, p: nn.Conv2d(c, 313, 1), "313 channels come out"),
            "stride": (lambda c, p: nn.Conv2d(c, len(p), 1, 2), "size changes"),
            "a constant": (Constant, "never look at the maps"),
            "a function": (a_function, "asked is a module"),
            "exchanged": (lambda c, p: nn.Conv2d(len(p), c, 1), "stopped with"),
            "forgotten return": (forgets(head()), "returns None"),
            "square root": (head(bias=torch.sqrt), GENERIC),
        },
    ),
    "soft_cross_entropy": Cases(
        right={"logsumexp": by_hand, "dense": dense},
        wrong={
            "sign": (reduced(lambda x: x.sum(1).mean()), "sign is wrong"),
            "sum": (reduced(lambda x: -x.sum()), "sum over all blocks"),
            "mean over k": (reduced(lambda x: -x.mean()), "also over the k bins"),
            "summed pictures": (
                reduced(lambda x: -x.sum((1, 2, 3)).sum() / x[0, 0].numel()),
                "pictures are summed",
            ),
            "no weights": (
                lambda x, near, z: by_hand(x, near, torch.full_like(z, 1 / z.shape[1])),
                "weights z are not used",
            ),
            "nearest": (nearest_alone, "only the first bin"),
            "overflow": (
                of_log(lambda x: torch.log(x.exp() / x.exp().sum(1, keepdim=True))),
                "infinite or 0",
            ),
            "over positions": (of_log(lambda x: F.log_softmax(x, -1)), "over positions"),
            "over pictures": (of_log(lambda x: F.log_softmax(x, 0)), "over pictures"),
            "twice": (of_log(lambda x: F.log_softmax(F.softmax(x, 1), 1)), "taken twice"),
            "no logarithm": (of_log(lambda x: F.softmax(x, 1)), "these are probabilities"),
            "no softmax": (of_log(lambda x: x), "there is no softmax"),
            "base 2": (of_log(lambda x: F.log_softmax(x, 1) / 0.6931472), "base 2"),
            "a number": (in_numpy, "this is a float"),
            "detached": (lambda *x: by_hand(*x).detach(), "no gradient comes back"),
            "each block": (reduced(lambda x: -x.sum(1)), "asked is one number"),
            "in place": (changing, "stopped with RuntimeError"),
            "KL": (
                lambda x, near, z: by_hand(x, near, z) + (z * z.log()).sum(1).mean(),
                GENERIC,
            ),
            "forgotten return": (forgets(by_hand), "returns None"),
        },
    ),
    "rebalanced_loss": Cases(
        right={"logsumexp": weighted_by_hand, "dense": weighted_dense, "torch": torch_weights},
        wrong={
            "no weights": (of_code(lambda near, z, w: z), "weights are not used"),
            "on the logits": (
                lambda x, near, z, w: by_hand(x * w.view(1, -1, 1, 1), near, z),
                "multiply the logits",
            ),
            "log w on the logits": (
                lambda x, near, z, w: by_hand(x + w.log().view(1, -1, 1, 1), near, z),
                "log w is added",
            ),
            "first bin": (of_code(lambda near, z, w: w[near[:, :1]] * z), "that of its first bin"),
            "top bin": (
                of_code(lambda near, z, w: z * w[near.gather(1, z.argmax(1, keepdim=True))]),
                "that of its top bin",
            ),
            "normalized": (
                of_code(lambda near, z, w: F.normalize(w[near] * z, p=1, dim=1)),
                "sum to 1 again",
            ),
            "divided": (of_code(lambda near, z, w: z / w[near]), "divides by the weights"),
            "not picked": (
                of_code(lambda near, z, w: z * w[: z.shape[1]].view(1, -1, 1, 1)),
                "write w[near]",
            ),
            "one mean": (of_code(lambda near, z, w: w.mean() * z), "it only scales"),
            "no code": (of_code(lambda near, z, w: w[near]), "the code z is lost"),
            "sign": (lambda *x: -weighted_by_hand(*x), "sign is wrong"),
            "sum": (
                lambda x, near, z, w: weighted_by_hand(x, near, z, w) * z[:, 0].numel(),
                "sum over all blocks",
            ),
            "mean over k": (
                lambda x, near, z, w: weighted_by_hand(x, near, z, w) / z.shape[1],
                "also over the k bins",
            ),
            "divided by their mean": (
                lambda x, near, z, w: weighted_by_hand(x, near, z, w) / w[near].mean(),
                GENERIC,
            ),
            "a number": (lambda *x: weighted_by_hand(*x).item(), "this is a float"),
            "forgotten return": (forgets(weighted_by_hand), "returns None"),
        },
    ),
    "annealed_mean": Cases(
        right={"matrix": matrix, "convolution": as_convolution, "maximum": by_maximum},
        wrong={
            "no T": (of_p(lambda x, T: x.softmax(1)), "this is the plain mean"),
            "T .38": (of_p(lambda x, T: (x / 0.38).softmax(1)), "not always 0.38"),
            "times T": (of_p(lambda x, T: (x * T).softmax(1)), "multiplied by T"),
            "mode": (lambda x, c, T: c[x.argmax(1)].permute(0, 3, 1, 2), "this is the top bin"),
            "after": (of_p(lambda x, T: x.softmax(1) / T), "divides the probabilities"),
            "twice": (of_p(lambda x, T: (x.softmax(1) / T).softmax(1)), "softmax is taken twice"),
            "positions": (of_p(lambda x, T: (x / T).softmax(3)), "over positions"),
            "one maximum": (
                of_p(
                    lambda x, T: (lambda p: p / p.sum(1, keepdim=True))(((x - x.max()) / T).exp())
                ),
                "one maximum for all",
            ),
            "overflow": (
                of_p(lambda x, T: (x / T).exp() / (x / T).exp().sum(1, keepdim=True)),
                "infinite or 0",
            ),
            "powers": (of_p(lambda x, T: x.softmax(1).pow(1 / T)), "do not sum to 1"),
            "channels last": (lambda x, c, T: to_last(matrix(x, c, T)), "channels come last"),
            "a and b": (lambda *x: matrix(*x).flip(1), "swapped on axis"),
            "probabilities": (lambda x, c, T: (x / T).softmax(1), "has shape"),
            "scaled": (lambda *x: matrix(*x) / 110, "1/110"),
            "first picture": (lambda *x: matrix(*x)[0], "has shape"),
            "313 bins": (lambda x, c, T: matrix(x.reshape(2, 313, 3, 4), c, T), "one size only"),
            "forgotten return": (forgets(matrix), "returns None"),
        },
    ),
    "colorful_only": Cases(
        right={"selected": selected, "where": with_where},
        wrong={
            "gray only": (where_it_counts(lambda ab, least: ~chroma(ab, least)), "turn the comp"),
            "no mask": (
                where_it_counts(lambda ab, least: torch.ones(ab.shape[:3], dtype=torch.bool)),
                "no block is left out",
            ),
            "all blocks below": (
                where_it_counts(chroma, lambda each, kept: (each * kept).mean()),
                "number of all blocks",
            ),
            "sum": (where_it_counts(chroma, lambda each, kept: each[kept].sum()), "is the sum"),
            "empty": (where_it_counts(chroma, lambda each, kept: each[kept].mean()), "0 / 0"),
            "above": (
                where_it_counts(lambda ab, least: ab.norm(dim=3) > least),
                "exactly `least` counts too",
            ),
            "larger channel": (
                where_it_counts(lambda ab, least: ab.abs().max(-1).values >= least),
                "not the larger of both",
            ),
            "added": (where_it_counts(lambda ab, least: ab.abs().sum(-1) >= least), "this adds"),
            "no root": (where_it_counts(lambda ab, least: (ab**2).sum(-1) >= least), "the root"),
            "first bin": (first_bin, "chroma of the first bin"),
            "a alone": (where_it_counts(lambda ab, least: ab[..., 0].abs() >= least), GENERIC),
            "whole pictures": (
                where_it_counts(
                    lambda ab, least: (
                        chroma(ab, least).flatten(1).any(1).view(-1, 1, 1).expand(ab.shape[:3])
                    )
                ),
                "a whole picture counts",
            ),
            "each block": (where_it_counts(chroma, lambda each, kept: each * kept), "one number"),
            "a number": (lambda *x: float(selected(*x)), "this is a float"),
            "of five": (of_five, "one size only"),
            "forgotten return": (forgets(selected), "returns None"),
        },
    ),
}
