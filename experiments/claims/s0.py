"""The claims of S0, Song and Liu: regression with the squared error."""

import numpy as np

from course_utils import metrics
from experiments.claims.judging import (
    OWN,
    apart,
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


cannot(
    "S0", "4.3 and 5", "the value of the loss does not show how well it colors",
    "the report judges by eye; it takes people who compare pictures, and here are none", "02",
)  # fmt: skip


@claim(
    "S0", "5.2", "with more epochs it performs better", "02", "02/report",
    holds="so few photographs are learned by heart later than that",
    fails="it learns its photographs by heart, and new ones suffer",
    open="the intervals overlap; the loss on its own photographs falls all the way",
)  # fmt: skip
def more_epochs(said, result):
    gains = {row["epoch"]: row["gain"] for row in result["rows"] if "gain" in row}
    first, last = min(gains), max(gains)
    condition = (
        f"{result['n']} mountains of {result['size']} px, one rate, one seed; "
        f"{result['n_test']} Intel test mountains"
    )
    texts = [f"{gain[0]:+.2f} after {epoch}" for epoch, gain in sorted(gains.items())]
    measured = f"dB over gray: {', '.join(texts)}; at last {between(gains[last])}"
    return condition, measured, apart(gains[last], gains[first])


@claim(
    "S0", "5.1", "it never paints red where the photograph is red", "02", "02/red",
    holds="its training photographs hold red; what is red is not to be seen in gray without "
    "knowing the thing",
    part="it seldom does; a network that knows things does so more often",
)  # fmt: skip
def never_red(said, result):
    reds, ours, other = (np.array(result["pixels"][k]) for k in ("truth", "S0", "S4"))
    many = reds >= 100
    shares = [metrics.bootstrap(found[many] / reds[many]) for found in (ours, other)]
    condition = f"{int(many.sum())} diverse test photographs with 100 or more red pixels"
    texts = [between(share, 1, " %", 100, "") for share in shares]
    measured = f"red in {texts[0]} of these pixels; S4, on pretrained features, {texts[1]}"
    return condition, measured, graded(shares[0][2] < 0.05, shares[0][1] > 0.5)


cannot(
    "S0", "5.1", "trees and snow come out well, people and single objects do not",
    "judged by eye, by the authors, on pictures of their own choice; no criterion is given",
)  # fmt: skip
cannot(
    "S0", "3", "the gray value, modified, serves as L",
    "which modification is not said; lesson 01 measures what plain rescaling costs", "01",
)  # fmt: skip
