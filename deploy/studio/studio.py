"""What every part of a running studio shares: settings, database and storage."""

import tempfile
from dataclasses import dataclass

from PIL import Image

from deploy.studio.database import Database
from deploy.studio.settings import Settings
from deploy.studio.storage import Storage


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
        """
        folder = settings.data / "tmp"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.data.chmod(0o700)
        tempfile.tempdir = str(folder)
        Image.MAX_IMAGE_PIXELS = settings.most_pixels
        return Studio(settings, Database(settings.database), Storage(settings.storage))
