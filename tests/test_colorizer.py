"""The colorizer contract: what is exported, what is refused, what a colorized picture holds."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import skimage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.transform import resize

import course_utils
from course_utils import color, colorizer, files, systems
from course_utils.colorizer import Colorizer, export, graph
from course_utils.colorizer import model as reading
from course_utils.photos import open_photo
from experiments import shipping
from tools.lessons import ROOT

SIZES = [(16, 24), (64, 64), (1, 1), (7, 130), (37, 53), (33, 8)]
METADATA = {
    "lesson": "02_mse_regression",
    "architecture": "tiny",
    "data": "noise",
    "data_licence": "CC BY 2.0",
    "licence": "CC0",
    "profile": "ci",
    "seed": 3,
    "metrics": [],
}
FILE_METADATA = METADATA | {"parameters": 0, "size": 16, "version": "0"}
HEADER = '<ir_version: 8, opset_import: ["" : 17]>'
SIGNATURE = "g (float[N,1,H,W] L) => (float[N,2,H,W] ab)"


def toy(path, body="ab = Concat <axis = 1> (L, L)", signature=SIGNATURE, **metadata):
    """A hand-written graph, which keeps the contract unless an argument breaks it."""
    model = onnx.parser.parse_model(f"{HEADER} {signature} {{ {body} }}")
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
    kept = {k: v if isinstance(v, str) else json.dumps(v) for k, v in FILE_METADATA.items()}
    texts = {k: v for k, v in (kept | texts).items() if v != "leave out"}
    onnx.helper.set_model_props(model, texts)
    Path(path).write_bytes(model.SerializeToString())
    return Path(path)


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 400
    return text


def noise(n, height, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 100, (n, height, width, 1)).astype(np.float32)


def padded(L, multiple=4):
    """What the network must see: L / 100, the border repeated at the bottom and the right."""
    after = [(0, 0), (0, -L.shape[1] % multiple), (0, -L.shape[2] % multiple), (0, 0)]
    return np.pad(L, after, mode="edge") / np.float32(100)


def exact_in_float16(weights):
    return weights.astype(np.float16).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("colorizers")


TWO = {"A": "mse", "B": "alpha"}  # systems, and what their checkpoints are called


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """An empty folder of shipped colorizers, and two systems that may fill it."""
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path / "checkpoints")
    one = next(iter(systems.SYSTEMS.values()))
    two = {key: one._replace(key=key, checkpoint=name) for key, name in TWO.items()}
    monkeypatch.setattr(systems, "SYSTEMS", two)
    return tmp_path / "checkpoints"


# Export from Keras.


def keras_net(policy):
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    conv = partial(layers.Conv2D, kernel_size=3, padding="same", dtype=policy)
    x = inputs = keras.Input((None, None, 1))
    x = conv(16, strides=2, activation="relu")(x)
    x = conv(16, strides=2, activation="relu", bias_initializer="random_normal")(x)
    x = layers.BatchNormalization(dtype=policy)(x)
    x = layers.UpSampling2D(2, dtype=policy)(x)
    x = conv(8)(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", dtype=policy)(x)
    return keras.Model(inputs, conv(2, activation="tanh")(x))


@pytest.fixture(scope="module")
def from_keras(folder):
    """(the network in Keras, its colorizer): trained under mixed precision, weights of float16."""
    model, reference = keras_net("mixed_bfloat16"), keras_net("float32")
    rng = np.random.default_rng(4)
    weights = [exact_in_float16(w + rng.uniform(0, 0.2, w.shape)) for w in model.get_weights()]
    model.set_weights(weights)
    reference.set_weights(weights)
    path = colorizer.save_keras(
        model, folder / "keras.onnx", scale=110, multiple=4, size=48, epochs=7, **METADATA
    )
    return reference, Colorizer.load(path)


@pytest.mark.parametrize("size", SIZES)
def test_keras_and_its_file_agree(from_keras, size):
    model, colorize = from_keras
    L = noise(2, *size)
    wanted = 110 * np.array(model(padded(L), training=False))[:, : size[0], : size[1]]
    assert np.abs(wanted).max() > 5
    np.testing.assert_allclose(colorize.ab(L), wanted, rtol=0, atol=1e-4)
    np.testing.assert_allclose(colorize.ab(L[1]), wanted[1], rtol=0, atol=1e-4)


def test_keras_metadata(from_keras):
    model, colorize = from_keras
    assert colorize.metadata.items() >= METADATA.items()
    assert colorize.metadata["parameters"] == model.count_params()
    assert (colorize.metadata["epochs"], colorize.size, colorize.T) == ("7", 48, None)
    assert set(colorizer.METADATA) <= set(colorize.metadata)
    assert colorize.metadata["version"] == course_utils.__version__


def test_keras_models_that_cannot_become_colorizers(tmp_path, monkeypatch):
    import keras

    save = partial(colorizer.save_keras, scale=1, multiple=1, size=8, **METADATA)
    fixed = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 1)])
    three = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(3, 1)])
    for model, found in ((fixed, r"8, 8, 1"), (three, r"None, 3\)")):
        with pytest.raises(ValueError, match=found) as error:
            save(model, tmp_path / "x.onnx")
        assert "keras.Input((None, None, 1))" in one_sentence(error)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="TensorFlow"):
        save(fixed, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


# Export from torch.


def torch_net(T=True, last_scale=1.0):
    import torch
    from torch import nn

    class Decoded(nn.Module):
        """Strides, batch normalization in a lasting state, upsampling, an annealed mean."""

        def __init__(self):
            super().__init__()
            layers = [nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU()]
            # not right behind a convolution: the exporter would fold it into the kernel
            layers += [nn.BatchNorm2d(16), nn.Dropout(0.5), nn.Upsample(scale_factor=2)]
            layers += [nn.ConvTranspose2d(16, 16, 4, 2, 1), nn.ReLU()]
            layers += [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(16, 5, 3, 2, 1)]
            self.net = nn.Sequential(*layers)
            self.register_buffer("bins", torch.linspace(-100, 100, 10).reshape(2, 5))

        def forward(self, x, T=None):
            z = self.net(x) if T is None else self.net(x) / T
            return torch.einsum("cq,nqhw->nchw", self.bins, z.softmax(1) * last_scale)

    torch.manual_seed(2)
    module = Decoded()
    module(torch.rand(4, 1, 16, 16))  # in training mode: moves the running statistics
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(exact_in_float16(2 * parameter.numpy())))
    return module


@pytest.fixture(scope="module")
def from_torch(folder):
    module = torch_net()
    path = folder / "torch.onnx"
    colorizer.save_torch(module, path, scale=0.5, multiple=4, size=32, T=0.38, **METADATA)
    assert module.training
    return module.eval(), Colorizer.load(path)


@pytest.mark.parametrize("T", [None, 0.1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_torch_and_its_file_agree(from_torch, size, T):
    import torch

    module, colorize = from_torch
    L = noise(3, *size)
    x = torch.from_numpy(np.moveaxis(padded(L), -1, 1).copy())
    with torch.inference_mode():
        y = 0.5 * module(x, torch.tensor(0.38 if T is None else T)).numpy()
    wanted = np.moveaxis(y, 1, -1)[:, : size[0], : size[1]]
    assert np.abs(wanted).max() > 5
    np.testing.assert_allclose(colorize.ab(L, T), wanted, rtol=0, atol=1e-4)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_any_size_gives_ab_of_that_size(from_torch, height, width, n):
    ab = from_torch[1].ab(noise(n, height, width))
    assert ab.shape == (n, height, width, 2) and ab.dtype == np.float32


def test_torch_metadata_and_no_T(from_torch, tmp_path):
    module, colorize = from_torch
    assert (colorize.T, colorize.size) == (0.38, 32)
    assert colorize.metadata["parameters"] == sum(p.numel() for p in module.parameters())
    path = colorizer.save_torch(
        module, tmp_path / "no_T.onnx", scale=0.5, multiple=4, size=32, **METADATA
    )
    plain, L = Colorizer.load(path), noise(1, 9, 9)
    np.testing.assert_allclose(plain.ab(L), colorize.ab(L, T=1), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="no_T has no temperature"):
        plain.ab(L, T=1)


@pytest.fixture(scope="module")
def rebalanced(folder):
    """A module whose a is T and whose b is how much it rebalances, and its colorizer."""
    import torch

    class Said(torch.nn.Module):
        def forward(self, x, T, rebalance):
            return torch.cat([0 * x + T, 0 * x + rebalance * 2], 1)

    path = folder / "rebalanced.onnx"
    save = partial(colorizer.save_torch, Said(), path, scale=10, multiple=8, size=16, **METADATA)
    with pytest.raises(ValueError, match="rebalance needs T"):
        save(rebalance=True)
    return Colorizer.load(save(T=0.5, rebalance=True))


def test_rebalance_is_an_input_beside_T(rebalanced, from_torch):
    L, gray = noise(1, 5, 9), gray_photo(20, 30)
    assert rebalanced.rebalances and rebalanced.T == 0.5 and not from_torch[1].rebalances
    for T, rebalance, a, b in (
        (None, None, 5, 0),
        (2, None, 20, 0),
        (None, 0.5, 5, 10),
        (0.1, 1, 1, 20),
        (None, 0, 5, 0),
    ):
        ab = rebalanced.ab(L, T, rebalance)
        np.testing.assert_allclose(ab, np.broadcast_to([a, b], ab.shape), atol=1e-5)
        painted = color.ab(rebalanced.colorize(gray, T=T, rebalance=rebalance)).mean((0, 1))
        assert np.abs(painted - [a, b]).max() < 0.3
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="from 0 to 1") as error:
            rebalanced.ab(L, rebalance=wrong)
        one_sentence(error)
    with pytest.raises(ValueError, match="torch cannot rebalance"):
        from_torch[1].colorize(gray, rebalance=0.5)


def test_a_module_that_freezes_rebalance_is_not_written(tmp_path):
    import torch

    class Frozen(torch.nn.Module):
        def forward(self, x, T, rebalance):
            return torch.cat([T * x, float(rebalance) * x], 1)

    with pytest.raises(ValueError, match="from the model"):
        colorizer.save_torch(
            *(Frozen(), tmp_path / "x.onnx"),
            **dict(scale=1, multiple=1, size=8, T=1.0, rebalance=True),
            **METADATA,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("T", [0, -1, np.nan, np.inf])
def test_bad_temperatures(from_torch, T):
    with pytest.raises(ValueError, match="above 0"):
        from_torch[1].ab(noise(1, 4, 4), T)


def test_an_export_that_froze_a_size_is_not_written(tmp_path):
    import torch

    class Sized(torch.nn.Module):
        def forward(self, x):
            both = torch.cat([x, x], 1)
            return both * float(x.shape[3])  # a Python number: frozen when traced

    class Reshaped(torch.nn.Module):
        def forward(self, x):
            return torch.cat([x, x], 1).reshape(-1, 2, int(x.shape[2]), int(x.shape[3]))

    for module in (Sized(), Reshaped()):
        with pytest.raises(ValueError, match="depends on the size") as error:
            colorizer.save_torch(
                module, tmp_path / "x.onnx", scale=1, multiple=1, size=8, **METADATA
            )
        one_sentence(error)
    assert not list(tmp_path.iterdir())


def test_what_saving_needs(tmp_path):
    save = partial(colorizer.save_torch, None, scale=1, multiple=1, size=8)
    with pytest.raises(ValueError, match="lacks the metadata licence, seed"):
        save(
            tmp_path / "x.onnx",
            **{k: v for k, v in METADATA.items() if k not in ("seed", "licence")},
        )
    with pytest.raises(ValueError, match=r"must end in \.onnx"):
        save(tmp_path / "x.pt", **METADATA)
    with pytest.raises(ValueError, match=r"rows of metrics\.report"):
        save(tmp_path / "x.onnx", **METADATA | {"metrics": [{"psnr": 24}]})


# Weights in float16.


def stored(path):
    return [(t.data_type, len(t.dims)) for t in onnx.load(path).graph.initializer if _big(t)]


def _big(tensor):
    return int(np.prod(tensor.dims)) >= 1024


def test_kernels_are_float16_and_what_that_costs_is_told(tmp_path, monkeypatch):
    import torch

    module = torch_net()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1 / 3)
    save = partial(colorizer.save_torch, module, scale=0.5, multiple=4, size=32, **METADATA)
    half = Colorizer.load(save(tmp_path / "half.onnx"))
    assert stored(tmp_path / "half.onnx") == [(onnx.TensorProto.FLOAT16, 4)] * 2
    monkeypatch.setattr(export, "HALF_COST", -1.0)
    with pytest.warns(UserWarning, match="full.onnx keeps float32 weights"):
        full = Colorizer.load(save(tmp_path / "full.onnx"))
    assert stored(tmp_path / "full.onnx") == [(onnx.TensorProto.FLOAT, 4)] * 2
    weights = sum(p.numel() for p in module.parameters() if p.numel() >= 1024)
    saved = (tmp_path / "full.onnx").stat().st_size - (tmp_path / "half.onnx").stat().st_size
    assert abs(saved - 2 * weights) < 500

    L = noise(2, 32, 32, seed=8)
    moved = np.abs(half.ab(L) - full.ab(L)).max()
    told = float(half.metadata["weights"].split()[-3])
    assert "weights" not in full.metadata
    assert half.metadata["weights"].startswith("float16") and 0 < moved < 3 * told < 0.5


def test_halving_leaves_alone_what_it_would_hurt():
    text = f"{HEADER} g (float[N,40] x) => (float[N,1500] y) {{ t = MatMul (x, a) y = Add (t, b) }}"
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(1)

    def kinds(a, b):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        copy.graph.initializer.extend(
            onnx.numpy_helper.from_array(v.astype(np.float32), n) for v, n in ((a, "a"), (b, "b"))
        )
        half = graph.halve(copy)
        onnx.checker.check_model(half, full_check=True)
        assert all(t.data_type == onnx.TensorProto.FLOAT for t in copy.graph.initializer)
        return [onnx.TensorProto.DataType.Name(t.data_type) for t in half.graph.initializer]

    kernel, bias = rng.normal(size=(40, 1500)), rng.normal(size=1500)
    assert kinds(kernel, bias) == ["FLOAT16", "FLOAT"]
    assert kinds(np.where(kernel == kernel.max(), 1e5, kernel), bias) == ["FLOAT", "FLOAT"]
    assert kinds(kernel, rng.normal(size=(1, 1))) == ["FLOAT16", "FLOAT"]


def test_files_name_no_place_of_this_machine(from_keras, from_torch, folder):
    for name in ("keras.onnx", "torch.onnx"):
        data = (folder / name).read_bytes()
        for place in (ROOT, sys.prefix, tempfile.gettempdir(), Path(onnx.__file__).parent):
            assert str(place).encode() not in data


# Loading.


def test_unknown_names_list_the_shipped_ones(checkpoints, tmp_path):
    shipping.ship(toy(tmp_path / "x.onnx"), "mse", [])
    shipping.ship(toy(tmp_path / "x.onnx"), "alpha", [])
    for wrong in ("nobody", tmp_path / "missing.onnx", "mse.onnx", tmp_path):
        with pytest.raises(FileNotFoundError, match="mse, alpha") as error:
            Colorizer.load(wrong)
        assert repr(str(wrong)) in one_sentence(error)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a model", "half", "flipped"])
def test_damaged_files(tmp_path, damage, capfd):
    path = toy(tmp_path / "x.onnx")
    data = path.read_bytes()
    if damage == "half":
        damage = data[: len(data) // 2]
    elif damage == "flipped":
        damage = data.replace(b"Concat", b"Concau")
    path.write_bytes(damage)
    with pytest.raises(ValueError, match="x.onnx cannot be read as ONNX"):
        Colorizer.load(path)
    assert capfd.readouterr() == ("", "")


TWICE = "ab = Concat <axis = 1> (t, t)"
BROKEN = {
    "another input": {
        "signature": SIGNATURE.replace(" L)", " gray)"),
        "body": "ab = Concat <axis = 1> (gray, gray)",
    },
    "another output": {
        "signature": SIGNATURE.replace(" ab)", " y)"),
        "body": "y = Concat <axis = 1> (L, L)",
    },
    "a second input": {
        "signature": SIGNATURE.replace(" L)", " L, float hint)"),
        "body": f"t = Add (L, hint) {TWICE}",
    },
    "a fixed size": {"signature": SIGNATURE.replace("N,1,H,W", "N,1,256,256")},
    "a fixed batch": {"signature": SIGNATURE.replace("N,1,H,W", "1,1,H,W")},
    "rgb": {
        "signature": SIGNATURE.replace("N,2", "N,3"),
        "body": "ab = Concat <axis = 1> (L, L, L)",
    },
    "bytes": {
        "signature": SIGNATURE.replace("float[N,1", "uint8[N,1"),
        "body": f"t = Cast <to = 1> (L) {TWICE}",
    },
    "channels last": {
        "signature": SIGNATURE.replace("N,1,H,W", "N,H,W,1"),
        "body": "ab = Concat <axis = 3> (L, L)",
    },
    "no padding": {"body": f"t = AveragePool <kernel_shape = [8, 8]> (L) {TWICE}"},
    "no cropping": {
        "body": f"t = MaxPool <kernel_shape = [2, 2], pads = [1, 1, 1, 1]> (L) {TWICE}"
    },
    "no seed, no licence": {"seed": "leave out", "licence": "leave out"},
    "size in words": {"size": "large"},
    "size zero": {"size": 0},
    "half a json": {"metrics": "[{"},
}
SAID = {
    "another input": "it has gray tensor",
    "a second input": "hint",
    "no seed, no licence": "lack licence, seed",
    "size in words": "that size is 'large'",
    "size zero": "size is '0'",
    "half a json": r"metrics is '\[{'",
    "no cropping": r"\(2, 2, 6, 4\)",
    "no padding": "any N, H and W",
}


@pytest.mark.parametrize("what", BROKEN)
def test_files_that_break_the_contract(tmp_path, what, capfd):
    path = toy(tmp_path / "x.onnx", **BROKEN[what])
    with pytest.raises(ValueError, match="x.onnx breaks the contract.*" + SAID.get(what, "")) as e:
        Colorizer.load(path)
    one_sentence(e)
    assert capfd.readouterr() == ("", "")


def test_the_unbroken_toy_loads_and_is_opened_once(tmp_path):
    path = toy(tmp_path / "x.onnx")
    first = Colorizer.load(path)
    assert Colorizer.load(str(path)) is first
    L = noise(2, 3, 5)
    assert np.array_equal(first.ab(L), np.concatenate([L, L], -1))
    assert first._session.get_session_options().intra_op_num_threads == 2
    toy(path, body="t = Neg (L) ab = Concat <axis = 1> (t, L)")
    os.utime(path, ns=(1, 1))
    assert np.array_equal(Colorizer.load(path).ab(L)[..., 0], -L[..., 0])


def test_shipping(checkpoints, tmp_path, from_keras, folder):
    with pytest.raises(ValueError, match="no checkpoint: list its system in systems.toml"):
        shipping.ship(folder / "keras.onnx", "../outside", [])
    path = shipping.ship(folder / "keras.onnx", "mse", [])
    shipping.ship(toy(tmp_path / "x.onnx"), "alpha", [])
    shipping.ship(toy(tmp_path / "x.onnx", seed=9), "alpha", [])
    assert colorizer.names() == ["mse", "alpha"] and Colorizer.load("alpha").metadata["seed"] == 9
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f"{digest}  mse.onnx\n" in (checkpoints / "SHA256SUMS").read_text()
    shipped = Colorizer.load("mse")
    L = noise(1, 5, 5)
    assert shipped.name == "mse" and np.array_equal(shipped.ab(L), from_keras[1].ab(L))
    card = (checkpoints / "mse.md").read_text()
    for part in ("# mse", "| licence | CC0 |", "| epochs | 7 |", digest, "not measured"):
        assert part in card
    assert sorted(p.name for p in checkpoints.iterdir()) == [
        *("SHA256SUMS", "alpha.md", "alpha.onnx", "mse.md", "mse.onnx")
    ]
    shutil.copy(tmp_path / "x.onnx", path)  # a good file, but not the one that was shipped
    with pytest.raises(ValueError, match="mse.onnx is not the shipped file") as error:
        Colorizer.load("mse")
    one_sentence(error)


def test_a_card_prints_the_measured_rows(checkpoints, tmp_path):
    from course_utils import metrics

    rgb = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    rows = metrics.baselines(rgb, data="noise", n_resamples=50)
    shipping.ship(toy(tmp_path / "x.onnx"), "mse", rows)
    assert Colorizer.load("mse").metadata["metrics"] == rows
    assert metrics.table(rows) in (checkpoints / "mse.md").read_text()


@pytest.mark.parametrize("name", colorizer.names())
def test_shipped_colorizers(name):
    model = Colorizer.load(name)
    assert (files.CHECKPOINTS / f"{name}.md").is_file() and model.metadata["metrics"]
    ab = model.ab(noise(1, 33, 47))
    assert ab.shape == (1, 33, 47, 2) and np.abs(ab).max() < 130


# Prediction.


@pytest.mark.parametrize(
    "L, said",
    [
        (np.zeros((4, 4), np.float32), r"\(4, 4\)"),
        (np.zeros((4, 4, 3), np.float32), r"\(4, 4, 3\)"),
        (np.zeros((1, 1, 4, 4), np.float32), r"\(1, 1, 4, 4\)"),
        (np.zeros((0, 4, 4, 1), np.float32), r"\(0, 4"),
        (np.full((4, 4, 1), "x"), "<U1"),
        (np.full((4, 4, 1), np.nan), "nan"),
        (np.full((4, 4, 1), 255.0), "255"),
        (np.full((4, 4, 1), -1.0), "-1"),
    ],
)
def test_L_that_is_none(tmp_path, L, said):
    with pytest.raises(ValueError, match=said) as error:
        Colorizer.load(toy(tmp_path / "x.onnx")).ab(L)
    one_sentence(error)


def test_integers_and_float64_are_L_too(tmp_path):
    model = Colorizer.load(toy(tmp_path / "x.onnx"))
    L = np.arange(64).reshape(8, 8, 1)
    assert np.array_equal(model.ab(L), model.ab(L.astype(np.float64)))


@pytest.mark.parametrize(
    "rgb, said",
    [
        (np.zeros((4, 4, 3)), "float64"),
        (np.zeros((4, 4), np.uint8), r"\(4, 4\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"\(2, 4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)"),
    ],
)
def test_pictures_that_are_none(tmp_path, rgb, said):
    with pytest.raises(ValueError, match=said) as error:
        Colorizer.load(toy(tmp_path / "x.onnx")).colorize(rgb)
    one_sentence(error)


ZERO = "z = Sub (L, L)"
WARM = ZERO + " fifth = Constant <value_float = 0.2> () b = Mul (L, fifth)"
WARM += " ab = Concat <axis = 1> (z, b)"  # a = 0, b = L / 5


def gray_photo(height, width, seed=0):
    values = np.random.default_rng(seed).integers(60, 200, (height, width, 1), np.uint8)
    return np.repeat(values, 3, axis=-1)


@given(st.integers(1, 70), st.integers(1, 70))
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_photograph_keeps_its_size_and_its_L(tmp_path, height, width):
    path = tmp_path / "warm.onnx"
    model = Colorizer.load(path if path.exists() else toy(path, WARM))
    rgb = gray_photo(height, width)
    result = model.colorize(rgb)
    assert result.shape == rgb.shape and result.dtype == np.uint8
    before, after = (color.rgb_to_lab(x)[..., 0] for x in (rgb, result))
    assert np.abs(before - after).max() < 0.6  # rounding to 8 bits


def test_a_photograph_of_the_working_size_is_not_resized(tmp_path):
    rgb = gray_photo(16, 24)
    L = color.rgb_to_lab(rgb)[..., :1]
    wanted = 255 * color.lab_to_rgb(color.join(L, np.concatenate([0 * L, L / 5], -1)))
    result = Colorizer.load(toy(tmp_path / "x.onnx", WARM)).colorize(rgb)
    assert np.array_equal(result, np.round(wanted).astype(np.uint8))


def test_ab_is_predicted_at_the_working_size_and_brought_back_bilinearly(tmp_path):
    side = ZERO + " middle = Constant <value_float = 50.0> () t = Sub (L, middle) s = Sign (t)"
    side += " twenty = Constant <value_float = 20.0> () b = Mul (s, twenty)"
    model = Colorizer.load(toy(tmp_path / "x.onnx", side + " ab = Concat <axis = 1> (z, b)"))
    # Blocks of 5 x 5: shrinking mixes a block with its neighbors, but keeps its side of L = 50.
    blocks = np.random.default_rng(5).choice([60, 200], (16, 24, 1)).repeat(3, -1)
    rgb = np.kron(blocks, np.ones((5, 5, 1))).astype(np.uint8)
    ab = np.where(blocks[..., :2] < 100, [0, -20], [0, 20]).astype(float)
    ab = resize(ab, (80, 120), order=1, mode="edge", anti_aliasing=False).astype(np.float32)
    L = color.rgb_to_lab(rgb)[..., :1]
    wanted = np.round(255 * color.lab_to_rgb(color.join(L, ab)))
    assert np.abs(model.colorize(rgb) - wanted).max() <= 1


def test_upsampling_agrees_with_scikit_image():
    ab = np.random.default_rng(3).normal(size=(5, 7, 2)).astype(np.float32)
    wanted = resize(ab, (20, 28), order=1, mode="edge", anti_aliasing=False)
    np.testing.assert_allclose(reading.resize(ab, 20, 28), wanted, rtol=0, atol=1e-5)


def test_a_checkerboard_is_antialiased(tmp_path):
    board = np.indices((256, 256)).sum(0)[..., None] % 2 * 255
    rgb = np.repeat(64 + board // 4, 3, axis=-1).astype(np.uint8)
    L = color.rgb_to_lab(rgb)[..., :1]
    wanted = np.broadcast_to(np.float32([0, L.mean() / 5]), (256, 256, 2))
    wanted = np.round(255 * color.lab_to_rgb(color.join(L, wanted)))
    result = Colorizer.load(toy(tmp_path / "x.onnx", WARM)).colorize(rgb)
    assert np.abs(result - wanted).max() <= 1


SEEN = """
  sizes = Shape <start = 2> (L)
  numbers = Cast <to = 1> (sizes)
  form = Constant <value_ints = [1, 2, 1, 1]> ()
  ab_small = Reshape (numbers, form)
  zero = Sub (L, L)
  ab = Add (zero, ab_small)
"""  # a = H and b = W that the graph was given


@pytest.mark.parametrize(
    "photo, size, seen",
    [
        ((40, 60), 16, (16, 24)),
        ((60, 40), 16, (24, 16)),
        ((1, 1), 20, (20, 20)),
        ((31, 30), 15, (16, 15)),
        ((8, 8), 30, (30, 30)),
        ((10, 100), 4, (4, 40)),
        ((10, 1000), 3, (1, 48)),  # the longer side stops at 16 working sizes
        ((3, 9000), 3, (1, 48)),
    ],
)
def test_the_working_size(tmp_path, photo, size, seen):
    model = Colorizer.load(toy(tmp_path / "x.onnx", SEEN, size=size))
    result = model.colorize(np.full((*photo, 3), 110, np.uint8))
    ab = color.rgb_to_lab(result)[..., 1:]
    assert ab.shape[:2] == photo
    assert np.abs(ab - seen).max() < 0.45  # 8 bits can tell whole numbers apart


def test_only_L_of_the_photograph_is_used(tmp_path):
    rgb = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    L = color.rgb_to_lab(rgb)[..., :1]
    gray = np.round(255 * color.lab_to_rgb(color.join(L, np.zeros((40, 30, 2), np.float32))))
    model = Colorizer.load(toy(tmp_path / "x.onnx", WARM))
    difference = model.colorize(rgb).astype(int) - model.colorize(gray.astype(np.uint8))
    assert np.abs(difference).max() <= 2


def test_zero_ab_is_gray(tmp_path):
    body = ZERO + " ab = Concat <axis = 1> (z, z)"
    rgb = gray_photo(33, 20)
    assert np.array_equal(Colorizer.load(toy(tmp_path / "x.onnx", body)).colorize(rgb), rgb)


@given(st.tuples(st.integers(-300, 300), st.integers(-300, 300)), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_L_stays_whatever_a_model_answers(ab, seed):
    body = f"{ZERO} a0 = Constant <value_float = {ab[0]}.0> () b0 = Constant <value_float = "
    body += f"{ab[1]}.0> () a = Add (z, a0) b = Add (z, b0) ab = Concat <axis = 1> (a, b)"
    with tempfile.TemporaryDirectory() as place:
        model = Colorizer(toy(Path(place, "x.onnx"), body), "x")
    rgb = np.random.default_rng(seed).integers(0, 256, (9, 300, 3), np.uint8)
    rgb[0, :2] = [[0, 0, 0], [255, 255, 255]]
    result = model.colorize(rgb)
    assert np.abs(color.L(result) - color.L(rgb)).max() <= 0.5
    assert (result[0, :2] == rgb[0, :2]).all()


SKIMAGE = Path(skimage.__file__).parent / "data"
SHIPPED_THERE = "astronaut.png camera.png chelsea.png coffee.png color.png hubble_deep_field.jpg "
SHIPPED_THERE += "ihc.png motorcycle_left.png retina.jpg rocket.jpg"


@pytest.mark.parametrize("name", colorizer.names())
def test_shipped_colorizers_keep_L_and_black(name):
    model = Colorizer.load(name)
    photographs = [SKIMAGE / photo for photo in SHIPPED_THERE.split() if (SKIMAGE / photo).exists()]
    assert len(photographs) >= 4
    for photo in photographs:
        rgb = open_photo(photo)[::2, ::2].copy()
        rgb[:20] = 0
        result = model.colorize(rgb)
        assert np.abs(color.L(result) - color.L(rgb)).max() <= 0.5, photo
        assert not result[:20].any() and np.ptp(result, -1).max() > 5, photo


def test_painting_in_bands_is_painting_at_once(tmp_path, monkeypatch):
    model = Colorizer.load(toy(tmp_path / "x.onnx", WARM))
    rgb = np.random.default_rng(1).integers(0, 256, (67, 45, 3), np.uint8)
    whole = model.colorize(rgb)
    monkeypatch.setattr(reading, "BAND", 100)
    assert np.array_equal(model.colorize(rgb), whole)


def test_T_reaches_the_graph(from_torch):
    rgb = gray_photo(24, 24)
    cold, default, warm = (from_torch[1].colorize(rgb, T=T).astype(int) for T in (0.05, None, 5.0))
    assert np.array_equal(default, from_torch[1].colorize(rgb, T=0.38))
    assert np.abs(cold - default).max() > 3 and np.abs(warm - default).max() > 3


# The result's label.

WORDS = "colorized by Color from Gray, toy"


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.JPEG"])
def test_results_are_labelled(tmp_path, name):
    model = Colorizer.load(toy(tmp_path / "toy.onnx"))
    rgb = np.random.default_rng(2).integers(0, 256, (20, 30, 3), np.uint8)
    path = model.save(tmp_path / "new" / name, rgb, source=b"a photograph")
    assert os.listdir(path.parent) == [name]
    with Image.open(path) as image:
        exif = image.getexif()
        assert exif[0x010E] == WORDS and exif[0x0131].startswith("Color from Gray ")
        assert exif.get_ifd(0x8769)[0xA420] == model.fingerprint(b"a photograph")
        if name == "x.png":
            assert image.format == "PNG" and image.text["Description"] == WORDS
            assert np.array_equal(np.array(image), rgb)
        else:
            assert image.format == "JPEG"
            assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # color at full size
            assert np.abs(np.array(image).astype(int) - rgb).mean() < 4
    assert colorizer.label(path) == (WORDS, model.fingerprint(b"a photograph"))
    assert colorizer.label(model.save(tmp_path / name, rgb)) == (WORDS, None)


def test_pictures_without_our_label(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("no picture")
    exif = Image.Exif()
    exif[0x010E] = "a view of the lake"
    Image.new("RGB", (4, 4)).save(tmp_path / "other.jpg", exif=exif)
    for name in ("plain.png", "text.png", "other.jpg", "missing.png"):
        assert colorizer.label(tmp_path / name) == (None, None)


def test_fingerprints_tell_models_and_photographs_apart(tmp_path):
    first, second = (Colorizer.load(toy(tmp_path / f"{n}.onnx", seed=n)) for n in (1, 2))
    prints = {m.fingerprint(photo) for m in (first, second) for photo in (b"a", b"b")}
    assert len(prints) == 4 and all(len(p) == 32 for p in prints)


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    model = Colorizer.load(toy(tmp_path / "toy.onnx"))
    with pytest.raises(ValueError, match=r"must end in \.png"):
        model.save(tmp_path / "x.gif", np.zeros((4, 4, 3), np.uint8))
    path = model.save(tmp_path / "x.png", np.zeros((4, 4, 3), np.uint8))
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        model.save(path, np.full((4, 4, 3), 9, np.uint8))
    assert path.read_bytes() == before


def test_loading_and_coloring_print_and_warn_nothing(tmp_path, capfd):
    with warnings.catch_warnings(action="error"):
        Colorizer.load(toy(tmp_path / "x.onnx", WARM)).colorize(gray_photo(9, 9))
    assert capfd.readouterr() == ("", "")
