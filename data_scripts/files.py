"""What touches the disk: files that are there whole or not at all, checksums, room."""

import errno
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

RESERVE = 200 * 2**20  # bytes of disk that stay free
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)  # each where it exists


class DataError(Exception):
    """What a data script cannot go on with; the message is one sentence that says what to do."""


class DiskFull(DataError):
    """There is no room."""


def bar(**options: Any) -> tqdm:
    """A progress bar that shows after a second, and is silent under test."""
    silent = "PYTEST_CURRENT_TEST" in os.environ
    return tqdm(disable=silent, delay=1, leave=False, **options)


def tell(sentence: str) -> None:
    """Print to stderr, above the progress bars."""
    tqdm.write(sentence, file=sys.stderr)


def digest(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def beside(path: Path, suffix: str) -> Path:
    """The path with the suffix added to its name."""
    return path.with_name(path.name + suffix)


def size_of(path: Path) -> int:
    """The size of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def write_whole(path: Path, data: bytes) -> None:
    """Write bytes so that the file is there whole or not at all, and its folder too.

    What a kill leaves has the name of the file and `.half`: the next run writes over it, and who
    owns the one owns the other. A link that somebody put there is removed, not followed.
    """
    half = beside(path, ".half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.unlink(missing_ok=True)
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, 0o666), "wb") as f:
            f.write(data)
        os.replace(half, path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise disk_error(error, path.parent) from None


def disk_error(error: OSError, folder: Path) -> Exception:
    """An OSError as `DiskFull`, which names the disk, if that is what it means."""
    if error.errno not in FULL:
        return error
    return DiskFull(
        f"the disk of {folder} (mounted at {disk_of(folder)}) is full: free some space and run the "
        "command again"
    )


def disk_of(folder: Path) -> Path:
    """Where the disk is mounted that holds a folder, which need not exist yet."""
    folder = folder.absolute()
    return next(p for p in (folder, *folder.parents) if os.path.ismount(p) or p == p.parent)


def need(folder: Path, size: int) -> None:
    """Raise DiskFull where `size` bytes would leave less than RESERVE free."""
    free = shutil.disk_usage(folder).free
    if free < size + RESERVE:
        wanted, there = (f"{n / 2**20:,.0f} MB" for n in (size + RESERVE, free))
        disk = disk_of(folder)
        raise DiskFull(
            f"{folder} needs {wanted} of free disk, and {disk} has {there}: free some space and "
            "run the command again"
        )


def parsed(text: bytes | str, what: str) -> Any:
    """JSON that came from outside; DataError where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what} is damaged: it is no JSON ({str(error)[:80]})") from None
