"""Lesson 06: its two players are the published ones, the game is the game, its claims can fail.

What a score is worth has its own file, test_lesson_06_scores.py.
"""

import sys

import numpy as np
import pytest
import torch
from lesson_code import fails, other, ran, source

from course_utils import batches, files, metrics, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson as exports

L = exports("06")
NAME = "06_pix2pix_gan"
F = torch.nn.functional


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("06"), tmp_path_factory.mktemp("lesson"))


# The two networks


def test_the_generator_is_the_published_one():
    network = L.Unet()
    convs = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    ups = [m for m in network.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert L.parameters(network) == 54_409_858
    assert len(convs) == len(ups) == 8 and {m.kernel_size for m in convs + ups} == {(4, 4)}
    assert sum(isinstance(m, torch.nn.Dropout) for m in network.modules()) == 3
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 1, 256, 512)).shape == (1, 2, 256, 512)


def test_the_discriminator_is_the_published_one(lesson):
    assert L.parameters(L.patchgan()) == 2_765_633
    assert lesson["seen_by_one"](L.patchgan(), 256) == ((30, 30), 70, 70)
    for layers, side in ((1, 16), (2, 34)):
        strides = [2] * layers + [1, 1]
        assert lesson["patch"](np.array([(4, s) for s in strides])) == side
        assert lesson["seen_by_one"](L.patchgan(layers, 8), 64)[1] == side


@pytest.mark.parametrize("size", [(32, 32), (33, 70), (5, 3)])
def test_pictures_of_any_size_are_padded_and_cropped(size):
    G = L.asleep(L.compact(16))
    assert L.paint(G, np.full((2, *size, 1), 40, np.float32)).shape == (2, *size, 2)


# The device


def test_everything_stays_on_the_device_that_is_given():
    """The device "meta" computes nothing; what is elsewhere cannot be joined with it."""
    G, D = L.compact(16).to("meta"), L.judge().to("meta")
    light, ab = torch.rand(2, 1, 64, 64, device="meta"), torch.rand(2, 2, 64, 64, device="meta")
    ab_hat = G(L.padded(light))
    for form in (L.bce, L.least_squares):
        loss = form(L.ask(D, light, ab), 1.0) + L.opinion(D, form, light, ab_hat)
        assert loss.device.type == ab_hat.device.type == "meta"
    data = L.scenes_for(paintbox.sample(4, 64, seed=1), 1, "meta")(0)
    assert {x.device.type for x in (*data.train.one_batch(), *data.valid.one_batch())} == {"meta"}


def test_a_game_takes_the_device_that_is_given_and_not_the_one_of_fastai(monkeypatch):
    """As under the cpu profile on Apple silicon, or beside a GPU: fastai's default is another."""

    def trained():
        scenes = paintbox.sample(4, 64, seed=1)
        arm = F.l1_loss, 10, (3, 4)
        start, _ = L.train_arm(arm, 1, L.scenes_for(scenes, 1, "cpu"), 1, "cpu")
        G, rows = L.train_arm(arm, 1, L.scenes_for(scenes, 1, "cpu", 1), 1, "cpu", start)
        assert np.isfinite([row[key] for row in rows for key in ("loss", "D", "G", "hits")]).all()
        return G.state_dict()

    wanted = trained()
    for name, module in list(sys.modules.items()):
        if name.startswith("fastai") and hasattr(module, "default_device"):
            monkeypatch.setattr(module, "default_device", lambda use=-1: torch.device("meta"))
    found = trained()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    words = source("06").read_text(encoding="utf-8")
    assert "cuda" not in words and "default_device" not in words


# The game


@pytest.mark.parametrize("form", ["bce", "least_squares"])
def test_what_the_players_pay_is_least_where_the_game_says(form):
    loss = getattr(L, form)
    p = 0.7  # of real ones among pictures that look alike
    logits = torch.linspace(-3, 3, 601)
    pays = torch.stack([p * loss(x[None], 1.0) + (1 - p) * loss(x[None], 0.0) for x in logits])
    best = logits[pays.argmin()].item()
    says = 1 / (1 + np.exp(-best)) if form == "bce" else best
    assert says == pytest.approx(p, abs=0.01)


def test_a_move_of_the_discriminator_moves_it_alone():
    G, D = L.compact(16), L.judge()
    light, ab = torch.rand(2, 1, 64, 64), torch.rand(2, 2, 64, 64)
    before = [p.clone() for p in D.parameters()]
    ab_hat = G(light)
    seen = L.move_D(D, torch.optim.Adam(D.parameters()), L.bce, light, ab, ab_hat)
    assert 0 <= seen["hits"] <= 1 and seen["D"] > 0
    assert all(p.grad is None for p in G.parameters())
    assert any((a != b).any() for a, b in zip(before, D.parameters()))
    D.zero_grad()
    L.opinion(D, L.bce, light, ab_hat).backward()
    assert all(p.grad is None for p in D.parameters())
    assert any(p.grad.abs().max() > 0 for p in G.parameters())


def test_least_squares_counts_its_hits_at_one_half():
    D = torch.nn.Conv2d(3, 1, 1)
    torch.nn.init.zeros_(D.weight)
    torch.nn.init.constant_(D.bias, 0.2)  # says painted to all, for least squares
    light, ab = torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 4, 4)
    adam = torch.optim.Adam(D.parameters())
    assert L.move_D(D, adam, L.least_squares, light, ab, ab)["hits"] == 0.5


# A borrowed body


def test_imagenet_weights_are_refused_where_there_are_none(lesson, monkeypatch, capsys):
    import torchvision

    resnet_body = lesson["resnet_body"]

    def unreachable(weights=None):
        raise OSError("no route") if weights else AssertionError

    monkeypatch.setattr(torchvision.models, "resnet18", unreachable)
    capsys.readouterr()
    with pytest.raises(OSError, match='ask for "random"'):
        resnet_body("imagenet")
    assert capsys.readouterr().out == ""


def test_a_body_from_a_file_is_known(lesson, tmp_path):
    from fastai.vision.learner import create_body
    from torchvision.models import resnet18

    file = tmp_path / "body.pt"
    torch.save(create_body(resnet18(), n_in=1, pretrained=False).state_dict(), file)

    def read():
        body = create_body(resnet18(), n_in=1, pretrained=False)
        body.load_state_dict(torch.load(file))
        return body

    assert lesson["from_a_file"](read)
    assert not lesson["from_a_file"](lambda: resnet18())


# The measures


def test_objects_are_found_one_by_one():
    scenes = paintbox.sample(40, 64, seed=5)
    found = L.objects(scenes)
    for number, kind, places in found:
        names = scenes.regions[number].ravel()[places]
        assert (names == paintbox.NAMES.index(L.KINDS[kind])).all() and len(places) >= 10
    per_scene = np.bincount([n for n, k, _ in found if k == 0], minlength=40)
    assert per_scene.max() == 2  # never more than two balloons


def test_measures_of_a_collapse_and_of_confetti():
    scenes = paintbox.sample(60, 64, seed=5)
    one, confetti = np.zeros_like(scenes.ab), np.zeros_like(scenes.ab)
    rng = np.random.default_rng(1)
    for kind, colors in zip(L.KINDS, L.PALETTES):
        at = scenes.regions == paintbox.NAMES.index(kind)
        one[at] = colors[0, 1:]
        confetti[at] = colors[rng.integers(len(colors), size=at.sum()), 1:]
    collapsed, mixed = (L.arm_scores(scenes, [ab]) for ab in (one, confetti))
    assert collapsed["near"][0] == 1 and collapsed["spread"][0] == pytest.approx(0, abs=1e-4)
    wanted = np.mean([1 - colors[0, 0] for colors in L.PALETTES])
    assert collapsed["variation"][0] == pytest.approx(wanted)
    assert mixed["spread"][0] > 20 and mixed["near"][0] < 0.5


# Claims can fail


def test_the_real_picture_claim_fails_for_a_measure_that_likes_it(lesson):
    fails(lesson, answers=lesson["answers"] | {"another draw": lesson["test"].ab})


def test_the_counts_fail_for_other_networks(lesson):
    fails(lesson, Unet=lambda: L.Unet(levels=7, noisy=(4, 5)))
    fails(lesson, patchgan=lambda *x: L.patchgan(2, 64))


def test_the_slope_fails_for_the_same_loss(lesson):
    fails(lesson, bce=lambda logits, real: -L.bce(logits, 0.0))


def test_the_block_fails_for_another_scale(lesson):
    def doubled(*x, **rest):
        return ((2 * L, ab) for L, ab in batches.torch_loader(*x, **rest))

    fails(lesson, batches=other(batches, torch_loader=doubled))


def test_the_twins_part_with_another_weight_of_L1(lesson):
    Adversary = lesson["Adversary"]
    fails(lesson, Adversary=lambda D, lam: Adversary(D, lam=2 * lam))


def test_the_flag_claim_fails_where_weights_come_from_a_file(lesson):
    fails(lesson, from_a_file=lambda build: True)


def test_the_borrowed_body_fails_when_it_is_small(lesson):
    fails(lesson, DynamicUnet=lambda *x: L.Unet(6, 8, ()))


def test_the_exact_rows_fail_for_a_median_that_chooses(lesson):
    rows = L.exact_rows(lesson["test"])
    wrong = rows | {"exact median": rows["another draw"]}
    fails(lesson, exact_rows=lambda scenes: wrong)


def test_the_collapse_claim_fails_for_exchanged_games(lesson):
    stored = lesson["collapse"]
    swap = {"provoked": "both", "both": "provoked"}
    swapped = {
        key: {swap.get(name, name): value for name, value in stored[key].items()}
        for key in ("arms", "rows")
    }
    fails(lesson, collapse=stored | swapped)


def test_the_best_choice_claim_fails_for_exchanged_arms(lesson):
    stored = lesson["on_paintbox"]
    arms = dict(stored["arms"])
    arms["L1"], arms["L1 + GAN"] = arms["L1 + GAN"], arms["L1"]
    fails(lesson, on_paintbox=stored | {"arms": arms})


def test_the_coherence_claim_fails_for_objects_of_one_color(lesson):
    one = lesson["on_paintbox"]["exact"]["another draw"]["spread"]
    fails(lesson, gan=lesson["gan"] | {"spread": one})


def test_the_frequency_claim_fails_for_a_perfect_generator_and_for_L1(lesson):
    exact = lesson["on_paintbox"]["exact"]
    for name in ("another draw", "exact median"):
        fails(lesson, gan=lesson["gan"] | {"variation": exact[name]["variation"]})


def test_the_noise_claim_fails_for_noise_that_is_worth_the_name(lesson):
    stored = lesson["on_paintbox"]
    alive = stored["noise"] | {"dropout": stored["noise"]["the world"]}
    fails(lesson, on_paintbox=stored | {"noise": alive})


def test_the_sweep_claim_fails_for_exchanged_weights(lesson):
    arms = dict(lesson["sweep"]["arms"])
    arms["0"], arms["100"] = arms["100"], arms["0"]
    fails(lesson, sweep=lesson["sweep"] | {"arms": arms})


def test_the_photograph_claim_fails_for_exchanged_arms(lesson):
    stored, swap = lesson["on_photographs"], {"L1": "L1 + GAN", "L1 + GAN": "L1"}
    table = [row | {"name": swap.get(row["name"], row["name"])} for row in stored["table"]]
    fails(lesson, on_photographs=stored | {"table": table})
    psnr = {name: stored["psnr"][swap.get(name, name)] for name in stored["psnr"]}
    fails(lesson, on_photographs=stored | {"psnr": psnr})


def test_the_tie_with_gray_fails_without_a_discriminator_and_for_a_large_file(lesson):
    stored = lesson["on_photographs"]
    better = stored["gain"] | {"L1 + GAN": stored["gain"]["L1"]}
    fails(lesson, on_photographs=stored | {"gain": better})
    fails(lesson, on_all=lesson["on_all"] | {"bytes": 13_000_000})


def test_the_mixed_batch_fails_where_its_statistics_are_not_used(lesson):
    def settled():
        D = lesson["judge"]()
        for part in D.modules():
            part.train(not isinstance(part, torch.nn.BatchNorm2d))
        return D

    fails(lesson, judge=settled)


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(lesson):
    model = Colorizer.load(NAME)
    assert model.metadata["parameters"] == 4_165_954 and model.T is None
    size = (files.CHECKPOINTS / f"{NAME}.onnx").stat().st_size
    assert size == lesson["on_all"]["bytes"] <= 12e6
    assert (files.CHECKPOINTS / f"{NAME}.md").is_file()
    assert model.metadata["metrics"] == lesson["on_all"]["table"]


def test_the_shipped_file_scores_what_is_stored(shared_data, lesson):
    from course_utils import photos

    rgb = photos.load(shared_data / "intel", "test", 150, limit=60, color_only=True)
    model = Colorizer.load(NAME)
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    stored = lesson["on_photographs"]["gain"]["L1 + GAN"][0]
    assert gain.mean() == pytest.approx(stored, abs=4 * gain.std() / len(gain) ** 0.5)
