"""One function per exercise: it tries an answer on hidden input and says what is wrong with it.

A check prints one verdict and, when the answer is not right, one hint. It raises `CheckFailed`
only where somebody grades: under nbgrader, or with COURSE_STRICT=1.
"""

import numpy as np

from course_utils import color, course


class CheckFailed(AssertionError):
    """An exercise is not solved, and this is a place where that must not pass."""


def _say(name, verdict, hint=None):
    """Print the verdict; raise it when there is a hint, hence a mistake, and grading is strict."""
    print(f"{name}: {verdict}" + (f"\nHint: {hint}" if hint else ""))
    if hint and course.strict():
        raise CheckFailed(f"{name}: {verdict}")


def compare(name, answer, inputs, truth, mistakes, hint, tolerance=1e-4):
    """Try `answer(*inputs)` against `truth(*inputs)`; recognise the usual mistakes by their values.

    mistakes: {diagnosis: function}, each a wrong answer that many people give.
    hint: what to read or try next, whatever the mistake.
    """
    wanted = np.asarray(truth(*inputs), dtype=np.float64)
    try:
        given = answer(*(np.copy(value) for value in inputs))
    except Exception as error:  # whatever a student's code raises becomes a sentence
        return _say(name, f"your code stopped with {type(error).__name__}: {error}", hint)
    if given is None:
        return _say(name, "not done yet; replace the line `return None`.", hint)
    try:
        given = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return _say(name, f"the answer is a {type(given).__name__}, not numbers.", hint)
    if given.shape != wanted.shape:
        return _say(name, f"the answer has shape {given.shape}, it must be {wanted.shape}.", hint)
    if not np.isfinite(given).all():
        return _say(name, "the answer holds a NaN or an infinity.", hint)
    if np.allclose(given, wanted, rtol=0, atol=tolerance):
        return _say(name, f"correct on {wanted.size} hidden values.")
    for diagnosis, mistake in mistakes.items():
        # A mistake may be large, a squared distance for instance, and computed in float32.
        if np.allclose(given, mistake(*inputs), rtol=1e-5, atol=tolerance):
            return _say(name, diagnosis, hint)
    worst = np.abs(given - wanted).argmax()
    verdict = f"one value is {given.flat[worst]:.4f} where {wanted.flat[worst]:.4f} is right."
    return _say(name, verdict, hint)


# Lesson 01


def _decode(v):
    """sRGB value to linear light (IEC 61966-2-1)."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _encode(y, threshold=0.0031308):
    """Linear light to sRGB value (IEC 61966-2-1)."""
    return np.where(y <= threshold, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)


def encode_srgb(answer):
    """Check linear light -> sRGB values, on 200 hidden values of which a third are dark."""
    rng = np.random.default_rng(11)
    light = np.concatenate([rng.uniform(0, 1, 130), rng.uniform(0, 0.05, 70)])
    compare(
        "encode_srgb",
        answer,
        [light],
        _encode,
        {
            "this is the decoding, from values to light; asked is the other direction.": _decode,
            "the curve is right, the straight part near black is missing.": lambda y: (
                1.055 * y ** (1 / 2.4) - 0.055
            ),
            "0.04045 is where *values* change formula; light changes at 0.0031308.": lambda y: (
                _encode(y, threshold=0.04045)
            ),
            "a bare power 1/2.2 is only near sRGB.": lambda y: y ** (1 / 2.2),
        },
        "solve the decoding formula above for the value, one branch at a time.",
    )


def largest_chroma(answer):
    """Check the largest whole chroma in the gamut, on 12 hidden pairs of lightness and hue."""
    rng = np.random.default_rng(15)
    L, hue = rng.uniform(25, 85, 12), rng.uniform(95, 265, 12)

    def largest(L, hue, radians=np.radians, swap=False):
        chroma = np.arange(151.0)
        a, b = chroma * np.cos(radians(hue)), chroma * np.sin(radians(hue))
        lab = np.stack([np.full_like(chroma, L), *((b, a) if swap else (a, b))], axis=-1)
        return chroma[color.in_gamut(lab)].max()

    def each(one):
        return lambda L, hue: np.array([np.nan if v is None else v for v in map(one, L, hue)])

    compare(
        "largest_chroma",
        lambda L, hue: None if answer(L[0], hue[0]) is None else each(answer)(L, hue),
        [L, hue],
        each(largest),
        {
            "the hue is in degrees; cos and sin want radians.": each(
                lambda L, hue: largest(L, hue, radians=float)
            ),
            "a and b are swapped: a goes with the cosine.": each(
                lambda L, hue: largest(L, hue, swap=True)
            ),
            "this is the first chroma outside; asked is the last inside.": each(
                lambda L, hue: largest(L, hue) + 1
            ),
            "the lightness was not used.": each(lambda L, hue: largest(50, hue)),
        },
        "make an array (151, 3) of Lab colors, one for each chroma; ask which are in the gamut.",
        tolerance=0.5,
    )


def gray_to_L(answer):
    """Check gray value -> L*, on 300 hidden gray values."""
    gray = np.random.default_rng(12).uniform(0, 1, 300)

    def lightness(y):
        return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)

    compare(
        "gray_to_L",
        answer,
        [gray],
        lambda g: lightness(_decode(g)),
        {
            "this is 100 times the gray value: the pixel stays code, it never became light.": (
                lambda g: 100 * g
            ),
            "this is luminance in percent; the eye's cube root is missing.": lambda g: (
                100 * _decode(g)
            ),
            "the cube root was taken of the gray value; decode it to light first.": lightness,
            "the straight part of f near black is missing.": lambda g: (
                116 * np.cbrt(_decode(g)) - 16
            ),
        },
        "two steps, both written above: decode the value to light Y, then L* = 116 f(Y) - 16.",
        tolerance=1e-3,
    )


def delta_e(answer):
    """Check the CIE 1976 color difference, on 50 hidden pairs of Lab colors."""
    rng = np.random.default_rng(13)
    pairs = color.rgb_to_lab(rng.uniform(0, 1, (2, 50, 3)))

    def difference(first, second):
        return np.asarray(first, np.float64) - second

    compare(
        "delta_e",
        answer,
        list(pairs),
        lambda p, q: np.sqrt((difference(p, q) ** 2).sum(-1)),
        {
            "the square root is missing.": lambda p, q: (difference(p, q) ** 2).sum(-1),
            "L* is part of the distance too.": lambda p, q: np.sqrt(
                (difference(p, q)[..., 1:] ** 2).sum(-1)
            ),
            "these are summed absolute differences; the distance is Euclidean.": lambda p, q: (
                np.abs(difference(p, q)).sum(-1)
            ),
            "this averages the three squares; the distance adds them.": lambda p, q: np.sqrt(
                (difference(p, q) ** 2).mean(-1)
            ),
        },
        "the Pythagorean theorem in three dimensions, over the last axis.",
        tolerance=1e-3,
    )


def error_in_ab(answer):
    """Check loss -> root-mean-square error in CIELAB units, on 40 hidden losses and scales."""
    rng = np.random.default_rng(14)
    loss, scale = rng.uniform(0.002, 0.05, 40), rng.uniform(80, 260, 40)
    compare(
        "error_in_ab",
        answer,
        [loss, scale],
        lambda loss, scale: scale * np.sqrt(loss),
        {
            "the loss is a *squared* error: the square root is missing.": lambda loss, scale: (
                scale * loss
            ),
            "the scale multiplies the error; dividing shrinks it twice.": lambda loss, scale: (
                np.sqrt(loss) / scale
            ),
            "the scale belongs outside the square root.": lambda loss, scale: np.sqrt(scale * loss),
            "this is the mean squared error; take its root.": lambda loss, scale: scale**2 * loss,
        },
        "undo what was done, last step first: mean of squares, square, division by the scale.",
    )


# Lesson 02


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
