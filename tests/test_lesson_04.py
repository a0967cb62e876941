"""Lesson 04: its networks are the published ones, its cache resumes, its claims can fail.

The lesson's code is run once, as `make train` runs it, at the size of a test.
"""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from lesson_code import cell, fails, noise, ran, run_cell, source

from course_utils import color, course, metrics, paintbox
from tools.lessons import ROOT

SOURCE = source("04")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


# The networks


def test_the_first_model_paints_at_any_multiple_of_its_size(lesson):
    model = lesson["first_model"](lesson["vgg"](thin=16))
    answer = model.predict(np.zeros((1, 64, 96, 1), np.float32), verbose=0)
    assert answer.shape == (1, 64, 96, 2)
    shapes = [w.shape for w in lesson["vgg"]().weights]
    assert shapes == [w.shape for w in lesson["official"].weights]


def test_the_second_model_uses_its_vector_at_every_position(lesson):
    import keras

    keras.utils.set_random_seed(0)
    model = lesson["second_model"](7, thin=8)
    L = np.random.default_rng(0).uniform(0, 1, (2, 24, 40, 1)).astype(np.float32)
    vectors = np.zeros((2, 7), np.float32), np.eye(2, 7, dtype=np.float32) * 50
    without, with_one = (model.predict((L, v), verbose=0) for v in vectors)
    assert without.shape == (2, 24, 40, 2)
    assert (np.abs(with_one - without).max(-1) > 0).mean() > 0.9


def test_the_layer_agrees_with_the_exercise(lesson):
    rng = np.random.default_rng(2)
    local, vector = (rng.normal(size=s).astype(np.float32) for s in ((3, 4, 5, 6), (3, 7)))
    np.testing.assert_array_equal(lesson["Beside"]()(local, vector), lesson["fuse"](local, vector))


def test_lighter_leaves_the_precision_as_it_was(lesson):
    import keras

    with pytest.raises(ZeroDivisionError):
        lesson["lighter"](lambda: 1 / 0)
    assert keras.config.dtype_policy().name == "float32"
    model = lesson["lighter"](lambda: lesson["second_model"](3, thin=16))
    assert model.weights[0].dtype == "float32" and model.output.dtype == "float32"


# Embeddings are computed once


def test_embeddings_are_computed_once_and_belong_to_their_pictures(lesson, tmp_path):
    calls = []

    def embed(pictures):
        calls.append(len(pictures))
        return pictures.mean((1, 2)).astype(np.float32)  # (n, 3)

    rgb = noise(7, 4)
    for _ in range(2):
        got = lesson["cached"](embed, "net", rgb, tmp_path, part=3)
        np.testing.assert_array_equal(got, rgb.mean((1, 2)).astype(np.float32))
    assert calls == [3, 3, 1]
    lesson["cached"](embed, "net", rgb[::-1], tmp_path, part=3)  # another order, other files
    lesson["cached"](embed, "other", rgb, tmp_path, part=3)
    assert len(calls) == 9


KILLED = """
import os
import numpy as np
{cells}
def embed(pictures):
    if pictures[0, 0, 0, 0] == {victim}:
        os._exit(9)  # as a kill does: nothing is cleaned up
    return pictures.mean((1, 2))
rgb = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1).repeat(3, -1)
print(cached(embed, "net", rgb, {folder!r}, part=4).shape)
"""


def test_a_killed_run_goes_on_where_it_was(lesson, tmp_path):
    cells = "".join(
        cell(SOURCE, words).lstrip("\n") + "\n" for words in ("def cache_folder", "def cached")
    )

    def run(victim):
        code = KILLED.format(cells=cells, victim=victim, folder=str(tmp_path))
        call = [sys.executable, "-c", code]
        return subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=60)

    assert run(victim=8).returncode == 9  # the third part
    kept = sorted(tmp_path.rglob("*.npy"))
    assert len(kept) == 2
    half = kept[0].with_name("000008.part")
    assert half.is_file()
    stamps = [file.stat().st_mtime_ns for file in kept]
    second = run(victim=0)  # it would die again if it began anew
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == "(12, 3)"
    assert [file.stat().st_mtime_ns for file in kept] == stamps


# Experiments at toy size


def test_the_borrowed_experiment(lesson, tmp_path):
    import keras

    blocks = lesson["backbones"].vgg_blocks("random", blocks=3, seed=4)
    tensors = {}
    for layer in blocks.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = layer.get_weights()
            tensors |= {f"{layer.name}__kernel": kernel, f"{layer.name}__bias": bias}
    np.savez(tmp_path / "weights.npz", **tensors)
    parts = noise(4, 16), noise(3, 16, 7), noise(3, 16, 8)
    run = lesson["borrowed_experiment"]
    result = run(tmp_path / "weights.npz", *parts, epochs=1, seeds=(1,))
    assert set(course.PROTOCOL) <= set(result) and list(result["arms"]) == list(lesson["ARMS"])
    for arm in result["arms"].values():
        assert np.shape(arm["rows"]) == (1, 1) and len(arm["psnr"]) == 3
    psnr = {name: arm["psnr"] for name, arm in result["arms"].items()}
    assert psnr["borrowed, frozen"] != psnr["random, frozen"]
    assert psnr["borrowed, frozen"] != psnr["borrowed, trained"]


def test_a_frozen_arm_leaves_its_encoder_alone(lesson):
    L = np.full((2, 16, 16, 1), 50, np.float32)
    for trained in (False, True):
        model = lesson["arm_model"]("random", trained, L, seed=1)
        before = [w.numpy() for w in model.get_layer("block2_conv1").weights]
        lesson["learn"](model, noise(4, 16), 1, lambda n: 1e-3)
        after = [w.numpy() for w in model.get_layer("block2_conv1").weights]
        moved = not all(np.array_equal(*pair) for pair in zip(before, after))
        assert moved == trained


def test_the_epochs_experiment(lesson):
    result = lesson["epochs_experiment"]("random", noise(4, 16), noise(3, 16, 7), epochs=2)
    assert set(course.PROTOCOL) <= set(result)
    assert np.shape([[row["train"], row["others"]] for row in result["rows"]]) == (2, 2, 3)


def test_the_three_numbers_of_a_perfect_and_of_a_gray_answer(lesson):
    rgb = noise(3, 16)
    ab = color.split(color.rgb_to_lab(rgb))[1]

    def model(answer):
        def predict(x, **options):
            return answer / color.AB_SCALE

        return SimpleNamespace(predict=predict)

    accuracy, within, psnr = lesson["three_numbers"](model(ab), rgb)
    assert accuracy > 0.999 and within == 1 and psnr > 50
    accuracy, within, psnr = lesson["three_numbers"](model(np.zeros_like(ab)), rgb)
    assert accuracy == pytest.approx((ab[..., 0] >= ab[..., 1]).mean(), abs=1e-6)
    assert within < 0.2 and psnr < 20


def test_a_constant_row(lesson):
    rgb = np.zeros((2, 8, 8, 3), np.uint8)
    rgb[0] = 200, 200, 60  # yellow
    rgb[1, :6], rgb[1, 6:] = (200, 60, 200), (128, 128, 128)  # magenta, a quarter gray
    row = lesson["constant_row"](rgb)
    assert row["n"] == 2 and row["yellow"] == 0.5 or row["yellow"] == 0.625
    assert row["one bit"] > 0.8 and row["gray within 10"] == 0.125


def test_the_checkpoint_is_trained_exported_and_judged(lesson, tmp_path):
    from course_utils.colorizer import Colorizer

    eye, plan = lesson["look"].model, [(16, 1e-3), (24, 1e-4)]
    seen = [w.numpy().copy() for w in eye.weights]
    rgb = {size: noise(9, size) for size in (16, 24)}
    network, rows = lesson["train_checkpoint"](eye, rgb, plan, 3, tmp_path / "states")
    assert [row["epoch"] for row in rows] == [1, 2] and {"accuracy", "psnr"} <= set(rows[0])
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(seen, eye.weights))  # frozen
    path = lesson["export"](network, eye, [], 6, 2.5, tmp_path / "toy.onnx")
    model = Colorizer.load(path)
    L = np.random.default_rng(1).uniform(0, 100, (1, 24, 24, 1)).astype(np.float32)
    plain = lesson["whole"](eye)
    plain.set_weights(network.get_weights())
    assert np.abs(model.ab(L) - lesson["answers"](plain, L)).max() < 0.6
    assert model.ab(L[:, :21, :13]).shape == (1, 21, 13, 2)
    rows = lesson["accuracy_rows"](noise(2, 30), {"S4": model.colorize})
    assert list(rows) == ["one yellow", "gray", "S4"] and np.isfinite(list(rows.values())).all()
    rgb = noise(3, 24, 8)
    psnr = lesson["swapped_vectors"](network, eye, rgb)
    np.testing.assert_allclose(psnr["its own"], lesson["photo_psnr"](network, rgb), atol=0.01)
    assert list(psnr) == ["its own", "another's", "zeros"]


# Claims can fail


def test_the_count_fails_for_another_network(lesson):
    fails(lesson, "official = keras.applications", vgg=lambda: lesson["vgg"](thin=2))
    fails(lesson, "published_second = second_model(1001)", second_model=thinner(lesson))


def thinner(lesson):
    return lambda width: lesson["second_model"](width, thin=2)


def test_the_black_eye_fails_for_an_eye_that_sees(lesson):
    bright = SimpleNamespace(
        prepare=lambda album: 255 * lesson["look"].prepare(album),
        model=lambda x: lesson["look"].model(x / 255 if np.max(x) > 2 else x),
        width=128,
    )
    fails(lesson, "spread = seen.std", look=bright)


def test_the_borrowed_claim_fails_when_weights_are_no_better(lesson):
    """A seed below the other arm's best, or an interval that holds 0, decides nothing."""
    stored = lesson["borrowed"]
    for change in ({"by_seed": [0.0, 30.0]}, {"psnr": stored["arms"]["random, trained"]["psnr"]}):
        arm = stored["arms"]["borrowed, trained"] | change
        arms = stored["arms"] | {"borrowed, trained": arm}
        space = lesson | {"borrowed": stored | {"arms": arms}}
        for words in ("arm_psnr = {name", "buys = {k: metrics"):
            exec(compile(cell(SOURCE, words), SOURCE.name, "exec"), space)
        with pytest.raises(AssertionError):
            exec(compile(cell(SOURCE, "borrowed weights, trained on"), SOURCE.name, "exec"), space)
    run_cell(lesson, "borrowed weights, trained on")


def test_the_verdict_on_convergence_fails_for_weights_that_converge_at_once(lesson):
    stored = lesson["borrowed"]
    arm = stored["arms"]["borrowed, trained"]
    quick = arm | {"rows": [[row[-1]] * len(row) for row in arm["rows"]]}
    arms = stored["arms"] | {"borrowed, trained": quick}
    fails(lesson, "guarantee faster convergence", borrowed=stored | {"arms": arms})
    fails(lesson, "guarantee faster convergence", borrowed=swapped(stored))


def swapped(stored):
    """The stored result with borrowed and random exchanged."""
    names = list(stored["arms"])
    arms = {name: stored["arms"][names[(i + 2) % 4]] for i, name in enumerate(names)}
    return stored | {"arms": arms}


def test_the_embedding_claim_fails_for_a_network_that_ignores_the_vector(lesson):
    psnr = lesson["on_photographs"]["embedding"]
    deaf = {"embedding": dict.fromkeys(psnr, psnr["its own"])}
    fails(lesson, "swapped = {name: np.array", on_photographs=lesson["on_photographs"] | deaf)


def test_the_cache_claim_fails_for_a_cache_that_forgets(lesson):
    def forgetful(embed, name, pictures, folder, part):
        return embed(pictures)

    fails(lesson, "looked = []", cached=forgetful)


def test_keras_accuracy_fails_for_another_measure(lesson):
    def signs(ab, ab_hat):
        return float((np.sign(ab) == np.sign(ab_hat)).all(-1).mean())

    fails(lesson, "same = np.isclose(reported", keras_accuracy=signs)


def test_the_made_pictures_fail_under_an_honest_accuracy(lesson):
    def honest(L, ab, ab_hat):
        delta = lesson["both_numbers"](L, ab, ab_hat)[1]
        return metrics.accuracy_curve(ab, np.float32(ab_hat))[0][10], delta

    fails(lesson, "made = {name: both_numbers", both_numbers=honest)


def test_the_constants_fail_where_photographs_are_balanced(lesson):
    stored = lesson["constants"]
    even = {k: row | {"yellow": 0.5, "one bit": 0.5} for k, row in stored["rows"].items()}
    fails(lesson, "54.73 % after 100 epochs", constants=stored | {"rows": even})
    fails(lesson, "82 % on samples, 79.05", rows=even)


def test_the_epochs_claim_fails_for_a_network_that_learns_what_others_need(lesson):
    stored = lesson["by_epoch"]
    good = [row | {"others": row["train"]} for row in stored["rows"]]
    fails(lesson, "the more epochs, the better the accuracy", by_epoch=stored | {"rows": good})


def test_the_paintbox_table_fails_under_an_honest_accuracy(lesson):
    def honest(ab_hat):
        accuracy, within, regret = lesson["scene_row"](ab_hat)
        return within, within, regret

    fails(lesson, '"best / 100": best / 100}', scene_row=honest)


def test_the_negative_share_fails_for_gray_photographs(lesson):
    gray = [metrics.paint_gray(rgb) for rgb in lesson["album"]]
    fails(lesson, "negative = [(color", album=gray)


def test_the_checkpoint_claims_fail_for_an_untrained_network(lesson):
    stored = lesson["on_photographs"]
    gray = stored["gain"] | {"S4": [0.0, -0.1, 0.1]}
    fails(lesson, "ahead = metrics.bootstrap", on_photographs=stored | {"gain": gray})
    worse = stored["accuracy"] | {"S4": stored["accuracy"]["gray"]}
    fails(lesson, 'score = on_photographs["accuracy"]', on_photographs=stored | {"accuracy": worse})


def test_the_cross_entropy_claim_fails_for_the_squared_error(lesson):
    teal = lesson["TEAL"]
    squared = {name: float(((y - teal) ** 2).mean()) for name, y in lesson["TRIED"].items()}
    fails(lesson, "trained with the cross-entropy loss", entropies=squared)


def test_the_best_answer_is_the_best_of_the_table(lesson):
    assert lesson["table"]["best answer"][2] == 0
    assert paintbox.regret(lesson["test"], lesson["best"]).max() == 0


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(lesson):
    from course_utils.colorizer import CHECKPOINTS, Colorizer

    model = Colorizer.load("04_pretrained_fusion")
    assert model.metadata["parameters"] == lesson["whole"](lesson["look"].model).count_params()
    assert (CHECKPOINTS / "04_pretrained_fusion.onnx").stat().st_size <= 8e6
    assert (CHECKPOINTS / "04_pretrained_fusion.md").is_file()
    assert model.metadata["metrics"] == lesson["on_photographs"]["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, lesson):
    from course_utils import photos
    from course_utils.colorizer import Colorizer

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load("04_pretrained_fusion")
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    stored = lesson["on_photographs"]["gain"]["S4"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
