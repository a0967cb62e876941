"""Put a saved colorizer among the shipped ones: the file, its checksum and its card."""

import shutil
from pathlib import Path

from course_utils import files, metrics
from course_utils.colorizer import Colorizer


def ship(path: str | Path, name: str) -> Path:
    """Make a saved colorizer the shipped one of this name; return its path.

    name: that of a system's checkpoint, from `systems.toml`; raises ValueError for another one.
    """
    Colorizer.load(path)  # a file that breaks the contract is not shipped
    if name not in names():
        raise ValueError(f"{name!r} is no checkpoint: list its system in systems.toml first.")
    target = files.CHECKPOINTS / f"{name}.onnx"
    with open(path, "rb") as file:
        files.write(target, lambda out: shutil.copyfileobj(file, out))
    files.register(target)
    files.write(files.CHECKPOINTS / f"{name}.md", card(name))
    return target


def names() -> list[str]:
    """The names that a colorizer may be shipped under."""
    from course_utils.systems import SYSTEMS

    return [system.checkpoint for system in SYSTEMS.values()]


def card(name: str) -> str:
    """The card of a shipped colorizer, Markdown, made from the file's metadata alone."""
    model = Colorizer.load(name)
    fields = {key: value for key, value in model.metadata.items() if key != "metrics"}
    rows = "".join(f"| {key} | {value} |\n" for key, value in sorted(fields.items()))
    measured = metrics.table(model.metadata["metrics"]) or "not measured"
    return (
        f"# {name}\n\nA colorizer: `Colorizer.load({name!r})` predicts the colors of a gray "
        "photograph. They are\ninvented, not history: keep the label that `Colorizer.save` writes."
        f"\n\n| | |\n| --- | --- |\n{rows}| file | {model.n_bytes:,} bytes |\n"
        f"| sha256 | {files.checksums()[f'{name}.onnx']} |\n\n```text\n{measured}\n```\n"
    )
