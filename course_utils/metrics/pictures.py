"""Measures of one picture against the truth.

One picture (H, W, 3) gives a float, a batch (N, H, W, 3) or a list of pictures of any sizes gives
an array (N,). Pictures are sRGB, channels last, uint8 or floats in [0, 1]. Two pictures to compare
have the same shape and the same kind of numbers.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import color

Pictures: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]
Values: TypeAlias = Any  # a float for one picture, an array (N,) for several

SSIM_WINDOW = 7  # pixels a side, uniform; a Gaussian of σ = 1.5 gives gray pictures .003 more
SLACK = 1e-3  # floats may leave [0, 1] by this much, as in `color`: resizing does that
THRESHOLDS = np.arange(151)  # Zhang et al. 2016: distances in ab from 0 to 150


class Picture:
    """One picture, and its Lab once it was asked for: measures share the conversion.

    rgb: (H, W, 3), uint8 or floats in [0, 1]. name: how an error calls it.
    Raises ValueError, with one sentence, for anything else.
    """

    def __init__(self, rgb: ArrayLike, name: str = "rgb") -> None:
        self.rgb = x = np.asarray(rgb)
        if x.ndim != 3 or x.shape[-1] != 3 or x.size == 0:
            raise ValueError(
                f"{name} has a picture of shape {x.shape}; a picture is (H, W, 3), channels last."
            )
        if x.dtype == np.uint8:
            return
        if x.dtype.kind != "f":
            raise ValueError(f"{name} holds {x.dtype}; give uint8, or floats in [0, 1].")
        if not (x.min() >= -SLACK and x.max() <= 1 + SLACK):  # written so that NaN is refused too
            raise ValueError(
                f"{name} spans {x.min():g} to {x.max():g}; floats must lie in [0, 1]: "
                "divide by 255, or clip what a network gives."
            )

    @property
    def unit(self) -> NDArray[np.float64]:
        """The picture as float64 in [0, 1]."""
        return self.rgb / 255.0 if self.rgb.dtype == np.uint8 else self.rgb.astype(np.float64)

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """The picture in CIELAB, (H, W, 3)."""
        return color.rgb_to_lab(self.rgb)

    @property
    def ab(self) -> NDArray[np.float32]:
        """a and b, (H, W, 2)."""
        return self.lab[..., 1:]


def as_picture(rgb: ArrayLike | Picture, name: str = "rgb") -> Picture:
    """A picture that may be a `Picture` already; then its Lab is shared."""
    return rgb if isinstance(rgb, Picture) else Picture(rgb, name)


def check_pair(truth: Picture, hat: Picture) -> None:
    """Raise ValueError where two pictures cannot be compared."""
    if truth.rgb.shape != hat.rgb.shape:
        raise ValueError(
            f"rgb is {truth.rgb.shape} and rgb_hat {hat.rgb.shape}; resize one to the other first."
        )
    if (truth.rgb.dtype == np.uint8) != (hat.rgb.dtype == np.uint8):
        raise ValueError(
            "One of rgb and rgb_hat is uint8, the other float; give both as uint8 or both as float."
        )


def each_pair(
    measure: Callable[[Picture, Picture], float], rgb: Pictures, rgb_hat: Pictures
) -> Values:
    """measure(truth, hat) as a float for one pair of pictures, (N,) for a batch or a list."""

    def one(x: ArrayLike, y: ArrayLike) -> float:
        truth, hat = Picture(x), Picture(y, "rgb_hat")
        check_pair(truth, hat)
        return measure(truth, hat)

    if getattr(rgb, "ndim", 0) == 3:
        return float(one(rgb, rgb_hat))
    if len(rgb) != len(rgb_hat):
        raise ValueError(f"Batches of {len(rgb)} and {len(rgb_hat)} pictures cannot be compared.")
    return np.array([one(x, y) for x, y in zip(rgb, rgb_hat, strict=True)], np.float64)


def psnr(rgb: Pictures, rgb_hat: Pictures) -> Values:
    """Peak signal-to-noise ratio in dB over R, G and B together, peak 1: 10 log10(1 / MSE).

    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,). Infinite for identical
    pictures, and only for them.

    The mean of these values is not the PSNR of the pooled MSE: it is never below it, and 2 to 3 dB
    above it on photographs. For the pooled one, give the batches as one tall picture,
    `psnr(np.concatenate(rgb), np.concatenate(rgb_hat))`, and say so beside the number.

    >>> truth = np.zeros((4, 4, 3))
    >>> round(psnr(truth, truth + 0.1), 6)
    20.0
    """
    return each_pair(psnr_of, rgb, rgb_hat)


def psnr_of(truth: Picture, hat: Picture) -> float:
    """See `psnr`."""
    error = np.abs(truth.unit - hat.unit)
    largest = error.max()
    if largest == 0:
        return np.inf
    relative = np.square(error / largest).mean()  # the square of a tiny error would be 0
    return float(-20 * np.log10(largest) - 10 * np.log10(relative))


def ssim(rgb: Pictures, rgb_hat: Pictures) -> Values:
    """Structural similarity in [-1, 1], mean over R, G, B and all windows; 1 when identical.

    Wang et al. 2004 as in `skimage.metrics.structural_similarity`: data_range 1, uniform window
    of 7×7 pixels, sample covariance, K1 = .01, K2 = .03. Pictures are at least 7×7.
    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,).
    """
    return each_pair(ssim_of, rgb, rgb_hat)


def ssim_of(truth: Picture, hat: Picture) -> float:
    """See `ssim`."""
    from skimage.metrics import structural_similarity

    height, width = truth.rgb.shape[:2]
    if min(height, width) < SSIM_WINDOW:
        raise ValueError(
            f"rgb is {height}×{width}; SSIM needs {SSIM_WINDOW} pixels a side or more."
        )
    # Without data_range, floats were once taken to span 2, and every value was too high.
    options: dict[str, Any] = {"win_size": SSIM_WINDOW, "data_range": 1.0, "channel_axis": -1}
    return float(structural_similarity(truth.unit, hat.unit, **options))  # type: ignore[arg-type]


def delta_e(rgb: Pictures, rgb_hat: Pictures) -> Values:
    """Mean color difference ΔE00 (CIEDE2000, CIE 142:2001); about 1 is just noticeable.

    Takes RGB as `psnr` does and converts to CIELAB (D65) itself, so it judges what a screen can
    show: what left the gamut has been clipped before.
    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,).
    """
    return each_pair(delta_e_of, rgb, rgb_hat)


def delta_e_of(truth: Picture, hat: Picture) -> float:
    """See `delta_e`."""
    from skimage.color import deltaE_ciede2000

    return float(deltaE_ciede2000(truth.lab, hat.lab).mean())


def ab_error(rgb: Pictures, rgb_hat: Pictures) -> Values:
    """Mean distance of a pixel's ab from the truth's, ‖ab - ab_hat‖, in CIELAB units; 0 when equal.

    Unlike ΔE it leaves L out: what it counts is color alone.
    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,).
    """
    return each_pair(ab_error_of, rgb, rgb_hat)


def ab_error_of(truth: Picture, hat: Picture) -> float:
    """See `ab_error`."""
    return float(np.hypot(*np.moveaxis(truth.ab - hat.ab, -1, 0)).mean())


def colorfulness(rgb: Pictures) -> Values:
    """Colorfulness M3 of Hasler & Süsstrunk 2003, in units of 0..255; 0 for a gray picture.

    √(σ_rg² + σ_yb²) + 0.3 √(μ_rg² + μ_yb²) with rg = R − G and yb = (R + G)/2 − B. Both are
    *signed*: taking their absolute value folds red onto green, and mostly loses color.
    rgb: a picture (H, W, 3), or a batch. Returns a float, or (N,).

    >>> round(colorfulness(np.uint8([[[255, 0, 0]]])), 1)  # rg is 255 and yb 127.5 everywhere
    85.5
    """
    if getattr(rgb, "ndim", 0) == 3:
        return colorfulness_of(Picture(rgb))
    return np.array([colorfulness_of(Picture(x)) for x in rgb], np.float64)


def colorfulness_of(picture: Picture) -> float:
    """See `colorfulness`."""
    r, g, b = np.moveaxis(255 * picture.unit, -1, 0)
    rg, yb = r - g, (r + g) / 2 - b
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def accuracy_curve(
    ab: ArrayLike, ab_hat: ArrayLike, thresholds: ArrayLike = THRESHOLDS
) -> tuple[NDArray[np.float64], Values]:
    """Share of pixels whose ab lies within each distance of the truth, and the area under it.

    Zhang et al. 2016, without their class rebalancing. Every picture weighs the same.
    ab, ab_hat: (H, W, 2) or (N, H, W, 2) in CIELAB units, channels last.
    thresholds: increasing distances in ab.
    Returns (shares, area): shares (len(thresholds),) in [0, 1], the mean over pictures; area the
    trapezoid under each picture's curve over the range of the thresholds, in [0, 1]: a float for
    one picture, (N,) for a batch. Their mean is the number to print.
    """
    ab, ab_hat = np.asarray(ab, np.float64), np.asarray(ab_hat, np.float64)
    thresholds = np.asarray(thresholds, np.float64)
    if ab.shape != ab_hat.shape or ab.ndim not in (3, 4) or ab.shape[-1] != 2 or ab.size == 0:
        raise ValueError(
            f"ab is {ab.shape} and ab_hat {ab_hat.shape}; both must be (H, W, 2) or (N, H, W, 2)."
        )
    if not (np.isfinite(ab).all() and np.isfinite(ab_hat).all()):
        raise ValueError("ab or ab_hat holds a NaN or an infinity; look where the network made it.")
    if thresholds.ndim != 1 or len(thresholds) < 2 or not (np.diff(thresholds) > 0).all():
        raise ValueError("thresholds must be two or more increasing distances.")
    distance = np.hypot(*np.moveaxis(ab - ab_hat, -1, 0)).reshape(-1, ab.shape[-3] * ab.shape[-2])
    curves = np.array(
        [np.searchsorted(np.sort(d), thresholds, side="right") / d.size for d in distance]
    )
    middles, steps = (curves[:, 1:] + curves[:, :-1]) / 2, np.diff(thresholds)
    area = middles @ steps / steps.sum()
    return curves.mean(axis=0), float(area[0]) if ab.ndim == 3 else area


def accuracy_of(truth: Picture, hat: Picture) -> float:
    """The area under `accuracy_curve` of one picture, from what a screen shows."""
    return float(accuracy_curve(truth.ab, hat.ab)[1])
