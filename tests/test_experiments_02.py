"""Experiments of lesson 02 at toy size: what they return, and that they survive a kill."""

import numpy as np
import pytest
from experiment_toys import same_form, survives
from lesson_code import noise

from course_utils import color, course, metrics, packing, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson_02 as experiments
from experiments.runner import Run

L = experiments.L
PLAN = ((16, 1e-3), (24, 1e-4))


@pytest.fixture(autouse=True, scope="module")
def eager():
    """One step of each network does not pay for its compilation, and there are many."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


# Scenes


def test_paintbox(tmp_path):
    result = survives(experiments.on_scenes, tmp_path, n=10, epochs=2, n_test=4)
    same_form(result, "02/paintbox")
    row, ladder = result["rows"][-1], result["ladder"]
    assert len(result["rows"]) == 2 and row["shown"] is None, "pictures are kept of four epochs"
    assert row["regret"][1] <= row["regret"][0] <= row["regret"][2]
    assert 0 < ladder["whole picture"] < ladder["gray"]
    assert {"sky", "balloon"} <= set(row["chroma"])
    stored = course.result("02/paintbox")["split"]
    assert {key: set(part) for key, part in result["split"].items()} == {
        key: set(part) for key, part in stored.items()
    }


def test_unet(tmp_path):
    result = survives(experiments.unet, tmp_path, n=8, epochs=2, n_test=4)
    same_form(result, "02/unet")
    assert len(result["regret"]) == 3 and len(result["lake_b"]) == 2
    assert result["parameters"] == course.result("02/unet")["parameters"]


def test_an_untrained_unet_is_far_from_what_the_lesson_claims():
    scenes = paintbox.sample(8, 64, seed=2)
    ladder, scores = paintbox.ladder(scenes), experiments.scene_scores(L.unet(), scenes)
    assert scores["regret"][1] > 0.05 * (ladder["lookup by L"] - ladder["whole picture"])


def test_kept_pictures_come_back_to_half_a_unit():
    bottleneck = L.half_and_double(paintbox.sample(2, 64, seed=4).ab)
    small = packing.unpack(experiments.packed(bottleneck), 2, 32, 32, 2)
    assert np.abs(small.repeat(2, 1).repeat(2, 2) - bottleneck).max() <= 0.5
    assert packing.unpack(experiments.packed(np.full((1, 2, 2, 2), 127.9)), 2).max() == 127


def test_the_stored_pictures_are_of_the_scenes_that_the_lesson_shows():
    """After 50 epochs they are nearer to the expected color of these scenes than of any others."""
    scenes, shown = L.held_out_scenes()
    text = course.result("02/paintbox")["rows"][49]["shown"]
    kept = packing.unpack(text, 3, 32, 32, 2)
    expected = scenes.expected_ab()[:, ::2, ::2]
    away = ((kept[:, None] - expected) ** 2).mean((2, 3, 4))  # (3, 60)
    assert away.argmin(1).tolist() == shown.tolist()


def test_the_best_answer_has_no_regret_and_nobodys_color():
    scenes = paintbox.sample(40, 64, seed=9)
    expected = scenes.expected_ab()
    assert paintbox.regret(scenes, expected).max() == 0
    assert experiments.from_palette(scenes, expected) > 20
    truth, mean, answer = experiments.chroma_by_region(scenes, expected)["balloon"]
    assert answer == pytest.approx(mean) and mean < truth / 2
    noon, dusk = experiments.lake_by_time(scenes, expected)
    local = experiments.lake_by_time(scenes, scenes.expected_ab("local"))
    assert dusk - noon > 20 and local[0] == pytest.approx(local[1])


# Lab or RGB


def test_targets(tmp_path, monkeypatch):
    pictures = {"train": noise(12, 16), "test": noise(4, 16)}
    monkeypatch.setattr(
        experiments, "mountains_and_glaciers", lambda split, limit=None: pictures[split]
    )
    result = survives(experiments.targets, tmp_path, limit=3, epochs=2)
    same_form(result, "02/targets")
    stored = course.result("02/targets")
    assert set(result["rows"]) == set(stored["rows"])
    for name, arm in stored["arms"].items():
        assert set(result["arms"][name]) == set(arm)
        assert all(len(values) == 4 for values in result["arms"][name].values())


def test_the_rgb_arm_learns_the_picture_that_it_was_given():
    rgb = noise(4, 16)
    epoch = experiments.with_rgb(L.epochs_of(rgb, 1, augmented=False))
    x, y = next(iter(epoch(0)))
    np.testing.assert_allclose(color.L(y.numpy()), 100 * x.numpy(), atol=0.05)
    sums = np.sort(y.numpy().sum((1, 2, 3))), np.sort((rgb / 255).sum((1, 2, 3)))
    np.testing.assert_allclose(*sums, atol=0.1)


def test_both_classes_of_a_split_are_read_whole(shared_data):
    few = experiments.mountains_and_glaciers("test", limit=3)
    assert few.dtype == np.uint8 and few.shape == (12, 64, 64, 3)


# The checkpoint


@pytest.fixture
def shipped(monkeypatch):
    """Photographs of noise, and a list of what would be shipped."""
    made = []
    monkeypatch.setattr(experiments, "photographs", lambda size: noise(L.HELD_OUT + 14, size))
    monkeypatch.setattr(experiments, "judged_photographs", lambda: noise(3, 40))
    monkeypatch.setattr(
        experiments, "ship", lambda path, name, table: made.append((path, name, table))
    )
    return made


def test_the_checkpoints_training_survives(tmp_path):
    rgb = {size: noise(L.HELD_OUT + 14, size) for size in (16, 24)}

    def trained(run):
        network, rows = experiments.train_checkpoint(rgb, PLAN, run)
        return {"rows": rows, "weights": [x.tobytes() for x in network.get_weights()]}

    survives(trained, tmp_path)


def test_the_checkpoint_is_trained_judged_and_shipped(tmp_path, shipped):
    result = experiments.checkpoint(Run(tmp_path), plan=PLAN)
    same_form(result, "02/checkpoint")
    assert [row["epoch"] for row in result["rows"]] == [1, 2] and result["n"] == 14
    assert result["zero"][0] > 0 and np.isfinite(result["audit"]).all()
    assert np.shape(result["audit"]) == (3, 6)
    assert {name for _, name, _ in shipped} == {"02_mse_regression"}
    metadata = Colorizer.load(shipped[0][0]).metadata
    stored = Colorizer.load("02_mse_regression").metadata
    assert set(metadata) == set(stored)
    assert shipped[0][2] == result["table"]
    assert metadata["plan"] == "1 × 16 px at 0.001, 1 × 24 px at 0.0001"


def test_the_plan_in_words_is_the_shipped_files():
    stored = Colorizer.load("02_mse_regression").metadata
    assert experiments.in_words(experiments.PLAN) == stored["plan"]
    assert len(experiments.PLAN) == int(stored["epochs"])
    plan = tuple(map(tuple, course.result("02/checkpoint")["plan"]))
    assert experiments.in_words(plan) == stored["plan"]


def test_the_audit_finds_red_where_it_is():
    class Perfect:
        colorize = staticmethod(lambda rgb: rgb)

    class Gray:
        colorize = staticmethod(metrics.paint_gray)

    red = np.full((1, 8, 8, 3), (200, 20, 20), np.uint8)
    (perfect,), (gray,) = (experiments.per_photo(model, red) for model in (Perfect, Gray))
    assert perfect[0] == 0 and perfect[4:] == [64, 64]
    assert gray[0] > 0 and gray[4:] == [64, 0]
