"""EfficientNet-Lite0 and MobileNetV2 travel: the same in three frameworks, and fed rightly."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image
from skimage import data as images

from course_utils import color, colorizer, course, files, metrics, networks
from course_utils.networks import lite0, small
from course_utils.networks.applications import RANGES, gray_of

SIZES = ((224, 224), (96, 128), (75, 53))  # height, width; odd ones show where padding lies
SEEN = {"chelsea": 285, "coffee": 967}  # ImageNet's class of skimage's photographs
STRIDES = (2, 4, 8, 16, 32)


def photographs(height, width, names=("chelsea", "coffee", "rocket", "astronaut")):
    pictures = [Image.fromarray(getattr(images, name)()) for name in names]
    return np.stack([np.asarray(x.resize((width, height), 3)) for x in pictures])


@pytest.fixture(scope="module")
def shipped():
    return networks.features("Lite0")


@pytest.fixture(scope="module")
def keras_encoder():
    return lite0.keras_encoder()


@pytest.fixture(scope="module")
def torch_encoder():
    return lite0.torch_encoder().eval()


def torch_maps(encoder, L):
    """Maps (N, h, w, C) of L (N, H, W, 1) in 0..100."""
    import torch

    with torch.inference_mode():
        maps = encoder(torch.from_numpy(np.moveaxis(L / 100, -1, 1).copy()))
    return [np.moveaxis(x.numpy(), 1, -1) for x in maps]


def onnx_maps(L):
    """The same by onnxruntime: the inner maps of the file, fed with three equal channels."""
    model = onnx.load_from_string(files.shipped("lite0.onnx"))
    names = list(lite0.ENDS)
    model.graph.output.extend([onnx.helper.make_empty_tensor_value_info(n) for n in names])
    gray = 255 * gray_of(L, np)
    x = (np.moveaxis(gray, -1, 1) - 127) / 128
    session = small.onnx_session(model.SerializeToString())
    return [np.moveaxis(found, 1, -1) for found in session.run(names, {"x": x.repeat(3, axis=1)})]


# One network in three frameworks


@pytest.mark.parametrize("height, width", SIZES)
def test_keras_torch_and_onnx_agree_on_photographs(height, width, keras_encoder, torch_encoder):
    L = color.L(photographs(height, width))
    ours = [np.asarray(x) for x in keras_encoder(L / 100, training=False)]
    theirs, file = torch_maps(torch_encoder, L), onnx_maps(L)
    for stride, x, y, z in zip(STRIDES, ours, theirs, file, strict=True):
        assert x.shape[1:] == (-(-height // stride), -(-width // stride), lite0.MAPS[stride])
        assert x.std() > 1, "maps of a trained network are not flat"
        np.testing.assert_allclose(x, y, atol=1e-3)
        np.testing.assert_allclose(x, z, atol=1e-3)


def test_timms_whole_network_gives_the_files_answers(shipped):
    """All three outputs, in color: timm with the file's tensors, onnxruntime, Keras."""
    import timm
    import torch

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    state = model.state_dict()
    given = small.tensors(files.shipped("lite0.onnx"))
    state |= {k: torch.from_numpy(given[k]) for k in state if "num_batches" not in k}
    model.load_state_dict(state)
    rgb = photographs(300, 400)
    x = shipped.prepare(rgb)
    with torch.inference_mode():
        maps = model.eval().forward_features(torch.from_numpy(np.moveaxis(x, -1, 1).copy()))
        p = model.forward_head(maps).softmax(-1).numpy()
    np.testing.assert_allclose(shipped.classify(rgb), p, atol=1e-3)
    embedded = shipped.embed(rgb)
    np.testing.assert_allclose(embedded, maps.numpy().mean((2, 3)), atol=1e-3)
    np.testing.assert_allclose(embedded, np.asarray(shipped.model(x, training=False)), atol=1e-3)


def test_the_narrow_features_are_the_means_at_stride_16(shipped, keras_encoder):
    gray = np.stack([metrics.paint_gray(x) for x in photographs(224, 224)])
    narrow = shipped.embed(gray, "stride16")
    assert narrow.shape == (4, 112) == (4, shipped.widths["stride16"])
    maps = np.asarray(keras_encoder(color.L(gray) / 100, training=False)[3])
    np.testing.assert_allclose(narrow, maps.mean((1, 2)), atol=0.02)  # L of 8 bits, once more
    with pytest.raises(ValueError, match="no layer 'stride8'; take one of"):
        shipped.embed(gray, "stride8")


def test_large_tensors_are_halves_and_small_ones_exact():
    model = onnx.load_from_string(files.shipped("lite0.onnx"))
    halves = {t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16}
    whole = [t for t in model.graph.initializer if t.name not in halves]
    assert all(name.endswith(".weight/float16") for name in halves) and len(halves) > 40
    assert max(len(t.dims) * np.prod(t.dims) for t in whole) < 5000
    assert (files.CHECKPOINTS / "lite0.onnx").stat().st_size < 10e6


def test_keras_runs_on_torch_without_tensorflow(tmp_path, keras_encoder):
    code = """
import sys
import numpy as np
sys.modules["tensorflow"] = None
from course_utils import networks
encoder = networks.lite0.keras_encoder()
import keras
assert keras.backend.backend() == "torch"
L = np.load(sys.argv[1])
maps = [keras.ops.convert_to_numpy(x) for x in encoder(L, training=False)]
np.savez(sys.argv[2], *maps)
encoder.compile(keras.optimizers.SGD(1e-4), "mse")
before = encoder.get_weights()
encoder.fit(L, [0 * x for x in maps], verbose=0)
assert all(np.isfinite(x).all() for x in encoder.get_weights())
assert any((x != y).any() for x, y in zip(before, encoder.get_weights()))
"""
    L = color.L(photographs(75, 53)) / 100
    np.save(tmp_path / "L.npy", L)
    paths = [str(tmp_path / name) for name in ("L.npy", "maps.npz")]
    options = {"env": os.environ | {"KERAS_BACKEND": "torch"}, "capture_output": True}
    run = subprocess.run([sys.executable, "-c", code, *paths], text=True, **options)
    assert run.returncode == 0, run.stderr[-2000:]
    with np.load(paths[1]) as maps:
        for x, name in zip(keras_encoder(L, training=False), maps.files, strict=True):
            np.testing.assert_allclose(np.asarray(x), maps[name], atol=1e-3)


def test_timm_asks_no_server():
    code = """
import socket
def refuse(*arguments, **options):
    raise AssertionError("it asked the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from course_utils.networks import lite0
print(len(list(lite0.torch_encoder().parameters())))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.strip() == "144", run.stderr[-2000:]


# Training


def test_both_encoders_have_the_same_tensors_to_train():
    ours, theirs = lite0.keras_encoder(), lite0.torch_encoder()
    count = sum(int(np.prod(w.shape)) for w in ours.trainable_weights)
    assert count == sum(p.numel() for p in theirs.parameters()) == 2_958_848
    norms = [layer for layer in ours.layers if "BatchNormalization" in type(layer).__name__]
    assert {(n.momentum, round(n.epsilon, 9)) for n in norms} == {(0.99, 1e-3)} and len(norms) == 48
    modules = [m for m in theirs.modules() if hasattr(m, "running_mean")]
    assert {(round(m.momentum, 9), m.eps) for m in modules} == {(0.01, 1e-3)} and len(modules) == 48


def test_a_frozen_encoder_stays_as_it_is_and_a_free_one_learns():
    import keras

    L = color.L(photographs(64, 64)) / 100
    for trainable in (False, True):
        encoder = lite0.keras_encoder()
        encoder.trainable = trainable
        before = encoder.get_weights()
        first = [np.asarray(x) for x in encoder(L, training=False)]
        head = keras.layers.Conv2D(2, 1)(encoder.output[3])
        model = keras.Model(encoder.input, head)
        model.compile(keras.optimizers.Adam(1e-4), "mse")
        model.fit(L, np.zeros((4, 4, 4, 2), np.float32), epochs=2, verbose=0)
        moved = [(x != y).any() for x, y in zip(before, encoder.get_weights(), strict=True)]
        if trainable:
            used = 5 * 33  # kernels, gains, biases and running statistics up to stride 16
            assert all(moved[:used]) and not any(moved[used:])
        else:
            assert not any(moved)
            again = encoder(L, training=True)  # not even its normalization looks at the batch
            for x, y in zip(first, again, strict=True):
                np.testing.assert_allclose(x, np.asarray(y), atol=1e-3)


@pytest.mark.parametrize("kind", ["keras", "torch"])
def test_random_weights_come_from_their_seed_and_carry_a_signal(kind):
    L = color.L(photographs(64, 64))

    def maps(seed):
        if kind == "torch":
            return torch_maps(lite0.torch_encoder("random", seed).eval(), L)
        encoder = lite0.keras_encoder("random", seed)
        return [np.asarray(x) for x in encoder(L / 100, training=False)]

    one, same, other = maps(1), maps(1), maps(2)
    for x, y, z in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(x, y)
        assert np.abs(x - z).max() > 0.1
        assert 0.05 < x.std() < 20, "frozen random maps neither vanish nor explode"
    with pytest.raises(ValueError, match='weights is \'noisy\'; give "imagenet" or "random"'):
        (lite0.torch_encoder if kind == "torch" else lite0.keras_encoder)("noisy")


def test_a_colorizer_on_the_encoder_exports(tmp_path):
    """From Keras at any size, from torch at multiples of 32, to what the framework computes."""
    import keras
    import torch

    told = {"lesson": "toy", "architecture": "toy", "data": "noise", "data_licence": "none"}
    told |= {"licence": "MIT", "profile": "ci", "seed": 1, "metrics": []}
    encoder = lite0.keras_encoder()
    x = keras.layers.Rescaling(0.02)(encoder.output[2])
    x = keras.layers.UpSampling2D(8)(keras.layers.Conv2D(2, 1, activation="tanh")(x))
    path = tmp_path / "keras.onnx"
    model = keras.Model(encoder.input, x)
    colorizer.save_keras(model, path, scale=110, multiple=8, size=64, **told)
    L = color.L(photographs(64, 96))
    ab = colorizer.Colorizer.load(path).ab(L)
    assert ab.std() > 1
    np.testing.assert_allclose(ab, 110 * np.asarray(model(L / 100)), atol=0.5)

    class Colors(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head = lite0.torch_encoder(), torch.nn.Conv2d(40, 2, 1)

        def forward(self, x):
            maps = torch.tanh(self.head(0.02 * self.encoder(x)[2]))
            return torch.nn.functional.interpolate(maps, scale_factor=8)

    torch.manual_seed(1)
    module = Colors().eval()
    path = tmp_path / "torch.onnx"
    colorizer.save_torch(module, path, scale=110, multiple=32, size=64, **told)
    ab = colorizer.Colorizer.load(path).ab(L)
    with torch.inference_mode():
        wanted = module(torch.from_numpy(np.moveaxis(L / 100, -1, 1).copy())).numpy()
    assert ab.std() > 1
    np.testing.assert_allclose(ab, 110 * np.moveaxis(wanted, 1, -1), atol=0.5)


# What it sees


def test_it_names_what_stands_there_in_color_and_in_gray(shipped):
    rgb = [getattr(images, name)() for name in SEEN]
    for pictures in (rgb, [metrics.paint_gray(x) for x in rgb]):
        seen = shipped.see(pictures, 3)
        for answer, k in zip(seen, SEEN.values(), strict=True):
            assert len(answer) == 3 and next(iter(answer)) == shipped.classes[k]
            assert list(answer.values()) == sorted(answer.values(), reverse=True)
            assert 0.2 < sum(answer.values()) <= 1
    names = ["tabby", "tiger cat", "Egyptian cat", "missile", "espresso", "cup", "golf ball"]
    assert set(names) <= set(shipped.classes)
    assert len(set(shipped.classes)) == 1000 and max(map(len, shipped.classes)) <= 30
    assert shipped.classes[701] == "parachute" and shipped.classes[0] == "tench"


def test_raw_bytes_blind_it(shipped):
    """The preprocessing bug of lesson 04: RGB in 0..255 where (RGB - 127) / 128 is meant."""
    rgb = [getattr(images, name)() for name in SEEN]
    network, _ = small.opened(files.shipped("lite0.onnx"), "Lite0")

    def named(change):
        x = change(128 * shipped.prepare(rgb) + 127).astype(np.float32)
        p = network.run(["p"], {"x": np.ascontiguousarray(np.moveaxis(x, -1, 1))})[0]
        return (p.argmax(axis=1) == [*SEEN.values()]).sum()

    assert named(RANGES["Lite0"]) == len(SEEN)
    assert named(lambda x: x) == 0


def test_prepare_gives_it_what_it_was_trained_on(shipped):
    white_and_black = np.repeat(np.uint8([255, 0]), 8 * 8 * 3).reshape(2, 8, 8, 3)
    x = shipped.prepare(white_and_black)
    assert x.shape == (2, 224, 224, 3) and x.dtype == np.float32
    assert x.mean((1, 2, 3)).tolist() == [1, -127 / 128]
    layer = networks.input_layer("Lite0")
    L = np.float32([0, 50, 100]).reshape(1, 1, 3, 1)
    gray = 255 * color.lab_to_rgb(np.concatenate([L, 0 * L, 0 * L], axis=-1))
    np.testing.assert_allclose(np.asarray(layer(L / 100)), (gray - 127) / 128, atol=1e-3)
    with pytest.raises(ValueError, match="sees black"):
        shipped.see(x)


def test_the_stored_answers_are_what_one_measures(shared_data):
    from experiments import lite0 as experiment

    found = course.result("04/lite0")
    rgb, labels = experiment.labelled()
    assert found["n"] == len(rgb) == 896 and len(set(labels)) == 10
    some = slice(0, None, 7)
    measured = experiment.right(
        networks.features("Lite0"), rgb[some], labels[some], RANGES["Lite0"]
    )
    for key, (share, low, high) in found["answers"]["color"].items():
        assert low < share < high and abs(measured[key][0] - share) < 0.1
    color_, gray = (found["answers"][name]["top1"] for name in ("color", "gray"))
    assert color_[1] > gray[2], "gray costs it more than chance"
    raw = found["inputs"]["RGB in 0..255"]["top1"]
    assert raw[2] < 0.1 and all(raw[2] < row["top5"][1] for row in found["answers"].values())


def test_random_and_other_files(shipped, tmp_path):
    one = networks.features("Lite0", "random", 1)
    pictures = photographs(40, 50)
    assert one.weights == "random, seed 1" and one.classes is None
    same = networks.features("Lite0", "random", 1).embed(pictures)
    np.testing.assert_array_equal(one.embed(pictures), same)
    assert np.abs(same - shipped.embed(pictures)).max() > 0.1
    with pytest.raises(ValueError, match="has no classes here"):
        one.see(pictures)
    copy = tmp_path / "mine.onnx"
    copy.write_bytes(files.shipped("lite0.onnx"))
    found = networks.features("Lite0", copy)
    assert found.weights == "from mine.onnx" and found.classes == shipped.classes
    with pytest.raises(ValueError, match="weights of MobileNetV2: it is of Lite0"):
        networks.features("MobileNetV2", copy)
    assert networks.features("Lite0", "imagenet").weights == "ImageNet, shipped"


# The second judge


def test_mobilenetv2_is_torchvisions_network_up_to_stride_16(tmp_path):
    """Its file against torchvision's layers with the file's folded kernels, layer by layer."""
    import torch
    import torchvision

    model = onnx.load_from_string(files.shipped("mobilenetv2.onnx"))
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    layers = torchvision.models.mobilenet_v2(weights=None).features[:14].eval()
    pairs = [part for part in layers.modules() if isinstance(part, torch.nn.Conv2d)]
    norms = [part for part in layers.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert len(convolutions) == len(pairs) == len(norms) == 39
    with torch.no_grad():
        for node, conv, norm in zip(convolutions, pairs, norms, strict=True):
            kernel, bias = (
                arrays.get(f"{name}/float16", arrays.get(name)) for name in node.input[1:]
            )
            conv.weight.copy_(torch.from_numpy(kernel.astype(np.float32)))
            norm.bias.copy_(torch.from_numpy(bias.astype(np.float32)))
            norm.weight.fill_((1 + norm.eps) ** 0.5)  # no normalization: mean 0, variance 1
        found = networks.features("MobileNetV2")
        x = found.prepare(photographs(100, 130))
        wanted = layers(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).mean((2, 3)).numpy()
    np.testing.assert_allclose(found.embed(photographs(100, 130)), wanted, atol=1e-3)


def test_mobilenetv2_judges_and_does_nothing_else():
    found = networks.features("MobileNetV2")
    assert found.width == 96 and found.classes is None and found.weights == "ImageNet, shipped"
    assert (files.CHECKPOINTS / "mobilenetv2.onnx").stat().st_size < 1.2e6
    red = np.full((1, 8, 8, 3), (255, 0, 0), np.uint8)
    wanted = [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225]
    np.testing.assert_allclose(found.prepare(red)[0, 0, 0], wanted, atol=1e-5)
    with pytest.raises(ValueError, match="only judges and has no Keras model"):
        _ = found.model
    with pytest.raises(ValueError, match="has no classes here: take Lite0"):
        found.classify(red)


@pytest.mark.parametrize("name, layer", [("Lite0", "stride16"), ("MobileNetV2", "features")])
def test_their_narrow_features_know_things_apart(name, layer, shared_data):
    """The nearest of ten class means names the right one far oftener than one in ten."""
    from experiments import lite0 as experiment

    rgb, labels = experiment.labelled()
    rgb, labels = rgb[::3], labels[::3]
    x = networks.features(name).embed(rgb, layer)
    even, odd = slice(0, None, 2), slice(1, None, 2)
    kinds = np.unique(labels)
    means = np.stack([x[even][labels[even] == k].mean(axis=0) for k in kinds])
    distance = np.square((x[odd][:, None] - means) / x[even].std(axis=0)).sum(-1)
    assert (kinds[distance.argmin(axis=1)] == labels[odd]).mean() > 0.45


# What is said of them


@pytest.mark.parametrize("name", ["lite0", "mobilenetv2"])
def test_card_licence_and_checksum_travel_with_the_file(name):
    file = files.CHECKPOINTS / f"{name}.onnx"
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    licence = file.with_suffix(".LICENCE").read_text(encoding="utf-8")
    told = {e.key: e.value for e in onnx.load(file).metadata_props}
    assert files.checksums()[file.name] == files.sha256(file) and files.sha256(file) in card
    assert f"{file.stat().st_size:,} bytes" in card and f"{name}.LICENCE" in card
    for key in ("source", "licence", "sees", "data"):
        assert f"| {key} | {told[key]} |" in card
    package = re.search(r"Python package (\S+) (\S+),", told["source"])
    assert package and f"{package[1]} {package[2]}" in licence
    if name == "lite0":
        assert "Copyright (c) 2020, ML Illustrated" in licence and "END OF TERMS" in licence
        assert "Copyright (c) Soumith Chintala 2016" in licence, "of the names of the classes"
        assert len(json.loads(told["classes"])) == 1000
    else:
        assert "Copyright (c) [2021] [Ling Evan]" in licence and "WITHOUT WARRANTY" in licence


def test_lite0s_card_is_what_its_result_gives():
    from experiments import lite0 as experiment

    card = (files.CHECKPOINTS / "lite0.md").read_text(encoding="utf-8")
    assert card == experiment.card(course.result("04/lite0"))
    for name in ("color", "gray"):
        share = course.result("04/lite0")["answers"][name]["top1"][0]
        assert f"| {name} | {share:.3f} [" in card


def test_they_run_without_keras_and_torch():
    code = """
import sys
import numpy as np
for name in ("tensorflow", "keras", "torch", "timm", "onnx"):
    sys.modules[name] = None
from course_utils import networks
for name in ("Lite0", "MobileNetV2"):
    print(networks.features(name).embed(np.zeros((2, 9, 9, 3), np.uint8)).shape)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[1::2] == ["(2, 1280)", "(2, 96)"], run.stdout
