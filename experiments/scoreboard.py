"""README's leaderboard: one compact table of all boards, and what its numbers are."""

from typing import Any

import numpy as np

from course_utils import leaderboard, metrics
from course_utils.metrics.report import cell

Boards = dict[str, dict[str, Any]]
ONE = "Intel"  # the board whose gap and Fréchet distance are shown


def text(boards: Boards) -> str:
    """The table of all sets of photographs, with costs, and its caption, in Markdown."""
    one = boards[ONE]
    head = ["row", "trained on", *(f"{name} ({b['n']})" for name, b in boards.items())]
    head += ["colorfulness gap", "Fréchet", "regret", "ms", "memory MB", "file MB"]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for name in (leaderboard.GRAY, leaderboard.MEAN, *one["cost"]):
        line = [leaderboard.label(name), one["trained_on"].get(name, "").partition(":")[0]]
        line += [over_gray(board, name) for board in boards.values()]
        line += [f"{one['rows'][name]['gap'][0]:.1f}", f"{np.mean(one['frechet'][name]):.2f}"]
        line += [f"{np.mean(one['scenes'][name]['regret']):.0f}", *costs(one["cost"].get(name))]
        lines.append(line)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{caption(boards)}"


def costs(cost: dict[str, Any] | None) -> list[str]:
    """ms, memory and file size as text; empty for a row that is no model."""
    if cost is None:
        return ["", "", ""]
    return [f"{cost['ms']:.0f}", f"{cost['memory'] or ''}", f"{cost['megabytes']:.1f}"]


def over_gray(board: dict[str, Any], name: str) -> str:
    """PSNR minus gray's: with its interval where both are known photograph by photograph."""
    if name == leaderboard.GRAY:
        return "0"
    if name in board["photographs"]:
        psnr, gray = (leaderboard.values(board, key, "psnr") for key in (name, leaderboard.GRAY))
        return cell(metrics.bootstrap(psnr - gray), 1)
    mean, gray = (board["rows"][key]["psnr"][0] for key in (name, leaderboard.GRAY))
    return f"{mean - gray:.1f}"


def caption(boards: Boards) -> str:
    """What was measured, on what, and how, in a few sentences."""
    one = boards[ONE]
    said, real = one["protocol"], np.mean(one["frechet"]["truth"])
    learned = ". ".join(sorted(set(one["trained_on"].values())))
    return "\n".join(
        [
            "PSNR minus that of gray, in dB, with 95 % intervals, on sets of photographs that no "
            "model learned from; in brackets how many.",
            "; ".join(f"{name}: {board['data']}" for name, board in boards.items()) + ".",
            f"Colorfulness gap and Fréchet distance: {one['data']}, {one['size']} px; real against "
            f"real the distance is {real:.2f}. Regret: {said['scenes']}.",
            f"ms: {said['ms']} (the album, 256 px). Memory: {said['memory']}.",
            f"Trained on {learned}. S4, S2 and S3 start from features learned on ImageNet.",
            "",
            "`python -m course_utils.leaderboard` prints all measures of each set, with intervals.",
        ]
    )
