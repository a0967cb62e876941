"""Lesson 03: its networks are what it says, its windows are the measured ones, claims can fail."""

import numpy as np
import pytest
from lesson_code import fails, other, ran, source

from course_utils import course, files, metrics, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson as exports
from experiments.lesson_03 import NAME

L3 = exports("03")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("03"), tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def stored():
    return course.result("03/checkpoint")


@pytest.fixture(scope="module")
def compact():
    return L3.compact()


def L_noise(*shape):
    """L / 100 of pictures of noise, float32 (*shape, 1)."""
    return np.random.default_rng(7).uniform(0, 1, (*shape, 1)).astype(np.float32)


# The networks


def test_the_published_network_has_the_layers_of_the_tables(lesson):
    published = lesson["full"]
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


def test_the_count_fails_for_another_network(lesson, compact):
    fails(lesson, full=compact)


def test_low_level_weights_are_shared():
    core = L3.compact()
    low = core.get_layer("low")
    pictures = [L_noise(1, 32, 32), L_noise(1, 64, 64)]
    before = core.predict(pictures, verbose=0)
    blank = core.predict([pictures[0], 0 * pictures[1]], verbose=0)
    assert np.abs(before - blank).max() > 0  # the copy matters
    kernel = low.layers[1].weights[0]
    kernel.assign(kernel * 0.5)
    assert np.abs(before - core.predict(pictures, verbose=0)).max() > 0
    assert sum(layer is low for layer in core.layers) == 1


def test_the_layer_lays_the_vector_beside_every_position():
    vector, local = np.float32([[1, 2], [3, 4]]), L_noise(2, 3, 5)
    map_ = np.asarray(L3.Beside()(vector, local))
    assert map_.shape == (2, 3, 5, 3)
    assert (map_[0, ..., :2] == [1, 2]).all() and (map_[1, ..., :2] == [3, 4]).all()
    assert np.array_equal(map_[..., 2:], local)


def test_the_exercises_layer_is_the_published_fusion(lesson):
    rng = np.random.default_rng(1)
    vector, local = (rng.normal(size=s).astype(np.float32) for s in ((2, 3), (2, 4, 3, 2)))
    layer = L3.conv(5, kernel=1)
    wanted = layer(L3.Beside()(vector, local))
    W, b = (np.asarray(w) for w in layer.weights)
    mine = lesson["Fusion"](5)
    mine(vector, local)
    mine.of_vector.set_weights([W[0, 0, :3], b + 0.1])
    mine.of_local.set_weights([W[0, 0, 3:]])
    layer.set_weights([W, b + 0.1])
    wanted = layer(L3.Beside()(vector, local))
    np.testing.assert_allclose(mine(vector, local), wanted, atol=1e-5)


def test_the_blind_control_has_the_same_weights_and_sees_no_copy(compact):
    sees, blind = L3.alone(compact), L3.alone(compact, sees=False)
    assert sees.count_params() == blind.count_params() == compact.count_params()
    x = L_noise(1, 128, 128)
    y = x.copy()
    y[0, :32, :32] = 1 - y[0, :32, :32]
    for model, reaches in ((sees, True), (blind, False)):
        moved = np.abs(model.predict(x, verbose=0) - model.predict(y, verbose=0))
        assert (moved[0, 96:, 96:].max() > 0) == reaches


@pytest.mark.parametrize("size", [(33, 57), (64, 64), (127, 90)])
def test_any_size_gives_the_next_multiple_of_the_strides(size, compact):
    out = L3.alone(compact).predict(L_noise(1, *size), verbose=0)
    assert out.shape == (1, *(-(-side // 4) * 4 for side in size), 2)


def test_the_copy_of_the_experiment_is_the_one_that_the_network_makes(compact):
    L = 100 * L_noise(2, 128, 128)
    own = L3.answers(compact, L, L3.shrink(L))
    assert np.abs(own - L3.answers(L3.alone(compact), L)).max() < 1e-3


def test_the_live_network_is_the_compact_one(lesson, compact):
    made = lesson["five_parts"](lesson["beside"](64))
    assert made.count_params() == compact.count_params()
    for part in ("low", "global", "color"):
        made.get_layer(part).set_weights(compact.get_layer(part).get_weights())
    convs = [x for net in (made, compact) for x in net.layers if type(x).__name__ == "Conv2D"]
    middle, joint = sorted(convs[:2], key=lambda layer: layer.kernel.shape[2])
    middle.set_weights(compact.get_layer("mid").get_weights())
    joint.set_weights(convs[2].get_weights())
    pictures = [L_noise(2, 32, 48), L_noise(2, 64, 64)]
    given, wanted = (net.predict(pictures, verbose=0) for net in (made, compact))
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_both_halves_of_a_network_are_the_whole(lesson):
    net = lesson["five_parts"](lesson["Fusion"](8))
    picture, copy = L_noise(2, 32, 48), L_noise(2, 64, 64)
    whole = net.predict([picture, copy], verbose=0)
    for name in ("cut", "halves"):
        look, paint = lesson[name](net)
        vector = look.predict(copy, verbose=0)
        assert vector.shape == (2, 64)
        np.testing.assert_allclose(paint.predict([picture, vector], verbose=0), whole, atol=1e-5)
        swapped = paint.predict([picture, vector + 1], verbose=0)
        assert np.abs(swapped - whole).max() > 0


# Windows


def stacks():
    """Layers of many kinds, each stack from one channel to two."""
    from keras import layers

    def conv(kernel, stride=1, rate=1, filters=3):
        return layers.Conv2D(filters, kernel, stride, "same", dilation_rate=rate)

    yield [conv(3), conv(5, filters=2)]
    yield [conv(3, 2), conv(3), layers.UpSampling2D(), conv(3, filters=2)]
    yield [conv(5, 2), conv(3, 2), layers.UpSampling2D(interpolation="bilinear"), conv(1)]
    yield [conv(3, rate=3), conv(3, rate=2), conv(1, filters=2)]
    yield [conv(3, 2), conv(3, rate=4), layers.UpSampling2D(interpolation="bilinear")]


@pytest.mark.parametrize("case", range(5))
def test_the_computed_window_is_the_measured_one(lesson, case):
    import keras

    keras.utils.set_random_seed(3)
    layers = list(stacks())[case]
    model = keras.Sequential([keras.Input((None, None, 1)), *layers])
    if model.output_shape[-1] != 2:
        model.add(keras.layers.Conv2D(2, 1))
    for name in ("influence", "measured"):
        for row in (20, 21, 23):
            rows, columns = np.nonzero(lesson[name](model, L_noise(96, 96), row, row))
            assert (rows.min(), rows.max()) == lesson["window"](layers, row)
            assert (columns.min(), columns.max()) == (rows.min(), rows.max())


def test_the_wide_network_sees_the_whole_scene_and_the_narrow_one_does_not(lesson):
    wide = [*L3.small_low().layers, *lesson["wider"](64, (1, 2, 4, 8)).layers]
    wide += L3.small_paint().layers
    for row in (0, 31, 63):
        first, last = lesson["window"](wide, row)
        assert first <= 0 and last >= 63
    assert lesson["narrow"] < 31 < lesson["widest"](lesson["full"]) < 128


def test_the_window_claims_fail_for_a_wrong_rule(lesson):
    fails(lesson, window=lambda layers, row: (row - 50, row + 50))
    fails(lesson, widest=lambda core: 26)


# What is measured


@pytest.fixture(scope="module")
def scenes():
    return paintbox.sample(30, 64, seed=8)


def test_the_best_answers_have_the_regret_of_theory(scenes):
    cued, elsewhere = L3.split_regret(scenes, scenes.expected_ab())
    assert cued.max() == elsewhere.max() == 0
    cued, elsewhere = L3.split_regret(scenes, scenes.expected_ab("local"))
    assert cued.min() > 0 and elsewhere.max() == 0


def test_what_is_watched_is_what_the_network_answers(lesson, monkeypatch):
    held = lesson["validation"]
    seen = lesson["watch"]
    monkeypatch.setitem(seen.__globals__, "answers", lambda model, L: held.expected_ab())
    found = seen(None)
    assert found["cued"] == found["elsewhere"] == 0
    floor = paintbox.floors(held)["mse"] / L3.SCALE**2
    assert found["validation"] == pytest.approx(floor, rel=0.1)


# Claims can fail


def with_result(name, changed):
    """The module `course`, which has another result of this name."""
    return other(course, result=lambda key: changed if key == name else course.result(key))


def test_with_and_without_fails_for_a_branch_without_use(lesson):
    known = course.result("03/fusion")
    arms = known["arms"]
    for name, rival in (("with", "without"), ("without", "with")):
        rows = [a | {"cued": b["cued"]} for a, b in zip(arms[name], arms[rival], strict=True)]
        changed = known | {"arms": arms | {name: rows}}
        fails(lesson, course=with_result("03/fusion", changed))


def test_the_embedding_claim_fails_for_a_network_that_ignores_the_vector(lesson, stored):
    psnr = stored["embedding"]
    deaf = {"embedding": dict.fromkeys(psnr, psnr["its own"])}
    fails(lesson, shipped=stored | deaf)


def test_any_size_fails_where_one_size_is_gray(lesson, stored):
    sizes = stored["sizes"]
    fails(lesson, shipped=stored | {"sizes": sizes | {"32": sizes["gray"]}})


def test_the_timing_claim_fails_where_the_size_costs_nothing(lesson):
    known = course.result("03/timing")
    rows = [row | {"published": row["published at 224"]} for row in known["rows"]]
    fails(lesson, course=with_result("03/timing", known | {"rows": rows}))


# The shipped file


@pytest.fixture(scope="module")
def shipped():
    return Colorizer.load(NAME)


def test_the_shipped_file_is_small_and_has_a_card():
    assert (files.CHECKPOINTS / f"{NAME}.onnx").stat().st_size <= 12.5e6
    assert (files.CHECKPOINTS / f"{NAME}.md").is_file()


def test_the_shipped_file_is_what_was_trained_and_judged(shipped, stored):
    trained = course.result("03/training")
    width = trained["identity"]["config"]["width"]
    network = L3.compact(width, mid=(3, 3), kernel=3)
    assert shipped.metadata["parameters"] == network.count_params() == trained["parameters"]
    assert shipped.size == stored["working"] and shipped.metadata["seed"] == stored["seed"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, shipped, stored):
    from course_utils import photos

    rgb = photos.load(shared_data / "intel", "test", 128, limit=60, color_only=True)
    gain = metrics.psnr(rgb, [shipped.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    stored_gain = stored["sets"]["Intel"]["gain"]["S1"][0]
    assert gain.mean() == pytest.approx(stored_gain, abs=4 * gain.std() / len(gain) ** 0.5)
