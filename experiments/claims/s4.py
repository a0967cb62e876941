"""The claims of S4, Ain Shams University: borrowed features, and an application."""

import numpy as np

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
    row_of,
)


@claim(
    "S4", "4.2.1 and 4.2.2", "its accuracy, 54.73 to 84.73 %, tells how well a model colors", "04",
    "04/constants",
    said={"first": 0.5473, "second": 0.557, "animals": 0.7905, "samples": 0.82, "best": 0.8473},
    fails="Keras counts one bit of a pixel, and constants reach each of these numbers",
)  # fmt: skip
def accuracy(said, result):
    coco, birds, forest = (result["rows"][k] for k in ("COCO", "birds", "Intel, forest"))
    rivals = {"first": coco["yellow"], "second": coco["yellow"], "animals": birds["one bit"]}
    rivals |= {"samples": forest["yellow"], "best": forest["one bit"]}
    beaten = [rivals[name] > share for name, share in said.items()]
    measured = (
        f"one yellow: {coco['yellow']:.1%} on COCO, {forest['yellow']:.1%} on forests; "
        f"the better of two colors for each picture: {birds['one bit']:.1%} on birds, "
        f"{forest['one bit']:.1%} on forests"
    )
    condition = (
        f"constant answers for {coco['n']:.0f} COCO photographs, {birds['n']:.0f} birds, "
        f"{forest['n']:.0f} forests"
    )
    return condition, measured, graded(not any(beaten), all(beaten))


@claim(
    "S4", "4.2.1", "82 % is the best accuracy that its first model reached", "08",
    said={"best": 82.0, "trials": (54.73, 69.01, 84.73)},
    fails="the same epochs, batch and optimizer stand beside another number in 4.2.2",
)  # fmt: skip
def best_accuracy(said):
    most = max(said["trials"])
    return OWN, f"its third trial has {most:g} %", either(most <= said["best"])


@claim(
    "S4", "4.2.1", "with fewer photographs the second model is worse than the first", "08",
    said={"first": {100: 54.73, 400: 69.01, 1000: 84.73}, "second": {100: 55.7}},
    fails="it had a tenth of the epochs as well; at equal epochs it is ahead",
)  # fmt: skip
def second_is_worse(said):
    ((epochs, second),) = said["second"].items()
    first = said["first"][epochs]
    measured = f"{first:g} % the first, {second:g} % the second"
    return f"{OWN} at {epochs} epochs", measured, either(second < first)


cannot(
    "S4", "4.2.2", "the more epochs, the better the accuracy",
    "it is not said on which photographs: on those that it learns it rises, on others it need not",
    "04",
)  # fmt: skip


@claim(
    "S4", "4.1.4", "pretrained weights guarantee that training converges faster", "04",
    "04/features",
    holds="at equal steps they lead all the way and pass the other's last value in the first half",
    part="they end higher, but do not lead all the way or not by half of the steps",
    fails="they do not end higher",
)  # fmt: skip
def faster(said, result):
    ours, other = (learning_curve(result, k) for k in ("pretrained, fine-tuned", "from nothing"))
    passes = next((i for i, x in enumerate(ours, 1) if x > other[-1]), len(ours) + 1)
    measured = (
        f"at the end {ours[-1]:+.2f} dB over gray, {other[-1]:+.2f} from random weights; "
        f"their last value is passed at {min(1, passes / len(ours)):.0%} of the steps"
    )
    ahead = bool((ours > other).all()) and passes <= len(ours) / 2
    return in_features(result), measured, graded(ahead, ours[-1] <= other[-1])


def learning_curve(result, arm):
    """The gain over gray on validation photographs, mean of all starts, (rows,)."""
    rows = result["arms"][arm]["rows"]
    return np.mean([[row["gain"] for row in start] for start in rows], axis=0)


def in_features(result):
    """The condition of 04/features in words."""
    starts = len(result["seeds"])
    return (
        f"EfficientNet-Lite0 as encoder, {result['n']:,} photographs, {result['steps']} steps for "
        f"each arm, {starts} start{'s' * (starts != 1)}"
    )


@claim(
    "S4", "1.3", "a pretrained model improves the result", "04", "04/features",
    holds="at equal steps, where all layers learn",
)  # fmt: skip
def pretrained(said, result):
    ours, other = (
        np.mean(result["arms"][k]["psnr"]["diverse"], axis=0)
        for k in ("pretrained, fine-tuned", "from nothing")
    )
    gain = less(ours, other)
    measured = f"pretrained less random: {between(gain)} dB"
    condition = f"{in_features(result)}; {len(ours)} test photographs"
    return condition, measured, by_interval(gain)


@claim(
    "S4", "4.1.4", "the fused vector tells the network what the picture shows", "04",
    "04/checkpoint",
    holds="it relies on the vector: with a wrong one it paints worse",
)  # fmt: skip
def fused_vector(said, result):
    gain = less(result["embedding"]["its own"], result["embedding"]["another's"])
    condition = (
        f"{len(result['embedding']['its own'])} diverse test photographs, the S4 checkpoint; "
        "the mean of Lite0's deepest maps in place of Inception-ResNet-v2"
    )
    return condition, f"its own less another's vector: {between(gain)} dB", by_interval(gain)


@claim(
    "S4", "6.1 and 4.1.4", "it was trained with a cross-entropy", "04",
    said={"6.1": "cross-entropy", "4.1.4": "squared error"},
    fails="the chapter on the model names another loss; lesson 04 shows that it must be right",
)  # fmt: skip
def cross_entropy(said):
    text = "; ".join(f"{place}: {loss}" for place, loss in said.items())
    return "what the report says in two places", text, either(len(set(said.values())) == 1)


@claim(
    "S4", "4.1.4", "a ReLU squashes values into 0 to 1", "04",
    said={"value": 2.0, "most": 1.0},
    fails="it cuts off below zero and leaves alone what is above",
)  # fmt: skip
def relu_range(said):
    out = max(said["value"], 0.0)
    return f"ReLU of {said['value']:g}", f"{out:g}", either(out <= said["most"])


@claim(
    "S4", "4.2.1", "its second model paints pale for want of data and computers", "02", "02/unet",
    fails="a network with little left to learn is as pale, because the squared error asks for it",
)  # fmt: skip
def pale_for_want(said, result):
    truth, expected, painted = result["chroma"]["balloon"]
    condition = f"a U-Net on {result['n']:,} painted scenes, {result['epochs']} epochs"
    measured = (
        f"regret {result['regret'][0]:.0f} of a squared error of {result['test']:.0f}; balloons' "
        f"chroma {painted:.0f}, best answer {expected:.0f}, truth {truth:.0f}"
    )
    learned = result["regret"][2] < 0.25 * result["test"]
    return condition, measured, graded(painted > 0.8 * truth, learned and painted < 0.5 * truth)


@claim(
    "S4", "2.4", "classification gives more saturated pictures than regression", "05",
    "05/photographs",
    fails="not by itself: the most probable bin is often gray; weights make it vivid",
)  # fmt: skip
def classes_are_vivid(said, result):
    ours, other = (row_of(result, k)["colorfulness"] for k in ("plain", "L2"))
    measured = (
        f"colorfulness {between(ours, 1, sign='')} with plain cross-entropy, "
        f"{between(other, 1, sign='')} with the squared error"
    )
    return landscapes(result), measured, graded(ours[1] > other[2], ours[2] < other[1])


@claim(
    "S4", "4.1.4", "in Inception-ResNet-v2 the last blocks have 17 × 17 positions", "08",
    said={"before": 17, "last": 17},
    fails="its own list brings 17 down to 8 before them",
)  # fmt: skip
def inception_sizes(said):
    after = (said["before"] - 3) // 2 + 1
    condition = f"a reduction with stride 2 on {said['before']} × {said['before']}"
    return condition, f"{after} × {after}", either(after == said["last"])


cannot(
    "S4", "4.1.2", "augmentation made up for having about 500 images",
    "no number with and without it is given; ours, with more photographs, is undecided (see S0)",
)  # fmt: skip
cannot(
    "S4", "abstract", "a user study assessed what the public accepts",
    "the report announces it and gives no result; none was held here",
)  # fmt: skip
cannot(
    "S4", "6.1", "animals, sunsets and sketches come out well",
    "shown by example; it is not said how often, nor who judged",
)  # fmt: skip
cannot(
    "S4", "6.2", "it works well for films in most cases",
    "no film was measured there; lesson 09 asks how steady colors are in time", "09",
)  # fmt: skip
