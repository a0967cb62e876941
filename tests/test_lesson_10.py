"""Lesson 10: its clips are what they are called, and what it asserts can fail."""

import copy

import numpy as np
import pytest
from lesson_code import fails, noise, ran, source

from course_utils import color
from course_utils.video import steady


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("10"), tmp_path_factory.mktemp("lesson"))


def test_the_window_moves_two_right_and_one_down(lesson):
    frames = lesson["pan"](noise(1, 60)[0], frames=5, size=40)
    assert np.array_equal(frames[3][:-1, :-2], frames[2][1:, 2:])


def test_film_flickers_and_has_grain(lesson):
    rgb = np.full((30, 20, 20, 3), 128, np.uint8)
    L = lesson["film"](rgb)
    assert 0.02 < L.mean((1, 2, 3)).std() / color.L(rgb[0]).mean() < 0.07
    assert L[0].std() == pytest.approx(1, rel=0.2)


def test_a_moving_average_of_one_jump(lesson):
    ab = np.zeros((4, 1, 1, 2), np.float32)
    ab[1:] = 10
    assert lesson["average"](ab, 0.5)[:, 0, 0, 0].tolist() == [0, 5, 7.5, 8.75]


def test_the_first_frame_is_carried_along_the_flow(lesson):
    ab = np.arange(6, dtype=np.float32).reshape(1, 1, 6, 1).repeat(3, 0).repeat(2, -1)
    motion = np.zeros((3, 1, 6, 2), np.float32)
    motion[1:, ..., 0] = 1
    assert lesson["carried"](ab, motion)[2, 0, :, 0].tolist() == [2, 3, 4, 5, 5, 5]


def test_the_average_along_the_flow_is_the_courses_filter(lesson):
    filter = steady.Steady()
    frames = [filter(*frame) for frame in zip(lesson["L"], lesson["frames"])]
    np.testing.assert_allclose(lesson["along"](lesson["frames"]), frames, atol=1e-3)


def test_flicker_draws_bars_in_the_slice(lesson):
    """Rows of the slice differ more from each other frame by frame than along the flow."""
    bars = [
        np.abs(np.diff(lesson["slice_of"](ab)[::4].mean(1), axis=0)).mean()
        for ab in (lesson["frames"], lesson["along"](lesson["frames"]))
    ]
    assert bars[1] < 0.5 * bars[0]


def test_scratches_stay_for_one_frame(lesson):
    old = lesson["old"](np.full((3, 100, 100, 3), 90, np.uint8))[..., 0]
    marks = np.abs(old - np.median(old, (1, 2), keepdims=True)) > 20
    assert marks.any((1, 2)).all() and not (marks[0] & marks[1]).sum() > marks[0].sum() / 2


def test_gray_loses_its_claim_where_it_is_not_steady(lesson):
    fails(lesson, scores=lesson["scores"] | {"gray": (1.0, 20.0)})
    fails(lesson, scores=lesson["scores"] | {"frame by frame": (0.1, 20.0)})


def test_the_filter_fails_where_it_is_less_true_or_less_steady(lesson):
    for key, factor in (("warping", 9), ("error", 1.2)):
        stored = copy.deepcopy(lesson["stored"])
        for rows in stored["models"].values():
            for row in rows:
                if row["name"] == "moving average along the flow":
                    row[key][0] *= factor
        fails(lesson, stored=stored)


def test_the_claim_of_speed_fails_for_a_fast_table(lesson):
    fails(lesson, reported={size: (0.01, 0.03) for size in lesson["reported"]})


def test_memory_is_worth_nothing_where_its_interval_holds_zero(lesson):
    fails(lesson, worth=[1.0, -1.0, 3.0])
