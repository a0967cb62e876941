"""Lesson 01: its formulas against scikit-image, and what its numbers would be if wrong."""

import numpy as np
import pytest
from lesson_code import Lesson, source
from skimage.color import rgb2lab, rgb2xyz

from course_utils import color

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def lesson():
    return Lesson(source("01"))


def test_decoding_gives_the_light_of_grays(lesson):
    value = np.linspace(0, 1, 400)
    white = rgb2xyz(np.ones((1, 3)))[0, 1]
    wanted = rgb2xyz(np.repeat(value[:, None], 3, -1))[:, 1] / white
    np.testing.assert_allclose(lesson["decode_srgb"](value), wanted, atol=1e-6)
    np.testing.assert_allclose(color.encode_srgb(lesson["decode_srgb"](value)), value, atol=1e-6)


def test_lab_in_ten_lines_is_that_of_scikit_image(lesson):
    rgb = RNG.uniform(0, 1, (40, 30, 3))
    rgb[0] *= 0.01  # the straight part of both curves
    np.testing.assert_allclose(lesson["our_rgb_to_lab"](rgb), rgb2lab(rgb), atol=1e-3)


# What L explains


def by_table(lesson, L, values):
    return lesson["look_up"](lesson["table"](L, values), L)


def test_a_table_holds_the_mean_of_each_lightness(lesson):
    L = np.array([[[10.2], [9.8], [50.0], [99.6]]])
    values = np.array([[[1.0, 4.0], [3.0, 0.0], [7.0, 7.0], [5.0, 6.0]]])
    means = lesson["table"](L, values)
    assert means.shape == (101, 2)
    np.testing.assert_allclose(means[[10, 50, 100]], [[2, 2], [7, 7], [5, 6]])
    np.testing.assert_allclose(by_table(lesson, L, values)[0, :2], [[2, 2], [2, 2]])


def test_without_correlation_a_table_may_explain_all_and_a_line_nothing(lesson):
    L = np.tile(np.arange(0, 101.0), (4, 1))[..., None]  # symmetric around 50
    ab = np.concatenate([(L - 50) ** 2, np.abs(L - 50)], -1)
    assert lesson["explained"](ab, by_table(lesson, L, ab)) == pytest.approx(1, abs=1e-6)
    assert abs(lesson["explained"](ab, lesson["line"](L, ab))) < 1e-6


def test_a_line_explains_what_is_linear(lesson):
    L = RNG.uniform(0, 100, (50, 60, 1))
    ab = np.concatenate([3 - L, 0.5 * L + 2], -1)
    np.testing.assert_allclose(lesson["line"](L, ab), ab, atol=1e-6)
    assert lesson["explained"](ab, np.broadcast_to(ab.mean((0, 1)), ab.shape)) == pytest.approx(0)


# Gamut


def test_the_plane_holds_the_colors_of_its_lightness_with_b_upwards(lesson):
    plane, share = lesson["ab_plane"](70, step=5.0)
    exists = ~(plane == 1).all(-1)
    assert exists.mean() == pytest.approx(share, abs=0.01)
    lab = color.rgb_to_lab(np.float32(plane))
    np.testing.assert_allclose(lab[exists][:, 0], 70, atol=0.1)
    rows, columns = np.nonzero(exists)
    np.testing.assert_allclose(lab[exists][:, 1], -110 + 5 * columns, atol=0.2)
    np.testing.assert_allclose(lab[exists][:, 2], 110 - 5 * rows, atol=0.2)


@pytest.mark.parametrize(("L", "hue"), [(32, 306), (50, 40), (75, 136), (92, 100)])
def test_the_courses_own_border_agrees_with_the_exercise(lesson, L, hue):
    assert abs(lesson["farthest"](L, hue) - lesson["largest_chroma"](L, hue)) < 1.6


# Grays


def test_every_way_keeps_grays_but_the_one_that_shows_L(lesson):
    grays = np.repeat(np.linspace(0, 1, 20)[:, None], 3, -1)
    for way, make_gray in lesson["WAYS"].items():
        same = np.allclose(make_gray(grays), grays[:, 0], atol=2e-3)
        assert same == (way != "L* / 100"), way


def test_both_films_of_the_lesson_are_one(lesson):
    rgb, weights = RNG.uniform(0, 1, (6, 5, 3)), (3, 1, 2)
    gray = lesson["course_film"](rgb, weights)
    np.testing.assert_allclose(lesson["film"](rgb, weights), gray, atol=1e-3)
    assert gray.shape == (6, 5)


def test_luminance_keeps_L(lesson):
    rgb = RNG.uniform(0, 1, (30, 30, 3))
    gray = lesson["WAYS"]["luminance"](rgb)[..., None].repeat(3, -1)
    np.testing.assert_allclose(color.L(gray), color.L(rgb), atol=0.1)


# Scores and scales


def test_psnr_of_a_known_error(lesson):
    assert lesson["psnr"](np.zeros((4, 4, 3)), np.full((4, 4, 3), 0.1)) == pytest.approx(20)


def test_the_shortcut_costs_a_gray_photograph_too(lesson):
    gray = np.full((8, 8, 3), 128, np.uint8)
    of_gray, shortcut, right = lesson["scores"](gray)
    assert of_gray > 80 < right and 25 < shortcut < 40


def test_patches_stand_one_error_away(lesson):
    lab = color.rgb_to_lab(lesson["around_gray"](12.0))
    np.testing.assert_allclose(lab[:, 0], 60, atol=0.1)
    wanted = [[-12, 0], [0, -12], [0, 0], [12, 0], [0, 12]]
    np.testing.assert_allclose(lab[:, 1:], wanted, atol=0.2)


def test_the_two_errors_of_a_loss_agree(lesson):
    for loss, scale in ((0.012, 110), (0.004, 255)):
        assert lesson["course_error"](loss, scale) == pytest.approx(
            lesson["error_in_ab"](loss, scale)
        )
