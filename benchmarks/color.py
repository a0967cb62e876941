"""sRGB to CIELAB and back: ours beside scikit-image and kornia, in one run.

    python -m benchmarks.color

64 pictures of 256 x 256 uniformly random colors. scikit-image and numpy compute on one thread, so
torch and TensorFlow are held to one too. Every path runs once to warm up, then all take turns for
several rounds, and each path's best counts. Milliseconds are processor time, which on one thread
is what the clock shows on an idle machine. Ratios are to scikit-image on the same input: above 1
is faster. Differences are the largest from scikit-image in float64.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import kornia
import numpy as np
import skimage
import tensorflow as tf
import torch
from skimage import color as reference

from course_utils import color

PICTURES, SIZE, ROUNDS = 64, 256, 7


def channels_first(x):
    """A contiguous torch tensor (N, 3, H, W) from a numpy array (N, H, W, 3)."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def as_numpy(y):
    """Any path's result as a numpy array (N, H, W, 3)."""
    return np.moveaxis(y.numpy(), 1, -1) if isinstance(y, torch.Tensor) else np.asarray(y)


def best_times(paths):
    """{name: (function, input)} -> ({name: best milliseconds}, {name: result})."""
    results = {name: as_numpy(run(x)) for name, (run, x) in paths.items()}
    best = dict.fromkeys(paths, float("inf"))
    for _ in range(ROUNDS):
        for name, (run, x) in paths.items():
            start = time.process_time()
            run(x)
            best[name] = min(best[name], 1e3 * (time.process_time() - start))
    return best, results


def table(title, paths, peer, truth):
    """Time the paths and print a row for each; `peer` is the row that the ratios are to."""
    best, results = best_times(paths)
    print(f"\n{title:34}{'ms':>8}{'ratio':>8}{'largest difference':>22}")
    for name in paths:
        difference = np.abs(results[name] - truth).max()
        print(f"{name:34}{best[name]:8.0f}{best[peer] / best[name]:8.2f}{difference:22.2e}")


def main():
    torch.set_num_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rng = np.random.default_rng(0)
    bytes_ = rng.integers(0, 256, (PICTURES, SIZE, SIZE, 3), dtype=np.uint8)
    floats = bytes_ / np.float32(255)
    lab = reference.rgb2lab(bytes_)
    lab32 = lab.astype(np.float32)

    print(
        f"{PICTURES} pictures of {SIZE} x {SIZE}, one thread on {os.cpu_count()} cores, best of "
        f"{ROUNDS}\nnumpy {np.__version__}, scikit-image {skimage.__version__}, "
        f"tensorflow {tf.__version__}, torch {torch.__version__}, kornia {kornia.__version__}"
    )
    peer = "scikit-image"
    paths = {peer: (reference.rgb2lab, bytes_), "numpy": (color.rgb_to_lab, bytes_)}
    table("RGB to Lab, uint8", paths, peer, lab)
    paths = {
        peer: (reference.rgb2lab, floats),
        "numpy": (color.rgb_to_lab, floats),
        "Keras on TensorFlow, tf.function": (tf.function(color.rgb_to_lab), tf.constant(floats)),
        "torch": (color.rgb_to_lab, channels_first(floats)),
        "kornia": (kornia.color.rgb_to_lab, channels_first(floats)),
    }
    table("RGB to Lab, float32", paths, peer, lab)
    paths = {
        peer: (reference.lab2rgb, lab32),
        "numpy": (color.lab_to_rgb, lab32),
        "Keras on TensorFlow, tf.function": (tf.function(color.lab_to_rgb), tf.constant(lab32)),
        "torch": (color.lab_to_rgb, channels_first(lab32)),
        "kornia": (kornia.color.lab_to_rgb, channels_first(lab32)),
    }
    table("Lab to RGB, float32", paths, peer, bytes_ / 255)


if __name__ == "__main__":
    main()
