"""Lesson 08: it hides the key of its vote, and what it concludes can fail.

What the leaderboard stores is tested in test_leaderboard.py, its experiments in
test_experiments_08.py.
"""

from copy import deepcopy
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from lesson_code import fails, other, ran, source
from PIL import Image, ImageOps

from course_utils import course, leaderboard, metrics
from tools.lessons import ROOT

SOURCE = source("08")
LANCZOS = Image.Resampling.LANCZOS


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


def with_values(board, name, **values):
    """A copy of a board where one row has other values on photographs."""
    changed = deepcopy(board)
    changed["photographs"][name] |= {k: list(v) for k, v in values.items()}
    return changed


# The vote


@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_no_stored_output_tells_whose_letter_is_whose(lesson, folder):
    notebook = nbformat.read(ROOT / folder / "08_comparison.ipynb", as_version=4)
    outputs = str([cell.get("outputs", []) for cell in notebook.cells])
    assert sorted(lesson["LETTERS"].values()) == sorted(lesson["CANDIDATES"])
    for letter, name in lesson["LETTERS"].items():
        assert f"{letter} is {name}" not in outputs


def test_the_second_s2_is_another_way(lesson):
    rgb = lesson["fitted"]("maya_beach", (48, 32))
    assert not np.array_equal(lesson["CANDIDATES"]["S2"](rgb), lesson["rebalanced"](rgb))
    assert len({np.asarray(paint(rgb)).tobytes() for paint in lesson["WAYS"].values()}) == 6


# Pairs


def test_the_courses_own_verdicts_and_bills_pass_the_checks(lesson, capsys):
    lesson["checks"].verdicts(lesson["by_bootstrap"])
    lesson["checks"].bills(lesson["course_bills"])
    lesson["checks"].lookup(lesson["course_lookup"])
    said = capsys.readouterr().out
    assert all(f"{name}: correct" in said for name in ("verdicts", "bills", "lookup"))


def test_all_tests_that_are_shown_are_corrected_together(lesson):
    tests = lesson["tests"]
    assert len(tests) == 30 and {key for key, _ in tests} == set(lesson["beats"])
    kept = metrics.holm([pair["p"] for _, pair in tests])
    np.testing.assert_array_equal(lesson["kept"], kept)


def test_the_matrix_is_of_opposites(lesson):
    for found in lesson["beats"].values():
        np.testing.assert_array_equal(found, -found.T)


# Claims can fail


def test_the_flat_color_claim_fails_where_the_flat_color_is_gray(lesson):
    board = lesson["board"]
    gray = board["photographs"]["gray"]["psnr"]
    fails(lesson, board=with_values(board, leaderboard.MEAN, psnr=gray))


def test_the_ranks_fail_where_one_is_first_everywhere(lesson):
    means = deepcopy(lesson["means"])
    means["05_quantized_classification"]["gap"] = [0.0, 0.0, 0.0]
    fails(lesson, means=means)


def test_the_sets_fail_where_nobody_beats_gray(lesson):
    gains = deepcopy(lesson["gains"])
    gains["diverse"]["S0"] = [-1.0, -1.5, -0.5]
    fails(lesson, gains=gains)


def test_the_pairs_fail_where_every_single_interval_tells(lesson):
    means = {name: row | {"psnr": [row["psnr"][0]] * 3} for name, row in lesson["means"].items()}
    fails(lesson, means=means)


def test_the_fifths_fail_where_pale_photographs_are_gained_too(lesson):
    gained = {name: [(1.0, 0.5, 1.5), *parts[1:]] for name, parts in lesson["fifths"].items()}
    fails(lesson, fifths=gained)


def test_the_customers_fail_where_they_want_the_same(lesson):
    board = lesson["board"]
    gray = board["photographs"]["gray"]["colorfulness"]
    fails(lesson, board=with_values(board, "06_pix2pix_gan", colorfulness=gray))


def test_the_three_claims_fail_where_gray_is_better_than_the_reports_network(lesson):
    boards = deepcopy(lesson["boards"])
    for board in boards.values():
        board["rows"]["gray"]["psnr"] = [25.0, 24.0, 26.0]
    fails(lesson, boards=boards)


def test_the_groups_fail_where_pretrained_features_win_nowhere(lesson):
    groups = {}
    for group, (board, here) in lesson["GROUPS"].items():
        plain = board["photographs"]["02_mse_regression"]["psnr"]
        groups[group] = with_values(board, "04_pretrained_fusion", psnr=plain), here
    fails(lesson, GROUPS=groups)


def test_every_group_says_how_many_it_has_and_where_they_are(lesson):
    for group, (board, here) in lesson["GROUPS"].items():
        kind = group.split(",")[0]
        assert here.sum() == board["kinds"].count(kind) >= 8 and f"({here.sum()})" in group


def test_numbers_above_pictures_are_those_of_the_pictures(lesson):
    """The album's board is in the order in which the lesson has the album."""
    for name in ("common_lantanas", "cruise_ship", "fruits"):
        photo, place = lesson["ALBUM"][name], list(lesson["ALBUM"]).index(name)
        side = np.asarray(ImageOps.fit(Image.fromarray(photo.rgb), (256, 256), LANCZOS))
        stored = leaderboard.values(lesson["boards"]["album"], "gray", "psnr")[place]
        assert metrics.psnr(side, metrics.paint_gray(side)) == pytest.approx(stored, abs=5e-3)


def with_gallery(lesson, *place, value):
    """The stored gallery where every system has another interval at one place."""
    gallery = deepcopy(lesson["gallery"])
    for rows in gallery["systems"].values():
        for key in place[:-1]:
            rows = rows[key]
        rows[place[-1]] = value
    return gallery


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("old", "faded", "over gray"), [-2.0, -3.0, -1.0]),
        (("old", "faded, stretched", "over gray"), [0.0, -0.5, 0.5]),
        (("old", "grain", "over gray"), [-2.0, -3.0, -1.0]),
        (("old", "sepia", "more ab"), [9.0, 8.5, 9.5]),
        (("hard", "four stops darker"), [0.9, 0.8, 1.0]),
        (("hard", "16 pixels"), [0.2, 0.1, 0.3]),
    ],
)
def test_the_gallery_fails_for_other_numbers(lesson, place, value):
    gallery = with_gallery(lesson, *place, value=value)
    if place[0] == "hard":  # its cell reads the stored result itself
        stored = course.result
        read = {"result": lambda name: gallery if name == "08/gallery" else stored(name)}
        return fails(lesson, course=other(course, **read))
    fails(lesson, gallery=gallery)


def test_the_refusals_fail_where_everything_is_let_in(lesson):
    def careless(files):
        return {file: SimpleNamespace() for file in files}, {}

    fails(lesson, leaderboard=other(leaderboard, contestants=careless))


# One plate


def test_one_gain_for_each_channel_is_all_that_balancing_does(lesson):
    rgb = lesson["fitted"]("prokudin_00889", (40, 30))
    hat = lesson["from_gray"](rgb, rgb[..., [2, 2, 2]])
    assert hat.shape == rgb.shape and hat.dtype == np.uint8
    np.testing.assert_allclose(hat.mean((0, 1)), rgb.mean((0, 1)), atol=5)


# Own models


def test_a_table_keeps_the_contract(lesson, tmp_path):
    table = np.random.default_rng(3).uniform(-60, 60, (101, 2))
    path = lesson["write_table"](tmp_path / "x.onnx", table)
    L = np.random.default_rng(4).uniform(0, 100, (2, 7, 5, 1)).astype(np.float32)
    ab = leaderboard.admit(path).ab(L)
    np.testing.assert_allclose(ab, table[np.rint(L[..., 0]).astype(int)], rtol=1e-5)
