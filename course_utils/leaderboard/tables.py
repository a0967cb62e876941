"""A board as text: for a notebook, a terminal, and the README."""

import textwrap
from typing import Any

import numpy as np

from course_utils import metrics
from course_utils.leaderboard.standings import JUDGES, RANKED, label, ordered, short
from course_utils.metrics import METRICS
from course_utils.metrics.report import cell

WIDTH = 100  # characters of a page
REST = ("regret", "MSE", "chroma", "ms", "MB", "parameters")


def pairs_text(board: dict[str, Any], key: str) -> str:
    """The tests of one measure, a line a pair, and a last line that counts them."""
    title, digits = METRICS[key].title, METRICS[key].digits
    found = board["pairs"][key]
    lines = [f"{title}: the lead of the better one, its interval, and Holm's verdict"]
    for pair in found:
        who = f"{short(pair['first'])} over {short(pair['second'])}"
        verdict = "stays" if pair["holm"] else "falls"
        lines.append(f"{who:14} {cell(pair['lead'], digits):22} {verdict}")
    alone = sum(pair["lead"][1] > 0 for pair in found)
    together = sum(pair["holm"] for pair in found)
    lines.append(f"{alone} of {len(found)} intervals exclude 0; {together} pairs stay after Holm")
    return "\n".join(lines)


def _titles(board: dict[str, Any]) -> list[str]:
    return [*(title for key, title in JUDGES.items() if key in board), *REST]


def _rest(board: dict[str, Any]) -> dict[str, list[str]]:
    """{name: [text, ...]} for `_titles`; empty where a row has no such number."""
    lines = {}
    for name in ordered(board):
        scenes, cost = board["scenes"].get(name), board["cost"].get(name)
        judged = [board[key].get(name) for key in JUDGES if key in board]
        line = [f"{np.mean(values):#.3g}" if values else "" for values in judged]
        line += [f"{np.mean(scenes[key]):.0f}" if scenes else "" for key in ("regret", "mse")]
        line += [f"{np.mean(scenes['chroma']):.1f}" if scenes else ""]
        line += [f"{cost['ms']:.0f}" if cost else ""]
        line += [f"{cost['megabytes']:.1f}" if cost else ""]
        lines[name] = [*line, f"{cost['parameters']:,}" if cost else ""]
    return lines


def caption(board: dict[str, Any]) -> list[str]:
    """What was measured, on what, and how: the protocol as a list of sentences."""
    said = board["protocol"]
    real = {title: board[key]["truth"] for key, title in JUDGES.items() if board.get(key)}
    has = ", ".join(f"{title} {np.mean(values):#.3g}" for title, values in real.items())
    return [
        f"{board['n']} photographs ({board['data']}), {board['size']} px; {said['measures']}.",
        f"In brackets, where they stand: {said['interval']}. Colorfulness gap: {said['gap']}.",
        f"Fréchet: {said['frechet']}.{has and f' Real against real: {has}.'}",
        *(f"Class score: {said[key]}." for key in said if key == "class_score"),
        f"Regret, MSE, chroma: {said['scenes']}. ms: {said['ms']}.",
    ]


def _quality(board: dict[str, Any]) -> dict[str, list[str]]:
    """{name: [text, ...]} for RANKED, with intervals."""
    return {
        name: [cell(measured[key], METRICS[key].digits) for key in RANKED]
        for name, measured in board["rows"].items()
    }


def table(board: dict[str, Any]) -> str:
    """The leaderboard as aligned text: the protocol, metrics with intervals, and the rest."""
    quality, rest = _quality(board), _rest(board)
    titles = [METRICS[key].title for key in RANKED]
    names = ordered(board)
    first = {label(n): quality.get(n, [""] * len(titles)) for n in names}
    texts = ["\n".join(textwrap.fill(said, WIDTH) for said in caption(board))]
    texts.append(metrics.blocks(titles, first))
    titles = _titles(board)
    judges = len(titles) - len(REST)
    for part in (slice(judges), slice(judges, None)):
        lines = {label(n): rest[n][part] for n in names}
        texts.append(metrics.blocks(titles[part], lines, len(titles)))
    return "\n\n".join(filter(None, texts))


def markdown(board: dict[str, Any]) -> str:
    """The leaderboard for README.md: what was measured on photographs, the protocol below."""
    rest, titles = _rest(board), _titles(board)
    kept = [i for i, title in enumerate(titles) if title not in ("MSE", "chroma", "parameters")]
    head = ["", *(METRICS[key].title for key in RANKED), *(titles[i] for i in kept)]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name in ordered(board):
        if name in board["rows"]:
            means = [f"{board['rows'][name][key][0]:.{METRICS[key].digits}f}" for key in RANKED]
            means[0] = cell(board["rows"][name][RANKED[0]], METRICS[RANKED[0]].digits)
            lines.append([label(name), *means, *(rest[name][i] for i in kept)])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n" + "\n".join(caption(board))
