"""Rows of a table that carry their protocol: what was measured, on what, how, and how sure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import photos
from course_utils.metrics.intervals import bootstrap
from course_utils.metrics.pictures import SSIM_WINDOW, Picture, Pictures, as_picture
from course_utils.metrics.recolor import paint_gray, paint_mean
from course_utils.metrics.registry import METRICS, each

WIDTH = 3  # columns with intervals that stand beside each other on a page


def report(
    rgb: Pictures | Sequence[Picture],
    rgb_hat: Pictures,
    *,
    name: str,
    data: str,
    n_resamples: int = 2000,
    seed: int = 1,
) -> dict[str, Any]:
    """One row of a table.

    rgb, rgb_hat: as in `each`, N pictures of 2 or more. name: the model; data: which pictures, in
    words. Returns a plain dict for json. Each key of METRICS is [mean, low, high]; psnr is None
    when a picture is identical to its truth, because the mean is then infinite. The rest is the
    protocol; `near_gray` counts the photographs that are gray themselves and should be left out:
    they are worth decibels.
    """
    truths = [as_picture(x) for x in rgb]
    measured = each(truths, rgb_hat, name)
    sizes = {f"{x.rgb.shape[0]}x{x.rgb.shape[1]}" for x in truths}
    chromas = (np.hypot(*np.moveaxis(x.ab, -1, 0)).mean() for x in truths)
    row: dict[str, Any] = {
        "name": name,
        "data": data,
        "n": len(truths),
        "near_gray": sum(bool(chroma < photos.GRAY_CHROMA) for chroma in chromas),
        "size": sizes.pop() if len(sizes) == 1 else "mixed",
        "space": "sRGB",
        "data_range": 1.0,
        "average": "mean of per-image values",
        "ssim_window": f"uniform {SSIM_WINDOW}x{SSIM_WINDOW}",
        "interval": f"95 % percentile bootstrap, {n_resamples} resamples, seed {seed}",
    }
    for key, values in measured.items():
        identical = np.isinf(values).any()
        row[key] = None if identical else list(bootstrap(values, n_resamples, seed))
    return row


def baselines(rgb: Pictures, **protocol: Any) -> list[dict[str, Any]]:
    """The two rows that stand above every model: gray, and each picture's own mean ab.

    rgb: as in `report`, and so is `protocol`: data, and perhaps n_resamples and seed.
    """
    rows = {"gray": paint_gray, "own mean ab (uses the answer)": paint_mean}
    truths = [Picture(x) for x in rgb]
    return [
        report(truths, [paint(x) for x in truths], name=name, **protocol)
        for name, paint in rows.items()
    ]


def cell(interval: Sequence[float] | None, digits: int) -> str:
    """[mean, low, high] as text, "25.48 [25.11, 25.84]"; None is infinite."""
    if interval is None:
        return "inf"
    mean, low, high = (f"{value:.{digits}f}" for value in interval)
    return f"{mean} [{low}, {high}]"


def blocks(titles: Sequence[str], lines: dict[str, list[str]], width: int = WIDTH) -> str:
    """Aligned text of rows {name: texts}, in blocks of `width` columns; empty columns are left out.

    A row that has nothing to say in a block is left out of it.
    """
    shown = [i for i in range(len(titles)) if any(line[i] for line in lines.values())]
    texts = []
    for start in range(0, len(shown), width):
        part = shown[start : start + width]
        rows = [["", *(titles[i] for i in part)]]
        rows += [
            [name, *(line[i] for i in part)]
            for name, line in lines.items()
            if any(line[i] for i in part)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        texts.append("\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows))
    return "\n\n".join(texts)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of `report` as aligned text, those that share a protocol under one line that says it."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        protocol = (
            f"{row['n']} pictures ({row['near_gray']} near gray) of {row['data']}, {row['size']}, "
            f"{row['space']}, data range {row['data_range']:g}\n"
            f"{row['average']} [{row['interval']}]; SSIM window {row['ssim_window']}"
        )
        groups.setdefault(protocol, []).append(row)
    texts = []
    for protocol, group in groups.items():
        lines = {
            row["name"]: [
                cell(row[key], metric.digits) if key in row else ""
                for key, metric in METRICS.items()
            ]
            for row in group
        }
        texts.append(f"{protocol}\n{blocks([m.title for m in METRICS.values()], lines)}")
    return "\n\n".join(texts)
