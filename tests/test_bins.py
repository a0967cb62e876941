"""The 313 bins: their number at several steps, their order and their borders."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from course_utils.bins import ab_bins
from course_utils.color import rgb_to_lab


@pytest.mark.parametrize(
    ("step", "number"), [(5, 1083), (8, 460), (10, 313), (12, 228), (15, 159), (20, 101)]
)
def test_number_of_bins_at_each_step(step, number):
    bins = ab_bins(step)
    assert bins.shape == (number, 2)
    assert bins.dtype == np.float32
    assert (bins % step == 0).all()


def test_order_is_a_major():
    bins = ab_bins()
    assert np.array_equal(bins, np.array(sorted(map(tuple, bins))))
    assert bins[0].tolist() == [-90, 50]
    assert bins[-1].tolist() == [100, 0]


def test_every_srgb_color_has_a_bin_near_and_52_bins_are_never_the_nearest():
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 3, dtype=np.uint8)] * 3), -1).reshape(-1, 3)
    ab = rgb_to_lab(cube)[:, 1:]
    bins = ab_bins()
    nearest = cKDTree(bins).query(ab)[1]
    assert np.abs(ab - bins[nearest]).max() <= 5 + 1e-3
    assert len(np.unique(nearest)) == 313 - 52


def test_a_step_of_zero_is_refused():
    with pytest.raises(ValueError, match="wider than 0"):
        ab_bins(0)
