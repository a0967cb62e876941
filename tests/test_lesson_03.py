"""Lesson 03: its networks are what it says, and its measures measure that."""

import numpy as np
import pytest

from course_utils import files, metrics, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson
from experiments.lesson_03 import NAME, WINDOWS

lesson_03 = lesson("03")


def L_noise(*shape):
    """L / 100 of pictures of noise, float32 (*shape, 1)."""
    return np.random.default_rng(7).uniform(0, 1, (*shape, 1)).astype(np.float32)


# The networks


@pytest.fixture(scope="module")
def published():
    return lesson_03.published()


@pytest.fixture(scope="module")
def compact():
    return lesson_03.compact()


def test_the_published_network_has_the_layers_of_the_tables(published):
    plans = {
        "low": [(64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1)],
        "mid": [(512, 1), (256, 1)],
        "global": [(512, 2), (512, 1), (512, 2), (512, 1)],
        "color": [(128, 1), (64, 1), (64, 1), (32, 1), (2, 1)],
    }
    for name, plan in plans.items():
        convs = [x for x in published.get_layer(name).layers if x.name.startswith("conv2d")]
        assert [(x.filters, x.strides[0]) for x in convs] == plan
        assert {x.kernel_size for x in convs} == {(3, 3)}
    dense = [x.units for x in published.get_layer("global").layers if x.name.startswith("dense")]
    assert dense == [1024, 512, 256]
    assert published.get_layer("color").layers[-2].activation.__name__ == "sigmoid"
    assert published.count_params() == 42_169_826


def test_the_local_path_of_the_published_network_sees_more_than_that_of_the_compact(
    published, compact
):
    assert lesson_03.sight(published, places=1) > 31 >= lesson_03.sight(compact)


def test_low_level_weights_are_shared():
    core = lesson_03.compact()
    low = core.get_layer("low")
    assert len(low._inbound_nodes) >= 2  # called on the picture and on its copy
    before = core.predict([L_noise(1, 32, 32), L_noise(1, 64, 64)], verbose=0)
    kernel = low.layers[1].weights[0]
    kernel.assign(kernel * 0.5)
    after = core.predict([L_noise(1, 32, 32), L_noise(1, 64, 64)], verbose=0)
    assert np.abs(before - after).max() > 0


def test_the_layer_lays_the_vector_beside_every_position():
    vector, local = np.float32([[1, 2], [3, 4]]), L_noise(2, 3, 5)
    map_ = np.asarray(lesson_03.Beside()(vector, local))
    assert map_.shape == (2, 3, 5, 3)
    assert (map_[0, ..., :2] == [1, 2]).all() and (map_[1, ..., :2] == [3, 4]).all()
    assert np.array_equal(map_[..., 2:], local)


def test_fusion_is_the_formula_of_the_lesson():
    layer = lesson_03.conv(5, kernel=1)
    vector, local = np.float32([0.3, -1, 2]), np.random.default_rng(1).normal(size=(4, 3, 2))
    given = layer(lesson_03.Beside()(vector[None], local[None].astype(np.float32)))[0]
    W, b = (np.asarray(w) for w in layer.weights)
    for p, q in np.ndindex(4, 3):
        wanted = np.maximum(b + np.concatenate([vector, local[p, q]]) @ W[0, 0], 0)
        np.testing.assert_allclose(given[p, q], wanted, atol=1e-5)


def test_the_blind_control_has_the_same_weights_and_sees_no_copy(compact):
    sees, blind = lesson_03.alone(compact), lesson_03.alone(compact, sees=False)
    assert sees.count_params() == blind.count_params() == compact.count_params()
    x = L_noise(1, 128, 128)
    y = x.copy()
    y[0, :32, :32] = 1 - y[0, :32, :32]
    for model, reaches in ((sees, True), (blind, False)):
        moved = np.abs(model.predict(x, verbose=0) - model.predict(y, verbose=0))
        assert (moved[0, 96:, 96:].max() > 0) == reaches


@pytest.mark.parametrize("size", [(33, 57), (64, 64), (127, 90)])
def test_any_size_gives_the_next_multiple_of_the_strides(size, compact):
    out = lesson_03.alone(compact).predict(L_noise(1, *size), verbose=0)
    assert out.shape == (1, *(-(-side // 4) * 4 for side in size), 2)


@pytest.mark.parametrize("window", WINDOWS)
def test_every_window_of_the_dial_is_the_measured_one(window):
    assert lesson_03.sight(lesson_03.compact(**WINDOWS[window])) == window


def test_the_copy_of_the_demonstration_is_the_one_that_the_network_makes(compact):
    L = 100 * L_noise(2, 128, 128)
    own = lesson_03.answers(compact, L, lesson_03.shrink(L))
    assert np.abs(own - lesson_03.answers(lesson_03.alone(compact), L)).max() < 1e-3


# What is measured


@pytest.fixture(scope="module")
def scenes():
    return paintbox.sample(30, 64, seed=8)


def test_the_best_answers_have_the_regret_of_theory(scenes):
    cued, elsewhere = lesson_03.split_regret(scenes, scenes.expected_ab())
    assert cued.max() == elsewhere.max() == 0
    cued, elsewhere = lesson_03.split_regret(scenes, scenes.expected_ab("local"))
    assert cued.min() > 0 and elsewhere.max() == 0


def test_a_wider_window_can_know_more_and_the_widest_all(scenes):
    least = [lesson_03.least_regret(scenes, window) for window in (15, 59, 75, 95, 131)]
    local = lesson_03.split_regret(scenes, scenes.expected_ab("local"))[0].mean()
    assert least[0] == least[1] == pytest.approx(local)  # cues are 30 pixels away or more
    assert least[1] > least[2] > least[3] > least[4] == 0


def test_distances_are_counted_from_the_box_on_either_side(scenes):
    away = lesson_03.pixels_away(scenes, "time")
    assert away[scenes.regions == paintbox.NAMES.index("sun")].max() == 0
    assert away[scenes.regions == paintbox.NAMES.index("lake")].min() >= 29.5
    mirrored = scenes.mirrored.astype(bool)
    assert (away[mirrored, 5, 0] > 40).all() and (away[~mirrored, 5, -1] > 40).all()


# The shipped file


@pytest.fixture(scope="module")
def shipped():
    return Colorizer.load(NAME)


def test_the_shipped_file_is_small_and_has_a_card():
    assert (files.CHECKPOINTS / f"{NAME}.onnx").stat().st_size <= 6e6
    assert (files.CHECKPOINTS / f"{NAME}.md").is_file()


def test_the_shipped_file_is_what_the_experiment_trains_and_stores(shipped):
    from course_utils import course
    from experiments.identity import config
    from experiments.lesson_03 import checkpoint

    width = config(checkpoint)["width"]
    assert shipped.metadata["parameters"] == lesson_03.compact(width).count_params()
    assert shipped.metadata["metrics"] == course.result("03/checkpoint")["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, shipped):
    from course_utils import course, photos

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    gain = metrics.psnr(rgb, [shipped.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    stored = course.result("03/checkpoint")["gain"]["S1"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
