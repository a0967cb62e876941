"""Remove what nobody needs: expired logins, and files that a kill left without a row."""

import shutil
import time
from contextlib import suppress

from sqlalchemy import select

from deploy.studio import accounts
from deploy.studio.studio import Studio
from deploy.studio.tables import Job, Photo

HOUR = 3600  # seconds between two rounds; younger files may still get their row


def clean(studio: Studio, age: float = HOUR) -> tuple[int, int]:
    """Remove leftovers that are older than `age` seconds; returns (logins, files) removed."""
    with studio.db.writing() as session:
        logins = accounts.prune(session)
    before, unwanted = time.time() - age, []
    old = [key for key, changed in studio.storage.files() if changed < before]
    with studio.db.reading() as session:
        photos = set(session.scalars(select(Photo.id)))
        jobs = set(session.scalars(select(Job.id)))
    for key in old:
        photo, _, name = key.partition("/")
        of_photo = name.startswith(("original.", "view."))
        known = photo in photos and (of_photo or name[:32] in jobs)
        if not known or name.endswith(".part"):
            unwanted.append(key)
    studio.storage.delete(*unwanted)
    for path in (studio.settings.data / "tmp").iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return logins, len(unwanted)
