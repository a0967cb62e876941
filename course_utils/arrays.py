"""Arrays of numpy, Keras and torch: whose they are, whether they can be meant, their channels."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

SLACK = 1e-3  # float pictures may leave [0, 1] by this much: resizing does that
BLOCK = 2**16  # pixels that a CPU converts at a time: intermediate results stay in its cache


def kind(x: Any) -> tuple[Any, int]:
    """The namespace that computes on x, and the channel axis; imports only what made x."""
    makers = {base.__module__.partition(".")[0] for base in type(x).__mro__}
    if "torch" in makers:
        import torch

        return torch, -3
    if makers & {"keras", "tensorflow"}:
        import keras

        return keras.ops, -1
    return np, -1


def read(
    x: Any, name: str, xp: Any, axis: int, channels: int = 3, check_values: bool = True
) -> Any:
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
    known = _ends(x, xp) if check_values else None
    if known:
        low, high = known
        slack = SLACK if xp is np else 1.0  # what a network gives may leave [0, 1] on its way
        if xp is np and not np.isfinite(known).all():
            raise ValueError(f"{name} holds NaN or infinity: mend or drop those pixels.")
        if name == "rgb" and (low < -slack or high > 1 + slack):
            raise ValueError(
                f"rgb runs from {low:g} to {high:g}, but floats must lie in 0..1: "
                "divide a picture in 0..255 by 255."
            )
        if name == "lab" and high <= 1 and _is_scaled(cut(x, axis, 0, 1), xp):
            warnings.warn(
                "No L is above 1, as if it were divided by 100: lab must be in CIELAB units.",
                stacklevel=3,
            )
    return _float32(x, xp)


def _ends(x, xp):
    """Lowest and highest value, 0 where there are none; None while they are not known yet."""
    if xp is np:
        return float(x.min(initial=0)), float(x.max(initial=0))
    if xp.__name__ != "torch":
        return (float(xp.min(x)), float(xp.max(x))) if hasattr(x, "numpy") and xp.size(x) else None
    if x.device.type == "meta" or xp.compiler.is_compiling() or xp.jit.is_tracing():
        return None
    return tuple(float(end) for end in x.detach().aminmax()) if x.numel() else None


def _is_scaled(L, xp):
    """Whether this L, nowhere above 1, is L / 100 and not a picture that is nearly black."""
    return math.prod(L.shape) >= 64 and 0.3 < float(xp.mean(_float32(L, xp))) <= 1


def _float32(x, xp):
    if xp is np:
        return x.astype(np.float32, copy=False)
    return x.float() if xp.__name__ == "torch" else xp.cast(x, "float32")


def cut(x: Any, axis: int, start: int, stop: int) -> Any:
    """Channels start..stop-1; the channel axis stays."""
    return x[(..., slice(start, stop), *[slice(None)] * (-1 - axis))]


def channels(x: Any, axis: int) -> tuple[Any, Any, Any]:
    """The three channels; the channel axis stays."""
    return cut(x, axis, 0, 1), cut(x, axis, 1, 2), cut(x, axis, 2, 3)


def in_blocks(convert: Callable[[Any], Any], x: Any, xp: Any) -> Any:
    """convert(x), on a CPU block by block; Keras leaves such things to TensorFlow."""
    if xp is np:
        pixels = x.reshape(-1, 3)
        out = np.empty((len(pixels), convert(pixels[:0]).shape[-1]), np.float32)
        for i in range(0, len(pixels), BLOCK):
            out[i : i + BLOCK] = convert(pixels[i : i + BLOCK])
        return out.reshape(*x.shape[:-1], out.shape[-1])
    if xp.__name__ == "torch" and x.device.type == "cpu" and x.ndim > 3:
        pictures = max(1, BLOCK // max(1, x.shape[-2] * x.shape[-1]))
        blocks = x.flatten(0, -4).split(pictures)
        return xp.concatenate([convert(block) for block in blocks]).unflatten(0, x.shape[:-3])
    return convert(x)
