"""Everything that can be configured, read once from environment variables.

Nothing has to be set: the defaults are a studio for one house, in one folder. The README has the
same list as a table.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MB = 10**6
IN_PROCESS, SEPARATE = "in-process", "separate"


class SettingsError(ValueError):
    """A variable makes no sense; the message is a sentence that names it."""


@dataclass(frozen=True)
class Settings:
    """What one process of the studio needs to know; make one with `Settings.read`."""

    data: Path  # the folder of the database and the files, unless they live elsewhere
    database: str  # a URL of SQLAlchemy
    storage: str  # a folder, or a URL of fsspec such as s3://bucket/folder
    url: str  # where people reach the studio, such as https://studio.example; "" if unknown
    workers: str  # IN_PROCESS: the server colorizes too; SEPARATE: other processes do
    lease: float  # seconds without a sign of life after which a job is given to another worker
    most_upload: int  # bytes of one request
    most_picture: int  # bytes of one picture
    most_pixels: int  # of one picture
    quota: int  # bytes that one person may keep
    proxy: str  # the address of a reverse proxy whose X-Forwarded-For is believed; "" for none

    @property
    def https(self) -> bool:
        """Whether people reach the studio by https; cookies are then sent by nothing else."""
        return urlsplit(self.url).scheme == "https"

    @staticmethod
    def read(environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of an environment; SettingsError names a variable that makes no sense."""

        def text(name: str, default: str) -> str:
            return environment.get(name, "").strip() or default

        def number(name: str, default: float) -> float:
            try:
                value = float(text(name, str(default)))
            except ValueError:
                value = 0
            if not 0 < value < 1e9:
                raise SettingsError(
                    f"{name} is {environment[name]!r}: give a number above 0, or leave it out."
                )
            return value

        data = Path(text("STUDIO_DATA", "studio-data")).expanduser().absolute()
        url = text("STUDIO_URL", "").rstrip("/")
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
            raise SettingsError(f"STUDIO_URL is {url!r}: give it as https://studio.example.")
        workers = text("STUDIO_WORKERS", IN_PROCESS)
        if workers not in (IN_PROCESS, SEPARATE):
            raise SettingsError(f"STUDIO_WORKERS is {workers!r}: give {IN_PROCESS} or {SEPARATE}.")
        return Settings(
            data=data,
            database=text("STUDIO_DATABASE", f"sqlite:///{data / 'studio.sqlite'}"),
            storage=text("STUDIO_STORAGE", str(data / "files")),
            url=url,
            workers=workers,
            lease=number("STUDIO_LEASE", 20),
            most_upload=int(MB * number("STUDIO_UPLOAD_MB", 200)),
            most_picture=int(MB * number("STUDIO_PICTURE_MB", 50)),
            most_pixels=int(MB * number("STUDIO_MEGAPIXELS", 40)),
            quota=int(MB * number("STUDIO_QUOTA_MB", 2000)),
            proxy=text("STUDIO_PROXY", ""),
        )
