"""Fetch a file: a kill at any moment loses nothing, and what is whole is not fetched twice.

A file is whole when its length or its checksum says so, and never before.
"""

import email.utils
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import urllib3

from data_scripts import names, web
from data_scripts.files import (
    NO_LINK,
    DataError,
    DiskFull,
    bar,
    beside,
    digest,
    disk_error,
    need,
    parsed,
    size_of,
    write_whole,
)
from data_scripts.web import AGAIN, OFFLINE, Cut, DownloadError, Gone

PIECE = 2**16  # bytes read at once, at most
SLOWEST = 1000  # bytes a second, over WINDOW seconds; slower is no connection
WINDOW = 20
OFTEN = 64 * 2**20  # bytes of unknown many between two looks at the disk

# How a file must begin, by its suffix: a web page must not pass for a picture.
MAGIC = {
    ".jpg": ("a JPEG", 0, (b"\xff\xd8\xff",)),
    ".zip": ("a zip archive", 0, (b"PK",)),
    ".tgz": ("a gzipped archive", 0, (b"\x1f\x8b",)),
    ".tar": ("a tar archive", 257, (b"ustar",)),
    ".json": ("JSON", 0, (b"{", b"[")),
}
Check = Callable[[Path], None]


def fetch(
    url: str,
    path: Path,
    params: dict | None = None,
    checksum: str = "",
    check: Check | None = None,
    most: int | None = None,
) -> Path:
    """Fetch url into path, unless it is there already. Returns path.

    What arrived of an interrupted file is kept beside it as `NAME.part`. It is continued if the
    server shows that it still has the same file (by ETag or date), or a checksum will tell; else it
    is begun anew. path appears in one step when the file is whole and right.

    params: the query; it may hold a key, so that no message shows it.
    checksum: "md5:..." or "sha256:..." as the publisher states it.
    check: function of the whole file's path, raises DownloadError where the file is no good.
    most: bytes that the file may have.

    Raises DownloadError, of the kind `Gone` where the server has no such file any more; DiskFull.
    """
    path = Path(path)
    part, note = beside(path, ".part"), beside(path, ".note")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _complete(url, part, note, params, checksum, most)
            _verify(part, checksum, check)
        except DiskFull:
            _drop(part)
            raise
        except (Cut, DataError) as error:
            if isinstance(error, Gone):
                _drop(part)
            kind = type(error) if isinstance(error, DownloadError) else DownloadError
            hint = OFFLINE if kind is Gone else f"{AGAIN}; {OFFLINE}"
            raise kind(f"{names.plain(str(url))} could not be fetched ({error}): {hint}.") from None
        os.replace(part, path)
    note.unlink(missing_ok=True)
    return path


def _drop(part):
    """Keep nothing of what has arrived."""
    for path in (part, part.with_suffix(".note")):
        path.unlink(missing_ok=True)


def _verify(part, checksum, check):
    try:
        kind, _, expected = checksum.partition(":")
        if checksum and (found := digest(part, kind)) != expected:
            raise DownloadError(f"its {kind} is {found} and should be {expected}")
        _begins_right(part)
        if check:
            check(part)
    except DataError:
        _drop(part)
        raise


def _begins_right(part):
    what, offset, starts = MAGIC.get(part.with_suffix("").suffix, ("", 0, (b"",)))
    with open(part, "rb") as file:
        begin = file.read(offset + 8)
    if not begin[offset:].startswith(starts):
        found = "a web page" if begin.lstrip()[:1] == b"<" else "something else"
        raise DownloadError(f"the server sent {found} instead of {what}")


def _complete(url, part, note, params, checksum, most):
    """Let part become whole; a connection that is cut TRIES times without progress is given up."""
    known, cuts = size_of(part), 0
    while True:
        try:
            return _receive(url, part, note, params, checksum, most)
        except Cut:
            cuts = 0 if size_of(part) > known + SLOWEST * WINDOW else cuts + 1
            known = max(known, size_of(part))
            if cuts == web.TRIES:
                raise
            time.sleep(web.BACKOFF * 2**cuts / 2)


def _receive(url, part, note, params, checksum, most):
    """One request: for the file, or for what is missing of it."""
    known = _read_note(note, url)
    if known and size_of(part) == known["size"]:
        return  # killed between the last byte and the new name
    # without tag and checksum nothing shows that it is still the same file
    have = size_of(part) if known and (known["tag"] or checksum) else 0
    headers = {"Range": f"bytes={have}-", "If-Range": known["tag"] or None} if have else {}
    with web.get(url, params, headers) as answer:
        begins, size = _extent(answer)
        same = (begins, size, _tag(answer)) == (have, known.get("size"), known.get("tag"))
        if answer.status_code == 416 or (answer.status_code == 206 and not (have and same)):
            note.unlink(missing_ok=True)  # so that the next request begins anew
            raise Cut("the file has changed on the server")
        if answer.status_code not in (200, 206):
            final = answer.status_code in (404, 410)
            raise (Gone if final else DownloadError)(web.status_of(answer))
        if size == 0:
            raise DownloadError("the server sent nothing")
        if most and (size or 0) > most:
            raise DownloadError(f"it has more than {most / 2**20:.0f} MB")
        if size is None and not checksum and not _chunked(answer):
            raise DownloadError("the server does not say how long the file is")
        if answer.status_code == 200:  # from its beginning, whatever was asked for
            part.unlink(missing_ok=True)
            write_whole(note, json.dumps({"url": url, "tag": _tag(answer), "size": size}).encode())
        need(part.parent, (size or 0) - size_of(part))
        _write(answer, part, size, most)


def _write(answer, part, size, most):
    have = size_of(part)
    name = names.plain(part.with_suffix("").name)
    window, got, looked = time.monotonic(), 0, have
    try:
        file = open(os.open(part, os.O_WRONLY | os.O_APPEND | os.O_CREAT | NO_LINK, 0o666), "ab")
        with file, bar(total=size, initial=have, desc=name, unit="B", unit_scale=True) as shown:
            while piece := _piece(answer):
                file.write(piece)
                file.flush()
                have, got = have + len(piece), got + len(piece)
                shown.update(len(piece))
                if most and have > most:
                    break
                if have >= looked + OFTEN:
                    looked = have
                    need(part.parent, OFTEN)
                if (seconds := time.monotonic() - window) > WINDOW:
                    if got < SLOWEST * seconds:
                        raise Cut(f"the server sends less than {SLOWEST} bytes a second")
                    window, got = time.monotonic(), 0
    except OSError as error:
        raise disk_error(error, part.parent) from None
    if most and have > most:
        _drop(part)
        raise DownloadError(f"it has more than {most / 2**20:.0f} MB")
    if size is not None and have != size:
        raise Cut("the connection was cut")


def _piece(answer):
    """What has arrived, without waiting for more; none at the end of the body."""
    try:
        return answer.raw.read1(PIECE, decode_content=False)
    except urllib3.exceptions.HTTPError:  # reset, timed out, or shorter than announced
        raise Cut("the connection was cut") from None


def _chunked(answer):
    """Whether the body tells its own end."""
    return answer.headers.get("Transfer-Encoding", "").lower() == "chunked"


def _extent(answer):
    """Where the body begins in the file, and the size of the whole file if the server tells it."""
    if answer.status_code != 206:
        size = "" if _chunked(answer) else answer.headers.get("Content-Length", "")
        return 0, _number(size)
    begins, _, size = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    return _number(begins.partition("-")[0]), _number(size)


def _number(text):
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _tag(answer):
    """What If-Range may hold: a strong ETag, else the date of a change long ago, else nothing."""
    tag = answer.headers.get("ETag", "")
    if tag.startswith('"'):
        return tag
    changed = answer.headers.get("Last-Modified", "")
    try:  # within a minute a file may change twice and keep its date
        dates = [email.utils.parsedate_to_datetime(d) for d in (answer.headers["Date"], changed)]
        return changed if (dates[0] - dates[1]).total_seconds() >= 60 else ""
    except (KeyError, ValueError, TypeError):
        return ""


def _read_note(note, url):
    """What is known of the file that was begun; {} if nothing can tell whether it is the same."""
    try:
        known = parsed(note.read_bytes(), "a note")
        good = known["url"] == url and isinstance(known["size"], int) and known["size"] > 0
        return known if good and isinstance(known["tag"], str) else {}
    except (OSError, DataError, KeyError, TypeError):
        return {}
