"""The database: SQLite or PostgreSQL, short transactions, tables brought up to date at the start.

SQLite lets one transaction write at a time. One that begins by reading and then wants to write may
be refused, so `writing` asks for the lock first, and waits for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Delete, Update, create_engine, event, make_url, text
from sqlalchemy.orm import Session

WAIT = 30  # seconds for a lock or a free connection
_LOCK = 0x636F6C6F72  # of PostgreSQL, while the tables are changed; any number


class Database:
    """Connections to one database; its tables are made or brought up to date."""

    def __init__(self, url: str) -> None:
        """url: of SQLAlchemy, such as sqlite:///studio.sqlite or postgresql+psycopg://…"""
        self.engine = create_engine(
            url,
            pool_size=10,
            max_overflow=10,
            pool_pre_ping=True,
            hide_parameters=True,  # names and hashes must not stand in a log
        )
        self._writer = self.engine.execution_options(immediate=True)
        if self.engine.dialect.name == "sqlite":
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
            event.listen(self.engine, "connect", _prepare)
            event.listen(self.engine, "begin", _begin)
        self._upgrade()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads; what it loaded can be used afterwards."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are stored at the end, all of them or, after an error, none."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session that sees everything as it is at one moment, however long it reads."""
        sqlite = self.engine.dialect.name == "sqlite"
        level = {} if sqlite else {"isolation_level": "REPEATABLE READ"}
        with Session(self.engine.execution_options(**level)) as session:
            yield session

    def _upgrade(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writer.begin() as connection:  # holds other processes off
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def changed(session: Session, statement: Update | Delete) -> int:
    """Run a statement; returns how many rows it changed or removed."""
    result: Any = session.execute(statement)
    return result.rowcount


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # Python's module must not begin transactions of its own
    for pragma in (
        f"busy_timeout={1000 * WAIT}",
        "journal_mode=WAL",  # people read while one writes
        "synchronous=FULL",  # what was accepted survives a power cut, too
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten in the file
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
