"""The one list of metrics: what the leaderboard, the report and the tables measure and show.

A metric is a line here, its function, and its test. Nothing else names it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_utils import progress
from course_utils.metrics import pictures
from course_utils.metrics.pictures import Picture, Pictures


class Metric(NamedTuple):
    """A measure of one picture against the truth."""

    title: str  # of its column
    digits: int  # that a table shows
    better: int  # 1: larger is better, -1: smaller is better, 0: it describes, and ranks nobody
    measure: Callable[[Picture, Picture], float]  # of the truth and the predicted picture


def _gap(truth: Picture, hat: Picture) -> float:
    return abs(pictures.colorfulness_of(hat) - pictures.colorfulness_of(truth))


def _near(truth: Picture, hat: Picture) -> float:
    """The share of pixels whose ab lies within 10 units of the truth."""
    return float((np.hypot(*np.moveaxis(truth.ab - hat.ab, -1, 0)) <= 10).mean())


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR dB", 2, 1, pictures.psnr_of),
    "ssim": Metric("SSIM", 3, 1, pictures.ssim_of),
    "delta_e": Metric("ΔE00", 2, -1, pictures.delta_e_of),
    "ab_error": Metric("ab error", 2, -1, pictures.ab_error_of),
    "colorfulness": Metric("colorfulness", 1, 0, lambda _, hat: pictures.colorfulness_of(hat)),
    "colorfulness_truth": Metric(
        "of the truth", 1, 0, lambda truth, _: pictures.colorfulness_of(truth)
    ),
    "gap": Metric("colorfulness gap", 1, -1, _gap),
    "area": Metric("accuracy area", 3, 1, pictures.accuracy_of),
    "near": Metric("within 10 ab", 3, 1, _near),
}


def each(
    rgb: Pictures | Sequence[Picture], rgb_hat: Pictures, name: str = ""
) -> dict[str, NDArray[np.float64]]:
    """{key of METRICS: (N,)}, one value for each picture.

    rgb, rgb_hat: truth and result, batches (N, H, W, 3) or lists of N pictures; the truth may be a
    list of `Picture`, so that several models share its Lab. name: what the progress bar says.
    Raises ValueError for batches of different lengths and for pictures that cannot be compared.
    """
    if len(rgb) != len(rgb_hat):
        raise ValueError(f"rgb has {len(rgb)} pictures and rgb_hat {len(rgb_hat)}.")
    rows = []
    for x, y in progress.bar(zip(rgb, rgb_hat, strict=True), name, len(rgb)):
        truth = pictures.as_picture(x)
        hat = Picture(y, "rgb_hat")
        pictures.check_pair(truth, hat)
        rows.append([metric.measure(truth, hat) for metric in METRICS.values()])
    columns = np.array(rows, np.float64).reshape(-1, len(METRICS)).T
    return dict(zip(METRICS, columns, strict=True))
