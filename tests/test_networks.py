"""Borrowed networks say which weights they have, are fed what they were trained on, and export."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from course_utils import color, colorizer, files, metrics, networks
from course_utils.networks import applications, small

RNG = np.random.default_rng(5)
PICTURES = RNG.integers(0, 256, (5, 40, 52, 3), dtype=np.uint8)
COURSE = sorted(small.SHIPPED)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No weights in Keras's cache, and no network; the official loader must not be asked."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def refuse(*arguments, **options):
        raise urllib.error.URLError("no network")

    def build(name, weights, real=applications.build):
        assert weights != "imagenet", "the loader would wait for minutes"
        return real(name, weights)

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(applications, "build", build)


@pytest.fixture(scope="module")
def inception():
    return networks.features("InceptionResNetV2", "random")


@pytest.fixture(scope="module")
def vgg():
    return networks.features("VGG16", "random")


# Which weights


def test_auto_without_imagenet_takes_the_named_substitute_and_says_so(offline, capsys):
    for name in networks.APPLICATIONS:
        found = networks.features(name)
        line = capsys.readouterr().out
        assert found.name == "Lite0" and found.weights == "ImageNet, shipped"
        assert line == (
            f"{name}: its weights cannot be had here, so Lite0 instead: ImageNet, shipped\n"
        )
        assert found.width == 1280 and len(found.classes) == 1000


def test_imagenet_without_network_fails_at_once_with_one_sentence(offline):
    begun = time.monotonic()
    with pytest.raises(ConnectionError) as caught:
        networks.features("VGG16", "imagenet")
    assert time.monotonic() - begun < 5
    text = str(caught.value)
    assert text.count(". ") == 0 and text.endswith(".") and "\n" not in text
    assert "VGG16" in text and networks.APPLICATIONS["VGG16"]["file"] in text


def test_a_name_server_that_hangs_is_not_waited_for(offline, monkeypatch):
    def hang(*arguments, **options):
        time.sleep(20)

    monkeypatch.setattr(urllib.request, "urlopen", hang)
    monkeypatch.setattr(applications, "WAIT", 0.3)
    begun = time.monotonic()
    with pytest.raises(ConnectionError):
        networks.features("VGG16", "imagenet")
    assert time.monotonic() - begun < 5


def test_a_server_that_answers_with_an_error_is_reachable(monkeypatch):
    def forbid(request, timeout):
        raise urllib.error.HTTPError(request.full_url, 403, "Forbidden", {}, None)

    monkeypatch.setattr(urllib.request, "urlopen", forbid)
    assert applications._reachable()


def test_the_official_loader_is_used_where_its_file_or_its_server_is(offline, monkeypatch, capsys):
    """With a file in the cache the server is not asked; a download has a time limit, then none."""
    import socket

    asked = []

    def build(name, weights):
        asked.append((name, weights, socket.getdefaulttimeout()))

    monkeypatch.setattr(applications, "build", build)
    cache = applications.Path(os.environ["KERAS_HOME"], "models")
    cache.mkdir()
    (cache / networks.APPLICATIONS["VGG16"]["file"]).write_bytes(b"weights")
    found = networks.features("VGG16")
    assert found.weights == "ImageNet (Keras Applications)" and found.name == "VGG16"
    assert capsys.readouterr().out == "VGG16: ImageNet (Keras Applications)\n"
    monkeypatch.setattr(applications, "_reachable", lambda: True)
    networks.features("MobileNet", "imagenet")
    assert asked == [(n, "imagenet", applications.STALL) for n in ("VGG16", "MobileNet")]
    assert socket.getdefaulttimeout() is None


def test_a_loader_that_fails_is_no_network_and_the_cause_is_kept(offline, monkeypatch):
    monkeypatch.setattr(applications, "_reachable", lambda: True)

    def fail(name, weights):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(applications, "build", fail)
    with pytest.raises(ConnectionError) as caught:
        networks.features("VGG16", "imagenet")
    assert "URL fetch failure" in str(caught.value.__cause__)
    assert networks.features("VGG16").name == "Lite0"


def test_random_only_by_name_and_from_its_seed(capsys):
    one, same, other = (networks.features("course_L", "random", seed) for seed in (1, 1, 2))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "course_L: random, seed 1",
        "course_L: random, seed 2",
    ]
    np.testing.assert_array_equal(one.embed(PICTURES), same.embed(PICTURES))
    assert np.abs(one.embed(PICTURES) - other.embed(PICTURES)).max() > 1e-3
    shipped = networks.features("course_L")
    assert np.abs(one.embed(PICTURES) - shipped.embed(PICTURES)).max() > 1e-3


def test_random_networks_say_it(vgg, inception):
    assert vgg.weights == inception.weights == "random, seed 1"
    assert (vgg.name, inception.name) == ("VGG16", "InceptionResNetV2")


def test_unknown_names_and_wrong_requests_have_one_sentence():
    with pytest.raises(
        ValueError, match="no network 'vgg'; take one of VGG16, .*course_RGB, Lite0, "
    ):
        networks.features("vgg")
    with pytest.raises(ValueError, match="never saw ImageNet"):
        networks.features("course_RGB", "imagenet")
    with pytest.raises(ValueError, match="has no input layer"):
        networks.input_layer("course_L")


@pytest.mark.parametrize("name", ["course_L", "MobileNet"])
def test_a_missing_file_is_named(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file '.*gone\.h5'; give \"auto\""):
        networks.features(name, tmp_path / "gone.h5")


def test_weights_of_another_network_are_refused(tmp_path, shared_data):
    mobile = shared_data / "weights" / networks.APPLICATIONS["MobileNet"]["file"]
    with pytest.raises(ValueError, match="does not hold the weights of VGG16: the file is vgg16"):
        networks.features("VGG16", mobile)
    with pytest.raises(ValueError, match="does not hold the weights of course_L"):
        networks.features("course_L", mobile)


def test_a_file_that_is_no_weights_is_refused(tmp_path):
    file = tmp_path / "x.h5"
    file.write_bytes(b"not a file of weights")
    for name in ("MobileNet", "course_RGB"):
        with pytest.raises(ValueError, match=f"does not hold the weights of {name}"):
            networks.features(name, file)


def test_one_shipped_network_is_not_taken_for_the_other():
    file = files.CHECKPOINTS / "course_RGB.onnx"
    with pytest.raises(ValueError, match="weights of course_L: it is of course_RGB"):
        networks.features("course_L", file)
    found = networks.features("course_RGB", file)
    assert found.weights == "from course_RGB.onnx"
    np.testing.assert_array_equal(
        found.embed(PICTURES), networks.features("course_RGB").embed(PICTURES)
    )


def test_a_shipped_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    for file in files.CHECKPOINTS.glob("*"):
        if file.stem in COURSE or file.name == files.SUMS:
            shutil.copy(file, tmp_path)
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path)
    networks.features("course_L")
    data = bytearray((tmp_path / "course_L.onnx").read_bytes())
    data[-2000] ^= 1
    (tmp_path / "course_L.onnx").write_bytes(data)
    with pytest.raises(ValueError, match="course_L.onnx is not the shipped file: its sha256"):
        networks.features("course_L")


# What they are fed


def test_vgg_sees_bgr_less_the_mean(vgg):
    from keras.applications.vgg16 import preprocess_input

    red = np.full((1, 224, 224, 3), (200, 10, 30), np.uint8)
    np.testing.assert_allclose(vgg.prepare(red)[0, 0, 0], [-73.939, -106.779, 76.32], atol=1e-3)
    wanted = preprocess_input(red.astype(np.float32))
    np.testing.assert_allclose(vgg.prepare(red), wanted, atol=1e-4)


def test_inception_sees_minus_one_to_one(inception):
    from keras.applications.inception_resnet_v2 import preprocess_input

    picture = RNG.integers(0, 256, (1, 299, 299, 3), dtype=np.uint8)
    x = inception.prepare(picture)
    np.testing.assert_allclose(x, preprocess_input(picture.astype(np.float32)), atol=1e-6)
    assert x.min() < -0.95 and x.max() > 0.95
    white_and_black = np.repeat(np.uint8([255, 0]), 8 * 8 * 3).reshape(2, 8, 8, 3)
    assert inception.prepare(white_and_black).mean((1, 2, 3)).tolist() == [1, -1]


def test_course_l_sees_l_alone():
    found = networks.features("course_L")
    x = found.prepare(PICTURES)
    assert x.shape == (5, found.size, found.size, 1) and x.dtype == np.float32
    square = RNG.integers(0, 256, (2, found.size, found.size, 3), dtype=np.uint8)
    np.testing.assert_allclose(found.prepare(square), color.rgb_to_lab(square)[..., :1] / 100)
    gray = np.stack([metrics.paint_gray(picture) for picture in square])
    near = np.abs(found.embed(square) - found.embed(gray)).max() / found.embed(square).max()
    assert near < 0.02, "rounding to 8 bits moves L a little, and nothing else may"


def test_course_rgb_sees_color():
    found = networks.features("course_RGB")
    gray = np.stack([metrics.paint_gray(picture) for picture in PICTURES])
    square = RNG.integers(0, 256, (2, found.size, found.size, 3), dtype=np.uint8)
    np.testing.assert_allclose(found.prepare(square), square / 255, atol=1e-6)
    assert np.abs(found.embed(PICTURES) - found.embed(gray)).max() > 0.05


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 8, 8, 3), np.float32),  # 0..1 where 0..255 is meant: it would see black
        np.zeros((2, 8, 8, 3)),
        np.zeros((2, 8, 8, 1), np.uint8),
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
        [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 4), np.uint8)],
    ],
    ids=["float32", "float64", "one channel", "no channel", "one picture", "alpha"],
)
@pytest.mark.parametrize("name", COURSE)
def test_what_is_no_uint8_rgb_is_refused(name, wrong):
    with pytest.raises(ValueError, match="give a batch of uint8 .* sees black"):
        networks.features(name).embed(wrong)


# Vectors and classes


@pytest.mark.parametrize("name", COURSE)
def test_any_size_any_number_in_order(name):
    found = networks.features(name)
    sizes = [(10, 300), (96, 96), (150, 150), (33, 20)] * 10  # more than a batch
    pictures = [RNG.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    whole = found.embed(pictures)
    assert whole.shape == (40, found.width) and whole.dtype == np.float32
    for i in (0, 31, 32, 39):
        np.testing.assert_allclose(found.embed(pictures[i : i + 1])[0], whole[i], atol=1e-5)
    assert found.embed(PICTURES[:0]).shape == (0, found.width)
    p = found.classify(PICTURES)
    assert p.shape == (5, len(found.classes)) and p.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_inceptions_features_are_logits(inception):
    x = inception.embed(PICTURES[:2])
    assert x.shape == (2, inception.width) == (2, 1000) and inception.size == 299
    assert x.min() < 0, "probabilities would be positive"
    assert np.abs(x.sum(axis=1) - 1).min() > 1e-3
    with pytest.raises(ValueError, match="has no classes here: take Lite0"):
        inception.classify(PICTURES)


def test_vggs_features_are_the_mean_of_its_last_maps(vgg):
    import keras

    x = vgg.embed(PICTURES[:1])
    last = keras.Model(vgg.model.input, vgg.model.get_layer("block5_pool").output)
    maps = np.asarray(last(vgg.prepare(PICTURES[:1])))
    assert maps.shape == (1, 7, 7, 512) and vgg.width == 512
    np.testing.assert_allclose(x, maps.mean((1, 2)), rtol=1e-3, atol=1e-5)


def test_mobilenet_from_its_file_knows_more_than_a_random_one(shared_data):
    """Its classes of place lie apart: the nearest of six class means names the right one."""
    from experiments import scene_classes

    rgb, labels = scene_classes.labelled("test", 64)
    rgb, labels = rgb[::5], labels[::5]
    file = shared_data / "weights" / networks.APPLICATIONS["MobileNet"]["file"]
    right = {}
    for weights in (file, "random"):
        found = networks.features("MobileNet", weights)
        x = found.embed(rgb)
        assert x.shape == (len(rgb), found.width) == (len(rgb), 256)
        even, odd = slice(0, None, 2), slice(1, None, 2)
        means = np.stack([x[even][labels[even] == k].mean(axis=0) for k in range(6)])
        nearest = np.square(x[odd][:, None] - means).sum(-1).argmin(axis=1)
        right[found.weights] = (nearest == labels[odd]).mean()
    assert list(right) == [f"ImageNet, from {file.name}", "random, seed 1"]
    assert right[f"ImageNet, from {file.name}"] > right["random, seed 1"] + 0.15


# The shipped networks


@pytest.mark.parametrize("name", COURSE)
def test_the_shipped_files(name):
    file = files.CHECKPOINTS / f"{name}.onnx"
    found = networks.features(name)
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    assert file.stat().st_size <= 1.5e6
    assert found.about["parameters"] <= 600_000
    assert found.classes == ["buildings", "forest", "glacier", "mountain", "sea", "street"]
    assert found.about["n"] == 6209 and found.about["n_test"] == 500
    for fact in ("n", "size", "epochs", "seed", "data", "data_licence", "licence", "command"):
        assert f"| {fact} | {found.about[fact]} |" in card
    share, low, high = found.about["accuracy"]
    assert f"{share:.3f} [{low:.3f}, {high:.3f}]" in card
    assert low > found.about["majority"][2] + 0.2, "far better than always naming one class"
    assert files.checksums()[file.name] == files.sha256(file) and files.sha256(file) in card


def test_they_are_no_colorizers():
    assert not set(COURSE) & set(colorizer.names())
    assert 4 * small.SHIPPED["course_RGB"][1] <= 476 // 2, "halves of the test photographs"


@pytest.mark.parametrize("name", COURSE)
def test_the_card_tells_the_accuracy_that_one_measures(name, shared_data):
    from experiments import scene_classes

    found = networks.features(name)
    rgb, labels = scene_classes.labelled("test")
    assert list(scene_classes.CLASSES) == found.classes
    measured = scene_classes.scores(found.classify(rgb), labels)
    assert measured["accuracy"] == pytest.approx(found.about["accuracy"], abs=0.005)
    assert measured["balanced"] == pytest.approx(found.about["balanced"], abs=0.005)


@pytest.mark.parametrize("name", COURSE)
def test_the_keras_model_is_the_file(name):
    found = networks.features(name)
    np.testing.assert_allclose(
        np.asarray(found.model(found.prepare(PICTURES))), found.embed(PICTURES), atol=1e-4
    )
    channels = small.SHIPPED[name][0]
    for shape in ((2, 61, 83), (1, 16, 8), (1, 5, 3)):  # fully convolutional, odd sizes too
        x = RNG.uniform(0, 1, (*shape, channels)).astype(np.float32)
        np.testing.assert_allclose(np.asarray(found.model(x)), found._run(x, "features"), atol=1e-4)
    assert found.model is found.model


def test_they_run_without_tensorflow():
    code = """
import sys
import numpy as np
for name in ("tensorflow", "keras", "torch", "onnx"):
    sys.modules[name] = None
from course_utils import networks
for name in ("course_L", "course_RGB"):
    found = networks.features(name)
    print(found.embed(np.zeros((2, 9, 9, 3), np.uint8)).shape, found.classify([]).shape)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shapes = run.stdout.splitlines()[1::2]
    assert shapes == ["(2, 128) (0, 6)", "(2, 48) (0, 6)"], run.stdout


# Inside a colorizer

METADATA = {
    "lesson": "toy",
    "architecture": "toy",
    "data": "noise",
    "data_licence": "none",
    "licence": "MIT",
    "profile": "ci",
    "seed": 1,
    "metrics": [],
}


def fused(network):
    """A colorizer that adds a borrowed vector to its own maps."""
    import keras

    layers = keras.layers
    L = keras.Input((None, None, 1))
    local = layers.Conv2D(8, 3, 2, "same", activation="relu")(L)  # (N, H/2, W/2, 8)
    vector = layers.Reshape((1, 1, network.width))(network.model(L))  # (N, 1, 1, 128)
    x = layers.Add()([local, layers.Conv2D(8, 1)(vector)])  # (N, H/2, W/2, 8)
    x = layers.UpSampling2D()(layers.ReLU()(x))
    return keras.Model(L, layers.Conv2D(2, 3, padding="same", activation="tanh")(x))


def test_a_colorizer_with_a_borrowed_network_exports(tmp_path):
    """`save_keras` compares the graph with the model at two sizes; here against Keras once more."""
    model = fused(networks.features("course_L"))
    path = tmp_path / "toy.onnx"
    colorizer.save_keras(model, path, scale=110, multiple=2, size=64, **METADATA)
    L = RNG.uniform(0, 100, (2, 36, 52, 1)).astype(np.float32)
    ab = colorizer.Colorizer.load(path).ab(L)
    assert ab.std() > 1e-3
    np.testing.assert_allclose(ab, 110 * np.asarray(model(L / 100)), atol=0.5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["VGG16", "InceptionResNetV2", "MobileNet"])
def test_the_input_layer_prepares_as_prepare_does(name, policy):
    import keras

    spec = networks.APPLICATIONS[name]
    wanted = spec["range"](PICTURES.astype(np.float32))
    gray = np.repeat(PICTURES[..., :1], 3, axis=-1)
    L = color.rgb_to_lab(gray)[..., :1] / np.float32(100)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        of_rgb, of_l = networks.input_layer(name, rgb=True), networks.input_layer(name)
        tolerance = 1e-4 * np.abs(wanted).max()
        np.testing.assert_allclose(of_rgb(PICTURES / np.float32(255)), wanted, atol=tolerance)
        wanted = spec["range"](gray.astype(np.float32))
        np.testing.assert_allclose(of_l(L), wanted, atol=tolerance)
        assert not of_l.trainable_weights
    finally:
        keras.config.set_dtype_policy(before)
