"""Experiments are stored with their protocol; training that was killed goes on to the same end."""

import json
import re

import numpy as np
import pytest

from course_utils import batches, course, experiments

PROTOCOL = {"data": "nothing", "n": 3, "size": 8, "seed": 1}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def never():
    raise AssertionError("an experiment runs under the full profile only")


# course.experiment


def test_a_stored_result_is_returned_and_not_run(results, monkeypatch):
    results.mkdir()
    (results / "02_x.json").write_text(json.dumps({"score": 2.5}))
    for profile in ("ci", "cpu", "gpu"):
        monkeypatch.setenv("COURSE_PROFILE", profile)
        assert course.experiment("02_x", never) == {"score": 2.5}


def test_a_missing_result_names_the_command(results, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "cpu")
    with pytest.raises(FileNotFoundError, match="make train LESSON=02"):
        course.experiment("02_x", never)


def test_full_runs_it_and_stores_it_with_its_protocol(results, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    made = course.experiment("02_x", lambda: PROTOCOL | {"score": 1.0})
    text = (results / "02_x.json").read_text()
    assert json.loads(text) == made
    assert made["score"] == 1.0 and made["command"] == "make train LESSON=02"
    assert made["versions"]["numpy"] == np.__version__ and "python" in made["versions"]
    assert not re.search(r"\d{4}-\d\d-\d\d|/[a-z]+/", text), "no date and no path"
    assert [p.name for p in results.iterdir()] == ["02_x.json"]


def test_a_result_without_protocol_is_refused(results, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    with pytest.raises(ValueError, match="lacks data, seed"):
        course.experiment("02_x", lambda: {"n": 3, "size": 8})


@pytest.mark.parametrize("bad", [float("nan"), object()])
def test_a_result_that_cannot_be_stored_leaves_the_old_one(results, monkeypatch, bad):
    results.mkdir()
    (results / "02_x.json").write_text('{"score": 2.5}')
    monkeypatch.setenv("COURSE_PROFILE", "full")
    with pytest.raises((ValueError, TypeError)):
        course.experiment("02_x", lambda: PROTOCOL | {"score": bad})
    assert (results / "02_x.json").read_text() == '{"score": 2.5}'


# experiments.train


def tiny():
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input((None, None, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    model = keras.Model(inputs, layers.Conv2D(2, 3, padding="same")(x))
    model.compile(keras.optimizers.RMSprop(), "mse")
    return model


PICTURES = np.random.default_rng(2).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)


def data(number):
    return batches.keras_dataset(PICTURES, 4, 1, number)


def rate(number):
    return 0.01 / (number + 1)


class Killed(Exception):
    pass


def killed_after(epochs):
    def measure(model):
        if int(model.optimizer.iterations.numpy()) > 3 * epochs:
            raise Killed
        return {"seen": int(model.optimizer.iterations.numpy())}

    return measure


def test_killed_and_continued_gives_what_one_run_gives(tmp_path):
    whole = tiny()
    rows = experiments.train(whole, data, 4, rate, measure=killed_after(9))
    with pytest.raises(Killed):
        experiments.train(tiny(), data, 4, rate, tmp_path, killed_after(2))
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["epoch_002.npz"]
    again = tiny()
    continued = experiments.train(again, data, 4, rate, tmp_path, killed_after(9))
    assert [row["epoch"] for row in continued] == [1, 2, 3, 4]
    assert [row["seen"] for row in continued] == [3, 6, 9, 12]
    for one, other in zip(rows, continued):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
    for one, other in zip(whole.get_weights(), again.get_weights()):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)


def test_without_the_optimizers_state_it_would_differ(tmp_path):
    """The state holds more than weights: from weights alone RMSprop goes another way."""
    whole, half = tiny(), tiny()
    experiments.train(whole, data, 3, rate)
    experiments.train(half, data, 2, rate)
    fresh = tiny()
    fresh.set_weights(half.get_weights())
    experiments.train(fresh, lambda n: data(n + 2), 1, lambda n: rate(n + 2))
    gaps = [np.abs(a - b).max() for a, b in zip(whole.get_weights(), fresh.get_weights())]
    assert max(gaps) > 1e-4


def test_a_finished_run_is_only_read(tmp_path):
    rows = experiments.train(tiny(), data, 2, rate, tmp_path)
    assert experiments.train(tiny(), never, 2, rate, tmp_path) == rows


def test_a_half_written_state_is_passed_over(tmp_path):
    experiments.train(tiny(), data, 1, rate, tmp_path)
    (tmp_path / "epoch_002.part").write_bytes(b"half of a file")
    assert len(experiments.train(tiny(), data, 2, rate, tmp_path)) == 2


def test_a_state_of_another_model_is_named(tmp_path):
    experiments.train(tiny(), data, 1, rate, tmp_path)
    import keras

    other = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3)])
    other.compile(keras.optimizers.RMSprop(), "mse")
    with pytest.raises(ValueError, match="epoch_001.npz is of another model"):
        experiments.train(other, data, 2, rate, tmp_path)


# keep_torch and restore_torch


def torch_parts():
    import torch

    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3))
    adam = torch.optim.Adam(module.parameters(), 0.01)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, factor=0.1, patience=0)
    return {"module": module, "adam": adam, "plateau": plateau}


def torch_train(epochs, folder=None, parts_kept=("module", "adam", "plateau"), stop=99):
    """A loop as lessons write it; its rate falls because the loss that it is told does not."""
    import torch

    parts = torch_parts()
    kept = {name: parts[name] for name in parts_kept}
    rows = experiments.restore_torch(folder, **kept)
    for number in range(len(rows), epochs):
        x = torch.full((2, 1, 5, 5), number + 1.0).cumsum(-1).cumsum(0)
        loss = (parts["module"](x) - 1).square().sum()
        parts["adam"].zero_grad()
        loss.backward()
        parts["adam"].step()
        parts["plateau"].step(1.0)
        rows.append({"loss": loss.item(), "rate": parts["adam"].param_groups[0]["lr"]})
        experiments.keep_torch(folder, rows, **kept)
        if number == stop:
            raise Killed
    return parts["module"], rows


def test_torch_killed_and_continued_gives_what_one_run_gives(tmp_path):
    whole, rows = torch_train(4)
    with pytest.raises(Killed):
        torch_train(4, tmp_path, stop=1)
    assert [p.name for p in tmp_path.iterdir()] == ["epoch_002.pt"]
    again, continued = torch_train(4, tmp_path)
    assert continued == rows and rows[-1]["rate"] < rows[0]["rate"]
    for name, value in whole.state_dict().items():
        assert (value == again.state_dict()[name]).all(), name


@pytest.mark.parametrize("lost", ["adam", "plateau"])
def test_torch_goes_another_way_without_a_part(lost, tmp_path):
    whole, rows = torch_train(4)
    kept = [name for name in ("module", "adam", "plateau") if name != lost]
    torch_train(2, tmp_path, kept)
    again, continued = torch_train(4, tmp_path, kept)
    gaps = [(a - b).abs().max().item() for a, b in zip(whole.parameters(), again.parameters())]
    assert max(gaps) > 1e-6


def test_torch_finished_and_unkept_runs(tmp_path):
    _, rows = torch_train(2, tmp_path)
    (tmp_path / "epoch_003.part").write_bytes(b"half of a file")
    assert torch_train(2, tmp_path)[1] == rows
    assert experiments.restore_torch(None, **torch_parts()) == []
    assert experiments.restore_torch(tmp_path / "nowhere", **torch_parts()) == []


def test_a_torch_state_of_another_model_is_named(tmp_path):
    import torch

    torch_train(1, tmp_path)
    for other in ({"module": torch.nn.Conv2d(1, 5, 3)}, {"another": torch.nn.Conv2d(1, 3, 3)}):
        with pytest.raises(ValueError, match="epoch_001.pt is of another model"):
            experiments.restore_torch(tmp_path, **other)


# Photographs


def test_missing_photographs_name_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_SHARED_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="COURSE_SHARED_DATA"):
        experiments.shared("intel")
    (tmp_path / "intel").mkdir()
    assert experiments.shared("intel") == tmp_path / "intel"
