"""What of a folder belongs to a data script, and may be written over or deleted.

That is what its list names, `.made.json`, and nothing else. The list is written before the files.
"""

import csv
import json
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

from data_scripts import names
from data_scripts.files import NO_LINK, DataError, beside, digest, parsed, write_whole

LIST, LOCK, DOWNLOADS = ".made.json", ".lock", ".downloads"
SPLITS = ("train", "test")
SUMMARY = ("manifest.csv", "CARD.md")
# What systems put into folders that they show. It is left alone.
JUNK = {".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints"}


def recorded(out: Path) -> dict:
    """What the list of a folder says: {} where there is none; "files" are names under it."""
    if (out / LIST).is_symlink() or not (out / LIST).is_file():
        return {}
    made = parsed((out / LIST).read_bytes(), str(out / LIST))
    files = made.get("files") if isinstance(made, dict) else None
    if files is None and isinstance(made, dict):  # an older set: its manifest is the list
        files = list(_checksums(out))
    if not isinstance(files, list) or not all(map(_is_ours, files)):
        raise DataError(f"{out / LIST} is damaged: choose another --out")
    return made | {"files": files}


def _is_ours(name):
    """Whether a name of the list is one that a data script gives."""
    split, _, file = name.partition("/") if isinstance(name, str) else ("", "", "")
    return split in SPLITS and names.allowed(file)


def _checksums(out):
    """{name: sha256} of a manifest; {} where there is none."""
    path = out / SUMMARY[0]
    if path.is_symlink() or not path.is_file():
        return {}
    with suppress(KeyError, csv.Error), path.open(encoding="utf-8", errors="replace") as file:
        return {row["file"]: row["sha256"] for row in csv.DictReader(file)}
    return {}


def check(out: Path, made: dict) -> None:
    """Refuse a folder that holds a link, a device, or what no data script put there."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is no folder: choose another --out")
    own = {*made.get("files", ()), *(SUMMARY if made else ()), LIST, LOCK}
    own |= {name + ".half" for name in own} | {*SPLITS, DOWNLOADS}
    own = set(map(names.folded, own))  # macOS may show a name in another spelling
    for folder, inside, plain in os.walk(out):
        for name in sorted(inside + plain):
            path = Path(folder, name)
            known = path.relative_to(out).as_posix()
            if not (stat.S_ISREG(mode := path.lstat().st_mode) or stat.S_ISDIR(mode)):
                kind = "link" if stat.S_ISLNK(mode) else "device"
                raise DataError(
                    f"{path} is a {kind}, and nothing is written through it: remove it or choose "
                    "another --out"
                )
            if (
                names.folded(known) not in own
                and name not in JUNK
                and not known.startswith(DOWNLOADS + "/")
            ):
                raise DataError(
                    f"{out} holds {known}, which no data script wrote: choose another --out or "
                    "move it away"
                )
        inside[:] = [name for name in inside if name not in JUNK]


def apart(source: Path, out: Path) -> None:
    """Refuse a folder for the result that lies inside the source, or holds it."""
    source, out = source.expanduser().resolve(), out.expanduser().resolve()
    for inner, outer in ((out, source), (source, out)):
        if any(_same(folder, outer) for folder in (inner, *inner.parents)):
            raise DataError(
                f"--out {out} and --from {source} are one inside the other: choose an --out outside"
            )


def _same(a, b):
    with suppress(OSError):
        return os.path.samefile(a, b)  # whatever the case of the letters
    return a == b


def clear(out: Path, made: dict) -> None:
    """Delete the photographs that `made` lists; refuse if one is no longer what was written."""
    files = set(made.get("files", ()))
    for name, checksum in _checksums(out).items():
        if name in files and (out / name).is_file() and digest(out / name) != checksum:
            raise DataError(
                f"{out / name} has been changed since it was written: move it away or choose "
                "another --out"
            )
    (out / SUMMARY[0]).unlink(missing_ok=True)
    for name in files:
        for path in (out / name, beside(out / name, ".half")):
            path.unlink(missing_ok=True)


def record(out: Path, made: dict) -> None:
    """Write the list."""
    write_whole(out / LIST, json.dumps(made).encode())


@contextmanager
def alone(out: Path):
    """Keep a second run out of the folder, where the system can; a kill releases the lock."""
    with open(os.open(out / LOCK, os.O_WRONLY | os.O_CREAT | NO_LINK, 0o666), "w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another run is at work in {out}: wait until it is done") from None
        except (ModuleNotFoundError, OSError):  # Windows; some disks of other machines
            pass
        yield
