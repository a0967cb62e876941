"""Toy trainings with everything random that a network can hold, and a process that kills itself.

    python tests/training_toys.py keras float32 FOLDER STEP

trains from the state in FOLDER, kills its own process at that step (-1: never), and prints a
fingerprint of everything that training changed.
"""

import os
import signal
import sys

import numpy as np

from course_utils import batches, training

EPOCHS, STEPS = 4, 3
PICTURES = np.random.default_rng(2).integers(0, 256, (4 * STEPS, 16, 16, 3), dtype=np.uint8)
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def data(number):
    return batches.keras_dataset(PICTURES, 4, 1, number)


def rate(number):
    return 0.01 / (number + 1)


def keras_model(precision="float32", seed=1):
    """Convolution, noise, dropout and batch normalization, compiled under a dtype policy."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    x = inputs = keras.Input((None, None, 1))
    x = layers.GaussianNoise(0.1)(x)
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Conv2D(2, 3, padding="same", dtype="float32")(x))
    model.compile(keras.optimizers.RMSprop(), "mse")
    keras.config.set_dtype_policy(before)
    return model


def keras_run(precision, folder=None, stop=-1, end=None):
    """Train; call `end` at the step `stop` of all steps. Returns (fingerprint, rows)."""
    import keras

    model = keras_model(precision)
    step = {"n": 0}

    def count(batch, logs=None):
        step["n"] += 1
        if step["n"] == stop:
            end()

    advance = training._advance

    def with_end(bar):
        return keras.callbacks.CallbackList(
            [advance(bar), keras.callbacks.LambdaCallback(on_train_batch_end=count)], model=model
        )

    training._advance = with_end if stop > 0 else advance
    try:
        rows = training.fit_keras(model, data, EPOCHS, rate, folder)
    finally:
        training._advance = advance
    values = [np.asarray(v.numpy(), np.float64) for v in training._keras_variables(model)]
    return training.fingerprint(*values), [row["loss"] for row in rows]


def torch_run(precision, folder=None, stop=-1, end=None, forget=()):
    """The same in torch, a loop as lessons write it. forget: parts that are left out of states."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    np.random.seed(1)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Conv2d(4, 2, 3, padding=1),
    )
    adam = torch.optim.Adam(module.parameters(), 0.01)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, factor=0.5, patience=0)
    scaler = torch.amp.GradScaler("cpu", enabled=precision == "float16")
    kept = {"module": module, "adam": adam, "plateau": plateau, "scaler": scaler}
    kept = {name: part for name, part in kept.items() if name not in forget}
    about = {"loss": "mse", "data": training.fingerprint(PICTURES), "epochs": EPOCHS}
    rows = training.restore_torch(folder, about, **kept)
    kind, low = getattr(torch, precision), precision != "float32"
    step = 0
    for number in range(len(rows), EPOCHS):
        for x, y in batches.torch_loader(PICTURES, 4, 1, number):
            noisy = x + 0.1 * torch.randn_like(x) + 0.01 * float(np.random.normal())
            with torch.autocast("cpu", kind, enabled=low):
                loss = (module(noisy).float() - y).square().mean()
            adam.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(adam)
            scaler.update()
            step += 1
            if step == stop:
                end()
        plateau.step(1.0)
        rows.append({"loss": loss.item()})
        training.keep_torch(folder, rows, about, **kept)
    values = [v.detach().double().numpy() for v in module.state_dict().values()]
    moments = [m for state in adam.state.values() for m in state.values()]
    return training.fingerprint(*values, *map(np.asarray, moments)), [r["loss"] for r in rows]


RUNS = {"keras": keras_run, "torch": torch_run}

if __name__ == "__main__":
    framework, precision, folder, stop = sys.argv[1:]
    kill = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    print(*RUNS[framework](precision, folder, int(stop), kill)[:1])
