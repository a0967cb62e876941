"""The claims of S2, Liu: quantized classification."""

import numpy as np

from course_utils import bins
from experiments.claims.judging import (
    between,
    by_interval,
    cannot,
    claim,
    either,
    graded,
    landscapes,
    less,
    palette_of,
    row_of,
)


@claim(
    "S2", "Problem statement", "a squared error averages colors and looks grayish", "05",
    "05/photographs",
    holds="theory says so too: it asks for the mean",
)  # fmt: skip
def l2_is_pale(said, result):
    row = row_of(result, "L2")
    ours, truth = row["colorfulness"], row["colorfulness_truth"]
    condition = landscapes(result)
    measured = f"colorfulness {between(ours, 1, sign='')}, truth {between(truth, 1, sign='')}"
    return condition, measured, graded(ours[2] < truth[1], ours[1] > truth[2])


@claim(
    "S2", "9.1", "weighting the classes makes the network learn rare colors", "05",
    "05/photographs",
    holds="at a price: beside gray's, its PSNR is the lower one",
    part="colorfulness stands for rare colors here",
)  # fmt: skip
def weights_are_vivid(said, result):
    ours, plain = (row_of(result, k)["colorfulness"] for k in ("rebalanced", "plain"))
    measured = (
        f"colorfulness {between(ours, 1, sign='')} with weights, {between(plain, 1, sign='')} "
        f"without; PSNR with weights less gray {between(result['gain']['rebalanced'])} dB"
    )
    return landscapes(result), measured, graded(ours[1] > plain[2], ours[2] < plain[1])


@claim(
    "S2", "9.1, eq. 1", "the weight before the two sums makes rare colors count", "05",
    said={"thing": "balloon", "weights": [1.0]},
    fails="a constant changes the rate of learning and nothing else; it belongs inside the sums",
)  # fmt: skip
def constant_weight(said):
    p, _ = palette_of(said["thing"])
    best = p * np.resize(said["weights"], len(p))  # what the weighted cross-entropy is least for
    best = best / best.sum()
    inside = p * bins.rebalance(p)
    rare = p.argmin()
    measured = (
        f"the rarest color, {p[rare]:.2f}, stays {best[rare]:.2f}; "
        f"with weights inside the sum it becomes {(inside / inside.sum())[rare]:.2f}"
    )
    condition = f"best answer for a painted {said['thing']}, exactly"
    return condition, measured, either(best[rare] > 1.5 * p[rare])


@claim(
    "S2", "9.1", "the target is 1-hot, found by the 5 nearest bins", "05",
    said={"nearest": 5},
    fails="it is one or the other; lesson 05 takes the soft code",
)  # fmt: skip
def one_hot(said):
    _, weights = bins.encode(np.array([23.0, -31.0]), k=said["nearest"])
    count = int((weights > 0).sum())
    condition = "the code of one color between bins"
    return condition, f"{count} bins have a weight, 1-hot has 1", either(count == 1)


@claim(
    "S2", "9.1", "the ab plane has 313 bins of size 10", "05",
    said={"bins": 313, "size": 10},
    holds="rebuilt from the gamut's hull; as outputs, not as colors that exist",
)  # fmt: skip
def number_of_bins(said):
    count = len(bins.ab_bins(said["size"]))
    condition = "hull of the RGB cube's edges in ab, widened by one step"
    return condition, f"{count} bins", either(count == said["bins"])


@claim(
    "S2", "10", "a temperature of 0.38 rebalances the colors", "05", "05/photographs",
    said={"T": 0.38, "thing": "balloon"},
    part="the report's network is rebalanced, and cooling makes it more colorful; a plain one is "
    "made grayer, because cooling favors what is frequent",
    fails="cooling favors what is frequent, and in photographs that is gray",
)  # fmt: skip
def temperature(said, result):
    p, _ = palette_of(said["thing"])
    cooled = p ** (1 / said["T"])
    cooled = (cooled / cooled.sum())[p.argmin()]
    colorful = {row["name"]: row["colorfulness"][0] for row in result["table"]}
    steps = {arm: (colorful[f"{arm}, T = 1"], colorful[arm]) for arm in ("plain", "rebalanced")}
    measured = (
        f"a balloon's rarest color goes from {p.min():.3f} to {cooled:.3f}; colorfulness of the "
        + ", of the ".join(f"{arm} network {x:.1f} to {y:.1f}" for arm, (x, y) in steps.items())
    )
    condition = f"exact distribution; {landscapes(result)}"
    rises = [y > x for x, y in steps.values()] + [cooled > p.min()]
    return condition, measured, graded(all(rises), not any(rises))


@claim(
    "S2", "10, Table 1", "means over three pictures tell good results from bad ones", "05",
    "05/photographs",
    said={"good": 27.663, "bad": 18.688},
    fails="gray pictures alone reach both: three measure the choice of pictures",
)  # fmt: skip
def three_pictures(said, result):
    gray = result["psnr"]["gray"]
    means = np.random.default_rng(1).choice(gray, (20_000, 3)).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    condition = f"gray pictures, three at a time, from {len(gray)} Intel test photographs"
    measured = f"95 % of the means lie between {low:.1f} and {high:.1f} dB"
    return condition, measured, either(said["bad"] < low or said["good"] > high)


@claim(
    "S2", "10, Table 1",
    "the baseline to beat is a squared-error network of 17.325 dB and an SSIM of 0.836", "05",
    "05/photographs",
    said={"psnr": 17.325, "ssim": 0.836},
    fails="a gray picture has more; a baseline below gray is none",
)  # fmt: skip
def a_baseline(said, result):
    gray, ours = row_of(result, "gray"), row_of(result, "L2")
    measured = (
        f"gray {between(gray['psnr'], 2, ' dB', sign='')} and {gray['ssim'][0]:.3f}; "
        f"our squared error {ours['psnr'][0]:.2f} dB and {ours['ssim'][0]:.3f}"
    )
    low = [said[key] < gray[key][1] for key in ("psnr", "ssim")]
    return landscapes(result), measured, graded(not any(low), all(low))


@claim(
    "S2", "10", "even where it is bad it is better than the baseline", "05", "05/photographs",
    fails="on hard photographs the baseline is better; over all they tie",
)  # fmt: skip
def bad_beats_baseline(said, result):
    ours, other, gray = (np.array(result["psnr"][k]) for k in ("plain", "L2", "gray"))
    tenth = len(gray) // 10
    hard = np.argsort(gray)[:tenth]  # chosen by neither: a worst tenth of one's own is unlucky too
    worst = np.argsort(ours)[:tenth]
    there, own, all_of_them = (less(ours[i], other[i]) for i in (hard, worst, slice(None)))
    measured = (
        f"{between(there)} dB on the tenth where gray is worst, {between(own)} on its own worst "
        f"tenth, {between(all_of_them)} on all"
    )
    condition = f"plain cross-entropy less squared error; {landscapes(result)}"
    return condition, measured, by_interval(there)


@claim(
    "S2", "11", "it fails on warm tones because its data are glaciers and mountains", "05",
    "05/photographs",
    part="other data help, and most of the error stays",
)  # fmt: skip
def warm_tones(said, result):
    warm, gray, cold, mixed = np.transpose(result["warm"])
    many = warm >= 500
    left = [error[many] / gray[many] for error in (cold, mixed)]
    gain = less(*left)
    measured = (
        f"of gray's error on warm pixels {left[0].mean():.0%} is left, after six classes "
        f"{left[1].mean():.0%}: less by {between(gain, 1, ' points', 100, '')}"
    )
    condition = f"{int(many.sum())} test photographs with 500 or more warm pixels"
    helps = gain[1] > 0
    return condition, measured, graded(helps and left[1].mean() < 0.5, not helps)


cannot(
    "S2", "10", "with so few data it converges after about 20 epochs",
    "two processor cores afforded fewer, and the loss was still falling", "05",
)  # fmt: skip
cannot(
    "S2", "11", "as an ONNX file, without TensorFlow, it is small enough for Lambda",
    "there is no such server here; lesson 05 stores three sizes of the file, 08 deploys one", "08",
)  # fmt: skip
