"""The claims of S0, Song and Liu: regression with the squared error."""

import numpy as np

from course_utils import metrics
from experiments.claims.judging import (
    OWN,
    between,
    by_interval,
    cannot,
    claim,
    either,
    graded,
    landscapes,
    less,
)


@claim(
    "S0", "4.1, table", "the layers of its table have 3,892,194 weights in all", "02",
    said={"all": 3_892_194, "channels": [1, 64, 64, 128, 128, 256, 256, 512, 256, 128, 64, 32, 2]},
    holds="every row of the table can be counted again",
)  # fmt: skip
def parameters(said):
    pairs = zip(said["channels"], said["channels"][1:])
    counted = sum((9 * before + 1) * after for before, after in pairs)
    return "3 × 3 kernels with biases", f"{counted:,} counted", either(counted == said["all"])


@claim(
    "S0", "5.2", "its comparison of epochs goes from 10 to 150", "08",
    said={"announced": (10, 150), "shown": (50, 100, 150, 200)},
    fails="the text announces one range, the picture shows another",
)  # fmt: skip
def epochs_shown(said):
    first, last = said["announced"]
    text = "shown are " + ", ".join(map(str, said["shown"])) + " epochs"
    return OWN, text, either(first <= min(said["shown"]) and max(said["shown"]) <= last)


@claim(
    "S0", "3", "Lab suits the training better than other color models", "02", "02/targets",
    holds="tested against R, G, B only, whose color was joined with the true L to be fair",
)  # fmt: skip
def lab_target(said, result):
    arms = result["arms"]
    gain = less(arms["a and b"]["color"], arms["R, G and B"]["color"])
    return landscapes(result), f"a and b less R, G, B: {between(gain)} dB", by_interval(gain)


@claim(
    "S0", "3", "augmented data reduce overfitting", "02", "02/targets",
    open="so few epochs hardly overfit; absence of evidence is not evidence of absence",
)  # fmt: skip
def augmentation(said, result):
    arms = result["arms"]
    gain = less(arms["a and b"]["color"], arms["a and b, no augmentation"]["color"])
    return landscapes(result), f"with less without: {between(gain)} dB", by_interval(gain)


@claim(
    "S0", "4.1", "tanh makes signed values of what a ReLU before it left nonnegative", "08",
    said={"lowest": 0.0},
    fails="tanh keeps the sign of what enters; the last convolution's weights make the signs",
)  # fmt: skip
def tanh_signs(said):
    least = float(np.tanh(said["lowest"]))
    condition = f"tanh of {said['lowest']:g} and above"
    return condition, f"the least value is {least:.2f}", either(least < 0)


@claim(
    "S0", "4.3 and 5", "the value of the loss does not show how well it colors", "02",
    "02/checkpoint",
    fails="it ranks photographs much as ΔE00 does; what it never asks for is colorfulness",
)  # fmt: skip
def loss_and_look(said, result):
    mse, delta, vivid_hat, vivid, *_ = np.transpose(result["audit"])
    ranks = [np.argsort(np.argsort(x)) for x in (mse, delta)]
    agree = np.asarray(np.corrcoef(ranks))[0, 1]
    measured = (
        f"rank correlation of loss and ΔE00 {agree:.2f}; "
        f"colorfulness {vivid_hat.mean() / vivid.mean():.0%} of the truth's"
    )
    condition = f"{len(mse)} Intel test photographs, one model, one scale of ab"
    return condition, measured, graded(agree < 0.5, agree > 0.8)


@claim(
    "S0", "5.2", "with more epochs it performs better", "02", "02/checkpoint",
    part="in the long run, not from one epoch to the next",
)  # fmt: skip
def more_epochs(said, result):
    psnr = [row["psnr"] for row in result["rows"]]
    alike = sum(step == result["plan"][0] for step in result["plan"])
    down = int((np.diff(psnr[:alike]) < 0).sum())
    measured = (
        f"{psnr[0]:.2f} dB after the first epoch, {psnr[-1]:.2f} after the last; "
        f"{down} of the first {alike - 1} steps led down"
    )
    condition = f"{result['n']:,} photographs, {len(psnr)} epochs, one seed; others judge it"
    better = psnr[-1] > psnr[0]
    return condition, measured, graded(better and not down, not better)


@claim(
    "S0", "5.1", "it never paints red where the photograph is red", "02", "02/checkpoint",
    holds="red is rare and uncertain, and the mean of uncertain colors is not red",
)  # fmt: skip
def never_red(said, result):
    *_, reds, found = np.transpose(result["audit"])
    many = reds >= 100
    share = metrics.bootstrap(found[many] / reds[many])
    condition = f"{int(many.sum())} test photographs with 100 or more red pixels"
    measured = f"red in {between(share, 1, ' %', 100, '')} of these pixels"
    return condition, measured, either(share[2] < 0.05)


cannot(
    "S0", "5.1", "trees and snow come out well, people and single objects do not",
    "judged by eye, by the authors, on pictures of their own choice; no criterion is given",
)  # fmt: skip
cannot(
    "S0", "3", "the gray value, modified, serves as L",
    "which modification is not said; lesson 01 measures what plain rescaling costs", "01",
)  # fmt: skip
