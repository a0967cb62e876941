"""The claims of S1, Kaushik et al.: global and local features."""

import numpy as np

from experiments.claims.judging import (
    FILM,
    OWN,
    between,
    by_interval,
    cannot,
    claim,
    either,
    graded,
    less,
)


@claim(
    "S1", "IV", "100,000 iterations in batches of 256 are about 20 epochs of 2.3 million pictures",
    "03",
    said={"iterations": 100_000, "batch": 256, "pictures": 2_300_000, "epochs": 20},
    fails="one division tells",
)  # fmt: skip
def epochs_of_places(said):
    passes = said["iterations"] * said["batch"] / said["pictures"]
    right = abs(passes - said["epochs"]) < 0.1 * said["epochs"]
    return OWN, f"{passes:.1f} epochs", either(right)


@claim(
    "S1", "III.B, Table 3", "color leaves the network at the size of the input", "03",
    said={"halvings": 3, "doublings": 2},
    fails="the text says so, the tables end at half size; lesson 03 adds the missing layer",
)  # fmt: skip
def table_closes(said):
    size = 2.0 ** (said["doublings"] - said["halvings"])
    condition = f"{said['halvings']} strides of 2 and {said['doublings']} upsamplings, as listed"
    return condition, f"{size:g} of the input's height and width", either(size == 1)


@claim(
    "S1", "II", "the network works on two tasks jointly", "08",
    said={"losses": ["squared error of ab"]},
    fails="Iizuka et al. add a second loss, the class of the picture; this report leaves it out",
)  # fmt: skip
def two_tasks(said):
    text = f"{len(said['losses'])}: {', '.join(said['losses'])}"
    return "losses that section III names", text, either(len(said["losses"]) > 1)


@claim(
    "S1", "III.B and IV.C", "features of the whole picture settle what small patches leave open",
    "03", "03/fusion",
    holds="in a world that was built so that a far cue decides",
)  # fmt: skip
def whole_picture(said, result):
    sees, blind = (result["arms"][name] for name in ("with", "without"))
    worst, best = max(row["cued"][2] for row in sees), min(row["cued"][1] for row in blind)
    means = [np.mean([row["cued"][0] for row in arm]) for arm in (sees, blind)]
    condition = (
        f"{result['n']} painted scenes of {result['size']} px, {result['epochs']} epochs, "
        f"{len(sees)} seeds; {result['n_test']} test scenes, where a far cue decides"
    )
    measured = (
        f"regret {means[0]:.0f} with sight of the whole picture, {means[1]:.0f} without; "
        f"the best for a window is {result['local'][0]:.0f}"
    )
    return condition, measured, graded(worst < best and worst < result["local"][1], worst >= best)


@claim(
    "S1", "IV.C", "without global features the colors of photographs are worse", "03",
    "03/checkpoint",
    holds="for a network that was trained with them; one trained without might make up for them",
)  # fmt: skip
def on_photographs(said, result):
    own, other, none = (result["embedding"][k] for k in ("its own", "another's", "zeros"))
    condition = (
        f"{len(own)} diverse test photographs; the S1 checkpoint, its branch shown the photograph, "
        "another one, or nothing"
    )
    swapped, empty = less(own, other), less(own, none)
    measured = f"its own less another's: {between(swapped)} dB; less nothing: {between(empty)} dB"
    return condition, measured, by_interval(swapped)


cannot(
    "S1", "IV.C", "without global features seas and lakes turn brown",
    "it shows three pictures, and how the network without them was trained is not said", "03",
)  # fmt: skip


@claim(
    "S1", "III", "it makes sharper edges", "03", "03/fusion",
    fails="color leaves the network coarse; the sharpness in its pictures is that of L",
)  # fmt: skip
def sharper_edges(said, result):
    sees, blind = (
        np.concatenate([row["edges"] for row in result["arms"][k]]) for k in ("with", "without")
    )
    measured = (
        f"within one pixel {sees.mean():.0%} of a color step with the branch, {blind.mean():.0%} "
        f"without; true color at half size {result['half']:.0%}"
    )
    condition = f"{result['n_test']} painted scenes, {len(result['seed'])} seeds, steps above 30"
    return condition, measured, graded(sees.mean() > 0.5, sees.mean() <= result["half"])


@claim(
    "S1", "abstract and III", "it processes pictures of any resolution", "03", "03/checkpoint",
    holds="no size that was tried costs more than chance; the network looks at a small copy",
    part="it runs at any size, and is good near the size that it was trained at",
)  # fmt: skip
def any_resolution(said, result):
    own = str(result["working"])
    sizes = {k: v for k, v in result["sizes"].items() if k != "gray"}
    largest = max(sizes, key=int)
    loss = less(sizes[largest], sizes[own])
    condition = f"{len(sizes[own])} photographs of the album, the S1 checkpoint, made for {own} px"
    measured = f"working at {largest} px instead of {own}: {between(loss)} dB"
    return condition, measured, graded(loss[2] >= 0, not sizes)


@claim(
    "S1", "III.B and IV.E", "where several colors are possible it picks an assertive one", "02",
    "02/unet",
    fails="the squared error that it trains asks for the mean of the possible colors",
)  # fmt: skip
def assertive(said, result):
    truth, _, painted = result["chroma"]["balloon"]
    condition = f"a U-Net, squared error, {result['n']:,} painted scenes, {result['epochs']} epochs"
    measured = (
        f"balloons: chroma {truth:.0f} in truth, {painted:.0f} painted, "
        f"ΔE {result['from_palette']:.0f} from the nearest color that they can have"
    )
    return condition, measured, graded(painted > 0.8 * truth, painted < 0.5 * truth)


@claim(
    "S1", "IV.D, Table 4", "it is fast enough for real time and for film", "03",
    said={"GPU": {"224": 0.153, "512": 0.644, "1024": 1.867, "2048": 8.534}},
    fails="not even its smallest picture, on its graphics card",
)  # fmt: skip
def real_time(said):
    rates = {size: 1 / seconds for size, seconds in said["GPU"].items()}
    text = ", ".join(f"{rate:.1f} at {size} px" for size, rate in rates.items())
    condition = f"{OWN}; a film shows {FILM} pictures a second"
    fast = [rate >= FILM for rate in rates.values()]
    return condition, f"pictures a second: {text}", graded(all(fast), not any(fast))


@claim(
    "S1", "IV.D, Table 4", "the graphics card is about three times as fast as the processor", "08",
    said={"GPU": [0.153, 0.644, 1.867, 8.534], "CPU": [0.459, 1.869, 5.974, 23.896]},
    holds="its own column of ratios follows from its seconds",
)  # fmt: skip
def three_times(said):
    ratios = np.divide(said["CPU"], said["GPU"])
    text = "ratios " + ", ".join(f"{x:.1f}" for x in ratios)
    return OWN, text, either((np.abs(ratios - 3) < 0.3).all())


@claim(
    "S1", "IV.C", "its user study confirms what the global features are worth", "03",
    said={"with the branch": 89.6, "without it": None},
    fails="a comparison needs two shares, and one is given, in two places",
)  # fmt: skip
def study_confirms(said):
    given = {name: share for name, share in said.items() if share is not None}
    text = "; ".join(f"{name} {given.get(name, 'no number')}" for name in said)
    return "the shares of pictures called natural, in %, as given", text, either(len(given) > 1)


cannot(
    "S1", "IV.B", "people find 89.6 % of its pictures natural",
    "no study was held here; theirs gives no interval and no share for true photographs", "03",
)  # fmt: skip
cannot(
    "S1", "abstract and V", "it beats Cheng's model, in the study and in speed",
    "no number of Cheng's model is given, and we do not have that model",
)  # fmt: skip
