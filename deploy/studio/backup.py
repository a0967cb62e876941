"""One tar file with everything that people keep here, and the way back.

The rows are read in one transaction, so they belong together. The files follow; one that its owner
deleted meanwhile is left out with its rows. The rows stand last in the tar file, as lines of json:
a file without them is not whole. Logins are left out. A backup of SQLite and a folder may be
restored into PostgreSQL and a bucket: this is how a studio grows up.
"""

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sqlalchemy import func, insert, select, text, update

from deploy.studio.studio import Studio
from deploy.studio.tables import DONE, QUEUED, RUNNING, Job, Photo, User

ROWS, FILES = "rows.jsonl", "files/"
TABLES = {"users": User, "photos": Photo, "jobs": Job}  # in the order of their foreign keys
_KEY = re.compile(r"[0-9a-f]{32}/[\w-]+\.\w{1,8}")


class BackupError(ValueError):
    """A backup cannot be written or restored; the message is a sentence that says why."""


def save(studio: Studio, path: Path) -> int:
    """Write a backup, whole or not at all; returns the number of files in it."""
    revision, rows = _read(studio)
    count, lost = 0, set()
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb", opener=_private) as file, tarfile.open(fileobj=file, mode="w") as tar:
            for owner, key in _keys(rows):
                try:
                    with studio.storage.open(key) as source:
                        _add(tar, FILES + key, source, studio.storage.size(key))
                    count += 1
                except FileNotFoundError:
                    lost.add(owner)
            lines: list[dict[str, Any]] = [{"revision": revision}]
            for name, found in rows.items():
                kept = (row for row in found if not lost & {row["id"], row.get("photo_id")})
                lines += [{"table": name, "row": row} for row in kept]
            content = "".join(json.dumps(line) + "\n" for line in lines).encode()
            _add(tar, ROWS, io.BytesIO(content), len(content))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return count


def restore(studio: Studio, path: Path) -> int:
    """Fill an empty studio from a backup, all of it or none; returns the number of files.

    Jobs that waited or ran wait again.
    """
    with studio.db.reading() as session:
        if session.scalar(select(func.count()).select_from(User)):
            raise BackupError("This studio has accounts: restore into an empty one.")
    count, lines = 0, None
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None:
                    continue
                if member.name == ROWS:
                    lines = [json.loads(line) for line in content]
                elif _KEY.fullmatch(key := member.name.removeprefix(FILES)):
                    studio.storage.put(key, content)
                    count += 1
    except (tarfile.TarError, EOFError, ValueError):
        raise BackupError(f"{path} is damaged or no backup of a studio.") from None
    if lines is None:
        raise BackupError(f"{path} is not whole: make the backup again.")
    revision = _read(studio)[0]
    if lines[0].get("revision") != revision:
        raise BackupError(f"{path} is of another version of the studio: restore it with that one.")
    with studio.db.writing() as session:
        for name, table in TABLES.items():
            rows = [line["row"] for line in lines[1:] if line["table"] == name]
            if rows:
                session.execute(insert(table), rows)
        waiting = update(Job).where(Job.status == RUNNING)
        session.execute(waiting.values(status=QUEUED, claim=None, progress=0))
    return count


def _read(studio: Studio) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """(the version of the tables, their rows), all of one moment."""
    rows = {}
    with studio.db.snapshot() as session:
        revision = session.scalar(text("SELECT version_num FROM alembic_version"))
        for name, table in TABLES.items():
            found = session.execute(select(*table.__table__.columns)).mappings()
            rows[name] = [dict(row) for row in found]
    return str(revision), rows


def _keys(rows: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    """(id of the row, key) of each file that rows promise."""
    seen = {row["photo_id"] for row in rows["jobs"] if row["status"] == DONE}
    for photo in (Photo(**row) for row in rows["photos"]):
        yield photo.id, photo.key("original")
        if photo.id in seen:
            yield photo.id, photo.key("view")
    for job in (Job(**row) for row in rows["jobs"] if row["status"] == DONE):
        for kind in ("result", "view", "thumb"):
            yield job.id, job.key(kind)


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    tar.addfile(info, content)


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner can read: it holds other people's photographs."""
    return os.open(path, flags, 0o600)
