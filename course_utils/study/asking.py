"""Questions to people, asked with a mouse, and what their answers are worth.

`ask` puts one of two questions: NATURAL ("does this picture look natural?") or REAL (two pictures
side by side, "which one is the real photograph?"). A seed decides the order and the sides, and
every answer goes to a file as soon as it is given: a person who stops goes on another day.

`shares` counts the answers. Their interval is `metrics.wilson`'s when all answers are independent,
`metrics.crossed`'s when they come from several people about the same pictures.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import metrics

TRUTH = "truth"  # the kind that is no colorization
GAP = 16  # white pixels between two pictures
Pictures = dict[str, dict[str, Any]]  # {kind: {name: rgb (H, W, 3)}}
Rows = list[dict[str, Any]]
GLANCE = 0.3  # seconds; a click that comes sooner is the second half of a double click


class Question(NamedTuple):
    """text: what is asked. buttons: the two answers. counted: what an answer is called in the file
    and in the table, true or false. pair: the truth is shown beside, left or right by chance.
    """

    text: str
    buttons: tuple
    counted: str
    pair: bool = False


NATURAL = Question("Does this picture look natural?", ("natural", "not natural"), "natural")
REAL = Question(
    "Which one is the real photograph?", ("the left one", "the right one"), "fooled", pair=True
)


class Trial(NamedTuple):
    """One picture to ask about. real: the side of the truth, "left" or "right"; None if alone."""

    kind: str
    picture: str
    real: str | None


# Asking


def ask(
    pictures: Pictures,
    file: str | Path,
    says: str,
    question: Question = NATURAL,
    seed: int = 1,
    *,
    person: Any = None,
    once: bool = False,
    glance: float = GLANCE,
) -> Any:
    """Show the study: a picture or a pair at a time, two buttons, and at the end the shares.

    pictures: {kind: {name: rgb (H, W, 3)}}; kinds ("truth", "S1") are not shown to the person. REAL
        needs the kind "truth", with a picture of the same size for every name.
    file: where answers are kept, one json object a line, for any number of questions and persons;
        those that it holds are not asked again.
    says: one sentence, read where widgets do not run.
    person: a name or number that keeps several people apart in one file, and shuffles for each.
    once: show each name once only, as one of its kinds; the next person in the file sees it as the
        next kind. Who has seen a picture in two kinds can compare them, and knows the truth.
    glance: seconds; a click that comes sooner after a new picture is no answer.
    Returns the widget; its children are the picture, the buttons and the line of text.
    """
    import ipywidgets

    from course_utils import widgets

    trials = _trials(pictures, question, seed, person, _turn(file, question, person), once)
    image = ipywidgets.Image(format="png")
    image.layout.max_width, image.layout.align_self = "100%", "flex-start"
    buttons = [ipywidgets.Button(description=words) for words in question.buttons]
    text = ipywidgets.HTML()
    shown = {"trial": None, "since": 0.0}

    def waiting():
        mine = [row for row in _rows(file, question) if row.get("person") == person]
        done = {(row["kind"], row["picture"]) for row in mine}
        return [trial for trial in trials if trial[:2] not in done]

    def update():
        left = waiting()
        for button in buttons:
            button.disabled = not left
        image.layout.display = None if left else "none"
        if left:
            image.value = _png(_picture(pictures, left[0]))
            text.value = f"{question.text} {len(trials) - len(left) + 1} of {len(trials)}"
        else:
            text.value = f"<pre>{table(answers(file), question)}</pre>"
        shown.update(trial=left[0] if left else None, since=time.monotonic())

    def clicked(button):
        trial = shown["trial"]
        if trial is None or time.monotonic() - shown["since"] < glance:
            return
        if trial in waiting():  # another tab may have answered meanwhile
            _append(file, _row(trial, buttons.index(button), question, person))
        update()

    for button in buttons:
        button.on_click(clicked)
    update()
    box = ipywidgets.VBox([image, ipywidgets.HBox(buttons), text])
    widgets.show(box, f"{says} {widgets.STATIC}")
    return box


def _turn(file, question, person):
    """How many other persons answered this question before this one did."""
    persons = [row.get("person") for row in _rows(file, question)]
    before = persons[: persons.index(person)] if person in persons else persons
    return len(set(before))


def _trials(pictures, question, seed, person, turn, once):
    """What a person is asked, in order."""
    if question.pair:
        _check_pairs(pictures)
    kinds = [kind for kind in pictures if not (question.pair and kind == TRUTH)]
    order = [(kind, name) for kind in kinds for name in pictures[kind]]
    if once:
        names = list(dict.fromkeys(name for _, name in order))
        start = np.random.default_rng(seed).permutation(len(names))  # the same for everybody
        kind_of = {names[j]: kinds[(i + turn) % len(kinds)] for i, j in enumerate(start)}
        order = [(kind, name) for kind, name in order if kind_of[name] == kind]
    own = [] if person is None else list(str(person).encode())
    rng = np.random.default_rng([seed, *own] if own else seed)
    order = [order[i] for i in rng.permutation(len(order))]
    sides = rng.integers(2, size=len(order))
    return [
        Trial(*trial, ("left", "right")[side] if question.pair else None)
        for trial, side in zip(order, sides, strict=True)
    ]


def _check_pairs(pictures):
    truths = pictures.get(TRUTH, {})
    for kind, named in pictures.items():
        for name, rgb in named.items():
            if np.shape(truths.get(name)) != np.shape(rgb):
                raise ValueError(
                    f"{name!r} of kind {kind!r} has no partner: pictures[{TRUTH!r}] must hold "
                    "the real photograph of the same name and size."
                )


def _picture(pictures, trial):
    """What is shown for a trial: uint8 (H, W, 3), a pair side by side."""
    rgb = _bytes(pictures[trial.kind][trial.picture])
    if trial.real is None:
        return rgb
    gap = np.full((len(rgb), GAP, 3), 255, np.uint8)
    pair = [_bytes(pictures[TRUTH][trial.picture]), gap, rgb]
    return np.concatenate(pair if trial.real == "left" else pair[::-1], axis=1)


def _row(trial, pressed, question, person):
    """An answer as it stands in the file; pressed: 0 for the first button, 1 for the second."""
    row = {} if person is None else {"person": person}
    row |= {"kind": trial.kind, "picture": trial.picture}
    if question.pair:
        chosen = ("left", "right")[pressed]
        return row | {"real": trial.real, question.counted: chosen != trial.real}
    return row | {question.counted: pressed == 0}


# Counting


def answers(file: str | Path) -> list[dict[str, Any]]:
    """What was answered so far: a list of dicts, for instance

        {"kind": "S1", "picture": "china", "natural": true}
        {"person": "ana", "kind": "S1", "picture": "china", "real": "left", "fooled": false}

    and [] without a file. A last line that was cut off, by a crash for instance, counts as not
    answered.
    """
    file = Path(file)
    if not file.is_file():
        return []
    rows = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and {"kind", "picture"} <= row.keys():
            rows.append(row)
    return rows


def shares(
    rows: Rows, question: Question = NATURAL, both_ways: bool = False
) -> dict[str, tuple[float, float, float, int]]:
    """{kind: (share, low, high, n)} of the answers to a question, kinds sorted.

    The interval is Wilson's, right for one person, or with both_ways that of `crossed`, for rows
    of several persons.
    """
    table = {}
    for kind in sorted({row["kind"] for row in rows if question.counted in row}):
        mine = [row for row in rows if row["kind"] == kind and question.counted in row]
        table[kind] = _share(mine, question, both_ways)
    return table


def _share(rows, question, both_ways=False):
    given = [bool(row[question.counted]) for row in rows]
    if both_ways:
        persons, pictures = ([str(row.get(key)) for row in rows] for key in ("person", "picture"))
        return *metrics.crossed(given, persons, pictures), len(given)
    return sum(given) / len(given), *metrics.wilson(sum(given), len(given)), len(given)


def table(rows: Rows, question: Question = NATURAL) -> str:
    """The shares as aligned text, a line for each kind, and one for all colorizers together."""
    rows = [row for row in rows if question.counted in row]
    found = shares(rows, question)
    painted = [row for row in rows if row["kind"] != TRUTH]
    if len(found.keys() - {TRUTH}) > 1:
        found["all painted"] = _share(painted, question)
    lines = [
        f"{kind:12} {share:4.0%} {question.counted} [{low:.0%}, {high:.0%}] of {n}"
        for kind, (share, low, high, n) in found.items()
    ]
    return "\n".join(lines) or "no answers yet"


# Files and pictures


def _rows(file, question):
    """The answers to one question, of everybody."""
    return [row for row in answers(file) if question.counted in row]


def _append(file, row):
    """Write one answer and bring it to the disk: a crash may cost this one, no other."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    torn = file.is_file() and not file.read_bytes().endswith(b"\n") and file.stat().st_size > 0
    with open(file, "a", encoding="utf-8") as out:
        out.write("\n" * torn + json.dumps(row) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _bytes(rgb):
    rgb = np.asarray(rgb)
    return rgb if rgb.dtype == np.uint8 else np.round(255 * rgb.clip(0, 1)).astype(np.uint8)


def _png(rgb):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()
