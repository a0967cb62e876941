"""Judge colorizers on photographs, beside gray and each photograph's own mean."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import metrics, progress
from experiments.data import JUDGED_ON, test_sets


def judge(
    rgb: NDArray[np.uint8],
    models: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]],
    data: str = JUDGED_ON,
) -> dict[str, Any]:
    """A table of colorizers beside gray and own mean, and what each gains over gray.

    rgb: photographs (N, H, W, 3), uint8. models: {name: function from one to its colored copy}.
    Returns {"data", "n_test", "table": rows of `metrics.report`, "gain": {name: [mean, low, high]},
    "psnr": {name: (N,) values, "gray" among them}}. A gain is in dB of PSNR, paired by photograph.
    """
    truths = [metrics.Picture(x) for x in rgb]  # every row shares their Lab
    rows = {
        "gray": metrics.paint_gray,
        "own mean ab (uses the answer)": metrics.paint_mean,
    } | {name: lambda x, colorize=colorize: colorize(x.rgb) for name, colorize in models.items()}
    table, psnr = [], {}
    for name, paint in rows.items():
        hats = [paint(x) for x in progress.bar(truths, name)]
        table.append(metrics.report(truths, hats, name=name, data=data))
        if name == "gray" or name in models:
            psnr[name] = metrics.psnr(rgb, hats)
    gain = {name: list(metrics.bootstrap(psnr[name] - psnr["gray"])) for name in models}
    values = {name: np.round(x, 3).tolist() for name, x in psnr.items()}
    return {"data": data, "n_test": len(rgb), "table": table, "gain": gain, "psnr": values}


def on_test_sets(
    models: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]],
) -> dict[str, Any]:
    """{name of a set: what `judge` finds there, and the size in pixels}."""
    return {
        name: judge(rgb, models, words) | {"size": rgb.shape[1]}
        for name, (words, rgb) in test_sets().items()
    }
