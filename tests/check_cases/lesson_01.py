"""Lesson 01."""

import math

import numpy as np
from skimage.color import rgb2lab, rgb2xyz, xyz_tristimulus_values
from skimage.color.colorconv import xyz_from_rgb

from check_cases import GENERIC, Cases, float32, forgets, torch_with_grad
from course_utils import color


def encode_srgb(light):
    """Values of grays whose light is known: scikit-image's way back from XYZ."""
    white = rgb2xyz(np.ones((1, 3)))
    value = np.linspace(0, 1, 20_001)
    known = rgb2xyz(np.repeat(value[:, None], 3, axis=1))[:, 1] / white[0, 1]
    return np.interp(light, known, value)


def with_mask(light, threshold=0.0031308, out=None):
    """Branch by branch, in a new array or in the one that came."""
    out = np.empty_like(light) if out is None else out
    dark = light <= threshold
    out[~dark] = 1.055 * light[~dark] ** (1 / 2.4) - 0.055
    out[dark] = 12.92 * light[dark]
    return out


def in_torch(light):
    import torch

    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def one_by_one(light):
    """Right, for a list: lists of lists are not numbers that can be compared."""
    return [12.92 * y if y <= 0.0031308 else 1.055 * y ** (1 / 2.4) - 0.055 for y in light]


def decode(v):
    return rgb2xyz(np.stack([v] * 3, -1))[..., 1]


def gray_to_L(gray):
    return rgb2lab(np.repeat(np.asarray(gray)[..., None], 3, axis=-1))[..., 0]


def every_L(gray):
    """One by one, in plain Python."""

    def lightness(v):
        y = v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        return 116 * y ** (1 / 3) - 16 if y > 216 / 24389 else y * 24389 / 27

    return np.reshape([lightness(float(v)) for v in gray.ravel()], gray.shape)


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


def climbing(L, hue, turn=math.radians, start=0):
    """In steps of one, with numbers alone."""
    c = start
    while color.in_gamut(np.array([L, c * math.cos(turn(hue)), c * math.sin(turn(hue))])):
        c += 1
    return c - 1


def among(count):
    """Of so many chromas only."""
    return lambda L, hue: min(largest_chroma(L, hue), count - 1)


def film(rgb, weights):
    """Scikit-image's luminance of a gray whose light is the film's, found channel by channel."""
    light = sum(w * decode(rgb[..., i]) for i, w in enumerate(weights)) / sum(weights)
    return encode_srgb(light / decode(np.ones(1))[0])


def averaged(rgb, weights):
    """numpy's own weighted mean."""
    return with_mask(np.average(color.decode_srgb(rgb), axis=-1, weights=weights))


def film_in_torch(rgb, weights):
    import torch

    w = torch.as_tensor(weights, dtype=rgb.dtype)
    light = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return in_torch((light * w).sum(-1) / w.sum())


def pixel_by_pixel(rgb, weights):
    """In plain Python."""
    whole = float(sum(weights))

    def seen(pixel):
        return sum(w * float(decode(np.array([v]))[0]) for w, v in zip(weights, pixel)) / whole

    return encode_srgb(np.reshape([seen(p) for p in rgb.reshape(-1, 3)], rgb.shape[:-1]))


def film_in_place(rgb, weights):
    rgb[:] = color.decode_srgb(rgb)
    return encode_srgb(np.average(rgb, axis=-1, weights=weights))


def error_in_ab(loss, scale):
    """The constant error that has this loss."""
    errors = np.ones((1000, 1)) * np.sqrt(loss)
    return np.sqrt(np.mean((errors * scale) ** 2, axis=0))[0]


CASES = {
    "encode_srgb": Cases(
        right={
            "scikit-image": encode_srgb,
            "masks": with_mask,
            "float32": float32(with_mask),
            "torch": torch_with_grad(in_torch),
            "threshold of five digits": lambda y: with_mask(y, 0.00313),
        },
        wrong={
            "decodes": (decode, "decoding"),
            "no straight part": (lambda y: 1.055 * y ** (1 / 2.4) - 0.055, "straight part"),
            "threshold of values": (lambda y: with_mask(y, 0.04045), "0.0031308"),
            "gamma 2.2": (lambda y: np.power(y, 1 / 2.2), "1/2.2"),
            "gamma 2.4": (lambda y: np.power(y, 1 / 2.4), "1/2.4 is not"),
            "exponent": (
                lambda y: np.where(y <= 0.0031308, 12.92 * y, 1.055 * y**2.4 - 0.055),
                "not 2.4",
            ),
            "0…255": (lambda y: 255 * encode_srgb(y), "255 times"),
            "forgotten return": (forgets(encode_srgb), "returns None"),
            "in place": (lambda y: with_mask(y, out=y), "changes its input"),
            "one number": (lambda y: encode_srgb(y).mean(), "is one number"),
            "flat": (lambda y: encode_srgb(y).ravel(), "The values are right"),
            "for lists only": (one_by_one, "stopped with ValueError"),
            "rounded": (lambda y: np.round(encode_srgb(y), 2), GENERIC),
        },
    ),
    "gray_to_L": Cases(
        right={
            "scikit-image": gray_to_L,
            "plain Python": every_L,
            "float32": float32(gray_to_L),
            "course": lambda g: color.rgb_to_lab(np.stack([np.float32(g)] * 3, -1))[..., 0],
        },
        wrong={
            "the shortcut": (lambda g: 100 * g, "100 times"),
            "luminance": (lambda g: 100 * decode(g), "cube root is"),
            "code for light": (lambda g: gray_to_L(encode_srgb(g)), "decode it"),
            "no straight part": (lambda g: 116 * np.cbrt(decode(g)) - 16, "straight part"),
            "twice": (lambda g: gray_to_L(decode(g)), "decoded twice"),
            "not minus 16": (lambda g: gray_to_L(g) + 16, "116 f(Y) is right"),
            "0…1": (lambda g: gray_to_L(g) / 100, "from 0 to 1"),
            "0…255": (lambda g: gray_to_L(g) * 2.55, "2.55 times"),
            "gamma": (lambda g: gray_to_L(encode_srgb(g**2.2)), "gamma 2.2"),
            "whole Lab": (lambda g: rgb2lab(np.stack([g] * 3, -1)), "has shape"),
            "forgotten return": (forgets(gray_to_L), "returns None"),
            "rank 1": (
                lambda g: np.array([every_L(g[i : i + 1])[0] for i in range(300)]),
                "one size only",
            ),
            "whole numbers": (lambda g: np.round(gray_to_L(g)), GENERIC),
        },
    ),
    "largest_chroma": Cases(
        right={
            "scikit-image": largest_chroma,
            "climbing": climbing,
            "list": lambda L, hue: [largest_chroma(L, hue)][0],
            "float": lambda L, hue: np.float32(largest_chroma(L, hue)),
        },
        wrong={
            "radians": (lambda L, hue: largest_chroma(L, np.rad2deg(hue)), "degrees"),
            "a and b swapped": (lambda L, hue: largest_chroma(L, 90 - hue), "swapped"),
            "first outside": (lambda L, hue: climbing(L, hue) + 1, "last inside"),
            "one lightness": (lambda L, hue: largest_chroma(50, hue), "lightness"),
            "no hue": (lambda L, hue: largest_chroma(L, 0), "hue was not used"),
            "to 55 only": (among(56), GENERIC),
            "to 100 only": (among(101), "stop too early"),
            "one too few": (lambda L, hue: largest_chroma(L, hue) - 1, "one too small"),
            "other side": (lambda L, hue: climbing(L, hue + 180), "180 degrees"),
            "all chromas": (lambda L, hue: np.arange(largest_chroma(L, hue) + 1), "one number"),
            "a list of one": (lambda L, hue: [largest_chroma(L, hue)], "one number"),
            "infinite": (lambda L, hue: np.inf, "NaN or an infinity"),
            "constant": (lambda L, hue: 60, "whatever the input"),
            "forgotten return": (forgets(climbing), "returns None"),
        },
    ),
    "film": Cases(
        right={
            "channel by channel": film,
            "weighted mean": averaged,
            "plain Python": pixel_by_pixel,
            "torch": torch_with_grad(film_in_torch),
            "float32": float32(averaged),
        },
        wrong={
            "mixes values": (lambda c, w: np.average(c, axis=-1, weights=w), "mixes light"),
            "not encoded": (
                lambda c, w: np.average(color.decode_srgb(c), axis=-1, weights=w),
                "not encoded",
            ),
            "never decoded": (
                lambda c, w: encode_srgb(np.average(c, axis=-1, weights=w)),
                "never decoded",
            ),
            "wrong way round": (
                lambda c, w: decode(np.average(encode_srgb(c), axis=-1, weights=w)),
                "changed places",
            ),
            "no sum": (
                lambda c, w: color.encode_srgb(color.decode_srgb(c) @ np.array(w)),
                "divided by their sum",
            ),
            "clipped": (
                lambda c, w: with_mask((color.decode_srgb(c) @ np.array(w)).clip(0, 1)),
                "burns",
            ),
            "a third": (lambda c, w: with_mask(color.decode_srgb(c) @ np.array(w) / 3), "by 3"),
            "largest": (
                lambda c, w: color.encode_srgb(color.decode_srgb(c) @ np.array(w) / max(w)),
                "largest weight",
            ),
            "blue first": (lambda c, w: film(c[..., ::-1], w), "order blue"),
            "plain mean": (lambda c, w: film(c, (1, 1, 1)), "plain mean"),
            "luminance": (
                lambda c, w: with_mask(color.decode_srgb(c) @ xyz_from_rgb[1]),
                "this is luminance",
            ),
            "gamma": (
                lambda c, w: np.average(c**2.2, axis=-1, weights=w) ** (1 / 2.2),
                "gamma 2.2",
            ),
            "three layers": (lambda c, w: c * np.array(w) / sum(w), "has shape"),
            "0…255": (lambda c, w: 255 * film(c, w), "255 times"),
            "pictures only": (
                lambda c, w: with_mask(np.einsum("hwc,c->hw", color.decode_srgb(c), w) / sum(w)),
                "stopped with",
            ),
            "of 4 × 5": (lambda c, w: film(c.reshape(4, 5, 3), w), "one size only"),
            "in place": (film_in_place, "changes its input"),
            "forgotten return": (forgets(film), "returns None"),
            "negative film": (lambda c, w: 1 - film(c, w), GENERIC),
        },
    ),
    "error_in_ab": Cases(
        right={
            "by simulation": error_in_ab,
            "math": lambda loss, scale: math.sqrt(loss) * scale,
            "root of all": lambda loss, scale: (loss * scale**2) ** 0.5,
            "float32": float32(lambda loss, scale: np.sqrt(loss) * scale),
        },
        wrong={
            "no root": (lambda loss, scale: loss * scale, "square root is"),
            "divides": (lambda loss, scale: loss**0.5 / scale, "dividing"),
            "scale inside": (lambda loss, scale: (loss * scale) ** 0.5, "outside"),
            "still squared": (lambda loss, scale: loss * scale * scale, "take its root"),
            "no scale": (lambda loss, scale: loss**0.5, "scale was not used"),
            "128": (lambda loss, scale: 128 * loss**0.5, "not always 128"),
            "110": (lambda loss, scale: 110 * loss**0.5, "not always 110"),
            "both channels": (lambda loss, scale: scale * math.sqrt(2 * loss), "do not double"),
            "half of it": (lambda loss, scale: scale * math.sqrt(loss) / 2, "1/2 of"),
            "squared": (lambda loss, scale: scale * loss**2, "squared once more"),
            "plus 1": (lambda loss, scale: scale * loss**0.5 + 1, "1 too large"),
            "an interval": (lambda loss, scale: (0, scale * loss**0.5), "one number"),
            "in words": (lambda loss, scale: f"{scale * loss**0.5}", "not real numbers"),
            "forgotten return": (forgets(error_in_ab), "returns None"),
            "cube root": (lambda loss, scale: scale * math.cbrt(loss), GENERIC),
        },
    ),
}
