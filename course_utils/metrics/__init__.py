"""How good is a colored picture? Measures, their intervals, and rows that carry their protocol.

`pictures` measures one picture against the truth, `sets` whole sets, `intervals` says how sure a
number is; `registry` is the one list of metrics, and `report` makes tables of it.
"""

from course_utils.metrics.intervals import bootstrap, crossed, holm, wilson
from course_utils.metrics.pictures import (
    Picture,
    ab_error,
    accuracy_curve,
    colorfulness,
    delta_e,
    psnr,
    ssim,
)
from course_utils.metrics.recolor import paint_gray, paint_mean, repaint
from course_utils.metrics.registry import METRICS, Metric, each
from course_utils.metrics.report import baselines, blocks, report, table
from course_utils.metrics.sets import frechet_distance, inception_score

__all__ = [
    "METRICS",
    "Metric",
    "Picture",
    "ab_error",
    "accuracy_curve",
    "baselines",
    "blocks",
    "bootstrap",
    "colorfulness",
    "crossed",
    "delta_e",
    "each",
    "frechet_distance",
    "holm",
    "inception_score",
    "paint_gray",
    "paint_mean",
    "psnr",
    "repaint",
    "report",
    "ssim",
    "table",
    "wilson",
]
