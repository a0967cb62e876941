"""The bins of quantized color: a grid in the ab plane, cut to what sRGB can nearly show."""

from itertools import product

import numpy as np

from course_utils import color


def ab_bins(step=10):
    """Centers of the ab bins, float32 (Q, 2), a-major; 313 of them at step 10.

    The published list of Zhang et al. 2016, rebuilt: convert the edges of the sRGB cube to Lab and
    drop L, take the convex hull, widen it by a square of ±step, keep the grid points inside. It is
    a hull, not the gamut: 52 of the 313 can never be the nearest bin of an sRGB color.
    step: width of a bin in ab units, above 0.
    """
    from scipy.spatial import ConvexHull, Delaunay

    if not step > 0:
        raise ValueError(f"step is {step}; a bin must be wider than 0.")
    along = np.arange(256, dtype=np.uint8)
    edges = []
    for axis, corner in product(range(3), product((0, 255), repeat=2)):
        edge = np.empty((256, 3), np.uint8)
        edge[:, axis], edge[:, (axis + 1) % 3], edge[:, (axis + 2) % 3] = along, *corner
        edges.append(edge)
    ab = color.rgb_to_lab(np.concatenate(edges))[:, 1:].astype(float)  # (12 * 256, 2)
    hull = ab[ConvexHull(ab).vertices]
    square = np.array(list(product((-step, step), repeat=2)))
    widened = (hull[:, None] + square).reshape(-1, 2)  # its hull is the Minkowski sum
    reach = step * np.ceil((np.abs(ab).max() + step) / step)
    axis = np.arange(-reach, reach + step, step)
    grid = np.array(list(product(axis, axis)))
    return grid[Delaunay(widened).find_simplex(grid, tol=1e-9) >= 0].astype(np.float32)
