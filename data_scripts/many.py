"""Fetch many photographs, one file each, and remember which of them are no more."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from course_utils.photos.opening import FORMATS
from data_scripts.download import fetch
from data_scripts.files import bar, beside, write_whole
from data_scripts.web import DownloadError, Gone, NoAnswer

THREADS = 4
MANY = 10  # photographs that fail together by no accident
MOST = 64 * 2**20  # bytes that a photograph may have


def fetch_all(jobs: Iterable[tuple[str, Path]]) -> dict[Path, DownloadError]:
    """Fetch many photographs: pairs (url, path). Returns {path: why it is not there}.

    What the server has no more (`Gone`) is noted beside it as `NAME.gone` and not asked for until
    `forget`. Raises DownloadError when the trouble is not that of single files: when most fail, at
    least MANY and all of them, or all without an answer.
    """
    wanted = {path: url for url, path in jobs}
    failed: dict[Path, DownloadError] = {}
    failed |= {path: Gone(text) for path in wanted if (text := _read_gone(path))}
    wanted = {path: url for path, url in wanted.items() if path not in failed}
    missing = {path: url for path, url in wanted.items() if not path.exists()}
    here, errors = len(wanted) - len(missing), []
    pool = ThreadPoolExecutor(THREADS)
    try:
        with bar(total=len(missing), desc="photographs", unit="photo") as shown:
            tries = zip(missing, pool.map(_attempt, missing.items()))
            for tried, (path, error) in enumerate(tries, start=1):
                shown.update()
                if error is None:
                    continue
                failed[path] = error
                errors.append(error)
                if len(errors) > max(2 * MANY, (here + tried) / 2) or (
                    len(errors) == len(wanted) and _is_general(errors)
                ):
                    raise DownloadError(f"{len(errors)} of {tried} photographs failed; {error}")
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def _is_general(errors):
    """Whether errors that all photographs have are those of the server or the network."""
    if any(isinstance(error, Gone) for error in errors):
        return False
    return len(errors) >= MANY or all(isinstance(error, NoAnswer) for error in errors)


def _attempt(job):
    """None, or why the file is not there; a full disk (DiskFull) ends it all."""
    path, url = job
    try:
        fetch(url, path, check=opens, most=MOST)
    except DownloadError as error:
        if isinstance(error, Gone):
            write_whole(beside(path, ".gone"), str(error).encode())
        return error


def _read_gone(path):
    """What was noted of a photograph that is no more; "" of one that may come again."""
    try:
        text = beside(path, ".gone").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text if re.search(r"\((404|410) ", text) else ""  # once, other refusals were noted too


def forget(folder: Path) -> None:
    """Let `fetch_all` ask again for what was gone."""
    for note in folder.rglob("*.jpg.gone"):
        note.unlink()


def opens(path: Path) -> None:
    """A check for `fetch`: whether a photograph opens, to its last pixel."""
    Image.init()
    try:
        with Image.open(path, formats=[f for f in FORMATS if f in Image.OPEN]) as im:
            if im.width * im.height > (Image.MAX_IMAGE_PIXELS or 1e9):
                raise ValueError("too many pixels")
            im.load()
    except Exception:  # Pillow's readers raise nearly anything
        raise DownloadError("it does not open as a photograph") from None
