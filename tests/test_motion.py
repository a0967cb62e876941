"""Painted clips: what moves takes its L and ab with it, and memory is worth what the cues are."""

import numpy as np
import pytest

from course_utils import color, paintbox
from course_utils.paintbox import scenes

SEEDS = range(6)


@pytest.fixture(scope="module", params=SEEDS)
def panned(request):
    return paintbox.clip(9, 64, request.param, width=40)


def behind(clip, t):
    """(rows, columns) of frame t - 1 where the flow leads from each pixel of frame t; whether in"""
    rows, columns = np.indices(clip.parts.shape[1:])
    x, y = (clip.flow[t].astype(int) + np.stack([columns, rows], -1)).transpose(2, 0, 1)
    return y, x, (0 <= y) & (y < rows.shape[0]) & (0 <= x) & (x < rows.shape[1])


def test_shapes_and_types():
    clip = paintbox.clip(5, 64, 1, width=48)
    assert len(clip) == 5 and clip.L.shape == (5, 64, 48, 1) and clip.ab.shape == (5, 64, 48, 2)
    assert clip.flow.shape == (5, 64, 48, 2) and clip.fresh.shape == (5, 64, 48)
    assert {clip.L.dtype, clip.ab.dtype, clip.flow.dtype} == {np.dtype("float32")}
    assert clip.seen.shape == (5, 2) and clip.rgb.shape == (5, 64, 48, 3)


def test_the_same_seed_gives_the_same_clip():
    once, twice, other = (paintbox.clip(9, 64, seed, width=40) for seed in (3, 3, 4))
    assert all(np.array_equal(getattr(once, k), getattr(twice, k)) for k in ("L", "ab", "flow"))
    assert not np.array_equal(once.L, other.L)


def test_the_flow_leads_to_the_same_pixel_bit_for_bit(panned):
    for t in range(1, len(panned)):
        y, x, inside = behind(panned, t)
        stays = ~panned.fresh[t]
        assert inside[stays].all()
        for name in ("L", "ab", "parts"):
            values = getattr(panned, name)
            assert np.array_equal(values[t][stays], values[t - 1][y[stays], x[stays]])


def test_what_is_fresh_was_hidden_or_out_of_view(panned):
    """A wrong mask would call a pixel fresh that the frame before shows where the flow leads."""
    assert panned.fresh[0].all()
    for t in range(1, len(panned)):
        y, x, inside = behind(panned, t)
        hidden = panned.fresh[t] & inside
        part, before = panned.parts[t][hidden], panned.parts[t - 1][y[hidden], x[hidden]]
        assert (part != before).all()  # something else stood there
        assert 0 < panned.fresh[t].mean() < 0.2


def test_something_moves_in_front_of_a_still_camera():
    moved = [paintbox.clip(6, 64, seed).flow for seed in SEEDS]
    assert sum(np.abs(flow).max() > 0 for flow in moved) >= len(SEEDS) - 1
    assert all((flow == np.round(flow)).all() for flow in moved)


def test_each_object_keeps_its_color(panned):
    for part in np.unique(panned.parts):
        here = panned.parts == part
        middle = panned.ab[here].mean(0)
        assert (np.abs(panned.ab[here] - middle) <= [2.01 * 2, 2.41 * 2]).all()


def test_colors_and_lightness_come_from_the_process(panned):
    assert color.in_gamut(color.join(panned.L, panned.ab), 1e-3).all()
    for region in np.unique(panned.regions):
        name = paintbox.NAMES[region]
        colors = np.array(paintbox.palette(name, panned.time, panned.season), float)[:, 1:]
        ab = panned.ab[panned.regions == region]
        nearest = np.abs(ab[:, None] - colors).max(-1).min(1)
        assert nearest.max() <= 2.401
        low, high = scenes.TONES[paintbox.REGIONS[name].tone]
        L = panned.L[panned.regions == region]
        assert low - 1e-3 <= L.min() and L.max() <= high + 1e-3


def test_a_pan_is_a_crop_of_the_scene():
    whole, part = paintbox.clip(3, 64, 2), paintbox.clip(3, 64, 2, width=20)
    starts = [0, 22, 44]
    mirrored = not np.array_equal(part.L[0], whole.L[0][:, :20])
    for t, x in enumerate(reversed(starts) if mirrored else starts):
        assert np.array_equal(part.L[t], whole.L[t][:, x : x + 20])


def test_the_pan_begins_with_the_cues_and_loses_them(panned):
    assert panned.seen[0].all() and not panned.seen[-1, 0] and not panned.seen[-1, 1]
    assert (np.diff(panned.seen.astype(int), axis=0) <= 0).all()


def test_memory_is_worth_what_left_the_view(panned):
    floors = panned.memory_floors()
    gain = floors["frame"] - floors["memory"]
    assert (gain >= 0).all()
    assert (gain[panned.seen.all(1)] == 0).all()
    still = paintbox.clip(3, 64, 1).memory_floors()
    assert np.array_equal(still["frame"], still["memory"])


def test_the_floors_are_those_of_scenes_where_all_cues_are_known():
    clip = paintbox.clip(1, 64, 5)
    cues = [[list(paintbox.CUES[k]).index(v)] for k, v in
            (("time", clip.time), ("season", clip.season))]  # fmt: skip
    drawn = paintbox.Scenes(clip.L, clip.ab, clip.parts, *map(np.array, cues), np.array([False]))
    floor = paintbox.floors(drawn)["mse"]
    assert clip.memory_floors()["memory"][0] == pytest.approx(floor, rel=1e-5)
    assert clip.expected_ab() == pytest.approx(drawn.expected_ab(), abs=1e-4)


def test_simulation_confirms_both_floors_at_the_end_of_a_pan():
    """Mean squared error over 200 clips, beside the mean of their floors, in standard errors."""
    errors, floors = [], []
    for seed in range(200):
        clip = paintbox.clip(2, 32, seed, width=12)
        guesses = (clip.expected_ab(memory) for memory in (False, True))
        errors.append([((clip.ab[-1] - guess[-1]) ** 2).mean() for guess in guesses])
        floors.append([clip.memory_floors()[name][-1] for name in ("frame", "memory")])
    apart = np.subtract(errors, floors)
    assert (np.abs(apart.mean(0)) < 3 * apart.std(0) / np.sqrt(len(apart))).all()
    assert np.mean(floors, 0)[0] > 1.5 * np.mean(floors, 0)[1]


def test_a_forgetful_guess_is_worse_where_the_cue_is_gone():
    worse = []
    for seed in range(40):
        clip = paintbox.clip(2, 64, seed, width=24)
        forgot, knows = (clip.expected_ab(memory)[-1] for memory in (False, True))
        worse.append(((clip.ab[-1] - forgot) ** 2).mean() - ((clip.ab[-1] - knows) ** 2).mean())
    assert np.mean(worse) > 3 * np.std(worse) / np.sqrt(len(worse))


@pytest.mark.parametrize("time", ["noon", "dusk"])
def test_a_cue_is_forced_and_touches_L_in_its_box_alone(time):
    clip, free = paintbox.clip(3, 64, 8, time=time), paintbox.clip(3, 64, 8)
    assert clip.time == time
    other = (clip.L != free.L).any((0, 3))
    x0, x1, y0, y1 = (round(64 * edge) for edge in paintbox.CUE_BOXES["time"])
    inside = np.zeros((64, 64), bool)
    inside[y0 : y1 + 1, x0 : x1 + 1] = inside[y0 : y1 + 1, 63 - x1 : 64 - x0] = True
    assert not (other & ~inside).any()


@pytest.mark.parametrize(
    "arguments", [{"frames": 0}, {"size": 31}, {"width": 65}, {"width": 0}, {"time": "night"}]
)
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match=str(next(iter(arguments.values())))):
        paintbox.clip(**({"frames": 3, "size": 64} | arguments))
