"""Lesson 04: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np

from course_utils import checks


def see(gray):
    """Black to -1, white to 1, by interpolation; the same in three channels."""
    x = np.interp(gray, [0, 255], [-1, 1])
    return np.stack([x, x, x], axis=-1)


def fuse(local, vector):
    """Position by position."""
    n, h, w, c = local.shape
    out = np.empty((n, h, w, c + vector.shape[1]))
    for i in range(n):
        for y in range(h):
            for x in range(w):
                out[i, y, x] = [*local[i, y, x], *vector[i]]
    return out


def is_yellow(ab):
    """Whether b is greater than a."""
    return ab[..., 1] > ab[..., 0]


def near(ab, ab_hat, distance):
    return np.linalg.norm(ab - ab_hat, axis=-1) <= distance


def accuracies(ab, ab_hat, distance):
    agree = is_yellow(ab) == is_yellow(ab_hat)
    return np.array([np.mean(agree), np.mean(near(ab, ab_hat, distance))])


def with_second(share):
    """Keras's accuracy as it should be, and another second number."""
    return lambda ab, hat, d: [accuracies(ab, hat, d)[0], share(ab, hat, d)]


def order(keys):
    """The pictures, sorted by (key, number)."""
    pairs = sorted((key, number) for number, key in enumerate(keys.ravel()))
    return np.array([number for _, number in pairs]).reshape(keys.shape)


def rows(keys):
    """The pictures as the folders have them, one batch a row."""
    return np.array(np.split(np.arange(keys.size), len(keys)))


CASES = {
    checks.see: (
        see,
        {
            "divides twice": (lambda gray: see(gray / 255), "it sees black"),
            "0 to 1": (lambda gray: (see(gray) + 1) / 2, "from 0 to 1"),
            "halved": (lambda gray: see(gray) / 2, "-0.5 to 0.5"),
            "negative": (lambda gray: -see(gray), "sign is turned"),
            "one channel": (lambda gray: see(gray)[..., :1], "has shape"),
        },
    ),
    checks.fuse: (
        fuse,
        {
            "vector first": (
                lambda local, vector: np.roll(fuse(local, vector), vector.shape[1], axis=-1),
                "maps come first",
            ),
            "first picture": (
                lambda local, vector: fuse(local, vector[[0] * len(vector)]),
                "of the first one",
            ),
            "one position": (
                lambda local, vector: np.where(
                    (np.arange(3)[:, None, None] + np.arange(5)[:, None] == 0)
                    | (np.arange(13) < 6),
                    fuse(local, vector),
                    0,
                ),
                "one position only",
            ),
            "list repeated": (
                lambda local, vector: np.dstack(
                    [local.reshape(1, 60, 6), vector[np.arange(60) % 4][None]]
                ).reshape(4, 3, 5, 13),
                "mixed up",
            ),
        },
    ),
    checks.accuracies: (
        accuracies,
        {
            "signs": (
                lambda ab, hat, d: [
                    np.mean(((ab > 0) == (hat > 0)).sum(-1) == 2),
                    accuracies(ab, hat, d)[1],
                ],
                "compares signs",
            ),
            "box": (
                with_second(lambda ab, hat, d: np.mean(np.abs(ab - hat).max(-1) <= d)),
                "Euclidean",
            ),
            "channels": (
                with_second(lambda ab, hat, d: np.mean(np.abs(hat - ab).ravel() <= d)),
                "as a whole",
            ),
            "no root": (
                with_second(lambda ab, hat, d: np.mean(((ab - hat) ** 2).sum(-1) <= d)),
                "root of the sum",
            ),
            "outside": (
                with_second(lambda ab, hat, d: 1 - np.mean(near(ab, hat, d))),
                "outside",
            ),
            "swapped": (lambda *x: accuracies(*x)[::-1], "swapped"),
            "percent": (lambda *x: 100 * accuracies(*x), "percentages"),
        },
    ),
    checks.to_ab: (
        lambda x: 110 * (1 - 2 / (np.exp(2 * x) + 1)),
        {
            "ReLU before": (lambda x: 110 * np.tanh(x * (x > 0)), "still a ReLU"),
            "no scale": (lambda x: 1 - 2 / (np.exp(2 * x) + 1), "divided by 110"),
            "sigmoid": (lambda x: 55 * (1 + np.tanh(x / 2)), "sigmoid"),
            "clip": (lambda x: 110 * np.minimum(np.maximum(x, -1), 1), "cuts off"),
            "absolute": (lambda x: 110 * np.tanh(np.abs(x)), "signs are gone"),
        },
    ),
    checks.shuffled: (
        order,
        {
            "never": (rows, "nothing is shuffled"),
            "order of batches": (
                lambda keys: rows(keys)[[i for _, i in sorted(zip(keys[:, 0], range(len(keys))))]],
                "batches are shuffled",
            ),
            "inside batches": (
                lambda keys: np.stack([r[np.argsort(k)] for r, k in zip(rows(keys), keys)]),
                "shuffled inside",
            ),
            "rows alone": (lambda keys: np.stack([np.argsort(k) for k in keys]), "within each row"),
            "ranks": (
                lambda keys: (keys.ravel()[:, None] > keys.ravel()).sum(1).reshape(keys.shape),
                "rank",
            ),
            "descending": (lambda keys: order(keys).ravel()[::-1].reshape(keys.shape), "largest"),
        },
    ),
}
