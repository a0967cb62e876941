"""The zero baseline and its like: a picture's own L with colors that need no network."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import color
from course_utils.metrics.pictures import Picture, as_picture


def repaint(
    rgb: ArrayLike | Picture, recolor: Callable[[NDArray[np.float32]], ArrayLike]
) -> NDArray[Any]:
    """A picture (H, W, 3) with its true L and other colors, in the kind of numbers it came in.

    rgb: the picture, or a `Picture`, whose Lab is then shared.
    recolor: function of its ab (H, W, 2) in CIELAB units, gives what broadcasts to that shape.
        What leaves the gamut is clipped, and that moves L as well.
    """
    picture = as_picture(rgb)
    L, ab = color.split(picture.lab)
    painted = color.with_ab(L, np.broadcast_to(recolor(ab), ab.shape))
    return np.round(255 * painted).astype(np.uint8) if picture.rgb.dtype == np.uint8 else painted


def paint_gray(rgb: ArrayLike | Picture) -> NDArray[Any]:
    """A picture (H, W, 3) with its true L and ab = 0: the row that every model must beat."""
    # The white point's rounded digits leave R, G and B 1e-5 apart; rounding could split them.
    return np.repeat(repaint(rgb, np.zeros_like)[..., 1:2], 3, axis=-1)


def paint_mean(rgb: ArrayLike | Picture) -> NDArray[Any]:
    """A picture (H, W, 3) with its true L and its own mean ab: it uses the answer, two numbers."""
    return repaint(rgb, lambda ab: ab.mean(axis=(0, 1)))
