"""The laboratory world: its rules, its exact answers, and what can be read off L."""

import itertools
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.bins import ab_bins
from course_utils.color import in_gamut, join, lab_to_rgb, rgb_to_lab
from course_utils.paintbox import floors, ladder, regret, regret_kl, sample, support
from course_utils.paintbox.scenes import (
    CUE_BOXES,
    CUES,
    L_NOISE,
    MIN_AREA,
    NAMES,
    REGIONS,
    TONES,
    palette,
)

SIZES = (32, 64, 128, 256)
SCENES = {32: 200, 64: 100, 128: 40, 256: 12}
CUE_VALUES = list(itertools.product(CUES["time"], CUES["season"]))
AMBIGUOUS = ("balloon", "field", "roof", "sail")
NO_BINS = np.zeros((5, 2))  # where a test asks for no cross-entropy
DEPENDENT = {"cloud": "time", "lake": "time", "grove": "season"}


@pytest.fixture(scope="module")
def drawn():
    return {size: sample(SCENES[size], size, seed=7) for size in SIZES}


@pytest.fixture(scope="module")
def bins():
    """The 313 bins: hull of the cube's edges in ab, a square of +-10 added, grid points inside."""
    from scipy.spatial import ConvexHull

    t = np.linspace(0, 1, 257)
    edges = [
        np.insert(np.tile([[x, y]], (257, 1)).astype(float), axis, t, 1)
        for axis in range(3)
        for x in (0, 1)
        for y in (0, 1)
    ]
    ab = rgb_to_lab(np.concatenate(edges))[:, 1:].astype(float)
    square = np.array([(x, y) for x in (-10, 10) for y in (-10, 10)])
    hull = ConvexHull((ab[ConvexHull(ab).vertices][:, None] + square).reshape(-1, 2))
    grid = np.array(list(itertools.product(range(-110, 111, 10), repeat=2)))
    inside = (grid @ hull.equations[:, :2].T + hull.equations[:, 2] <= 1e-9).all(1)
    assert inside.sum() == 313
    return grid[inside]


def supports(region):
    return [support(region, time, season) for time, season in CUE_VALUES]


def interval(values):
    """Mean and four standard errors of independent draws."""
    return values.mean(), 4 * values.std(ddof=1) / np.sqrt(len(values))


# The rules of the process.


@pytest.mark.parametrize("region", NAMES)
def test_every_color_of_a_region_is_in_srgb_at_every_L_of_its_tone(region):
    low, high = TONES[REGIONS[region].tone]
    for _, ab in supports(region):
        L = np.linspace(low, high, 19)
        lab = np.concatenate([np.insert(ab, 0, value, 1) for value in L]).astype(np.float32)
        assert in_gamut(lab, tol=0).all()


@pytest.mark.parametrize("size", SIZES)
def test_L_stays_in_the_tone_of_its_region(drawn, size):
    scenes = drawn[size]
    low, high = np.array([TONES[REGIONS[name].tone] for name in NAMES])[scenes.regions].T
    L = scenes.L[..., 0].T
    assert (L >= low - 1e-4).all() and (L <= high + 1e-4).all()
    # Every tone wears several very different colors, or a lookup by L would win.
    for tone in TONES:
        colors = [np.array(palette(r, "noon", "summer"))[:, 1:] for r in NAMES]
        colors = np.concatenate([c for c, r in zip(colors, NAMES, strict=True)
                                 if REGIONS[r].tone == tone])  # fmt: skip
        assert np.linalg.norm(colors[:, None] - colors, axis=-1).max() >= 40


def test_noise_of_L_has_a_standard_deviation_of_at_least_one_and_no_memory():
    assert L_NOISE / np.sqrt(3) >= 1
    scenes = sample(60, 64, seed=3)
    sun = scenes.regions == NAMES.index("sun")  # offset and noise, no texture
    for L, mask in zip(scenes.L[..., 0], sun, strict=True):
        assert 0.75 < L[mask].std() < 1.25
    pairs = sun[:, :, 1:] & sun[:, :, :-1]
    inner = scenes.L[..., 0] - np.array(
        [L[m].mean() for L, m in zip(scenes.L[..., 0], sun, strict=True)]
    ).reshape(-1, 1, 1)
    left, right = inner[:, :, :-1][pairs], inner[:, :, 1:][pairs]
    assert abs(np.corrcoef(left, right)[0, 1]) < 5 / np.sqrt(len(left))


def test_a_color_and_its_noise_stay_in_one_cell_of_the_313_bins(bins):
    for region in NAMES:
        for (time, season), (p, ab) in zip(CUE_VALUES, supports(region), strict=True):
            assert np.isclose(p.sum(), 1)
            colors = np.array(palette(region, time, season))[:, 1:]
            nearest = bins[((ab[:, None] - bins) ** 2).sum(-1).argmin(1)]
            assert (nearest == np.repeat(colors, 25, 0)).all()


def test_ambiguous_palettes_leave_the_absolute_error_no_color_of_theirs():
    assert {name for name in NAMES if len(palette(name, "noon", "summer")) > 1} == set(AMBIGUOUS)
    for region in AMBIGUOUS:
        p, colors = np.split(np.array(REGIONS[region].palette), [1], axis=1)
        p = p.ravel()
        assert len(p) >= 3 and len(set(p)) == len(p) and np.isclose(p.sum(), 1)
        assert (p < 0.5).all()
        subsets = [sum(c) for r in range(1, len(p)) for c in itertools.combinations(p, r)]
        assert min(abs(np.array(subsets) - 0.5)) > 0.01
        # Its noise must not make the median a matter of rounding either.
        weights, ab = support(region)
        for channel in ab.T:
            reached = np.cumsum(weights[channel.argsort()])
            values = np.sort(channel)
            steps = np.append(np.diff(values) > 1e-9, True)
            assert min(abs(reached[steps] - 0.5)) > 0.005
        median = np.array([np.sort(c)[np.cumsum(weights[c.argsort()]) > 0.5][0] for c in ab.T])
        assert np.linalg.norm(colors - median, axis=1).min() >= 20
        # The mean is nobody's color either.
        assert np.linalg.norm(colors - p @ colors, axis=1).min() >= 20


def test_rare_saturated_colors_exist(drawn):
    """Colors of 6 percent in palettes, and a kite in a tenth of the scenes."""
    rare = [
        (p, np.hypot(a, b))
        for region in AMBIGUOUS
        for p, a, b in REGIONS[region].palette
        if p <= 0.06
    ]
    assert len(rare) >= 2 and min(chroma for _, chroma in rare) >= 60
    kite = (drawn[32].regions == NAMES.index("kite")).any((1, 2))
    assert 0 < kite.mean() < 0.1 + 4 * np.sqrt(0.09 / len(kite))


@pytest.mark.parametrize("size", SIZES)
def test_every_region_shows_its_least_area_and_equal_tones_never_touch(drawn, size):
    regions = drawn[size].regions
    tones = np.array([list(TONES).index(REGIONS[name].tone) for name in NAMES])
    share = (regions[..., None] == np.arange(len(NAMES))).mean((1, 2))
    assert share[share > 0].min() >= MIN_AREA
    if size == 32:  # the many scenes: every region appears
        assert (share > 0).any(0).all()
    for one, other in (
        (regions[:, 1:], regions[:, :-1]),
        (regions[:, :, 1:], regions[:, :, :-1]),
    ):
        assert not ((tones[one] == tones[other]) & (one != other)).any()


@pytest.mark.parametrize("size", SIZES)
def test_cues_are_far_from_what_depends_on_them_and_visible(drawn, size):
    scenes = drawn[size]
    for region, cue in DEPENDENT.items():
        x0, x1, y0, y1 = CUE_BOXES[cue]
        y, x = (np.arange(size) + 0.5)[:, None], np.arange(size) + 0.5
        for part, mirrored in zip(scenes.regions, scenes.mirrored, strict=True):
            box = (1 - x1, 1 - x0) if mirrored else (x0, x1)
            dx = np.maximum(box[0] * size - x, x - box[1] * size)
            dy = np.maximum(y0 * size - y, y - y1 * size)
            distance = np.maximum(dx, dy)[part == NAMES.index(region)]
            assert distance.min(initial=np.inf) >= 60 * size / 128
    at = [np.nonzero(part == NAMES.index("sun")) for part in scenes.regions]
    assert min(min(np.ptp(y), np.ptp(x)) + 1 for y, x in at) >= 3
    tree = np.isin(scenes.regions, [NAMES.index("leafy tree"), NAMES.index("bare tree")])
    at = [np.nonzero(mask) for mask in tree]
    assert min(min(np.ptp(y), np.ptp(x)) + 1 for y, x in at) >= 3


def test_only_the_stated_regions_depend_on_a_cue_and_priors_are_as_stated():
    for name in NAMES:
        depends = len({str(palette(name, *cues)) for cues in CUE_VALUES}) > 1
        assert depends == (name in DEPENDENT)
    scenes = sample(2000, 32, seed=11)
    for values, prior in ((scenes.time, CUES["time"]), (scenes.season, CUES["season"])):
        first = list(prior.values())[0]
        assert abs((values == 0).mean() - first) < 4 * np.sqrt(first * (1 - first) / 2000)
    assert abs(scenes.mirrored.mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)


def test_another_draw_leaves_L_bit_for_bit_and_changes_color():
    for size in SIZES:
        one, two = sample(6, size, seed=5), sample(6, size, seed=5, draw=1)
        assert one.L.tobytes() == two.L.tobytes()
        assert (one.regions == two.regions).all()
        assert not np.array_equal(one.ab, two.ab)


@pytest.mark.parametrize("cue", CUES)
def test_a_flipped_cue_changes_L_within_its_box_only(cue):
    x0, x1, y0, y1 = CUE_BOXES[cue]
    for size in SIZES:
        one, two = (sample(12, size, seed=5, **{cue: value}) for value in CUES[cue])
        center = (np.arange(size) + 0.5) / size
        for a, b, mirrored in zip(one.L, two.L, one.mirrored, strict=True):
            x = 1 - center if mirrored else center
            box = ((center > y0) & (center < y1))[:, None] & ((x > x0) & (x < x1))
            assert a[~box].tobytes() == b[~box].tobytes()
            assert not np.array_equal(a[box], b[box])
        other = "season" if cue == "time" else "time"
        assert (getattr(one, other) == getattr(two, other)).all()


def test_a_scene_is_the_same_in_every_batch_and_at_every_size():
    many, few = sample(9, 64, seed=2), sample(4, 64, seed=2)
    for name in ("L", "ab", "parts", "time", "season", "mirrored"):
        assert np.array_equal(getattr(many, name)[:4], getattr(few, name))
    assert not np.array_equal(many.L[0], many.L[1])
    assert not np.array_equal(sample(1, 64, seed=3).L, few.L[:1])
    large = sample(9, 128, seed=2)
    # Pixel centers of 64 lie on corners of 128: the four neighbors hold the same region nearly.
    agree = large.regions.reshape(9, 64, 2, 64, 2) == many.regions[:, :, None, :, None]
    assert agree.mean() > 0.96
    one, two = (np.round(s.ab.astype(float), -1) for s in (many, large))  # palette, no noise
    same = (two.reshape(9, 64, 2, 64, 2, 2) == one[:, :, None, :, None]).all(-1)
    assert same.mean() > 0.96


def test_arrays_are_float32_and_rgb_returns_the_truth_in_float_but_not_in_8_bits():
    scenes = sample(8, 64, seed=4)
    assert scenes.L.shape == (8, 64, 64, 1) and scenes.ab.shape == (8, 64, 64, 2)
    assert {a.dtype for a in (scenes.L, scenes.ab, scenes.rgb)} == {np.dtype(np.float32)}
    assert lab_to_rgb(join(scenes.L, scenes.ab), clip=False).min() >= 0
    assert lab_to_rgb(join(scenes.L, scenes.ab), clip=False).max() <= 1
    truth = join(scenes.L, scenes.ab)
    np.testing.assert_allclose(rgb_to_lab(scenes.rgb), truth, atol=2e-3)
    repainted = sample(8, 64, seed=4, draw=1)
    bytes_of = [np.round(s.rgb * 255).astype(np.uint8) for s in (scenes, repainted)]
    L = [rgb_to_lab(b)[..., 0] for b in bytes_of]
    # The rounding depends on the color: L from 8 bits differs between draws of one picture.
    moved = np.abs(scenes.ab - repainted.ab).max(-1) > 5
    assert np.abs(L[0] - L[1])[moved].mean() > 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample(1, 16), "size is 16"),
        (lambda: sample(1, 64.5), "size is 64.5"),
        (lambda: sample(1, 64, time="night"), "time is 'night': give 'noon' or 'dusk'"),
        (lambda: sample(1, 32).expected_ab("near"), "context is 'near'"),
        (lambda: sample(1, 32).distribution(np.zeros((9, 2)), pool=5), "pool is 5"),
    ],
)
def test_bad_input_is_named_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# What is exact.


def by_hand(region, time, season):
    """Mean, median, variance and mean deviation of ab from a million draws' worth of atoms."""
    atoms = [
        (p / 25, a + da, b + db)
        for p, a, b in palette(region, time, season)
        for da in (-2, -1, 0, 1, 2)
        for db in (-2.4, -1.2, 0, 1.2, 2.4)
    ]
    p, a, b = np.array(atoms).T
    counts = np.round(p * 2500).astype(int)
    assert np.allclose(counts, p * 2500)
    ab = np.stack([np.repeat(a, counts), np.repeat(b, counts)], -1)
    return ab.mean(0), np.median(ab, 0), ab.var(0).sum(), np.abs(ab - np.median(ab, 0)).mean()


def test_mean_median_and_variance_are_those_of_the_listed_atoms():
    scenes = sample(40, 32, seed=8)
    mean, median = scenes.expected_ab(), scenes.median_ab()
    variance, l1 = scenes.variance(), floors(scenes, bins=NO_BINS)["l1"]
    total = 0.0
    for i in range(len(scenes)):
        time, season = (list(CUES[c])[getattr(scenes, c)[i]] for c in ("time", "season"))
        for r in np.unique(scenes.regions[i]):
            mask = scenes.regions[i] == r
            m, med, var, dev = by_hand(NAMES[r], time, season)
            np.testing.assert_allclose(mean[i][mask], np.tile(m, (mask.sum(), 1)), atol=1e-4)
            np.testing.assert_allclose(median[i][mask], np.tile(med, (mask.sum(), 1)), atol=1e-4)
            np.testing.assert_allclose(variance[i][mask], var, rtol=1e-5)
            total += dev * mask.sum()
    assert np.isclose(l1, total / scenes.regions.size, rtol=1e-5)


def test_local_context_mixes_cues_by_their_prior():
    scenes = sample(6, 32, seed=8)
    lake = scenes.regions == NAMES.index("lake")
    noon, dusk = (np.array(palette("lake", t)[0][1:]) for t in CUES["time"])
    np.testing.assert_allclose(
        scenes.expected_ab("local")[lake], [0.6 * noon + 0.4 * dusk] * lake.sum(), atol=1e-4
    )
    # The law of total variance, with the prior between the cues.
    spread = 0.6 * 0.4 * ((noon - dusk) ** 2).sum()
    extra = (scenes.variance("local") - scenes.variance())[lake]
    np.testing.assert_allclose(extra, spread, rtol=1e-4)
    rest = ~np.isin(scenes.regions, [NAMES.index(n) for n in DEPENDENT])
    assert np.array_equal(scenes.expected_ab("local")[rest], scenes.expected_ab()[rest])
    assert np.array_equal(scenes.median_ab("local")[rest], scenes.median_ab()[rest])


def soft_code(ab, bins, k=5, sigma=5.0):
    """Zhang et al. 2016 with a k-d tree, independent of the package's code."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(bins).query(ab, k)
    weight = np.exp(-(distance**2) / (2 * sigma**2))
    return index, weight / weight.sum(-1, keepdims=True)


def test_no_atom_is_equally_far_from_its_fifth_and_sixth_bin(bins):
    """Else the soft code would depend on who breaks the tie, and no floor would be exact."""
    from scipy.spatial import cKDTree

    for region in NAMES:
        for _, ab in supports(region):
            distance, _ = cKDTree(bins).query(ab, 6)
            assert (distance[:, 5] - distance[:, 4]).min() > 0.01


def test_distribution_is_the_code_averaged_over_palette_and_noise(bins):
    scenes = sample(4, 32, seed=8)
    p = scenes.distribution(bins)
    assert p.shape == (4, 32, 32, 313) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-5)
    for i, j in itertools.product(range(4), (1, 12, 17, 20, 28)):
        cues = list(CUES["time"])[scenes.time[i]], list(CUES["season"])[scenes.season[i]]
        weights, ab = support(NAMES[scenes.regions[i, j, 16]], *cues)
        index, weight = soft_code(ab, bins)
        expected = np.zeros(313)
        np.add.at(expected, index, weights[:, None] * weight)
        np.testing.assert_allclose(p[i, j, 16], expected, atol=1e-6)
    pooled = scenes.distribution(bins, pool=4)
    blocks = p.reshape(4, 8, 4, 8, 4, 313).mean((2, 4))
    np.testing.assert_allclose(pooled, blocks, atol=1e-6)
    mixed = 0.6 * sample(4, 32, seed=8, time="noon").distribution(bins)
    mixed += 0.4 * sample(4, 32, seed=8, time="dusk").distribution(bins)
    lake = scenes.regions == NAMES.index("lake")
    np.testing.assert_allclose(scenes.distribution(bins, "local")[lake], mixed[lake], atol=1e-6)


def test_without_bins_the_floors_take_the_313(bins):
    scenes = sample(2, 32, seed=8)
    assert np.array_equal(ab_bins(), bins)
    assert floors(scenes) == floors(scenes, bins=bins)


# Simulation: the same layouts painted again and again, so that only luck differs between draws.

N_LAYOUTS, N_DRAWS = 50, 24
PRIOR = [CUES["time"][t] * CUES["season"][s] for t, s in CUE_VALUES]


@pytest.fixture(scope="module")
def repaints():
    """For each pair of cues, scenes of one layout in N_DRAWS draws."""
    return [
        [sample(N_LAYOUTS, 32, 21, draw=d, time=t, season=s) for d in range(N_DRAWS)]
        for t, s in CUE_VALUES
    ]


def swapped(scenes):
    return replace(scenes, time=1 - scenes.time, season=1 - scenes.season)


def cut(scenes, n):
    return replace(scenes, **{f.name: getattr(scenes, f.name)[:n] for f in fields(scenes)})


def simulate(repaints, predict, loss):
    """Mean loss of each draw over layouts and, by their prior, over cues: (N_DRAWS,)."""
    means = []
    for draws in repaints:
        guess = predict(draws[0])  # it depends on regions and cues, which all draws share
        means.append([loss(scenes, guess) for scenes in draws])
    return np.array(PRIOR) @ means


def floor_over_cues(repaints, loss, context, bins=NO_BINS, pool=1):
    least = [floors(draws[0], context, bins=bins, pool=pool)[loss] for draws in repaints]
    return np.dot(PRIOR, least)


def squared(scenes, ab_hat):
    return ((scenes.ab - ab_hat) ** 2).mean(dtype=float)


def absolute(scenes, ab_hat):
    return np.abs(scenes.ab - ab_hat).mean(dtype=float)


def cues_of(scenes, i):
    return list(CUES["time"])[scenes.time[i]], list(CUES["season"])[scenes.season[i]]


def most_likely(scenes, context):
    """A sharpened prediction: the likeliest color of every region."""
    out = np.empty_like(scenes.ab)
    for i, regions in enumerate(scenes.regions):
        for r in np.unique(regions):
            known = cues_of(scenes, i) if context == "global" else ()
            out[i][regions == r] = max(palette(NAMES[r], *known))[1:]
    return out


@pytest.mark.parametrize("context", ["global", "local"])
@pytest.mark.parametrize("loss", ["mse", "l1"])
def test_simulation_confirms_the_floor_and_wrong_predictions_lie_above_it(repaints, loss, context):
    score = {"mse": squared, "l1": absolute}[loss]

    def best(scenes):
        return scenes.expected_ab(context) if loss == "mse" else scenes.median_ab(context)

    floor = floor_over_cues(repaints, loss, context)
    reached = simulate(repaints, best, score)
    mean, width = interval(reached)
    assert abs(mean - floor) < width < 0.06 * floor
    wrong = {
        "shifted": lambda scenes: best(scenes) + np.float32([3, -3]),
        "sharpened": lambda scenes: most_likely(scenes, context),
        "of the other loss": lambda scenes: (
            scenes.median_ab(context) if loss == "mse" else scenes.expected_ab(context)
        ),
        "gray": lambda scenes: 0 * scenes.ab,
    }
    if context == "global":
        wrong["of the other cues"] = lambda scenes: best(swapped(scenes))
        wrong["blind to cues"] = lambda scenes: (
            scenes.expected_ab("local") if loss == "mse" else scenes.median_ab("local")
        )
    for name, predict in wrong.items():
        mean, width = interval(simulate(repaints, predict, score) - reached)
        assert mean > width, name


@pytest.mark.parametrize(("context", "pool"), [("global", 1), ("local", 4), ("global", 4)])
def test_simulation_confirms_the_floor_of_the_cross_entropy(repaints, bins, context, pool):
    few = [[cut(scenes, 8) for scenes in draws[:12]] for draws in repaints]
    codes = {}
    for scenes in itertools.chain(*few):
        values, back = np.unique(scenes.ab @ [1, 1j], return_inverse=True)
        index, weight = soft_code(np.stack([values.real, values.imag], -1), bins)
        codes[id(scenes)] = index[back.ravel()], weight[back.ravel()]

    def score(scenes, q):
        """Of averaged codes: as it is linear in the code, the mean over a block's pixels."""
        index, weight = codes[id(scenes)]
        log_q = np.log(np.maximum(q, 1e-30)).repeat(pool, 1).repeat(pool, 2).reshape(-1, 313)
        return -(weight * np.take_along_axis(log_q, index, -1)).sum(-1).mean(dtype=float)

    def best(scenes):
        return scenes.distribution(bins, context, pool=pool)

    def sharpened(scenes):
        p = best(scenes) ** 1.3
        return p / p.sum(-1, keepdims=True)

    def shifted(scenes):
        return 0.9 * best(scenes) + 0.1 * np.roll(best(scenes), 1, -1)

    def of_the_other_cues(scenes):
        return 0.99 * best(swapped(scenes)) + 0.01 / 313

    floor = floor_over_cues(few, "ce", context, bins=bins, pool=pool)
    reached = simulate(few, best, score)
    mean, width = interval(reached)
    assert abs(mean - floor) < width < 0.05 * floor
    wrong = [sharpened, shifted] + [of_the_other_cues] * (context == "global")
    for predict in wrong:
        mean, width = interval(simulate(few, predict, score) - reached)
        assert mean > width, predict.__name__


# Regret.


def test_regret_is_what_a_prediction_adds_to_the_floor(bins):
    scenes = sample(12, 32, seed=9)
    assert (regret(scenes, scenes.expected_ab()) == 0).all()
    shifted = scenes.expected_ab() + np.float32([3, 1])
    np.testing.assert_allclose(regret(scenes, shifted), 5, rtol=1e-4)
    guess = scenes.expected_ab("local")
    loss = np.zeros(12)  # the exact expectation over draws, atom by atom
    for i, regions in enumerate(scenes.regions):
        for r in np.unique(regions):
            p, ab = support(NAMES[r], *cues_of(scenes, i))
            here = guess[i][regions == r]
            loss[i] += p @ ((ab - here[0]) ** 2).mean(-1) * len(here) / regions.size
    floor = scenes.variance().mean((1, 2)) / 2
    np.testing.assert_allclose(loss, floor + regret(scenes, guess), rtol=1e-4)

    p, q = (scenes.distribution(bins, context) for context in ("global", "local"))
    np.testing.assert_allclose(regret_kl(scenes, p, bins), 0, atol=1e-5)
    q = 0.99 * q + 0.01 / 313
    cross = -(p * np.log(q)).sum(-1).mean((1, 2), dtype=float)
    ce = [floors(cut(scenes, i + 1), bins=bins)["ce"] for i in range(12)]
    np.testing.assert_allclose(
        cross.mean() - ce[-1], regret_kl(scenes, q, bins).mean(), rtol=1e-4, atol=1e-5
    )
    assert (regret_kl(scenes, q, bins) > 0.01).all()
    pooled = scenes.distribution(bins, pool=4)
    np.testing.assert_allclose(regret_kl(scenes, pooled, bins, pool=4), 0, atol=1e-5)


def test_weights_inside_the_sum_over_bins_are_undone_exactly_and_others_are_not(bins):
    """The optimum of a weighted cross-entropy, on the balloon's distribution."""
    p, ab = support("balloon")
    index, weight = soft_code(ab, bins)
    z = np.zeros((len(ab), 313))
    np.put_along_axis(z, index, weight, -1)
    truth = p @ z
    w = np.random.default_rng(0).uniform(0.2, 5, 313)

    def optimum(weighted_codes):  # of -sum_b E[weighted code]_b log q_b over q with sum 1
        return p @ weighted_codes / (p @ weighted_codes).sum()

    inside = optimum(z * w)
    np.testing.assert_allclose(inside, truth * w / (truth @ w), rtol=1e-12)
    np.testing.assert_allclose(inside / w / (inside / w).sum(), truth, rtol=1e-9)
    argmax = optimum(z * w[z.argmax(1)][:, None])
    assert np.abs(argmax / w / (argmax / w).sum() - truth).sum() > 0.05


# What can be read off L.


def test_the_ladder_has_four_steps_of_at_least_a_tenth_of_gray(drawn):
    for size in SIZES:
        rungs = ladder(drawn[size])
        print(size, {name: round(value, 1) for name, value in rungs.items()})
        assert list(rungs) == ["gray", "lookup by L", "31-px context", "whole picture"]
        steps = -np.diff(list(rungs.values()))
        assert steps.min() >= 0.1 * rungs["gray"]


def test_the_ladder_agrees_with_floors_and_with_other_scenes(drawn):
    scenes = drawn[64]
    rungs = ladder(scenes)
    assert np.isclose(rungs["whole picture"], floors(scenes, bins=NO_BINS)["mse"])
    local = floors(scenes, "local", bins=NO_BINS)["mse"]
    assert np.isclose(rungs["31-px context"], local)
    assert abs(rungs["gray"] / (scenes.ab**2).mean() - 1) < 0.02
    # A table fitted to half of the scenes does on the other half what the ladder says of both.
    value = (scenes.L[..., 0] / 0.25).astype(int)
    table = np.stack([
        np.bincount(value[:50].ravel(), channel.ravel(), minlength=400)
        / np.maximum(np.bincount(value[:50].ravel(), minlength=400), 1)
        for channel in np.moveaxis(scenes.expected_ab()[:50], -1, 0)
    ], -1)  # fmt: skip
    other = ((scenes.ab[50:] - table[value[50:]]) ** 2).mean()
    assert abs(other / rungs["lookup by L"] - 1) < 0.05


def read(L):
    """Regions (H, W), time and season from L (H, W), by tone, shape and place."""
    from scipy.ndimage import center_of_mass, label

    size = len(L)
    edges = list(TONES.values())
    tone = np.digitize(L, [(a[1] + b[0]) / 2 for a, b in itertools.pairwise(edges)])
    regions = np.zeros((size, size), np.uint8)
    # The tree is ink and above the hulls; it stands on the left unless the scene is mirrored.
    tree = (tone == 0) & (np.arange(size)[:, None] < 0.8 * size)
    if center_of_mass(tree)[1] > size / 2:
        regions, time, season = read(L[:, ::-1])
        return regions[:, ::-1], time, season
    for k, name in enumerate(TONES):
        labels, count = label(tone == k)
        for i in range(1, count + 1):
            part = labels == i
            y, x = ((v + 0.5) / size for v in center_of_mass(part))
            regions[part] = NAMES.index(name_of(name, y, x, part, tone))
    sun = regions == NAMES.index("sun")
    time = int(center_of_mass(sun)[0] + 0.5 > 0.131 * size)
    return regions, time, int((regions == NAMES.index("bare tree")).any())


def name_of(tone, y, x, part, tones):
    area, below = part.mean(), np.roll(part, 1, 0) & ~part
    if tone == "ink":
        return "hull" if y > 0.8 else "leafy tree" if area > 0.022 else "bare tree"
    if tone == "dark":
        return "near ridge" if y > 0.3 else "balloon" if area > 0.0093 else "kite"
    if tone == "mid":
        if y > 0.7:
            return "lake"
        if y < 0.52:
            return "far ridge"
        if x > 0.7:
            return "grove"
        return "roof" if (tones[below] == 4).any() else "field"
    if tone == "light":
        return "sky" if y < 0.35 else "meadow"
    if y > 0.7:
        return "sail"
    if y > 0.5:
        return "wall"
    return "sun" if x < 0.25 and y < 0.26 else "cloud" if y < 0.25 else "glow"


@pytest.mark.parametrize("size", SIZES)
def test_regions_and_cues_can_be_read_off_L(drawn, size):
    scenes = drawn[size]
    right = []
    for i, L in enumerate(scenes.L[..., 0]):
        regions, time, season = read(L)
        assert (time, season) == (scenes.time[i], scenes.season[i])
        right.append((regions == scenes.regions[i]).mean())
    assert np.mean(right) >= 0.995
    assert min(right) >= 0.98


def grain_energy(windows):
    """Log share of a window's spectrum in four directions, (n, 4): what texture shows."""
    side = windows.shape[-1]
    power = np.abs(np.fft.fft2(windows - windows.mean((1, 2), keepdims=True))) ** 2
    fy, fx = np.meshgrid(*[np.fft.fftfreq(side)] * 2, indexing="ij")
    angle = np.degrees(np.arctan2(fy, fx)) % 180
    near = [np.abs((angle - a + 90) % 180 - 90) < 22.5 for a in (0, 45, 90, 135)]
    energy = np.stack([(power * (mask & (fx**2 + fy**2 > 0))).sum((1, 2)) for mask in near], -1)
    return np.log(energy / energy.sum(-1, keepdims=True) + 1e-3)


def test_texture_tells_regions_of_one_tone_apart_in_a_window_of_15_px(drawn):
    """No place and no mean value: spectra of half of the scenes name windows of the other half."""
    side, features = 15, {}
    for name in ("sky", "meadow", "lake", "far ridge", "grove"):
        for i, (L, part) in enumerate(zip(drawn[256].L[..., 0], drawn[256].regions, strict=True)):
            if drawn[256].mirrored[i]:
                L, part = L[:, ::-1], part[:, ::-1]
            views = np.lib.stride_tricks.sliding_window_view
            inside = (views(part, (side, side))[::8, ::8] == NAMES.index(name)).all((2, 3))
            features.setdefault(name, []).append(
                grain_energy(views(L, (side, side))[::8, ::8][inside])
            )
    for tone in ("light", "mid"):
        names = [n for n in features if REGIONS[n].tone == tone]
        centers = [np.concatenate(features[n][:6]).mean(0) for n in names]
        for k, name in enumerate(names):
            windows = np.concatenate(features[name][6:])
            distance = [((windows - c) ** 2).sum(-1) for c in centers]
            assert (np.argmin(distance, 0) == k).mean() > 0.9, name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from((32, 48, 64, 100)))
def test_flips_keep_everything_exact(seed, size):
    scenes = sample(2, size, seed)
    flipped = scenes.flip()
    for name in ("L", "ab", "regions"):
        assert np.array_equal(getattr(flipped, name), getattr(scenes, name)[:, :, ::-1])
    assert np.array_equal(flipped.expected_ab(), scenes.expected_ab()[:, :, ::-1])
    assert np.array_equal(flipped.variance("local"), scenes.variance("local")[:, :, ::-1])
    assert (flipped.mirrored != scenes.mirrored).all()
    for field in fields(scenes):
        assert np.array_equal(getattr(flipped.flip(), field.name), getattr(scenes, field.name))


def test_the_emblem_shows_gray_truth_mean_and_variance():
    scenes = sample(2, 64, seed=5)
    panels = scenes.panels()
    assert np.ptp(panels["gray"], axis=-1).max() < 1e-3
    assert np.array_equal(panels["truth"], scenes.rgb)
    lab = rgb_to_lab(panels["expected"])
    np.testing.assert_allclose(lab[..., 1:], scenes.expected_ab(), atol=0.01)
    certain = ~np.isin(scenes.regions, [NAMES.index(name) for name in AMBIGUOUS])
    assert panels["variance"][certain].max() < 5 < 400 < panels["variance"][~certain].min()


def test_importing_loads_neither_scipy_nor_matplotlib_nor_a_framework():
    heavy = "scipy skimage matplotlib torch tensorflow keras".split()
    code = f"import sys, course_utils.paintbox; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_hint_gives_its_objects_color_and_no_other(drawn):
    scenes = drawn[64]
    told = np.zeros(scenes.parts.shape, bool)
    for i, part in enumerate(scenes.parts):
        told[i][tuple(np.argwhere(part % 32 == NAMES.index("lake"))[0])] = True
        balloon = np.argwhere(part == NAMES.index("balloon"))
        if len(balloon):
            told[i][tuple(balloon[0])] = True
    answer = scenes.hinted_ab(told)
    hinted = scenes.parts == NAMES.index("balloon")
    assert hinted.any()
    assert np.abs(answer - scenes.ab)[hinted].max() <= 2.4 + 1e-5  # the noise of a pixel
    other = scenes.parts == NAMES.index("balloon") + 32  # the second balloon was not told
    assert other.any() and (answer == scenes.expected_ab())[other].all()
    assert (scenes.hinted_ab(np.zeros_like(told)) == scenes.expected_ab()).all()


def test_the_answer_to_a_hint_is_the_mean_of_all_scenes_that_agree_with_it():
    """By simulation: among repaintings, those with the hinted color have the answer as mean."""
    one = sample(1, 32, seed=4)
    told = np.zeros(one.parts.shape, bool)
    objects = [NAMES.index(n) for n in ("roof", "field", "balloon", "sail")]
    part = next(p for p in np.unique(one.parts) if p % 32 in objects)
    spot = tuple(np.argwhere(one.parts[0] == part)[0])
    told[0][spot] = True
    draws = [sample(1, 32, seed=4, draw=d).ab[0] for d in range(400)]
    agree = [ab for ab in draws if np.abs(ab[spot] - one.hinted_ab(told)[0][spot]).max() < 5]
    assert 50 < len(agree) < 300
    error = np.mean(agree, 0) - one.hinted_ab(told)[0]
    # Means over regions: the noise of one object's color is at most 60 / sqrt(50).
    inside = one.parts[0] == part
    assert np.abs(error[inside].mean(0)).max() < 0.2
    assert max(np.abs(error[one.parts[0] == p].mean(0)).max() for p in np.unique(one.parts)) < 20
