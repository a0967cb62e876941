"""Experiments of lesson 02 at toy size: what they return, and that they survive a kill."""

import numpy as np
import pytest
from experiment_toys import same_form, survives
from lesson_code import noise

from course_utils import color, course, metrics, packing, paintbox
from experiments import lesson_02 as experiments
from experiments.runner import Run

L = experiments.L


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
    bottleneck = experiments.half_and_double(paintbox.sample(2, 64, seed=4).ab)
    small = packing.unpack(experiments.packed(bottleneck), 2, 32, 32, 2)
    assert np.abs(small.repeat(2, 1).repeat(2, 2) - bottleneck).max() <= 0.5
    assert packing.unpack(experiments.packed(np.full((1, 2, 2, 2), 127.9)), 2).max() == 127


def test_the_bottleneck_keeps_means_and_caps_psnr():
    scenes = paintbox.sample(2, 64, seed=4)
    half = experiments.half_and_double(scenes.ab)
    np.testing.assert_allclose(half.mean((1, 2)), scenes.ab.mean((1, 2)), atol=1e-3)
    assert np.array_equal(half[:, ::2, ::2], half[:, 1::2, 1::2])
    assert np.array_equal(experiments.half_and_double(half), half)
    gray = metrics.psnr(scenes.rgb, color.with_ab(scenes.L, 0 * scenes.ab))
    assert (experiments.ceiling(scenes.L, scenes.ab) > gray).all()


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


# What the report is about


@pytest.fixture
def pictures(monkeypatch):
    """Photographs of noise, smaller ones too, in place of Intel's."""
    monkeypatch.setattr(
        experiments, "of_class", lambda split, kind, size, limit=None: noise(limit or 2, size)
    )


def test_report(tmp_path, monkeypatch, pictures):
    monkeypatch.setattr(experiments, "MARKS", (1, 2))
    few = {"n": 10, "epochs": 2, "n_validation": 3, "size": 16, "thin": 16}
    result = survives(experiments.report, tmp_path, **few)
    stored = course.result("02/report")
    assert set(result) <= set(stored)
    assert all({"validation", "gain", "shown"} <= set(row) for row in result["rows"])
    shown = packing.unpack(result["rows"][-1]["shown"], len(result["shown"]), 8, 8, 2)
    assert np.isfinite(shown).all() and result["zero"] > 0
    assert [row["epoch"] for row in stored["rows"] if "shown" in row] == [25, 50, 100, 200]


@pytest.mark.stress
def test_classes(tmp_path, pictures):
    few = {"n": 10, "epochs": 6, "size": 16, "thin": 16}
    result = experiments.classes(Run(tmp_path), **few)
    stored = course.result("02/classes")
    assert set(result["psnr"]) == set(stored["psnr"]) and set(result) <= set(stored)
    assert {len(values) for values in result["psnr"].values()} == {12}
    assert result["labels"] == [k for k in range(6) for _ in range(2)]


def test_a_class_is_read_whole_for_testing(shared_data):
    few = experiments.of_class("test", "forest", 16)
    assert few.dtype == np.uint8 and few.shape == (len(few), 16, 16, 3)
    folder = shared_data / "intel" / "seg_test" / "forest"
    assert 0.8 * len(list(folder.iterdir())) < len(few) <= len(list(folder.iterdir()))


def test_zero_is_gray_and_the_truth_is_not():
    rgb = noise(2, 16)
    assert experiments.zero_psnr(rgb) == pytest.approx(
        metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb]), abs=0.05
    )
