"""Where pictures lie: a local folder, or a bucket, by fsspec.

A key is `photo id/file name`, so a photograph and all its colorings lie together. A file appears
whole or not at all, and it counts only once a row of the database names it. Files without a row,
which a kill can leave, are found by `files` and removed by `housekeeping`.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem


class Storage:
    """The files of a studio, by key."""

    def __init__(self, url: str) -> None:
        """url: a folder, or a URL of fsspec such as s3://bucket/folder."""
        found: Any = fsspec.core.url_to_fs(url)
        self._fs, self._root = found
        self._local = isinstance(self._fs, LocalFileSystem)

    def put(self, key: str, content: IO[bytes]) -> None:
        """Store what an open file holds from its beginning, in place of a former file."""
        content.seek(0)
        path = self._path(key)
        if not self._local:
            with self._fs.open(path, "wb") as target:
                shutil.copyfileobj(content, target, 2**20)
            return
        part = f"{path}.{secrets.token_hex(6)}.part"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(part, "wb") as target:
                shutil.copyfileobj(content, target, 2**20)
                target.flush()
                os.fsync(target.fileno())
            os.replace(part, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)

    def open(self, key: str) -> IO[bytes]:
        """A file to read from; FileNotFoundError where there is none."""
        return self._fs.open(self._path(key), "rb")

    def size(self, key: str) -> int:
        """How many bytes a file has; FileNotFoundError where there is none."""
        return self._fs.size(self._path(key))

    def delete(self, *keys: str) -> None:
        """Remove files and whole folders; those that are gone already are no error."""
        for key in keys:
            with suppress(FileNotFoundError):
                self._fs.rm(self._path(key), recursive=True)

    def files(self) -> Iterator[tuple[str, float]]:
        """(key, time of change in seconds since 1970) of every file."""
        self._fs.invalidate_cache()
        for path, about in self._fs.find(self._root, detail=True).items():
            changed = about["mtime"] if self._local else about["LastModified"].timestamp()
            yield path.removeprefix(f"{self._root}/"), changed

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"
