"""Lesson 06, what a score is worth: redraws are what they are called, its claims can fail."""

import numpy as np
import pytest
from lesson_code import fails, noise, other, ran, source

from course_utils import color, metrics, paintbox
from experiments import lesson as exports

L = exports("06")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("06"), tmp_path_factory.mktemp("lesson"))


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


def test_the_fit_finds_what_made_a_curve(lesson):
    curve = {"N": [100, 200, 400], "real": [[0.5 + 30 / n, 0, 0] for n in (100, 200, 400)]}
    assert lesson["fitted"](curve, "real") == pytest.approx((0.5, 30))


# Claims can fail


def stored(lesson, name, **changes):
    """The stored rows with some numbers of one of them replaced."""
    rows = dict(lesson["kind_rows"])
    rows[name] = rows[name] | changes
    return rows


def test_the_redraw_claim_fails_for_a_measure_that_sees_what_is_real(lesson):
    fair = lesson["ssim"] | {"left gray": lesson["ssim"]["left gray"] - 0.2}
    fails(lesson, ssim=fair)


def test_the_exhibit_fails_for_a_measure_of_color_alone(lesson):
    """Where harmless changes are at 0.99 and the absurd ones are not."""
    fails(lesson, exhibit={name: 1 - value for name, value in lesson["exhibit"].items()})


def test_the_claim_about_L_fails_where_colors_decide(lesson):
    fails(lesson, kind_rows=stored(lesson, "one pixel right, L only", ssim=[0.95, 0.94, 0.96]))


def test_the_mark_fails_where_gray_does_not_reach_it(lesson):
    fails(lesson, kind_rows=stored(lesson, "gray", ssim=[0.9297, 0.929, 0.9304]))


def test_the_ranking_fails_for_a_fair_ssim(lesson):
    fails(lesson, ranks=lesson["ranks"] | {"SSIM": lesson["ranks"]["Fréchet"]})


def test_the_claim_about_colorizers_fails_where_ssim_likes_the_discriminator(lesson):
    fails(lesson, kind_rows=stored(lesson, "L1 + GAN", ssim=[0.96, 0.95, 0.97]))
    absurd = lesson["kind_rows"]["hues turned by 180°"]["draws"]
    fails(lesson, kind_rows=stored(lesson, "L1", draws=absurd))


def test_the_class_score_claim_fails_for_a_score_of_pairs(lesson):
    scores = lesson["class_scores"]
    fails(lesson, class_scores=scores | {"the same in another order": 1.0})
    fails(lesson, class_scores=scores | {"six of them, each 80 times": 1.5})


def test_the_claim_about_N_fails_without_a_bias(lesson):
    fails(lesson, metrics=other(metrics, inception_score=lambda p: 2.9))


def test_the_bias_claim_fails_for_a_distance_without_bias(lesson):
    def unbiased(curve, name):
        a, c = lesson["fitted"](curve, name)
        return a, 0.0

    fails(lesson, fitted=unbiased)
    fails(lesson, refuses=lambda n, width: False)
