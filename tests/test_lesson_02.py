"""Lesson 02: its network is the published one, its experiments run, its claims can fail.

The lesson's code is run once, as `make train` runs it, at the size of a test.
"""

import ast

import numpy as np
import pytest
from lesson_code import noise, other, ran, run_cell, source

from course_utils import color, course, metrics, paintbox
from tools.train import script

SOURCE = source("02")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


# The network


def test_the_network_is_the_published_one(lesson):
    model = lesson["s0"]()
    assert model.count_params() == 3_892_194
    assert [layer.name.split("_")[0] for layer in model.layers].count("conv2d") == 12
    sizes = [layer.strides[0] for layer in model.layers if layer.name.startswith("conv2d")]
    assert sizes == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1]
    assert model.layers[-2].activation.__name__ == "tanh"
    answer = model.predict(np.zeros((1, 24, 40, 1), np.float32), verbose=0)
    assert answer.shape == (1, 24, 40, 2)
    assert np.array_equal(answer[:, ::2, ::2], answer[:, 1::2, 1::2])  # pixels are repeated


def test_exercise_4_agrees_with_the_measured_window(lesson):
    import keras

    strides = [1, 2, 1, 2, 1]
    inputs = x = keras.Input((None, None, 1))
    for stride in strides:
        x = keras.layers.Conv2D(1, 3, stride, "same", kernel_initializer="ones")(x)
    model = keras.Model(inputs, x)
    zero = np.zeros((1, 64, 64, 1), np.float32)
    dots = np.repeat(zero, 64, axis=0)
    dots[np.arange(64), np.arange(64)] = 1  # picture i has its line in row i
    reached = int((model.predict(dots, verbose=0)[:, 8] > 0).any((1, 2)).sum())
    assert reached == lesson["receptive_field"](strides)


def test_no_cell_is_long_and_no_line_is_wide():
    for code in script(SOURCE):
        lines = [line for line in code.splitlines() if line.strip()]
        assert len(lines) <= 15, lines[0]
        assert max(map(len, lines)) <= 100
        ast.parse(code)


# Experiments at toy size


def test_the_paintbox_experiment(lesson):
    result = lesson["paintbox_experiment"](n=10, epochs=2, n_test=4)
    assert set(course.PROTOCOL) <= set(result) and len(result["rows"]) == 2
    row, ladder = result["rows"][-1], result["ladder"]
    low, high = row["regret"][1:]
    assert low <= row["regret"][0] <= high
    assert 0 < ladder["whole picture"] < ladder["gray"]
    assert {"sky", "balloon"} <= set(row["chroma"])
    assert row["shown"] is None, "pictures are kept of four epochs only"


def test_kept_pictures_come_back_to_half_a_unit(lesson):
    scenes = paintbox.sample(2, 64, seed=4)
    bottleneck = lesson["half_and_double"](scenes.ab)
    again = lesson["unpacked"](lesson["packed"](bottleneck))
    assert again.shape == scenes.ab.shape and np.abs(again - bottleneck).max() <= 0.5


def test_regret_and_loss_of_the_best_answer(lesson):
    """The floor is what the expected color costs: its regret is 0, its color nobody's."""
    scenes = paintbox.sample(40, 64, seed=9)
    expected = scenes.expected_ab()
    assert paintbox.regret(scenes, expected).max() == 0
    assert lesson["nobodys_color"](scenes, expected) > 20
    truth, mean, answer = lesson["by_region"](scenes, expected)["balloon"]
    assert answer == pytest.approx(mean) and mean < truth / 2


def test_the_unet_experiment(lesson):
    result = lesson["unet_experiment"](n=8, epochs=2, n_test=4)
    assert len(result["regret"]) == 3 and len(result["lake_b"]) == 2
    assert set(course.PROTOCOL) <= set(result)
    # One pixel of L reaches every pixel of the answer, unlike in S0.
    network = lesson["unet"]()
    L = np.random.default_rng(0).uniform(0, 1, (1, 64, 64, 1)).astype(np.float32)
    moved = L.copy()
    moved[0, 0, 0] += 1
    change = network.predict(moved, verbose=0) - network.predict(L, verbose=0)
    assert np.abs(change[0, -8:, -8:]).max() > 0


def test_the_unet_claim_fails_for_an_untrained_network(lesson):
    scenes = paintbox.sample(8, 64, seed=2)
    network = lesson["unet"]()
    bad = lesson["deep"] | lesson["scene_scores"](network, scenes)
    with pytest.raises(AssertionError):
        run_cell(
            lesson,
            'deep = course.experiment("02_unet"',
            course=other(course, experiment=lambda name, run: bad),
        )


def test_the_target_experiment(lesson):
    result = lesson["target_experiment"](noise(12, 16), noise(4, 16), epochs=1)
    assert set(course.PROTOCOL) <= set(result)
    assert set(result["arms"]) == set(lesson["ARMS"])
    assert all(len(arm["color"]) == 4 for arm in result["arms"].values())
    assert len(result["arms"]["R, G and B"]["raw"]) == 4


def test_the_rgb_arm_learns_the_picture_that_it_was_given(lesson):
    from course_utils import batches

    rgb = noise(4, 16)
    dataset = lesson["to_rgb"](batches.keras_dataset(rgb, 4, 1, 0, False, lesson["PAPER_SCALE"]))
    x, y = next(iter(dataset))
    L = color.rgb_to_lab(y.numpy())[..., :1]
    np.testing.assert_allclose(L, 100 * x.numpy(), atol=0.05)
    sums = np.sort(y.numpy().sum((1, 2, 3))), np.sort((rgb / 255).sum((1, 2, 3)))
    np.testing.assert_allclose(*sums, atol=0.1)


def test_the_checkpoint_is_trained_exported_and_audited(lesson, tmp_path):
    from course_utils.colorizer import Colorizer

    plan = [(16, 1e-3), (24, 1e-4)]
    rgb = {size: noise(14, size) for size in (16, 24)}
    network, rows, zero = lesson["train_checkpoint"](rgb, plan, 3, tmp_path / "states")
    assert [row["epoch"] for row in rows] == [1, 2] and zero[0] > 0
    path = lesson["export"](network, [], 11, 2.5, tmp_path / "toy.onnx")
    model = Colorizer.load(path)
    L = np.random.default_rng(1).uniform(0, 100, (1, 24, 24, 1)).astype(np.float32)
    plain = lesson["s0"]()
    plain.set_weights(network.get_weights())
    assert np.abs(model.ab(L) - lesson["answers"](plain, L)).max() < 0.6
    table = np.array(lesson["per_photo"](model, noise(2, 40)))
    assert table.shape == (2, 6) and np.isfinite(table).all()


def test_the_audit_finds_red_where_it_is(lesson):
    class Perfect:
        colorize = staticmethod(lambda rgb: rgb)

    class Gray:
        colorize = staticmethod(metrics.paint_gray)

    red = np.full((1, 8, 8, 3), (200, 20, 20), np.uint8)
    (perfect,), (gray,) = (lesson["per_photo"](model, red) for model in (Perfect, Gray))
    assert perfect[0] == 0 and perfect[4:] == [64, 64]
    assert gray[0] > 0 and gray[4:] == [64, 0]


# Claims can fail


def spoiled(stored, **changes):
    return stored | changes


def test_the_claim_about_the_gray_answer_fails_for_an_untrained_network(lesson):
    run_cell(lesson, "S0 against gray on the same")
    with pytest.raises(AssertionError):
        stored = spoiled(lesson["on_photographs"], gain={"S0": [0.0, -0.1, 0.1]})
        run_cell(lesson, "S0 against gray on the same", on_photographs=stored)


def test_the_ladder_fails_where_nothing_is_uncertain(lesson):
    run_cell(lesson, "each rung is lower")

    class World:
        @staticmethod
        def ladder(scenes):  # the cues removed: seeing far does not help
            rungs = paintbox.ladder(scenes)
            return rungs | {"whole picture": rungs["31-px context"]}

    with pytest.raises(AssertionError):
        run_cell(lesson, "each rung is lower", paintbox=World)


def test_the_layer_table_fails_for_another_network(lesson):
    with pytest.raises(AssertionError):
        run_cell(lesson, "every layer as reported", s0=lambda: lesson["s0"](thin=2))


def test_the_sight_claim_fails_for_a_network_that_sees_less(lesson):
    def shallow():
        import keras

        inputs = keras.Input((None, None, 1))
        return keras.Model(inputs, keras.layers.Conv2D(2, 3, padding="same")(inputs))

    with pytest.raises(AssertionError):
        run_cell(lesson, "S0 sees at most", published=shallow())


def test_the_regret_claim_fails_for_an_untrained_network(lesson):
    run_cell(lesson, "its regret is")
    stored = lesson["on_paintbox"]
    rung = stored["ladder"]
    untrained = stored["rows"][-1] | {"test": rung["gray"], "regret": [700.0, 650.0, 750.0]}
    with pytest.raises(AssertionError):
        rows = [*stored["rows"][:-1], untrained]
        run_cell(lesson, "its regret is", on_paintbox=spoiled(stored, rows=rows))


def test_the_cue_claim_fails_for_a_network_that_looks_at_the_sun(lesson):
    run_cell(lesson, "what the sun tells")
    stored = lesson["on_paintbox"]
    looks = stored["split"]["lake_b"] | {"S0": stored["split"]["lake_b"]["truth"]}
    with pytest.raises(AssertionError):
        split = stored["split"] | {"lake_b": looks}
        run_cell(lesson, "what the sun tells", on_paintbox=spoiled(stored, split=split))


def test_the_balloon_claim_fails_for_a_colorful_answer(lesson):
    run_cell(lesson, 'last["chroma"]["balloon"]')
    last = lesson["last"]
    truth = last["chroma"]["balloon"][0]
    vivid = last | {"chroma": last["chroma"] | {"balloon": [truth, truth / 3, truth]}}
    with pytest.raises(AssertionError):
        run_cell(lesson, 'last["chroma"]["balloon"]', last=vivid)


def test_the_loss_claim_fails_when_photographs_are_shuffled(lesson):
    run_cell(lesson, "the loss does not reflect the performance")
    shuffled = np.random.default_rng(1).permutation(lesson["delta"])
    with pytest.raises(AssertionError):
        run_cell(lesson, "the loss does not reflect the performance", delta=shuffled)


def test_the_epochs_claim_fails_without_learning(lesson):
    run_cell(lesson, "with more epochs the performance")
    flat = [row | {"psnr": 20.0} for row in lesson["history"]]
    with pytest.raises(AssertionError):
        run_cell(lesson, "with more epochs the performance", history=flat)


def test_the_red_claim_fails_for_a_network_that_paints_red(lesson):
    run_cell(lesson, "the output is never red")
    with pytest.raises(AssertionError):
        run_cell(lesson, "the output is never red", reds_found=lesson["reds"])


def test_the_target_claims_fail_for_an_untrained_network_or_a_better_rgb(lesson):
    run_cell(lesson, "for name, (mean, low, high) in gains.items()")
    gray = lesson["pairs"] | {"a and b, less gray": np.zeros(20)}
    better = lesson["pairs"]["R, G, B with the true L, less a and b"]
    rgb = lesson["pairs"] | {"R, G, B with the true L, less a and b": better * -1}
    for spoiled_pairs in (gray, rgb):
        with pytest.raises(AssertionError):
            run_cell(lesson, "for name, (mean, low, high) in gains.items()", pairs=spoiled_pairs)


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(lesson):
    from course_utils.colorizer import CHECKPOINTS, Colorizer

    model = Colorizer.load("02_mse_regression")
    assert model.metadata["parameters"] == 3_892_194
    assert (CHECKPOINTS / "02_mse_regression.onnx").stat().st_size <= 8e6
    assert (CHECKPOINTS / "02_mse_regression.md").is_file()
    assert model.metadata["metrics"] == lesson["on_photographs"]["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, lesson):
    from course_utils import photos
    from course_utils.colorizer import Colorizer

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load("02_mse_regression")
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    stored = lesson["on_photographs"]["gain"]["S0"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)


# make train


def test_an_error_names_the_line_of_the_source():
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    for code in script(SOURCE):
        blank = len(code) - len(code.lstrip("\n"))
        assert lines[blank] == code[blank:].splitlines()[0]
        assert lines[blank + len(code[blank:].splitlines()) - 1] == code.splitlines()[-1]


def test_train_without_a_lesson_says_which_there_are(monkeypatch):
    from tools import train

    monkeypatch.setattr("sys.argv", ["train", "99"])
    monkeypatch.setenv("COURSE_PROFILE", "full")
    with pytest.raises(SystemExit, match="Name a lesson: .*02"):
        train.main()
