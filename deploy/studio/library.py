"""What a person has: their photographs and colorings, found, counted, deleted, packed.

Each function takes the person and finds nothing of others; an id of somebody else's looks like one
that was never given out.
"""

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from deploy.studio.storage import Storage
from deploy.studio.studio import Studio
from deploy.studio.tables import DONE, Job, Photo, User

PAGE = 24  # photographs
CHUNK = 2**18


class Search(NamedTuple):
    """What to look for; empty fields find everything."""

    text: str = ""  # part of the file name
    model: str = ""  # that colored it
    since: date | None = None
    until: date | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is looked for."""
        return any(self)


def photos(session: Session, user: User, search: Search, page: int) -> tuple[list[Photo], int]:
    """(the photographs of a page, newest first, how many there are on all pages)."""
    found = select(Photo).where(Photo.user_id == user.id)
    if search.text:
        found = found.where(Photo.name.icontains(search.text, autoescape=True))
    if search.model:
        found = found.where(Photo.jobs.any(Job.model == search.model))
    if search.since:
        found = found.where(Photo.created >= _midnight(search.since))
    if search.until:
        found = found.where(Photo.created < _midnight(search.until) + 24 * 3600)
    count = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    ordered = found.order_by(Photo.created.desc(), Photo.id)
    return list(session.scalars(ordered.limit(PAGE).offset(PAGE * (page - 1)))), count


def photo(session: Session, user: User, photo_id: str) -> Photo | None:
    """One photograph of this person."""
    return session.scalar(select(Photo).where(Photo.id == photo_id, Photo.user_id == user.id))


def job(session: Session, user: User, job_id: str) -> Job | None:
    """One coloring of this person."""
    return session.scalar(select(Job).where(Job.id == job_id, Job.user_id == user.id))


def states(session: Session, user: User, ids: list[str]) -> list[dict[str, Any]]:
    """id, status and progress (percent) of each job of a person's photographs of these ids."""
    columns = select(Job.id, Job.status, Job.progress)
    found = session.execute(columns.where(Job.photo_id.in_(ids), Job.user_id == user.id))
    return [dict(row) for row in found.mappings()]


def used(session: Session, user: User) -> int:
    """How many bytes a person's photographs and results have."""
    kept = (
        select(func.sum(table.n_bytes)).where(table.user_id == user.id) for table in (Photo, Job)
    )
    return sum(session.scalar(statement) or 0 for statement in kept)


def choose(session: Session, job: Job) -> None:
    """Make a coloring the favorite of its photograph."""
    others = update(Job).where(Job.photo_id == job.photo_id)
    session.execute(others.values(favorite=False))
    session.execute(update(Job).where(Job.id == job.id).values(favorite=True))


def delete_photos(studio: Studio, user: User, ids: list[str]) -> int:
    """Delete photographs with their colorings and files; returns how many there were."""
    with studio.db.writing() as session:
        mine = select(Photo.id).where(Photo.id.in_(ids), Photo.user_id == user.id)
        found = session.scalars(mine).all()
        session.execute(delete(Photo).where(Photo.id.in_(found)))
    studio.storage.delete(*found)
    return len(found)


def delete_job(studio: Studio, job: Job) -> None:
    """Delete one coloring with its files; one that waits is not made any more."""
    with studio.db.writing() as session:
        session.execute(delete(Job).where(Job.id == job.id))
    kinds = ["view", "thumb"] + ["result"] * (job.suffix is not None)
    studio.storage.delete(*map(job.key, kinds))


class Entry(NamedTuple):
    """A file of a download: its name there, its key, and when it was made."""

    name: str
    key: str
    made: float


def entries(session: Session, user: User, ids: list[str] | None) -> list[Entry]:
    """Originals and finished colorings of a person's photographs, all or those of some ids."""
    wanted = select(Photo).where(Photo.user_id == user.id)
    if ids is not None:
        wanted = wanted.where(Photo.id.in_(ids))
    found, names = [], set()
    for photo in session.scalars(wanted.order_by(Photo.created, Photo.id)):
        stem = photo.name.rpartition(".")[0] or photo.name
        number = 1
        while (folder := stem if number == 1 else f"{stem} ({number})") in names:
            number += 1
        names.add(folder)
        found.append(Entry(f"{folder}/{stem}{photo.suffix}", photo.key("original"), photo.created))
        done = [job for job in photo.jobs if job.status == DONE]
        for i, job in enumerate(done, 1):
            name = f"{folder}/{stem}, colorized {i} by {job.model}{job.suffix}"
            found.append(Entry(name, job.key("result"), job.finished or photo.created))
    return found


def zipped(storage: Storage, entries: list[Entry]) -> Iterator[bytes]:
    """A zip file of these entries, in pieces: it is never whole in memory or on disk.

    Pictures are packed already, so they are stored as they are. One that was deleted meanwhile is
    left out.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            made = time.gmtime(max(entry.made, 315532800))[:6]  # zip files know no time before 1980
            try:
                source = storage.open(entry.key)
            except FileNotFoundError:
                continue
            info = zipfile.ZipInfo(entry.name, made)
            with source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield pipe.taken()
            yield pipe.taken()
    yield pipe.taken()


class _Pipe(io.RawIOBase):
    """A file that zipfile writes to, and that hands on what was written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
