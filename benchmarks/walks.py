"""What a photograph and a training state cost on their way through the package, counted.

    python -m benchmarks.walks

Counted are files read from beginning to end, conversions between sRGB and Lab, and copies of a
model's arrays. No number here depends on the machine.

A photograph, `photos.load(folder)`: `mapped` asks the cache for each stage, and where it has
nothing, calls a function for each file, in threads. `describe` reads and hashes it and, where no
split is published, decodes it for `is_test`, which decides the split. The chosen ones' pixels are
decoded from the same bytes, which `load` has kept as far as HELD allows.

An answer, `experiments.judging.judge` and `leaderboard.on_photographs`: `Colorizer.colorize`
converts to L and, with the answer, back; `metrics.each` puts a `Picture` around the result, which
converts once for all metrics. The truth's `Picture` is made once and serves every row and
`repaint`.

A training state, `training.fit_keras`: after an epoch `_keep_keras` takes all variables as arrays
and `np.savez` writes them through `files.write`; a continued run's `_restore_keras` reads the
newest file and assigns each array once.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from course_utils import color, colorizer, leaderboard, paintbox, photos, training
from experiments.judging import judge

FILES, PICTURES = 30, 4


@contextmanager
def counted(*functions: tuple[Any, str]):
    """A list that grows by one whenever one of the functions, (owner, name), is called."""
    calls: list[str] = []

    def counting(real: Callable) -> Callable:
        def call(*args, **options):
            calls.append(real.__name__)
            return real(*args, **options)

        return call

    with ExitStack() as stack:
        for owner, name in functions:
            real = getattr(owner, name)
            stack.enter_context(mock.patch.object(owner, name, counting(real)))
        yield calls


def reads() -> dict[str, int]:
    """Whole-file reads of `photos.load` for FILES scenes as PNG: first, again, and larger."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        album = Path(folder, "album")
        album.mkdir()
        for i, rgb in enumerate(paintbox.sample(FILES, 64, 1).rgb):
            Image.fromarray(np.round(255 * rgb).astype(np.uint8)).save(album / f"{i}.png")
        with mock.patch.dict(os.environ, COURSE_CACHE=folder):
            for what, size in (("first time", 64), ("again", 64), ("another size", 32)):
                with counted((Path, "read_bytes")) as calls:
                    photos.load(album, size=size)
                found[f"whole-file reads, {FILES} files, {what}"] = len(calls)
    return found


def conversions() -> dict[str, float]:
    """Conversions to Lab and back, for each photograph."""
    rgb = np.round(255 * paintbox.sample(PICTURES, 64, 1).rgb).astype(np.uint8)
    model = colorizer.Colorizer.load(colorizer.names()[0])

    def measured(n):
        models = {f"{i}": model for i in range(n)}
        leaderboard.on_photographs(models, rgb, "scenes", references=False)

    def judged(n):
        judge(rgb, {f"{i}": model.colorize for i in range(n)})

    def count(run: Callable[[int], None], n: int) -> float:
        with counted((color, "rgb_to_lab"), (color, "lab_to_rgb")) as calls:
            run(n)
        return len(calls) / PICTURES

    return {
        "Lab conversions, leaderboard, one more model": count(measured, 2) - count(measured, 1),
        "Lab conversions, judge, one model": count(judged, 1),
        "Lab conversions, judge, one more model": count(judged, 2) - count(judged, 1),
    }


def copies() -> dict[str, float]:
    """Copies of each of a Keras model's arrays when its state is kept, and when it is restored."""
    import keras

    def model():
        made = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8), keras.layers.Dense(1)])
        made.compile(optimizer="adam", loss="mse")
        return made

    variable = type(model().variables[0])
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for what in ("kept", "restored"):
            kept = model()
            training._keras_variables(kept)
            with counted((variable, "numpy"), (variable, "assign")) as calls:
                if what == "kept":
                    training._keep_keras(kept, [{}], folder, {})
                else:
                    training._restore_keras(kept, folder, {})
            arrays = len(training._keras_variables(kept))
            found[f"copies of an array, Keras state {what}"] = len(calls) / arrays
    return found


def main() -> None:
    for what, number in (reads() | conversions() | copies()).items():
        print(f"{what:50}{number:6.3g}")


if __name__ == "__main__":
    main()
