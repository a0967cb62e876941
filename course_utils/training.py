"""Training that can be interrupted at any moment and continued to the same end.

After each epoch everything that training changes is written to a folder: weights, the optimizer,
loss scales, seeds of dropout and noise, and the generators of Python, numpy and torch. A run that
finds such a state goes on after it. A state also says what it belongs to, and a run with another
loss, other data, other rates or another number of epochs refuses it in one sentence.
"""

import hashlib
import io
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_utils import files, progress

Rows = list[dict[str, Any]]


def fingerprint(*arrays: ArrayLike) -> str:
    """16 hexadecimal digits that change with any number, shape or type of the arrays."""
    digest = hashlib.sha256()
    for x in map(np.asarray, arrays):
        digest.update(f"{x.dtype} {x.shape}".encode())
        digest.update(np.ascontiguousarray(x).tobytes())
    return digest.hexdigest()[:16]


# Keras.


def keras_on(device: str) -> None:
    """Keep Keras on the device that the course decided on; call it before the first tensor.

    device: "cpu", "cuda" or "mps", as `Session.device` has it. TensorFlow takes a GPU by itself
    where it finds one; on "cpu" it is shown none.
    """
    import tensorflow as tf

    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")


def fit_keras(
    model: Any,
    data: Callable[[int], Any],
    epochs: int,
    rate: Callable[[int], float],
    folder: str | Path | None = None,
    measure: Callable[[Any], dict[str, Any]] | None = None,
) -> Rows:
    """Fit a compiled Keras model epoch by epoch; return one row (a dict) for every epoch.

    A row holds the epoch's number from 1, its loss, and the minutes that it took.

    data: function of the epoch's number from 0, gives what `model.fit` takes, for one epoch.
    rate: function of the epoch's number, gives its learning rate.
    folder: where the state after the last epoch is kept; a run that finds one there continues
        after it. None keeps nothing.
    measure: function of the model, gives a dict that joins the epoch's row.

    Raises ValueError where the folder holds a state of another model, loss, optimizer, first batch,
    rate or number of epochs.
    """
    about = _about_keras(model, data, epochs, rate) if folder else {}
    rows = _restore_keras(model, folder, about) if folder else []
    for number in range(len(rows), epochs):
        batches = data(number)
        model.optimizer.learning_rate = rate(number)
        begun = time.monotonic()
        with progress.bar([], f"epoch {number + 1}/{epochs}", len(batches)) as bar:
            history = model.fit(batches, verbose=0, shuffle=False, callbacks=[_advance(bar)])
        row = {"epoch": number + 1, "loss": history.history["loss"][0]}
        row["minutes"] = round((time.monotonic() - begun) / 60, 2)
        rows.append(row | (measure(model) if measure else {}))
        if folder:
            _keep_keras(model, rows, folder, about)
    return rows


def _advance(bar: Any) -> Any:
    """A Keras callback that moves a bar by one step a batch."""
    import keras

    def step(batch, logs):
        bar.set_postfix(loss=f"{logs['loss']:.5f}", refresh=False)
        bar.update()

    return keras.callbacks.LambdaCallback(on_train_batch_end=step)


def _about_keras(model: Any, data: Callable, epochs: int, rate: Callable) -> dict[str, Any]:
    """What a state of this training belongs to; the first batch stands for the data."""
    import keras

    def words(part):
        if part is None or isinstance(part, str):
            return str(part)
        name = getattr(part, "__name__", type(part).__name__)
        return name if callable(part) and not hasattr(part, "get_config") else _config(part)

    first = next(iter(data(0)))
    arrays = [np.asarray(keras.ops.convert_to_numpy(x)) for x in keras.tree.flatten(first)]
    return {
        "model": _architecture(model),
        "loss": words(model.loss),
        "optimizer": words(model.optimizer),
        "data": fingerprint(*arrays),
        "epochs": epochs,
        "rates": [float(rate(number)) for number in range(epochs)],
    }


def _architecture(model: Any) -> str:
    """16 digits of a model's layers; the numbers that Keras gives to their names do not count."""
    config = json.loads(model.to_json())
    text = json.dumps({k: v for k, v in config.items() if k != "compile_config"}, sort_keys=True)
    return hashlib.sha256(re.sub(r'_\d+(?=")', "", text).encode()).hexdigest()[:16]


def _config(part: Any) -> str:
    """A loss or an optimizer in words, without its name and its rate, which changes."""

    def settled(value):
        if not isinstance(value, dict):
            return value
        return {k: settled(v) for k, v in value.items() if k not in ("name", "learning_rate")}

    settings = json.dumps(settled(part.get_config()), default=str, sort_keys=True)
    return f"{type(part).__name__} {settings}"


def _keras_variables(model: Any) -> list[Any]:
    """All that training changes: weights, seeds of dropout and noise, the optimizer's own."""
    if not model.optimizer.built:  # a loss scale counts anew each time that it is built
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _keep_keras(model: Any, rows: Rows, folder: str | Path, about: dict[str, Any]) -> None:
    """Write the state after len(rows) epochs."""
    arrays = {f"v{i}": np.asarray(v.numpy()) for i, v in enumerate(_keras_variables(model))}
    arrays = {key: x.astype(np.float32) if x.dtype.kind == "V" else x for key, x in arrays.items()}
    texts = {"rows": rows, "about": about, "generators": _generators()}
    texts = {key: json.dumps(value) for key, value in texts.items()}
    _replace(folder, rows, ".npz", lambda file: np.savez(file, **{**texts, **arrays}))


def _restore_keras(model: Any, folder: str | Path, about: dict[str, Any]) -> Rows:
    """Load the newest state into the model; return its rows, or [] where there is none."""
    newest = _newest(folder, ".npz")
    if newest is None:
        return []
    variables = _keras_variables(model)
    try:
        with np.load(newest) as state:
            texts = {k: json.loads(str(state[k])) for k in ("rows", "about", "generators")}
            arrays = [state[f"v{i}"] for i in range(len(state.files) - 3)]
    except Exception:  # numpy raises many kinds on a damaged file, or one of another format
        raise _damaged(newest) from None
    _compare(newest, texts["about"], about)
    if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
        raise _other(newest, "model")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    _set_generators(texts["generators"])
    return texts["rows"]


# torch and fastai.


def keep_torch(folder: str | Path | None, rows: Rows, about: dict[str, Any], **parts: Any) -> None:
    """Write the state after len(rows) epochs of a training loop in torch.

    rows: a list of dicts, one for each epoch. about: what the state belongs to, a dict that json
    can hold: the loss, `fingerprint` of the data, rates, epochs, seed. parts: everything that
    training changes and that has a `state_dict`: module, optimizer, scheduler, gradient scaler.
    `restore_torch` reads it. folder: None keeps nothing.
    """
    import torch

    if folder is None:
        return
    generators = {"torch": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}
    state = {
        "rows": rows,
        "about": json.dumps(about),
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "generators": json.dumps(_generators()),
        **generators,
    }
    _replace(folder, rows, ".pt", lambda file: torch.save(state, file))


def restore_torch(folder: str | Path | None, about: dict[str, Any], **parts: Any) -> Rows:
    """Load the newest state that `keep_torch` wrote into the parts, by name; return its rows.

    [] where there is none, or where folder is None. Raises ValueError where the state is damaged,
    of other parts, or `about` differs from that of the state.
    """
    import torch

    newest = None if folder is None else _newest(folder, ".pt")
    if newest is None:
        return []
    try:
        data = io.BytesIO(newest.read_bytes())
        state = torch.load(data, map_location="cpu", weights_only=True)
        kept = json.loads(state["about"])
    except Exception:  # torch raises many kinds on a damaged file, or one of another format
        raise _damaged(newest) from None
    _compare(newest, kept, json.loads(json.dumps(about)))
    try:
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
    except (KeyError, RuntimeError, ValueError):  # a part that is not there, or of other shapes
        raise _other(newest, "model") from None
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    _set_generators(json.loads(state["generators"]))
    return state["rows"]


# What both share.


def _generators() -> dict[str, Any]:
    """The global generators of Python and numpy, as json can hold them."""
    kind, keys, *rest = np.random.get_state()
    return {"python": random.getstate(), "numpy": [kind, np.asarray(keys).tolist(), *rest]}


def _set_generators(state: dict[str, Any]) -> None:
    version, numbers, spare = state["python"]
    random.setstate((version, tuple(numbers), spare))
    np.random.set_state(tuple(state["numpy"]))


def _replace(folder: str | Path, rows: Rows, suffix: str, write: Callable) -> None:
    """Write a state in one step, a file is there whole or not at all; drop the older ones."""
    target = Path(folder) / f"epoch_{len(rows):03}{suffix}"
    files.write(target, write)
    for older in target.parent.glob(f"epoch_*{suffix}"):
        if older != target:
            older.unlink()


def _newest(folder: str | Path, suffix: str) -> Path | None:
    return max(Path(folder).glob(f"epoch_*{suffix}"), default=None)


def _compare(state: Path, kept: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a state whose `about` is not the one of this training."""
    for key in sorted({*kept, *wanted}):
        if kept.get(key) != wanted.get(key):
            raise _other(state, key)


def _other(state: Path, what: str) -> ValueError:
    return ValueError(
        f"{state.name} in {state.parent.name} was trained with another {what}: start from nothing "
        "(FRESH=1 for an experiment), or name another folder."
    )


def _damaged(state: Path) -> ValueError:
    return ValueError(
        f"{state.name} in {state.parent.name} cannot be read; delete it, and training starts anew."
    )
