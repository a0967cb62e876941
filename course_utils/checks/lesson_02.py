"""The checks of lesson 02."""

import numpy as np

from course_utils.checks.compare import compare


def best_answer(answer):
    """Check the answer of least expected squared error, for a hidden palette of five colors."""
    rng = np.random.default_rng(50)
    p, palette_ab = rng.dirichlet(np.ones(5)), rng.uniform(-80, 80, (5, 2))

    def median(p, ab):
        order = ab.argsort(axis=0)
        first = (p[order].cumsum(axis=0) >= 0.5).argmax(axis=0)
        return np.take_along_axis(ab, order, axis=0)[first, [0, 1]]

    compare(
        "best_answer",
        answer,
        [p, palette_ab],
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
        },
        "set the slope of sum p (y - answer)² to zero, for a and for b.",
        tolerance=1e-3,
    )


def floor(answer):
    """Check the least loss at ab / 128, for a hidden palette of six colors."""
    rng = np.random.default_rng(22)
    p, palette_ab = rng.dirichlet(np.ones(6)), rng.uniform(-80, 80, (6, 2))

    def variance(p, ab):
        return p @ (ab - p @ ab) ** 2

    compare(
        "floor",
        answer,
        [p, palette_ab],
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
            "a squared error is divided by 128 twice.": lambda p, ab: variance(p, ab).mean() / 128,
            "this is in CIELAB units; the loss is taken at ab / 128.": lambda p, ab: variance(
                p, ab
            ).mean(),
        },
        "the variance of a and that of b, both weighted by p; their mean; the scale.",
        tolerance=1e-5,
    )


def conv_parameters(answer):
    """Check the parameters of convolutions, for 20 hidden shapes."""
    rng = np.random.default_rng(23)
    shapes = [rng.integers(low, high, 20) for low, high in ((2, 8), (3, 300), (3, 300))]
    compare(
        "conv_parameters",
        answer,
        shapes,
        lambda k, n, m: (k * k * n + 1) * m,
        {
            "the biases are missing, one for each output channel.": lambda k, n, m: k * k * n * m,
            "a bias belongs to each output channel, not to each input channel.": (
                lambda k, n, m: k * k * n * m + n
            ),
            "the kernel has kernel × kernel pixels.": lambda k, n, m: (k * n + 1) * m,
            "there is one bias for each output channel, not one in all.": lambda k, n, m: (
                k * k * n * m + 1
            ),
        },
        "numbers of one output channel, plus its bias, times the output channels.",
        tolerance=0.5,
    )


def receptive_field(answer):
    """Check the window of stacks of 3×3 convolutions, for 10 hidden stacks of seven strides."""
    stacks = np.random.default_rng(24).choice([1, 1, 2, 3], (10, 7))

    def window(strides, late=True, each=2, grows=True):
        width = step = 1
        for stride in strides:
            step_after = step * stride if grows else 1
            width += each * (step if late else step_after)
            step = step_after
        return width

    def every(one):
        return lambda stacks: np.array([one([int(s) for s in strides]) for strides in stacks])

    compare(
        "receptive_field",
        lambda stacks: None if answer([1, 1]) is None else every(answer)(stacks),
        [stacks],
        every(window),
        {
            "the grid gets coarser after a stride; its steps are then more than one pixel.": every(
                lambda s: window(s, grows=False)
            ),
            "a convolution looks at the grid before its own stride makes it coarser.": every(
                lambda s: window(s, late=False)
            ),
            "a 3×3 kernel adds two neighbors, the third pixel is there already.": every(
                lambda s: window(s, each=3)
            ),
            "this is how far it reaches to one side; asked is the whole width.": every(
                lambda s: (window(s) - 1) // 2
            ),
        },
        "two numbers, width and step, both from 1; width grows first, then step.",
        tolerance=0.5,
    )


def route(answer):
    """Check that each picture gets the answer of its most probable class, on 12 hidden pictures."""
    rng = np.random.default_rng(25)
    p, answers = rng.dirichlet(np.ones(4), 12), rng.uniform(-80, 80, (12, 4, 3, 5, 2))
    compare(
        "route",
        answer,
        [p, answers],
        lambda p, x: x[np.arange(len(p)), p.argmax(axis=1)],
        {
            "this mixes the models' answers; asked is one model for each picture.": lambda p, x: (
                p[:, :, None, None, None] * x
            ).sum(axis=1),
            "every picture went to the same model; look for the best class of each.": (
                lambda p, x: x[:, p.mean(axis=0).argmax()]
            ),
            "this is the least probable class.": lambda p, x: x[
                np.arange(len(p)), p.argmin(axis=1)
            ],
            "this averages all models alike; the classifier was not asked.": lambda p, x: x.mean(
                axis=1
            ),
        },
        "`p.argmax(axis=1)` names a model for each picture; index with it and with np.arange.",
        tolerance=1e-3,
    )
