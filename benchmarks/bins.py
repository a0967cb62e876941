"""Soft codes: ours beside scikit-learn's nearest neighbors, in one run.

    python -m benchmarks.bins

16 pictures of 256 x 256, once of uniformly random sRGB colors and once cut from a photograph, and
what one training step of lesson 05 encodes: 16 scenes of 64 x 64, at a quarter of the size. Both
sides go from ab to the 5 nearest of the 313 bins and their Gaussian weights, on one thread. Each
runs once to warm up, then they take turns, and each one's best counts; milliseconds are processor
time. Ratios are to scikit-learn: above 1 is faster. "same bins" is the share of pixels with the
same set of bins; where the fifth and the sixth are equally near, either may be named.
"""

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
from sklearn.neighbors import NearestNeighbors

from course_utils import bins, color, paintbox, photos

PICTURES, SIZE, ROUNDS = 16, 256, 7
K, SIGMA = 5, 5.0


def scikit_learn():
    """A function from ab (..., 2) to the sparse code, with a tree built beforehand."""
    search = NearestNeighbors(n_neighbors=K).fit(bins.ab_bins())

    def encode(ab):
        distance, indices = search.kneighbors(ab.reshape(-1, 2))
        weights = np.exp(-(distance**2) / (2 * SIGMA**2))
        weights /= weights.sum(1, keepdims=True)
        return indices.reshape(*ab.shape[:-1], K), weights.reshape(*ab.shape[:-1], K)

    return encode


def compare(ab):
    """({name: best milliseconds}, share of pixels with the same bins, largest weight difference).

    Weights are compared sorted, so that a tie between bins does not count.
    """
    paths = {"scikit-learn": scikit_learn(), "ours": bins.encode}
    results = {name: run(ab) for name, run in paths.items()}
    best = dict.fromkeys(paths, float("inf"))
    for _ in range(ROUNDS):
        for name, run in paths.items():
            start = time.process_time()
            run(ab)
            best[name] = min(best[name], 1e3 * (time.process_time() - start))
    (theirs, their_weights), (ours, our_weights) = results.values()
    same = (np.sort(theirs, -1) == np.sort(ours, -1)).all(-1).mean()
    return best, same, np.abs(np.sort(their_weights, -1) - np.sort(our_weights, -1)).max()


def inputs():
    """{name: ab (N, H, W, 2)}."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (PICTURES, SIZE, SIZE, 3), dtype=np.uint8)
    china = photos.bundled()[0].rgb
    tops, lefts = (rng.integers(0, side - SIZE, PICTURES) for side in china.shape[:2])
    cuts = np.stack([china[y : y + SIZE, x : x + SIZE] for y, x in zip(tops, lefts)])
    rgb = {"random sRGB colors": noise, "cuts of a photograph": cuts}
    step = paintbox.sample(16, 64).ab[:, ::4, ::4]
    return {name: color.ab(x) for name, x in rgb.items()} | {"a step of lesson 05": step}


def main():
    print(f"{PICTURES} pictures of {SIZE} x {SIZE}, k = {K}, best of {ROUNDS}, one thread")
    print(f"numpy {np.__version__}, scikit-learn {sklearn.__version__}")
    for name, ab in inputs().items():
        best, same, gap = compare(ab)
        print(f"\n{name:24}{'ms':>8}{'ratio':>8}")
        for path, milliseconds in best.items():
            print(f"{path:24}{milliseconds:8.1f}{best['scikit-learn'] / milliseconds:8.2f}")
        print(f"same bins {same:.6f}, largest difference of a weight {gap:.1e}")


if __name__ == "__main__":
    main()
