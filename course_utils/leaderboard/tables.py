"""A board as text: for a notebook, a terminal, and the README."""

import textwrap
from typing import Any

import numpy as np

from course_utils import metrics
from course_utils.leaderboard.standings import JUDGES, RANKED, label, ordered, pairs, short
from course_utils.metrics import METRICS
from course_utils.metrics.report import cell

WIDTH = 100  # characters of a page
REST = ("regret", "MSE", "chroma", "ms", "memory MB", "file MB", "parameters")


def pairs_text(board: dict[str, Any], key: str) -> str:
    """The tests of one measure, a line a pair, and a last line that counts them."""
    title, digits = METRICS[key].title, METRICS[key].digits
    found = pairs(board, key)
    lines = [f"{title}: the lead of the better one, its interval, and Holm's verdict"]
    for pair in found:
        who = f"{short(pair['first'])} over {short(pair['second'])}"
        verdict = "stays" if pair["holm"] else "falls"
        lines.append(f"{who:14} {cell(pair['lead'], digits):22} {verdict}")
    alone = sum(pair["lead"][1] > 0 for pair in found)
    together = sum(pair["holm"] for pair in found)
    lines.append(f"{alone} of {len(found)} intervals exclude 0; {together} pairs stay after Holm")
    return "\n".join(lines)


def _rest(board: dict[str, Any]) -> dict[str, list[str]]:
    """{name: [text, ...]} for JUDGES and REST; empty where a row has no such number."""
    lines = {}
    for name in ordered(board):
        scenes, cost = board["scenes"].get(name), board["cost"].get(name)
        judged = [board[key].get(name) for key in JUDGES]
        line = [f"{np.mean(values):#.3g}" if values else "" for values in judged]
        line += [f"{np.mean(scenes[key]):.0f}" if scenes else "" for key in ("regret", "mse")]
        line += [f"{np.mean(scenes['chroma']):.1f}" if scenes else ""]
        line += [f"{cost['ms']:.0f}" if cost else ""]
        line += [f"{cost['memory'] or ''}" if cost else ""]
        line += [f"{cost['megabytes']:.1f}" if cost else ""]
        lines[name] = [*line, f"{cost['parameters']:,}" if cost else ""]
    return lines


def caption(board: dict[str, Any]) -> list[str]:
    """What was measured, on what, and how: the protocol as a list of sentences."""
    said = board["protocol"]
    real = {title: board[key]["truth"] for key, title in JUDGES.items() if board[key]}
    has = ", ".join(f"{title} {np.mean(values):#.3g}" for title, values in real.items())
    return [
        f"{board['n']} photographs ({board['data']}), {board['size']} px, fingerprint "
        f"{board['pictures']}; {said['measures']}.",
        f"In brackets, where they stand: {said['interval']}. Colorfulness gap: {said['gap']}.",
        *(
            [
                f"Fréchet: {said['frechet']}. Class score: {said['class_score']}.",
                f"Real against real: {has}.",
            ]
            if has
            else []
        ),
        f"Regret, MSE, chroma: {said['scenes']}. ms: {said['ms']}. Memory: {said['memory']}.",
    ]


def table(board: dict[str, Any]) -> str:
    """The board as aligned text: the protocol, metrics with intervals, costs, and training data."""
    names, rows, rest = ordered(board), board["rows"], _rest(board)
    none = [""] * len(RANKED)
    quality = {
        label(n): [cell(rows[n][key], METRICS[key].digits) for key in RANKED] if n in rows else none
        for n in names
    }
    texts = ["\n".join(textwrap.fill(said, WIDTH) for said in caption(board))]
    texts.append(metrics.blocks([METRICS[key].title for key in RANKED], quality))
    titles = [*JUDGES.values(), *REST]
    for part in (slice(len(JUDGES)), slice(len(JUDGES), None)):
        lines = {label(n): rest[n][part] for n in names}
        texts.append(metrics.blocks(titles[part], lines, len(titles)))
    room = WIDTH - max(len(short(n)) for n in board["trained_on"]) - 2
    learned = {
        short(n): [textwrap.shorten(said, max(room, 20), placeholder=" …")]
        for n, said in board["trained_on"].items()
    }
    return "\n\n".join(filter(None, [*texts, metrics.blocks(["learned from"], learned)]))
