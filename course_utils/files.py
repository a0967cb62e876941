"""Files of the package: where they lie, how one is written, and what each must contain.

A file is written whole or not at all: its new content stands beside it under a name of its own
until it is complete, and then takes its place in one step. One list, `checkpoints/SHA256SUMS`,
says what every shipped network must contain.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

PACKAGE = Path(__file__).parent
CHECKPOINTS = PACKAGE / "checkpoints"
RESULTS = PACKAGE / "results"
SUMS = "SHA256SUMS"


def write(path: str | Path, data: bytes | str | Callable[[IO[bytes]], object]) -> Path:
    """Write a file in one step and return its path; a kill leaves the old file or the new one.

    data: bytes, text (stored as UTF-8), or a function that writes into the open binary file.
    The folder is made where it is missing. Two processes that write one file do not mix: the last
    to finish wins. Raises OSError, and leaves nothing half-made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if callable(data):
                data(file)
            else:
                file.write(data.encode() if isinstance(data, str) else data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(part, 0o666 & ~umask)  # mkstemp's file is for its owner alone
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return path


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's content, 64 hexadecimal digits.

    >>> name = "02_mse_regression.onnx"
    >>> sha256(CHECKPOINTS / name) == checksums()[name]
    True
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums() -> dict[str, str]:
    """{file name: SHA-256} of the shipped networks, as CHECKPOINTS / SUMS lists them."""
    file = CHECKPOINTS / SUMS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {name: digest for digest, name in (line.split() for line in lines)}


def register(path: str | Path) -> str:
    """Put a file of CHECKPOINTS on the list, in place of its former content; return its SHA-256."""
    path = Path(path)
    sums = checksums() | {path.name: sha256(path)}
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    write(CHECKPOINTS / SUMS, "".join(lines))
    return sums[path.name]


def shipped(name: str) -> bytes:
    """The content of a shipped file.

    Raises ValueError where it is not listed or its SHA-256 is not the listed one.
    """
    data = (CHECKPOINTS / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != checksums().get(name):
        raise ValueError(
            f"{name} is not the shipped file: its sha256 differs from the one in {SUMS}; "
            "install the course again."
        )
    return data
