"""Experiments of lesson 03 at toy size: what they store, and that a killed one goes on."""

import json

import numpy as np
import pytest
from experiment_toys import ADDED, Killed
from lesson_code import noise

from course_utils import batches, color, course, metrics, paintbox, photos
from course_utils.colorizer import Colorizer
from experiments import lesson_03
from experiments.runner import Run

L = lesson_03.L
# TensorFlow says that data sets stay graphs where all else is eager.
pytestmark = pytest.mark.filterwarnings("ignore:Even though the .tf.config")


@pytest.fixture(scope="module", autouse=True)
def eagerly():
    """No graphs are traced: at this size that would take three quarters of the time."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def kill(patch, calls):
    """Let training stop when it asks for its batches for the `calls`-th time."""
    whole, asked = batches.keras_dataset, []

    def keras_dataset(*given, **options):
        asked.append(given)
        if len(asked) == calls:
            raise Killed
        return whole(*given, **options)

    patch.setattr(batches, "keras_dataset", keras_dataset)


def keys(value):
    """The keys of a result, those of its rows among them; lists of numbers have none."""
    if isinstance(value, dict):
        return {key: keys(x) for key, x in value.items()}
    return keys(value[0]) if isinstance(value, list) and value else None


def check_keys(result, name, but=()):
    """The result, as json has it, is built like the stored one; `but` names what may differ."""
    pair = [course.result(name), json.loads(json.dumps(result))]
    stored, made = ({k: keys(v) for k, v in x.items() if k not in ADDED | {*but}} for x in pair)
    assert made == stored
    assert result.keys() == pair[0].keys() - ADDED


# With and without

SMALL = {"n": 16, "epochs": 2, "n_test": 4, "seeds": (1,), "size": 64}


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    return lesson_03.fusion(Run(tmp_path_factory.mktemp("fusion")), **SMALL)


def test_fusion_is_stored_as_before(fused):
    check_keys(fused, "03/fusion")
    for rows in fused["arms"].values():
        assert [row["seed"] for row in rows] == [1]
        assert all(row["cued"][1] <= row["cued"][0] <= row["cued"][2] for row in rows)
    assert fused["local"][0] > 100


def test_fusion_that_was_killed_goes_on_to_the_same_numbers(fused, tmp_path):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill(patch, calls=6)  # of the second arm: its identity, its first epoch, its second
        lesson_03.fusion(Run(tmp_path), **SMALL)
    assert sorted(p.name for p in tmp_path.rglob("*.npz")) == ["epoch_001.npz", "epoch_002.npz"]
    assert lesson_03.fusion(Run(tmp_path), **SMALL) == fused


FEW = {"n": 16, "epochs": 1, "n_test": 4, "windows": {27: {}}}


def test_dial(tmp_path):
    result = lesson_03.dial(Run(tmp_path), **FEW)
    check_keys(result, "03/dial")
    (row,) = result["rows"]
    assert row["window"] == 27 and row["least"] == pytest.approx(result["local"])
    assert row["parameters"] == L.compact().count_params() and len(result["with"]["cued"]) == 3


@pytest.mark.stress
def test_dial_that_was_killed_goes_on_to_the_same_numbers(tmp_path):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill(patch, calls=4)  # when the second network begins
        lesson_03.dial(Run(tmp_path / "killed"), **FEW)
    whole, again = (lesson_03.dial(Run(tmp_path / name), **FEW) for name in ("whole", "killed"))
    assert again == whole


def test_edges_of_the_truth_are_sharp_and_those_of_a_blur_are_not():
    scenes = paintbox.sample(5, 64, seed=8)
    best = scenes.expected_ab()
    assert lesson_03.edge_steps(scenes, best) == pytest.approx(1, abs=1e-5)
    assert lesson_03.edge_steps(scenes, 0 * best) == pytest.approx(0)
    assert lesson_03.edge_steps(scenes, lesson_03.at_half_size(best)).max() < 0.5


def test_lakes_are_told_apart_by_time():
    scenes = paintbox.sample(20, 64, seed=8)
    noon, dusk = (lesson_03.lake_b(scenes, scenes.expected_ab(), time) for time in (0, 1))
    assert noon == pytest.approx(-40, abs=5) and dusk == pytest.approx(-10, abs=5)


# Photographs

TOY = {"plan": ((16, 1e-3), (24, 1e-4)), "held_out": 3, "width": 1, "sizes": (16, 40)}


@pytest.fixture
def toy_photographs(monkeypatch, tmp_path):
    """Photographs of noise in place of the maintainers'; returns what is shipped."""
    shipped = {}
    monkeypatch.setattr(lesson_03, "photographs", lambda size: noise(20, size))
    monkeypatch.setattr(lesson_03, "judged_photographs", lambda: noise(3, 32))
    monkeypatch.setattr(lesson_03, "shared", lambda name: tmp_path / name)
    monkeypatch.setattr(photos, "load", lambda folder, split, size, **options: noise(2, size))
    monkeypatch.setattr(
        lesson_03, "ship", lambda path, name, table: shipped.update({name: (path, table)})
    )
    return shipped


def without_minutes(result):
    rows = {
        name: [{k: v for k, v in row.items() if k != "minutes"} for row in rows]
        for name, rows in result["rows"].items()
    }
    return result | {"rows": rows}


def test_checkpoint(toy_photographs, tmp_path):
    """It trains both arms, judges them, and ships the one that sees as what was trained."""
    result = lesson_03.checkpoint(Run(tmp_path), **TOY)
    check_keys(result, "03/checkpoint", but=("sizes", "table"))  # sizes are of the configuration
    stored = course.result("03/checkpoint")["table"]
    assert [row["name"] for row in result["table"]] == [row["name"] for row in stored]
    assert list(result["sizes"]) == ["gray", *TOY["sizes"]]
    assert result["sizes"][16] != result["sizes"][40]

    path, table = toy_photographs[lesson_03.NAME]
    model = Colorizer.load(path)
    assert table == result["table"] and model.size == 24
    given = {size: noise(20, size) for size in (16, 24)}, TOY["plan"], 3, True, 1, course.SEED
    network, _ = lesson_03.train(*given, tmp_path / "sees")  # it only reads its state
    lightness = color.L(noise(1, 24))
    plain = lesson_03.as_float32(network, True, 1)
    assert np.abs(model.ab(lightness) - L.answers(plain, lightness)).max() < 0.6  # float16 kernels


@pytest.mark.stress
def test_checkpoint_that_was_killed_goes_on_to_the_same_numbers(toy_photographs, tmp_path):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill(patch, calls=6)  # of the second arm: its identity, its first epoch, its second
        lesson_03.checkpoint(Run(tmp_path / "killed"), **TOY)
    runs = (Run(tmp_path / name) for name in ("whole", "killed"))
    whole, again = (without_minutes(lesson_03.checkpoint(run, **TOY)) for run in runs)
    assert again == whole


def test_brown_is_found_where_it_is():
    sand, sea = np.uint8([[[180, 140, 90]]]), np.uint8([[[40, 90, 160]]])
    half = np.concatenate([np.tile(x, (4, 8, 1)) for x in (sand, sea)])
    assert lesson_03.brown(half) == 0.5 and lesson_03.brown(metrics.paint_gray(half)) == 0


# Time


def test_timing(tmp_path):
    result = lesson_03.timing(Run(tmp_path), sizes=((32, 1), (64, 2)))
    check_keys(result, "03/timing")
    assert result["size"] == [row["size"] for row in result["rows"]] == [32, 64]
    assert all(row["published"] > 0 and row["course"] > 0 for row in result["rows"])


def test_a_size_that_does_not_fit_is_left_out_with_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(lesson_03, "BYTES", 1e15)
    ours = Colorizer.load(lesson_03.NAME)
    row = lesson_03.both_ways(None, ours, noise(1, 32)[0], 1)
    assert row["published"] is None and row["course"] > 0
    assert "32 × 32 is left out" in capsys.readouterr().out


def test_the_benchmark_prints_a_line_for_each_size(monkeypatch, capsys):
    from benchmarks import fusion

    monkeypatch.setattr(lesson_03, "SIZES", ((32, 1), (64, 1)))
    fusion.main()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "size",
        "32",
        "64",
    ]
