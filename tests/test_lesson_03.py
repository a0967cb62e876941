"""Lesson 03: its networks are what it says, its experiments run, its claims can fail.

The lesson's code is run once, as `make train` runs it, at the size of a test.
"""

import copy

import numpy as np
import pytest
from lesson_code import fails, noise, ran, run_cell, source

from course_utils import course, metrics, paintbox
from tools.train import script

SOURCE = source("03")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


def L_noise(*shape):
    return np.random.default_rng(7).uniform(0, 1, (*shape, 1)).astype(np.float32)


# The networks


def test_the_published_network_has_the_layers_of_the_tables(lesson):
    full = lesson["full"]
    plans = {
        "low": [(64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1)],
        "mid": [(512, 1), (256, 1)],
        "global": [(512, 2), (512, 1), (512, 2), (512, 1)],
        "color": [(128, 1), (64, 1), (64, 1), (32, 1), (2, 1)],
    }
    for name, plan in plans.items():
        convs = [x for x in full.get_layer(name).layers if x.name.startswith("conv2d")]
        assert [(x.filters, x.strides[0]) for x in convs] == plan
        assert {x.kernel_size for x in convs} == {(3, 3)}
    dense = [x.units for x in full.get_layer("global").layers if x.name.startswith("dense")]
    assert dense == [1024, 512, 256]
    assert full.get_layer("color").layers[-2].activation.__name__ == "sigmoid"


def test_low_level_weights_are_shared(lesson):
    full = lesson["compact"]()
    low = full.get_layer("low")
    assert len(low._inbound_nodes) >= 2  # called on the picture and on its copy
    before = full.predict([L_noise(1, 32, 32), L_noise(1, 64, 64)], verbose=0)
    kernel = low.layers[1].weights[0]
    kernel.assign(kernel * 0.5)
    after = full.predict([L_noise(1, 32, 32), L_noise(1, 64, 64)], verbose=0)
    assert np.abs(before - after).max() > 0


def test_the_layer_lays_the_vector_beside_every_position(lesson):
    import keras

    vector, local = np.float32([[1, 2], [3, 4]]), np.float32(L_noise(2, 3, 5))
    map_ = keras.ops.convert_to_numpy(lesson["Beside"]()(vector, local))
    assert map_.shape == (2, 3, 5, 3)
    assert (map_[0, ..., :2] == [1, 2]).all() and (map_[1, ..., :2] == [3, 4]).all()
    assert np.array_equal(map_[..., 2:], local)


def test_the_fusion_exercise_is_what_the_network_does(lesson):
    import keras

    layer = lesson["conv"](5, kernel=1)
    vector, local = np.float32([[0.3, -1, 2]]), np.random.default_rng(1).normal(size=(1, 4, 3, 2))
    given = layer(lesson["Beside"]()(vector, local.astype(np.float32)))
    W, b = (keras.ops.convert_to_numpy(w) for w in layer.weights)
    wanted = lesson["fusion"](vector[0], local[0], W[0, 0], b)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(given)[0], wanted, atol=1e-5)


def test_the_blind_control_has_the_same_weights_and_sees_no_copy(lesson):
    core = lesson["compact"]()
    sees, blind = lesson["alone"](core), lesson["alone"](core, sees=False)
    assert sees.count_params() == blind.count_params() == core.count_params()
    x = L_noise(1, 128, 128)
    y = x.copy()
    y[0, :32, :32] = 1 - y[0, :32, :32]
    for model, reaches in ((sees, True), (blind, False)):
        moved = np.abs(model.predict(x, verbose=0) - model.predict(y, verbose=0))
        assert (moved[0, 96:, 96:].max() > 0) == reaches


@pytest.mark.parametrize("size", [(33, 57), (64, 64), (127, 90)])
def test_any_size_gives_the_next_multiple_of_the_strides(lesson, size):
    out = lesson["alone"](lesson["compact"]()).predict(L_noise(1, *size), verbose=0)
    assert out.shape == (1, *(-(-side // 4) * 4 for side in size), 2)


def test_every_window_of_the_dial_is_the_measured_one(lesson):
    for window, shape in lesson["WINDOWS"].items():
        assert lesson["sight"](lesson["compact"](**shape)) == window


def test_the_copy_of_the_demonstration_is_the_one_that_the_network_makes(lesson):
    core, L = lesson["compact"](), 100 * L_noise(2, 128, 128)
    own = lesson["answers"](core, L, lesson["shrink"](L))
    assert np.abs(own - lesson["answers"](lesson["alone"](core), L)).max() < 1e-3


# What is measured


def test_the_best_answers_have_the_regret_of_theory(lesson):
    scenes = paintbox.sample(20, 64, seed=8)
    cued, elsewhere = lesson["split_regret"](scenes, scenes.expected_ab())
    assert cued.max() == elsewhere.max() == 0
    cued, elsewhere = lesson["split_regret"](scenes, scenes.expected_ab("local"))
    assert cued.min() > 0 and elsewhere.max() == 0


def test_a_wider_window_can_know_more_and_the_widest_all(lesson):
    scenes = paintbox.sample(20, 64, seed=8)
    least = [lesson["least_regret"](scenes, window) for window in (15, 59, 75, 95, 131)]
    local = lesson["split_regret"](scenes, scenes.expected_ab("local"))[0].mean()
    assert least[0] == least[1] == pytest.approx(local)  # cues are 30 pixels away or more
    assert least[1] > least[2] > least[3] > least[4] == 0


def test_distances_are_counted_from_the_box_on_either_side(lesson):
    scenes = paintbox.sample(30, 64, seed=8)
    sun = scenes.regions == paintbox.NAMES.index("sun")
    away = lesson["pixels_away"](scenes, "time")
    assert away[sun].max() == 0
    lake = scenes.regions == paintbox.NAMES.index("lake")
    assert away[lake].min() >= 29.5
    mirrored = scenes.mirrored.astype(bool)
    assert (away[mirrored, 5, 0] > 40).all() and (away[~mirrored, 5, -1] > 40).all()


def test_edges_of_the_truth_are_sharp_and_those_of_a_blur_are_not(lesson):
    scenes = paintbox.sample(5, 64, seed=8)
    best = scenes.expected_ab()
    assert lesson["edge_steps"](scenes, best) == pytest.approx(1, abs=1e-5)
    assert lesson["edge_steps"](scenes, 0 * best) == pytest.approx(0)
    assert lesson["edge_steps"](scenes, lesson["at_half_size"](best)).max() < 0.5


def test_brown_is_found_where_it_is(lesson):
    sand, sea = np.uint8([[[180, 140, 90]]]), np.uint8([[[40, 90, 160]]])
    half = np.concatenate([np.tile(x, (4, 8, 1)) for x in (sand, sea)])
    assert lesson["brown"](half) == 0.5 and lesson["brown"](metrics.paint_gray(half)) == 0


# Experiments at toy size


@pytest.fixture(scope="module")
def toy(lesson):
    return lesson["fusion_experiment"](n=8, epochs=1, n_test=4, seeds=(1, 2), size=64)


def test_the_fusion_experiment(lesson, toy):
    assert set(course.PROTOCOL) <= set(toy) and set(toy["arms"]) == {"with", "without"}
    for rows in toy["arms"].values():
        assert [row["seed"] for row in rows] == [1, 2]
        assert all(row["cued"][1] <= row["cued"][0] <= row["cued"][2] for row in rows)
    assert set(toy["arms"]["with"][0]["borrowed"]) == {"noon", "dusk"}
    assert toy["local"][0] > 100


def test_the_dial_experiment(lesson):
    result = lesson["dial_experiment"](n=8, epochs=1, n_test=4, windows={27: {}})
    assert set(course.PROTOCOL) <= set(result)
    (row,) = result["rows"]
    assert row["window"] == 27 and row["least"] == pytest.approx(result["local"])
    assert row["parameters"] == 295_410 and len(result["with"]["cued"]) == 3


def test_the_checkpoint_is_trained_and_exported(lesson, tmp_path):
    from course_utils.colorizer import Colorizer

    rgb = {size: noise(20, size) for size in (16, 24)}
    plan = [(16, 1e-3), (24, 1e-4)]
    given = rgb, plan, 3, True, tmp_path / "states"
    network, rows = lesson["train_checkpoint"](*given, width=1)
    assert [row["epoch"] for row in rows] == [1, 2] and rows[0]["psnr"] > 0
    path = lesson["export"](network, True, 17, 2.5, [], tmp_path / "toy.onnx", width=1)
    model = Colorizer.load(path)
    L = 100 * L_noise(1, 24, 24)
    plain = lesson["alone"](lesson["compact"]())
    plain.set_weights(network.get_weights())
    assert np.abs(model.ab(L) - lesson["answers"](plain, L)).max() < 0.6
    sizes = lesson["at_sizes"](model, list(noise(2, 40)), (16, 40))
    assert set(sizes) == {16, 40, "gray"} and all(len(values) == 2 for values in sizes.values())
    assert sizes[16] != sizes[40] and model.size == lesson["PLAN"][-1][0]


def test_the_timing_experiment(lesson):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lesson, "published", lesson["compact"])
        result = lesson["timing_experiment"]({32: 1, 64: 2})
    assert set(course.PROTOCOL) <= set(result)
    assert [row["size"] for row in result["rows"]] == [32, 64]
    assert all(row["published"] > 0 and row["course"] > 0 for row in result["rows"])


def test_a_size_that_does_not_fit_is_left_out_with_a_sentence(lesson, capsys):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lesson, "BYTES", 1e15)
        row = lesson["both_ways"](None, lesson["s1_file"], noise(1, 32)[0], 1)
    assert row["published"] is None and "32 × 32 is left out" in capsys.readouterr().out


def test_the_benchmark_finds_the_functions_of_the_lesson():
    from benchmarks import fusion

    space = fusion.lesson()
    assert callable(space["timing_experiment"]) and "fused" not in space and "model" not in space


# Claims can fail


def spoil(stored, change):
    """A copy of a stored result, changed in place by a function."""
    spoiled = copy.deepcopy(stored)
    change(spoiled)
    return spoiled


def test_the_lake_claim_fails_where_the_lake_itself_tells_the_time(lesson):
    moved = copy.deepcopy(lesson["dusk"])
    lake = moved.regions == paintbox.NAMES.index("lake")
    moved.L[lake] += 1
    fails(lesson, "the lake begins", dusk=moved)


def test_the_floor_claim_fails_where_no_cue_matters(lesson):
    class Certain:
        ab, expected_ab = lesson["test"].ab, lambda self, context="": lesson["test"].expected_ab()
        regions = lesson["test"].regions

    fails(lesson, "best for the whole picture", test=Certain())


def test_the_count_fails_for_another_network(lesson):
    words = "with the class head"
    fails(lesson, words, parts=[1, *lesson["parts"][1:]])
    with pytest.raises(AssertionError):
        run_cell(lesson, words, full=lesson["compact"]())


def test_the_size_claim_fails_for_a_network_without_the_last_upsampling(lesson):
    import keras

    def short(core):
        inputs = keras.Input((None, None, 1))
        return keras.Model(inputs, keras.layers.Conv2D(2, 3, 2, "same")(inputs))

    fails(lesson, "gives ab", alone=short)


def test_the_window_claim_fails_for_a_wider_network(lesson):
    fails(lesson, "local window {wide}", compact=lambda: lesson["compact"](mid=(3, 3)))


@pytest.mark.parametrize("arm", ["with", "without"])
def test_the_case_for_the_branch_fails_when_the_arms_are_alike(lesson, arm):
    stored = lesson["fused"]
    other = {"with": "without", "without": "with"}[arm]
    same = stored | {"arms": {arm: stored["arms"][other], other: stored["arms"][other]}}
    fails(lesson, "share of the window's best", fused=same)


def test_the_dial_claim_fails_for_a_wide_network_that_looks(lesson):
    def look(dial):
        dial["rows"][-1]["cued"] = [dial["rows"][-1]["least"] + 20] * 3

    fails(lesson, "it uses less than half", dial=spoil(lesson["dial"], look))


def test_the_dial_claim_fails_for_a_narrow_network_below_its_floor(lesson):
    def cheat(dial):
        dial["rows"][1]["cued"] = [50.0] * 3

    fails(lesson, "it uses less than half", dial=spoil(lesson["dial"], cheat))


def test_the_loan_fails_for_a_vector_that_says_nothing(lesson):
    def deaf(rows):
        for row in rows:
            row["borrowed"] = {time: [own, own] for time, (own, _) in row["borrowed"].items()}

    fails(lesson, "every lake moves", sees=spoil(lesson["sees"], deaf))


def test_the_photograph_claim_fails_for_an_untrained_network(lesson):
    pairs = lesson["pairs"] | {"S1, less gray": np.zeros(20)}
    fails(lesson, "for name, difference in pairs.items()", pairs=pairs)


def test_the_photograph_claim_fails_where_the_branch_helps_or_harms(lesson):
    for sign in (1, -1):
        pairs = lesson["pairs"] | {"S1, less S1 blind": sign * np.linspace(0.1, 1, 20)}
        with pytest.raises(AssertionError):
            run_cell(lesson, "for name, difference in pairs.items()", pairs=pairs)


def test_the_brown_claim_fails_for_a_control_that_paints_seas_brown(lesson):
    stored = copy.deepcopy(lesson["on_photographs"])
    stored["brown"]["S1, blind"] = stored["brown"]["truth"]
    fails(lesson, "seas turn brown", on_photographs=stored)


def test_the_study_claim_fails_for_an_interval_without_n(lesson):
    class Careless:
        wilson = staticmethod(lambda k, n: (0.85, 0.92))

    fails(lesson, "of {n:4} answers", study=Careless())


def test_the_timing_claim_fails_for_a_slow_course(lesson):
    def slow(timing):
        timing["rows"][-1]["course"] = timing["rows"][-1]["published"] / 10

    fails(lesson, "a twentieth or less", timing=spoil(lesson["timing"], slow))


def test_the_edge_claim_fails_for_sharp_answers(lesson):
    def sharp(rows):
        for row in rows:
            row["edges"] = [1.0] * len(row["edges"])

    fails(lesson, "sharper edges", sees=spoil(lesson["sees"], sharp))


def test_the_resolution_claim_fails_where_size_does_not_matter(lesson):
    stored = copy.deepcopy(lesson["on_photographs"])
    stored["sizes"]["512"] = stored["sizes"][str(stored["size"])]
    fails(lesson, "any resolution can be processed", on_photographs=stored)


def test_the_epoch_claim_fails_for_another_batch(lesson):
    words = "roughly 20 epochs"
    code = next(code for code in script(SOURCE) if words in code)
    run_cell(lesson, words)
    with pytest.raises(AssertionError):
        exec(compile(code.replace("100_000 * 256", "100_000 * 460"), "claim", "exec"), dict(lesson))


def test_the_last_claim_fails_when_the_arms_overlap(lesson):
    fails(lesson, "confirms that global features", blind=lesson["sees"])


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(lesson):
    from course_utils.colorizer import CHECKPOINTS, Colorizer

    model = Colorizer.load("03_global_local_fusion")
    assert model.metadata["parameters"] == lesson["compact"](lesson["WIDTH"]).count_params()
    assert (CHECKPOINTS / "03_global_local_fusion.onnx").stat().st_size <= 6e6
    assert (CHECKPOINTS / "03_global_local_fusion.md").is_file()
    assert model.metadata["metrics"] == lesson["on_photographs"]["table"]


def test_the_shipped_file_beats_gray_on_photographs(shared_data, lesson):
    from course_utils import photos
    from course_utils.colorizer import Colorizer

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load("03_global_local_fusion")
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    assert metrics.bootstrap(gain)[1] > 0
    stored = lesson["on_photographs"]["gain"]["S1"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
