"""Experiments of lesson 04 at toy size: what they return, and that they survive a kill."""

from types import SimpleNamespace

import numpy as np
import pytest
from experiment_toys import ADDED, Killed, killed_in, same_form, survives, untimed
from lesson_code import noise

from course_utils import color, course, files, metrics, networks
from course_utils.colorizer import Colorizer
from experiments import lesson_04 as experiments
from experiments import scene_classes
from experiments.runner import EXPERIMENTS, Run

L = experiments.L
PLAN = ((16, 1e-3), (24, 1e-4))


@pytest.fixture(autouse=True, scope="module")
def eager():
    """One step of each network does not pay for its compilation, and there are many."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def without_photographs(patch):
    """Photographs are noise, and two of them are held out."""
    patch.setattr(experiments, "HELD_OUT", 2)
    patch.setattr(experiments, "photographs", lambda size: noise(6, size))
    patch.setattr(experiments, "judged_photographs", lambda size=30: noise(3, size, 8))


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    without_photographs(monkeypatch)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file like that of VGG-19's first three blocks."""
    import keras

    blocks, tensors = networks.vgg_blocks("random", blocks=3, seed=4), {}
    for layer in blocks.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = layer.get_weights()
            tensors |= {f"{layer.name}__kernel": kernel, f"{layer.name}__bias": bias}
    file = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(file, **tensors)
    return file


# What borrowed maps buy


def test_borrowed(tmp_path, monkeypatch, weights):
    monkeypatch.setattr(experiments, "vgg_weights", lambda: weights)
    toy = {"n": 4, "n_held": 2, "size": 16, "epochs": 2, "seeds": (1,)}
    result = survives(experiments.borrowed, tmp_path, **toy)
    stored = course.result("04/borrowed")
    assert set(result) == set(stored) - ADDED
    assert list(result["arms"]) == list(stored["arms"]) == list(experiments.ARMS)
    for name, arm in result["arms"].items():
        assert set(arm) == set(stored["arms"][name])
        assert np.shape(arm["rows"]) == (1, 2) and len(arm["psnr"]) == 3
    psnr = {name: arm["psnr"] for name, arm in result["arms"].items()}
    assert psnr["borrowed, frozen"] != psnr["random, frozen"]
    assert psnr["borrowed, frozen"] != psnr["borrowed, trained"]
    assert (result["n"], result["n_test"], result["seed"]) == (4, 3, [1])


@pytest.mark.parametrize("trained", [False, True])
def test_a_frozen_arm_leaves_its_encoder_alone(trained):
    rgb = noise(4, 16)
    model = experiments.arm_model("random", trained, rgb, seed=1)
    before = [w.numpy() for w in model.get_layer("block2_conv1").weights]
    L.learn(model, rgb, 1, lambda number: 1e-3)
    after = [w.numpy() for w in model.get_layer("block2_conv1").weights]
    moved = not all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    assert moved == trained


# What Keras's accuracy counts


def test_constants(tmp_path, monkeypatch):
    names = [name.removeprefix("Intel, ") for name in course.result("04/constants")["rows"]]
    for name in names[1:7]:
        (tmp_path / "intel" / "seg_test" / name).mkdir(parents=True)
    asked = []
    monkeypatch.setattr(experiments, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(
        experiments, "both_halves", lambda folder, size: asked.append(folder) or noise(2, size)
    )
    result = experiments.constants(Run(tmp_path), size=8)
    same_form(result, "04/constants")
    stored = course.result("04/constants")
    assert list(result["rows"]) == list(stored["rows"])
    assert all(set(row) == set(stored["rows"][name]) for name, row in result["rows"].items())
    assert len(asked) == 9 and result["n"] == 18 and result["rows"]["Intel, all six"]["n"] == 12


def test_a_constant_row():
    rgb = np.zeros((2, 8, 8, 3), np.uint8)
    rgb[0] = 200, 200, 60  # yellow
    rgb[1, :2], rgb[1, 2:6], rgb[1, 6:] = (131, 128, 130), (200, 60, 200), (200, 200, 60)
    row = experiments.constant_row(rgb)  # of the second a quarter is nearly gray, a quarter yellow
    shares = {"yellow": (1 + 0.25) / 2, "one bit": (1 + 0.75) / 2, "gray within 10": 0.25 / 2}
    assert row == {"n": 2} | shares


def test_by_epoch(tmp_path, monkeypatch, weights):
    monkeypatch.setattr(experiments, "vgg_weights", lambda: weights)
    result = survives(experiments.by_epoch, tmp_path, n=4, n_test=2, size=16, epochs=2)
    same_form(result, "04/epochs")
    numbers = [[row["train"], row["others"]] for row in result["rows"]]
    assert np.shape(numbers) == (2, 2, 3) and np.isfinite(numbers).all()


def test_the_three_numbers_of_a_perfect_and_of_a_gray_answer():
    rgb = noise(3, 16)
    ab = color.ab(rgb)

    def model(answer):
        return SimpleNamespace(predict=lambda x, **options: answer / color.AB_SCALE)

    accuracy, within, psnr = experiments.three_numbers(model(ab), rgb)
    assert accuracy > 0.999 and within == 1 and psnr > 50
    accuracy, within, psnr = experiments.three_numbers(model(np.zeros_like(ab)), rgb)
    assert accuracy == pytest.approx((ab[..., 0] >= ab[..., 1]).mean(), abs=1e-6)
    assert within == pytest.approx(experiments.gray_within(ab)) and within < 0.2 and psnr < 20


# The checkpoint


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The checkpoint's result, its run, and the file that would be shipped."""
    run, whole, shipped = Run(tmp_path_factory.mktemp("checkpoint")), L.whole, []
    with pytest.MonkeyPatch.context() as patch:
        without_photographs(patch)
        patch.setattr(L, "whole", lambda eye: whole(eye, thin=16))
        patch.setattr(experiments, "ship", lambda *arguments: shipped.append(arguments))
        result = experiments.checkpoint(run, plan=PLAN, batch=2)
        (shipment,) = shipped
        yield result, run, shipment


def test_the_checkpoint_is_trained_judged_and_shipped(made):
    result, _, (path, name, table) = made
    same_form(result, "04/checkpoint")
    stored = course.result("04/checkpoint")
    for key in ("gain", "psnr", "accuracy", "embedding"):
        assert list(result[key]) == list(stored[key]), key
    assert result["n"] == 4 and result["size"] == 24
    assert np.isfinite(list(result["accuracy"].values())).all()
    assert name == "04_pretrained_fusion"
    metadata, kept = Colorizer.load(path).metadata, Colorizer.load(name).metadata
    assert set(metadata) == set(kept) and table == result["table"]
    assert metadata["plan"] == "1 × 16 px at 0.001, 1 × 24 px at 0.0001"
    assert metadata["size"] == 24


def test_a_killed_checkpoint_goes_on_to_the_same_numbers(made, tmp_path, monkeypatch):
    result, _, (path, *_) = made  # its file stands for the second one: exporting takes seconds
    monkeypatch.setattr(experiments, "save_keras", lambda *arguments, **options: path)
    with pytest.MonkeyPatch.context() as patch:
        killed_in(patch, 1)
        with pytest.raises(Killed):
            experiments.checkpoint(Run(tmp_path), plan=PLAN, batch=2)
    assert [file.name for file in tmp_path.iterdir()] == ["epoch_001.npz"]
    again = experiments.checkpoint(Run(tmp_path), plan=PLAN, batch=2)
    assert untimed(again) == untimed(result)


def test_the_exported_file_answers_as_the_network_with_its_own_vectors(made):
    _, run, (path, *_) = made
    rgb = {size: noise(6, size) for size in (16, 24)}
    eye = networks.features("course_L").model
    seen = [w.numpy().copy() for w in eye.weights]
    network, _ = experiments.train_checkpoint(eye, rgb, PLAN, 2, run)  # only read: it is trained
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(seen, eye.weights, strict=True))
    model = Colorizer.load(path)
    light = np.random.default_rng(1).uniform(0, 100, (1, 24, 24, 1)).astype(np.float32)
    plain = L.whole(eye)
    plain.set_weights(network.get_weights())
    assert np.abs(model.ab(light) - L.answers(plain, light)).max() < 0.6
    assert model.ab(light[:, :21, :13]).shape == (1, 21, 13, 2)
    photo = noise(3, 24, 8)
    psnr = experiments.swapped_vectors(network, eye, photo)
    np.testing.assert_allclose(psnr["its own"], experiments.photo_psnr(network, photo), atol=0.01)


def test_accuracy_rows_of_answers_that_are_known():
    rgb = noise(2, 12)
    rows = experiments.accuracy_rows(rgb, {"gray too": metrics.paint_gray, "truth": lambda x: x})
    assert list(rows) == ["one yellow", "gray", "gray too", "truth"]
    assert rows["truth"] == [1, 1, 1]
    assert rows["gray too"][1:] == pytest.approx(rows["gray"][1:], abs=1e-3)
    ab = color.ab(rgb)
    assert rows["one yellow"][0] == pytest.approx((ab[..., 1] > ab[..., 0]).mean(), abs=1e-6)


def test_the_plan_in_words_is_the_shipped_files():
    stored = Colorizer.load("04_pretrained_fusion").metadata
    assert experiments.in_words(experiments.PLAN) == stored["plan"]
    assert len(experiments.PLAN) == int(stored["epochs"])
    plan = tuple(map(tuple, course.result("04/checkpoint")["plan"]))
    assert plan == experiments.PLAN


# The classifiers


@pytest.mark.parametrize("name", ["course_L", "course_RGB"])
def test_a_classifier_is_made_by_its_experiment(name, monkeypatch, tmp_path):
    found, asked = EXPERIMENTS[f"04/{name}"], []
    monkeypatch.setattr(scene_classes, "make", lambda *arguments: asked.append(arguments) or {})
    run = Run(tmp_path)
    found.function(run)
    assert asked == [(name, run, 24, 64)] and found.models == (name,)
    assert (files.CHECKPOINTS / f"{name}.onnx").is_file()
