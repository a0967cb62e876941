"""Lesson 02: its network is the published one, its claims are true, its file is the shipped one."""

import numpy as np
import pytest

from course_utils import course, files, metrics, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson

L = lesson("02")


@pytest.fixture(scope="module")
def checkpoint():
    return Colorizer.load("02_mse_regression")


# The networks


def test_the_network_is_the_published_one():
    model = L.s0()
    assert model.count_params() == 3_892_194
    sizes = [layer.strides[0] for layer in model.layers if layer.name.startswith("conv2d")]
    assert sizes == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1]
    assert model.layers[-2].activation.__name__ == "tanh"
    answer = model.predict(np.zeros((1, 24, 40, 1), np.float32), verbose=0)
    assert answer.shape == (1, 24, 40, 2)
    assert np.array_equal(answer[:, ::2, ::2], answer[:, 1::2, 1::2])  # pixels are repeated


def test_the_unet_sees_the_whole_picture():
    """One pixel of L reaches the opposite corner of the answer, unlike in S0."""
    x = np.random.default_rng(0).uniform(0, 1, (1, 64, 64, 1)).astype(np.float32)
    moved = x.copy()
    moved[0, 0, 0] += 1
    for network, reaches in ((L.unet(), True), (L.s0(thin=16), False)):
        change = network.predict(moved, verbose=0) - network.predict(x, verbose=0)
        assert bool(np.abs(change[0, -8:, -8:]).max() > 0) == reaches


# Loop and answers


def test_the_scenes_that_are_shown_are_the_least_certain():
    scenes, shown = L.held_out_scenes()
    uncertain = scenes.variance().mean((1, 2))
    assert set(uncertain[shown]) == set(np.sort(uncertain)[-3:])


def test_learning_lowers_the_loss_and_slows_down_at_the_end():
    import keras

    keras.utils.set_random_seed(course.SEED)
    model, scenes, rates = L.s0(thin=16), paintbox.sample(20, 32, seed=3), []

    def measure(network):
        rates.append(float(network.optimizer.learning_rate.numpy()))
        ab_hat = L.answers(network, scenes.L)
        return {"test": float(((ab_hat - scenes.ab) ** 2).mean() / L.PAPER_SCALE**2)}

    rows = L.learn(model, L.epochs_of(scenes, course.SEED), 5, measure)
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rates == pytest.approx([1e-3] * 4 + [2e-4])
    # `answers` undoes the scale of `epochs_of`: both say the same loss of the same weights.
    loss = model.evaluate(scenes.L / 100, scenes.ab / L.PAPER_SCALE, verbose=0)
    assert rows[-1]["test"] == pytest.approx(loss, rel=1e-3)


def test_epochs_are_batches_of_l_and_ab_in_their_scales():
    scenes = paintbox.sample(5, 32, seed=3)
    (x, y), *rest = L.epochs_of(scenes, 1, batch=16, augmented=False)(0)
    assert not rest and x.shape == (5, 32, 32, 1) and y.shape == (5, 32, 32, 2)
    assert np.sort(x, None) == pytest.approx(np.sort(scenes.L, None) / 100, abs=1e-6)
    assert np.sort(y, None) == pytest.approx(np.sort(scenes.ab, None) / 128, abs=1e-6)


# The stored results


def test_validation_loss_tells_what_training_loss_does_not():
    """In the stored run the training loss still falls where the validation loss rises."""
    rows = [row for row in course.result("02/report")["rows"] if "validation" in row]
    least = int(np.argmin([row["validation"] for row in rows]))
    assert rows[-1]["loss"] < rows[least]["loss"] and 0 < least < len(rows) - 1


def test_every_arm_of_the_classes_is_judged_on_the_same_photographs():
    result = course.result("02/classes")
    lengths = {len(values) for values in result["psnr"].values()}
    assert lengths == {result["n_test"]} == {len(result["labels"])} == {len(result["chosen"])}
    # The classifier that chooses is far better than the commonest class would be.
    right = np.mean(np.array(result["labels"]) == result["chosen"])
    assert right > 2 * np.bincount(result["labels"]).max() / result["n_test"]


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(checkpoint):
    assert checkpoint.metadata["parameters"] == 3_892_194
    assert (files.CHECKPOINTS / "02_mse_regression.onnx").stat().st_size <= 8e6
    assert (files.CHECKPOINTS / "02_mse_regression.md").is_file()


def test_the_shipped_file_scores_on_the_album_what_is_stored(checkpoint):
    from course_utils import photos

    rgb = photos.load("album", "test", 256, limit=20)
    gain = metrics.psnr(rgb, [checkpoint.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    stored = course.result("02/checkpoint")["sets"]["album"]["psnr"]
    expected = np.subtract(stored["S0"], stored["gray"])[:20]
    assert gain == pytest.approx(expected, abs=0.02)
    assert metrics.bootstrap(np.subtract(stored["S0"], stored["gray"]))[1] > 0
