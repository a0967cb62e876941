"""Put a saved colorizer among the shipped ones: the file, its checksum and its card."""

import json
from pathlib import Path
from typing import Any

from course_utils import files, metrics
from course_utils.colorizer import Colorizer


def ship(path: str | Path, name: str, table: list[dict[str, Any]]) -> Path:
    """Make a saved colorizer the shipped one of this name; return its path.

    name: that of a system's checkpoint, from `systems.toml`; raises ValueError for another one.
    table: what was measured of this very file, rows of `metrics.report`; they join its metadata.
    """
    import onnx

    Colorizer.load(path)  # a file that breaks the contract is not shipped
    if name not in names():
        raise ValueError(f"{name!r} is no checkpoint: list its system in systems.toml first.")
    target = files.CHECKPOINTS / f"{name}.onnx"
    model = onnx.load(path)
    told = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, told | {"metrics": json.dumps(table)})
    files.write(target, model.SerializeToString())
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
