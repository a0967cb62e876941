"""The command line of the person who runs a studio: python -m deploy.studio admin …"""

import argparse
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from deploy.studio import accounts, backup, housekeeping, jobs, library
from deploy.studio.settings import Settings
from deploy.studio.studio import Studio
from deploy.studio.tables import Job, Photo, User


class Refused(ValueError):
    """A command cannot be done; the message is a sentence that says why."""


def users(studio: Studio) -> None:
    """List the accounts: name, since when, photographs, megabytes."""
    with studio.db.reading() as session:
        for user in session.scalars(select(User).order_by(User.name)):
            count = session.scalar(select(func.count()).where(Photo.user_id == user.id))
            since = datetime.fromtimestamp(user.created, UTC).date()
            megabytes = library.used(session, user) / 1e6
            print(f"{user.name}\t{since}\t{count} photographs\t{megabytes:.1f} MB")


def reset(studio: Studio, name: str) -> None:
    """Give an account a new password, print it once, and end all its logins."""
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    accounts.change_password(studio.db, _user(studio, name), password)
    print(f"The new password of {name} is {password}")
    print("Tell it to nobody else, and ask them to change it on the account page.")


def delete(studio: Studio, name: str) -> None:
    """Delete an account with everything in it."""
    accounts.forget(studio.db, studio.storage, _user(studio, name))
    print(f"{name} is forgotten.")


def show_jobs(studio: Studio) -> None:
    """Count the jobs by status, and list the failed ones."""
    with studio.db.reading() as session:
        counts = select(Job.status, func.count()).group_by(Job.status).order_by(Job.status)
        for status, count in session.execute(counts):
            print(f"{status}\t{count}")
        for job in session.scalars(select(Job).where(Job.status == "failed").order_by(Job.created)):
            print(f"{job.id}\t{job.model}\t{job.error}")


def requeue(studio: Studio) -> None:
    """Put the failed jobs back into the queue."""
    with studio.db.writing() as session:
        print(f"{jobs.requeue(session)} jobs wait again.")


def save(studio: Studio, file: Path) -> None:
    """Write accounts, photographs and colorings into a tar file; the studio may stay open."""
    print(f"{backup.save(studio, file)} files are in {file}.")


def restore(studio: Studio, file: Path) -> None:
    """Read a backup into an empty studio, whatever its database and storage are."""
    print(f"{backup.restore(studio, file)} files are back.")


def prune(studio: Studio) -> None:
    """Remove expired logins, and files that a kill left without a row."""
    logins, files = housekeeping.clean(studio)
    print(f"{logins} logins and {files} files removed.")


COMMANDS = {
    "users": users,
    "reset": reset,
    "delete": delete,
    "jobs": show_jobs,
    "requeue": requeue,
    "backup": save,
    "restore": restore,
    "prune": prune,
}


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Describe the commands to a parser."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    for name, function in COMMANDS.items():
        command = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        if name in ("reset", "delete"):
            command.add_argument("name", help="of the account")
        if name in ("backup", "restore"):
            command.add_argument("file", type=Path, help="such as studio.tar")


def run(settings: Settings, given: argparse.Namespace) -> int:
    """Run a parsed command; returns the exit code."""
    values = {key: getattr(given, key) for key in ("name", "file") if hasattr(given, key)}
    try:
        COMMANDS[given.what](Studio.open(settings), **values)
    except (Refused, backup.BackupError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _user(studio: Studio, name: str) -> User:
    with studio.db.reading() as session:
        found = accounts.of_name(session, name)
    if found is None:
        raise Refused(f"There is no account {name!r}: `admin users` lists them.")
    return found
