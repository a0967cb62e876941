"""The checks of lesson 02."""

import numpy as np

from course_utils.checks.compare import Answer, compare


def _palettes(seed, *counts):
    """For each count K: probabilities (K,), which differ, and colors (K, 2) in CIELAB units."""
    rng = np.random.default_rng(seed)
    return [(rng.dirichlet(np.ones(k)), rng.uniform(-80, 80, (k, 2))) for k in counts]


def best_answer(answer: Answer) -> None:
    """Check the answer of least expected squared error, for palettes of 5, 1, 9 and 2 colors."""

    def median(p, ab):
        order = ab.argsort(axis=0)
        first = (p[order].cumsum(axis=0) >= 0.5).argmax(axis=0)
        return np.take_along_axis(ab, order, axis=0)[first, [0, 1]]

    compare(
        "best_answer",
        answer,
        _palettes(50, 5, 1, 9, 2),
        lambda p, ab: p @ ab,
        {
            "this is the most probable color; it is right more often, but wrong by more.": (
                lambda p, ab: ab[p.argmax()]
            ),
            "each color counts by its probability, not all alike.": lambda p, ab: ab.mean(axis=0),
            "this is the median; it is what the *absolute* error asks for.": median,
            "the probabilities sum to 1 already: add the products, do not average them.": (
                lambda p, ab: (p[:, None] * ab).mean(axis=0)
            ),
            "the products are right; add them over the colors.": lambda p, ab: p[:, None] * ab,
            "a and b are added to one number; add over the colors only.": lambda p, ab: (
                p @ ab
            ).sum(),
            "this is the least probable color.": lambda p, ab: ab[p.argmin()],
            "the middle between the extremes ignores the probabilities.": lambda p, ab: (
                (ab.max(0) + ab.min(0)) / 2
            ),
            "this is the root of a mean square, which has lost the sign.": lambda p, ab: np.sqrt(
                p @ ab**2
            ),
        },
        "set the slope of sum p (y - answer)² to zero, for a and for b.",
        absolute=1e-3,
    )


def floor(answer: Answer) -> None:
    """Check the least loss at ab / 128, for palettes of 6, 1, 2 and 11 colors."""

    def variance(p, ab):
        return p @ (ab - p @ ab) ** 2

    compare(
        "floor",
        answer,
        _palettes(22, 6, 1, 2, 11),
        lambda p, ab: variance(p, ab).mean() / 128**2,
        {
            "the two channels are added; frameworks average over them.": lambda p, ab: (
                variance(p, ab).sum() / 128**2
            ),
            "this is the loss of a gray answer; subtract the mean before you square.": (
                lambda p, ab: (p @ ab**2).mean() / 128**2
            ),
            "each color counts by its probability, not all alike.": lambda p, ab: (
                ab.var(axis=0).mean() / 128**2
            ),
            "the best answer weighs the colors by p; you took their plain mean.": lambda p, ab: (
                (p @ (ab - ab.mean(0)) ** 2).mean() / 128**2
            ),
            "the squares are averaged alike; each counts by its probability.": lambda p, ab: (
                ((ab - p @ ab) ** 2).mean() / 128**2
            ),
            "a squared error is divided by 128 twice.": lambda p, ab: variance(p, ab).mean() / 128,
            "this is in CIELAB units; the loss is taken at ab / 128.": lambda p, ab: variance(
                p, ab
            ).mean(),
            "a and b are divided by 128, as in the report, not by 110.": lambda p, ab: (
                variance(p, ab).mean() / 110**2
            ),
            "these are two losses, for a and for b; asked is their mean.": lambda p, ab: (
                variance(p, ab) / 128**2
            ),
            "this is the root of the loss.": lambda p, ab: np.sqrt(variance(p, ab).mean() / 128**2),
            "this is an absolute error; square it.": lambda p, ab: (
                (p @ np.abs(ab - p @ ab)).mean() / 128
            ),
            "this is the loss of the most probable color; the best answer is the mean.": (
                lambda p, ab: (p @ (ab - ab[p.argmax()]) ** 2).mean() / 128**2
            ),
        },
        "the variance of a and that of b, both weighted by p; their mean; the scale.",
        absolute=1e-6,
        relative=1e-3,
    )


def conv_parameters(answer: Answer) -> None:
    """Check the parameters of ten convolutions; kernel 1, one channel and C = D are among them."""
    rng = np.random.default_rng(23)
    shapes = [(int(k), int(n), int(m)) for k, n, m in rng.integers([2, 3, 3], [8, 90, 300], (8, 3))]
    shapes += [(1, int(rng.integers(5, 99)), 7), (5, 1, int(rng.integers(5, 99)))]
    compare(
        "conv_parameters",
        answer,
        shapes,
        lambda k, n, m: (k * k * n + 1) * m,
        {
            "the biases are missing, one for each output channel.": lambda k, n, m: k * k * n * m,
            "in and out are exchanged: each *output* channel has a bias.": lambda k, n, m: (
                (k * k * m + 1) * n
            ),
            "the kernel has kernel × kernel pixels.": lambda k, n, m: (k * n + 1) * m,
            "the kernel has kernel × kernel pixels, not 2 · kernel.": lambda k, n, m: (
                (2 * k * n + 1) * m
            ),
            "there is one bias for each output channel, not one in all.": lambda k, n, m: (
                k * k * n * m + 1
            ),
            "there is one bias for each output channel, not one for every kernel.": (
                lambda k, n, m: (k * k + 1) * n * m
            ),
            "each output channel looks at all input channels.": lambda k, n, m: (k * k + 1) * m,
            "this is what one output channel has; there are more.": lambda k, n, m: k * k * n + 1,
            "weights of input and output are added; each pair has its own.": lambda k, n, m: (
                k * k * (n + m) + m
            ),
            "the kernel's side is not always 3.": lambda k, n, m: (9 * n + 1) * m,
        },
        "numbers of one output channel, plus its bias, times the output channels.",
    )


def receptive_field(answer: Answer) -> None:
    """Check the window of stacks of 3×3 convolutions, of one to nine layers."""
    rng = np.random.default_rng(24)
    lengths = 7, 1, 2, 9, 4, 3, 5
    stacks = [([int(s) for s in rng.choice([1, 1, 2, 3], n)],) for n in lengths]
    stacks += [([2],), ([1, 1, 1],), ([3, 2, 1, 1],)]

    def window(strides, late=True, each=2, grows=True, start=1, last=True):
        width, step = start, 1
        for stride in strides if last else strides[:-1]:
            step_after = step * stride if grows else 1
            width += each * (step if late else step_after)
            step = step_after
        return width

    compare(
        "receptive_field",
        answer,
        stacks,
        window,
        {
            "the grid gets coarser after a stride; its steps are then more than one pixel.": (
                lambda s: window(s, grows=False)
            ),
            "a convolution looks at the grid before its own stride makes it coarser.": (
                lambda s: window(s, late=False)
            ),
            "a 3×3 kernel adds two neighbors, the third pixel is there already.": (
                lambda s: window(s, each=3)
            ),
            "a 3×3 kernel adds a neighbor on either side, two in all.": lambda s: window(s, each=1),
            "this is how far it reaches to one side; asked is the whole width.": (
                lambda s: (window(s) - 1) // 2
            ),
            "the window begins with one pixel, not with none.": lambda s: window(s, start=0),
            "the window begins with one pixel; the first 3×3 convolution makes it three.": (
                lambda s: window(s, start=3)
            ),
            "the last convolution is left out.": lambda s: window(s, last=False),
            "the strides are taken from the last layer to the first.": lambda s: window(s[::-1]),
            "strides multiply: after 2 and 2 a step is four pixels.": lambda s: (
                1 + 2 * sum(1 + sum(t - 1 for t in s[:i]) for i in range(len(s)))
            ),
            "this is one step of the last grid, not the width of the window.": lambda s: int(
                np.prod(s)
            ),
        },
        "two numbers, width and step, both from 1; width grows first, then step.",
    )


def route(answer: Answer) -> None:
    """Check that each picture gets the answer of its most probable class, for 12, 1 and 5."""
    rng = np.random.default_rng(25)
    sizes = (12, 4, 3, 5), (1, 6, 4, 2), (5, 3, 1, 3), (4, 4, 2, 3)
    inputs = [
        (rng.dirichlet(np.ones(k), n), rng.uniform(-80, 80, (n, k, h, w, 2)))
        for n, k, h, w in sizes
    ]

    def pick(p, x, best=np.argmax):
        return x[np.arange(len(p)), best(p, axis=1)]

    compare(
        "route",
        answer,
        inputs,
        pick,
        {
            "this mixes the models' answers; asked is one model for each picture.": lambda p, x: (
                p[:, :, None, None, None] * x
            ).sum(axis=1),
            "every picture went to the same model; look for the best class of each.": (
                lambda p, x: x[:, p.mean(axis=0).argmax()]
            ),
            "this is the least probable class.": lambda p, x: pick(p, x, np.argmin),
            "this averages all models alike; the classifier was not asked.": lambda p, x: x.mean(
                axis=1
            ),
            "the right model is chosen, and its answer weighed; take the answer as it is.": (
                lambda p, x: p.max(axis=1)[:, None, None, None] * pick(p, x)
            ),
            "the first model answers for every picture.": lambda p, x: x[:, 0],
            "every picture got the model of the first one.": lambda p, x: x[:, p[0].argmax()],
            "this gives every picture the answers of all chosen models; index both axes at once.": (
                lambda p, x: x[:, p.argmax(axis=1)]
            ),
            "this is the best picture for each class; asked is the best class of each picture.": (
                lambda p, x: x[p.argmax(axis=0), np.arange(p.shape[1])]
            ),
        },
        "`p.argmax(axis=1)` names a model for each picture; index with it and with np.arange.",
        absolute=1e-3,
    )
