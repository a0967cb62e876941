"""Files of the package: where they lie, how one is written, and what each must contain.

A file is written whole or not at all: its new content stands beside it under a name of its own
until it is complete, and then takes its place in one step. One list, `checkpoints/SHA256SUMS`,
says what every shipped network must contain.
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl: Any = None

PACKAGE = Path(__file__).parent
CHECKPOINTS = PACKAGE / "checkpoints"
RESULTS = PACKAGE / "results"
SUMS = "SHA256SUMS"
_PART = re.compile(r"\..{0,40}\.[0-9a-f]{12}\.part", re.DOTALL)


def write(
    path: str | Path, data: bytes | str | Callable[[IO[bytes]], object], new: bool = False
) -> Path:
    """Write a file in one step and return its path; a kill leaves the old file or the new one.

    data: bytes, text (stored as UTF-8), or a function that writes into the open binary file.
    new: raise FileExistsError where the name is taken, be it by a link that leads nowhere.
    The folder is made where it is missing. Two processes that write one file do not mix: the last
    to finish wins, or with `new` the first. Raises OSError, and leaves nothing half-made; what a
    kill leaves is hidden, and `sweep` removes it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part, file = _begun(path)
    try:
        with file:
            if callable(data):
                data(file)
            else:
                file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            if fcntl:  # while it is held; Windows moves no open file
                _place(part, path, new)
        if not fcntl:
            _place(part, path, new)
    finally:
        part.unlink(missing_ok=True)
    return path


def _begun(path):
    """A hidden file beside a path, which `sweep` leaves alone while it is open."""
    while True:
        part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")
        file = open(part, "xb")
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else `sweep` came between the two lines
            return part, file
        file.close()


def _place(part, path, new):
    if not new:
        os.replace(part, path)
        return
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links: nearly as good
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.rename(part, path)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder and below.

    Only files that `write` named, and none that a process is writing now.
    """
    for part in folder.rglob(".*.part"):
        with suppress(OSError):
            if part.is_symlink() or not (part.is_file() and _PART.fullmatch(part.name)):
                continue
            if not fcntl:
                part.unlink()  # fails while somebody writes it
                continue
            with open(part, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()


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
