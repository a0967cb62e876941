"""Lesson 04: its networks are the published ones, its cache resumes, its claims can fail."""

import inspect
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from lesson_code import fails, noise, ran, source

from course_utils import color, course, files, metrics, networks, photos
from course_utils.colorizer import Colorizer
from experiments import lesson as exports

L = exports("04")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("04"), tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def stored():
    return course.result("04/checkpoint")


# The networks


def test_the_first_model_paints_at_any_multiple_of_its_size():
    import keras

    model = L.first_model(L.vgg(thin=16))
    answer = model.predict(np.zeros((1, 64, 96, 1), np.float32), verbose=0)
    assert answer.shape == (1, 64, 96, 2)
    official = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    assert [w.shape for w in L.vgg().weights] == [w.shape for w in official.weights]


def test_the_second_model_uses_its_vector_at_every_position():
    import keras

    keras.utils.set_random_seed(0)
    model = L.second_model(7, thin=8)
    light = np.random.default_rng(0).uniform(0, 1, (2, 24, 40, 1)).astype(np.float32)
    vectors = np.zeros((2, 7), np.float32), np.eye(2, 7, dtype=np.float32) * 50
    without, with_one = (model.predict((light, v), verbose=0) for v in vectors)
    assert without.shape == (2, 24, 40, 2)
    assert (np.abs(with_one - without).max(-1) > 0).mean() > 0.9


def test_the_layer_agrees_with_the_exercise(lesson):
    rng = np.random.default_rng(2)
    local, vector = (rng.normal(size=s).astype(np.float32) for s in ((3, 4, 5, 6), (3, 7)))
    np.testing.assert_array_equal(L.Beside()(local, vector), lesson["fuse"](local, vector))


def test_the_whole_system_leaves_its_eye_frozen():
    eye = networks.features("course_L").model
    network = L.whole(eye, thin=16)
    frozen = {id(w) for w in eye.weights}
    assert not frozen & {id(w) for w in network.trainable_weights}
    assert frozen <= {id(w) for w in network.weights}


def test_the_rate_falls_along_a_cosine():
    rate = L.cosine(0.5, 4)
    assert [rate(n) for n in (0, 2, 4)] == pytest.approx([0.5, 0.25, 0])


def test_without_augmentation_every_epoch_has_the_same_pictures(monkeypatch):
    """`learn` hands on what it is told; the batches are those of the course's seed."""
    seen = []
    monkeypatch.setattr(L.batches, "keras_dataset", lambda *arguments: seen.append(arguments))
    monkeypatch.setattr(L.training, "fit_keras", lambda model, epoch, *rest: epoch(7))
    model, rgb = SimpleNamespace(compile=lambda *arguments: None), noise(4, 8)
    L.learn(model, rgb, 1, L.cosine(1, 1), augmented=False)
    assert seen[0][0] is rgb and seen[0][1:] == (4, course.SEED, 7, False)


# Embeddings are computed once


def test_embeddings_are_computed_once_and_belong_to_their_pictures(tmp_path):
    calls = []

    def embed(pictures):
        calls.append(len(pictures))
        return pictures.mean((1, 2)).astype(np.float32)  # (n, 3)

    rgb = noise(7, 4)
    for _ in range(2):
        got = L.cached(embed, "net", rgb, tmp_path, part=3)
        np.testing.assert_array_equal(got, rgb.mean((1, 2)).astype(np.float32))
    assert calls == [3, 3, 1]
    L.cached(embed, "net", rgb[::-1], tmp_path, part=3)  # another order, other files
    L.cached(embed, "other", rgb, tmp_path, part=3)
    assert len(calls) == 9


KILLED = """
import hashlib
import os
import sys
from pathlib import Path
import numpy as np
{cache}
def embed(pictures):
    if pictures[0, 0, 0, 0] == int(sys.argv[2]):
        os._exit(9)  # as a kill does: nothing is cleaned up
    return pictures.mean((1, 2))
rgb = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1).repeat(3, -1)
print(cached(embed, "net", rgb, sys.argv[1], part=4).shape)
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    cache = "\n".join(inspect.getsource(f) for f in (L.cache_folder, L.cached))

    def run(victim):
        call = [sys.executable, "-c", KILLED.format(cache=cache), str(tmp_path), str(victim)]
        return subprocess.run(call, capture_output=True, text=True, timeout=60)

    assert run(victim=8).returncode == 9  # the third part
    kept = sorted(tmp_path.rglob("*.npy"))
    assert len(kept) == 2
    assert kept[0].with_name("000008.part").is_file()
    stamps = [file.stat().st_mtime_ns for file in kept]
    second = run(victim=0)  # it would die again if it began anew
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == "(12, 3)"
    assert [file.stat().st_mtime_ns for file in kept] == stamps


# Claims can fail: each holds as it stands, and not with what would be wrong


def test_the_count_fails_for_another_network(lesson):
    fails(lesson, vgg=lambda: L.vgg(thin=2))
    fails(lesson, second_model=lambda width: L.second_model(width, thin=2))


def test_the_black_eye_fails_for_an_eye_that_sees(lesson):
    eye = networks.features("course_L")
    bright = SimpleNamespace(
        prepare=lambda album: 255 * eye.prepare(album),
        model=lambda x: eye.model(x / 255 if np.max(x) > 2 else x),
        width=128,
    )
    fails(lesson, look=bright)


def made_again(lesson, names, **changes):
    """What the cells that make these names make of other values; the lesson's own stay."""
    space, known = dict(changes), {name for cell in lesson.cells for name in cell.makes}
    for cell in lesson.cells:
        if cell.makes & names:
            space |= {name: lesson[name] for name in (cell.reads & known) - cell.makes - set(space)}
            exec(compile(cell.code, "lesson 04", "exec"), space)
    return {name: space[name] for name in names}


@pytest.mark.parametrize("seeds_cross", [True, False])
def test_the_borrowed_claim_fails_when_weights_are_no_better(lesson, seeds_cross):
    """A seed below the other arm's best, or an interval that holds 0, decides nothing."""
    stored = course.result("04/borrowed")
    random = stored["arms"]["random, trained"]["psnr"]
    change = {"by_seed": [0.0, 30.0]} if seeds_cross else {"psnr": random}
    arms = stored["arms"] | {"borrowed, trained": stored["arms"]["borrowed, trained"] | change}
    names = {"arm_psnr", "buys", "decided"}
    changed = made_again(lesson, names, borrowed=stored | {"arms": arms})
    del changed["arm_psnr"]
    fails(lesson, **changed)


def test_the_verdict_on_convergence_fails_for_weights_that_converge_at_once(lesson):
    stored = course.result("04/borrowed")
    arm = stored["arms"]["borrowed, trained"]
    quick = arm | {"rows": [[row[-1]] * len(row) for row in arm["rows"]]}
    fails(lesson, borrowed=stored | {"arms": stored["arms"] | {"borrowed, trained": quick}})
    names = list(stored["arms"])  # borrowed and random exchanged
    exchanged = {name: stored["arms"][names[(i + 2) % 4]] for i, name in enumerate(names)}
    fails(lesson, borrowed=stored | {"arms": exchanged})


def test_the_embedding_claim_fails_for_a_network_that_ignores_the_vector(lesson, stored):
    psnr = stored["embedding"]
    deaf = {"embedding": dict.fromkeys(psnr, psnr["its own"])}
    fails(lesson, on_photographs=stored | deaf)


def test_the_checkpoint_claims_fail_for_an_untrained_network(lesson, stored):
    gray = stored["gain"] | {"S4": [0.0, -0.1, 0.1]}
    fails(lesson, on_photographs=stored | {"gain": gray})
    worse = stored["accuracy"] | {"S4": stored["accuracy"]["gray"]}
    fails(lesson, on_photographs=stored | {"accuracy": worse})


def test_the_cache_claim_fails_for_a_cache_that_forgets(lesson):
    fails(lesson, cached=lambda embed, name, pictures, folder, part: embed(pictures))


def test_keras_accuracy_fails_for_another_measure(lesson):
    def signs(ab, ab_hat):
        return float((np.sign(ab) == np.sign(ab_hat)).all(-1).mean())

    fails(lesson, keras_accuracy=signs)


def test_the_made_pictures_fail_under_an_honest_accuracy(lesson):
    def honest(light, ab, ab_hat):
        delta = lesson["both_numbers"](light, ab, ab_hat)[1]
        return metrics.accuracy_curve(ab, np.float32(ab_hat))[0][10], delta

    fails(lesson, both_numbers=honest)


def test_the_constants_fail_where_photographs_are_balanced(lesson):
    stored = course.result("04/constants")
    even = {k: row | {"yellow": 0.5, "one bit": 0.5} for k, row in stored["rows"].items()}
    fails(lesson, constants=stored | {"rows": even})
    fails(lesson, rows=even)


def test_the_epochs_claim_fails_for_a_network_that_learns_what_others_need(lesson):
    stored = course.result("04/epochs")
    good = [row | {"others": row["train"]} for row in stored["rows"]]
    fails(lesson, by_epoch=stored | {"rows": good})


def test_the_paintbox_table_fails_under_an_honest_accuracy(lesson):
    def honest(ab_hat):
        _, within, regret = lesson["scene_row"](ab_hat)
        return within, within, regret

    fails(lesson, scene_row=honest)


def test_the_negative_share_fails_for_gray_photographs(lesson):
    fails(lesson, album=[metrics.paint_gray(rgb) for rgb in lesson["album"]])


def test_the_cross_entropy_claim_fails_for_the_squared_error(lesson):
    teal = lesson["TEAL"]
    squared = {name: float(((y - teal) ** 2).mean()) for name, y in lesson["TRIED"].items()}
    fails(lesson, entropies=squared)


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(stored):
    model = Colorizer.load("04_pretrained_fusion")
    eye = networks.features("course_L").model
    assert model.metadata["parameters"] == L.whole(eye).count_params()
    assert (files.CHECKPOINTS / "04_pretrained_fusion.onnx").stat().st_size <= 8e6
    assert model.metadata["metrics"] == stored["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, stored):
    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load("04_pretrained_fusion")
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    mean = stored["gain"]["S4"][0]
    assert gain.mean() == pytest.approx(mean, abs=4 * gain.std() / len(gain) ** 0.5)


def test_answers_are_in_cielab_units():
    light = np.random.default_rng(1).uniform(0, 100, (3, 8, 8, 1)).astype(np.float32)
    asked = []

    def predict(x, **options):
        asked.append(x)
        return np.full((3, 8, 8, 2), 0.5, np.float32)

    answer = L.answers(SimpleNamespace(predict=predict), light)
    assert np.array_equal(asked[0], light / 100) and (answer == color.AB_SCALE / 2).all()
