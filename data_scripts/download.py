"""Fetch files over HTTP: a kill at any moment loses nothing, and nothing whole is fetched twice.

requests and urllib3 do the work: timeouts, redirects, retries with backoff. What stands here is
what they leave open: to go on with half a file, to check it, and to say what failed.
"""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from data_scripts.files import (
    DataError,
    bar,
    beside,
    digest,
    disk_error,
    need,
    size_of,
    write_whole,
)

AGENT = "color-from-gray (a course on colorization; fetches photographs once, slowly)"
TIMEOUT = (10, 60)  # seconds to connect, seconds between two pieces
TRIES = 5
BACKOFF = 1.0  # seconds before the second retry, doubled for each further one
LONGEST = 300  # seconds; a server that asks for a longer wait ends the run
PAUSE = 0.1  # seconds between two requests to one server
THREADS = 4
AGAIN = "run the command again to go on where it stopped"
OFFLINE = 'without network use source="bundled"'

# How a file must begin, by its suffix: a web page must not pass for a picture.
MAGIC = {
    ".jpg": ("a JPEG", 0, (b"\xff\xd8\xff",)),
    ".zip": ("a zip archive", 0, (b"PK",)),
    ".tgz": ("a gzipped archive", 0, (b"\x1f\x8b",)),
    ".tar": ("a tar archive", 257, (b"ustar",)),
    ".json": ("JSON", 0, (b"{", b"[")),
}


class DownloadError(DataError):
    """A download that failed; the message is one sentence that says what to do."""


class Gone(DownloadError):
    """The server's last word: asking again will not help."""


class _Cut(Exception):
    """The body ended early."""


class _Patient(Retry):
    """Waits as long as Retry-After says, within reason."""

    def get_retry_after(self, response):
        wait = super().get_retry_after(response)
        if wait and wait > LONGEST:
            raise DownloadError(f"the server asks to wait {wait / 60:.0f} minutes")
        return wait


def fetch(url, path, params=None, checksum="", check=None):
    """Fetch url into path, unless it is there already. Returns path.

    What arrived of an interrupted file is kept beside it as `NAME.part`. It is continued if the
    server still has the same file (ETag or date, and size), and begun anew otherwise. path appears
    in one step when the file is whole and right.

    params: the query; it may hold a key, so that no message shows it.
    checksum: "md5:..." or "sha256:..." as the publisher states it.
    check: function of the whole file's path, raises DownloadError where the file is no good.

    Raises DownloadError, of the kind `Gone` where a retry is pointless; DiskFull.
    """
    path = Path(path)
    part, note = beside(path, ".part"), beside(path, ".note")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _complete(url, part, note, params)
            _verify(part, checksum, check)
        except (_Cut, DownloadError) as error:
            if isinstance(error, Gone):
                part.unlink(missing_ok=True)
                note.unlink(missing_ok=True)
            kind = type(error) if isinstance(error, DownloadError) else DownloadError
            hint = OFFLINE if kind is Gone else f"{AGAIN}; {OFFLINE}"
            raise kind(f"{url} could not be fetched ({error}): {hint}.") from None
        os.replace(part, path)
    note.unlink(missing_ok=True)
    return path


def _verify(part, checksum, check):
    try:
        kind, _, expected = checksum.partition(":")
        if checksum and (found := digest(part, kind)) != expected:
            raise DownloadError(f"its {kind} is {found} and should be {expected}")
        if check:
            check(part)
    except DownloadError:
        part.unlink()
        raise


def _complete(url, part, note, params):
    """Let part become whole; a connection that is cut TRIES times without progress is given up."""
    most, cuts = size_of(part), 0
    while True:
        try:
            return _receive(url, part, note, params)
        except _Cut:
            cuts = 0 if size_of(part) > most else cuts + 1
            most = max(most, size_of(part))
            if cuts == TRIES:
                raise
            time.sleep(BACKOFF * 2**cuts / 2)


def _receive(url, part, note, params):
    """One request: for the file, or for what is missing of it."""
    known = _read_note(note, url)
    have = size_of(part) if known else 0
    if known and have == known["size"]:
        return  # killed between the last byte and the new name
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if known["tag"]:
            headers["If-Range"] = known["tag"]
    _take_turn(urlsplit(url).netloc)
    try:
        answer = _session().get(url, params=params, headers=headers, stream=True, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise DownloadError(_reason(error, url)) from None
    with answer:
        begins, size = _extent(answer)
        same = (begins, size, _tag(answer)) == (have, known.get("size"), known.get("tag"))
        if answer.status_code == 416 or (answer.status_code == 206 and not same):
            note.unlink(missing_ok=True)  # so that the next request begins anew
            raise _Cut("the file has changed on the server")
        if answer.status_code not in (200, 206):
            final = 400 <= answer.status_code < 500 and answer.status_code != 429
            raise (Gone if final else DownloadError)(f"{answer.status_code} {answer.reason}")
        if answer.status_code == 200:  # from its beginning, whatever was asked for
            part.unlink(missing_ok=True)
            write_whole(note, json.dumps({"url": url, "tag": _tag(answer), "size": size}).encode())
        need(part.parent, (size or 0) - size_of(part))
        _write(answer, part, size)


def _write(answer, part, size):
    have = size_of(part)
    pieces = answer.iter_content(2**14)  # a cut loses what is less than one piece
    name = part.name.removesuffix(".part")
    with (
        part.open("ab") as file,
        bar(total=size, initial=have, desc=name, unit="B", unit_scale=True) as shown,
    ):
        while True:
            try:
                piece = next(pieces, None)
            except requests.RequestException:  # reset, timed out, or shorter than announced
                raise _Cut("the connection was cut") from None
            if piece is None:
                break
            if not have:
                _begins_right(piece, name)
            try:
                file.write(piece)
                file.flush()
            except OSError as error:
                raise disk_error(error, part.parent) from None
            have += len(piece)
            shown.update(len(piece))
    if size is not None and have != size:  # urllib3 before 2 does not notice
        raise _Cut("the connection was cut")


def _begins_right(piece, name):
    what, offset, starts = MAGIC.get(Path(name).suffix, ("", 0, (b"",)))
    if not piece[offset:].startswith(starts):
        found = "a web page" if piece.lstrip()[:1] == b"<" else "something else"
        raise Gone(f"the server sent {found} instead of {what}")


def _extent(answer):
    """Where the body begins in the file, and the size of the whole file if the server tells it."""
    if answer.status_code != 206:
        size = answer.headers.get("Content-Length", "")
        return 0, int(size) if size.isdigit() else None
    begins, _, size = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    begins = begins.partition("-")[0]
    return int(begins) if begins.isdigit() else -1, int(size) if size.isdigit() else None


def _tag(answer):
    """What If-Range may hold: a strong ETag, else the date of the last change, else nothing."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def _read_note(note, url):
    """What is known of the file that was begun; {} if nothing can tell whether it is the same."""
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return known if known["url"] == url and known["size"] is not None else {}


_local = threading.local()  # a requests session must not be shared by threads


def _session():
    if not hasattr(_local, "session"):
        retry = _Patient(
            total=TRIES,
            connect=1,
            backoff_factor=BACKOFF,
            status_forcelist=(429, 500, 502, 503, 504),
            raise_on_status=False,
        )
        _local.session = requests.Session()
        for scheme in ("http://", "https://"):
            _local.session.mount(scheme, HTTPAdapter(max_retries=retry))
    return _local.session


def _reason(error, url):
    """What a requests exception means; its own text would show the query."""
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    return f"no connection to {urlsplit(url).netloc}"


_turns, _lock = {}, threading.Lock()


def _take_turn(host):
    """Wait until PAUSE seconds have passed since the last request to this server."""
    with _lock:
        turn = max(_turns.get(host, 0), time.monotonic())
        _turns[host] = turn + PAUSE
    time.sleep(max(0, turn - time.monotonic()))


def fetch_all(jobs):
    """Fetch many small files: pairs (url, path). Returns {path: why it is not there}.

    What a server refuses for good is noted beside it as `NAME.gone` and not asked for again. Raises
    DownloadError when most of them fail, or all for now: then it is not the single file.
    """
    notes = {path: beside(path, ".gone") for _, path in jobs}
    failed = {path: note.read_text() for path, note in notes.items() if note.exists()}
    jobs = [(url, path) for url, path in jobs if path not in failed and not path.exists()]
    lost, final = 0, 0
    pool = ThreadPoolExecutor(THREADS)
    try:
        with bar(total=len(jobs), desc="photographs", unit="photo") as shown:
            for tried, error in enumerate(pool.map(_attempt, jobs), start=1):
                shown.update()
                if error is None:
                    continue
                failed[jobs[tried - 1][1]] = str(error)
                lost, final = lost + 1, final + isinstance(error, Gone)
                if lost > max(20, tried / 2) or (lost == len(jobs) and not final):
                    raise DownloadError(f"{lost} of {tried} photographs failed; {error}")
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def _attempt(job):
    """None, or why the file is not there; a full disk (DiskFull) ends it all."""
    url, path = job
    try:
        fetch(url, path)
    except DownloadError as error:
        if isinstance(error, Gone):
            write_whole(beside(path, ".gone"), str(error).encode())
        return error
