"""How good is a colored picture? Measures, their intervals, and rows that carry their protocol.

Every measure is taken per picture: one picture (H, W, 3) gives a float, a batch (N, H, W, 3) or a
list of pictures of any sizes gives an array (N,). Pictures are sRGB, channels last, uint8 or
floats in [0, 1]. Two pictures to compare have the same shape and the same kind of numbers.
"""

import os

import numpy as np

from course_utils import color, photos

SSIM_WINDOW = 7  # pixels a side, uniform; a Gaussian of σ = 1.5 gives gray pictures .003 more
SLACK = 1e-3  # floats may leave [0, 1] by this much, as in `color`: resizing does that
MEASURES = ("psnr", "ssim", "delta_e", "colorfulness", "colorfulness_truth")
THRESHOLDS = np.arange(151)  # Zhang et al. 2016: distances in ab from 0 to 150


def _picture(rgb, name="rgb"):
    """One picture as float64 in [0, 1]; ValueError says what it is instead."""
    x = np.asarray(rgb)
    if x.ndim != 3 or x.shape[-1] != 3 or x.size == 0:
        raise ValueError(
            f"{name} has a picture of shape {x.shape}; a picture is (H, W, 3), channels last."
        )
    if x.dtype == np.uint8:
        return x / 255.0
    if x.dtype.kind != "f":
        raise ValueError(f"{name} holds {x.dtype}; give uint8, or floats in [0, 1].")
    if not (x.min() >= -SLACK and x.max() <= 1 + SLACK):  # written so that NaN is refused too
        raise ValueError(
            f"{name} spans {x.min():g} to {x.max():g}; floats must lie in [0, 1]: "
            "divide by 255, or clip what a network gives."
        )
    return x.astype(np.float64)


def _pair(rgb, rgb_hat):
    """Two pictures that may be compared, as float64 in [0, 1]."""
    x, y = _picture(rgb), _picture(rgb_hat, "rgb_hat")
    if x.shape != y.shape:
        raise ValueError(f"rgb is {x.shape} and rgb_hat {y.shape}; resize one to the other first.")
    integers = [np.asarray(picture).dtype == np.uint8 for picture in (rgb, rgb_hat)]
    if integers[0] != integers[1]:
        raise ValueError(
            "One of rgb and rgb_hat is uint8, the other float; give both as uint8 or both as float."
        )
    return x, y


def _each(measure, *batches):
    """measure(picture, …) as a float for one picture, (N,) for a batch or a list of pictures."""
    if getattr(batches[0], "ndim", 0) == 3:
        return float(measure(*batches))
    lengths = [len(batch) for batch in batches]
    if len(set(lengths)) > 1:
        raise ValueError(f"Batches of {lengths[0]} and {lengths[1]} pictures cannot be compared.")
    return np.array([measure(*pictures) for pictures in zip(*batches, strict=True)], np.float64)


def psnr(rgb, rgb_hat):
    """Peak signal-to-noise ratio in dB over R, G and B together, peak 1: 10 log10(1 / MSE).

    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,). Infinite for identical
    pictures, and only for them.

    The mean of these values is not the PSNR of the pooled MSE: it is never below it, and 2 to 3 dB
    above it on photographs. For the pooled one, give the batches as one tall picture,
    `psnr(np.concatenate(rgb), np.concatenate(rgb_hat))`, and say so beside the number.
    """

    def measure(p, q):
        x, y = _pair(p, q)
        largest = np.abs(x - y).max()
        if largest == 0:
            return np.inf
        relative = np.square((x - y) / largest).mean()  # the square of a tiny error would be 0
        return -20 * np.log10(largest) - 10 * np.log10(relative)

    return _each(measure, rgb, rgb_hat)


def ssim(rgb, rgb_hat):
    """Structural similarity in [-1, 1], mean over R, G, B and all windows; 1 when identical.

    Wang et al. 2004 as in `skimage.metrics.structural_similarity`: data_range 1, uniform window
    of 7×7 pixels, sample covariance, K1 = .01, K2 = .03. Pictures are at least 7×7.
    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,).
    """
    from skimage.metrics import structural_similarity

    def measure(p, q):
        x, y = _pair(p, q)
        if min(x.shape[:2]) < SSIM_WINDOW:
            raise ValueError(
                f"rgb is {x.shape[0]}×{x.shape[1]}; SSIM needs {SSIM_WINDOW} pixels a side or more."
            )
        # Without data_range, floats were once taken to span 2, and every value was too high.
        return structural_similarity(x, y, win_size=SSIM_WINDOW, data_range=1.0, channel_axis=-1)

    return _each(measure, rgb, rgb_hat)


def delta_e(rgb, rgb_hat):
    """Mean color difference ΔE00 (CIEDE2000, CIE 142:2001); about 1 is just noticeable.

    Takes RGB as `psnr` does and converts to CIELAB (D65) itself, so it judges what a screen can
    show: what left the gamut has been clipped before.
    rgb, rgb_hat: pictures (H, W, 3), or batches. Returns a float, or (N,).
    """
    from skimage.color import deltaE_ciede2000

    def measure(p, q):
        x, y = _pair(p, q)
        return deltaE_ciede2000(color.rgb_to_lab(x), color.rgb_to_lab(y)).mean()

    return _each(measure, rgb, rgb_hat)


def colorfulness(rgb):
    """Colorfulness M3 of Hasler & Süsstrunk 2003, in units of 0..255; 0 for a gray picture.

    √(σ_rg² + σ_yb²) + 0.3 √(μ_rg² + μ_yb²) with rg = R − G and yb = (R + G)/2 − B. Both are
    *signed*: taking their absolute value folds red onto green, and mostly loses color.
    rgb: a picture (H, W, 3), or a batch. Returns a float, or (N,).
    """

    def measure(p):
        r, g, b = np.moveaxis(255 * _picture(p), -1, 0)
        rg, yb = r - g, (r + g) / 2 - b
        return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())

    return _each(measure, rgb)


def accuracy_curve(ab, ab_hat, thresholds=THRESHOLDS):
    """Share of pixels whose ab lies within each distance of the truth, and the area under it.

    Zhang et al. 2016, without their class rebalancing. Every picture weighs the same.
    ab, ab_hat: (H, W, 2) or (N, H, W, 2) in CIELAB units, channels last.
    thresholds: increasing distances in ab.
    Returns (shares, area): shares (len(thresholds),) in [0, 1], the mean over pictures; area the
    trapezoid under each picture's curve over the range of the thresholds, in [0, 1]: a float for
    one picture, (N,) for a batch. Their mean is the number to print.
    """
    ab, ab_hat = np.asarray(ab, np.float64), np.asarray(ab_hat, np.float64)
    thresholds = np.asarray(thresholds, np.float64)
    if ab.shape != ab_hat.shape or ab.ndim not in (3, 4) or ab.shape[-1] != 2 or ab.size == 0:
        raise ValueError(
            f"ab is {ab.shape} and ab_hat {ab_hat.shape}; both must be (H, W, 2) or (N, H, W, 2)."
        )
    if not (np.isfinite(ab).all() and np.isfinite(ab_hat).all()):
        raise ValueError("ab or ab_hat holds a NaN or an infinity; look where the network made it.")
    if thresholds.ndim != 1 or len(thresholds) < 2 or not (np.diff(thresholds) > 0).all():
        raise ValueError("thresholds must be two or more increasing distances.")
    distance = np.hypot(*np.moveaxis(ab - ab_hat, -1, 0)).reshape(-1, ab.shape[-3] * ab.shape[-2])
    curves = [np.searchsorted(np.sort(d), thresholds, side="right") / d.size for d in distance]
    curves = np.array(curves)
    middles, steps = (curves[:, 1:] + curves[:, :-1]) / 2, np.diff(thresholds)
    area = middles @ steps / steps.sum()
    return curves.mean(axis=0), float(area[0]) if ab.ndim == 3 else area


def frechet_distance(features, features_hat):
    """Squared Fréchet distance between the Gaussians of two sets of features; 0 when equal.

    |μ - μ'|² + tr(C + C' - 2 (C C')^½) (Dowson & Landau 1982). Heusel et al. 2017 take features of
    Inception trained on ImageNet and call it FID; of other features it is not FID, and numbers of
    different networks do not compare.
    features, features_hat: (N, width) and (M, width), one row per picture, as
        `backbones.Features.embed` gives them; N and M are at least 4 × width, because covariances
        of fewer pictures are mostly noise.
    It is biased upward, by about c / N with c of the features' own (Chong & Forsyth 2020), so that
    two halves of the same pictures are not at 0: compare at equal N, and print that row beside.
    Returns a float. Raises ValueError for too few rows, other shapes, and what is not finite.
    """
    factors, means = [], []
    for name, x in (("features", features), ("features_hat", features_hat)):
        x = np.asarray(x, np.float64)
        if x.ndim != 2 or x.size == 0 or x.shape[1] != np.shape(features)[-1]:
            raise ValueError(
                f"features is {np.shape(features)} and features_hat {np.shape(features_hat)}; both "
                "must be (N, width), of one width."
            )
        if len(x) < 4 * x.shape[1]:
            raise ValueError(
                f"{name} has {len(x)} rows of {x.shape[1]} numbers; measure at least "
                f"{4 * x.shape[1]} pictures, or take narrower features."
            )
        if not np.isfinite(x).all():
            raise ValueError(f"{name} holds a NaN or an infinity; look where the network made it.")
        means.append(x.mean(axis=0))
        factors.append(np.linalg.qr((x - means[-1]) / np.sqrt(len(x) - 1), mode="r"))
    # With C = RᵀR, tr (C C')^½ is the sum of the singular values of R R'ᵀ: no covariance is formed
    # and no root taken, which would cost half of the digits.
    cross = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    spread = sum(np.square(r).sum() for r in factors) - 2 * cross
    return float(np.square(means[0] - means[1]).sum() + max(spread, 0.0))


def inception_score(p):
    """exp(mean KL(p(y|x) ‖ p(y))): how surely one by one, and how variously together.

    Salimans et al. 2016 take the 1,000 classes of Inception trained on ImageNet and call it the
    Inception Score; of another network it is not to be called so: name it after the network, as in
    "class score (course_RGB)". It is 1 when all pictures get the same answer, and at most the
    number of classes: when every answer is certain and every class is as frequent as the others.
    No picture is compared with anything: the order of the rows, and what they were made from, does
    not count.

    p: (N, classes), probabilities of one picture in each row, as `backbones.Features.classify`
        gives them; the softmax of logits. p(y) is the mean of these rows.
    The paper cuts 50,000 pictures into ten and averages; here all rows count at once, because
    fewer rows only lower it: the mean *logarithm* over equal parts is never above that of the
    whole, since a part's rows are nearer to their own mean. Compare at equal N.
    Returns a float in [1, classes]. Raises ValueError for what is no table of probabilities.
    """
    p = np.asarray(p, np.float64)
    if p.ndim != 2 or p.shape[0] < 1 or p.shape[1] < 2:
        raise ValueError(f"p is {p.shape}; it must be (N, classes), one row for each picture.")
    total = p.sum(axis=1, keepdims=True)
    if not (p.min() >= 0 and np.abs(total - 1).max() <= 1e-3):  # written so that NaN is refused
        raise ValueError(
            f"p spans {p.min():g} to {p.max():g} and its rows sum to {total.min():g} to "
            f"{total.max():g}; give probabilities, the softmax of logits."
        )
    p = p / total
    means = (_entropy(p.mean(axis=0)), _entropy(p).mean())  # KL(p ‖ m) on average is H(m) - H(p)
    return float(np.exp(max(means[0] - means[1], 0.0)))


def _entropy(p):
    """-Σ p log p over the last axis, in nats; 0 log 0 is 0."""
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)


def bootstrap(values, n_resamples=2000, seed=1, clusters=None):
    """The mean of `values` and its 95 % percentile bootstrap interval (Efron 1979).

    values: (N,), one per picture. To compare two models, give their *differences* on the same
        pictures: an interval that excludes 0 says that one is better on pictures like these.
    clusters: (N,) labels of values that belong together (frames of a video, answers of a person);
        then whole clusters are drawn, and a long cluster keeps its weight.
    Returns (mean, low, high) as floats. Raises ValueError for values that are not finite, or fewer
    than two of them (or of clusters).
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("values must be (N,) finite numbers; identical pictures have no PSNR.")
    if clusters is None:
        clusters = np.arange(len(values))
    elif np.shape(clusters) != values.shape:
        raise ValueError(f"clusters is {np.shape(clusters)}; it must label {len(values)} values.")
    label = np.unique(clusters, return_inverse=True)[1]
    totals, sizes = np.bincount(label, values), np.bincount(label)
    n = len(totals)
    if n < 2:
        raise ValueError(f"{n} independent value(s) have no interval; measure more pictures.")
    rng = np.random.default_rng(seed)
    means = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = rng.integers(n, size=n)
        means[i] = totals[drawn].sum() / sizes[drawn].sum()
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def each(rgb, rgb_hat, name=""):
    """What `report` averages: {measure: (N,)} for its five measures, one value for each picture.

    rgb, rgb_hat: as in `report`. name: what the progress bar says.
    """
    from tqdm.auto import tqdm

    if len(rgb) != len(rgb_hat):
        raise ValueError(f"rgb has {len(rgb)} pictures and rgb_hat {len(rgb_hat)}.")
    silent = "PYTEST_CURRENT_TEST" in os.environ
    pairs = tqdm(zip(rgb, rgb_hat, strict=True), name, len(rgb), disable=silent, delay=1)
    measured = [
        (psnr(x, y), ssim(x, y), delta_e(x, y), colorfulness(y), colorfulness(x)) for x, y in pairs
    ]
    return dict(zip(MEASURES, np.array(measured).reshape(-1, 5).T, strict=True))


def report(rgb, rgb_hat, *, name, data, n_resamples=2000, seed=1):
    """One row of a table: what was measured, on what, how, and how sure.

    rgb, rgb_hat: truth and result, batches (N, H, W, 3) or lists of N pictures, N of 2 or more.
    name: the model; data: which pictures, in words.
    Returns a plain dict for json. Each of psnr, ssim, delta_e, colorfulness and
    colorfulness_truth is [mean, low, high]; psnr is None when a picture is identical to its
    truth, because the mean is then infinite. The rest is the protocol; `near_gray` counts the
    photographs that are gray themselves and should be left out: they are worth decibels.
    """
    measured = each(rgb, rgb_hat, name)
    sizes = {f"{np.shape(x)[0]}x{np.shape(x)[1]}" for x in rgb}
    chromas = (np.hypot(*np.moveaxis(_ab(x), -1, 0)).mean() for x in rgb)
    near_gray = sum(bool(chroma < photos.GRAY_CHROMA) for chroma in chromas)
    row = {
        "name": name,
        "data": data,
        "n": len(rgb),
        "near_gray": near_gray,
        "size": sizes.pop() if len(sizes) == 1 else "mixed",
        "space": "sRGB",
        "data_range": 1.0,
        "average": "mean of per-image values",
        "ssim_window": f"uniform {SSIM_WINDOW}x{SSIM_WINDOW}",
        "interval": f"95 % percentile bootstrap, {n_resamples} resamples, seed {seed}",
    }
    for measure, values in measured.items():
        identical = np.isinf(values).any()
        row[measure] = None if identical else list(bootstrap(values, n_resamples, seed))
    return row


def _ab(rgb):
    return color.split(color.rgb_to_lab(rgb))[1]


def repaint(rgb, recolor):
    """A picture (H, W, 3) with its true L and other colors, in the kind of numbers it came in.

    recolor: function of its ab (H, W, 2) in CIELAB units, gives what broadcasts to that shape.
        What leaves the gamut is clipped, and that moves L as well.
    """
    x = np.asarray(rgb)
    _picture(x)
    L, ab = color.split(color.rgb_to_lab(x))
    painted = color.lab_to_rgb(color.join(L, np.broadcast_to(recolor(ab), ab.shape)))
    return np.round(255 * painted).astype(np.uint8) if x.dtype == np.uint8 else painted


def paint_gray(rgb):
    """A picture (H, W, 3) with its true L and ab = 0: the row that every model must beat."""
    # The white point's rounded digits leave R, G and B 1e-5 apart; rounding could split them.
    return np.repeat(repaint(rgb, np.zeros_like)[..., 1:2], 3, axis=-1)


def paint_mean(rgb):
    """A picture (H, W, 3) with its true L and its own mean ab: it uses the answer, two numbers."""
    return repaint(rgb, lambda ab: ab.mean(axis=(0, 1)))


def baselines(rgb, **protocol):
    """The two rows that stand above every model: gray, and each picture's own mean ab.

    rgb: as in `report`, and so is `protocol`: data, and perhaps n_resamples and seed.
    """
    rows = {"gray": paint_gray, "own mean ab (uses the answer)": paint_mean}
    return [
        report(rgb, [paint(x) for x in rgb], name=name, **protocol) for name, paint in rows.items()
    ]


def table(rows):
    """Rows of `report` as aligned text, those that share a protocol under one line that says it."""
    groups = {}
    for row in rows:
        protocol = (
            f"{row['n']} pictures ({row['near_gray']} near gray) of {row['data']}, {row['size']}, "
            f"{row['space']}, data range {row['data_range']:g}\n"
            f"{row['average']} [{row['interval']}]; SSIM window {row['ssim_window']}"
        )
        groups.setdefault(protocol, []).append(row)
    columns = {"psnr": ("PSNR dB", 2), "ssim": ("SSIM", 3), "delta_e": ("ΔE00", 2)}
    columns |= {"colorfulness": ("colorfulness", 1), "colorfulness_truth": ("of the truth", 1)}

    def cell(interval, digits):
        if interval is None:
            return "inf"
        mean, low, high = (f"{value:.{digits}f}" for value in interval)
        return f"{mean} [{low}, {high}]"

    blocks = []
    for protocol, group in groups.items():
        lines = [["", *(title for title, _ in columns.values())]]
        lines += [
            [row["name"], *(cell(row[key], digits) for key, (_, digits) in columns.items())]
            for row in group
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        blocks.append("\n".join([protocol, *texts]))
    return "\n\n".join(blocks)
