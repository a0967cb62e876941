"""Lesson 01: solutions that share no line with the checks, and the wrong answers it must know."""

import numpy as np
from skimage.color import deltaE_cie76, rgb2lab, rgb2xyz, xyz_tristimulus_values
from skimage.color.colorconv import xyz_from_rgb

from course_utils import checks


def encode_srgb(light):
    """Values of grays whose light is known: scikit-image's way back from XYZ."""
    white = rgb2xyz(np.ones((1, 3)))
    value = np.linspace(0, 1, 20_001)
    known = rgb2xyz(np.repeat(value[:, None], 3, axis=1))[:, 1] / white[0, 1]
    return np.interp(light, known, value)


def gray_to_L(gray):
    return rgb2lab(np.repeat(np.asarray(gray)[..., None], 3, axis=-1))[..., 0]


def largest_chroma(L, hue):
    """The last chroma of a ray whose light lies between none and that of white."""
    chroma, slope = np.arange(151), np.exp(1j * np.deg2rad(hue))
    middle = (L + 16) / 116
    f = [
        middle + chroma * slope.real / 500,
        0 * chroma + middle,
        middle - chroma * slope.imag / 200,
    ]
    relative = np.stack([np.where(t > 6 / 29, t**3, (116 * t - 16) * 27 / 24389) for t in f], -1)
    light = relative * xyz_tristimulus_values(illuminant="D65", observer="2")
    light = light @ np.linalg.inv(xyz_from_rgb).T
    return np.flatnonzero((np.abs(light - 0.5) <= 0.5).all(axis=1)).max()


def delta_e(first, second):
    return deltaE_cie76(first, second)


def error_in_ab(loss, scale):
    """The constant error that has this loss."""
    errors = np.ones((1000, 1)) * np.sqrt(loss)
    return np.sqrt(np.mean((errors * scale) ** 2, axis=0))


# {check: (solution, {what is wrong: (answer, a word of its diagnosis)})}
CASES = {
    checks.encode_srgb: (
        encode_srgb,
        {
            "decodes": (lambda y: rgb2xyz(np.stack([y] * 3, -1))[..., 1], "decoding"),
            "no straight part": (lambda y: 1.055 * y ** (1 / 2.4) - 0.055, "straight part"),
            "threshold of values": (
                lambda y: np.where(y <= 0.04045, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055),
                "0.0031308",
            ),
            "gamma 2.2": (lambda y: np.power(y, 1 / 2.2), "1/2.2"),
        },
    ),
    checks.gray_to_L: (
        gray_to_L,
        {
            "the shortcut": (lambda g: 100 * g, "100 times"),
            "luminance": (lambda g: rgb2xyz(np.stack([g] * 3, -1))[..., 1] * 100, "cube root is"),
            "code for light": (
                lambda g: rgb2lab(np.stack([encode_srgb(g)] * 3, -1))[..., 0],
                "decode it",
            ),
            "no straight part": (
                lambda g: 116 * np.cbrt(rgb2xyz(np.stack([g] * 3, -1))[..., 1]) - 16,
                "straight part",
            ),
        },
    ),
    checks.largest_chroma: (
        largest_chroma,
        {
            "radians": (lambda L, hue: largest_chroma(L, np.rad2deg(hue)), "degrees"),
            "a and b swapped": (lambda L, hue: largest_chroma(L, 90 - hue), "swapped"),
            "first outside": (lambda L, hue: largest_chroma(L, hue) + 1, "last inside"),
            "one lightness": (lambda L, hue: largest_chroma(50, hue), "lightness"),
        },
    ),
    checks.delta_e: (
        delta_e,
        {
            "no root": (lambda p, q: ((p - q) ** 2).sum(-1), "square root"),
            "without L": (
                lambda p, q: np.hypot(p[..., 1] - q[..., 1], p[..., 2] - q[..., 2]),
                "L* is part",
            ),
            "absolute": (lambda p, q: np.abs(p - q).sum(-1), "Euclidean"),
            "mean": (lambda p, q: deltaE_cie76(p, q) / np.sqrt(3), "averages"),
        },
    ),
    checks.error_in_ab: (
        error_in_ab,
        {
            "no root": (lambda loss, scale: loss * scale, "square root is"),
            "divides": (lambda loss, scale: loss**0.5 / scale, "dividing"),
            "scale inside": (lambda loss, scale: (loss * scale) ** 0.5, "outside"),
            "still squared": (lambda loss, scale: loss * scale * scale, "take its root"),
        },
    ),
}
