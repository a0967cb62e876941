"""Lesson 04."""

import numpy as np

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad


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


def torch_sight(gray):
    import torch

    x = torch.as_tensor(gray).float()[..., None].expand(*gray.shape, 3)
    return torch.sub(x / 127.5, 1)


def torch_fusion(local, vector):
    import torch

    everywhere = vector[:, None, None].expand(*local.shape[:3], vector.shape[1])
    return torch.cat([local, everywhere], -1)


def repeated(local, vector):
    places = local.shape[1] * local.shape[2]
    everywhere = vector.repeat(places, axis=0).reshape(*local.shape[:3], -1)
    return np.concatenate([local, everywhere], -1)


def torch_shares(ab, ab_hat, distance):
    agree = (ab.argmax(-1) == ab_hat.argmax(-1)).double().mean()
    return [agree, ((ab - ab_hat).norm(dim=-1) <= distance).double().mean()]


def with_first(share):
    """Another first number, and the share within the distance as it should be."""
    return lambda ab, hat, d: [share(ab, hat), accuracies(ab, hat, d)[1]]


def corner(local, vector):
    out = fuse(local, 0 * vector)
    out[:, 0, 0, local.shape[3] :] = vector
    return out


def list_repeated(local, vector):
    """The vectors one after the other, over and over."""
    n, h, w, c = local.shape
    flat = np.concatenate([vector] * (h * w))
    return np.concatenate([local, flat.reshape(n, h, w, vector.shape[1])], -1)


def four_pictures(local, vector):
    everywhere = [np.broadcast_to(vector[i], (*local.shape[1:3], 7)) for i in range(4)]
    return np.concatenate([local, np.stack(everywhere)], -1)


CASES = {
    "see": Cases(
        right={
            "interpolation": see,
            "float32": lambda gray: np.stack([np.float32(gray) / 127.5 - 1] * 3, -1),
            "torch": torch_sight,
            "a table": lambda gray: np.linspace(-1, 1, 256)[gray][..., None].repeat(3, -1),
        },
        wrong={
            "divides twice": (lambda gray: see(gray / 255), "it sees black"),
            "0 to 1": (lambda gray: (see(gray) + 1) / 2, "from 0 to 1"),
            "halved": (lambda gray: see(gray) / 2, "-0.5 to 0.5"),
            "negative": (lambda gray: -see(gray), "sign is turned"),
            "one channel": (lambda gray: see(gray)[..., :1], "has shape"),
            "0 to 2": (lambda gray: see(gray) + 1, "1 too large"),
            "wraps": (lambda gray: np.stack([gray + gray] * 3, -1) / 255 - 1, "wrapped around"),
            "channels first": (lambda gray: np.stack([see(gray)[..., 0]] * 3, 1), "axes"),
            "of 5 × 4": (lambda gray: see(gray.reshape(6, 5, 4)), "one size only"),
            "forgotten return": (forgets(see), "returns None"),
            "128": (lambda gray: (see(gray) + 1) * 127.5 / 128 - 1, GENERIC),
            "cubed": (lambda gray: see(gray) ** 3, GENERIC),
        },
    ),
    "fuse": Cases(
        right={
            "position by position": fuse,
            "float32": float32(fuse),
            "torch": torch_with_grad(torch_fusion),
            "repeat": repeated,
        },
        wrong={
            "vector first": (
                lambda local, vector: np.roll(fuse(local, vector), vector.shape[1], axis=-1),
                "maps come first",
            ),
            "first picture": (
                lambda local, vector: fuse(local, vector[[0] * len(vector)]),
                "of the first one",
            ),
            "one position": (corner, "one position only"),
            "list repeated": (list_repeated, "mixed up"),
            "vectors alone": (
                lambda x, vector: fuse(x, vector)[..., x.shape[-1] :],
                "maps are lost",
            ),
            "mean vector": (
                lambda local, vector: fuse(local, np.stack([vector.mean(0)] * len(vector))),
                "mean of all vectors",
            ),
            "maps alone": (lambda local, vector: local, "has shape"),
            "one picture": (lambda local, vector: fuse(local, vector)[0], "has shape"),
            "channels first": (
                lambda local, vector: np.moveaxis(fuse(local, vector), -1, 1),
                "axes are swapped",
            ),
            "added": (lambda local, vector: local + vector[:, None, None], "stopped with"),
            "four pictures": (four_pictures, "one size only"),
            "forgotten return": (forgets(fuse), "returns None"),
            "doubled": (lambda local, vector: fuse(local, 2 * vector), GENERIC),
        },
    ),
    "accuracies": Cases(
        right={
            "which is larger": accuracies,
            "float32": float32(accuracies),
            "torch": torch_with_grad(torch_shares),
            "complex": with_second(
                lambda ab, hat, d: np.mean(abs((ab - hat) @ np.array([1, 1j])) <= d)
            ),
        },
        wrong={
            "signs": (
                with_first(lambda ab, hat: np.mean((np.sign(ab) == np.sign(hat)).sum(-1) == 2)),
                "compares signs",
            ),
            "ties": (
                with_first(
                    lambda ab, hat: np.mean(
                        (ab[..., 0] > ab[..., 1]) == (hat[..., 0] > hat[..., 1])
                    )
                ),
                "argmax names the first",
            ),
            "border": (
                with_second(lambda ab, hat, d: np.mean(np.linalg.norm(ab - hat, axis=-1) < d)),
                "exactly `distance`",
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
            "added": (
                with_second(lambda ab, hat, d: np.mean(np.abs(ab - hat).sum(-1) <= d)),
                "are added",
            ),
            "mean distance": (
                with_second(lambda ab, hat, d: np.linalg.norm(ab - hat, axis=-1).mean()),
                "mean distance",
            ),
            "swapped": (lambda *x: accuracies(*x)[::-1], "swapped"),
            "percent": (lambda *x: 100 * accuracies(*x), "100 times"),
            "second alone": (lambda *x: accuracies(*x)[1], "is one number"),
            "distance 12": (lambda ab, hat, d: accuracies(ab, hat, 12.0), "only answer[1]"),
            "sixth picture": (lambda ab, hat, d: accuracies(ab[5], hat[5], d), "stopped with"),
            "counts": (lambda ab, hat, d: accuracies(ab, hat, d) * ab[..., 0].size, GENERIC),
            "forgotten return": (forgets(accuracies), "returns None"),
        },
    ),
    "to_ab": Cases(
        right={
            "by the exponential": lambda x: 110 * (1 - 2 / (np.exp(2 * x) + 1)),
            "torch": torch_with_grad(lambda x: 110 * x.tanh()),
            "float32": float32(lambda x: 110 * np.tanh(x)),
        },
        wrong={
            "ReLU before": (lambda x: 110 * np.tanh(x * (x > 0)), "still a ReLU"),
            "no scale": (lambda x: 1 - 2 / (np.exp(2 * x) + 1), "divided by 110"),
            "sigmoid": (lambda x: 55 * (1 + np.tanh(x / 2)), "sigmoid"),
            "clip": (lambda x: 110 * np.minimum(np.maximum(x, -1), 1), "cuts off"),
            "absolute": (lambda x: 110 * np.tanh(np.abs(x)), "signs are lost"),
            "128": (lambda x: 128 * np.tanh(x), "1.164 times"),
            "linear": (lambda x: 110 * x, "tanh is gone"),
            "in place": (lambda x: 110 * np.tanh(x, out=x), "changes its input"),
            "overflow": (
                lambda x: 110 * (np.exp(99 * x) - 1) / (np.exp(99 * x) + 1),
                "NaN",
            ),
        },
    ),
    "shuffled": Cases(
        right={
            "sorted pairs": order,
            "torch": torch_with_grad(lambda keys: keys.ravel().argsort().reshape(keys.shape)),
            "lists": lambda keys: order(keys).tolist(),
        },
        wrong={
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
            "flat": (lambda keys: order(keys).ravel(), "make B batches"),
            "from 1": (lambda keys: order(keys) + 1, "1 too large"),
            "another order": (
                lambda keys: np.random.default_rng(1).permutation(keys.size).reshape(keys.shape),
                "wrong places",
            ),
            "of 48": (lambda keys: order(keys).ravel()[range(48)].reshape(6, 8), "one size only"),
        },
    ),
}
