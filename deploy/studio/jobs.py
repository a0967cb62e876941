"""The queue is the table of jobs.

A worker claims a job by marking it with a claim of its own, and repeats that mark as a sign of
life. A job whose worker is silent for too long goes back to the queue. Only the claim that stands
in the table can finish a job, so its owner sees one result, whoever else worked on it.

The order is fair: first comes the person whose last job was taken longest ago, then their oldest
job. Somebody with one photograph waits for one job of each other person, not for all of them.
"""

import time
from typing import Any, NamedTuple

from sqlalchemy import Update, func, select, update
from sqlalchemy.orm import Session

from deploy.studio.database import Database, changed
from deploy.studio.tables import DONE, FAILED, QUEUED, RUNNING, Job, Photo, User, new_id

ATTEMPTS = 3  # a job that takes its worker down as often as this has failed
LOST = "Coloring this photograph failed three times. Save a smaller copy of it, and upload that."


class Wish(NamedTuple):
    """How a photograph shall be colored; None is the model's default."""

    model: str
    T: float | None = None
    rebalance: float | None = None


def add(session: Session, photo: Photo, wishes: list[Wish]) -> None:
    """Put a job for each wish into the queue."""
    owner = {"photo_id": photo.id, "user_id": photo.user_id}
    session.add_all(Job(**owner, **wish._asdict()) for wish in wishes)


def claim(db: Database) -> Job | None:
    """The next job, now running and ours; None if nobody waits."""
    with db.writing() as session:
        found = session.execute(
            select(Job, User)
            .join(User, User.id == Job.user_id)
            .where(Job.status == QUEUED)
            .order_by(User.served, Job.created, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True, key_share=True)  # PostgreSQL; SQLite has one writer
        ).first()
        if found is None:
            return None
        job, user = found
        job.status, job.progress, job.claim = RUNNING, 5, new_id()
        job.claimed_at = user.served = time.time()
        job.attempts += 1
        return job


def beat(db: Database, job: Job, progress: int | None = None) -> bool:
    """A sign of life from the worker of a job; False if the job is no longer its own."""
    values: dict[str, Any] = {"claimed_at": time.time()}
    if progress is not None:
        values["progress"] = progress
    with db.writing() as session:
        return changed(session, _ours(job).values(values)) == 1


def finish(db: Database, job: Job, n_bytes: int, sha256: str) -> bool:
    """The result's files are stored, so show them; False if the job is no longer its worker's."""
    values = {"status": DONE, "progress": 100, "suffix": job.suffix, "n_bytes": n_bytes}
    return _end(db, job, values | {"sha256": sha256})


def fail(db: Database, job: Job, sentence: str) -> bool:
    """Give a job up; the sentence tells its owner why."""
    return _end(db, job, {"status": FAILED, "progress": 0, "error": sentence})


def give_back(db: Database, job: Job) -> bool:
    """Put a job back into the queue, or give it up after the last attempt."""
    if job.attempts >= ATTEMPTS:
        return fail(db, job, LOST)
    with db.writing() as session:
        values = {"status": QUEUED, "progress": 0, "claim": None}
        return changed(session, _ours(job).values(values)) == 1


def rescue(db: Database, lease: float) -> int:
    """Put back the jobs of workers that were silent for `lease` seconds; returns how many."""
    silent = (Job.status == RUNNING) & (Job.claimed_at < time.time() - lease)
    with db.reading() as session:
        lost = session.scalars(select(Job).where(silent)).all()
    return sum(give_back(db, job) for job in lost)


def requeue(session: Session) -> int:
    """Put all failed jobs back into the queue, as if they were new; returns how many."""
    values = {"status": QUEUED, "attempts": 0, "error": None, "finished": None, "claim": None}
    statement = update(Job).where(Job.status == FAILED).values(values)
    return changed(session, statement)


def ahead(session: Session, user: User) -> int:
    """How many jobs of other people can at most come before this person's next one."""
    others = select(func.count(Job.user_id.distinct())).where(
        Job.status == QUEUED, Job.user_id != user.id
    )
    running = select(func.count()).where(Job.status == RUNNING, Job.user_id != user.id)
    return (session.scalar(others) or 0) + (session.scalar(running) or 0)


def _ours(job: Job) -> Update:
    return update(Job).where(Job.id == job.id, Job.status == RUNNING, Job.claim == job.claim)


def _end(db: Database, job: Job, values: dict[str, Any]) -> bool:
    with db.writing() as session:
        values = values | {"finished": time.time(), "claim": None}
        return changed(session, _ours(job).values(values)) == 1
