"""The checks of lesson 01."""

import numpy as np

from course_utils import color
from course_utils.checks.compare import Answer, compare


def _decode(v):
    """sRGB value to linear light (IEC 61966-2-1)."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _encode(y, threshold=0.0031308):
    """Linear light to sRGB value (IEC 61966-2-1)."""
    return np.where(y <= threshold, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)


def _grays(rng, *shapes, dark=0.05):
    """Numbers in 0…1, every third one dark, both ends among them; the last array is float32."""
    arrays = []
    for shape in shapes:
        x = rng.uniform(0, 1, shape)
        x.flat[::3] *= dark
        x.flat[:2] = [0, 1][: x.size]
        arrays.append(x)
    arrays[-1] = arrays[-1].astype(np.float32)
    return [(x,) for x in arrays]


def encode_srgb(answer: Answer) -> None:
    """Check linear light -> sRGB values, for arrays of three ranks."""
    compare(
        "encode_srgb",
        answer,
        _grays(np.random.default_rng(11), 200, (1, 7), (4, 5, 3), dark=0.01),
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
            "a bare power 1/2.4 is not sRGB: factor, offset and straight part are missing.": (
                lambda y: y ** (1 / 2.4)
            ),
            "the exponent of the encoding is 1/2.4, not 2.4.": lambda y: np.where(
                y <= 0.0031308, 12.92 * y, 1.055 * y**2.4 - 0.055
            ),
            "the straight part is multiplied by 12.92 on this way, not divided.": lambda y: (
                np.where(y <= 0.0031308, y / 12.92, 1.055 * y ** (1 / 2.4) - 0.055)
            ),
            "the offset 0.055 is subtracted here; adding it belongs to the decoding.": lambda y: (
                np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) + 0.055)
            ),
            "all of it is the straight part; only light up to 0.0031308 is.": lambda y: 12.92 * y,
            "the straight part must end at a light of 0.0031308; yours has the branches swapped.": (
                lambda y: np.where(y > 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)
            ),
        },
        "solve the decoding formula above for the value, one branch at a time.",
    )


def _colorful(rng):
    """Pairs (L, hue) whose largest chroma is clear of rounding, up to the blue corner of sRGB."""
    pairs = list(zip(rng.uniform(25, 85, 12), rng.uniform(95, 265, 12)))
    pairs += [
        (rng.uniform(31.5, 33), rng.uniform(305.5, 306.5)),
        *zip(rng.uniform(60, 98, 3), [328, 110, 140]),
    ]
    pairs = [(float(L), float(hue)) for L, hue in pairs]
    return [pair for pair in pairs if len({_largest(*pair, move=m) for m in (-0.03, 0, 0.03)}) == 1]


def _largest(L, hue, radians=np.radians, swap=False, move=0.0, step=1.0, end=151):
    chroma = np.arange(0, end, step)
    reach = np.maximum(chroma + move, 0)
    a, b = reach * np.cos(radians(hue)), reach * np.sin(radians(hue))
    lab = np.stack([np.full_like(chroma, L), *((b, a) if swap else (a, b))], axis=-1)
    return int(chroma[color.in_gamut(lab)].max())


def largest_chroma(answer: Answer) -> None:
    """Check the largest whole chroma in the gamut, for up to 15 pairs of lightness and hue."""
    compare(
        "largest_chroma",
        answer,
        _colorful(np.random.default_rng(15)),
        _largest,
        {
            "the hue is in degrees; cos and sin want radians.": lambda L, hue: _largest(
                L, hue, radians=float
            ),
            "a and b are swapped: a goes with the cosine.": lambda L, hue: _largest(
                L, hue, swap=True
            ),
            "this is the first chroma outside; asked is the last inside.": lambda L, hue: (
                _largest(L, hue) + 1
            ),
            "this is one too small: chroma 0 is in the gamut as well.": lambda L, hue: (
                _largest(L, hue) - 1
            ),
            "the lightness was not used.": lambda L, hue: _largest(50, hue),
            "the hue was not used.": lambda L, hue: _largest(L, 0),
            "this is the other side of gray: the hue is turned by 180 degrees.": lambda L, hue: (
                _largest(L, hue + 180)
            ),
            "you stop too early: near blue, sRGB shows a chroma of more than 130.": (
                lambda L, hue: _largest(L, hue, end=101)
            ),
        },
        "make an array (151, 3) of Lab colors, one for each chroma; ask which are in the gamut.",
    )


def gray_to_L(answer: Answer) -> None:
    """Check gray value -> L*, for arrays of three ranks."""

    def lightness(y):
        return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)

    compare(
        "gray_to_L",
        answer,
        _grays(np.random.default_rng(12), 300, (1, 8), (2, 5, 4), dark=0.1),
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
            "the value was decoded twice.": lambda g: lightness(_decode(_decode(g))),
            "the value was encoded; it is to be decoded, from value to light.": lambda g: lightness(
                _encode(g)
            ),
            "the light is right; the cube root of it runs from 0 to 1, L* is 116 f(Y) - 16.": (
                lambda g: 100 * np.cbrt(_decode(g))
            ),
            "116 f(Y) is right, 16 is still to be subtracted.": lambda g: (
                lightness(_decode(g)) + 16
            ),
            "L* runs from 0 to 100; yours runs from 0 to 1.": lambda g: lightness(_decode(g)) / 100,
            "gamma 2.2 is only near the decoding of sRGB.": lambda g: lightness(g**2.2),
        },
        "two steps, both written above: decode the value to light Y, then L* = 116 f(Y) - 16.",
        absolute=1e-3,
    )


def _film(rgb, weights, decode=_decode, encode=_encode, share=np.sum):
    """Gray values of a film: light, weighted by parts of `share`, as values."""
    light = decode(rgb) @ (np.asarray(weights) / share(weights))
    return encode(np.maximum(light, 0))


def film(answer: Answer) -> None:
    """Check the gray values of a film, for colors of three ranks and four sets of weights."""
    rng = np.random.default_rng(13)
    films = (
        np.array([1.0, 2.0, 1.0]),
        np.array([0.0, 0.5, 0.5]),
        (3, 0, 1),
        np.array([0.1, 0.2, 0.3]),
    )
    inputs = []
    for shape, weights in zip(((4, 5, 3), (1, 7, 3), (6, 3), (3, 3, 3)), films):
        rgb = rng.uniform(0, 1, shape)
        rgb.reshape(-1, 3)[:2] = [0, 0, 0], [1, 1, 1]
        inputs.append((rgb, weights))

    def alike(v):
        return v

    compare(
        "film",
        answer,
        inputs,
        _film,
        {
            "these are mixed values; a film mixes light: decode before the sum.": lambda c, w: (
                _film(c, w, alike, alike)
            ),
            "the light is right, but it was not encoded: it is too dark as a picture.": (
                lambda c, w: _film(c, w, encode=alike)
            ),
            "you encode before the sum and not after it; decode, add, encode.": lambda c, w: _film(
                c, w, _encode, alike
            ),
            "encoding and decoding have changed places.": lambda c, w: _film(
                c, w, _encode, _decode
            ),
            "the values were mixed and then encoded; they were never decoded.": lambda c, w: _film(
                c, w, decode=alike
            ),
            "the weights are not divided by their sum, so white does not stay white.": (
                lambda c, w: _film(c, w, share=lambda w: 1)
            ),
            "the weights are not divided by their sum: clipping burns the light areas out.": (
                lambda c, w: _encode(np.clip(_decode(c) @ np.asarray(w), 0, 1))
            ),
            "divided by 3 instead of the sum of the weights.": lambda c, w: _film(
                c, w, share=lambda w: 3
            ),
            "divided by the largest weight instead of their sum.": lambda c, w: _film(
                c, w, share=np.max
            ),
            "divided by the length of the weights (root of squares); asked is their sum.": (
                lambda c, w: _film(c, w, share=np.linalg.norm)
            ),
            "the weights were not used: this is the plain mean.": lambda c, w: _film(c, [1, 1, 1]),
            "the weights were not used: this is luminance.": lambda c, w: _film(
                c, [0.212671, 0.71516, 0.072169]
            ),
            "the weights came in the order blue, green, red.": lambda c, w: _film(c, w[::-1]),
            "gamma 2.2 is only near the decoding and encoding of sRGB.": lambda c, w: _film(
                c, w, lambda v: v**2.2, lambda y: y ** (1 / 2.2)
            ),
            "the value was decoded twice.": lambda c, w: _film(c, w, lambda v: _decode(_decode(v))),
            "this is L* of the film's light; asked are its values in 0…1.": lambda c, w: (
                116 * np.cbrt(_film(c, w, encode=alike)) - 16
            ),
        },
        "three steps in this order: decode, add by weights that sum to 1, encode.",
        absolute=1e-3,
    )


def error_in_ab(answer: Answer) -> None:
    """Check loss -> root-mean-square error in CIELAB units, for ten losses and scales."""
    rng = np.random.default_rng(14)
    losses = rng.uniform(0.002, 0.05, 10), rng.uniform(80, 260, 10)
    inputs = [(float(loss), float(scale)) for loss, scale in zip(*losses)]
    inputs += [(0.0, 128.0), (np.float64(0.3), np.float32(110)), (900.0, 1.0)]
    compare(
        "error_in_ab",
        answer,
        inputs,
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
            "the scale was not used.": lambda loss, scale: np.sqrt(loss),
            "the scale was not used: it is not always 128.": lambda loss, scale: (
                128 * np.sqrt(loss)
            ),
            "the scale was not used: it is not always 110.": lambda loss, scale: (
                110 * np.sqrt(loss)
            ),
            "the loss is a mean over both channels already; do not double it.": (
                lambda loss, scale: scale * np.sqrt(2 * loss)
            ),
            "the loss is a mean over both channels; do not halve it.": lambda loss, scale: (
                scale * np.sqrt(loss / 2)
            ),
            "the loss is squared once more; take its root instead.": lambda loss, scale: (
                scale * loss**2
            ),
        },
        "undo what was done, last step first: mean of squares, square, division by the scale.",
    )
