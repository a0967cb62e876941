"""Lesson 06, what a score is worth: its experiments run in small, its claims can fail.

Only the imports and the cells of that part are run, so that no network is trained for it.
"""

import ast
from types import SimpleNamespace

import numpy as np
import pytest
from lesson_code import fails, noise, other, source

from course_utils import color, course, metrics
from tools.train import script

SOURCE = source("06")
FIRST, LAST = "def redrawn(", "assert 0 < excess[48] < excess[256]"


def imports_only(code):
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(code).body)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    cells = list(script(SOURCE))
    (first,), (last,) = ([i for i, code in enumerate(cells) if w in code] for w in (FIRST, LAST))
    space = {"__name__": "lesson", "_source": SOURCE}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "ci")
        patch.setattr("course_utils.plots.show", lambda fig, alt: None)
        patch.chdir(tmp_path_factory.mktemp("lesson"))
        for i, code in enumerate(cells):
            if first <= i <= last or (i < first and imports_only(code)):
                exec(compile(code, SOURCE.name, "exec"), space)
        yield space


# What the redraws and changes are


def test_redraws_are_what_they_are_called(lesson):
    kinds = lesson["redrawn"](6, 64)
    L, ab = color.split(color.rgb_to_lab(kinds["truth"]))
    for name, rgb in kinds.items():
        L_new, ab_new = color.split(color.rgb_to_lab(rgb))
        assert np.abs(L_new - L).max() < 0.01, name
    change = {k: np.abs(color.split(color.rgb_to_lab(x))[1] - ab) for k, x in kinds.items()}
    assert 2 < change["noise drawn anew"].max() < 5  # the noise spans ±2 and ±2.4
    assert change["colors drawn anew"].max() > 20 and (change["colors drawn anew"] < 0.01).any()
    drawn = change["left gray"].max(-1) > 0.01
    assert 0 < drawn.mean() < 0.2
    assert (change["colors drawn anew"].max(-1)[~drawn] < 0.05).all()


def test_a_redraw_is_a_draw_of_the_process(lesson):
    """Frequencies of the balloon's colors are those of the palette."""
    from course_utils import paintbox

    scenes = paintbox.sample(300, 32, seed=2)
    ab = color.split(color.rgb_to_lab(lesson["redrawn"](300, 32)["colors drawn anew"]))[1]
    share, *centers = np.array(paintbox.palette("balloon")).T
    found = []
    for regions, picture in zip(scenes.regions, ab):
        pixels = picture[regions == paintbox.NAMES.index("balloon")]
        if len(pixels):
            away = np.square(pixels[:1, None] - np.transpose(centers)).sum(-1)
            found.append(away.argmin())
    np.testing.assert_allclose(np.bincount(found, minlength=4) / len(found), share, atol=0.09)


def test_changes_touch_what_they_say(lesson):
    rgb = noise(1, 40)[0] // 8 + 112  # nothing leaves the gamut
    L, ab = color.split(color.rgb_to_lab(rgb))
    for of, kept, changed in (("L", 1, 0), ("ab", 0, 1)):
        parts = color.split(color.rgb_to_lab(lesson["only"](rgb, lesson["one_right"], of)))
        gaps = [np.abs(new - old).mean() for new, old in zip(parts, (L, ab))]
        assert gaps[kept] < 1 < gaps[changed]
    turned = color.split(color.rgb_to_lab(lesson["hues_turned"](90)(rgb)))[1]
    np.testing.assert_allclose(turned, np.stack([-ab[..., 1], ab[..., 0]], -1), atol=3)
    moved = lesson["one_right"](rgb)
    assert (moved[:, 1:] == rgb[:, :-1]).all() and moved.shape == rgb.shape
    for change in lesson["CHANGES"].values():
        assert change(rgb).dtype == np.uint8 and change(rgb).shape == rgb.shape


def test_disjoint_halves_and_the_same_draws_for_every_row(lesson):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 5))
    d = lesson["distances"](x, x, 40, times=6)
    assert d.shape == (6,) and (d > 0).all()  # the same rows on both sides would give 0
    np.testing.assert_array_equal(d, lesson["distances"](x, x, 40, times=6))
    assert (lesson["distances"](x, x + 3, 40, times=6) > 40).all()


def test_probabilities_of_a_network_with_and_without_classes(lesson):
    logits = np.random.default_rng(1).normal(size=(4, 7))
    named = SimpleNamespace(classes=["a"], classify=lambda rgb: "p")
    plain = SimpleNamespace(classes=None, embed=lambda rgb: logits)
    assert lesson["class_probabilities"](named, None) == "p"
    p = lesson["class_probabilities"](plain, None)
    np.testing.assert_allclose(p.sum(1), 1)
    assert 1 < metrics.inception_score(p) < 7


def test_the_fit_finds_what_made_a_curve(lesson):
    curve = {"N": [100, 200, 400], "real": [[0.5 + 30 / n, 0, 0] for n in (100, 200, 400)]}
    assert lesson["fitted"](curve, "real") == pytest.approx((0.5, 30))


# Experiments at toy size


def toy_network(width):
    """A network that describes a picture by the means of a few pixels."""

    def embed(rgb):
        x = np.stack([np.asarray(picture, np.float32).mean(-1).ravel()[:width] for picture in rgb])
        return x / 255

    def classify(rgb):
        x = embed(rgb)[:, :6] + 0.1
        return x / x.sum(1, keepdims=True)

    return SimpleNamespace(
        name="toy", width=width, classes=list("abcdef"), embed=embed, classify=classify
    )


def test_the_score_experiment(lesson, monkeypatch):
    monkeypatch.setattr("course_utils.backbones.features", lambda *judge: toy_network(6))
    result = lesson["score_experiment"](noise(60, 16), {"model": metrics.paint_gray})
    assert set(course.PROTOCOL) <= set(result) and np.shape(result["p"]) == (60, 6)
    rows = {row["name"]: row for row in result["rows"]}
    assert {"truth", "pairs exchanged", "model", *lesson["CHANGES"]} == set(rows)
    assert rows["model"]["ssim"] == rows["gray"]["ssim"]
    exchanged, truth = rows["pairs exchanged"], rows["truth"]
    assert exchanged["class_score"] == pytest.approx(truth["class_score"], rel=1e-9)
    assert exchanged["ssim"][0] < 0.5 < truth["ssim"][0]
    assert rows["gray"]["n_frechet"] == 30 and len(result["ssim of gray"]) == 60


def test_the_bias_experiment(lesson):
    rgb = noise(400, 16)
    curve = lesson["bias"](rgb, toy_network(6), [24, 48, 96, 192], times=30)
    real = np.array(curve["real"])[:, 0]
    assert (np.diff(real) < 0).all()
    a, c = lesson["fitted"](curve, "real")
    assert c > 0 and abs(a) < 0.2 * real[0]


def test_the_redraw_experiment(lesson):
    result = lesson["redraw_experiment"](3)
    assert set(course.PROTOCOL) <= set(result)
    assert {len(values) for values in result["ssim"].values()} == {3}


# Claims can fail


def stored(lesson, name, **changes):
    """The stored rows with some numbers of one of them replaced."""
    rows = dict(lesson["kind_rows"])
    rows[name] = rows[name] | changes
    return rows


def test_the_redraw_claim_fails_for_a_measure_that_sees_what_is_real(lesson):
    fair = lesson["ssim"] | {"left gray": lesson["ssim"]["left gray"] - 0.2}
    fails(lesson, "a low SSIM can still produce", ssim=fair)


def test_the_exhibit_fails_for_a_measure_of_color_alone(lesson):
    """Where harmless changes are at 0.99 and the absurd ones are not."""
    words = "looks wrong: SSIM"
    fails(lesson, words, exhibit={name: 1 - value for name, value in lesson["exhibit"].items()})


def test_the_claim_about_L_fails_where_colors_decide(lesson):
    cheap = stored(lesson, "one pixel right, L only", ssim=[0.95, 0.94, 0.96])
    fails(lesson, "costs {cost:.3f} of SSIM", kind_rows=cheap)


def test_the_mark_fails_where_gray_does_not_reach_it(lesson):
    fails(
        lesson,
        "SSIM 0.93 of another system",
        kind_rows=stored(lesson, "gray", ssim=[0.9, 0.89, 0.91]),
    )


def test_the_ranking_fails_for_a_fair_ssim(lesson):
    fair = lesson["ranks"] | {"SSIM": lesson["ranks"]["Fréchet"]}
    fails(lesson, "absurd above gray:", ranks=fair)


def test_the_claim_about_colorizers_fails_where_ssim_likes_the_judge(lesson):
    words = "SSIM above gray {above"
    liked = stored(lesson, "L1 + GAN", ssim=[0.96, 0.95, 0.97])
    fails(lesson, words, kind_rows=liked)
    far = stored(lesson, "L1", draws=lesson["kind_rows"]["hues turned by 180°"]["draws"])
    fails(lesson, words, kind_rows=far)


def test_the_class_score_claim_fails_for_a_score_of_pairs(lesson):
    words = "correlates with human judgment"
    seen = lesson["class_scores"] | {"the same in another order": 1.0}
    fails(lesson, words, class_scores=seen)
    caught = lesson["class_scores"] | {"six of them, each 80 times": 1.5}
    fails(lesson, words, class_scores=caught)


def test_the_claim_about_N_fails_without_a_bias(lesson):
    def steady(p):
        return 2.9

    fails(lesson, "mean of 200 draws", metrics=other(metrics, inception_score=steady))


def test_the_bias_claim_fails_for_a_distance_without_bias(lesson):
    def unbiased(curve, name):
        a, c = lesson["fitted"](curve, name)
        return a, 0.0

    words = "FID of 3,000 generated pictures"
    fails(lesson, words, fitted=unbiased)
    fails(lesson, words, refuses=lambda n, width: False)


# What the slides say


def test_the_numbers_on_the_slide_are_the_stored_ones(lesson):
    text = SOURCE.read_text(encoding="utf-8").replace("**", "")
    shown = {"truth": "truth", "S4, lesson 04": "04_pretrained_fusion"}
    shown |= {k: k for k in ("one pixel right", "gray", "hues turned by 180°", "L1 + GAN")}
    for title, name in shown.items():
        row = lesson["kind_rows"][name]
        psnr = f"{row['psnr'][0]:.2f} " if row["psnr"] else ""
        line = f"# | {title} | {psnr}| {row['ssim'][0]:.3f} | {row['colorfulness'][0]:.1f} | "
        assert line + f"{row['frechet'][0]:.2f} | {row['class_score']:.2f} |" in text, title
    six, one = list(lesson["class_scores"].values())[2:]
    assert f"each 80 times | {six:.2f} |" in text and f"480 times | {one:.2f} |" in text
