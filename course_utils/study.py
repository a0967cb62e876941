"""The question of a naturalness study, asked with a mouse, and what its answers are worth.

`ask` shows pictures one after the other, in an order that a seed decides, and writes every answer
to a file as soon as it is given: a person who stops goes on another day. `shares` counts the
answers, `wilson` says how far such a share can be trusted.
"""

import json
import os
from pathlib import Path

import numpy as np

QUESTION = "Does this picture look natural?"
Z95 = 1.959964  # two-sided 95 % of a normal distribution


def wilson(successes, n, z=Z95):
    """The 95 % interval (low, high) of a share, from `successes` among `n` independent answers.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927: the
    shares p whose own standard error sqrt(p (1 - p) / n) reaches from p to the observed share.
    Unlike share ± z · error it stays in 0…1 and has a width at 0 and n successes. Answers of one
    person are not independent: with several persons, it is too narrow.
    Raises ValueError unless 0 <= successes <= n and n >= 1.
    """
    if not (n >= 1 and 0 <= successes <= n):
        raise ValueError(f"{successes} of {n} answers have no share; give 0 <= successes <= n.")
    share = successes / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(min(share, max(0, center - half))), float(max(share, min(1, center + half)))


def answers(file):
    """What was answered so far: a list of {"kind", "picture", "natural"}; [] without a file.

    A last line that was cut off, by a crash for instance, counts as not answered.
    """
    file = Path(file)
    if not file.is_file():
        return []
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def shares(rows):
    """{kind: (share natural, low, high, n)} of answers, kinds sorted, with Wilson's interval."""
    table = {}
    for kind in sorted({row["kind"] for row in rows}):
        given = [bool(row["natural"]) for row in rows if row["kind"] == kind]
        table[kind] = (sum(given) / len(given), *wilson(sum(given), len(given)), len(given))
    return table


def ask(pictures, file, says, question=QUESTION, seed=1):
    """Show the study: one picture at a time, two buttons, and at the end the shares.

    pictures: {kind: {name: rgb (H, W, 3)}}; kinds ("truth", "S1") are not shown to the person.
    file: where answers are kept, one json object a line; those that it holds are not asked again.
    says: one sentence, read where widgets do not run.
    Returns the widget; its children are the picture, the buttons and the line of text.
    """
    import ipywidgets

    from course_utils import widgets

    order = [(kind, name) for kind, named in pictures.items() for name in named]
    order = [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
    image = ipywidgets.Image(format="png")
    image.layout.max_width, image.layout.align_self = "100%", "flex-start"
    buttons = [ipywidgets.Button(description=text) for text in ("natural", "not natural")]
    text = ipywidgets.HTML()

    def waiting():
        done = {(row["kind"], row["picture"]) for row in answers(file)}
        return [trial for trial in order if trial not in done]

    def update():
        left = waiting()
        for button in buttons:
            button.disabled = not left
        image.layout.display = None if left else "none"
        if left:
            kind, name = left[0]
            image.value = _png(pictures[kind][name])
            text.value = f"{question} {len(order) - len(left) + 1} of {len(order)}"
        else:
            text.value = f"<pre>{table(answers(file))}</pre>"

    def clicked(button):
        left = waiting()
        if left:
            kind, name = left[0]
            row = {"kind": kind, "picture": name, "natural": button is buttons[0]}
            _append(file, row)
        update()

    for button in buttons:
        button.on_click(clicked)
    update()
    box = ipywidgets.VBox([image, ipywidgets.HBox(buttons), text])
    widgets.show(box, f"{says} {widgets.STATIC}")
    return box


def table(rows):
    """The shares as aligned text, a line for each kind."""
    lines = [
        f"{kind:12} {share:4.0%} natural [{low:.0%}, {high:.0%}] of {n}"
        for kind, (share, low, high, n) in shares(rows).items()
    ]
    return "\n".join(lines) or "no answers yet"


def _append(file, row):
    """Write one answer and bring it to the disk: a crash may cost this one, no other."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    torn = file.is_file() and not file.read_bytes().endswith(b"\n") and file.stat().st_size > 0
    with open(file, "a", encoding="utf-8") as out:
        out.write("\n" * torn + json.dumps(row) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _png(rgb):
    import io

    from PIL import Image

    rgb = np.asarray(rgb)
    if rgb.dtype != np.uint8:
        rgb = np.round(255 * rgb.clip(0, 1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()
