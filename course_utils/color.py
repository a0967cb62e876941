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

_SLACK = 1e-3  # float pictures may leave [0, 1] by this much: resizing does that
_BLOCK = 2**16  # pixels that a CPU converts at a time: intermediate results stay in its cache


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


def _light_to_lab(light, xp, axis):
    x, y, z = (response(t, xp) for t in _mix(_FROM_LIGHT, _channels(light, axis)))
    return xp.concatenate([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis)


def _lab_to_light(lab, xp, axis):
    L, a, b = _channels(lab, axis)
    y = (L + 16) / 116
    x = y + a / 500
    z = xp.clip(y - b / 200, 0.0, math.inf)  # like scikit-image; only colors beyond sRGB get here
    return xp.concatenate(_mix(_TO_LIGHT, [inverse_response(f, xp) for f in (x, y, z)]), axis)


# The public functions.


def rgb_to_lab(rgb: Any) -> Any:
    """CIELAB of sRGB colors: L* in 0..100, a* in -86.2..98.3, b* in -107.9..94.5, float32.

    rgb: uint8 in 0..255 or float in [0, 1], shape (..., 3), in torch (..., 3, H, W). Raises
    ValueError for other integers, for other than 3 channels, and, in numpy only because a tensor's
    values may not be known yet, for NaN and for floats more than 0.001 beyond [0, 1].

    >>> rgb_to_lab(np.uint8([[255, 0, 0]])).round().astype(int).tolist()  # red
    [[53, 80, 67]]
    """
    xp, axis = _kind(rgb)
    rgb = _read(rgb, "rgb", xp, axis)

    def convert(v):
        light = _LIGHT_OF_BYTE[v] if v.dtype == np.uint8 else decode_srgb(v, xp)
        return _light_to_lab(light, xp, axis)

    return _in_blocks(convert, rgb, xp)


def lab_to_rgb(lab: Any, clip: bool = True) -> Any:
    """sRGB values of CIELAB colors, float32, in [0, 1] if `clip`.

    lab: float, shape (..., 3), in torch (..., 3, H, W). With clip=False, colors that sRGB does not
    hold come back outside [0, 1]. As in scikit-image, b* acts no further once f(Z) reaches 0,
    which is far outside sRGB. Raises ValueError for uint8, for other than 3 channels, and, in
    numpy, for NaN and infinity.

    >>> (255 * lab_to_rgb(np.float32([[50, 0, 0]]))).round().astype(int).tolist()
    [[119, 119, 119]]
    """
    xp, axis = _kind(lab)
    lab = _read(lab, "lab", xp, axis)

    def convert(lab):
        rgb = encode_srgb(_lab_to_light(lab, xp, axis), xp)
        return xp.clip(rgb, 0.0, 1.0) if clip else rgb

    return _in_blocks(convert, lab, xp)


def in_gamut(lab: Any, tol: float = 1e-4) -> Any:
    """Whether sRGB holds each color: unclipped R, G and B lie in [-tol, 1 + tol].

    lab as in `lab_to_rgb`; the result is boolean and has no channel axis.
    """
    xp, axis = _kind(lab)
    rgb = lab_to_rgb(lab, clip=False)
    return xp.all((rgb >= -tol) & (rgb <= 1 + tol), axis)


def split(lab: Any) -> tuple[Any, Any]:
    """L with a channel axis of one, and ab with a channel axis of two."""
    xp, axis = _kind(lab)
    lab = _read(lab, "lab", xp, axis, check_values=False)
    return _cut(lab, axis, 0, 1), _cut(lab, axis, 1, 3)


def join(L: Any, ab: Any) -> Any:
    """Lab from L with a channel axis of one and ab with a channel axis of two.

    Raises ValueError when they are not of one kind or their channels are not 1 and 2.
    """
    xp, axis = _kind(L)
    if _kind(ab)[0] is not xp:
        raise ValueError(
            f"L is a {type(L).__name__} and ab a {type(ab).__name__}: convert one to the other."
        )
    L = _read(L, "L", xp, axis, channels=1, check_values=False)
    ab = _read(ab, "ab", xp, axis, channels=2, check_values=False)
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
    return split(rgb_to_lab(rgb))[0]


def with_ab(L: Any, ab: Any) -> Any:
    """sRGB values in [0, 1] of an L with a channel axis of one and an ab of two, of one kind.

    >>> red = np.uint8([[255, 0, 0]])
    >>> (255 * with_ab(L(red), 0 * ab(red))).round().astype(int).tolist()  # its gray
    [[127, 127, 127]]
    """
    return lab_to_rgb(join(L, ab))


# Reading the input.


def _kind(x):
    """The namespace that computes on x, and the channel axis; imports only what made x."""
    makers = {base.__module__.partition(".")[0] for base in type(x).__mro__}
    if "torch" in makers:
        import torch

        return torch, -3
    if makers & {"keras", "tensorflow"}:
        import keras

        return keras.ops, -1
    return np, -1


def _read(x, name, xp, axis, channels=3, check_values=True):
    """x as float32, or as uint8 where numpy has its table; one sentence if it cannot be meant."""
    x = np.asarray(x) if xp is np else x
    dtype = str(x.dtype)  # "float32", "torch.float32" or "<dtype: 'float32'>"
    shape = tuple(x.shape)
    if len(shape) < -axis or shape[axis] not in (channels, None):
        layout = f"(..., {channels}, H, W)" if axis == -3 else f"(..., {channels})"
        remedy = ": move the channels, drop alpha or repeat gray" if name == "rgb" else ""
        raise ValueError(f"{name} has shape {shape} but must have {layout}{remedy}.")
    if name == "rgb":
        if "uint8" in dtype:
            return x if xp is np else _float32(x, xp) / 255
        if "float" not in dtype:
            raise ValueError(f"rgb is {dtype}: give uint8 in 0..255 or float in 0..1.")
    elif "uint8" in dtype:
        raise ValueError(f"{name} is uint8, but a and b have signs: give float, with L in 0..100.")
    if xp is np and check_values:
        low, high = x.min(initial=0), x.max(initial=0)
        if not np.isfinite([low, high]).all():
            raise ValueError(f"{name} holds NaN or infinity: mend or drop those pixels.")
        if name == "rgb" and (low < -_SLACK or high > 1 + _SLACK):
            raise ValueError(
                f"rgb runs from {low:g} to {high:g}, but floats must lie in 0..1: "
                "divide a picture in 0..255 by 255."
            )
    return _float32(x, xp)


def _float32(x, xp):
    if xp is np:
        return x.astype(np.float32, copy=False)
    return x.float() if xp.__name__ == "torch" else xp.cast(x, "float32")


def _cut(x, axis, start, stop):
    """Channels start..stop-1; the channel axis stays."""
    return x[(..., slice(start, stop), *[slice(None)] * (-1 - axis))]


def _channels(x, axis):
    return [_cut(x, axis, i, i + 1) for i in range(3)]


def _in_blocks(convert, x, xp):
    """convert(x), on a CPU block by block; Keras leaves such things to TensorFlow."""
    if xp is np:
        pixels = x.reshape(-1, 3)
        out = np.empty(pixels.shape, np.float32)
        for i in range(0, len(pixels), _BLOCK):
            out[i : i + _BLOCK] = convert(pixels[i : i + _BLOCK])
        return out.reshape(x.shape)
    if xp.__name__ == "torch" and x.device.type == "cpu" and x.ndim > 3:
        pictures = max(1, _BLOCK // max(1, x.shape[-2] * x.shape[-1]))
        blocks = x.flatten(0, -4).split(pictures)
        return xp.concatenate([convert(block) for block in blocks]).reshape(x.shape)
    return convert(x)


_LIGHT_OF_BYTE = decode_srgb(np.arange(256) / 255, np).astype(np.float32)
