"""What people upload: pictures and zip files of pictures, looked at before they are kept.

What a file is, its content says, never its name. Only the header is read here: the worker decodes.
A picture is stored first and then gets its row together with its jobs, so it is accepted with all
of them or not at all.
"""

import os
import tempfile
import unicodedata
import warnings
import zipfile
from dataclasses import dataclass, field
from typing import IO, NamedTuple

import tifffile
from PIL import ExifTags, Image
from sqlalchemy.exc import IntegrityError

from course_utils.photos import PhotoError, opening
from deploy.studio import jobs
from deploy.studio.jobs import Wish
from deploy.studio.library import used
from deploy.studio.studio import Studio
from deploy.studio.tables import NAME, Photo, User, new_id

ENTRIES = 500  # of a zip file
DIRECTORY = 10**6  # bytes of a zip file's list of entries
RATIO = 100  # how many times larger than packed an entry may be
CHUNK = 2**20
_SUFFIXES = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "GIF": ".gif",
    "BMP": ".bmp", "PPM": ".ppm", "JPEG2000": ".jp2", "AVIF": ".avif", "HEIF": ".heic",
    "JXL": ".jxl",
}  # fmt: skip
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Upload(NamedTuple):
    """A received file: what the browser calls it, and its content."""

    name: str
    file: IO[bytes]


@dataclass
class Report:
    """What became of an upload."""

    added: list[Photo] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # a sentence for each file


def receive(studio: Studio, user: User, uploads: list[Upload], wishes: list[Wish]) -> Report:
    """Keep all photographs among the uploads, and put a job for each wish into the queue."""
    report = Report()
    for upload in uploads:
        name = shown_name(upload.name)
        try:
            if _head(upload.file, 4) in (b"PK\3\4", b"PK\5\6"):
                _unpack(studio, user, name, upload.file, wishes, report)
            else:
                report.added.append(_accept(studio, user, name, upload.file, wishes))
        except PhotoError as error:
            report.refused.append(str(error))
    return report


def shown_name(name: str) -> str:
    """A file name that is safe to show and to unpack: no folders, nothing invisible, not too long.

    No part of it is all dots, which would lead out of a folder.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(letter for letter in name if letter.isprintable()).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 8:
        name = stem[: NAME - len(suffix) - 1] + dot + suffix
    return name[:NAME] or "photograph"


def header(file: IO[bytes], name: str) -> tuple[str, int, int]:
    """(suffix, width, height) of a picture as it is shown, from its header.

    Raises PhotoError for what is no picture; the sentence says what it is, if that is known.
    """
    file.seek(0)
    try:
        with warnings.catch_warnings(action="ignore"):
            image = Image.open(file, formats=opening.readable())
        lies = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
        width, height = image.size[::-1] if lies else image.size
        return _SUFFIXES[image.format or ""], width, height
    except Image.DecompressionBombError:
        return "", 10**6, 10**6
    except Exception:  # Pillow's readers raise nearly anything on a file that is none of theirs
        pass
    head = _head(file, 2**16)
    if head[:4] in _TIFF:  # some that Pillow does not know
        try:
            file.seek(0)
            with tifffile.TiffFile(file) as tiff:
                page = tiff.pages.first
                return ".tif", page.imagewidth, page.imagelength
        except Exception:
            pass
    opening.decode(head, name)  # finds the sentence
    raise PhotoError(f"{name} cannot be read: save it again as JPEG or PNG.")


def _accept(studio: Studio, user: User, name: str, file: IO[bytes], wishes: list[Wish]) -> Photo:
    settings, n_bytes = studio.settings, file.seek(0, os.SEEK_END)
    if n_bytes > settings.most_picture:
        limit = f"more than {settings.most_picture / 1e6:g} MB"
        raise PhotoError(f"{name} has {limit}: save a smaller copy.")
    suffix, width, height = header(file, name)
    if width * height > settings.most_pixels:
        limit = f"more than {settings.most_pixels / 1e6:g} million pixels"
        raise PhotoError(f"{name} has {limit}: save a smaller copy.")
    photo = Photo(id=new_id(), user_id=user.id, name=name, suffix=suffix, n_bytes=n_bytes)
    photo.width, photo.height = width, height
    studio.storage.put(photo.key("original"), file)
    try:
        with studio.db.writing() as session:
            if used(session, user) + n_bytes > settings.quota:
                limit = f"Your {settings.quota / 1e6:.0f} MB are full"
                raise PhotoError(f"{limit}: delete photographs before you add {name}.")
            session.add(photo)
            session.flush()
            jobs.add(session, photo, wishes)
    except Exception as error:
        studio.storage.delete(photo.id)
        if isinstance(error, IntegrityError):
            raise PhotoError(f"{name} was not kept: the account was deleted meanwhile.") from None
        raise
    return photo


def _unpack(
    studio: Studio, user: User, name: str, file: IO[bytes], wishes: list[Wish], report: Report
) -> None:
    """Take the pictures out of a zip file, one after the other. Folders in it do not matter."""
    _check_directory(file, name)
    try:
        archive = zipfile.ZipFile(file)
    except Exception:  # zipfile raises many kinds on damage
        raise PhotoError(f"{name} is a damaged zip file: pack it again.") from None
    entries = [entry for entry in archive.infolist() if not _ignored(entry.filename)]
    if len(entries) > ENTRIES:
        raise PhotoError(f"{name} holds more than {ENTRIES} files: pack several smaller ones.")
    if not entries:
        raise PhotoError(f"{name} holds no pictures: pack pictures into it.")
    left = 2 * studio.settings.most_upload
    for entry in entries:
        shown, most = shown_name(entry.filename), min(left, studio.settings.most_picture)
        left -= min(entry.file_size, most)
        try:
            with tempfile.TemporaryFile() as picture:
                _extract(archive, entry, shown, picture, most)
                report.added.append(_accept(studio, user, shown, picture, wishes))
        except PhotoError as error:
            report.refused.append(str(error))


def _extract(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, target: IO[bytes], most: int
) -> None:
    """Copy an entry of at most so many bytes; what it says about its size is not believed."""
    if entry.flag_bits & 1:
        raise PhotoError(f"{name} is locked with a password: pack it without one.")
    if entry.file_size > most or entry.file_size > RATIO * max(entry.compress_size, 1000):
        raise PhotoError(f"{name} unpacks to too many bytes: upload it without the zip file.")
    try:
        with archive.open(entry) as source:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                if target.tell() > most:
                    raise PhotoError(f"{name} is larger than the zip file says: pack it again.")
    except (PhotoError, OSError):
        raise
    except Exception:  # zipfile and its decoders raise many kinds on damage
        raise PhotoError(f"{name} is damaged in the zip file: pack it again.") from None


def _check_directory(file: IO[bytes], name: str) -> None:
    """Refuse a zip file whose list of entries would fill the memory, before anything reads it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2**16 - 22))
    tail = file.read()
    end = tail.rfind(b"PK\5\6", 0, max(0, len(tail) - 18))
    listed = int.from_bytes(tail[end + 12 : end + 16], "little")
    if end < 0:
        raise PhotoError(f"{name} is a damaged zip file: pack it again.")
    if listed > DIRECTORY or b"PK\6\7" in tail[max(0, end - 20) : end]:
        raise PhotoError(f"{name} holds more than {ENTRIES} files: pack several smaller ones.")


def _ignored(path: str) -> bool:
    """Folders, hidden files, what systems add to a zip file, and zip files within it."""
    parts = path.replace("\\", "/").split("/")
    name = parts[-1].lower()
    ours = name and not name.startswith(".") and "__MACOSX" not in parts
    return not ours or name in ("thumbs.db", "desktop.ini") or name.endswith(".zip")


def _head(file: IO[bytes], count: int) -> bytes:
    file.seek(0)
    return file.read(count)
