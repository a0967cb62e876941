"""Batches: every picture once, the same again for the same number, and geometry that is right."""

import numpy as np
import pytest
from PIL import Image

from course_utils import batches, color, paintbox


class Fixed:
    """A generator that draws what it is told: flip, rotation, shear, zoom."""

    def __init__(self, *draws):
        self.draws = np.array(draws, float)

    def uniform(self, size):
        assert size == len(self.draws)
        return self.draws


@pytest.fixture(scope="module")
def smooth():
    """A photograph without edges, so that two ways to resample it agree: uint8 (48, 64, 3)."""
    small = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def photographs():
    return np.random.default_rng(4).integers(0, 256, (11, 16, 16, 3), dtype=np.uint8)


def all_of(batches_of_epoch):
    return [np.concatenate(parts) for parts in zip(*batches_of_epoch)]


# augment


def test_nothing_drawn_leaves_the_picture_and_a_flip_mirrors_it(smooth):
    assert np.array_equal(batches.augment(smooth, Fixed(0.9, 0.5, 0.5, 0)), smooth)
    assert np.array_equal(batches.augment(smooth, Fixed(0.1, 0.5, 0.5, 0)), smooth[:, ::-1])


def inner(picture):
    return picture[14:-14, 14:-14].astype(float)


def test_it_turns_about_the_center_by_the_stated_angle(smooth):
    turned = batches.augment(smooth, Fixed(0.9, 1.0, 0.5, 0))
    angles = {
        angle: np.abs(
            inner(turned)
            - inner(np.asarray(Image.fromarray(smooth).rotate(angle, Image.Resampling.BILINEAR)))
        ).mean()
        for angle in (-batches.ROTATION, 0, batches.ROTATION / 2, batches.ROTATION)
    }
    assert angles[batches.ROTATION] < 1.5
    assert min(angles.values()) == angles[batches.ROTATION]


def test_it_zooms_in_about_the_center(smooth):
    zoomed = batches.augment(smooth, Fixed(0.9, 0.5, 0.5, 1.0))
    height, width = smooth.shape[0] / batches.ZOOM, smooth.shape[1] / batches.ZOOM
    box = (64 - width) / 2, (48 - height) / 2, (64 + width) / 2, (48 + height) / 2
    wanted = Image.fromarray(smooth).resize((64, 48), Image.Resampling.BILINEAR, box)
    assert np.abs(inner(zoomed) - inner(np.asarray(wanted))).mean() < 1.5


def test_shear_moves_rows_apart_and_keeps_the_middle_one(smooth):
    sheared = batches.augment(smooth, Fixed(0.9, 0.5, 1.0, 0)).astype(float)
    middle = (sheared[23:25] - smooth[23:25])[:, 8:-8]
    edge = (sheared[:2] - smooth[:2])[:, 8:-8]
    assert np.abs(middle).mean() < 2 < np.abs(edge).mean()


def test_there_is_no_frame_and_colors_are_left_alone():
    rng = np.random.default_rng(0)
    flat = np.full((20, 20, 3), (200, 30, 90), np.uint8)
    for _ in range(20):
        assert np.array_equal(batches.augment(flat, rng), flat)
    for corner in ((0, 0, 0, 1), (0.9, 0, 0, 0), (0.9, 1, 1, 0)):  # the widest turns of all
        assert np.array_equal(batches.augment(flat, Fixed(*corner)), flat)


def test_the_augmented_picture_is_resampled_once_before_lab(photographs):
    """L and ab of a batch are those of one RGB picture: they lie in the gamut together."""
    L, ab = all_of(batches.epoch(photographs, 11, 1, 0))
    assert color.in_gamut(color.join(L, ab), tol=1e-3).all()


# epoch


def test_an_epoch_is_a_function_of_seed_and_number(photographs):
    def first(seed, number):
        return all_of(batches.epoch(photographs, 4, seed, number))[1]

    assert np.array_equal(first(1, 2), first(1, 2))
    assert not np.array_equal(first(1, 2), first(1, 3))
    assert not np.array_equal(first(1, 2), first(2, 2))


def test_unaugmented_epochs_show_every_picture_once_as_it_is(photographs):
    L, ab = all_of(batches.epoch(photographs, 1, 7, 0, augmented=False))
    lab = color.rgb_to_lab(photographs)
    shown = color.join(L, ab)
    which = [int(np.abs(lab - picture).sum((1, 2, 3)).argmin()) for picture in shown]
    assert sorted(which) == list(range(11)) and which != list(range(11))
    assert np.array_equal(shown, lab[which])


def test_what_does_not_fill_a_batch_waits(photographs):
    shapes = [L.shape for L, _ in batches.epoch(photographs, 4, 1, 0)]
    assert shapes == [(4, 16, 16, 1)] * 2


def test_scenes_are_flipped_and_nothing_else():
    scenes = paintbox.sample(12, 32, seed=5)
    L, ab = all_of(batches.epoch(scenes, 12, 1, 0))
    both = [np.concatenate([s.L, s.ab], -1) for s in (scenes, scenes.flip())]
    kinds = []
    for picture in np.concatenate([L, ab], -1):
        kinds.append([any(np.array_equal(picture, x) for x in same) for same in both])
    kinds = np.array(kinds)
    assert (kinds.sum(1) == 1).all(), "L and ab are flipped together or not at all"
    assert 0 < kinds[:, 0].sum() < 12
    L, _ = all_of(batches.epoch(scenes, 12, 1, 0, augmented=False))
    assert np.array_equal(np.sort(L.sum((1, 2, 3))), np.sort(scenes.L.sum((1, 2, 3))))


@pytest.mark.parametrize(
    "source, batch, words",
    [
        (np.zeros((3, 8, 8, 3), np.float32), 2, "uint8 photographs"),
        (np.zeros((3, 8, 8), np.uint8), 2, "uint8 photographs"),
        (np.zeros((3, 8, 8, 3), np.uint8), 4, "A batch of 4 cannot be drawn from 3"),
        (np.zeros((3, 8, 8, 3), np.uint8), 0, "A batch of 0"),
    ],
)
def test_a_source_that_will_not_do_is_named(source, batch, words):
    with pytest.raises(ValueError, match=words):
        next(batches.epoch(source, batch, 1, 0))


# The frameworks


def test_keras_and_torch_see_the_same_numbers(photographs):
    wanted = list(batches.epoch(photographs, 4, 1, 6))
    dataset = batches.keras_dataset(photographs, 4, 1, 6, ab_scale=128.0)
    assert len(dataset) == 2
    for seen in (
        [(x.numpy(), y.numpy()) for x, y in dataset],
        [
            (np.moveaxis(x.numpy(), 1, -1), np.moveaxis(y.numpy(), 1, -1))
            for x, y in batches.torch_loader(photographs, 4, 1, 6, ab_scale=128.0)
        ],
    ):
        assert len(seen) == len(wanted)
        for (x, y), (L, ab) in zip(seen, wanted):
            assert x.dtype == y.dtype == np.float32
            np.testing.assert_allclose(x, L / 100, rtol=1e-6)
            np.testing.assert_allclose(y, ab / 128, rtol=1e-6)


@pytest.mark.parametrize("augmented", [True, False])
def test_keras_makes_every_batch_once(photographs, monkeypatch, augmented):
    converted, convert = [], color.rgb_to_lab
    monkeypatch.setattr(color, "rgb_to_lab", lambda rgb: converted.append(len(rgb)) or convert(rgb))
    dataset = batches.keras_dataset(photographs, 4, 1, 0, augmented)
    assert converted == [], "shapes need no batch"
    first = [x.numpy() for x, _ in dataset]
    assert converted == [4, 4]
    assert all(np.array_equal(x, again.numpy()) for x, (again, _) in zip(first, dataset))


def test_keras_refuses_a_source_at_once(photographs):
    with pytest.raises(ValueError, match="A batch of 99"):
        batches.keras_dataset(photographs, 99, 1, 0)


# fastai


def drawn(loader):
    return [tuple(x.numpy() for x in pair) for pair in loader]


def wanted(source, number, augmented=True):
    return drawn(batches.torch_loader(source, 4, 1, number, augmented, ab_scale=128.0))


def same(one, other):
    return len(one) == len(other) and all(
        np.array_equal(x, y) for a, b in zip(one, other) for x, y in zip(a, b)
    )


def test_fastai_sees_the_epochs_that_torch_sees(photographs):
    given = {"ab_scale": 128.0, "device": "cpu"}
    dls = batches.fastai_dataloaders(photographs, photographs[:5], 4, 1, **given)
    assert len(dls.train) == len(photographs) // 4 and len(dls.valid) == 1
    dls.train.one_batch()  # a look at the data moves no epoch on
    for number in range(3):
        assert same(drawn(dls.train), wanted(photographs, number))
        assert same(drawn(dls.valid), wanted(photographs[:5], 0, augmented=False))
    later = batches.fastai_dataloaders(photographs, photographs[:5], 4, 1, 2, **given)
    assert same(drawn(later.train), wanted(photographs, 2)), "a run that was interrupted goes on"
    assert not same(wanted(photographs, 0), wanted(photographs, 2))


def test_a_learner_trains_on_it_and_judges_by_it(photographs):
    import torch
    from fastai.callback.progress import ProgressCallback  # noqa: F401  (brings no_bar)
    from fastai.learner import Learner

    torch.manual_seed(1)
    dls = batches.fastai_dataloaders(photographs, photographs[:4], 4, 1, device="cpu")
    network = torch.nn.Conv2d(1, 2, 3, padding=1)
    learn = Learner(dls, network, torch.nn.MSELoss(), lr=1e-3)
    with learn.no_bar(), learn.no_logging():
        learn.fit(2)
        steps = len(learn.recorder.losses)
        (judged,) = learn.validate()
    assert steps == 2 * (len(photographs) // 4)
    assert dls.train.dataset.number == 2
    network.eval()
    with torch.no_grad():
        ((x, y),) = batches.torch_loader(photographs[:4], 4, 1, 0, augmented=False)
        assert judged == pytest.approx(float(((network(x) - y) ** 2).mean()), rel=1e-5)


def test_fastai_refuses_what_torch_refuses(photographs):
    with pytest.raises(ValueError, match="A batch of 99"):
        batches.fastai_dataloaders(photographs, photographs, 99, 1, device="cpu")


@pytest.mark.parametrize("other", ["cuda", "mps", "meta"])
def test_the_device_is_the_one_that_was_given(photographs, monkeypatch, other):
    """fastai's own `default_device` may be another one (Apple silicon under the cpu profile)."""
    import fastai.callback.core
    import fastai.data.core
    import fastai.learner
    import fastai.torch_core
    import torch

    for module in (fastai.torch_core, fastai.data.core, fastai.callback.core, fastai.learner):
        monkeypatch.setattr(module, "default_device", lambda use=-1: torch.device(other))
    dls = batches.fastai_dataloaders(photographs, photographs[:4], 4, 1, device="cpu")
    learn = fastai.learner.Learner(dls, torch.nn.Conv2d(1, 2, 1), torch.nn.MSELoss())
    with learn.no_logging():
        learn.fit(1, lr=1e-3)
    assert next(learn.model.parameters()).device.type == "cpu"
    assert {x.device.type for pair in dls.train for x in pair} == {"cpu"}
    assert np.isfinite(learn.recorder.log[1])
    elsewhere = batches.fastai_dataloaders(photographs, photographs[:4], 4, 1, device="meta")
    assert {x.device.type for x in elsewhere.train.one_batch()} == {"meta"}


def test_a_device_must_be_named(photographs):
    with pytest.raises(TypeError, match="device"):
        batches.fastai_dataloaders(photographs, photographs, 4, 1)
