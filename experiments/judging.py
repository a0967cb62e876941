"""What `make train` runs, and lessons run in small: training that can be interrupted, and judging.

The maintainers' run needs photographs that the course does not carry; `shared` finds them.
"""

import json
import os
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from course_utils import course, metrics, photos

TRAINED_ON = "Intel Image Classification (six classes), COCO, birds, CQ100 and landscapes, in color"
TRAINED_ON_LICENCE = (
    "Intel: none stated by its publisher; COCO: CC BY, CC BY-SA or no known restrictions; birds: "
    "CC0; CQ100: CC BY, CC BY-SA, CC0 or public domain; landscapes: CC BY-SA 4.0 Nathan Bullock"
)
JUDGED_ON = "Intel test photographs, color only"


def train(model, data, epochs, rate, folder=None, measure=None):
    """Fit a compiled Keras model epoch by epoch; return one row (a dict) for every epoch.

    A row holds the epoch's number from 1, its loss, and the minutes that it took.

    data: function of the epoch's number from 0, gives what `model.fit` takes, for one epoch.
    rate: function of the epoch's number, gives its learning rate.
    folder: where the state after the last epoch is kept, `epoch_001.npz` and so on; a run that
        finds one there continues after it. None keeps nothing.
    measure: function of the model, gives a dict that joins the epoch's row.

    A run that was interrupted and continued gives what an uninterrupted one gives, as far as `data`
    depends on nothing but the number.
    """
    rows = _restore(model, folder) if folder else []
    silent = "PYTEST_CURRENT_TEST" in os.environ
    for number in range(len(rows), epochs):
        batches = data(number)
        model.optimizer.learning_rate = rate(number)
        begun = time.monotonic()
        with tqdm(total=len(batches), desc=f"epoch {number + 1}/{epochs}", disable=silent) as bar:
            history = model.fit(
                batches, verbose=0, shuffle=False, callbacks=[_advance(bar)]
            ).history
        row = {"epoch": number + 1, "loss": history["loss"][0]}
        row["minutes"] = round((time.monotonic() - begun) / 60, 2)
        rows.append(row | (measure(model) if measure else {}))
        if folder:
            _keep(model, rows, folder)
    return rows


def progress(items, what):
    """The items behind a tqdm bar that is silent under test."""
    return tqdm(items, desc=what, leave=False, disable="PYTEST_CURRENT_TEST" in os.environ)


def _advance(bar):
    """A Keras callback that moves a tqdm bar by one step a batch."""
    import keras

    def step(batch, logs):
        bar.set_postfix(loss=f"{logs['loss']:.5f}", refresh=False)
        bar.update()

    return keras.callbacks.LambdaCallback(on_train_batch_end=step)


def _variables(model):
    """Everything that training changes: weights, and the optimizer's moving averages and count."""
    model.optimizer.build(model.trainable_variables)
    return [*model.weights, *model.optimizer.variables]


def _keep(model, rows, folder):
    """Write the state after len(rows) epochs."""
    arrays = {f"v{i}": variable.numpy() for i, variable in enumerate(_variables(model))}
    _replace(folder, rows, ".npz", lambda file: np.savez(file, rows=json.dumps(rows), **arrays))


def _restore(model, folder):
    """Load the newest state into the model; return its rows, or [] where there is none."""
    newest = _newest(folder, ".npz")
    if newest is None:
        return []
    variables = _variables(model)
    with np.load(newest) as state:
        arrays = [state[f"v{i}"] for i in range(len(state.files) - 1)]
        rows = json.loads(str(state["rows"]))
    if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
        raise _other_model(newest)
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return rows


def keep_torch(folder, rows, **parts):
    """Write the state after len(rows) epochs of a training loop in torch.

    rows: a list of dicts, one for each epoch. parts: everything that training changes and that
    has a `state_dict`: module, optimizer, scheduler. `restore_torch` reads it. folder: None keeps
    nothing.
    """
    import torch

    if folder is None:
        return
    state = {name: part.state_dict() for name, part in parts.items()}
    _replace(folder, rows, ".pt", lambda file: torch.save({"rows": rows, "parts": state}, file))


def restore_torch(folder, **parts):
    """Load the newest state that `keep_torch` wrote into the parts, by name; return its rows.

    [] where there is none, or where folder is None.
    """
    import torch

    newest = None if folder is None else _newest(folder, ".pt")
    if newest is None:
        return []
    state = torch.load(newest, map_location="cpu", weights_only=True)
    try:
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
    except (KeyError, RuntimeError, ValueError):  # a part that is not there, or of other shapes
        raise _other_model(newest) from None
    return state["rows"]


def _replace(folder, rows, suffix, write):
    """Write a state in one step, a file is there whole or not at all; drop the older ones."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"epoch_{len(rows):03}{suffix}"
    half = target.with_suffix(".part")
    with open(half, "wb") as file:
        write(file)
    os.replace(half, target)
    for older in folder.glob(f"epoch_*{suffix}"):
        if older != target:
            older.unlink()


def _newest(folder, suffix):
    return max(Path(folder).glob(f"epoch_*{suffix}"), default=None)


def _other_model(state):
    return ValueError(
        f"{state.name} is of another model; move its folder {state.parent.name} away."
    )


def shared(name):
    """A folder of photographs that the maintainers' run needs and the course does not carry.

    It lies in `shared/data` beside the checkout, or in the folder that COURSE_SHARED_DATA names.
    Raises FileNotFoundError where it is missing.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("COURSE_SHARED_DATA", beside)) / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The photographs {name!r} are not here: put them into shared/data beside the "
            "checkout, or name their folder in COURSE_SHARED_DATA."
        )
    return folder


def photographs(size):
    """What the shipped colorizers learn from: color photographs (N, size, size, 3), uint8.

    Intel's six classes and `photos`, the training split of both, in one fixed random order.
    TRAINED_ON and TRAINED_ON_LICENCE say it in words.
    """
    folders = [shared(name) for name in ("intel", "photos")]
    rgb = np.concatenate([photos.load(f, "train", size, color_only=True) for f in folders])
    return rgb[np.random.default_rng(course.SEED).permutation(len(rgb))]


def judged_photographs(size=150):
    """What every shipped colorizer is judged on, JUDGED_ON in words: uint8 (N, size, size, 3)."""
    return photos.load(shared("intel"), "test", size, color_only=True)


def judge(rgb, models, data=JUDGED_ON):
    """A table of colorizers beside gray and own mean, and what each gains over gray.

    rgb: photographs (N, H, W, 3), uint8. models: {name: function from one to its colored copy}.
    Returns {"data", "n_test", "table": rows of `metrics.report`, "gain": {name: [mean, low, high]},
    "psnr": {name: (N,) values, "gray" among them}}. A gain is in dB of PSNR, paired by photograph.
    """
    table = metrics.baselines(rgb, data=data)
    psnr = {"gray": metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])}
    for name, colorize in models.items():
        hats = [colorize(x) for x in progress(rgb, name)]
        table.append(metrics.report(rgb, hats, name=name, data=data))
        psnr[name] = metrics.psnr(rgb, hats)
    gain = {name: list(metrics.bootstrap(psnr[name] - psnr["gray"])) for name in models}
    values = {name: np.round(x, 3).tolist() for name, x in psnr.items()}
    return {"data": data, "n_test": len(rgb), "table": table, "gain": gain, "psnr": values}
