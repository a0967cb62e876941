"""How much a 31-px window really knows of a paintbox scene: trees learn it, beside exact answers.

python -m benchmarks.paintbox
"""

import numpy as np

from course_utils.paintbox import ladder, sample


def window(L):
    """What a 31 x 31 window shows of its center, (H, W, 99): L, tones around, and grain."""
    from scipy.ndimage import uniform_filter

    size = len(L)
    tone = np.digitize(L, (34.5, 49.5, 63.5, 77.5))
    light, tone = np.pad(L, 15), np.pad(tone, 15, constant_values=5)

    def at(a, dy=0, dx=0):
        return a[15 + dy : 15 + dy + size, 15 + dx : 15 + dx + size]

    features = [L]
    for k in range(6):
        share = uniform_filter((tone == k).astype(np.float32), 5)
        features += [at(share, dy, dx) for dy in range(-12, 13, 6) for dx in (-12, 0, 12)]
    for step in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (2, 2), (2, -2)):
        same = np.roll(tone, step, (0, 1)) == tone
        change = np.abs(np.roll(light, step, (0, 1)) - light) * same
        share = uniform_filter(same.astype(np.float32), 9) + 1e-3
        features.append(at(uniform_filter(change, 9) / share))
    return np.stack(features, -1)


def learned_window(size=64, n=60, pixels=15_000):
    """Squared error of trees that see nothing but `window`, on scenes they were not fitted to."""
    from sklearn.ensemble import ExtraTreesRegressor

    fitted, held_out = sample(n, size, seed=1), sample(30, size, seed=2)
    x, y = (
        np.concatenate([a.reshape(size * size, -1) for a in arrays])
        for arrays in (map(window, fitted.L[..., 0]), fitted.expected_ab())
    )
    some = np.random.default_rng(0).choice(len(x), pixels, replace=False)
    trees = ExtraTreesRegressor(30, min_samples_leaf=2, n_jobs=2, random_state=0)
    trees.fit(x[some], y[some])
    rungs, error = ladder(held_out), 0.0
    for L, truth in zip(held_out.L[..., 0], held_out.expected_ab(), strict=True):
        guess = trees.predict(window(L).reshape(size * size, -1))
        error += ((guess - truth.reshape(-1, 2)) ** 2).mean() / len(held_out)
    return rungs, rungs["whole picture"] + error


def main():
    rungs, learned = learned_window()
    print("squared error per channel at 64, CIELAB units squared")
    for name, value in rungs.items():
        print(f"{name:14} {value:7.1f}  {value / rungs['gray']:6.1%} of gray")
    print(f"31-px window, learned by trees: {learned:.1f}; 31-px context is its lower bound")


if __name__ == "__main__":
    main()
