"""Lesson 06: its two players are the published ones, its experiments run, its claims can fail.

The lesson's code is run once, as `make train` runs it, at the size of a test. What a score is worth
has its own file, test_lesson_06_scores.py.
"""

import json

import numpy as np
import pytest
from lesson_code import cell, fails, noise, other, ran, run_cell, source

from course_utils import color, course, experiments, metrics, paintbox

SOURCE = source("06")
NAME = "06_pix2pix_gan"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(SOURCE, tmp_path_factory.mktemp("lesson"))


# The two networks


def test_the_painter_is_the_published_one(lesson):
    import torch

    network = lesson["Unet"]()
    convs = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    ups = [m for m in network.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert sum(x.numel() for x in network.parameters()) == 54_409_858
    assert len(convs) == len(ups) == 8 and {m.kernel_size for m in convs + ups} == {(4, 4)}
    assert sum(isinstance(m, torch.nn.Dropout) for m in network.modules()) == 3
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 1, 256, 512)).shape == (1, 2, 256, 512)


def test_the_judge_is_the_published_one(lesson):
    assert sum(x.numel() for x in lesson["patchgan"]().parameters()) == 2_765_633
    assert lesson["seen_by_one"](lesson["patchgan"](), 256) == ((30, 30), 70, 70)
    for layers, side in ((1, 16), (2, 34)):
        strides = [2] * layers + [1, 1]
        assert lesson["patch"](np.array([(4, s) for s in strides])) == side
        assert lesson["seen_by_one"](lesson["patchgan"](layers, 8), 64)[1] == side


@pytest.mark.parametrize("size", [(32, 32), (33, 70), (5, 3)])
def test_pictures_of_any_size_are_padded_and_cropped(lesson, size):
    G = lesson["asleep"](lesson["compact"](16))
    assert lesson["paint"](G, np.full((2, *size, 1), 40, np.float32)).shape == (2, *size, 2)


# The game


@pytest.mark.parametrize("form", ["bce", "least_squares"])
def test_what_the_players_pay_is_least_where_the_game_says(lesson, form):
    import torch

    loss = lesson[form]
    p = 0.7  # of real ones among pictures that look alike
    logits = torch.linspace(-3, 3, 601)
    pays = torch.stack([p * loss(x[None], 1.0) + (1 - p) * loss(x[None], 0.0) for x in logits])
    best = logits[pays.argmin()].item()
    says = 1 / (1 + np.exp(-best)) if form == "bce" else best
    assert says == pytest.approx(p, abs=0.01)


def test_a_move_of_the_judge_moves_the_judge_alone(lesson):
    import torch

    G, D = lesson["compact"](16), lesson["judge"]()
    L, ab = torch.rand(2, 1, 64, 64), torch.rand(2, 2, 64, 64)
    before = [p.clone() for p in D.parameters()]
    ab_hat = G(L)
    seen = lesson["move_D"](D, torch.optim.Adam(D.parameters()), lesson["bce"], L, ab, ab_hat)
    assert 0 <= seen["hits"] <= 1 and seen["D"] > 0
    assert all(p.grad is None for p in G.parameters())
    assert any((a != b).any() for a, b in zip(before, D.parameters()))
    D.zero_grad()
    lesson["opinion"](D, lesson["bce"], L, ab_hat).backward()
    assert all(p.grad is None for p in D.parameters())
    assert any(p.grad.abs().max() > 0 for p in G.parameters())


def test_least_squares_counts_its_hits_at_one_half(lesson):
    import torch

    D = torch.nn.Conv2d(3, 1, 1)
    torch.nn.init.zeros_(D.weight)
    torch.nn.init.constant_(D.bias, 0.2)  # says painted to all, for least squares
    L, ab = torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 4, 4)
    adam = torch.optim.Adam(D.parameters())
    seen = lesson["move_D"](D, adam, lesson["least_squares"], L, ab, ab)
    assert seen["hits"] == 0.5


def test_a_state_without_the_judge_is_refused(lesson, tmp_path):
    arm, scenes = (lesson["F"].l1_loss, None, ()), paintbox.sample(4, 64, seed=1)
    data = lesson["scenes_for"](scenes, 1)
    lesson["train_arm"](arm, 1, data, 1, folder=tmp_path)
    judged = (lesson["F"].l1_loss, 10, ())
    with pytest.raises(ValueError, match="another model"):
        lesson["train_arm"](judged, 1, data, 2, folder=tmp_path)


def test_imagenet_weights_are_refused_where_there_are_none(lesson, monkeypatch, capsys):
    import torchvision

    def unreachable(weights=None):
        raise OSError("no route") if weights else AssertionError

    monkeypatch.setattr(torchvision.models, "resnet18", unreachable)
    with pytest.raises(OSError, match='ask for "random"'):
        lesson["resnet_body"]("imagenet")
    assert capsys.readouterr().out == ""


def test_a_body_from_a_file_is_known(lesson, tmp_path):
    import torch
    from torchvision.models import resnet18

    file = tmp_path / "body.pt"
    torch.save(lesson["create_body"](resnet18(), n_in=1, pretrained=False).state_dict(), file)

    def read():
        body = lesson["create_body"](resnet18(), n_in=1, pretrained=False)
        body.load_state_dict(torch.load(file))
        return body

    assert lesson["from_a_file"](read)
    assert not lesson["from_a_file"](lambda: resnet18())


# The measures


def test_objects_are_found_one_by_one(lesson):
    scenes = paintbox.sample(40, 64, seed=5)
    found = lesson["objects"](scenes)
    for number, kind, places in found:
        names = scenes.regions[number].ravel()[places]
        assert (names == paintbox.NAMES.index(lesson["KINDS"][kind])).all() and len(places) >= 10
    per_scene = np.bincount([n for n, k, _ in found if k == 0], minlength=40)
    assert per_scene.max() == 2  # never more than two balloons


def test_measures_of_a_collapse_and_of_confetti(lesson):
    scenes = paintbox.sample(60, 64, seed=5)
    one, confetti = np.zeros_like(scenes.ab), np.zeros_like(scenes.ab)
    rng = np.random.default_rng(1)
    for kind, colors in zip(lesson["KINDS"], lesson["PALETTES"]):
        at = scenes.regions == paintbox.NAMES.index(kind)
        one[at] = colors[0, 1:]
        confetti[at] = colors[rng.integers(len(colors), size=at.sum()), 1:]
    collapsed, mixed = (lesson["arm_scores"](scenes, [ab]) for ab in (one, confetti))
    assert collapsed["near"][0] == 1 and collapsed["spread"][0] == pytest.approx(0, abs=1e-4)
    wanted = np.mean([1 - colors[0, 0] for colors in lesson["PALETTES"]])
    assert collapsed["variation"][0] == pytest.approx(wanted)
    assert mixed["spread"][0] > 20 and mixed["near"][0] < 0.5


def test_packed_colors_return(lesson):
    ab = np.round(paintbox.sample(1, 32, seed=3).ab[0])
    np.testing.assert_array_equal(lesson["unpack"](lesson["pack"](ab), 32, 32), ab)


def test_dropout_draws_only_when_awake(lesson):
    G, L = lesson["compact"](16, (3, 4)), np.full((1, 64, 64, 1), 50, np.float32)
    quiet = [lesson["paint"](lesson["asleep"](G), L) for _ in range(2)]
    moved = [lesson["paint"](lesson["awake"](G), L) for _ in range(2)]
    assert (quiet[0] == quiet[1]).all() and (moved[0] != moved[1]).any()


def test_kept_bytes_are_counted_once(lesson):
    import torch

    x = torch.ones(10, 10, requires_grad=True)
    assert lesson["kept_bytes"](lambda: x * x)[0] == 400
    assert lesson["kept_bytes"](lambda: (x * x) * x)[0] == 800


# Experiments at toy size


def test_the_paintbox_experiment(lesson, tmp_path):
    folder = str(tmp_path / "x")
    toy = {"n": 8, "epochs": (1, 1), "n_test": 10, "seeds": (1,), "folder": folder}
    result = json.loads(json.dumps(lesson["paintbox_experiment"](**toy)))
    assert set(course.PROTOCOL) <= set(result)
    assert set(result["arms"]) == set(lesson["ARMS"])
    assert result["exact"]["the truth"]["near"][0] == 1
    starts = [path.name for path in tmp_path.iterdir() if path.name.count("_") == 3]
    assert sorted(starts) == ["x_l1_loss0_1", "x_l1_loss2_1", "x_mse_loss0_1"]  # shared by loss
    again = json.loads(json.dumps(lesson["paintbox_experiment"](**toy)))
    assert again["arms"] == result["arms"]  # found trained


def test_the_sweep_and_the_collapse(lesson):
    toy = {"n": 8, "epochs": (1, 1), "n_test": 10}
    swept, broken = lesson["lambda_experiment"](**toy), lesson["collapse_experiment"](**toy)
    assert set(course.PROTOCOL) <= set(swept) and set(course.PROTOCOL) <= set(broken)
    assert list(swept["arms"]) == [str(lam) for lam in lesson["LAMBDAS"]]
    assert all("hits" in rows[-1] for rows in broken["rows"].values())


def test_the_photograph_and_the_checkpoint_experiment(lesson, tmp_path):
    from course_utils.colorizer import Colorizer

    rgb, plan = {32: noise(80, 32)}, ([(32, 1e-3)], [(32, 1e-4)])
    folder = str(tmp_path / "p")
    result = lesson["photograph_experiment"](rgb, noise(3, 40), *plan, folder)
    assert set(course.PROTOCOL) <= set(result)
    assert {"gray", *lesson["PHOTO_ARMS"]} <= {row["name"] for row in result["table"]}
    files, _ = lesson["drafts"](rgb, *plan, folder)
    photo = noise(1, 96)[0]
    G = lesson["photo_arm"](rgb, plan[1], f"{folder}_l1")[0]
    L = color.split(color.rgb_to_lab(photo))[0][None]
    gap = lesson["paint"](lesson["asleep"](G), L) - Colorizer.load(files["L1"]).ab(L)
    assert np.abs(gap).max() < 0.5
    sent = []
    rest = rgb, result["table"], folder, *plan, lambda *x: sent.append(x) or files["L1"]
    lesson["COSTS"], every = lesson["COSTS"][:1], lesson["COSTS"]  # the others take long
    made = lesson["checkpoint_experiment"](*rest)
    lesson["COSTS"] = every
    assert sent[0][1] == NAME and len(made["costs"]) == 1
    names = [row["name"] for row in Colorizer.load(sent[0][0]).metadata["metrics"]]
    assert names[0] == "gray" and names[-1] == "L1 + GAN"


# Claims can fail


def test_the_real_picture_claim_fails_for_a_measure_that_likes_it(lesson):
    swapped = lesson["answers"] | {"another draw": lesson["test"].ab}
    fails(lesson, "where color is drawn: absolute error", answers=swapped)


def test_the_counts_fail_for_other_networks(lesson):
    Unet, patchgan = lesson["Unet"], lesson["patchgan"]
    fails(lesson, "L of 50 × 75 gives ab", Unet=lambda: Unet(levels=7, noisy=(4, 5)))
    four = lambda layers=3, filters=64: patchgan(layers, filters, channels=4)  # noqa: E731
    run_cell(lesson, "verdicts at 256 × 256,")
    with pytest.raises((AssertionError, RuntimeError)):
        run_cell(lesson, "verdicts at 256 × 256,", patchgan=four)
    fails(lesson, "verdicts at 256 × 256,", patchgan=lambda *x: patchgan(2, 64))


def test_the_slope_fails_for_the_same_loss(lesson):
    fails(lesson, "at the logit -6", bce=lambda logits, real: -lesson["bce"](logits, 0.0))


def test_the_block_fails_for_another_scale(lesson):
    def doubled(*x, **rest):
        return ((2 * L, ab) for L, ab in lesson["batches"].torch_loader(*x, **rest))

    wrong = other(lesson["batches"], torch_loader=doubled)
    fails(lesson, "DataBlock gives", batches=wrong)


def test_the_twins_part_with_another_weight_of_L1(lesson):
    space, path = dict(lesson), lesson["_source"]
    words = "G, D = compact(16), judge()", "the loop and the callback end"
    first, second = (compile(cell(path, x), path.name, "exec") for x in words)
    exec(first, space)
    exec(second, space)
    space["Adversary"] = lambda D, lam: lesson["Adversary"](D, lam=2 * lam)
    with pytest.raises(AssertionError):
        exec(second, space)


def test_resuming_fails_when_a_player_is_forgotten(lesson, monkeypatch):
    run_cell(lesson, "interrupted and resumed, it ends")
    restore = experiments.restore_torch

    def forgetful(folder, **parts):
        return restore(folder, **{k: part for k, part in parts.items() if k != "adam_D"})

    monkeypatch.setattr(experiments, "restore_torch", forgetful)
    with pytest.raises(AssertionError):
        run_cell(lesson, "interrupted and resumed, it ends")


def test_the_flag_claim_fails_where_weights_come_from_a_file(lesson):
    fails(lesson, "create_body(…, pretrained=True)", from_a_file=lambda build: True)


def test_the_borrowed_body_fails_when_it_is_small(lesson):
    tiny = lambda *x: lesson["Unet"](6, 8, ())  # noqa: E731
    fails(lesson, "what unet_learner builds", DynamicUnet=tiny)


def test_the_exact_rows_fail_for_a_median_that_chooses(lesson):
    rows = lesson["exact_rows"](lesson["test"])
    wrong = rows | {"exact median": rows["another draw"]}
    fails(lesson, "exact = exact_rows(test)", exact_rows=lambda scenes: wrong)


def test_the_collapse_claim_fails_for_exchanged_games(lesson):
    stored = lesson["collapse"]
    swap = {"provoked": "both", "both": "provoked"}
    swapped = stored | {
        key: {swap.get(name, name): value for name, value in stored[key].items()}
        for key in ("arms", "rows")
    }
    fails(lesson, "broken_l1 = collapse", collapse=swapped)


def exchanged(lesson, one="L1", two="L1 + GAN"):
    arms = dict(lesson["on_paintbox"]["arms"])
    arms[one], arms[two] = arms[two], arms[one]
    return lesson["on_paintbox"] | {"arms": arms}


def test_the_best_choice_claim_fails_for_exchanged_arms(lesson):
    fails(lesson, "color choices are the best (Gendre)", on_paintbox=exchanged(lesson))


def test_the_coherence_claim_fails_for_a_painter_of_one_color(lesson):
    perfect = lesson["on_paintbox"]["exact"]["another draw"]
    fails(lesson, "an adversary gives each object", gan=perfect)


def test_the_frequency_claim_fails_for_a_perfect_painter_and_for_L1(lesson):
    words = "it keeps the frequencies"
    fails(lesson, words, gan=lesson["on_paintbox"]["exact"]["another draw"])
    fails(lesson, words, gan=lesson["on_paintbox"]["exact"]["exact median"])


def test_the_noise_claim_fails_for_noise_that_is_worth_the_name(lesson):
    stored = lesson["on_paintbox"]
    alive = stored["noise"] | {"dropout": stored["noise"]["the world"]}
    fails(lesson, "z is the input noise", on_paintbox=stored | {"noise": alive})


def test_the_sweep_claim_fails_for_exchanged_weights(lesson):
    arms = dict(lesson["sweep"]["arms"])
    arms["0"], arms["100"] = arms["100"], arms["0"]
    fails(lesson, 'least, most = sweep["arms"]', sweep=lesson["sweep"] | {"arms": arms})


def test_the_photograph_claim_fails_for_exchanged_arms(lesson):
    stored, swap = lesson["on_photographs"], {"L1": "L1 + GAN", "L1 + GAN": "L1"}
    table = [row | {"name": swap.get(row["name"], row["name"])} for row in stored["table"]]
    words = "together make the best choice"
    fails(lesson, words, on_photographs=stored | {"table": table})
    psnr = {name: stored["psnr"][swap.get(name, name)] for name in stored["psnr"]}
    fails(lesson, words, on_photographs=stored | {"psnr": psnr})


def test_the_tie_with_gray_fails_for_the_painter_without_a_judge(lesson):
    stored = lesson["on_photographs"]
    better = stored | {"gain": stored["gain"] | {"L1 + GAN": stored["gain"]["L1"]}}
    fails(lesson, "L1 + GAN less gray on", on_photographs=better)
    fails(lesson, "L1 + GAN less gray on", on_all=lesson["on_all"] | {"bytes": 13_000_000})


def test_the_mixed_batch_fails_without_normalization(lesson):
    import torch

    plain = lambda: torch.nn.Conv2d(3, 1, 4, 4)  # noqa: E731
    fails(lesson, "alone or beside real ones", judge=plain)


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(lesson):
    from course_utils.colorizer import CHECKPOINTS, Colorizer

    model = Colorizer.load(NAME)
    assert model.metadata["parameters"] == 4_165_954 and model.T is None
    assert (CHECKPOINTS / f"{NAME}.onnx").stat().st_size == lesson["on_all"]["bytes"] <= 12e6
    assert (CHECKPOINTS / f"{NAME}.md").is_file()
    assert model.metadata["metrics"] == lesson["on_all"]["table"]


def test_the_shipped_file_scores_what_is_stored(shared_data, lesson):
    from course_utils import photos
    from course_utils.colorizer import Colorizer

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load(NAME)
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    stored = lesson["on_photographs"]["gain"]["L1 + GAN"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
