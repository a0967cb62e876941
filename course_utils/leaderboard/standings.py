"""What follows from a leaderboard's values: means with intervals, tests in pairs, tables.

A board is what `leaderboard.measure` returns and `course_utils/results/07_leaderboard.json` keeps.
Everything here is computed from its values of single photographs and scenes, and from nothing else.
"""

import textwrap

import numpy as np

from course_utils import colorizer, course, metrics

SYSTEMS = {"02": "S0", "03": "S1", "04": "S4", "05": "S2", "06": "S3"}  # by a shipped name's lesson
RESAMPLES = 10_000
# key: title, digits, and whether a larger (+1) or a smaller (-1) value is better
MEASURES = {
    "psnr": ("PSNR dB", 2, 1),
    "ssim": ("SSIM", 3, 1),
    "delta_e": ("ΔE00", 2, -1),
    "gap": ("colorfulness gap", 1, -1),
    "area": ("accuracy area", 3, 1),
}
WIDTH = 100  # characters of a page
REST = ("Fréchet", "regret", "MSE", "chroma", "ms", "MB", "parameters")


def short(name):
    """What figures call a colorizer: "S0" for "02_mse_regression", other names as they are."""
    return SYSTEMS.get(name[:2], name) if name in colorizer.names() else name


def values(board, name, key):
    """A measure's values (N,) of one row; "gap" is how far colorfulness is from the truth's."""
    row = board["photographs"][name]
    if key == "gap":
        return np.abs(np.subtract(row["colorfulness"], board["truth"]))
    return np.array(row[key])


def rows(board):
    """{name: {measure: [mean, low, high]}} on photographs, for the keys of MEASURES."""
    return {
        name: {key: list(metrics.bootstrap(values(board, name, key))) for key in MEASURES}
        for name in board["photographs"]
    }


def judged(board):
    """The board with "rows", and with "pairs", {measure: tests}, computed from its values."""
    return board | {"rows": rows(board), "pairs": {key: pairs(board, key) for key in MEASURES}}


def compared(board):
    """The names that are compared in pairs: gray, and every colorizer."""
    return ["gray"] * ("gray" in board["photographs"]) + list(board["cost"])


# Pairs.


def pairs(board, key, names=None):
    """Paired tests of all pairs on one measure: a list of dicts, the largest lead first.

    names: who is compared, `compared(board)` if None.

    "first" and "second": names, the better one first. "lead": [mean, low, high] of how much better
    it is, always counted so that more is better, with a 95 % interval for this pair alone. "p":
    twice the share of resampled means on the other side of 0, at least 1 / RESAMPLES. "holm":
    whether the pair stays when all pairs are held to LEVEL together.
    Photographs are drawn with replacement, the same draw for all pairs.
    """
    names = compared(board) if names is None else names
    x = np.stack([MEASURES[key][2] * values(board, name, key) for name in names], -1)  # (N, names)
    rng, n = np.random.default_rng(course.SEED), len(x)
    drawn = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n  # (RESAMPLES, N), weights
    means, resampled = x.mean(0), drawn @ x
    best_first = np.argsort(-means, kind="stable")
    found = []
    for place, a in enumerate(best_first):
        for b in best_first[place + 1 :]:
            lead = resampled[:, a] - resampled[:, b]
            interval = [means[a] - means[b], *np.percentile(lead, [2.5, 97.5])]
            p = 2 * min((lead <= 0).mean(), (lead >= 0).mean())
            found.append(
                {"first": names[a], "second": names[b], "lead": list(map(float, interval))}
            )
            found[-1]["p"] = float(np.clip(p, 1 / RESAMPLES, 1))
    for pair, stays in zip(found, holm([pair["p"] for pair in found]), strict=True):
        pair["holm"] = bool(stays)
    return sorted(found, key=lambda pair: -pair["lead"][0])


def pairs_text(board, key):
    """The tests of one measure, a line a pair, and a last line that counts them."""
    title, digits, _ = MEASURES[key]
    found = board["pairs"][key]
    lines = [f"{title}: the lead of the better one, its interval, and Holm's verdict"]
    for pair in found:
        who = f"{short(pair['first'])} over {short(pair['second'])}"
        verdict = "stays" if pair["holm"] else "falls"
        lines.append(f"{who:14} {interval(pair['lead'], digits):22} {verdict}")
    alone = sum(pair["lead"][1] > 0 for pair in found)
    together = sum(pair["holm"] for pair in found)
    lines.append(f"{alone} of {len(found)} intervals exclude 0; {together} pairs stay after Holm")
    return "\n".join(lines)


# Tables.


def label(name):
    """The row's name in a table: "S0 (lesson 02)" for a shipped colorizer."""
    return f"{short(name)} (lesson {name[:2]})" if short(name) != name else name


def ordered(board):
    """All names of a board: references first, then ceilings, then colorizers."""
    names = [*board["photographs"], *(n for n in board["scenes"] if n not in board["photographs"])]
    return sorted(names, key=lambda name: (name in board["cost"], "ceiling" in name))


def interval(values, digits):
    """[mean, low, high] as text: "25.48 [25.11, 25.84]"."""
    mean, low, high = (f"{value:.{digits}f}" for value in values)
    return f"{mean} [{low}, {high}]"


def _quality(board, with_interval):
    """{name: [text, ...]} for MEASURES; the keys in `with_interval` have theirs."""
    lines = {}
    for name, measured in board["rows"].items():
        lines[name] = [
            interval(measured[key], digits)
            if key in with_interval
            else f"{measured[key][0]:.{digits}f}"
            for key, (_, digits, _) in MEASURES.items()
        ]
    return lines


def _rest(board):
    """{name: [text, ...]} for REST; empty where a row has no such number."""
    lines = {}
    for name in ordered(board):
        scenes, cost = board["scenes"].get(name), board["cost"].get(name)
        line = [f"{np.mean(board['frechet'][name]):.3f}" if name in board["frechet"] else ""]
        line += [f"{np.mean(scenes[key]):.0f}" if scenes else "" for key in ("regret", "mse")]
        line += [f"{np.mean(scenes['chroma']):.1f}" if scenes else ""]
        line += [f"{cost['ms']:.0f}" if cost else ""]
        line += [f"{cost['megabytes']:.1f}" if cost else ""]
        lines[name] = [*line, f"{cost['parameters']:,}" if cost else ""]
    return lines


def caption(board):
    """What was measured, on what, and how: the protocol as a list of sentences."""
    said, floor = board["protocol"], ""
    if board["frechet"]:
        floor = f"; real against real has {np.mean(board['frechet']['truth']):.3f}"
    return [
        f"{board['n']} photographs ({board['data']}), {board['size']} px; {said['measures']}.",
        f"In brackets: {said['interval']}. Colorfulness gap: {said['gap']}.",
        f"Fréchet: {said['frechet']}{floor}.",
        f"Regret, MSE, chroma: {said['scenes']}. ms: {said['ms']}.",
    ]


def table(board):
    """The leaderboard as aligned text: the protocol, measures with intervals, and the rest."""
    quality, rest = _quality(board, MEASURES), _rest(board)
    titles = [title for title, _, _ in MEASURES.values()]
    lines = {name: quality.get(name, [""] * len(titles)) + rest[name] for name in ordered(board)}
    texts = ["\n".join(textwrap.fill(said, WIDTH) for said in caption(board))]
    for part in (slice(0, 3), slice(3, 6), slice(6, None)):  # three blocks that fit a page
        names = [name for name in lines if any(lines[name][part])]
        block = [["", *[*titles, *REST][part]], *([label(n), *lines[n][part]] for n in names)]
        widths = [max(map(len, column)) for column in zip(*block, strict=True)]
        texts.append("\n".join("  ".join(map(str.ljust, x, widths)).rstrip() for x in block))
    return "\n\n".join(texts)


def markdown(board):
    """The leaderboard for README.md: what was measured on photographs, the protocol below."""
    quality, rest = _quality(board, ("psnr", "delta_e")), _rest(board)
    kept = [REST.index(title) for title in ("Fréchet", "regret", "ms", "MB")]
    head = ["", *(title for title, _, _ in MEASURES.values()), *(REST[i] for i in kept)]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name in ordered(board):
        if name in quality:
            lines.append([label(name), *quality[name], *(rest[name][i] for i in kept)])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n" + "\n".join(caption(board))
