"""The claims of S0, Song and Liu: regression with the squared error."""

from typing import Any

import numpy as np

from experiments.claims.judging import (
    OWN,
    STARTS,
    Found,
    cannot,
    claim,
    compared,
    difference,
    how_far_starts_differ,
    own_words,
)

CHANNELS = [1, 64, 64, 128, 128, 256, 256, 512, 256, 128, 64, 32, 2]  # of its table
SIDES = [256, 128, 128, 64, 64, 32, 32, 32, 32, 64, 128, 128]  # of what each layer gives


@claim(
    "S0/weights",
    "Total params: 3,892,194",
    "section 4.1, table",
    "The rows of the table, counted again, must have this sum.",
    rule=own_words,
    lesson="02",
    said={"all": 3_892_194, "channels": CHANNELS},
)
def weights(said: dict[str, Any]) -> Found:
    pairs = zip(said["channels"], said["channels"][1:], strict=False)
    counted = sum((9 * before + 1) * after for before, after in pairs)
    return Found(OWN, counted == said["all"], f"{counted:,} weights counted")


@claim(
    "S0/two_outputs",
    "our network only need to output two dimensions of a pixel, which simplifies the network by "
    "reducing the number of required computations",
    "section 3",
    "With two channels as output, the network of its table must need fewer multiplications than "
    "with three.",
    rule=own_words,
    lesson="02",
    said={"channels": CHANNELS, "sides": SIDES, "outputs": (2, 3)},
    note="True, and too little to matter: only the last layer is smaller.",
)
def two_outputs(said: dict[str, Any]) -> Found:
    def multiplications(outputs: int) -> int:
        channels = [*said["channels"][:-1], outputs]
        layers = zip(channels, channels[1:], said["sides"], strict=False)
        return sum(9 * before * after * side**2 for before, after, side in layers)

    ours, other = map(multiplications, said["outputs"])
    fewer = f"{100 - 100 * ours / other:.2f} % fewer"
    measured = f"{ours / 1e9:.1f} billion multiplications a picture, {fewer}"
    return Found(OWN, ours < other, measured)


@claim(
    "S0/epochs_shown",
    "The number varies from 10 to 150. … 50 epochs model's output, 100 epochs model's output, "
    "150 epochs model's output. 200 epochs model's output.",
    "section 5.2",
    "The epochs that are shown must lie in the range that is announced, and reach its ends.",
    rule=own_words,
    lesson="02",
    said={"announced": (10, 150), "shown": (50, 100, 150, 200)},
)
def epochs_shown(said: dict[str, Any]) -> Found:
    shown = said["shown"]
    text = f"shown are {', '.join(map(str, shown))} epochs"
    return Found(OWN, said["announced"] == (min(shown), max(shown)), text)


@claim(
    "S0/tanh",
    "to translate the nonnegative input to real values, which represents the value of a*b (may be "
    "positive and negative)",
    "section 4.1",
    "The tanh of values from 0 upwards must be negative somewhere.",
    rule=own_words,
    lesson="02",
    said={"lowest": 0.0},
    note="The signs come from the weights of the last convolution, which stands between the last "
    "ReLU and the tanh.",
)
def tanh(said: dict[str, Any]) -> Found:
    least = float(np.tanh(said["lowest"]))
    return Found(OWN, least < 0, f"the least value of tanh from 0 upwards is {least:.2f}")


@claim(
    "S0/lab",
    "L*a*b model is more suitable than other models in the model training",
    "section 3",
    "PSNR of a network that predicts ab minus PSNR of the same network that predicts R, G and B, "
    "whose color is joined with the true L: for the report's network, made thinner, and for a "
    "U-Net.",
    "02/targets",
    STARTS,
    rule=compared,
    lesson="02",
    note="R, G and B are the only other color model that was tried.",
)
def lab(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    starts = how_far_starts_differ(audit, "color")
    ours, other = (
        np.mean([row["color"] for row in audit["arms"][name]], axis=0) for name in ("ab", "RGB")
    )
    return Found(
        f"{in_targets(result)}; the U-Net: {in_audit(audit)}",
        [
            targets_apart(result, "ab minus RGB", "R, G and B", starts),
            difference("a U-Net", ours, other, " dB", starts),
        ],
    )


@claim(
    "S0/augmentation",
    "data argumentation reducing the overfitting",
    "section 3",
    "PSNR on test photographs with augmentation minus without.",
    "02/targets",
    STARTS,
    rule=compared,
    lesson="02",
    note="Five epochs leave little time to overfit; the report trains a hundred.",
)
def augmentation(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    starts = how_far_starts_differ(audit, "color")
    return Found(
        in_targets(result),
        [targets_apart(result, "with minus without", "a and b, no augmentation", starts)],
    )


def targets_apart(result: dict[str, Any], of: str, other: str, starts: float):
    """The arm "a and b" of 02/targets minus another, in dB."""
    arms = result["arms"]
    return difference(of, arms["a and b"]["color"], arms[other]["color"], " dB", starts)


def in_targets(result: dict[str, Any]) -> str:
    """On what 02/targets measured."""
    return (
        f"the report's network, thinner; {result['n']:,} mountains and glaciers of "
        f"{result['size']} px, {result['epochs']} epochs, one start; {result['n_test']} test "
        "photographs"
    )


def in_audit(audit: dict[str, Any]) -> str:
    """On what 08/audit_targets measured."""
    return (
        f"{audit['n']:,} Intel photographs of {audit['size']} px, {audit['epochs']} epochs, "
        f"{len(audit['seeds'])} starts; {audit['n_test']} test photographs"
    )


cannot(
    "S0/loss",
    "The quantitative result is only the value of the loss function, which cannot reflect the "
    "performance of network directly.",
    "section 5",
    "people who say how well each picture is colored; the report judges by eye. To hold the loss "
    "against another distance between pixels would answer another question.",
    "02",
)


@claim(
    "S0/more_epochs",
    "As the number of epochs increasing, the performance of network is better.",
    "section 5.2",
    "PSNR after the report's last number of epochs minus PSNR after its first.",
    "02/report",
    STARTS,
    rule=compared,
    lesson="02",
    said={"first": 50, "last": 200},
)
def more_epochs(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    rows = {row["epoch"]: row["psnr"] for row in result["rows"] if "psnr" in row}
    of = f"after {said['last']} minus after {said['first']} epochs"
    starts = how_far_starts_differ(audit, "color")
    return Found(
        f"the report's network, thinner; {result['n']} mountains of {result['size']} px, one "
        f"start; {result['n_test']} Intel test mountains",
        [difference(of, rows[said["last"]], rows[said["first"]], " dB", starts)],
    )


@claim(
    "S0/red",
    "the output images never show red at the pixels where are in red in the real version",
    "section 5.1",
    "Of the truly red pixels, less than 5 % may come out red: 5 % minus their share, for "
    "photographs with 100 of them or more.",
    "02/red",
    rule=compared,
    lesson="02",
    said={"most": 0.05},
    note="The S0 checkpoint learned from diverse photographs, which hold red; the report's network "
    "learned from mountains.",
)
def red(said: dict[str, Any], result: dict[str, Any]) -> Found:
    reds, ours, other = (np.array(result["pixels"][k]) for k in ("truth", "S0", "S4"))
    many = reds >= 100
    share = ours[many] / reds[many]
    measured = (
        f"of the red pixels {100 * share.mean():.1f} % come out red from S0, "
        f"{100 * (other[many] / reds[many]).mean():.1f} % from S4; "
    )
    most = 100 * said["most"] + 0 * share
    gap = difference(f"{100 * said['most']:g} % minus the share", most, 100 * share, " points")
    return Found(f"the S0 checkpoint; {many.sum()} diverse test photographs", [gap], measured)


cannot(
    "S0/trees",
    "the tree and snow are well recognized, while the human and other specific objects are in "
    "wrong color",
    "section 5.1",
    "a criterion for “well”, and the report's photographs; it shows some of its own choice, judged "
    "by its authors.",
)


@claim(
    "S0/features",
    "The feature extractor can get the high-level information of the input image that can benefit "
    "the colorization.",
    "section 5, Conclusion",
    "PSNR with a pretrained encoder minus PSNR with a random one, both frozen, at equal steps.",
    "04/features",
    STARTS,
    rule=compared,
    lesson="04",
    note="The report proposes Inception and does not try it; here it is EfficientNet-Lite0.",
)
def features(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, other = (
        np.mean(result["arms"][k]["psnr"]["diverse"], axis=0)
        for k in ("pretrained, frozen", "random, frozen")
    )
    starts = how_far_starts_differ(audit, "color")
    return Found(
        f"EfficientNet-Lite0 as encoder; {result['n']:,} photographs, {result['steps']} steps for "
        f"each arm, {len(result['seeds'])} start; {len(ours)} diverse test photographs",
        [difference("pretrained minus random", ours, other, " dB", starts)],
    )


@claim(
    "S0/topics",
    "If the network doesn't perform well on the mixed dataset, there is a solution that training "
    "multiple models with different topics",
    "section 5, Conclusion",
    "PSNR of one network for each class, chosen by a classifier, minus PSNR of one network for all "
    "classes, at equal steps.",
    "02/classes",
    STARTS,
    rule=compared,
    lesson="02",
)
def topics(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    psnr, starts = result["psnr"], how_far_starts_differ(audit, "color")
    of = "the chosen one minus one for all"
    gain = difference(of, psnr["the chosen model"], psnr["one model for all"], " dB", starts)
    return Found(
        f"the report's network, thinner; {result['n']} photographs of {result['size']} px for each "
        f"of {len(result['names'])} Intel classes, {result['epochs']} epochs, one start; "
        f"{result['n_test']} test photographs",
        [gain],
    )
