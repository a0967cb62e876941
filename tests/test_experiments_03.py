"""Experiments of lesson 03 at toy size: what they store, and that a killed one goes on."""

import json

import numpy as np
import pytest
from experiment_toys import ADDED, Killed
from lesson_code import noise

from course_utils import batches, color, course, paintbox
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


# Time


def test_timing(tmp_path):
    result = lesson_03.timing(Run(tmp_path), sizes=((32, 1), (64, 2)))
    check_keys(result, "03/timing")
    assert result["size"] == [row["size"] for row in result["rows"]] == [32, 64]
    for row in result["rows"]:
        assert min(row["published"], row["published at 224"], row["course"]) > 0


def test_the_fair_way_changes_the_working_size_and_keeps_L():
    def halves_red(x, training):
        """A network that answers a = 0, b = -16 and remembers the size that it worked at."""
        halves_red.size = x.shape[1:3]
        return np.full((*x.shape[:3], 2), [128 / 255, 112 / 255], np.float32)

    rgb = np.tile(np.uint8(np.linspace(60, 180, 40))[:, None, None], (1, 40, 3))
    made = [lesson_03.paint_published(halves_red, rgb, side) for side in (40, 16)]
    assert halves_red.size == (16, 16)
    np.testing.assert_allclose(made[0], made[1], atol=1e-5)
    lab = color.rgb_to_lab(made[1])
    np.testing.assert_allclose(lab[..., :1], color.L(rgb), atol=0.05)
    np.testing.assert_allclose(lab[..., 2], -16, atol=0.05)


def test_a_size_that_does_not_fit_is_left_out_with_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(lesson_03, "BYTES", 1e15)
    monkeypatch.setattr(lesson_03, "paint_published", lambda *given: None)
    ours = Colorizer.load(lesson_03.NAME)
    row = lesson_03.all_ways(None, ours, noise(1, 32)[0], 1)
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
