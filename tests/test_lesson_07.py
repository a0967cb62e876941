"""Lesson 07: redraws and changes are what they are called, and what it asserts can fail."""

import numpy as np
import pytest
import torch
from lesson_code import fails, noise, ran, source

from course_utils import color, metrics, paintbox
from experiments import lesson as exports

L = exports("07")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("07"), tmp_path_factory.mktemp("lesson"))


# What the redraws and changes are


def test_redraws_are_what_they_are_called():
    kinds = L.redrawn(6, 64)
    truth = kinds["truth"]
    for name, rgb in kinds.items():
        assert np.abs(color.L(rgb) - color.L(truth)).max() < 0.01, name
    change = {name: np.abs(color.ab(rgb) - color.ab(truth)) for name, rgb in kinds.items()}
    assert 2 < change["noise drawn anew"].max() < 5  # the noise spans ±2 and ±2.4
    assert change["colors drawn anew"].max() > 20 and (change["colors drawn anew"] < 0.01).any()
    drawn = change["left gray"].max(-1) > 0.01
    assert 0 < drawn.mean() < 0.2
    assert (change["colors drawn anew"].max(-1)[~drawn] < 0.05).all()


def test_a_redraw_is_a_sample_of_the_process():
    """Frequencies of the balloon's colors are those of the palette."""
    scenes = paintbox.sample(300, 32, seed=2)
    share, *centers = np.array(paintbox.palette("balloon")).T
    found = []
    for regions, picture in zip(scenes.regions, color.ab(L.redrawn(300, 32)["colors drawn anew"])):
        pixels = picture[regions == paintbox.NAMES.index("balloon")]
        if len(pixels):
            away = np.square(pixels[:1, None] - np.transpose(centers)).sum(-1)
            found.append(away.argmin())
    np.testing.assert_allclose(np.bincount(found, minlength=4) / len(found), share, atol=0.09)


def test_changes_do_what_they_say():
    rgb = noise(1, 40)[0] // 8 + 112  # nothing leaves the gamut
    ab, turned = color.ab(rgb), color.ab(L.hues_turned(90)(rgb))
    np.testing.assert_allclose(turned, np.stack([-ab[..., 1], ab[..., 0]], -1), atol=3)
    moved = L.one_right(rgb)
    assert (moved[:, 1:] == rgb[:, :-1]).all() and moved.shape == rgb.shape


# What the lesson counts


def test_the_parts_of_windows_multiply_to_ssim(lesson):
    """Of a picture and a darker, noisier one; scikit-image with the variances of the lesson."""
    from skimage.metrics import structural_similarity

    rgb = noise(1, 30)[0]
    hat = np.uint8(0.6 * rgb + noise(1, 30, seed=7)[0] / 4)
    for parts in (lesson["window_parts"], lesson["parts_of_the_course"]):
        maps = lesson["window_maps"](parts, rgb, hat)
        assert maps.shape == (24, 24, 4)
        options = {"win_size": 7, "data_range": 255, "use_sample_covariance": False}
        wanted = structural_similarity(rgb, hat, channel_axis=-1, **options)
        assert maps[..., 3].mean() == pytest.approx(wanted, abs=1e-6)


def test_the_course_and_the_solutions_agree(lesson):
    rng = np.random.default_rng(0)
    p = torch.from_numpy(rng.dirichlet(np.ones(6), 9))
    wanted = metrics.inception_score(p.numpy())
    assert float(lesson["class_score"](p)) == pytest.approx(wanted, rel=1e-9)
    assert float(lesson["course_score"](p)) == pytest.approx(wanted, rel=1e-9)
    first, second = rng.normal(size=(2, 30))
    draws = rng.integers(0, 30, (200, 30))
    both = [lesson[name](first, second, draws) for name in ("paired", "course_paired")]
    np.testing.assert_allclose(*both, atol=1e-12)
    x = torch.from_numpy(rng.normal(size=(2, 3)))
    climbed = [lesson[n](lambda y: -(y - 1).pow(4).sum(), x, 5, 0.3, 0.9) for n in CLIMBS]
    torch.testing.assert_close(*climbed)
    assert not climbed[0].requires_grad


CLIMBS = "climb", "course_climb"


def test_tinting_keeps_the_luminance(lesson):
    torch.manual_seed(0)
    rgb = lesson["tinted"](0.02 * torch.randn(1, 2, 4, 6))
    light = (rgb * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1)
    inside = (rgb > 0).all(1) & (rgb < 1).all(1)
    gray = lesson["gray_t"][:, 0]
    assert inside.float().mean() > 0.5
    assert (light - gray)[inside].abs().max() < 1e-5


def test_a_wrong_order_is_rarer_in_larger_tables(lesson):
    wrong = [lesson["wrong_order"]("S4", "S0", n) for n in (1, 10, 100)]
    assert wrong[0] > wrong[1] >= wrong[2]


# Claims can fail


def stored(lesson, name, **changes):
    """The rows of changed photographs with some numbers of one of them replaced."""
    rows = dict(lesson["rows"])
    rows[name] = rows[name] | changes
    return rows


def test_the_redraw_claim_fails_for_a_score_that_sees_what_is_real(lesson):
    fails(lesson, ssim=lesson["ssim"] | {"left gray": lesson["ssim"]["left gray"] - 0.2})


def test_the_claim_about_psnr_fails_where_the_mean_does_not_pay(lesson):
    fails(lesson, decibels=lesson["decibels"] | {"left gray": lesson["decibels"]["left gray"] - 9})


def test_the_exhibit_fails_for_a_score_of_color_alone(lesson):
    exhibit = {what: (x, y, 1 - value) for what, (x, y, value) in lesson["exhibit"].items()}
    fails(lesson, exhibit=exhibit)


def test_the_maps_fail_for_another_window(lesson):
    fails(lesson, maps={what: found * 0.9 for what, found in lesson["maps"].items()})


def test_the_mark_fails_where_gray_does_not_reach_it(lesson):
    fails(lesson, of=lesson["of"] | {"gray": lesson["of"]["gray"] - 0.2})


def test_the_ranking_fails_for_a_fair_ssim(lesson):
    fails(lesson, ranks=lesson["ranks"] | {"SSIM": lesson["ranks"]["Fréchet"]})
    fails(lesson, ranks=lesson["ranks"] | {"Fréchet": lesson["ranks"]["SSIM"]})


def test_the_class_score_claim_fails_for_a_score_of_pairs(lesson):
    fails(lesson, rows=stored(lesson, "pairs exchanged", class_score=1.0))
    fails(lesson, scoring=lambda p: p.max(1).values.mean())


def test_the_bias_claim_fails_without_a_bias(lesson):
    curves = {
        name: curve | {"real": [[0.0, 0.0, 0.0] for _ in curve["N"]]}
        for name, curve in lesson["curves"].items()
    }
    fails(lesson, curves=curves)


def test_the_paired_interval_fails_where_pairing_buys_nothing(lesson):
    mean, low, high = lesson["together"]
    fails(lesson, together=(mean, mean - 2, mean + 2))


def test_small_tables_fail_where_they_do_not_lie(lesson):
    fails(lesson, wrong={pair: [0.0] * 4 for pair in lesson["wrong"]})
    fails(lesson, wrong={pair: values[::-1] for pair, values in lesson["wrong"].items()})


def test_conventions_fail_where_the_order_never_changes(lesson):
    fails(lesson, order=lambda how: ["S4", "gray"])
