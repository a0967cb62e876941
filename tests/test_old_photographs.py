"""Simulated old photographs: what each step does to light, and that it does no more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lesson_code import Lesson, source
from scipy.ndimage import gaussian_filter

from course_utils import color, metrics, photos
from course_utils import old_photographs as old

PHOTOS = {photo.name: photo.rgb[::3, ::3] for photo in photos.bundled()}
CHANGES = [kind for kind in old.KINDS if kind != "clean"]
RANDOM = ("grain", "scratches", "all at once")


def light(L):
    """Y of L, from XYZ of scikit-image."""
    from skimage.color import lab2xyz

    return lab2xyz(np.concatenate([L, 0 * L, 0 * L], -1))[..., 1]


def error(rgb, kind, strength, seed=1):
    """How far the scan's L is from the photograph's, on average."""
    return np.abs(old.to_L(old.scan(rgb, kind, strength, seed)) - old.to_L(rgb)).mean()


# Every kind


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    kind=st.sampled_from(list(old.KINDS)),
    strength=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_scans_are_pictures_of_the_same_size_whatever_is_given(shape, kind, strength, seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = rgb.copy()
    found = old.scan(rgb, kind, strength, seed)
    assert found.dtype == np.uint8 and found.shape == rgb.shape
    np.testing.assert_array_equal(rgb, before)
    np.testing.assert_array_equal(found, old.scan(rgb, kind, strength, seed))
    L = old.to_L(found)
    assert L.shape == (*shape, 1) and 0 <= L.min() and L.max() <= 100


@pytest.mark.parametrize("extreme", [0, 255])
@pytest.mark.parametrize("kind", list(old.KINDS))
def test_black_and_white_pictures_break_nothing(kind, extreme):
    found = old.scan(np.full((20, 30, 3), extreme, np.uint8), kind)
    assert np.isfinite(old.to_L(found)).all()


@pytest.mark.parametrize("kind", CHANGES)
def test_strength_zero_changes_nothing_but_the_last_digit_of_eight_bits(kind):
    assert (
        np.abs(old.to_L(old.scan(PHOTOS["coffee"], kind, 0)) - old.to_L(PHOTOS["coffee"])).max()
        < 0.6
    )


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", ["coffee", "china"])
def test_more_strength_does_more(kind, name):
    errors = [error(PHOTOS[name], kind, s) for s in (0, 0.25, 0.5, 0.75, 1)]
    assert (np.diff(errors) > 0).all()


@pytest.mark.parametrize("kind", CHANGES)
def test_the_seed_decides_where_something_is_random(kind):
    one, other = (old.scan(PHOTOS["coffee"], kind, seed=seed) for seed in (1, 2))
    assert (one != other).any() == (kind in RANDOM)


@pytest.mark.parametrize("kind", list(old.KINDS))
def test_scans_are_gray_but_for_sepia(kind):
    found = metrics.colorfulness(old.scan(PHOTOS["flower"], kind))
    assert found > 20 if kind in ("sepia", "all at once") else found < 0.01


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind is 'tintype'; it must be one of clean, red-blind"):
        old.scan(PHOTOS["coffee"], "tintype")


# Each step


def test_red_blind_film_is_that_of_lesson_01():
    lesson = Lesson(source("01"))
    rgb = PHOTOS["coffee"] / 255
    gray = lesson["gray_by_light"](rgb, *old.RED_BLIND)
    wanted = old.to_L(np.repeat(gray[..., None], 3, -1).clip(0, 1))
    np.testing.assert_allclose(old.red_blind(rgb), wanted, atol=0.05)
    np.testing.assert_array_equal(lesson["WAYS"]["red-blind film"](rgb), gray)


def test_red_blind_film_sees_no_red_and_keeps_grays():
    colors = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    red, green, blue, gray = old.red_blind(colors)[0, :, 0]
    assert red == 0 and green == pytest.approx(blue, abs=1e-3)
    assert gray == pytest.approx(old.to_L(colors)[0, 3, 0], abs=0.01)


def test_grain_is_noise_in_density_and_spares_white_paper():
    for L, density in ((50, 0.735), (37.842, 1)):
        flat = np.full((200, 200, 1), L, np.float32)
        found = -np.log10(light(old.grain(flat)))
        assert found.std() == pytest.approx(old.GRAIN * np.sqrt(density), rel=0.05)
        assert found.mean() == pytest.approx(density, abs=0.01)
    white = np.full((50, 50, 1), 100, np.float32)
    np.testing.assert_allclose(old.grain(white), white, atol=0.01)


def test_coarser_grain_is_smoother():
    flat = np.full((100, 100, 1), 50, np.float32)
    steps = [np.abs(np.diff(old.grain(flat, size=size), axis=0)).mean() for size in (0.5, 1, 2)]
    assert steps[0] > steps[1] > steps[2]


def test_fading_lifts_black_keeps_white_and_order():
    L = np.linspace(0, 100, 101, dtype=np.float32)[:, None, None]
    last = L
    for strength in (0.3, 0.6, 1):
        faded = old.fade(L, strength)
        assert (faded >= last - 1e-3).all() and (np.diff(faded[:, 0, 0]) >= 0).all()
        last = faded
    assert last[0] > 30 and last[-1] == 100 and last.std() < 0.6 * L.std()


def test_stretching_undoes_most_of_fading():
    L = old.to_L(PHOTOS["china"])
    faded = old.fade(L)
    undone = old.stretch(faded)
    assert undone.dtype == np.float32 and undone.min() == 0 and undone.max() == 100
    assert np.abs(undone - L).mean() < np.abs(faded - L).mean() / 2
    flat = np.full((4, 5, 1), 40, np.float32)
    np.testing.assert_array_equal(old.stretch(flat), flat)


def test_sepia_is_brown_and_its_luminance_is_nearly_the_picture():
    L = old.to_L(PHOTOS["china"])
    lab = color.rgb_to_lab(old.sepia(L))
    assert lab[..., 1].mean() > 3 and lab[..., 2].mean() > 15
    # Cream paper is a little darker than white; beyond that nothing has moved.
    assert np.abs(lab[..., :1] - L).mean() < 4
    assert np.corrcoef(lab[..., 0].ravel(), L.ravel())[0, 1] > 0.999


def test_halftone_keeps_the_light_and_is_ink_or_paper():
    for L in (15, 50, 85):
        flat = np.full((80, 80, 1), L, np.float32)
        dots = old.halftone(flat)
        assert light(dots).mean() == pytest.approx(light(flat).mean(), abs=0.015)
    fine = old.halftone(np.full((64, 64, 1), 50, np.float32), cell=32)
    assert ((fine < 1) | (fine > 99)).mean() > 0.85
    y = light(old.to_L(PHOTOS["china"]))
    dots = light(old.halftone(old.to_L(PHOTOS["china"])))
    away = gaussian_filter(dots, 4) - gaussian_filter(y, 4)
    assert np.abs(away).mean() < 0.02 < 0.15 < np.abs(dots - y).mean()


def test_larger_cells_hide_more():
    L = old.to_L(PHOTOS["china"])
    away = [
        np.abs(gaussian_filter(light(old.halftone(L, cell=cell)) - light(L), 1.5)).mean()
        for cell in (3, 6, 12)
    ]
    assert away[0] < away[1] < away[2]


def test_more_scratches_come_to_those_that_are_there():
    L = np.full((200, 300, 1), 50, np.float32)
    few, many = (old.scratches(L, strength) != L for strength in (0.4, 1))
    assert few.any() and (many | ~few).all() and many.sum() > 1.5 * few.sum()
    assert set(np.unique(old.scratches(L))) <= {10, 50, 95}
    assert many.mean() < 0.1


def test_darken_takes_light_by_stops():
    rgb = PHOTOS["china"]
    before, after = (light(old.to_L(x)) for x in (rgb, old.darken(rgb, 2)))
    np.testing.assert_allclose(after, before / 4, atol=1e-3)
