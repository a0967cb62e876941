"""Lesson 07. Answers get torch tensors, but for `paired`."""

import numpy as np

from check_cases import GENERIC, Cases, Later, float32, forgets

torch = Later("torch")


# window_parts


def by_products(x, y, bessel=0, c=(1e-4, 9e-4), pick=None):
    """E[xy] - E[x] E[y] in numpy, window by window."""
    rows = []
    for p, q in zip(x.numpy(), y.numpy()):
        cov = np.cov(p, q, ddof=bessel)
        (vx, both), (_, vy) = cov
        root = np.sqrt(vx) * np.sqrt(vy)
        luminance = (2 * p.mean() * q.mean() + c[0]) / (p.mean() ** 2 + q.mean() ** 2 + c[0])
        contrast = (2 * root + c[1]) / (vx + vy + c[1])
        rows.append([luminance, contrast, (both + c[1] / 2) / (root + c[1] / 2)])
    return np.array(rows)


def centered(x, y):
    """In torch, from centered windows and their inner products."""
    dx, dy = x - x.mean(-1, keepdim=True), y - y.mean(-1, keepdim=True)
    k = x.shape[-1]
    vx, vy, both = ((a * b).sum(-1) / k for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    m, n = x.mean(-1), y.mean(-1)
    parts = [
        (2 * m * n + 1e-4) / (m.square() + n.square() + 1e-4),
        (2 * (vx.sqrt() * vy.sqrt()) + 9e-4) / (vx + vy + 9e-4),
        (2 * both + 9e-4) / (2 * (vx.sqrt() * vy.sqrt()) + 9e-4),
    ]
    return torch.stack(parts).T


def of_49(x, y):
    return by_products(x.reshape(-1, 49), y.reshape(-1, 49))


def first_window(x, y):
    return np.repeat(by_products(x[:1], y[:1]), len(x), axis=0)


def centers_in_place(x, y):
    answer = by_products(x, y)
    x -= x.mean(1, keepdim=True)
    return answer


# class_score


def mutual_information(p):
    """exp of H(mean) - mean H, in numpy, zeros left out."""
    p = p.numpy()

    def entropy(q):
        q = q[q > 0]
        return -(q * np.log(q)).sum()

    return np.exp(entropy(p.mean(0)) - np.mean([entropy(row) for row in p]))


def with_where(p):
    mean = p.mean(0, keepdim=True)
    terms = torch.where(p > 0, p * (p.clamp_min(1e-300) / mean).log(), 0.0)
    return torch.exp(terms.sum(1).mean())


def plain(p):
    return torch.exp((p * (p.log() - p.mean(0).log())).sum(1).mean())


def each_kl(p):
    return (torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))).sum(1)


# paired


def in_plain_python(first, second, draws):
    d = [a - b for a, b in zip(first.tolist(), second.tolist())]
    means = sorted(sum(d[i] for i in draw) / len(d) for draw in draws.tolist())

    def quantile(q):
        place = q * (len(means) - 1)
        low = int(place)
        high = min(low + 1, len(means) - 1)
        return means[low] + (place - low) * (means[high] - means[low])

    return [sum(d) / len(d), quantile(0.025), quantile(0.975)]


def with_torch(first, second, draws):
    d = torch.from_numpy(first - second)
    means = d[torch.from_numpy(draws)].mean(1)
    ends = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=d.dtype))
    return torch.cat([d.mean()[None], ends])


def interval(ends=(0.025, 0.975), join=lambda a, b: a - b):
    def answer(first, second, draws):
        d = join(first, second)
        low, high = np.quantile(np.take(d, draws).mean(-1), ends)
        return np.mean(d), low, high

    return answer


def own_intervals(first, second, draws):
    (a, low_a, high_a), (b, low_b, high_b) = (
        in_plain_python(x, 0 * x, draws) for x in (first, second)
    )
    return a - b, low_a - high_b, high_a - low_b


def own_lows(first, second, draws):
    one, two = (np.array(in_plain_python(x, 0 * x, draws)) for x in (first, second))
    return one - two


def fresh_draws(first, second, draws):
    means = np.mean(first[draws], 1) - np.mean(second[draws[::-1]], 1)
    return np.mean(first) - np.mean(second), *np.quantile(means, [0.025, 0.975])


def gaussian(first, second, draws):
    d = first - second
    half = 1.96 * np.std([d[draw].mean() for draw in draws])
    return d.mean(), d.mean() - half, d.mean() + half


def mean_of_draws(first, second, draws):
    means = [(first - second)[draw].mean() for draw in draws]
    return np.mean(means), *np.quantile(means, [0.025, 0.975])


def sorts(first, second, draws):
    answer = in_plain_python(first, second, draws)
    first.sort()
    return answer


# climb


def backward(score, x, steps, rate, limit, scale=lambda g: g.abs().max(), step=1, zero=True):
    x = x.clone()
    grad = 0
    for _ in range(steps):
        leaf = x.clone().requires_grad_()
        score(leaf).backward()
        grad = leaf.grad if zero else grad + leaf.grad
        x = torch.clip(x + step * rate * grad / scale(grad), -limit, limit)
    return x


def with_optimizer(score, x, steps, rate, limit):
    """torch.optim.SGD on minus the score."""
    leaf = torch.nn.Parameter(x.clone())
    sgd = torch.optim.SGD([leaf], lr=rate, maximize=True)
    for _ in range(steps):
        sgd.zero_grad()
        score(leaf).backward()
        leaf.grad /= leaf.grad.abs().max()
        sgd.step()
        with torch.no_grad():
            leaf.clamp_(-limit, limit)
    return leaf.data


def unclamped(score, x, steps, rate, limit, at_end=False):
    x = backward(score, x, steps, rate, 1e9)
    return x.clamp(-limit, limit) if at_end else x


def in_place(score, x, steps, rate, limit):
    x.copy_(backward(score, x, steps, rate, limit))
    return x


def stuck(score, x, steps, rate, limit):
    leaf = x.clone().requires_grad_()
    score(leaf).backward()
    step = rate * leaf.grad / leaf.grad.abs().max()
    for _ in range(steps):
        x = (x + step).clamp(-limit, limit)
    return x


def scaled(scale):
    return lambda *given: backward(*given, scale=scale)


def signed(score, x, steps, rate, limit):
    for _ in range(steps):
        leaf = x.clone().requires_grad_()
        score(leaf).backward()
        x = (x + rate * leaf.grad.sign()).clamp(-limit, limit)
    return x


def changed(**new):
    """The ascent with other numbers: changed(steps=lambda steps: 1)."""

    def answer(score, x, steps, rate, limit):
        given = {"steps": steps, "rate": rate, "limit": limit}
        return backward(score, x, **{k: new[k](v) if k in new else v for k, v in given.items()})

    return answer


def detached(score, x, steps, rate, limit):
    leaf = x.clone().requires_grad_()
    score(leaf.detach()).backward()
    return leaf.detach()


CASES = {
    "window_parts": Cases(
        right={"numpy": by_products, "centered": centered},
        wrong={
            "K - 1": (lambda x, y: by_products(x, y, 1), "divided by K - 1"),
            "not squared": (lambda x, y: by_products(x, y, c=(0.01, 0.03)), "are squared"),
            "of bytes": (lambda x, y: by_products(x, y, c=(6.5025, 58.5225)), "0 to 255"),
            "no C1": (lambda x, y: by_products(x, y, c=(0, 9e-4)), "C1 is missing"),
            "product": (lambda x, y: by_products(x, y).prod(1), "this is the product"),
            "rows": (lambda x, y: by_products(x, y).T, "stand in rows"),
            "all windows": (lambda x, y: by_products(x, y).mean(0), "mean over all windows"),
            "order": (lambda x, y: by_products(x, y)[:, [0, 2, 1]], "the order is"),
            "another order": (lambda x, y: by_products(x, y)[:, ::-1], "reversed"),
            "of 49": (of_49, "one size only"),
            "first window": (first_window, GENERIC),
            "in place": (centers_in_place, "changes its input"),
            "squared": (lambda x, y: by_products(x, y) ** 2, GENERIC),
            "forgotten return": (forgets(centered), "returns None"),
        },
    ),
    "class_score": Cases(
        right={"entropies": mutual_information, "where": with_where},
        wrong={
            "no exp": (lambda p: each_kl(p).mean(), "exponential is missing"),
            "nan": (plain, "0 log 0 is nan"),
            "exp first": (lambda p: each_kl(p).exp().mean(), "comes after the mean"),
            "bits": (lambda p: 2 ** each_kl(p).mean(), "exponential of base 2"),
            "base 2": (lambda p: np.exp(np.log2(mutual_information(p))), "base 2"),
            "sum": (lambda p: each_kl(p).sum().exp(), "sum over the pictures"),
            "classes": (lambda p: (each_kl(p) / p.shape[1]).mean().exp(), "and classes"),
            "inverse": (lambda p: (-each_kl(p)).mean().exp(), "sign is wrong"),
            "each": (lambda p: each_kl(p).exp(), "one number for the set"),
            "surest": (lambda p: p.max(1).values.mean(), GENERIC),
            "constant": (lambda p: 1.0, "whatever the input"),
            "of seven": (lambda p: (each_kl(p).sum() / 7).exp(), "one size only"),
            "forgotten return": (forgets(with_where), "returns None"),
        },
    ),
    "paired": Cases(
        right={
            "plain Python": in_plain_python,
            "torch": with_torch,
            "quantile": interval(),
            "float32": float32(interval()),
        },
        wrong={
            "second minus first": (interval(join=lambda a, b: b - a), "second - first"),
            "own intervals": (own_intervals, "two intervals were made"),
            "own lows": (own_lows, "low minus low"),
            "fresh draws": (fresh_draws, "draw the same places"),
            "90 %": (interval((0.05, 0.95)), "the 5 % and 95 %"),
            "not percent": (interval((0.00025, 0.00975)), "takes percent"),
            "extremes": (interval((0, 1)), "smallest and the largest"),
            "exchanged": (interval((0.975, 0.025)), "low comes first"),
            "gaussian": (gaussian, "standard deviations"),
            "first alone": (interval(join=lambda a, b: a), "second was not used"),
            "absolute": (interval(join=lambda a, b: abs(a - b)), "sign of the differences"),
            "mean of draws": (mean_of_draws, "mean of the draws"),
            "two numbers": (lambda *x: in_plain_python(*x)[1:], "has shape"),
            "in place": (sorts, "changes its input"),
            "forgotten return": (forgets(interval()), "returns None"),
        },
    ),
    "climb": Cases(
        right={"backward": backward, "optimizer": with_optimizer},
        wrong={
            "downhill": (lambda *x: backward(*x, step=-1), "goes downhill"),
            "not divided": (scaled(lambda g: 1), "not divided"),
            "norm": (scaled(lambda g: g.square().sum().sqrt()), "by its norm"),
            "sign": (signed, "sign of the gradient"),
            "largest": (scaled(lambda g: g.max()), "largest absolute value"),
            "not clamped": (unclamped, "not clamped"),
            "clamped at the end": (lambda *x: unclamped(*x, at_end=True), "after every step"),
            "at 1": (changed(limit=lambda limit: 1), "clamped at ±1"),
            "one step": (changed(steps=lambda steps: 1), "this is one step"),
            "one more": (changed(steps=lambda steps: steps + 1), "one step more"),
            "fixed rate": (changed(rate=lambda rate: 0.01), GENERIC),
            "four steps": (changed(steps=lambda steps: 4), "one size only"),
            "adds up": (lambda *x: backward(*x, zero=False), "add up"),
            "stuck": (stuck, "that of the start"),
            "with a gradient": (
                lambda *x: backward(*x).requires_grad_(),
                "still wants a gradient",
            ),
            "detached": (detached, "your code stopped with RuntimeError"),
            "untouched": (lambda score, x, *rest: x.clone(), "as it was"),
            "in place": (in_place, "changes its input"),
            "forgotten return": (forgets(backward), "returns None"),
        },
    ),
}
