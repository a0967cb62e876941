"""What every part of a running studio shares: settings, database and storage."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image
from sqlalchemy.exc import SQLAlchemyError

from deploy.studio.database import Database
from deploy.studio.settings import Settings
from deploy.studio.storage import Storage


class StudioError(ValueError):
    """The studio cannot be opened; the message is a sentence that says why."""


@dataclass(frozen=True)
class Studio:
    """One studio, as one process sees it."""

    settings: Settings
    db: Database
    storage: Storage

    @staticmethod
    def open(settings: Settings) -> "Studio":
        """Connect to database and storage; make what is missing.

        Half-received uploads and half-written results lie in the studio's own folder, not in a
        shared one. Pictures with more pixels than the settings allow are refused from here on.
        Raises StudioError, which names the setting that does not work.
        """
        folder = settings.data / "tmp"
        with _told("STUDIO_DATA"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            settings.data.chmod(0o700)
        tempfile.tempdir = str(folder)
        Image.MAX_IMAGE_PIXELS = settings.most_pixels
        with _told("STUDIO_DATABASE"):
            db = Database(settings.database)
        with _told("STUDIO_STORAGE"):
            storage = Storage(settings.storage)
        return Studio(settings, db, storage)


@contextmanager
def _told(setting: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError, SQLAlchemyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise StudioError(f"{setting} does not work ({reason}): check its value.") from None
