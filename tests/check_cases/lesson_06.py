"""Lesson 06: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np
from scipy.special import expit, log_expit

from course_utils import checks


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


CASES = {
    checks.patch: (
        patch,
        {
            "no strides": (lambda x: np.sum(x[:, 0] - 1) + 1, "strides are left out"),
            "backward": (lambda x: patch(x[::-1]), "from the picture to the output"),
            "own stride": (
                lambda x: 1 + sum((k - 1) * x[: i + 1, 1].prod() for i, (k, _) in enumerate(x)),
                "own stride",
            ),
            "whole stride": (lambda x: np.multiply.reduce(x[:, 1]), "stride of the whole stack"),
        },
    ),
    checks.game: (
        game,
        {
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
            "overflow": (naive, "NaN"),
        },
    ),
    checks.choose_lambda: (
        for_each(choose_lambda),
        {
            "no limit": (for_each(lambda t, s: t[np.argsort(t[:, 1])[-1], 0]), "L1 is left out"),
            "least L1": (for_each(lambda t, s: t[np.argsort(t[:, 4])[0], 0]), "least L1"),
            "units": (
                for_each(lambda t, s: choose_lambda(t, s / t[:, 4].min())),
                "share of the least L1",
            ),
            "index": (for_each(among_all), "look λ up"),
        },
    ),
    checks.judge_gradient: (
        judge_gradient,
        {
            "sigmoid": (lambda *x: judge_gradient(*x, logits=False), "a sigmoid is left"),
            "mixed": (lambda *x: judge_gradient(*x, apart=False), "share a batch"),
            "attached": (lambda *x: judge_gradient(*x, cut=False), "still reaches"),
            "all": (
                lambda *x: judge_gradient(*x, logits=False, apart=False, cut=False),
                "nothing is repaired",
            ),
        },
    ),
}
