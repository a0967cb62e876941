"""The checks of lesson 07. Torch is imported by the checks that need it, not with this module."""

import functools
from typing import Any

import numpy as np

from course_utils.checks.compare import Answer, compare
from course_utils.checks.trial import tell


def window_parts(answer: Answer) -> None:
    """Check luminance, contrast and structure of windows of three sizes, flat ones among them."""
    import torch

    rng = np.random.default_rng(71)
    inputs = []
    for count, pixels in ((6, 49), (1, 9), (5, 25)):
        spread = np.resize([0.25, 0.02, 0.0, 0.005, 0.1], (count, 1))
        x, y = rng.uniform(0.02, 0.7, (2, count, 1)) + spread * rng.uniform(
            0, 1, (2, count, pixels)
        )
        y = 0.6 * y + 0.4 * (x - x.mean(1, keepdims=True)) + 0.05
        x[0], y[0] = 0.02 * x[0], 0.1 * y[0]  # dark enough for C1
        inputs.append((torch.from_numpy(x), torch.from_numpy(y)))

    def parts(C1=1e-4, C2=9e-4, C3=4.5e-4, correction=0, roots=False, of=1):
        def right(x, y):
            mx, my = x.mean(of, keepdim=True), y.mean(of, keepdim=True)
            vx, vy = (z.var(of, correction=correction) for z in (x, y))
            both = ((x - mx) * (y - my)).sum(of) / (x.shape[of] - correction)
            mx, my, root = mx.squeeze(of), my.squeeze(of), (vx * vy).sqrt()
            below = vx.sqrt() + vy.sqrt() if roots else vx + vy
            luminance = (2 * mx * my + C1) / (mx**2 + my**2 + C1)
            contrast = (2 * root + C2) / (below + C2)
            return torch.stack([luminance, contrast, (both + C3) / (root + C3)], 1)

        return right

    right = parts()
    compare(
        "window_parts",
        answer,
        inputs,
        right,
        {
            "these are divided by K - 1; divide variances and the covariance by K.": (
                parts(correction=1)
            ),
            "the constants are squared: C1 = 0.01², C2 = 0.03².": parts(0.01, 0.03, 0.015),
            "the constant of the structure is C2 / 2, not C2.": parts(C3=9e-4),
            "C1 is missing in the luminance.": parts(C1=0),
            "these constants are for values from 0 to 255.": parts(2.55**2, 7.65**2, 7.65**2 / 2),
            "under the contrast stand variances, not standard deviations.": parts(roots=True),
            "the order is luminance, contrast, structure.": lambda x, y: right(x, y)[:, [0, 2, 1]],
            "this is the product, SSIM of the window; asked are its three parts.": (
                lambda x, y: right(x, y).prod(1)
            ),
            "the parts stand in rows; each row of the answer is a window.": (
                lambda x, y: right(x, y).T
            ),
            "this is the mean over all windows; each window has its own.": (
                lambda x, y: right(x, y).mean(0)
            ),
        },
        "mean, variance and covariance along axis 1, divided by K; then the three fractions.",
        absolute=2e-4,
        relative=1e-3,
    )


def class_score(answer: Answer) -> None:
    """Check the class score of three tables of probabilities, with zeros in each."""
    import torch

    rng = np.random.default_rng(72)
    inputs = []
    for count, classes in ((7, 5), (3, 4), (12, 9)):
        p = rng.dirichlet(np.full(classes, 0.4), count)
        p[0] = np.eye(classes)[0]
        inputs.append((torch.from_numpy(p),))

    def entropy(p):
        return torch.special.entr(p).sum(-1)

    def kl(p, q):
        return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)

    def right(p):
        return kl(p, p.mean(0)).mean().exp()

    def backwards(p):
        mean = p.mean(0)
        return kl(mean.expand_as(p), p).mean().exp()

    compare(
        "class_score",
        answer,
        inputs,
        right,
        {
            "the exponential is missing.": lambda p: right(p).log(),
            "0 log 0 is nan here: torch.xlogy gives 0.": lambda p: (
                (p * (p / p.mean(0)).log()).sum(1).mean().exp()
            ),
            "the exponential comes after the mean over the pictures.": lambda p: (
                kl(p, p.mean(0)).exp().mean()
            ),
            "KL is from each row to the mean, not from the mean to each row.": backwards,
            "the rows are compared with equal shares; compare them with their own mean.": (
                lambda p: kl(p, torch.full_like(p, 1 / p.shape[1])).mean().exp()
            ),
            "this is the entropy of the mean alone; subtract the mean entropy of the rows.": (
                lambda p: entropy(p.mean(0)).exp()
            ),
            "the sign is wrong: KL is never negative.": lambda p: 1 / right(p),
            "the logarithm is of base 2, the exponential of base e; take one base.": (
                lambda p: right(p) ** (1 / np.log(2))
            ),
            "the logarithm is of base e, the exponential of base 2; take one base.": (
                lambda p: right(p) ** np.log(2)
            ),
            "this is the sum over the pictures; take their mean.": lambda p: (
                kl(p, p.mean(0)).sum().exp()
            ),
            "this is the mean over pictures and classes; sum over the classes first.": (
                lambda p: (kl(p, p.mean(0)) / p.shape[1]).mean().exp()
            ),
            "each row has a score here; asked is one number for the set.": lambda p: kl(
                p, p.mean(0)
            ).exp(),
        },
        "mean = p.mean(0); KL of each row from it; the mean of these; its exponential.",
    )


def paired(answer: Answer) -> None:
    """Check a paired bootstrap on three pairs of scores and three sets of draws."""
    rng = np.random.default_rng(73)
    inputs = []
    for count, times in ((40, 300), (7, 50), (90, 121)):
        hard = rng.normal(24, 4, count)
        first, second = hard + rng.normal(0.6, 0.7, count), hard + rng.gamma(2, 0.3, count)
        inputs.append((first, second, rng.integers(0, count, (times, count))))

    def of(difference, draws, ends=(2.5, 97.5)):
        means = difference[draws].mean(1)
        return difference.mean(), *np.percentile(means, ends)

    def apart(first, second, draws):
        means = first[draws].mean(1) - second[draws[::-1]].mean(1)
        return (first - second).mean(), *np.percentile(means, [2.5, 97.5])

    def ends_apart(first, second, draws, ends=(2.5, 97.5)):
        both = zip(of(first, draws), of(second, draws, ends))
        return [one - other for one, other in both]

    def normal(first, second, draws):
        means = (first - second)[draws].mean(1)
        return tuple((first - second).mean() + z * means.std() for z in (0, -1.96, 1.96))

    def of_means(first, second, draws):
        means = (first - second)[draws].mean(1)
        return means.mean(), *np.percentile(means, [2.5, 97.5])

    def no_draws(first, second, draws):
        return (first - second).mean(), *np.percentile(first - second, [2.5, 97.5])

    def columns(first, second, draws):
        means = (first - second)[draws].mean(0)
        return (first - second).mean(), *np.percentile(means, [2.5, 97.5])

    compare(
        "paired",
        answer,
        inputs,
        lambda first, second, draws: of(first - second, draws),
        {
            "this is second - first.": lambda a, b, draws: of(b - a, draws),
            "the photographs of second are not those of first: draw the same places for both.": (
                apart
            ),
            "two intervals were made and subtracted; subtract the scores first, then draw.": (
                lambda a, b, draws: ends_apart(a, b, draws, (97.5, 2.5))
            ),
            "this is low minus low and high minus high; subtract the scores first.": ends_apart,
            "these are quantiles of single differences; asked are those of the means of draws.": (
                no_draws
            ),
            "the means run along the wrong axis: each row of draws is one draw.": columns,
            "this is ± 1.96 standard deviations; asked are quantiles.": normal,
            "these are the 5 % and 95 % quantiles.": lambda a, b, draws: of(a - b, draws, (5, 95)),
            "these are the quantiles of 0.025 % and 0.975 %: np.percentile takes percent.": (
                lambda a, b, draws: of(a - b, draws, (0.025, 0.975))
            ),
            "these are the smallest and the largest mean.": lambda a, b, draws: of(
                a - b, draws, (0, 100)
            ),
            "the first number is the mean of the draws; asked is that of the photographs.": (
                of_means
            ),
            "this is about first alone; second was not used.": lambda a, b, draws: of(a, draws),
            "the sign of the differences is lost.": lambda a, b, draws: of(np.abs(a - b), draws),
            "the ends are exchanged: low comes first.": lambda a, b, draws: of(
                a - b, draws, (97.5, 2.5)
            ),
        },
        "difference = first - second; difference[draws].mean(1) are the means; then percentiles.",
    )


def climb(answer: Answer) -> None:
    """Check gradient ascent on three scores, with one step and with several, and with clamping."""
    import torch

    rng = np.random.default_rng(74)
    inputs: list[tuple[Any, ...]] = []
    for shape, steps, rate, limit in (
        ((2, 3), 4, 0.2, 0.5),
        ((5,), 1, 0.1, 0.9),
        ((1, 2, 2), 6, 0.3, 0.8),
    ):
        start = torch.from_numpy(rng.uniform(-0.3, 0.3, shape))
        inputs.append((_score(shape), start, steps, rate, limit))

    def largest(slope):
        return slope / slope.abs().max()

    def ascent(scaled=largest, up=1, last=False, bound=None, more=0, once=False, summed=False):
        def right(score, x, steps, rate, limit):
            total, first = torch.zeros_like(x), None
            limit = limit if bound is None else bound(limit)
            for _ in range(steps + more):
                x = x.detach().requires_grad_(True)
                (slope,) = torch.autograd.grad(score(x), x)
                first = slope if first is None else first
                total = total + slope
                slope = first if once else total if summed else slope
                x = x.detach() + up * rate * scaled(slope)
                x = x if last else x.clamp(-limit, limit)
            return x.clamp(-limit, limit)

        return right

    compare(
        "climb",
        answer,
        inputs,
        ascent(),
        {
            "this goes downhill; add the step.": ascent(up=-1),
            "the gradient is not divided by its largest absolute entry.": ascent(lambda g: g),
            "this is the sign of the gradient; divide by its largest absolute entry.": (
                ascent(torch.sign)
            ),
            "the gradient is divided by its norm; divide by its largest absolute entry.": (
                ascent(lambda g: g / g.norm())
            ),
            "the gradient is divided by its largest entry; take the largest absolute value.": (
                ascent(lambda g: g / g.max())
            ),
            "the result is not clamped.": ascent(bound=lambda limit: np.inf),
            "clamp after every step, not only at the end.": ascent(last=True),
            "clamped at ±1; clamp at ±limit.": ascent(bound=lambda limit: 1.0),
            "this takes one step more.": ascent(more=1),
            "this is one step; take `steps` of them.": lambda score, x, steps, *rest: ascent()(
                score, x, 1, *rest
            ),
            "the gradient is that of the start in every step; compute it anew.": ascent(once=True),
            "the gradients of all steps add up: set the old one to None before `backward`.": (
                ascent(summed=True)
            ),
            "x comes back as it was.": lambda score, x, *rest: x,
        },
        "in each step: gradient at x, divided by its largest absolute entry, times rate; clamp.",
        absolute=1e-4,
        measure=_climbed,
    )


@functools.cache  # the same function at every call of the check
def _score(shape: tuple[int, ...]) -> Any:
    """A smooth score of tensors of a shape, with its highest value at a hidden place."""
    import torch

    rng = np.random.default_rng(75)
    goal, weight = (torch.from_numpy(rng.uniform(*ends, shape)) for ends in ((-1.5, 1.5), (0.2, 3)))
    return lambda x: -(weight * (1 + (x - goal) ** 2).sqrt()).sum()


def _climbed(answer: Any, score: Any, x: Any, steps: int, rate: float, limit: float) -> object:
    """What an answer gives; Fault where it is still tied to the steps that made it."""
    found = answer(score, x, steps, rate, limit)
    tied = getattr(found, "requires_grad", False)
    tell({"the result still wants a gradient: return x.detach().": tied})
    return found
