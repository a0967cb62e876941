"""Lesson 06: its two networks are the published ones, the game is the game, its claims can fail."""

import sys

import numpy as np
import pytest
import torch
from lesson_code import fails, ran, source

from course_utils import batches, color, course, files, metrics, paintbox
from course_utils.colorizer import Colorizer
from experiments import lesson as exports

L = exports("06")
NAME = "06_pix2pix_gan"
F = torch.nn.functional


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    yield from ran(source("06"), tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def end():
    """What is stored of the shipped network."""
    stored = course.result("06/checkpoint")
    if "arms" not in stored:
        pytest.skip("06/checkpoint is not made anew yet")
    return stored


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
    assert L.patchgan()(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)
    for layers, side in ((1, 16), (2, 34), (3, 70)):
        assert lesson["receptive_field"](L.patchgan(layers, 8), 160)[1] == side


def test_a_student_stage_takes_the_place_of_the_courses_own(lesson):
    torch.manual_seed(0)
    x = torch.rand(2, 1, 32, 64)
    network = L.compact(8, stage=lesson["Stage"])
    assert L.parameters(network) == L.parameters(L.compact(8))
    assert network(x).shape == (2, 2, 32, 64)


def test_a_cut_stage_hands_over_nothing_and_is_else_the_same(lesson):
    """Its parameters are those of the whole stage; what comes in reaches the output by `up`."""
    torch.manual_seed(0)
    whole, cut = (
        kind(3, 4, torch.nn.Conv2d(4, 8, 1)) for kind in (L.Level, lesson["cut"](L.Level))
    )
    cut.load_state_dict(whole.state_dict())
    x = torch.rand(2, 3, 8, 8)
    before, after = whole(x), cut(x)
    assert torch.equal(before[:, :3], x) and not after[:, :3].any()
    assert torch.equal(before[:, 3:], after[:, 3:])


def test_instance_noise_leaves_L_alone_and_rests_in_evaluation():
    torch.manual_seed(0)
    layer, x = L.InstanceNoise(0.1), torch.zeros(4, 3, 50, 50)
    noisy = layer(x)
    assert not noisy[:, :1].any() and noisy[:, 1:].std().item() == pytest.approx(0.1, rel=0.05)
    assert torch.equal(layer.eval()(x), x)


# The device


def test_everything_stays_on_the_device_that_is_given():
    """The device "meta" computes nothing; what is elsewhere cannot be joined with it."""
    G, D = L.compact(16).to("meta"), L.discriminator().to("meta")
    light, ab = torch.rand(2, 1, 64, 64, device="meta"), torch.rand(2, 2, 64, 64, device="meta")
    for form in (L.bce, L.least_squares):
        paid = [L.cost(player, D, form, light, ab, G(light)) for player in "DG"]
        assert {x.device.type for x in paid} == {"meta"}


def test_a_game_takes_the_device_that_is_given_and_not_the_one_of_fastai(monkeypatch):
    """As under the cpu profile on Apple silicon, or beside a GPU: fastai's default is another."""
    for name, module in list(sys.modules.items()):
        if name.startswith("fastai") and hasattr(module, "default_device"):
            monkeypatch.setattr(module, "default_device", lambda use=-1: torch.device("meta"))
    scenes = paintbox.sample(4, 32, seed=1)
    dls = batches.fastai_dataloaders(scenes, scenes, 4, 1, device="cpu")
    G, played = L.compact(8), L.Adversary(L.discriminator(1, 8))
    made = L.learner(G, dls, cbs=played)
    with made.no_logging():
        made.fit(1, 1e-3)
    assert np.isfinite(played.paid).all() and next(G.parameters()).device.type == "cpu"
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


def test_each_player_is_moved_by_its_own_loss(lesson):
    for pays in (L.cost, lesson["pays"]):
        G, D = L.compact(8), L.discriminator(1, 8)
        light, ab = torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32)
        pays("D", D, L.bce, light, ab, G(light)).backward()
        assert all(p.grad is None for p in G.parameters())
        assert any(p.grad.abs().max() > 0 for p in D.parameters())
        pays("G", D, L.bce, light, ab, G(light)).backward()
        assert any(p.grad.abs().max() > 0 for p in G.parameters())


@pytest.mark.parametrize("lam", [10.0, 0.0])
def test_the_callback_is_the_loop(lam):
    """From the same weights, on the same batches, on the processor."""
    scenes = paintbox.sample(8, size=32, seed=1)
    ends = []
    for by_fastai in (False, True):
        torch.manual_seed(1)
        G, D = L.compact(8), L.discriminator(1, 8)
        begin = [weights.detach().clone() for weights in G.parameters()]
        dls = batches.fastai_dataloaders(scenes, scenes, 4, 1, device="cpu")
        torch.manual_seed(2)
        if by_fastai:
            made = L.learner(G, dls, cbs=L.Adversary(D, lam=lam))
            with made.no_logging():
                made.fit(1, 1e-3)
        else:
            adams = [torch.optim.Adam(x.parameters(), 1e-3, (0.5, 0.999)) for x in (G, D)]
            for light, ab in dls.train:
                L.play(G, D, *adams, light, ab, lam=lam)
        ends.append([p.detach() for net in (G, D) for p in net.parameters()])
    apart = max((a - b).abs().max().item() for a, b in zip(*ends))
    moved = max((a - b).abs().max().item() for a, b in zip(ends[0], begin))
    assert apart < 1e-5 < 1e-4 < moved


# The bugs of exercise 4, each seen in one step


def one_step(step):
    """How far G and D moved, what both paid, in a step from the same weights; D may be asleep."""
    torch.manual_seed(3)
    G, D = L.compact(8), L.discriminator(1, 8, noise=0.0)
    light, ab = torch.rand(4, 1, 32, 32), torch.rand(4, 2, 32, 32)
    steps = [torch.optim.SGD(net.parameters(), 0.1) for net in (G, D)]
    begin = [[p.detach().clone() for p in net.parameters()] for net in (G, D)]
    paid = step(G, D, *steps, light, ab)
    moved = [
        torch.cat([(p - q).detach().ravel() for p, q in zip(net.parameters(), old)])
        for net, old in zip((G, D), begin)
    ]
    return [*moved, paid, D.training]


def test_bugs_do_what_their_names_say(lesson):
    def with_bug(name):
        return one_step(lambda *x: lesson["with_bugs"](name, *x))

    G, D, paid, awake = with_bug("")
    assert awake
    assert not torch.allclose(with_bug("labels swapped")[1], D)
    attached = with_bug("no detach")
    assert torch.allclose(attached[1], D) and not torch.allclose(attached[0], G)
    both = with_bug("G's step moves D")
    assert torch.allclose(both[0], G) and not torch.allclose(both[1], D)
    asleep = with_bug("D.eval()")
    assert not asleep[3] and asleep[2] != paid


def test_the_repaired_step_is_the_one_without_bugs(lesson):
    wanted = one_step(lambda *x: lesson["with_bugs"]("", *x))
    for a, b in zip(wanted[:2], one_step(lesson["repair"])[:2]):
        assert torch.allclose(a, b, atol=1e-6)


# Live training


def test_watch_keeps_a_row_and_a_scene_for_each_epoch(lesson):
    scenes = paintbox.sample(8, 32, seed=1)
    dls = batches.fastai_dataloaders(scenes, scenes, 4, 1, device="cpu")
    watch = lesson["Watch"](scenes.L[:1])
    made = L.learner(L.compact(8), dls, cbs=watch)
    with made.no_logging():
        made.fit(2, 1e-3)
    assert np.shape(watch.curve) == (2, 2) and np.isfinite(watch.curve).all()
    assert [ab.shape for ab in watch.scene] == [(32, 32, 2)] * 2
    ab = L.colors_of(made.model.eval(), scenes.L)
    last = np.abs(ab - scenes.ab).mean() / color.AB_SCALE
    assert watch.curve[-1][1] == pytest.approx(last, rel=1e-3)


def test_refining_begins_with_the_colors_that_came_in_and_can_change_them(lesson):
    G, x = lesson["Refine"](), torch.rand(2, 3, 64, 96)
    assert torch.equal(G(x), x[:, 1:])
    G(x).square().mean().backward()
    assert G.last.weight.grad.abs().max() > 0


# Claims can fail


def test_the_pixel_claim_fails_for_a_measure_that_likes_the_sample(lesson):
    test = lesson["test"]
    fails(lesson, paintbox=Same(test))


class Same:
    """paintbox, where another draw is the same one."""

    def __init__(self, scenes):
        self.scenes = scenes

    def sample(self, *x, **how):
        return self.scenes


def test_the_counts_fail_for_other_networks(lesson):
    fails(lesson, Unet=lambda: L.Unet(levels=7, noisy=(4, 5)))
    fails(lesson, patchgan=lambda *x: L.patchgan(2, 64))


def test_the_claim_of_L1_fails_for_exchanged_arms(lesson, monkeypatch):
    stored = course.result("06/paintbox")
    arms = dict(stored["arms"])
    arms["L1"], arms["L1 + GAN"] = arms["L1 + GAN"], arms["L1"]
    swapped = Stored({"06/paintbox": stored | {"arms": arms}})
    fails(lesson, course=swapped)


class Stored:
    """course, with some results replaced."""

    claim = staticmethod(course.claim)

    def __init__(self, results):
        self.results = results

    def result(self, name):
        return self.results.get(name) or course.result(name)


def test_the_end_says_ahead_only_where_an_interval_says_so(lesson, end):
    """Without an advantage the first figure says NOT; with one, in either measure, it does not."""
    ours, names = end["shipped"], ("OURS", "arms", "vivid", "told", "true_color", "metrics", "np")
    cells = [c for c in lesson.cells if "VERDICT" in c.makes]
    key, off = f"{ours} - L1 × k", lesson["off"]
    tie = {"frechet": {key: [0.0, -1.0, 1.0]}}, off | {"L1 × k": off[ours]}
    better = {"frechet": {key: [-2.0, -3.0, -1.0]}}, off
    for (changed, distances), wanted in ((tie, "NOT ahead of"), (better, ": ahead of")):
        space = {name: lesson[name] for name in names} | {"END": end | changed, "off": distances}
        for cell in cells:
            exec(cell.code, space)
        assert wanted in space["VERDICT"]


# The shipped file


def test_the_shipped_file_is_what_the_lesson_says(end):
    model = Colorizer.load(NAME)
    assert (files.CHECKPOINTS / f"{NAME}.onnx").stat().st_size <= 12e6
    assert model.metadata["metrics"] == [r for s in end["sets"].values() for r in s["table"]]


def test_the_shipped_file_scores_what_is_stored(shared_data, end):
    from course_utils import photos

    rgb = photos.load(shared_data / "intel", "test", 128, limit=60, color_only=True)
    model = Colorizer.load(NAME)
    gain = metrics.psnr(rgb, [model.colorize(x) for x in rgb])
    gain = gain - metrics.psnr(rgb, [metrics.paint_gray(x) for x in rgb])
    mean = end["sets"]["Intel"]["gain"]["S3"][0]
    assert gain.mean() == pytest.approx(mean, abs=4 * gain.std() / len(gain) ** 0.5)
