"""The trainings of the shipped colorizers in small: they end, resume, and keep weights that fit."""

import numpy as np
import pytest
import torch

from course_utils.networks.unet import Unet
from experiments import learning, trainings
from experiments.runner import Run


@pytest.fixture
def small(monkeypatch):
    """Six noisy pictures in place of all photographs, and two short rows of training."""
    rgb = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
    monkeypatch.setattr(learning, "photographs", lambda: (rgb, rgb[:2]))
    monkeypatch.setattr(trainings, "test_sets", lambda: {"diverse": rgb[:3], "Intel": rgb[:2]})
    train = learning.train
    short = {"sides": (64,), "rows": 2}
    monkeypatch.setattr(learning, "train", lambda *a, **k: train(*a, **(k | short)))
    return rgb


def fits(path, out, finest):
    learning.from_arrays(Unet(out, finest, "random"), path)


def test_s4_ends_what_was_begun(small, tmp_path):
    options = {"steps": 4, "stop": 2, "batch": 2, "finish": 2, "finish_batch": 2}
    result = trainings.s4(Run(tmp_path), **options)
    assert [[row["step"] for row in rows] for rows in result["rows"]] == [[2], [1, 2]]
    assert {name: len(x) for name, x in result["psnr"].items()} == {"diverse": 3, "Intel": 2}
    fits(tmp_path / "weights.npz", 2, 2)
    assert trainings.s4(Run(tmp_path), **options) == result  # both states had ended


def test_frozen_encoders_stay_as_they_are(small, tmp_path):
    options = {"steps": 2, "batch": 2}
    pictures = learning.on_device(small, "cpu")
    start = trainings.network(2, 2, "random", 1).state_dict()
    for name, moves in (("random, frozen", False), ("from nothing", True)):
        arguments = name, 1, pictures, small[:2], 1e-3, options
        net, rows = trainings.train_arm(Run(tmp_path), *arguments)
        same = [torch.equal(v, start[k]) for k, v in net.state_dict().items() if "encoder" in k]
        assert all(same) is not moves and len(rows) == 2
        head = net.state_dict()["head.weight"]
        assert not torch.equal(head, start["head.weight"])  # the decoder learns in every arm


@pytest.fixture
def of_s4(monkeypatch, tmp_path):
    """Weights of a network that nobody trained, as those of S4."""
    path = tmp_path / "s4.npz"
    net = Unet(2, 2, "random", 7)
    learning.keep_weights(path, learning.torch_arrays(net))
    monkeypatch.setattr(trainings, "weights", lambda name: path)
    return net.state_dict()


def kept(path, names):
    with np.load(path) as arrays:
        return {name: arrays[name].astype(np.float32) for name in names}


def test_s2_learns_a_distribution_on_the_features_of_s4(small, of_s4, tmp_path):
    result = trainings.s2(Run(tmp_path), steps=2, batch=2)
    assert result["rows"][-1]["loss"] > 1.2  # the entropy of soft targets
    assert len(result["prior"]) == 313 and abs(sum(result["prior"]) - 1) < 1e-6
    fits(tmp_path / "weights.npz", 313, 4)
    for name, value in kept(tmp_path / "weights.npz", [k for k in of_s4 if "encoder" in k]).items():
        assert np.allclose(value, of_s4[name].numpy(), rtol=1e-3, atol=1e-6), name


def test_s3_plays_from_where_L1_ended(small, of_s4, tmp_path):
    result = trainings.s3(Run(tmp_path), steps=2, game=2, batch=2, lams=(100.0,))
    game = result["arms"]["L1 and D, λ = 100"]
    assert len(result["arms"]["L1 alone"]["rows"]) == len(game["rows"]) == 2
    assert all(0 <= row["D"] < 10 for row in game["rows"])
    for name in ("L1", "game_100"):
        fits(tmp_path / f"{name}.npz", 2, 2)
    with np.load(tmp_path / "L1.npz") as one, np.load(tmp_path / "game_100.npz") as other:
        assert any((one[k] != other[k]).any() for k in one.files)
        assert all((one[k] == other[k]).all() for k in one.files if "encoder" in k)
    assert trainings.s3(Run(tmp_path), steps=2, game=2, batch=2, lams=(100.0,)) == result
