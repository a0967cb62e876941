"""The recipe of the shipped colorizers: what is learned from, how it is varied, the loop."""

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import color, photos
from course_utils.colorizer import Colorizer
from data_scripts import shards
from experiments import data, learning, recipe, trainings

RED, BLUE = (200, 60, 40), (40, 60, 200)


@pytest.fixture(scope="module")
def colors():
    """Forty flat pictures (N, 3, 32, 32) of two colors, which L tells apart."""
    rgb = np.empty((40, 32, 32, 3), np.uint8)
    rgb[:20], rgb[20:] = RED, BLUE
    return rgb


def test_an_aged_picture_keeps_its_colors(colors):
    pictures = learning.on_device(colors, "cpu")
    L, ab = learning.batch_of(pictures, 64, seed=1, step=0)
    plain = color.L(pictures / 255).unique() / 100
    flat = L.amax((1, 2, 3)) - L.amin((1, 2, 3)) < 1e-4
    same = (L[:, :, :1, :1].flatten(1) - plain).abs().amin(1) < 1e-3
    old = ~(flat & same)
    assert 0.15 < old.float().mean() < 0.55  # AGED of them, and this batch holds 64
    truth = color.ab(pictures / 255)[[0, -1], :, 0, 0] / color.AB_SCALE
    nearest = (ab.mean((2, 3))[:, None] - truth).norm(dim=-1).amin(1)
    assert nearest.max() < 0.02  # however old the gray picture is, the target is the true color


def test_a_step_is_a_function_of_seed_and_number(colors):
    pictures = learning.on_device(colors, "cpu")
    first = learning.batch_of(pictures, 8, 1, 5)
    again = learning.batch_of(pictures, 8, 1, 5)
    other = learning.batch_of(pictures, 8, 1, 5 + len(learning.SIDES))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    sides = {learning.batch_of(pictures, 2, 1, step)[0].shape[-1] for step in range(3)}
    assert sides == set(learning.SIDES)


def test_views_are_cut_from_inside():
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None], (8, 64, 64, 3))
    generator = torch.Generator().manual_seed(0)
    cut = 255 * learning.views(learning.on_device(ramp, "cpu"), 32, generator)
    width = (cut[:, 0, 0, -1] - cut[:, 0, 0, 0]).abs()
    assert (width >= 0.3 * 64 - 3).all() and (width <= 64).all()
    assert cut.min() >= 0 and cut.max() <= 63.01
    assert len({bool(x > 0) for x in cut[:, 0, 0, -1] - cut[:, 0, 0, 0]}) == 2  # some are mirrored


def test_the_rate_rises_once_and_ends_at_nothing():
    rates = [learning.rate(step, 400) for step in range(400)]
    top = int(np.argmax(rates))
    assert rates[0] < 0.1 and rates[top] > 0.99 and rates[-1] < 1e-3
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top:]) <= 0).all()


def folder_like_imagenette(place, rgb):
    """train/CLASS/*.png and test/CLASS/*.png, as `data_scripts.imagenette` leaves them."""
    rng = np.random.default_rng(0)
    for i, picture in enumerate(rgb):
        half = "test" if i % 5 == 0 else "train"
        file = place / half / ("n01440764" if i % 2 else "n02102040") / f"{i:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 40, (160, 120, 3))  # no two are alike
        Image.fromarray(np.clip(picture[0, 0] + noise, 0, 255).astype(np.uint8)).save(file)
    return place


def test_a_colorizer_of_your_own_folder(tmp_path, colors, monkeypatch, capsys):
    folder = folder_like_imagenette(tmp_path / "imagenette", colors)
    monkeypatch.setattr(recipe, "LEAST", 10)
    monkeypatch.setattr(learning, "SIDES", (32,))
    monkeypatch.setattr(learning, "VALIDATION", 8)
    out = tmp_path / "mine.onnx"
    with pytest.raises(ValueError, match="at least 40000"):
        monkeypatch.setattr(recipe, "LEAST", 40000)
        recipe.of_folders([folder])
    monkeypatch.setattr(recipe, "LEAST", 10)
    assert recipe.main([str(folder), "-o", str(out), "--steps", "20", "--batch", "4"]) == 0
    assert "left out" in capsys.readouterr().out
    model = Colorizer.load(out)
    assert model.metadata["data"].startswith("28 photographs of imagenette")
    told = model.colorize(np.asarray(Image.open(sorted(folder.glob("test/*/*.png"))[0])))
    assert told.shape == (160, 120, 3)
    before = out.read_bytes()
    assert recipe.main([str(folder), "-o", str(out), "--steps", "20", "--batch", "4"]) == 0
    assert out.read_bytes() == before  # the state had ended: nothing was trained
    with pytest.raises(SystemExit):
        recipe.main([str(folder), "-o", str(out), "--steps", "20", "--batch", "5"])
    assert "another batch" in capsys.readouterr().err


@pytest.fixture
def short(monkeypatch):
    """Pictures of 32 px in every batch; folders may be small."""
    monkeypatch.setattr(recipe, "LEAST", 10)
    monkeypatch.setattr(learning, "SIDES", (32,))
    monkeypatch.setattr(
        learning.train,
        "__kwdefaults__",
        learning.train.__kwdefaults__ | {"sides": (32,), "rows": 2},
    )


def test_shards_make_a_colorizer_that_is_a_distribution(tmp_path, colors, short, capsys):
    shards.write((x.repeat(2, 0).repeat(2, 1) for x in colors), tmp_path / "shards", count=10)
    out = tmp_path / "mine.onnx"
    arguments = ["--shards", str(tmp_path / "shards"), "-o", str(out), "--system", "S2"]
    assert recipe.main([*arguments, "--steps", "4", "--batch", "4"]) == 0
    assert "10 photographs left out" in capsys.readouterr().out
    model = Colorizer.load(out)
    assert model.T == 1 and model.rebalances and model.metadata["data"] == "3 shards of shards"


@pytest.mark.stress
def test_a_colorizer_that_played_against_a_discriminator(tmp_path, colors, short, monkeypatch):
    keywords = learning.train.__kwdefaults__ | {"sides": (64,)}  # D looks at half of it
    monkeypatch.setattr(learning.train, "__kwdefaults__", keywords)
    pictures = learning.on_device(colors.repeat(2, 1).repeat(2, 2), "cpu")
    about = {"data": "flat colors", "data_licence": "none"}
    options = {"steps": 4, "batch": 4, "weights": "random"} | about
    alone = recipe.train(pictures, colors[:4], tmp_path / "alone.onnx", "S4", **options)
    played = recipe.train(pictures, colors[:4], tmp_path / "played.onnx", "S3", **options)
    assert list((tmp_path / "played.state" / "game").iterdir())
    assert alone.read_bytes() != played.read_bytes()


def test_weights_travel_through_the_file_of_a_training(tmp_path):
    net = trainings.network(2, 2, "random", 1).eval()
    learning.keep_weights(tmp_path / "weights.npz", learning.torch_arrays(net))
    twin = trainings.network(2, 2, "random", 2).eval()
    learning.from_arrays(twin, tmp_path / "weights.npz")
    x = torch.rand(1, 1, 64, 32)
    with torch.no_grad():
        assert (net(x) - twin(x)).abs().max() < 0.02 * net(x).abs().max()


@pytest.mark.stress
def test_no_training_sees_a_test_photograph():
    """Byte for byte and by looks: no album test picture, nor one of the other test sets."""
    try:
        data.shared("diverse")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    learned, watched = learning.photographs()
    seen = np.concatenate([learned, watched])
    small = seen[:, 4::8, 4::8].reshape(len(seen), -1).astype(np.float32)
    for name, (_, rgb) in data.test_sets().items():
        side = rgb.shape[1]
        tested = rgb[:, side // 32 :: side // 16, side // 32 :: side // 16][:, :16, :16]
        for picture in tested.reshape(len(rgb), -1).astype(np.float32):
            distance = np.sqrt(((small - picture) ** 2).mean(1)).min()
            assert distance > 4, (name, distance)


def test_the_album_is_split_before_it_is_learned_from(monkeypatch):
    """`photographs` takes the album's training split and nothing else of it."""
    taken = []
    monkeypatch.setattr(learning, "shared", lambda name: learning.Path(name))
    monkeypatch.setattr(learning, "intel", lambda: np.zeros((2, 128, 128, 3), np.uint8))
    monkeypatch.setattr(
        photos, "load", lambda source, split, size, **_: np.zeros((2, size, size, 3), np.uint8)
    )
    square = learning.square
    monkeypatch.setattr(
        learning, "square", lambda rgb, side: taken.append(rgb) or square(rgb, side)
    )
    learning.photographs()
    titles = {p.rgb.tobytes() for p in photos.album("test")}
    of_album = {rgb.tobytes() for rgb in taken}
    assert {p.rgb.tobytes() for p in photos.album("train")} <= of_album
    assert not titles & of_album
