"""Lesson 02: its network is the published one, its floor is exact, its file is the shipped one."""

import numpy as np
import pytest

from course_utils import color, course, files, metrics, paintbox
from course_utils.checks import lesson_02 as checks
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
    network = L.unet()
    x = np.random.default_rng(0).uniform(0, 1, (1, 64, 64, 1)).astype(np.float32)
    moved = x.copy()
    moved[0, 0, 0] += 1
    change = network.predict(moved, verbose=0) - network.predict(x, verbose=0)
    assert np.abs(change[0, -8:, -8:]).max() > 0


def test_the_check_of_exercise_4_agrees_with_a_measured_window(monkeypatch):
    import keras
    import tensorflow as tf

    def measured(strides):
        """Input pixels that a pixel in the middle of the output has a slope for."""
        inputs = x = keras.Input((None, 1))
        for stride in map(int, strides):
            x = keras.layers.Conv1D(1, 3, stride, "same", kernel_initializer="ones")(x)
        model, line = keras.Model(inputs, x), tf.zeros((1, 4 * int(np.prod(strides)) + 9000, 1))
        with tf.GradientTape() as tape:
            tape.watch(line)
            answer = model(line)
            pixel = answer[0, answer.shape[1] // 2, 0]
        return int(np.count_nonzero(tape.gradient(pixel, line)))

    monkeypatch.setenv("COURSE_STRICT", "1")
    checks.receptive_field(measured)
    with pytest.raises(AssertionError):
        checks.receptive_field(lambda strides: measured(strides) + 2)


# Loss, loop and answers


def test_the_loss_and_psnr_of_a_gray_answer():
    light, ab = np.full((2, 8, 8, 1), 50, np.float32), np.zeros((2, 8, 8, 2), np.float32)
    ab[..., 0] = 32
    loss, psnr = L.gray_row(light, ab)
    assert loss == pytest.approx(0.25**2 / 2)
    error = color.with_ab(light[0], ab[0]) - color.with_ab(light[0], 0 * ab[0])
    assert psnr == pytest.approx(-10 * np.log10((error**2).mean()), abs=1e-3)


def test_the_bottleneck_keeps_means_and_caps_psnr():
    scenes = paintbox.sample(2, 64, seed=4)
    half = L.half_and_double(scenes.ab)
    np.testing.assert_allclose(half.mean((1, 2)), scenes.ab.mean((1, 2)), atol=1e-3)
    assert np.array_equal(half[:, ::2, ::2], half[:, 1::2, 1::2])
    assert np.array_equal(L.half_and_double(half), half)
    gray = metrics.psnr(scenes.rgb, color.with_ab(scenes.L, 0 * scenes.ab))
    assert (L.ceiling(scenes.L, scenes.ab) > gray).all()


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


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(checkpoint):
    assert checkpoint.metadata["parameters"] == 3_892_194
    assert (files.CHECKPOINTS / "02_mse_regression.onnx").stat().st_size <= 8e6
    assert (files.CHECKPOINTS / "02_mse_regression.md").is_file()
    assert checkpoint.metadata["metrics"] == course.result("02/checkpoint")["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, checkpoint):
    from course_utils import photos

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    gain = metrics.psnr(rgb, [checkpoint.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    stored = course.result("02/checkpoint")["gain"]["S0"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
