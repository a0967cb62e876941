"""The claims of S3, Gendre: pix2pix, a proposal; it says what will be done, and why."""

from typing import Any

import numpy as np

from course_utils import color, metrics
from experiments.claims.judging import (
    OWN,
    STARTS,
    Found,
    cannot,
    claim,
    compared,
    computed,
    difference,
    how_far_starts_differ,
    low_below,
    own_words,
    properties,
    row_of,
    stored,
)


@claim(
    "S3/rgb",
    "A second hypothesis is to use RGB color space. Here again, we will try to predict our 'R' "
    "'G' 'B' values, from our input, which is a grayscale image.",
    "section II",
    "PSNR of R, G and B as a U-Net predicts them minus PSNR of the gray picture.",
    STARTS,
    rule=compared,
    lesson="02",
    note="A U-Net can copy L through its skip connections. With ab as target nothing has to be "
    "copied.",
)
def rgb(said: dict[str, Any], audit: dict[str, Any]) -> Found:
    raw = np.mean([row["raw"] for row in audit["arms"]["RGB"]], axis=0)
    ab = np.mean([row["color"] for row in audit["arms"]["ab"]], axis=0)
    starts = how_far_starts_differ(audit, "color")
    return Found(
        f"a U-Net of {audit['parameters']:,} weights; {audit['n']:,} Intel photographs of "
        f"{audit['size']} px, {audit['epochs']} epochs, {len(audit['seeds'])} starts; "
        f"{audit['n_test']} test photographs",
        [difference("RGB minus gray", raw, audit["gray"], " dB", starts)],
        f"the same network with ab as target has {np.mean(ab - audit['gray']):+.2f} dB over gray; ",
    )


@claim(
    "S3/split",
    "I will only take 11000 images (9000 Train samples, 3000 Test samples)",
    "section III",
    "The parts must have the sum.",
    rule=own_words,
    lesson="06",
    said={"all": 11_000, "train": 9_000, "test": 3_000},
)
def split(said: dict[str, Any]) -> Found:
    total = said["train"] + said["test"]
    return Found(OWN, total == said["all"], f"together {total:,}")


@claim(
    "S3/no_space",
    "we have a grayscale image as input, which don't have any color space … We will assume that X "
    "is our lightness factor known as L *",
    "section II",
    "Without a color space, the same pixel must have the same L* however it was made gray.",
    rule=own_words,
    lesson="01",
    said={"rgb": (0, 0, 255)},
    note="L* is a coordinate of CIELAB. How a picture was made gray decides what its values mean.",
)
def no_space(said: dict[str, Any]) -> Found:
    pixel = np.array([[said["rgb"]]], np.uint8)
    grays = [pixel.mean() / 255, pixel.max() / 255]
    least, most = (color.rgb_to_lab(np.full((1, 1, 3), g))[0, 0, 0] for g in grays)
    true = color.rgb_to_lab(pixel)[0, 0, 0]
    return Found(
        f"one pixel, R, G, B = {', '.join(map(str, said['rgb']))}",
        bool(np.ptp([true, least, most]) < 1),
        f"L* {true:.0f} by luminance, {least:.0f} by the mean, {most:.0f} by the maximum",
    )


@claim(
    "S3/ssim_range",
    "The lowest value for SSIM is -1, and the highest is 1.",
    "section VI",
    "SSIM of a checkerboard must come within 0.01 of both ends, and not pass them: with its "
    "negative, and with itself.",
    rule=computed,
    lesson="07",
    said={"least": -1.0, "most": 1.0},
)
def ssim_range(said: dict[str, Any]) -> Found:
    board = np.repeat((np.indices((16, 16)).sum(0) % 2.0)[..., None], 3, axis=-1)
    same, inverse = metrics.ssim(board, board), metrics.ssim(board, 1 - board)
    near = 0 <= inverse - said["least"] < 0.01 and 0 <= said["most"] - same < 0.01
    measured = f"{same:.3f} with itself, {inverse:.3f} with its negative"
    return Found("a checkerboard of 16 × 16 pixels", bool(near), measured)


@claim(
    "S3/inception_range",
    "Inception Score lowest value is 1.0, and the highest value is the number of classes supported "
    "by the classification model.",
    "section VI",
    "The score must be 1 where all answers are alike, and 1,000 where each of 1,000 classes is "
    "given once, for sure.",
    rule=computed,
    lesson="07",
    said={"least": 1.0, "most": 1000.0, "classes": 1000},
)
def inception_range(said: dict[str, Any]) -> Found:
    sure, alike = np.eye(said["classes"]), np.full((2, said["classes"]), 1 / said["classes"])
    scores = []
    for p in (alike, sure):
        ratio = np.where(p > 0, p / p.mean(0), 1)
        scores.append(float(np.exp((p * np.log(ratio)).sum(1).mean())))
    inside = np.allclose(scores, [said["least"], said["most"]])
    return Found("the definition of the score", inside, f"{scores[0]:.0f} and {scores[1]:,.0f}")


@claim(
    "S3/ssim_mark",
    "SSIM: 0.93",
    "section V, Benchmark Model",
    "0.93 minus the SSIM of gray pictures, on COCO, which the report uses, and on Intel: as a "
    "benchmark of color it must be out of reach of a picture without any.",
    "02/checkpoint",
    rule=compared,
    lesson="07",
    said={"ssim": 0.93},
    note="Most of SSIM is L, which is given. The benchmark is that of another network, on other "
    "pictures.",
)
def ssim_mark(said: dict[str, Any], result: dict[str, Any]) -> Found:
    sets = {"COCO": result["sets"]["other cameras"], "Intel": result["sets"]["Intel"]}
    return Found(
        ", ".join(f"{of['n_test']} {of['data']}" for of in sets.values()),
        [low_below(said["ssim"], name, row_of(of, "gray")["ssim"]) for name, of in sets.items()],
    )


cannot(
    "S3/l1",
    "they are combining the previous loss we saw with the L1 loss to assure that the model's color "
    "choices are the best",
    "section IV",
    "the same network with the discriminator and without L1 (λ = 0); the course trained λ = 10, 30 "
    "and 100. And it would take a measure of “the best”.",
    "06",
)


@claim(
    "S3/real",
    "This loss function will help to produce ‘real’ colorful images.",
    "section IV",
    "“Colorful”: colorfulness with the discriminator minus without. “Real”: Fréchet distance to "
    "real photographs without it minus with it.",
    "06/checkpoint",
    STARTS,
    rule=compared,
    lesson="06",
    note="Each arm has one start. For the distance, the spread between λ = 10, 30 and 100 stands "
    "for what starts differ by.",
)
def real(said: dict[str, Any], result: dict[str, Any], audit: dict[str, Any]) -> Found:
    shipped, alone = result["shipped"], "L1 alone"
    ours, other = (result["arms"][name]["colorfulness"] for name in (shipped, alone))
    distance = result["frechet"]
    spread = np.ptp([distance[f"L1 and D, λ = {weight}"][0] for weight in (10, 30, 100)])
    mean, low, high = distance[f"{shipped} - {alone}"]
    price = np.subtract(*(result["arms"][name]["psnr"] for name in (shipped, alone)))
    starts = how_far_starts_differ(audit, "colorfulness")
    return Found(
        f"pix2pix on pretrained features; {shipped}; {result['n']:,} photographs of "
        f"{result['size']} px, one start; {len(ours)} diverse test photographs",
        [
            difference("with minus without", ours, other, " colorfulness", starts),
            stored("without minus with", (-mean, -high, -low), " Fréchet", float(spread)),
        ],
        f"PSNR {price.mean():+.2f} dB; ",
    )


@claim(
    "S3/low_ssim",
    "a low SSIM can still produce a realistic result",
    "section VI",
    "SSIM of a picture whose uncertain colors are left gray minus SSIM of one that is real by "
    "construction: the same scene, its small noise in ab drawn anew.",
    "07/redraws",
    rule=compared,
    lesson="07",
)
def low_ssim(said: dict[str, Any], result: dict[str, Any]) -> Found:
    left, drawn = (result["ssim"][k] for k in ("left gray", "noise drawn anew"))
    return Found(
        f"{result['n']} painted scenes of {result['size']} px",
        [difference("gray minus real", left, drawn, " SSIM")],
        f"SSIM {np.mean(drawn):.3f} for the real one, {np.mean(left):.3f} for the gray one; ",
    )


@claim(
    "S3/fits",
    "in our case, this metric fit to our needs",
    "section VI, on the Inception Score",
    "A score of colored photographs must be lower by a tenth where all hues are turned by 180°, "
    "and must change where every picture is exchanged for that of another photograph.",
    "07/changes",
    rule=properties,
    lesson="07",
    note="By the classes of Lite0; Inception's weights are not here.",
)
def fits(said: dict[str, Any], result: dict[str, Any]) -> Found:
    score = {row["name"]: row["class_score"] for row in result["rows"]}
    truth, turned, exchanged = (
        score[k] for k in ("truth", "hues turned by 180°", "pairs exchanged")
    )
    return Found(
        f"{result['n']} {result['data']}",
        [turned < 0.9 * truth, abs(exchanged / truth - 1) > 0.01],
        f"{truth:.2f} for the truth, {turned:.2f} with hues turned, {exchanged:.2f} with pictures "
        "exchanged",
    )


cannot(
    "S3/people",
    "‘Inception Score’ which correlates with human judgment … captures the similarity of generated "
    "images to real ones better than the Inception Score",
    "section VI",
    "Inception's weights, and people who compare pictures. The second half is quoted there from "
    "the paper on the Fréchet distance.",
    "07",
)
