"""Arrays of numpy, Keras and torch: whose they are, whether they can be meant, their channels."""

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
    if xp is np and check_values:
        low, high = x.min(initial=0), x.max(initial=0)
        if not np.isfinite([low, high]).all():
            raise ValueError(f"{name} holds NaN or infinity: mend or drop those pixels.")
        if name == "rgb" and (low < -SLACK or high > 1 + SLACK):
            raise ValueError(
                f"rgb runs from {low:g} to {high:g}, but floats must lie in 0..1: "
                "divide a picture in 0..255 by 255."
            )
    return _float32(x, xp)


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
