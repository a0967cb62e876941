"""The claims of S1, Kaushik et al.: global and local features."""

from typing import Any

import numpy as np

from experiments.claims.judging import (
    FILM,
    OWN,
    STARTS,
    Found,
    apart,
    cannot,
    claim,
    compared,
    difference,
    how_far_starts_differ,
    own_words,
    row_of,
)

SECONDS = {  # of Table 4, by the side of the picture
    "GPU": {"224": 0.153, "512": 0.644, "1024": 1.867, "2048": 8.534},
    "CPU": {"224": 0.459, "512": 1.869, "1024": 5.974, "2048": 23.896},
}


@claim(
    "S1/epochs",
    "We trained our model for 100,000 iterations using a batch size of 256 equivalent to roughly "
    "20 epochs.",
    "section IV",
    "Iterations times batch, divided by the 2.3 million training images that the section names, "
    "must be 20 within a tenth.",
    rule=own_words,
    lesson="03",
    said={"iterations": 100_000, "batch": 256, "pictures": 2_300_000, "epochs": 20},
)
def epochs(said: dict[str, Any]) -> Found:
    passes = said["iterations"] * said["batch"] / said["pictures"]
    return Found(OWN, abs(passes / said["epochs"] - 1) < 0.1, f"{passes:.1f} epochs")


@claim(
    "S1/size",
    "The upscaling is done until the final output is same as the size of the original input.",
    "section III.B.4 and Tables 1 and 3",
    "The tables must have as many doublings as strides of 2.",
    rule=own_words,
    lesson="03",
    said={"halvings": 3, "doublings": 2},
    note="Lesson 03 adds the missing doubling.",
)
def size(said: dict[str, Any]) -> Found:
    measured = f"{said['halvings']} strides of 2 and {said['doublings']} doublings"
    left = 2.0 ** (said["doublings"] - said["halvings"])
    text = f"{measured}: the output has {left:g} of the input's height and width"
    return Found(OWN, left == 1, text)


@claim(
    "S1/two_tasks",
    "The network we propose in this work can jointly handle two tasks",
    "section II",
    "Section III must name two losses or two outputs.",
    rule=own_words,
    lesson="03",
    said={"losses": ["the mean squared error of ab"]},
    note="Iizuka et al., whose network it is, add the class of the picture as a second task.",
)
def two_tasks(said: dict[str, Any]) -> Found:
    named = said["losses"]
    return Found(OWN, len(named) > 1, f"losses named: {', '.join(named)}")


@claim(
    "S1/whole_picture",
    "Just computing some small image patches leaves a lot of ambiguities which makes it hard for "
    "low-level features extraction network to handle.",
    "section IV.C",
    "Regret (excess squared error) without the global branch minus with it, where a far cue "
    "decides on the color: the best start without it against the worst with it.",
    "03/fusion",
    rule=compared,
    lesson="03",
    note="In painted scenes that were made so that a far cue decides. On photographs it would take "
    "a network that was trained without the branch.",
)
def whole_picture(said: dict[str, Any], result: dict[str, Any]) -> Found:
    found = {k: [row["cued"] for row in result["arms"][k]] for k in ("with", "without")}
    starts = max(np.ptp([of[0] for of in rows]) for rows in found.values())
    worst, best = max(found["with"]), min(found["without"])
    return Found(
        f"{result['n']} painted scenes of {result['size']} px, {result['epochs']} epochs, "
        f"{len(found['with'])} starts; {result['n_test']} test scenes",
        [apart("without minus with", best, worst, " ab²", float(starts))],
        f"regret {best[0]:.0f} without, {worst[0]:.0f} with; the best answer from a small window "
        f"has {result['local'][0]:.0f}; ",
    )


@claim(
    "S1/context",
    "Our model exploits the semantic context of each image with the global features",
    "section IV.A",
    "PSNR with the photograph's own global features minus PSNR with those of another photograph.",
    "03/checkpoint",
    rule=compared,
    lesson="03",
    note="The network uses them. Whether one that was trained without them would do worse is "
    "another question.",
)
def context(said: dict[str, Any], result: dict[str, Any]) -> Found:
    own, other = (result["embedding"][k] for k in ("its own", "another's"))
    return Found(
        f"the S1 checkpoint; {len(own)} diverse test photographs",
        [difference("its own minus another's", own, other, " dB")],
    )


cannot(
    "S1/brown",
    "our model that does not include the Overall features network makes some serious errors such "
    "as coloring the images of oceans and lakes in brown color of ground",
    "section IV.C",
    "the network without the branch, trained as long on the same photographs; the report does not "
    "say how its own was trained, and shows a few pictures.",
    "03",
)
cannot(
    "S1/edges",
    "produce sharper edges",
    "section III",
    "to know sharper than what, and how it was measured; the report says neither. Its tables give "
    "color at half size, so that the edges of its pictures are those of L.",
    "03",
)


@claim(
    "S1/resolution",
    "our model can take and process images of any resolution",
    "abstract",
    "PSNR minus gray's, at the working size of all that were tried where it is worst.",
    "03/checkpoint",
    rule=compared,
    lesson="03",
    note="The sentence does not say that every size comes out equally well.",
)
def resolution(said: dict[str, Any], result: dict[str, Any]) -> Found:
    sizes = {k: v for k, v in result["sizes"].items() if k != "gray"}
    worst = min(sizes, key=lambda side: np.mean(sizes[side]))
    return Found(
        f"the S1 checkpoint; {len(sizes[worst])} photographs of the album, worked on at "
        f"{', '.join(sizes)} px",
        [difference(f"at {worst} px minus gray", sizes[worst], result["sizes"]["gray"], " dB")],
    )


@claim(
    "S1/assertive",
    "our model tends to use the assertive colors out of many that it has learnt from the data",
    "section IV.E",
    "Colorfulness of its pictures minus the true one: one of several possible colors is as vivid "
    "as the truth on average, a mixture of them is paler.",
    "03/checkpoint",
    STARTS,
    rule=compared,
    lesson="03",
    note="The squared error, which the report trains, asks for the mean of the possible colors.",
)
def assertive(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    return vividness(result, "S1", how_far_starts_differ(audit, "colorfulness"))


def vividness(result: dict[str, Any], name: str, starts: float, sign: int = 1) -> Found:
    """Colorfulness of a checkpoint's photographs minus the true one; sign -1: the other way."""
    of = result["sets"]["diverse"]
    ours, truth = (row_of(of, name)[key] for key in ("colorfulness", "colorfulness_truth"))
    sides = (
        (f"{name} minus truth", ours, truth) if sign > 0 else (f"truth minus {name}", truth, ours)
    )
    return Found(
        f"the {name} checkpoint, squared error, one start; {of['n_test']} {of['data']}",
        [apart(*sides, " colorfulness", starts)],
        f"colorfulness {ours[0]:.1f}, truth {truth[0]:.1f}; ",
    )


@claim(
    "S1/real_time",
    "our approach is good enough for real-time usage",
    "section IV.D, Table 4",
    f"Its seconds must allow the {FILM} pictures a second of a film, at one size at least.",
    rule=own_words,
    lesson="03",
    said={"seconds": SECONDS["GPU"]},
)
def real_time(said: dict[str, Any]) -> Found:
    rates = {side: 1 / seconds for side, seconds in said["seconds"].items()}
    text = ", ".join(f"{rate:.1f} at {side} px" for side, rate in rates.items())
    return Found(OWN, max(rates.values()) >= FILM, f"pictures a second on its GPU: {text}")


@claim(
    "S1/video",
    "can even be used to render video files",
    "section IV.D",
    "Warping error (how much color flickers along the motion) of the true clips minus that of the "
    "clips that are colored frame by frame.",
    "10/pan",
    rule=compared,
    lesson="10",
    note="Files do come out; this asks whether their color is as steady as the true one. What a "
    "frame costs is in 10/price.",
)
def video(said: dict[str, Any], result: dict[str, Any]) -> Found:
    return steadiness(result, "S1", "truth", "frame by frame")


def steadiness(result: dict[str, Any], name: str, one: str, other: str) -> Found:
    """Warping error of one way to color the clips minus that of another, by a checkpoint."""
    errors = {row["name"]: row["warping_by_clip"] for row in result["models"][name]}
    return Found(
        f"the {name} checkpoint; {result['n']} {result['data']}, {result['frames']} frames of "
        f"{result['size']} px, with the grain and flicker of old film",
        [difference(f"{one} minus {other}", errors[one], errors[other], " ab units")],
        f"warping error {np.mean(errors[one]):.2f} and {np.mean(errors[other]):.2f}; ",
    )


@claim(
    "S1/three_times",
    "GPU performing almost three times faster than the CPU",
    "section IV.D, Table 4",
    "The ratio of its seconds must be 3 within a tenth, at every size.",
    rule=own_words,
    lesson="03",
    said={name: list(seconds.values()) for name, seconds in SECONDS.items()},
)
def three_times(said: dict[str, Any]) -> Found:
    ratios = np.divide(said["CPU"], said["GPU"])
    text = "ratios " + ", ".join(f"{x:.1f}" for x in ratios)
    return Found(OWN, bool((np.abs(ratios / 3 - 1) < 0.1).all()), text)


cannot(
    "S1/natural",
    "The median of naturalness in our approach came out to be 89.6%",
    "section IV.B",
    "twenty people, and the pictures that they saw. The report does not say over what the median "
    "is, and gives no share for true photographs.",
    "08",
)


@claim(
    "S1/study",
    "Our user study further confirmed this where the results of our model are considered to be "
    "natural looking 89.6% of the cases.",
    "section IV.C",
    "To confirm what the global features are worth, the report must give a share with them and one "
    "without.",
    rule=own_words,
    lesson="08",
    said={"with them": "89.6 %", "without them": None},
)
def study(said: dict[str, Any]) -> Found:
    return both_sides(said)


@claim(
    "S1/cheng",
    "We compare our approach against the state of the art [Z Cheng's Model] and validate the "
    "results with a user study, where we demonstrate considerable improvements.",
    "abstract, and again in sections IV and V",
    "To demonstrate an improvement, the report must give a number of its own model and one of "
    "Cheng's.",
    rule=own_words,
    lesson="08",
    said={"its own": "89.6 %", "Cheng's": None},
    note="Section V adds that it is “significantly faster”, again with no number of Cheng's.",
)
def cheng(said: dict[str, Any]) -> Found:
    return both_sides(said)


def both_sides(said: dict[str, Any]) -> Found:
    """Whether a report that compares gives a number for each side."""
    text = ", ".join(f"{name}: {number or 'no number'}" for name, number in said.items())
    return Found(OWN, all(number is not None for number in said.values()), text)
