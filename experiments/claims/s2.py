"""The claims of S2, Liu: quantized classification."""

from typing import Any

import numpy as np

from course_utils import bins
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
    own_words,
    palette_of,
    row_of,
)
from experiments.claims.s1 import vividness


def in_photographs(result: dict[str, Any]) -> str:
    """On what 05/photographs measured: as many photographs as the report, in fewer epochs."""
    return (
        f"{result['n']:,} Intel photographs of {result['size']} px, as many as S2's report has, "
        f"{result['epochs']} epochs where it has 30, one start; {result['n_test']} Intel test "
        "photographs"
    )


@claim(
    "S2/gray",
    "simply using the L2 norm … may average out colors and finally give a greyish result",
    "Problem Statement",
    "True colorfulness minus that of a network with the squared error.",
    "02/checkpoint",
    STARTS,
    rule=compared,
    lesson="05",
)
def gray(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    starts = how_far_starts_differ(audit, "colorfulness")
    return vividness(result, "S0", starts, sign=-1)


@claim(
    "S2/weights",
    "the class rebalancing version cross entropy … to encourage the learning of rare colors",
    "section 9.1",
    "Colorfulness of the network that was trained with weights minus that of the one without.",
    "05/photographs",
    STARTS,
    rule=compared,
    lesson="05",
    note="Colorfulness stands for rare colors here; the price is in PSNR, see S2/baseline.",
)
def weights(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, plain = (row_of(result, k)["colorfulness"] for k in ("rebalanced", "plain"))
    starts = how_far_starts_differ(audit, "colorfulness")
    return Found(
        in_photographs(result),
        [apart("with minus without", ours, plain, " colorfulness", starts)],
    )


@claim(
    "S2/equation",
    "the class rebalancing version cross entropy, which defined as … to encourage the learning of "
    "rare colors",
    "section 9.1, equation 1",
    "The factor v of equation 1 must change which distribution has the least loss. It stands "
    "before both sums and has no index of a class.",
    rule=own_words,
    lesson="05",
    said={"thing": "balloon", "weights": [1.0]},
    note="Meant is a weight inside the sum, by the class (Zhang et al.); S2/weights tests that.",
)
def equation(said: dict[str, Any]) -> Found:
    p, _ = palette_of(said["thing"])
    best = p * np.resize(said["weights"], len(p))  # what the weighted cross-entropy is least for
    best = best / best.sum()
    inside = p * bins.rebalance(p)
    rare = p.argmin()
    return Found(
        f"the best answer for a painted {said['thing']}, exactly",
        not np.allclose(best, p),
        f"the rarest color, {p[rare]:.2f}, gets {best[rare]:.2f}; with a weight inside the sum "
        f"{(inside / inside.sum())[rare]:.2f}",
    )


@claim(
    "S2/one_hot",
    "encoded as a 1-hot vector Z by searching for the 5-nearest quantized ab bins",
    "section 9.1",
    "A code from 5 nearest bins must have a single bin with a weight.",
    rule=own_words,
    lesson="05",
    said={"nearest": 5},
    note="Lesson 05 takes the soft code.",
)
def one_hot(said: dict[str, Any]) -> Found:
    _, code = bins.encode(np.array([23.0, -31.0]), k=said["nearest"])
    count = int((code > 0).sum())
    return Found("the code of one color between bins", count == 1, f"{count} bins have a weight")


@claim(
    "S2/bins",
    "the ab color space is divided into 313 bins of size 10",
    "section 9.1",
    "The hull of the RGB cube's edges in ab, widened by one step, must hold 313 points of a grid "
    "of 10.",
    rule=computed,
    lesson="05",
    said={"bins": 313, "size": 10},
    note="These are the outputs of the network; not each is a color that exists.",
)
def number_of_bins(said: dict[str, Any]) -> Found:
    count = len(bins.ab_bins(said["size"]))
    return Found("the gamut of sRGB", count == said["bins"], f"{count} bins")


@claim(
    "S2/temperature",
    "For color rebalancing, in another word, mitigating the biased distribution typically caused "
    "by image backgrounds, the temperature is set to 0.38.",
    "section 10",
    "Colorfulness of the rebalanced network at the temperature of the report minus at 1.",
    "05/checkpoint",
    rule=compared,
    lesson="05",
    note="The report's network is rebalanced, and so is this one, after training. Without "
    "rebalancing, cooling goes the other way: it favors what is frequent, and that is gray.",
)
def temperature(said: dict[str, Any], result: dict[str, Any]) -> Found:
    choices = {name: of["colorfulness"] for name, of in result["choices"].items()}
    plain = np.mean(np.subtract(choices["S2, annealed"], choices["S2, mean"]))
    ours, other = choices["S2, rebalanced and annealed"], choices["S2, rebalanced"]
    return Found(
        f"the S2 checkpoint; {len(ours)} diverse test photographs",
        [difference("cooled minus not", ours, other, " colorfulness")],
        f"without rebalancing {plain:+.1f}; with it, ",
    )


@claim(
    "S2/baseline",
    "not only the good samples, but even the bad results generated by this method have better "
    "performance than the baseline",
    "section 10, Table 1",
    "PSNR of the report's arm (weights, 0.38) minus PSNR of the squared error: on all photographs, "
    "and on the tenth where gray is worst.",
    "05/photographs",
    STARTS,
    rule=compared,
    lesson="05",
    note="Its table agrees with the sentence, over three pictures of each kind that are not known. "
    "This tests the method.",
)
def baseline(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    ours, other, flat = (np.array(result["psnr"][k]) for k in ("rebalanced", "L2", "gray"))
    hard = np.argsort(flat)[: len(flat) // 10]
    starts = how_far_starts_differ(audit, "color")
    return Found(
        in_photographs(result),
        [
            difference("on all", ours, other, " dB", starts),
            difference("on the hard tenth", ours[hard], other[hard], " dB", starts),
        ],
    )


@claim(
    "S2/warm",
    "One possible reason is, due to the limitation of resources, I only use small portion of the "
    "dataset that mostly contains glaciers and mountains",
    "section 11",
    "Of gray's error on warm pixels, the share that is left after mountains and glaciers minus the "
    "share that is left after six classes.",
    "05/photographs",
    STARTS,
    rule=compared,
    lesson="05",
    note="A possible reason is not the only one.",
)
def warm(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    pixels, flat, cold, mixed = np.transpose(result["warm"])
    many = pixels >= 500
    two, six = (100 * error[many] / flat[many] for error in (cold, mixed))
    starts = 100 * how_far_starts_differ(audit, "warm")
    return Found(
        f"{in_photographs(result)}, {many.sum()} of them with 500 or more warm pixels",
        [difference("two classes minus six", two, six, " points", starts)],
        f"{two.mean():.0f} % is left, after six classes {six.mean():.0f} %; ",
    )


cannot(
    "S2/converges",
    "the objective function converge as soon as approximately 20 epochs",
    "section 10",
    "thirty epochs of its network on 150 px; two processor cores afforded eight.",
    "05",
)


def unzipped(result: dict[str, Any]) -> tuple[float, float]:
    """(what is installed with TensorFlow and a model, the limit), in MB."""
    model = result["parts"]["course_utils"]
    return result["as installed"]["tensorflow"]["MB"] + model, result["limits"]["unpacked MB"]


@claim(
    "S2/too_big",
    "the initial model and packages are too big to be triggered by Aws Lambda",
    "section 11",
    "TensorFlow, as it is installed, with a model must be above Lambda's 250 MB, unzipped.",
    "09/serverless",
    rule=computed,
    lesson="09",
    note="TensorFlow of today, with what it requires. The packages are too big, the model is not.",
)
def too_big(said: dict[str, Any], result: dict[str, Any]) -> Found:
    megabytes, limit = unzipped(result)
    return Found(
        "packages as installed here, and the colorizer of lesson 04",
        megabytes > limit,
        f"{megabytes:,.0f} MB with TensorFlow; Lambda takes {limit} MB",
    )


@claim(
    "S2/onnx",
    "by converting the Tensorflow model to an ONNX model, so I don't need to include the pretty "
    "large Tensorflow package",
    "section 11",
    "The package with onnxruntime and a model must be below Lambda's 250 MB, unzipped.",
    "09/serverless",
    rule=computed,
    lesson="09",
)
def onnx(said: dict[str, Any], result: dict[str, Any]) -> Found:
    megabytes, (_, limit) = result["package"]["unpacked MB"], unzipped(result)
    return Found(
        "the function's package of lesson 09, with the colorizer of lesson 04",
        megabytes < limit,
        f"{megabytes:.0f} MB; Lambda takes {limit} MB",
    )
