"""The claims of S3, Gendre: pix2pix, a proposal; it says what will be done, and why."""

import numpy as np

from course_utils import color, metrics
from experiments.claims.judging import (
    HOLDS,
    OWN,
    PART,
    apart,
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
    "S3", "II", "R, G and B can be predicted from gray instead of a and b", "02", "02/targets",
    fails="it has to redraw a picture that was given",
)  # fmt: skip
def rgb_target(said, result):
    gain = less(result["arms"]["R, G and B"]["raw"], result["rows"]["gray"])
    measured = f"R, G, B as answered less gray: {between(gain)} dB"
    return landscapes(result), measured, by_interval(gain)


@claim(
    "S3", "III", "11,000 pictures are 9,000 to train on and 3,000 to test", "06",
    said={"all": 11_000, "train": 9_000, "test": 3_000},
    fails="one addition tells; either the sum is wrong or pictures are in both",
)  # fmt: skip
def split_adds_up(said):
    total = said["train"] + said["test"]
    return OWN, f"together {total:,}", either(total == said["all"])


@claim(
    "S3", "II", "a gray picture has no color space", "01",
    said={"rgb": (0, 0, 255)},
    fails="how it was made gray decides what its values mean",
)  # fmt: skip
def gray_has_a_space(said):
    rgb = np.array([[said["rgb"]]], np.uint8)
    grays = [rgb.mean() / 255, rgb.max() / 255]
    least, most = (color.rgb_to_lab(np.full((1, 1, 3), g))[0, 0, 0] for g in grays)
    true = color.rgb_to_lab(rgb)[0, 0, 0]
    condition = f"one pixel, R, G, B = {', '.join(map(str, said['rgb']))}, made gray in three ways"
    measured = f"L* {true:.0f} by luminance, {least:.0f} by the mean, {most:.0f} by the maximum"
    return condition, measured, either(np.ptp([true, least, most]) < 1)


@claim(
    "S3", "VI", "SSIM lies between -1 and 1", "08",
    said={"least": -1.0, "most": 1.0},
    holds="the upper end is reached, the lower nearly",
)  # fmt: skip
def ssim_range(said):
    board = np.repeat((np.indices((16, 16)).sum(0) % 2.0)[..., None], 3, axis=-1)
    same, inverse = metrics.ssim(board, board), metrics.ssim(board, 1 - board)
    inside = said["least"] <= inverse and same <= said["most"]
    near = inverse - said["least"] < 0.01 and said["most"] - same < 0.01
    measured = f"{same:.3f} with itself, {inverse:.3f} with its negative"
    return "a checkerboard of 16 × 16 pixels", measured, either(inside and near)


@claim(
    "S3", "VI", "an Inception Score lies between 1 and the 1,000 classes", "08",
    said={"least": 1.0, "most": 1000.0, "classes": 1000},
    holds="it is the exponential of a divergence that is at most the log of their number",
)  # fmt: skip
def inception_range(said):
    sure, alike = np.eye(said["classes"]), np.full((2, said["classes"]), 1 / said["classes"])
    scores = []
    for p in (alike, sure):
        ratio = np.where(p > 0, p / p.mean(0), 1)
        scores.append(float(np.exp((p * np.log(ratio)).sum(1).mean())))
    inside = np.allclose(scores, [said["least"], said["most"]])
    measured = f"{scores[0]:.0f} and {scores[1]:,.0f}"
    return "all answers alike; each class once, for sure", measured, either(inside)


@claim(
    "S3", "V", "an SSIM of 0.93 is a mark to measure oneself against", "02", "02/checkpoint",
    said={"ssim": 0.93},
    fails="on these photographs gray passes it: most of SSIM is L, which was given",
)  # fmt: skip
def ssim_mark(said, result):
    result = result["sets"]["Intel"]
    gray = row_of(result, "gray")["ssim"]
    condition = f"{result['n_test']} {result['data']}, without any color"
    measured = f"SSIM {between(gray, 3, sign='')}"
    return condition, measured, graded(gray[2] < said["ssim"], gray[1] > said["ssim"])


@claim(
    "S3", "IV", "the absolute error makes sure that the choice of colors is best", "02",
    said={"thing": "balloon"},
    fails="it asks for the median of each channel, and that may be nobody's color",
)  # fmt: skip
def l1_is_best(said):
    p, ab = palette_of(said["thing"])
    order = ab.argsort(axis=0)
    half = (p[order].cumsum(axis=0) >= 0.5).argmax(axis=0)
    median = np.take_along_axis(ab, order, axis=0)[half, [0, 1]]
    away = np.hypot(*(ab - median).T).min()
    condition = f"best answer for a painted {said['thing']}, exactly"
    return condition, f"ΔE {away:.0f} from the nearest possible color", either(away < 2.3)


# The next results are lesson 06's; a claim whose result is not stored is "not measured yet".


@claim(
    "S3", "IV", "an adversarial loss makes colors that could be real", "06", "06/paintbox",
    holds="it commits to one of the colors that a thing can have, where L1 gives a mixture",
    part="most things get a color that they can have, and inside a thing it still varies",
    fails="it commits no oftener than L1 does",
    open="the intervals of the two losses overlap",
)  # fmt: skip
def real_colors(said, result):
    gan, l1 = (result["arms"][name] for name in ("L1 + GAN", "L1"))
    truth = result["exact"]["the truth"]["spread"]
    epochs = " + ".join(map(str, np.ravel(result["epochs"])))
    condition = (
        f"{result['n']:,} painted scenes of {result['size']} px, {epochs} epochs, "
        f"{len(result['seeds'])} seeds; {result['n_test']} test scenes"
    )
    near = [between(arm["near"], 1, " %", 100, "") for arm in (gan, l1)]
    measured = (
        f"things near a color that they can have: {near[0]} with the adversary, {near[1]} without; "
        f"spread of ab inside a thing {gan['spread'][0]:.1f}, in truth {truth[0]:.1f}"
    )
    verdict = apart(gan["near"], l1["near"])
    patchy = gan["spread"][1] > 2 * truth[2]
    return condition, measured, PART if verdict == HOLDS and patchy else verdict


@claim(
    "S3", "IV", "an input noise lets the generator answer the same gray in several ways", "06",
    "06/paintbox",
    holds="its answers differ as much as those of the world",
    part="they differ, and less than those of the world",
    fails="dropout, which plays the noise, hardly moves the answer",
)  # fmt: skip
def input_noise(said, result):
    ours, world = (result["noise"][name] for name in ("dropout", "the world"))
    condition = (
        f"{result['n_test']} test scenes of {result['size']} px, eight draws for the same gray; "
        "how far an object's color lies from its mean over them"
    )
    texts = [between(value, 1, sign="") for value in (ours, world)]
    measured = f"in ab, {texts[0]} under dropout, {texts[1]} in the world"
    return condition, measured, graded(ours[1] > 0.8 * world[0], ours[2] < 0.5 * world[0])


@claim(
    "S3", "IV", "an adversarial loss makes photographs more colorful", "06", "06/photographs",
    holds="against the same network, trained as long without the adversary; PSNR is the price",
    fails="it makes them paler than the same network without the adversary",
    open="the intervals of the two losses overlap",
)  # fmt: skip
def colorful_photographs(said, result):
    gan, l1 = (row_of(result, name)["colorfulness"] for name in ("L1 + GAN", "L1"))
    truth = row_of(result, "gray")["colorfulness_truth"][0]
    price = less(result["psnr"]["L1 + GAN"], result["psnr"]["L1"])
    condition = (
        f"{result['n']:,} photographs of {result['size']} px, one seed; "
        f"{result['n_test']} Intel test photographs"
    )
    measured = (
        f"colorfulness {between(gan, 1, sign='')} with the adversary, "
        f"{between(l1, 1, sign='')} without, truth {truth:.1f}; PSNR {between(price)} dB"
    )
    return condition, measured, apart(gan, l1)


@claim(
    "S3", "VI and VII", "a picture with a low SSIM can look real", "07", "07/redraws",
    holds="SSIM ranks a picture that is real by construction below an unfinished gray one",
)  # fmt: skip
def low_ssim(said, result):
    gain = less(result["ssim"]["left gray"], result["ssim"]["noise drawn anew"])
    condition = (
        f"{result['n']} painted scenes of {result['size']} px; small noise in ab drawn anew, "
        "against the same scene whose uncertain colors are left gray"
    )
    low, gray = (np.mean(result["ssim"][name]) for name in ("noise drawn anew", "left gray"))
    measured = f"SSIM {low:.3f} for the real one, {gray:.3f} for the gray one: {between(gain, 3)}"
    return condition, measured, by_interval(gain)


@claim(
    "S3", "VI", "the Inception Score fits the needs of a colorizer", "07", "07/scores",
    fails="it never sees which picture belongs to which: all may be exchanged",
)  # fmt: skip
def class_score(said, result):
    rows = {row["name"]: row["class_score"] for row in result["rows"]}
    truth, exchanged, gray = (rows[name] for name in ("truth", "pairs exchanged", "gray"))
    condition = f"{result['n']} {result['data']}, by the classes of {result['network']}"
    measured = (
        f"{truth:.2f} for the truth, {exchanged:.2f} with every picture exchanged for another, "
        f"{gray:.2f} for gray"
    )
    return condition, measured, either(exchanged < 0.95 * truth)


cannot(
    "S3", "III and VI", "3,000 test pictures are enough for a Fréchet distance",
    "it takes Inception's 2,048 features. With fewer, real photographs are not at distance 0 from "
    "other real ones, and the more features, the larger that bias", "07",
)  # fmt: skip


cannot(
    "S3", "VI", "the Inception Score agrees with people, the Fréchet distance does so better",
    "it takes Inception's weights and a study with people; here are neither", "06",
)  # fmt: skip
