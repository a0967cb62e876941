"""Lesson 06."""

import numpy as np
from scipy.special import expit, log_expit

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad


def patch(layers):
    """Each layer widens the window by its kernel less one, in steps of all earlier strides."""
    kernels, strides = np.transpose(layers)
    return 1 + sum((kernels[i] - 1) * np.prod(strides[:i], dtype=int) for i in range(len(kernels)))


def cross(real, fake):
    return [-(log_expit(real) + log_expit(-fake)) / 2, -log_expit(fake)]


def game(real, fake):
    squares = [np.mean([(1 - real) ** 2, fake**2], axis=0), np.square(1 - fake)]
    return np.array([cross(real, fake), squares])


def naive(real, fake):
    with np.errstate(all="ignore"):
        p, q = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
        return np.array([[-(np.log(p) + np.log(1 - q)) / 2, -np.log(q)], game(real, fake)[1]])


def saturating(real, fake):
    answer = game(real, fake)
    answer[0, 1] = log_expit(-fake)
    return answer


def generous(real, fake):
    answer = game(real, fake)
    answer[:, 1] += [-log_expit(real), (real - 1) ** 2]
    return answer


def for_each(pick):
    return lambda table, slacks: np.array([pick(table, slack) for slack in slacks])


def choose_lambda(table, slack):
    limit = np.min(table[:, 4]) * (slack + 1)
    return table[np.where(table[:, 4] > limit, -1, table[:, 1]).argmax()][0]


def among_all(table, slack):
    kept = [row for row in table if row[4] <= (1 + slack) * min(table[:, 4])]
    return table[int(np.argmax([row[1] for row in kept]))][0]


def judge_gradient(real, fake, w, logits=True, apart=True, cut=True):
    """By hand: the loss is a mean of softplus, its slope in a logit is σ less the label."""

    def normal(x):
        return (x - x.mean(0)) / x.std(0, ddof=1)

    n = len(real)
    x = np.concatenate([normal(real), normal(fake)] if apart else [np.concatenate([real, fake])])
    x = x if apart else normal(x)
    score, label = x @ w, np.repeat([1.0, 0.0], n)
    if logits:
        slope = expit(score) - label
    else:
        slope = (expit(expit(score)) - label) * expit(score) * expit(-score)
    slope = slope / (2 * n)
    reaches = np.zeros_like(fake)
    if not cut:  # through the normalization: a difference quotient is short and good enough

        def loss(moved):
            both = np.concatenate([real, moved])
            z = normal(both) if not apart else np.concatenate([normal(real), normal(moved)])
            s = z @ w if logits else expit(z @ w)
            return (np.logaddexp(0, s) - label * s).mean()

        for place in np.ndindex(*fake.shape):
            step = np.zeros_like(fake)
            step[place] = 1e-5
            reaches[place] = (loss(fake + step) - loss(fake - step)) / 2e-5
    return np.concatenate([[slope @ x], reaches])


def forward(layers):
    """From the picture to the output: width and step."""
    width, step = 1, 1
    for kernel, stride in layers.tolist():
        width += (kernel - 1) * step
        step *= stride
    return width


def emptied(layers):
    size = forward(layers)
    layers[:, 1] = 0
    return size


def in_torch(real, fake):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    def cross_entropy(x, label):
        return bce(x, torch.full_like(x, label), reduction="none")

    d = (cross_entropy(real, 1.0) + cross_entropy(fake, 0.0)) / 2
    g = cross_entropy(fake, 1.0)
    return [[d, g], [((real - 1) ** 2 + fake**2) / 2, (fake - 1) ** 2]]


def by_frame(table, slacks):
    """With pandas; the rows sorted by what is wanted."""
    import pandas as pd

    frame = pd.DataFrame(table, columns=["lam", "near", "spread", "variation", "L1"])
    frame = frame.sort_values("near", ascending=False)
    kept = [frame[frame.L1 <= (1 + slack) * frame.L1.min()] for slack in slacks]
    return pd.Series([rows.lam.iloc[0] for rows in kept])


def row_of(table, slack):
    return table[table[:, 0] == choose_lambda(table, slack)][0]


def below(table, slack):
    """The limit itself is left out, unless nothing is below it."""
    return choose_lambda(table, slack - 1e-6 * (slack > 0))


CASES = {
    "patch": Cases(
        right={
            "a formula": patch,
            "forward": forward,
            "float": lambda layers: np.float32(forward(layers)),
        },
        wrong={
            "no strides": (lambda x: np.sum(x[:, 0] - 1) + 1, "strides are left out"),
            "backward": (lambda x: patch(x[::-1]), "from the picture to the output"),
            "own stride": (
                lambda x: 1 + sum((k - 1) * x[: i + 1, 1].prod() for i, (k, _) in enumerate(x)),
                "own stride",
            ),
            "whole stride": (lambda x: np.multiply.reduce(x[:, 1]), "stride of the whole stack"),
            "columns": (lambda x: patch(x[:, [1, 0]]), "kernel comes first"),
            "last layer": (lambda x: forward(x[:-1]), "last layer is left out"),
            "kernels of 4": (lambda x: forward(np.stack([0 * x[:, 0] + 4, x[:, 1]], 1)), "all 4"),
            "one less": (lambda x: patch(x) - 1, "1 too small"),
            "area": (lambda x: patch(x) ** 2, GENERIC),
            "six layers": (lambda x: patch(x[range(6)]), "one size only"),
            "in place": (emptied, "changes its input"),
            "every size": (lambda x: [patch(x[i:]) for i in range(len(x))], "one number"),
            "forgotten return": (forgets(patch), "returns None"),
            "constant": (lambda x: 70, "whatever the input"),
        },
    ),
    "game": Cases(
        right={
            "scipy": game,
            "float32": float32(game),
            "torch": torch_with_grad(in_torch),
            "lists": lambda real, fake: game(real, fake).tolist(),
        },
        wrong={
            "summed": (lambda r, f: game(r, f) * np.array([2, 1])[:, None], "half of their sum"),
            "exchanged": (
                lambda r, f: np.array([cross(-r, -f), [(r**2 + (f - 1) ** 2) / 2, f**2]]),
                "labels are exchanged",
            ),
            "saturating": (saturating, "flat where G is worst"),
            "real too": (generous, "real pictures too"),
            "squashed": (
                lambda r, f: np.array([game(r, f)[0], game(expit(r), expit(f))[1]]),
                "without a sigmoid",
            ),
            "overflow": (naive, "its logarithm infinite"),
            "players": (lambda r, f: game(r, f)[:, ::-1], "two players are exchanged"),
            "forms": (lambda r, f: game(r, f)[::-1], "two forms are exchanged"),
            "arguments": (lambda r, f: game(f, r), "arguments are exchanged"),
            "means": (lambda r, f: game(r, f).mean(-1), "each patch's loss"),
            "negative": (lambda r, f: -game(r, f), "wrong sign"),
            "one form": (lambda r, f: game(r, f)[0], "has shape"),
            "seven patches": (lambda r, f: game(r, f).reshape(2, 2, 7), "one size only"),
            "flat": (lambda r, f: game(r, f).reshape(4, -1), "The values are right"),
            "half of G": (lambda r, f: game(r, f) / np.array([1, 2])[:, None], "only answer["),
            "forgotten return": (forgets(game), "returns None"),
        },
    ),
    "choose_lambda": Cases(
        right={
            "masked": for_each(choose_lambda),
            "pandas": by_frame,
            "float32": lambda table, slacks: np.float32(
                [choose_lambda(np.float32(table), np.float32(s)) for s in slacks]
            ),
        },
        wrong={
            "no limit": (for_each(lambda t, s: t[np.argsort(t[:, 1])[-1], 0]), "L1 is left out"),
            "least L1": (for_each(lambda t, s: t[np.argsort(t[:, 4])[0], 0]), "least L1"),
            "units": (
                for_each(lambda t, s: choose_lambda(t, s / t[:, 4].min())),
                "share of the least L1",
            ),
            "index": (for_each(among_all), "look λ up"),
            "limit": (for_each(below), "exactly at"),
            "share": (for_each(lambda t, s: row_of(t, s)[1]), "a share, asked is its λ"),
            "largest λ": (
                for_each(lambda t, s: max(r[0] for r in t if r[4] <= (1 + s) * min(t[:, 4]))),
                "largest λ that is allowed",
            ),
            "spread": (for_each(lambda t, s: choose_lambda(t[:, [0, 2, 1, 3, 4]], s)), "spread"),
            "first slack": (lambda t, s: [choose_lambda(t, s[0]) for _ in s], "of the first"),
            "three slacks": (
                lambda t, s: [choose_lambda(t, s[i]) for i in range(3)],
                "one size only",
            ),
            "no 1": (for_each(lambda t, s: choose_lambda(t, max(s - 1, 0))), GENERIC),
            "rows": (for_each(row_of), "has shape"),
            "one λ": (lambda t, s: choose_lambda(t, s[0]), "is one number"),
            "forgotten return": (forgets(for_each(choose_lambda)), "returns None"),
        },
    ),
    "judge_gradient": Cases(
        right={"by hand": judge_gradient},
        wrong={
            "sigmoid": (lambda *x: judge_gradient(*x, logits=False), "a sigmoid is left"),
            "mixed": (lambda *x: judge_gradient(*x, apart=False), "share a batch"),
            "attached": (lambda *x: judge_gradient(*x, cut=False), "still reaches"),
            "one repaired": (
                lambda *x: judge_gradient(*x, logits=False, cut=False),
                "two bugs are left: a sigmoid",
            ),
            "all": (
                lambda *x: judge_gradient(*x, logits=False, apart=False, cut=False),
                "three bugs are left",
            ),
        },
    ),
}
