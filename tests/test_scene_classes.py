"""The shipped classifiers' making, at toy size: balanced, resumed, folded, exported, judged."""

import numpy as np
import pytest
from PIL import Image

from course_utils import color, files, networks
from course_utils.networks.small import SHIPPED, small_network
from experiments import scene_classes
from experiments.runner import Run

EPOCHS, BATCH = 4, 64
HUES = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (40, 200, 200), (200, 40, 200)]


class Killed(Exception):
    pass


def photographs(counts, size=16, seed=6):
    """Noisy pictures, each class of its own color and lightness: a problem that can be learned."""
    labels = np.repeat(np.arange(6), counts)
    noise = np.random.default_rng(seed).normal(0, 20, (len(labels), size, size, 3))
    return np.clip(np.array(HUES)[labels][:, None, None] + noise, 0, 255).astype(np.uint8), labels


TOY = {
    "train": photographs([40, 60, 80, 260, 40, 96]),
    "test": photographs([9, 8, 8, 8, 8, 8], seed=7),
}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(scene_classes, "labelled", TOY.__getitem__)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both networks, trained and shipped at toy size: {name: (about, folder of files, run)}."""
    result, folder = {}, tmp_path_factory.mktemp("shipped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene_classes, "labelled", TOY.__getitem__)
        patch.setattr(files, "CHECKPOINTS", folder)
        for name in SHIPPED:
            run = Run(tmp_path_factory.mktemp(name))
            result[name] = scene_classes.make(name, run, EPOCHS, BATCH), folder, run
    return result


@pytest.mark.stress
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_it_learns_ships_and_tells_what_it_scored(made, name):
    about, folder, run = made[name]
    found = networks.features(name, str(folder / f"{name}.onnx"))
    assert found.about == about
    rgb, labels = TOY["test"]
    measured = scene_classes.scores(found.classify(rgb), labels)
    assert measured["accuracy"] == about["accuracy"]
    _, rows = scene_classes.train_classifier(name, *TOY["train"], EPOCHS, BATCH, run)
    assert len(rows) == EPOCHS and rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert about["n"] == 576 and about["n_by_class"] == [40, 60, 80, 260, 40, 96]
    assert about["majority"][0] == pytest.approx(9 / 49)
    card = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert f"make experiment NAME=04/{name}" in card
    assert all(f"| {kind} |" in card for kind in scene_classes.CLASSES)


@pytest.mark.stress
def test_both_are_listed_and_nothing_half_made_is_left(made):
    _, folder, _ = made["course_L"]
    lines = (folder / files.SUMS).read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in lines] == ["course_L.onnx", "course_RGB.onnx"]
    digests = [files.sha256(folder / f"{name}.onnx") for name in ("course_L", "course_RGB")]
    assert [line.split()[0] for line in lines] == digests
    assert len(list(folder.iterdir())) == 5


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_shipped_card_is_what_the_shipped_file_gives(name):
    file = files.CHECKPOINTS / f"{name}.onnx"
    about, digest = networks.features(name).about, files.sha256(file)
    wanted = scene_classes.card(name, about, file.stat().st_size, digest)
    assert file.with_suffix(".md").read_text(encoding="utf-8") == wanted


@pytest.mark.stress
def test_killed_and_run_again_it_makes_the_same_file(made, tmp_path, monkeypatch):
    about, folder, _ = made["course_L"]
    whole, asked = scene_classes.epoch, []

    def dying(*arguments):
        asked.append(arguments[-1])
        if asked == [0, 0, 1, 2]:  # the first batch of 0 also says what the state belongs to
            raise Killed
        return whole(*arguments)

    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path / "shipped")
    monkeypatch.setattr(scene_classes, "epoch", dying)
    with pytest.raises(Killed):
        scene_classes.make("course_L", Run(tmp_path), EPOCHS, BATCH)
    assert [p.name for p in tmp_path.iterdir()] == ["epoch_002.npz"]
    again = scene_classes.make("course_L", Run(tmp_path), EPOCHS, BATCH)
    assert asked == [0, 0, 1, 2, 0, 2, 3]  # only the missing epochs are trained
    assert again | {"minutes": ""} == about | {"minutes": ""}
    two = [folder / "course_L.onnx", tmp_path / "shipped" / "course_L.onnx"]
    one, other = (networks.features("course_L", str(file)).model.get_weights() for file in two)
    assert all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_folding_the_normalization_changes_nothing(channels):
    import keras

    rng = np.random.default_rng(8)
    keras.utils.set_random_seed(3)
    model = scene_classes.classifier(channels, 12)
    for layer in model.layers:
        if layer.name.startswith("norm"):
            shape = layer.gamma.shape
            gamma, beta, mean, variance = (rng.uniform(0.5, 1.5, shape) for _ in range(4))
            layer.set_weights([gamma, beta - 1, mean - 1, variance])
    arrays = scene_classes.folded(model)
    plain = small_network(channels, 12)
    for layer in plain.layers:
        if layer.weights:
            kernel, bias = (arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias"))
            layer.set_weights([kernel.transpose(2, 3, 1, 0), bias])
    x = rng.uniform(0, 1, (2, 37, 21, channels)).astype(np.float32)
    features = np.asarray(plain(x))
    assert features.std() > 1e-3
    trained = keras.Model(model.input, model.get_layer("features").output)(x, training=False)
    np.testing.assert_allclose(features, np.asarray(trained), rtol=1e-3, atol=1e-5)
    logits = features @ arrays["classes/kernel"].T + arrays["classes/bias"]
    wanted = np.asarray(model(x, training=False))
    np.testing.assert_allclose(logits, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_epoch_draws_every_class_equally_and_is_a_function_of_its_number(channels):
    rgb, labels = photographs([4, 4, 200, 300, 4, 4])
    one, same, next_one = (
        [(x.numpy(), y.numpy()) for x, y in scene_classes.epoch(rgb, labels, channels, 32, 1, n)]
        for n in (2, 2, 3)
    )
    assert len(one) == len(rgb) // 32
    for (x, y), (u, v), (p, _) in zip(one, same, next_one, strict=True):
        assert x.shape == (32, 16, 16, channels) and 0 <= x.min() and x.max() <= 1
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)
        assert np.abs(x - p).max() > 0.1
    drawn = np.concatenate([y for _, y in one])
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-5)
    counts = np.bincount(drawn.argmax(axis=1), minlength=6)
    assert counts.min() > len(drawn) / 6 / 2, "rare classes come as often as common ones"
    x, y = one[0]
    lightness = color.L(np.array([HUES], np.uint8))[0, :, 0] / 100
    seen = x.mean((1, 2)) if channels == 3 else x.mean((1, 2, 3))[:, None]
    truth = np.array(HUES) / 255 if channels == 3 else lightness[:, None]
    np.testing.assert_allclose(seen, truth[y.argmax(axis=1)], atol=0.1)


def test_the_rate_rises_once_and_falls():
    rates = [scene_classes.rate(10)(n) for n in range(10)]
    assert rates[0] < rates[1] and rates[1:] == sorted(rates[1:], reverse=True)
    assert 0 < rates[-1] < rates[1] / 10


def test_lighter_leaves_the_precision_as_it_was():
    import keras

    with pytest.raises(ZeroDivisionError):
        scene_classes.lighter(lambda: 1 / 0)
    assert keras.config.dtype_policy().name == "float32"
    model = scene_classes.lighter(lambda: scene_classes.classifier(1, 4))
    assert model.weights[0].dtype == "float32" and model.output.dtype == "float32"
    assert model.get_layer("conv2").compute_dtype == "bfloat16"


def test_scores_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    p = np.eye(6, dtype=np.float32)[[0, 0, 1, 1, 1, 5]]
    found = scene_classes.scores(p, labels)
    assert found["n_test"] == 6 and found["recall"] == pytest.approx([2 / 3, 1, 0])
    assert found["balanced"] == pytest.approx(5 / 9)
    assert found["accuracy"][0] == pytest.approx(4 / 6)
    assert found["majority"][0] == pytest.approx(3 / 6)
    assert found["accuracy"][1] < 4 / 6 < found["accuracy"][2]


def test_labels_are_the_folders(tmp_path, monkeypatch):
    monkeypatch.undo()  # the real `labelled`
    monkeypatch.setenv("COURSE_SHARED_DATA", str(tmp_path))
    for split in ("seg_train", "seg_test"):
        for i, name in enumerate(scene_classes.CLASSES):
            folder = tmp_path / "intel" / split / name
            folder.mkdir(parents=True)
            for j in range(i + 1):
                Image.new("RGB", (20, 14), HUES[i]).save(folder / f"{j}.jpg")
    rgb, labels = scene_classes.labelled("test", 8)
    assert rgb.shape == (21, 8, 8, 3) and rgb.dtype == np.uint8
    assert np.bincount(labels).tolist() == [1, 2, 3, 4, 5, 6]
    assert np.abs(rgb.mean((1, 2)) - np.array(HUES)[labels]).max() < 8
