"""Lesson 08: its audit measures what it says, and what it concludes can fail.

What the leaderboard stores is tested in test_leaderboard.py, its experiments in
test_experiments_08.py.
"""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from lesson_code import fails, noise, other, ran, source

from course_utils import color, leaderboard, metrics

SOURCE = source("08")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


def with_values(board, name, **values):
    """A copy of a board where one row has other values on photographs."""
    changed = deepcopy(board)
    changed["photographs"][name] |= {k: list(v) for k, v in values.items()}
    return changed


# The audit


def test_decibels_of_a_stated_peak(lesson):
    x, y = noise(2, 9)
    assert lesson["decibels"](x, y, 255) == pytest.approx(metrics.psnr(x, y))
    scaled = lesson["OF_PSNR"]["0…1 judged as 0…255"](x, y)
    assert scaled - metrics.psnr(x, y) == pytest.approx(20 * np.log10(255))


def test_lab_as_bytes_is_lab(lesson):
    rgb = noise(1, 9)[0]
    lab = lesson["bytes_of_lab"](rgb)
    np.testing.assert_allclose(lab[..., 0] / 2.55, color.rgb_to_lab(rgb)[..., 0], rtol=1e-5)
    np.testing.assert_allclose(lab[..., 1:] - 128, color.rgb_to_lab(rgb)[..., 1:], atol=1e-4)
    hat = metrics.paint_gray(rgb)
    both, two = (lesson["OF_PSNR"][k](rgb, hat) for k in ("in Lab, as bytes", "in a and b only"))
    assert both - two == pytest.approx(
        10 * np.log10(1.5), abs=0.05
    )  # a third channel without error


def test_the_ssims_are_what_they_are_called(lesson):
    x, y = noise(2, 24)
    assert lesson["OF_SSIM"]["RGB, windows of 7 × 7"](x, y) == pytest.approx(metrics.ssim(x, y))
    assert lesson["OF_SSIM"]["RGB, range left at 2"](x, y) > metrics.ssim(x, y)
    assert lesson["OF_SSIM"]["of L alone"](x, metrics.paint_gray(x)) > 0.99


def test_folding_loses_color_and_no_gray(lesson):
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[:, :4], rgb[:, 4:] = (200, 60, 60), (60, 200, 60)
    assert lesson["folded"](rgb) < 0.7 * metrics.colorfulness(rgb)
    one_sided = np.full((8, 8, 3), (200, 150, 60), np.uint8)
    assert lesson["folded"](one_sided) == pytest.approx(metrics.colorfulness(one_sided))


def test_the_stored_audit_is_of_the_shipped_files_and_agrees_with_the_leaderboard(lesson):
    board, table = lesson["board"], lesson["audited"]["table"]
    assert list(table) == ["gray", *board["cost"]]
    for name, found in table.items():
        for convention, key in (("PSNR in RGB", "psnr"), ("SSIM RGB, windows of 7 × 7", "ssim")):
            assert found[convention] == pytest.approx(board["rows"][name][key][0], abs=2e-3)
        assert found["colorfulness gap"] == pytest.approx(board["rows"][name]["gap"][0], abs=0.01)
        values = leaderboard.values(board, name, "psnr")
        pooled = -10 * np.log10((10 ** (-values / 10)).mean())
        assert found["PSNR pooled"] == pytest.approx(pooled, abs=2e-3)


def test_places_count_from_the_best(lesson):
    rank, numbers = lesson["places"]("PSNR in RGB")
    best = min(rank, key=rank.get)
    assert rank[best] == 1 and numbers[best] == max(numbers.values())
    rank, numbers = lesson["places"]("colorfulness gap")
    assert numbers[min(rank, key=rank.get)] == min(numbers.values())


def test_small_tables_of_a_sure_winner_and_of_twins(lesson):
    rng = np.random.default_rng(5)
    hard = rng.normal(25, 4, 300)
    sure = np.stack([hard, hard + 1], -1)
    assert lesson["other_winner"](sure, 3) == 0
    twins = np.stack([hard, hard + rng.normal(0, 1, 300)], -1)
    assert lesson["other_winner"](twins, 1) == pytest.approx(0.5, abs=0.1)


# Claims can fail


def test_the_flat_color_claim_fails_where_the_flat_color_is_gray(lesson):
    board = lesson["board"]
    gray = board["photographs"]["gray"]["psnr"]
    sabotaged = with_values(board, leaderboard.MEAN, psnr=gray)
    fails(lesson, board=sabotaged)


def test_the_flat_color_claim_fails_for_untrained_colorizers(lesson):
    board = lesson["board"]
    for name in lesson["systems"]:
        untrained = np.array(board["photographs"]["gray"]["psnr"]) - 2
        board = with_values(board, name, psnr=untrained)
    fails(lesson, board=board)


def test_the_pairs_claim_fails_where_single_intervals_tell_all(lesson):
    means = lesson["means"]
    apart = {name: row | {"psnr": [row["psnr"][0]] * 3} for name, row in means.items()}
    fails(lesson, means=apart)


def test_the_frechet_claim_fails_where_real_is_far_from_real(lesson):
    board = deepcopy(lesson["board"])
    board["frechet"]["truth"] = board["frechet"]["gray"]
    fails(lesson, board=board)


def test_the_painted_claim_fails_for_one_who_knows_that_world(lesson):
    board = deepcopy(lesson["board"])
    board["scenes"][lesson["systems"][0]]["regret"] = [0.0] * len(board["scenes"]["gray"]["regret"])
    fails(lesson, board=board)


def test_the_cost_claim_fails_where_all_files_weigh_the_same(lesson):
    board = deepcopy(lesson["board"])
    for cost in board["cost"].values():
        cost["megabytes"] = 4.0
    fails(lesson, board=board)


def test_the_fifths_fail_where_pale_photographs_are_gained_too(lesson):
    gained = {name: [(1.0, 0.5, 1.5), *parts[1:]] for name, parts in lesson["fifths"].items()}
    fails(lesson, fifths=gained)


def test_the_audit_claim_fails_where_every_convention_agrees(lesson):
    rank = lesson["places"]("PSNR in RGB")
    fails(lesson, places=lambda convention: rank)


def test_the_small_tables_fail_for_a_sure_winner(lesson):
    psnr = lesson["psnr_of_all"].copy()
    psnr[:, 0] += 20
    other_winner = {n: lesson["other_winner"](psnr, n) for n in lesson["COUNTS"]}
    fails(lesson, other=other_winner)


def test_the_customers_fail_where_they_want_the_same(lesson):
    fails(lesson, bill_of=lambda board, name: (0.1, 0.1, 0.1))


def test_the_refusals_fail_where_everything_is_let_in(lesson):
    def careless(files):
        return {file: SimpleNamespace() for file in files}, {}

    fails(lesson, leaderboard=other(leaderboard, contestants=careless))


def test_the_number_of_answers_fails_where_fewer_are_promised(lesson):
    fewer = other(lesson["study"], needed=lambda *shares, known=False: 30)
    fails(lesson, study=fewer)


def test_the_coverage_fails_where_people_are_alike(lesson):
    coverage = lesson["rooms"]["coverage"]
    alike = {crowd: coverage["all alike"] for crowd in coverage}
    fails(lesson, rooms=lesson["rooms"] | {"coverage": alike})


def test_the_worth_of_answers_fails_where_people_are_alike(lesson):
    alike = other(lesson["study"], alike=lambda rate, *spread: (0.0, 0.0))
    fails(lesson, study=alike)


def test_invented_color_fails_for_a_system_that_leaves_pages_alone(lesson):
    wise = SimpleNamespace(ab_for=lambda L: np.zeros((*L.shape[:2], 2), np.float32))
    fails(lesson, SYSTEMS={"wise": wise})


def with_gallery(lesson, *place, value):
    """The stored gallery where every system has another interval at one place."""
    gallery = deepcopy(lesson["gallery"])
    for rows in gallery["systems"].values():
        for key in place[:-1]:
            rows = rows[key]
        rows[place[-1]] = value
    return gallery


@pytest.mark.parametrize(
    ("words", "place", "value"),
    [
        ("more ab than clean", ("old", "faded", "more ab"), [0.0, -0.1, 0.1]),
        ("more ab than clean", ("old", "red-blind film", "more ab"), [5.0, 4.0, 6.0]),
        ("more ab than clean", ("old", "sepia", "more ab"), [3.0, 2.5, 3.5]),
        ("more ab than gray", ("old", "faded", "over gray"), [-2.0, -3.0, -1.0]),
        ('["bundled"][kind]["more ab"]', ("bundled", "faded", "more ab"), [0.0, -1.0, 1.0]),
        (
            "assert all(low > 0 for _, low, _, _ in less",
            ("hues", "others less red"),
            [0.0, -0.1, 0.1, 50],
        ),
        ("error removed", ("hard", "four stops darker"), [0.2, 0.1, 0.3]),
        ("error removed", ("hard", "16 pixels"), [0.2, 0.1, 0.3]),
    ],
)
def test_the_gallery_fails_for_other_numbers(lesson, words, place, value):
    fails(lesson, gallery=with_gallery(lesson, *place, value=value))


def test_the_told_claims_fail_with_another_verdict(lesson):
    claims = lesson["claims"]
    table = [row._replace(verdict=claims.HOLDS) for row in claims.rows()]
    fails(lesson, table=table)


def test_the_counts_fail_where_everything_holds(lesson):
    claims = lesson["claims"]
    table = [row._replace(verdict=claims.HOLDS) for row in claims.rows()]
    fails(lesson, table=table)


# Own models


def test_the_uploaded_model_is_drawn_or_told_why(lesson, tmp_path):
    data = (lesson["FOLDER"] / "mine.onnx").read_bytes()
    assert lesson["join"](data)[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="cannot be read as ONNX"):
        lesson["join"](data[:300])


def test_a_table_keeps_the_contract(lesson, tmp_path):
    table = np.random.default_rng(3).uniform(-60, 60, (101, 2))
    path = lesson["write_table"](tmp_path / "x.onnx", table)
    L = np.random.default_rng(4).uniform(0, 100, (2, 7, 5, 1)).astype(np.float32)
    ab = leaderboard.admit(path).ab(L)
    np.testing.assert_allclose(ab, table[np.rint(L[..., 0]).astype(int)], rtol=1e-5)
