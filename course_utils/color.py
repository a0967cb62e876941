"""sRGB and CIELAB in numpy, Keras and torch, written once.

Every function looks at what it is given. numpy arrays, Keras and TensorFlow tensors carry their
channels last, torch tensors third from the end. The result is float32, of the same kind and on
the same device. Tensors keep their gradients, finite also at black and at negative light.

Light D65, 2 degree observer. Constants are rounded as scikit-image rounds them, so that the two
agree: over all 2**24 8-bit colors the largest difference from scikit-image in float64 was 7.6e-5
in Lab (a* is the worst, being 500 times a difference) and 6.2e-6 in RGB, measured on x86 CPUs
with numpy, torch, TensorFlow and its XLA compiler; 16 million random floats stayed below 8e-5.
"""

import math
from typing import Any

import numpy as np

from course_utils import arrays

AB_SCALE = 110.0  # a* and b* of sRGB end at 107.9: divided by 110 they fill tanh's range

XYZ_FROM_RGB = np.array(  # linear sRGB to CIE XYZ (IEC 61966-2-1)
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # XYZ of D65, 2 degree observer (CIE 15)

# Lists of Python floats: they leave float32 arrays of every framework float32.
_FROM_LIGHT = (XYZ_FROM_RGB / WHITE[:, None]).tolist()
_TO_LIGHT = np.linalg.inv(_FROM_LIGHT).tolist()

_DARKEST, _LIGHTEST = -1e-5, 1 + 1e-4  # light that is as good as within sRGB: 8 bits hide the rest
_HALVINGS = 8  # of chroma, when the gamut is searched: to 0.4 in ab


# The mathematics: `xp` is numpy, keras.ops or torch. Both arms of `where` are always computed, and
# a gradient runs through both: hence `clip` keeps the powers off numbers they have no slope for.


def _power(x, p, xp):
    """x ** p for x > 0; TensorFlow's own power takes seven times as long."""
    return xp.exp(p * xp.log(x))


def decode_srgb(v: Any, xp: Any = np) -> Any:
    """sRGB values in [0, 1] to linear light (IEC 61966-2-1)."""
    curve = _power((xp.clip(v, 0.04045, math.inf) + 0.055) / 1.055, 2.4, xp)
    return xp.where(v > 0.04045, curve, v / 12.92)


def encode_srgb(light: Any, xp: Any = np) -> Any:
    """Linear light to sRGB values (IEC 61966-2-1)."""
    curve = 1.055 * _power(xp.clip(light, 0.0031308, math.inf), 1 / 2.4, xp) - 0.055
    return xp.where(light > 0.0031308, curve, 12.92 * light)


def response(t: Any, xp: Any = np) -> Any:
    """CIELAB's response to XYZ relative to white: a cube root, straight near black (CIE 15)."""
    above = xp.clip(t, 0.008856, math.inf)
    root = _power(above, 1 / 3, xp)
    root = root - (root - above / (root * root)) / 3  # a Newton step: a* needs the last bits
    return xp.where(t > 0.008856, root, 7.787 * t + 16 / 116)


def inverse_response(f: Any, xp: Any = np) -> Any:
    """XYZ relative to white from CIELAB's response."""
    return xp.where(f > 0.2068966, f * f * f, (f - 16 / 116) / 7.787)


def _mix(matrix, channels):
    # Sums, not a matrix product: a GPU may round the factors of a product to 10 bits.
    u, v, w = channels
    return [row[0] * u + row[1] * v + row[2] * w for row in matrix]


def _light_of(v, xp):
    return _LIGHT_OF_BYTE[v] if v.dtype == np.uint8 else decode_srgb(v, xp)


def _light(L, a, b, xp):
    y = (L + 16) / 116
    x = y + a / 500
    z = xp.clip(y - b / 200, 0.0, math.inf)  # like scikit-image; only colors beyond sRGB get here
    return _mix(_TO_LIGHT, [inverse_response(f, xp) for f in (x, y, z)])


def _holds(L, a, b, xp):
    """Whether sRGB holds colors, but for what 8 bits hide."""
    red, green, blue = ((v >= _DARKEST) & (v <= _LIGHTEST) for v in _light(L, a, b, xp))
    return red & green & blue


def _share(L, a, b, xp):
    """The part of its chroma that a color beyond sRGB may keep: bisection between gray and it."""
    low, high = 0 * L, 0 * L + 1
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = _holds(L, middle * a, middle * b, xp)
        low, high = xp.where(inside, middle, low), xp.where(inside, high, middle)
    return low


# The public functions.


def rgb_to_lab(rgb: Any) -> Any:
    """CIELAB of sRGB colors: L* in 0..100, a* in -86.2..98.3, b* in -107.9..94.5, float32.

    rgb: uint8 in 0..255 or float in [0, 1], shape (..., 3), in torch (..., 3, H, W). Raises
    ValueError for other integers, for other than 3 channels, for NaN in numpy, and for floats more
    than 0.001 beyond [0, 1]: 1 in tensors, and only where their values are known already.

    >>> rgb_to_lab(np.uint8([[255, 0, 0]])).round().astype(int).tolist()  # red
    [[53, 80, 67]]
    """
    xp, axis = arrays.kind(rgb)
    rgb = arrays.read(rgb, "rgb", xp, axis)

    def convert(v):
        x, y, z = (
            response(t, xp) for t in _mix(_FROM_LIGHT, arrays.channels(_light_of(v, xp), axis))
        )
        return xp.concatenate([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis)

    return arrays.in_blocks(convert, rgb, xp)


def lab_to_rgb(lab: Any, clip: bool = True) -> Any:
    """sRGB values of CIELAB colors, float32, in [0, 1] if `clip`.

    lab: float, shape (..., 3), in torch (..., 3, H, W). With clip=False, colors that sRGB does not
    hold come back outside [0, 1]. As in scikit-image, b* acts no further once f(Z) reaches 0,
    which is far outside sRGB. Raises ValueError for uint8, for other than 3 channels, and, in
    numpy, for NaN and infinity. Warns of pictures whose L looks divided by 100.

    >>> (255 * lab_to_rgb(np.float32([[50, 0, 0]]))).round().astype(int).tolist()
    [[119, 119, 119]]
    """
    xp, axis = arrays.kind(lab)
    lab = arrays.read(lab, "lab", xp, axis)

    def convert(lab):
        light = xp.concatenate(_light(*arrays.channels(lab, axis), xp), axis)
        rgb = encode_srgb(light, xp)
        return xp.clip(rgb, 0.0, 1.0) if clip else rgb

    return arrays.in_blocks(convert, lab, xp)


def in_gamut(lab: Any, tol: float = 1e-4) -> Any:
    """Whether sRGB holds each color: unclipped R, G and B lie in [-tol, 1 + tol].

    lab as in `lab_to_rgb`; the result is boolean and has no channel axis.
    """
    xp, axis = arrays.kind(lab)
    rgb = lab_to_rgb(lab, clip=False)
    return xp.all((rgb >= -tol) & (rgb <= 1 + tol), axis)


def split(lab: Any) -> tuple[Any, Any]:
    """L with a channel axis of one, and ab with a channel axis of two."""
    xp, axis = arrays.kind(lab)
    lab = arrays.read(lab, "lab", xp, axis, check_values=False)
    return arrays.cut(lab, axis, 0, 1), arrays.cut(lab, axis, 1, 3)


def join(L: Any, ab: Any) -> Any:
    """Lab from L with a channel axis of one and ab with a channel axis of two.

    Raises ValueError when they are not of one kind or their channels are not 1 and 2.
    """
    xp, axis = arrays.kind(L)
    if arrays.kind(ab)[0] is not xp:
        raise ValueError(
            f"L is a {type(L).__name__} and ab a {type(ab).__name__}: convert one to the other."
        )
    L = arrays.read(L, "L", xp, axis, channels=1, check_values=False)
    ab = arrays.read(ab, "ab", xp, axis, channels=2, check_values=False)
    return xp.concatenate([L, ab], axis)


def ab(rgb: Any) -> Any:
    """a and b of sRGB colors, float32 with a channel axis of two; takes what `rgb_to_lab` takes.

    >>> ab(np.uint8([[255, 0, 0]])).round().astype(int).tolist()
    [[80, 67]]
    """
    return split(rgb_to_lab(rgb))[1]


def L(rgb: Any) -> Any:
    """L of sRGB colors, float32 with a channel axis of one; takes what `rgb_to_lab` takes.

    >>> L(np.uint8([[255, 0, 0]])).round().astype(int).tolist()
    [[53]]
    """
    xp, axis = arrays.kind(rgb)

    def convert(v):
        [y] = _mix(_FROM_LIGHT[1:2], arrays.channels(_light_of(v, xp), axis))
        return 116 * response(y, xp) - 16

    return arrays.in_blocks(convert, arrays.read(rgb, "rgb", xp, axis), xp)


def within_gamut(L: Any, ab: Any) -> Any:
    """ab that sRGB holds at this L: chroma shrinks where it must, L and the hue angle stay.

    L and ab as in `with_ab`. Colors that sRGB holds, but for what 8 bits hide, come back as they
    are. Where L is black or white, ab becomes 0.

    >>> pale, blue = np.float32([[95.0]]), np.float32([[0.0, -60.0]])
    >>> within_gamut(pale, blue).round(1).tolist()
    [[0.0, -7.5]]
    """
    xp, axis = arrays.kind(L)

    def shrink(lab):
        L, ab = arrays.cut(lab, axis, 0, 1), arrays.cut(lab, axis, 1, 3)
        inside = _holds(*arrays.channels(lab, axis), xp)
        if xp is not np:
            share = xp.where(inside, 1.0, _share(*arrays.channels(lab, axis), xp))
            return xp.concatenate([L, share * ab], axis)
        shrunk, rows = lab.copy(), np.flatnonzero(~inside)  # few, as a rule
        shrunk[rows, 1:] *= _share(*arrays.channels(lab[rows], axis), xp)
        return shrunk

    return split(arrays.in_blocks(shrink, join(L, ab), xp))[1]


def with_ab(L: Any, ab: Any) -> Any:
    """sRGB values in [0, 1] of an L with a channel axis of one and an ab of two, of one kind.

    Colors that sRGB does not hold are clipped, which moves L too: see `within_gamut`.

    >>> red = np.uint8([[255, 0, 0]])
    >>> (255 * with_ab(L(red), 0 * ab(red))).round().astype(int).tolist()  # its gray
    [[127, 127, 127]]
    """
    return lab_to_rgb(join(L, ab))


_LIGHT_OF_BYTE = decode_srgb(np.arange(256) / 255, np).astype(np.float32)
