"""The checks of lesson 01."""

import numpy as np

from course_utils import color
from course_utils.checks.compare import compare


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
