"""The tables: people, their logins, their photographs, and the colorings of each.

Ids are 128 random bits, so nobody can guess one. Times are seconds since 1970 in UTC, which every
database sorts alike.
"""

import secrets
import time

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

ID, HASH, NAME = 32, 64, 100  # characters
QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"


def new_id() -> str:
    """32 random hexadecimal digits."""
    return secrets.token_hex(ID // 2)


class Base(DeclarativeBase):
    """What all tables share."""


class User(Base):
    """A person with an account."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(ID), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME), unique=True)
    password: Mapped[str] = mapped_column(String(200))  # its argon2 hash
    created: Mapped[float] = mapped_column(default=time.time)
    served: Mapped[float] = mapped_column(default=0.0)  # when a worker last took a job of theirs


class Login(Base):
    """A browser that is logged in. The table holds the hash of its cookie, not the cookie."""

    __tablename__ = "logins"

    token: Mapped[str] = mapped_column(String(HASH), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    expires: Mapped[float] = mapped_column(index=True)


class Guess(Base):
    """A password that was tried and not (yet) found right, for an account or from an address."""

    __tablename__ = "guesses"
    __table_args__ = (Index("guesses_target_at", "target", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(String(HASH))  # hashed: people type passwords as names
    at: Mapped[float] = mapped_column(index=True)


class Photo(Base):
    """An uploaded photograph. Its files lie in the storage's folder of its id."""

    __tablename__ = "photos"
    __table_args__ = (Index("photos_user_created", "user_id", "created"),)

    id: Mapped[str] = mapped_column(String(ID), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME))  # as its owner's disk calls it; never a path
    suffix: Mapped[str] = mapped_column(String(8))  # by its content, such as ".jpg"
    n_bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    created: Mapped[float] = mapped_column(default=time.time)

    jobs: Mapped[list["Job"]] = relationship(
        order_by="Job.created, Job.id", lazy="selectin", passive_deletes=True
    )

    def key(self, kind: str) -> str:
        """Where the storage has the `original`, or the `view` of it that a worker makes."""
        return f"{self.id}/original{self.suffix}" if kind == "original" else f"{self.id}/view.jpg"

    @property
    def shown(self) -> "Job | None":
        """The coloring that stands for the photograph: the favorite, or else the first."""
        done = [job for job in self.jobs if job.status == DONE]
        return max(done, key=lambda job: job.favorite, default=None)

    @property
    def waiting(self) -> bool:
        """Whether a coloring is still to come."""
        return any(job.status in (QUEUED, RUNNING) for job in self.jobs)


class Job(Base):
    """One coloring of a photograph: a line of the queue first, then what came of it."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("jobs_status_created", "status", "created"),
        Index("jobs_user_status", "user_id", "status"),
    )

    id: Mapped[str] = mapped_column(String(ID), primary_key=True, default=new_id)
    photo_id: Mapped[str] = mapped_column(ForeignKey(Photo.id, ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(String(NAME))
    T: Mapped[float | None]
    rebalance: Mapped[float | None]
    created: Mapped[float] = mapped_column(default=time.time)

    status: Mapped[str] = mapped_column(String(8), default=QUEUED)
    progress: Mapped[int] = mapped_column(default=0)  # percent
    attempts: Mapped[int] = mapped_column(default=0)
    claim: Mapped[str | None] = mapped_column(String(ID))  # of the worker that has it now
    claimed_at: Mapped[float | None]  # the last sign of life of that worker
    finished: Mapped[float | None]
    error: Mapped[str | None] = mapped_column(Text)  # a sentence for its owner

    suffix: Mapped[str | None] = mapped_column(String(8))  # of the result
    n_bytes: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str | None] = mapped_column(String(HASH))  # of the model's file
    favorite: Mapped[bool] = mapped_column(default=False)

    def key(self, kind: str) -> str:
        """Where the storage has the `result`, its `view` for a page, or its `thumb`."""
        suffix = self.suffix if kind == "result" else f"-{kind}.jpg"
        return f"{self.photo_id}/{self.id}{suffix}"
