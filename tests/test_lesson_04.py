"""Lesson 04: layers do what they say, its models are the published ones, its claims can fail."""

import numpy as np
import pytest
from lesson_code import fails, ran, source

from course_utils import course, files, metrics, photos
from course_utils.colorizer import Colorizer
from experiments import lesson as exports

L = exports("04")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("04"), tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def stored():
    return course.result("04/checkpoint")


def toy_encoder(channels=(2, 3, 4)):
    """Maps at strides 2, 4 and 8 of L / 100 (N, H, W, 1)."""
    import keras

    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((None, None, 1))
    maps = []
    for count in channels:
        x = keras.layers.Conv2D(count, 3, 2, padding="same", activation="relu")(x)
        maps.append(x)
    return keras.Model(inputs, maps)


# Layers


def test_the_colorizer_takes_any_multiple_of_its_deepest_stride():
    model = L.colorizer(toy_encoder(), (6, 5))
    light = np.random.default_rng(1).uniform(0, 1, (2, 24, 40, 1)).astype(np.float32)
    assert model.predict(light, verbose=0).shape == (2, 24, 40, 2)


def test_the_exercise_is_the_courses_layer(lesson):
    rng = np.random.default_rng(2)
    local, vector = (rng.normal(size=s).astype(np.float32) for s in ((3, 4, 5, 6), (3, 7)))
    np.testing.assert_array_equal(L.Beside()(local, vector), lesson["Fuse"]()(local, vector))


def test_without_a_skip_the_finer_maps_do_not_count(lesson):
    import keras

    deep, skip = keras.Input((3, 4, 5)), keras.Input((6, 8, 2))
    rng = np.random.default_rng(3)
    maps = [rng.normal(size=(1, *x.shape[1:])).astype(np.float32) for x in (deep, skip)]
    for name, matters in (("joined", True), ("no_skip", False), ("with_skip", True)):
        keras.utils.set_random_seed(0)
        model = keras.Model([deep, skip], lesson[name](deep, skip, 4))
        one, other = model(maps), model([maps[0], maps[1] + 1])
        assert one.shape == (1, 6, 8, 4)
        assert bool(np.abs(one - other).max() > 0) == matters


def test_the_decoder_begins_with_gray_and_reads_every_map(lesson):
    rng = np.random.default_rng(6)
    sizes = [(4, 3), (8, 4), (16, 5)]  # strides and channels, of pictures of 32 × 64
    maps = [rng.normal(size=(2, 32 // s, 64 // s, c)).astype(np.float32) for s, c in sizes]
    model = lesson["decoder"](maps, lesson["joined"])
    gray = model.predict(maps, verbose=0)
    assert gray.shape == (2, 32, 64, 2) and not gray.any()
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    before = model.predict(maps, verbose=0)
    for i, x in enumerate(maps):
        changed = model.predict([*maps[:i], rng.normal(size=x.shape), *maps[i + 1 :]], verbose=0)
        assert np.abs(changed - before).max() > 0


# Exercises


def test_prepare_is_what_the_network_takes_and_the_careless_code_is_black(lesson):
    gray = photos.load("album", "test", 224, 3)[..., 0]  # one channel as a gray picture
    three = np.repeat(gray[..., None], 3, -1)
    np.testing.assert_allclose(lesson["prepare"](gray), lesson["look"].prepare(three), atol=1e-6)
    black = (0 - 127) / 128
    assert np.abs(lesson["careless"](gray) - black).max() < 0.01


@pytest.mark.stress
@pytest.mark.parametrize("name", ["unfreeze", "tuned"])
def test_unfreezing_trains_all_but_batch_normalization(lesson, name):
    import keras

    x = inputs = keras.Input((None, None, 1))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3, padding="same")(x))
    encoder = keras.Model(inputs, x)
    encoder.trainable = False
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(encoder.output))
    before = [w.copy() for w in encoder.get_weights()]
    model = lesson[name](model, encoder, 1e-2)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-2)
    rng = np.random.default_rng(4)
    light, ab = (rng.normal(size=(4, 6, 6, c)).astype(np.float32) for c in (1, 2))
    model.fit(light, ab, verbose=0)
    moved = [not np.array_equal(*pair) for pair in zip(before, encoder.get_weights(), strict=True)]
    assert moved == [True, True, False, False, False, False]


# The published models


def test_the_count_fails_for_another_network(lesson):
    import keras

    small = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    fails(lesson, first_model=lambda vgg: small)
    fails(lesson, second_model=lambda width: lesson["second_model"](width + 1))


def test_ridge_finds_what_is_linear_and_answers_with_the_mean_where_nothing_is(lesson):
    rng = np.random.default_rng(5)
    x, x_test = rng.normal(size=(300, 4)), rng.normal(size=(50, 4))
    to_ab = rng.normal(size=(4, 2))
    found = lesson["ridge"](x, x @ to_ab + 7, x_test, strength=1e-6)
    np.testing.assert_allclose(found, x_test @ to_ab + 7, atol=1e-3)
    y = rng.normal(size=(300, 2))
    mean = lesson["ridge"](x, y, x_test, strength=1e9)
    np.testing.assert_allclose(mean, np.broadcast_to(y.mean(0), mean.shape), atol=1e-3)


# Claims can fail: each holds as it stands, and not with what would be wrong


def test_gray_fails_where_color_does_not_matter_or_nothing_is_seen(lesson):
    known = course.result("04/lite0")
    for gray in (known["answers"]["color"], {"top1": [0.1, 0.08, 0.12]}):
        fails(lesson, lite0=known | {"answers": known["answers"] | {"gray": gray}})


def test_the_range_claim_fails_for_a_network_that_takes_anything(lesson):
    known = course.result("04/lite0")
    same = dict.fromkeys(known["inputs"], known["inputs"]["(RGB - 127) / 128"])
    fails(lesson, lite0=known | {"inputs": same})


@pytest.mark.parametrize("arm", ["pretrained, frozen", "pretrained, fine-tuned"])
def test_the_features_claim_fails_where_pretraining_buys_nothing(lesson, arm):
    known = lesson["tests"]
    worse = {name: psnr | {arm: psnr["random, frozen"]} for name, psnr in known.items()}
    fails(lesson, tests=worse)


def test_the_vector_claim_fails_for_an_embedding_without_meaning(lesson):
    chance = np.random.default_rng(7)
    meant = lesson["of_album"]

    def meaningless(split):
        logits, ab = meant(split)
        return chance.normal(size=logits.shape), ab

    fails(lesson, of_album=meaningless)


def test_the_embedding_claim_fails_for_a_network_that_ignores_the_vector(lesson, stored):
    psnr = stored["embedding"]
    deaf = {"embedding": dict.fromkeys(psnr, psnr["its own"])}
    fails(lesson, shipped=stored | deaf)


def test_the_made_pictures_fail_under_an_honest_accuracy(lesson):
    def within(ab, ab_hat):
        return float(metrics.accuracy_curve(ab, np.float32(ab_hat))[0][10])

    fails(lesson, keras_accuracy=within)


def test_the_constants_fail_where_photographs_are_balanced(lesson):
    even = {name: row | {"yellow": 0.5} for name, row in lesson["constants"].items()}
    fails(lesson, constants=even)


def test_the_checkpoint_claim_fails_for_an_untrained_network(lesson, stored):
    flat = {
        name: found | {"gain": {"S4": [0.0, -0.1, 0.1]}} for name, found in stored["sets"].items()
    }
    fails(lesson, shipped=stored | {"sets": flat})


# The shipped file


def test_the_shipped_file_fits_and_says_what_was_measured(stored):
    model = Colorizer.load("04_pretrained_fusion")
    assert (files.CHECKPOINTS / "04_pretrained_fusion.onnx").stat().st_size <= 10e6
    assert model.metadata["metrics"] == [row for s in stored["sets"].values() for row in s["table"]]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, stored):
    rgb = photos.load(shared_data / "intel", "test", 128, limit=60, color_only=True)
    model = Colorizer.load("04_pretrained_fusion")
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    mean = stored["sets"]["Intel"]["gain"]["S4"][0]
    assert gain.mean() == pytest.approx(mean, abs=4 * gain.std() / len(gain) ** 0.5)
