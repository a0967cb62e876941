"""The shipped classifiers' making, at toy size: balanced, resumed, folded, exported, judged."""

import numpy as np
import pytest
from PIL import Image

from course_utils import backbones, color, scene_classes, small_network

RNG = np.random.default_rng(6)
EPOCHS = 4
HUES = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (40, 200, 200), (200, 40, 200)]


def photographs(counts, size=16):
    """Noisy pictures, each class of its own color and lightness: a problem that can be learned."""
    labels = np.repeat(np.arange(6), counts)
    noise = RNG.normal(0, 20, (len(labels), size, size, 3))
    return np.clip(np.array(HUES)[labels][:, None, None] + noise, 0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both networks, trained, judged and shipped at toy size: {name: (about, folder)}."""
    result = {}
    for name in small_network.SHIPPED:
        folder = tmp_path_factory.mktemp(name)
        train, test = photographs([40, 60, 80, 260, 40, 96]), photographs([9, 8, 8, 8, 8, 8])
        splits = [(*split, scene_classes.CLASSES) for split in (train, test)]
        about = scene_classes.make(name, *splits, folder / "state", EPOCHS, folder)
        result[name] = about, folder, splits
    return result


@pytest.mark.parametrize("name", sorted(small_network.SHIPPED))
def test_it_learns_ships_and_tells_what_it_scored(made, name):
    about, folder, (train, test) = made[name]
    found = backbones.features(name, folder / f"{name}.onnx")
    assert found.about == about | {k: list(about[k]) for k in ("accuracy", "majority")}
    measured = scene_classes.scores(found.classify(test[0]), test[1])
    assert measured["accuracy"] == tuple(about["accuracy"])
    rows = scene_classes.train_classifier(name, *train[:2], EPOCHS, folder=folder / "state")[1]
    assert len(rows) == EPOCHS and rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert about["n"] == 576 and about["n_by_class"] == [40, 60, 80, 260, 40, 96]
    assert about["majority"][0] == pytest.approx(9 / 49)
    card = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert f"python -m course_utils.scene_classes {name}" in card
    assert all(f"| {c} |" in card for c in scene_classes.CLASSES)


def test_the_second_joins_the_first_in_the_sums(tmp_path, made):
    about = made["course_L"][0]
    for name in ("course_RGB", "course_L", "course_RGB"):
        scene_classes._ship(name, name.encode(), about, tmp_path)
    lines = (tmp_path / small_network.SUMS).read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in lines] == ["course_L.onnx", "course_RGB.onnx"]
    assert not list(tmp_path.glob(".*"))


def test_killed_and_run_again_only_the_missing_epochs_are_trained(made, monkeypatch):
    about, folder, splits = made["course_L"]

    def never(*arguments):
        raise AssertionError("all epochs are there")

    monkeypatch.setattr(scene_classes, "epoch", never)
    again = scene_classes.make("course_L", *splits, folder / "state", EPOCHS, folder)
    assert again == about


@pytest.mark.parametrize("channels", [1, 3])
def test_folding_the_normalization_changes_nothing(channels):
    import keras

    keras.utils.set_random_seed(3)
    model = scene_classes.classifier(channels, 12)
    for layer in model.layers:
        if layer.name.startswith("norm"):
            shape = layer.gamma.shape
            gamma, beta, mean, variance = (RNG.uniform(0.5, 1.5, shape) for _ in range(4))
            layer.set_weights([gamma, beta - 1, mean - 1, variance])
    arrays = scene_classes.folded(model)
    plain = small_network.small_network(channels, 12)
    for layer in plain.layers:
        if layer.weights:
            kernel, bias = (arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias"))
            layer.set_weights([kernel.transpose(2, 3, 1, 0), bias])
    x = RNG.uniform(0, 1, (2, 37, 21, channels)).astype(np.float32)
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
    for (x, y), (u, v), (p, _) in zip(one, same, next_one):
        assert x.shape == (32, 16, 16, channels) and 0 <= x.min() and x.max() <= 1
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)
        assert np.abs(x - p).max() > 0.1
    drawn = np.concatenate([y for _, y in one])
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-5)
    counts = np.bincount(drawn.argmax(axis=1), minlength=6)
    assert counts.min() > len(drawn) / 6 / 2, "rare classes come as often as common ones"
    x, y = one[0]
    lightest = color.rgb_to_lab(np.uint8([HUES]))[0, :, 0] / 100
    seen = x.mean((1, 2)) if channels == 3 else x.mean((1, 2, 3))[:, None]
    truth = np.array(HUES) / 255 if channels == 3 else lightest[:, None]
    np.testing.assert_allclose(seen, truth[y.argmax(axis=1)], atol=0.1)


def test_the_rate_rises_once_and_falls():
    rates = [scene_classes.rate(10)(n) for n in range(10)]
    assert rates[0] < rates[1] and rates[1:] == sorted(rates[1:], reverse=True)
    assert 0 < rates[-1] < rates[1] / 10


def test_scores_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    p = np.eye(6)[[0, 0, 1, 1, 1, 5]]
    found = scene_classes.scores(p, labels)
    assert found["n_test"] == 6 and found["recall"] == pytest.approx([2 / 3, 1, 0])
    assert found["balanced"] == pytest.approx(5 / 9)
    assert found["accuracy"][0] == pytest.approx(4 / 6)
    assert found["majority"][0] == pytest.approx(3 / 6)


def test_labels_are_the_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_SHARED_DATA", str(tmp_path))
    for split in ("seg_train", "seg_test"):
        for i, name in enumerate(scene_classes.CLASSES):
            folder = tmp_path / "intel" / split / name
            folder.mkdir(parents=True)
            for j in range(i + 1):
                Image.new("RGB", (20, 14), HUES[i]).save(folder / f"{j}.jpg")
    rgb, labels, names = scene_classes.labelled("test", 8)
    assert rgb.shape == (21, 8, 8, 3) and rgb.dtype == np.uint8
    assert np.bincount(labels).tolist() == [1, 2, 3, 4, 5, 6] and names == scene_classes.CLASSES
    assert np.abs(rgb.mean((1, 2)) - np.array(HUES)[labels]).max() < 8


def test_the_command_trains_and_judges_on_the_published_splits(tmp_path, monkeypatch, capsys):
    calls = []

    def make(*arguments):
        calls.append(arguments)
        return {"accuracy": (0.5, 0.4, 0.6), "n_test": 2}

    monkeypatch.setattr(scene_classes, "labelled", lambda split: split)
    monkeypatch.setattr(scene_classes, "make", make)
    scene_classes.main(["course_RGB"])
    name, train, test, folder = calls[0]
    assert (name, train, test, folder.name) == ("course_RGB", "train", "test", "course_RGB")
    assert "accuracy 0.500 on 2" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        scene_classes.main(["VGG16"])
