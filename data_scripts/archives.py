"""Take pictures out of archives that nobody vouches for.

Refused are archives that grow beyond all measure, encrypted ones, and those of other kinds.
"""

import bz2
import errno
import gzip
import hashlib
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from course_utils import photos
from data_scripts import names
from data_scripts.files import DataError, bar, need, size_of, tell, write_whole

# Limits that photographs keep and bombs do not.
MEMBER = 64 * 2**20  # bytes of one picture
RATIO, SLACK = 100, 100 * 2**20  # what comes out: so many times the archive, and so many bytes
HEADER = 2**18  # bytes between two files of a tar
MEMBERS = 3_000_000
OFTEN = 64 * 2**20  # bytes written between two looks at the disk

PACKED = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
HINT = "unpack it yourself and give the folder with --from"
# What the standard library raises where bytes are not as they should be.
BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(ValueError, LookupError, ArithmeticError, RuntimeError),
)
Member = tuple[str, int, bool, Callable[[], bytes]]  # name, size, whether a plain file, its bytes


def unpack(archive: Path, folder: Path) -> Path:
    """Take the pictures out of a zip or tar archive; go on where a kill stopped it.

    They go below `folder` into a folder that this very archive has to itself; returns that. Names
    that are not allowed (`data_scripts.names`), a name that another file has already, links and
    devices are passed over and counted, and so is, without a word, everything that is no picture.

    Raises DataError for an archive that is damaged, encrypted, or beyond the limits above.
    """
    mark = f"{archive.name} {size_of(archive)} {archive.stat().st_mtime_ns}"
    mark = hashlib.sha256(mark.encode(errors="surrogatepass")).hexdigest()[:12]
    [name] = names.targets([(archive.name.partition(".")[0], "")])
    folder = folder / mark / name
    done = folder / ".unpacked"
    if done.exists():
        return folder
    written = OFTEN
    folder.mkdir(parents=True, exist_ok=True)
    with bar(desc=f"unpacking {names.plain(archive.name)}", unit="photo") as shown:
        for target, data in _pictures(archive, folder):
            written += len(data)
            if written >= OFTEN:
                need(folder, OFTEN)
                written = 0
            if data:
                write_whole(target, data)
            shown.update()
    write_whole(done, b"")
    return folder


def member(archive: Path, name: str, most: int) -> bytes:
    """One file of a zip archive, of at most so many bytes; DataError where it cannot be read."""
    with _sentence(archive), zipfile.ZipFile(archive) as opened:
        info = opened.getinfo(name)
        if info.file_size > most:
            raise DataError(f"{archive}: {name} has more than {most / 2**20:,.0f} MB")
        return _unzipped(opened, info, archive)


@contextmanager
def _sentence(archive):
    """Say of an archive what goes wrong inside it; what goes wrong with the disk stays as it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # of bz2, and of a place before the first byte
            raise
        _refuse(archive, error)
    except BROKEN as error:
        _refuse(archive, error)


def _refuse(archive, error):
    why = names.plain(str(error)) or type(error).__name__
    raise DataError(
        f"{archive} is damaged or no zip, .tar, .tar.gz, .tar.bz2 or .tar.xz ({why}): delete it "
        f"and get it again, or {HINT}"
    ) from None


def _pictures(archive, folder):
    """Where each picture goes, and its bytes: none where they are there already."""
    files, folders, refused, first = set(), set(), 0, ""
    with _sentence(archive):
        for number, (name, size, plain, read) in enumerate(_members(archive)):
            if number == MEMBERS:
                raise DataError(f"{archive} holds more than {MEMBERS:,} files: {HINT}")
            if not _of_interest(name):
                continue
            path = names.relative(name)
            ways = [names.folded(str(p)) for p in path.parents][:-1] if path else []
            way = names.folded(str(path))
            if not plain or path is None or way in files | folders or files & set(ways):
                refused, first = refused + 1, first or names.plain(ascii(name), 100)
                continue
            files.add(way)
            folders.update(ways)
            if not 0 <= size <= MEMBER:
                raise DataError(
                    f"{archive}: {names.plain(name)} has {size / 2**20:,.0f} MB, more than the "
                    f"{MEMBER / 2**20:.0f} that a picture may have: {HINT}"
                )
            target = folder.joinpath(*path.parts)
            yield target, b"" if size_of(target) == size else read()
    if refused:
        tell(f"{archive}: {refused:,} names were refused, the first is {first}")


def _of_interest(name):
    """Whether it might be a picture, if its name were right."""
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(p.startswith((".", "__MACOSX")) and p != ".." for p in path.parts)
    return not hidden and path.suffix.lower() in photos.SUFFIXES


def _members(archive: Path) -> Iterator[Member]:
    """Every file of an archive, in order."""
    budget = _Budget(archive)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where a system knows none

                def read(info=info):
                    budget.spend(info.file_size)
                    return _unzipped(opened, info, archive)

                if not info.is_dir():
                    yield info.filename, info.file_size, kind in (0, stat.S_IFREG), read
        return
    with open(archive, "rb") as file:
        start = file.read(2)
    with PACKED.get(start, open)(archive, "rb") as stream:
        meter = _Meter(stream, budget)
        with tarfile.open(fileobj=meter, mode="r|") as opened:  # a stream builds no index
            for info in opened:
                if not info.isdir():
                    read = lambda info=info: opened.extractfile(info).read()  # noqa: E731
                    yield info.name, info.size, info.isfile(), read
                opened.members.clear()
                meter.left = HEADER + info.size
        meter.left = meter.budget.left
        while meter.read(2**20):  # to the end, where the checksum of gzip and its like stands
            pass


def _unzipped(opened, info, archive):
    if info.flag_bits & 0x41:
        raise DataError(f"{archive} is encrypted: {HINT}")
    if info.compress_type not in METHODS:
        raise DataError(
            f"{archive} is packed by method {info.compress_type}, which Python cannot read: {HINT}"
        )
    with opened.open(info) as file:
        return file.read(info.file_size)


class _Budget:
    """What may come out of an archive."""

    def __init__(self, archive):
        self.archive = archive
        self.left = RATIO * size_of(archive) + SLACK

    def spend(self, n):
        self.left -= n
        if self.left < 0:
            raise DataError(
                f"{self.archive} grows to more than {RATIO} times its size when it is unpacked: "
                f"it is no archive of photographs, or {HINT}"
            )


class _Meter:
    """A stream for tarfile, which reads headers of any size into memory if nobody counts."""

    def __init__(self, stream: Any, budget: _Budget):
        self.stream, self.budget, self.left = stream, budget, HEADER

    def read(self, n: int) -> bytes:
        data = self.stream.read(n)
        self.budget.spend(len(data))
        self.left -= len(data)
        if self.left < 0:
            raise ValueError("a header without end")
        return data
