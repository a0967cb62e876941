"""The claims of S4, Ain Shams University: pretrained features, and an application."""

from typing import Any

import numpy as np

from experiments.claims.judging import (
    STARTS,
    Found,
    apart,
    cannot,
    claim,
    compared,
    computed,
    difference,
    how_far_starts_differ,
    row_of,
)
from experiments.claims.s1 import steadiness
from experiments.claims.s2 import in_photographs


@claim(
    "S4/accuracy",
    "tested and evaluated on samples images with accuracy= 82%",
    "abstract",
    "to know what is counted as accurate and on which photographs, and the trained network. The "
    "report gives none; Keras's accuracy of a two-channel output would be one bit a pixel, which "
    "of a and b is larger.",
    "04/constants",
    rule=None,
    lesson="04",
    note="Without a row for a constant picture, 82 % says little.",
)
def accuracy(said: dict[str, Any], result: dict[str, Any]) -> Found:
    shares = {name: result["rows"][name]["yellow"] for name in ("COCO", "Intel, all six")}
    shares["forests"] = result["rows"]["Intel, forest"]["yellow"]
    text = ", ".join(f"{100 * share:.1f} % on {name}" for name, share in shares.items())
    return Found(
        f"{result['rows']['COCO']['n']:.0f} COCO and {result['rows']['Intel, all six']['n']:.0f} "
        "Intel test photographs",
        None,
        f"one yellow everywhere has, by Keras's count, {text}",
    )


cannot(
    "S4/epochs",
    "the more epochs the model is trained on the better accuracy we get",
    "section 4.2.2",
    "to know on which photographs the three trials were measured: on those that it learns a "
    "network gets better with every epoch, on others it need not.",
    "04",
)


@claim(
    "S4/classes",
    "it is granted that the more classes included in the dataset the better colorization is done",
    "section 4.2.2",
    "PSNR of a network that learned from six classes minus PSNR of one that learned from two, both "
    "from as many photographs.",
    "05/photographs",
    STARTS,
    rule=compared,
    lesson="05",
    note="The test photographs are of all six classes.",
)
def classes(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, other = (result["psnr"][k] for k in ("plain, six classes", "plain"))
    starts = how_far_starts_differ(audit, "color")
    return Found(in_photographs(result), [difference("six minus two", ours, other, " dB", starts)])


@claim(
    "S4/faster",
    "We use the weight of a pre-trained model to initialize our model's weights to grantee a "
    "faster convergence.",
    "section 4.1.4",
    "PSNR on validation photographs with pretrained weights minus with random ones, over all steps "
    "of training at which it was stored.",
    "04/features",
    STARTS,
    rule=compared,
    lesson="04",
    note="No single training can show a guarantee, and times of one training are not independent.",
)
def faster(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, other = (
        np.mean([[row["gain"] for row in start] for start in result["arms"][k]["rows"]], axis=0)
        for k in ("pretrained, fine-tuned", "from nothing")
    )
    starts = how_far_starts_differ(audit, "color")
    return Found(
        f"{in_features(result)}; {len(ours)} times of measuring",
        [difference("pretrained minus random", ours, other, " dB", starts)],
        f"over gray at the end {ours[-1]:+.2f} and {other[-1]:+.2f} dB; ",
    )


def in_features(result: dict[str, Any]) -> str:
    """On what 04/features measured."""
    starts = len(result["seeds"])
    return (
        f"EfficientNet-Lite0 as encoder, all layers learn; {result['n']:,} photographs, "
        f"{result['steps']} steps for each arm, {starts} start{'s' * (starts != 1)}"
    )


@claim(
    "S4/pretrained",
    "Use Autoencoders & Pre-trained model to improve accuracy.",
    "section 1.3",
    "PSNR of a network with pretrained weights minus PSNR of the same with random ones, at equal "
    "steps.",
    "04/features",
    STARTS,
    rule=compared,
    lesson="04",
    note="PSNR in place of the report's accuracy; Lite0 in place of VGG-16.",
)
def pretrained(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, other = (
        np.mean(result["arms"][k]["psnr"]["diverse"], axis=0)
        for k in ("pretrained, fine-tuned", "from nothing")
    )
    starts = how_far_starts_differ(audit, "color")
    return Found(
        f"{in_features(result)}; {len(ours)} diverse test photographs",
        [difference("pretrained minus random", ours, other, " dB", starts)],
    )


@claim(
    "S4/fusion",
    "It provides a high level of feature extraction. … Fusion Layer: responsible for merging the "
    "encoder output & Inception-ResNet-V2 output.",
    "section 4.1.4",
    "the network trained as long without the fused vector. That ours relies on the vector does not "
    "say that it is better for it.",
    "04/checkpoint",
    rule=None,
    lesson="04",
)
def fusion(said: dict[str, Any], result: dict[str, Any]) -> Found:
    own, other = (np.mean(result["embedding"][k]) for k in ("its own", "another's"))
    return Found(
        f"the S4 checkpoint; {len(result['embedding']['its own'])} diverse test photographs",
        None,
        f"with another photograph's vector the S4 checkpoint has {other - own:+.2f} dB",
    )


@claim(
    "S4/pale",
    "The results here were not as expected but this is due to the lack of resources. So, the "
    "images were unsaturated.",
    "section 4.2.1",
    "With more photographs than the report had for any model and the same loss, colorfulness must "
    "reach the true one: predicted minus true.",
    "05/checkpoint",
    STARTS,
    rule=compared,
    lesson="04",
    note="Section 2.4 of the report names another reason, the squared error. Its second model was "
    "not rebuilt: resources may be one cause of several.",
)
def pale(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, truth = (result["choices"][k]["colorfulness"] for k in ("S4", "truth"))
    starts = how_far_starts_differ(audit, "colorfulness")
    return Found(
        f"the S4 checkpoint, squared error, {result['n']:,} photographs, one start; {len(ours)} "
        "diverse test photographs",
        [difference("S4 minus truth", ours, truth, " colorfulness", starts)],
        f"colorfulness {np.mean(ours):.1f}, truth {np.mean(truth):.1f}; ",
    )


@claim(
    "S4/vivid",
    "if we consider the system as a classification-based would tend to generate a saturated image",
    "section 2.4",
    "Colorfulness of classification minus that of the squared error: without weights, and with "
    "weights for rare colors.",
    "05/photographs",
    STARTS,
    rule=compared,
    lesson="05",
    note="A hypothesis of the report, which trains no classification.",
)
def vivid(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    found = {k: row_of(result, k)["colorfulness"] for k in ("plain", "rebalanced", "L2")}
    starts = how_far_starts_differ(audit, "colorfulness")
    arms = {"without weights": "plain", "with weights": "rebalanced"}
    return Found(
        in_photographs(result),
        [apart(of, found[k], found["L2"], " colorfulness", starts) for of, k in arms.items()],
    )


cannot(
    "S4/augmentation",
    "we had a dataset large enough, so we removed out data augmentation",
    "section 4.1.2",
    "a number with augmentation and one without; the report gives none. With the report of S0 the "
    "course tried it: S0/augmentation.",
    "02",
)


cannot(
    "S4/animals",
    "Our model does very well with the animals like cats and dogs … The model produces plausible "
    "images even with the sketches.",
    "section 6.1",
    "to know how often, and who judged; the report shows examples of its own choice.",
)


@claim(
    "S4/available",
    "The system is available all the time for all users.",
    "section 3.1.2",
    "Over kills of the server at random moments, no accepted picture and no finished result may be "
    "lost.",
    "09/studio",
    rule=computed,
    lesson="09",
    note="The report's system is not here: tested is the studio of this course, which promises "
    "less than “all the time”. While a server starts again, it does not answer.",
)
def available(said: dict[str, Any], result: dict[str, Any]) -> Found:
    found = result["kills"]
    lost = {name: found[name] for name in ("lost", "unfinished", "changed", "doubled", "partial")}
    return Found(
        f"the studio of lesson 09, killed {found['server'] + found['worker']} times while "
        f"{found['accepted']} pictures were uploaded",
        not any(lost.values()),
        ", ".join(f"{count} {name}" for name, count in lost.items()),
    )


@claim(
    "S4/fast",
    "A fast response to the user is granted.",
    "section 3.1.2",
    "With a hundred users at once on two cores, 95 of 100 pictures must come back within ten "
    "seconds.",
    "09/studio",
    rule=computed,
    lesson="09",
    note="The report's system is not here: tested is the studio of this course. What is fast, the "
    "report does not say.",
)
def fast(said: dict[str, Any], result: dict[str, Any]) -> Found:
    crowd = result["load"]
    soon = sum(seconds <= 10 for seconds in crowd["picture"])
    return Found(
        f"the studio of lesson 09 on two cores, {crowd['people']} people at once",
        soon >= 0.95 * crowd["people"],
        f"{soon} of {crowd['people']} pictures within ten seconds, all in {crowd['seconds']:.0f}",
    )


@claim(
    "S4/video",
    "The model works very well with the image colorization and video colorization in most of the "
    "cases.",
    "section 6.2",
    "Warping error (how much color flickers along the motion) of the true clips minus that of the "
    "clips that are colored frame by frame.",
    "10/pan",
    rule=compared,
    lesson="10",
    note="“Very well” is read as: as steady as the true color. The report shows no film.",
)
def video(said: dict[str, Any], result: dict[str, Any]) -> Found:
    return steadiness(result, "S4", "truth", "frame by frame")


@claim(
    "S4/coherence",
    "would require adapting the network architecture to accommodate temporal coherence between "
    "subsequent frames",
    "section 6.2",
    "Warping error with a filter over time, the network unchanged, minus that of the true clips.",
    "10/pan",
    rule=compared,
    lesson="10",
    note="Gray flickers least of all: lesson 10 gives the error to the truth beside it.",
)
def coherence(said: dict[str, Any], result: dict[str, Any]) -> Found:
    return steadiness(result, "S4", "moving average along the flow", "truth")
