"""What touches the disk: files that are there whole or not at all, checksums, archives."""

import errno
import gzip
import hashlib
import os
import shutil
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath

from tqdm.auto import tqdm

from course_utils import photos

RESERVE = 200 * 2**20  # bytes of disk that stay free


class DataError(Exception):
    """What a data script cannot go on with; the message is one sentence that says what to do."""


class DiskFull(DataError):
    """There is no room."""


def bar(**options):
    """A progress bar that shows after a second, and is silent under test."""
    silent = "PYTEST_CURRENT_TEST" in os.environ
    return tqdm(disable=silent, delay=1, leave=False, **options)


def digest(path, kind="sha256"):
    """The checksum of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def beside(path, suffix):
    """The path with the suffix added to its name."""
    return path.with_name(path.name + suffix)


def size_of(path):
    """The size of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def write_whole(path, data):
    """Write bytes so that the file is there whole or not at all, and its folder too."""
    half = beside(path, ".half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(data)
        os.replace(half, path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise disk_error(error, path.parent) from None


def disk_error(error, folder):
    """An OSError as `DiskFull` if that is what it means."""
    if error.errno not in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return error
    return DiskFull(f"the disk of {folder} is full: free some space and run the command again")


def need(folder, size):
    """Raise DiskFull where `size` bytes would leave less than RESERVE free."""
    free = shutil.disk_usage(folder).free
    if free < size + RESERVE:
        wanted, there = (f"{n / 2**20:,.0f} MB" for n in (size + RESERVE, free))
        raise DiskFull(f"{folder} needs {wanted} of free disk and has {there}")


def unpack(archive, folder):
    """Take the pictures out of a zip or tar archive into folder; go on where a kill stopped it.

    Names that would leave the folder, links and everything that is no picture are passed over.
    Raises DataError for an archive that is damaged.
    """
    stamp = f"{archive.name} {size_of(archive)} {archive.stat().st_mtime_ns}"
    begun, done = folder / ".begun", folder / ".unpacked"
    if done.exists() and done.read_text() == stamp:
        return folder
    if not begun.exists() or begun.read_text() != stamp:  # pictures of another archive
        shutil.rmtree(folder, ignore_errors=True)
        write_whole(begun, stamp.encode())
    try:
        with bar(desc=f"unpacking {archive.name}", unit="photo") as shown:
            for name, size, read in _members(archive):
                target = _inside(folder, name)
                if target and size_of(target) != size:
                    write_whole(target, read())
                shown.update()
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{archive} is damaged ({error}): delete it and get it again.") from None
    write_whole(done, stamp.encode())
    return folder


def _members(archive):
    """Name, size and a function that reads it, of every plain file of an archive, in order."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, lambda info=info: opened.read(info)
        return
    with open(archive, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with (gzip.open if zipped else open)(archive, "rb") as stream:
        with tarfile.open(fileobj=stream, mode="r|") as opened:  # a stream builds no index
            for info in opened:
                if info.isfile():
                    yield info.name, info.size, lambda info=info: opened.extractfile(info).read()
                opened.members.clear()
        while stream.read(2**20):  # to the end, where gzip's checksum stands
            pass


def _inside(folder, name):
    """Where a member goes; None for what is no picture or would leave the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    if hidden or path.is_absolute() or ":" in name or path.suffix.lower() not in photos.SUFFIXES:
        return None
    return folder.joinpath(*path.parts)
