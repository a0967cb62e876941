"""The shipped colorizers are the files that were judged, and the judgement can be repeated."""

import numpy as np
import pytest

from course_utils import course, files, metrics, photos
from course_utils.colorizer import Colorizer
from course_utils.systems import SYSTEMS
from experiments import checkpoints, vividness

EVERY = list(SYSTEMS)
ALBUM = photos.load("album", "test", 256)


@pytest.mark.parametrize("system", EVERY)
def test_three_photographs_get_the_psnr_that_is_stored(system):
    name = SYSTEMS[system].checkpoint
    stored = course.result(f"{name[:2]}/checkpoint")
    model, chosen = Colorizer.load(name), [0, 20, 40]
    assert stored["working"] == model.size
    hats = [model.colorize(ALBUM[i]) for i in chosen]
    wanted = np.array(stored["sets"]["album"]["psnr"][system])[chosen]
    assert metrics.psnr(ALBUM[chosen], hats) == pytest.approx(wanted, abs=0.02)
    assert stored["identity"]["models"][name] == files.checksums()[f"{name}.onnx"]


@pytest.mark.parametrize("system", EVERY)
def test_a_shipped_colorizer_beats_gray_where_the_course_shows_it(system):
    stored = course.result(f"{SYSTEMS[system].checkpoint[:2]}/checkpoint")["sets"]
    for name in ("diverse", "album"):  # the lessons' pictures come from the album
        _, low, _ = stored[name]["gain"][system]
        assert low > 0, name


def choices():
    return course.result("05/checkpoint")["choices"]


def gap(rows, name):
    there, here = (np.array(rows[k]["colorfulness"]) for k in ("truth", name))
    return float(np.abs(there - here).mean())


def test_rebalancing_buys_color_and_costs_decibels():
    rows = choices()
    order = ["S2, mean", "S2, rebalanced by half", "S2, rebalanced"]
    vivid = [np.mean(rows[k]["colorfulness"]) for k in order]
    psnr = [np.mean(rows[k]["psnr"]) for k in order]
    assert vivid == sorted(vivid) and psnr == sorted(psnr, reverse=True)
    assert gap(rows, "S2, rebalanced") < 15
    ahead = np.subtract(rows["S2, rebalanced"]["psnr"], rows["gray"]["psnr"])
    assert metrics.bootstrap(ahead)[1] > 0


@pytest.mark.parametrize(
    "rows, k, row", [("05", "S4 × k", "S2, rebalanced by half"), ("06", "L1 × k", None)]
)
def test_k_gives_equal_psnr(rows, k, row):
    result = course.result(f"{rows}/checkpoint")
    table = result["choices" if rows == "05" else "arms"]
    one, other = (np.mean(table[name]["psnr"]) for name in (k, row or result["shipped"]))
    assert abs(one - other) < 0.05 and table[k]["k"] > 1


def test_another_working_size_leaves_the_model_as_it_was():
    model = Colorizer.load("03_global_local_fusion")
    size = model.size
    table = checkpoints.at_sizes(model, ALBUM[:2], (64,))
    assert model.size == size and set(table) == {"gray", "64"}
    hats = [
        vividness.painted(checkpoints.color.L(x), lambda L: np.repeat(0 * L, 2, -1))
        for x in ALBUM[:2]
    ]
    assert table["gray"] == pytest.approx(metrics.psnr(ALBUM[:2], hats), abs=0.02)
