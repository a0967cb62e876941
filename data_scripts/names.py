"""Names from outside: of files in archives, in lists of annotations, in answers of servers.

None of them names a path on this machine before it has passed through here.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from course_utils import photos

LONGEST = 200  # bytes of a name; file systems take 255, and a suffix may be added
DEEPEST, FARTHEST = 16, 1000  # folders of a path, and its bytes
FORBIDDEN = frozenset('<>:"/\\|?*')  # each means something to Windows, two to every system
RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    port + number for port in ("COM", "LPT") for number in "0123456789¹²³"
}


def allowed(name: str) -> bool:
    """Whether every system takes the name for that of a plain file that lies in one folder.

    Not allowed are names that are hidden, unprintable, longer than LONGEST bytes, or reserved by
    Windows, and those with a character of FORBIDDEN or a dot or a blank at their end.

    >>> [allowed(name) for name in ("größe 1.jpg", "..", "a/b.jpg", "C:a.jpg", "nul.jpg")]
    [True, False, False, False, False]
    """
    return (
        0 < len(name.encode(errors="replace")) <= LONGEST
        and name.isprintable()  # no control character, and nothing that was not UTF-8
        and not FORBIDDEN & set(name)
        and name[0] != "."
        and name[-1] not in ". "
        and name.partition(".")[0].strip().upper() not in RESERVED
    )


def relative(name: str) -> PurePosixPath | None:
    """The path inside an archive, or None where it is absolute or one of its parts not allowed.

    >>> relative("./set/a.jpg"), relative("set/../../a.jpg"), relative("/a.jpg")
    (PurePosixPath('set/a.jpg'), None, None)
    """
    name = name.replace("\\", "/")  # as some programs for Windows write it
    parts = [part for part in name.split("/") if part != "."]
    if len(parts) > DEEPEST or len(name) > FARTHEST or not all(map(allowed, parts)):
        return None
    return PurePosixPath(*parts)


def folded(name: str) -> str:
    """What two names share that are one to Windows or macOS."""
    return unicodedata.normalize("NFC", name).casefold()


def targets(pairs: list[tuple[str, str]]) -> list[str]:
    """Names of files for photographs, all of them allowed and no two alike on any system.

    pairs: (id, suffix), ids different. A name looks like its id where that may be.

    >>> targets([("sea/1.png", ".jpg"), ("2", ".jpg")])
    ['sea-1.jpg', '2.jpg']
    """
    found = [_stem(id) + suffix for id, suffix in pairs]
    alike = Counter(map(folded, found))
    return [
        name if allowed(name) and alike[folded(name)] == 1 else _marked(id, suffix)
        for name, (id, suffix) in zip(found, pairs, strict=True)
    ]


def _stem(id):
    suffix = PurePosixPath(id).suffix
    return id.removesuffix(suffix if suffix.lower() in photos.SUFFIXES else "").replace("/", "-")


def _marked(id, suffix):
    """What can be kept of an id, and a mark that no other has."""
    mark = hashlib.sha256(id.encode(errors="surrogatepass")).hexdigest()[:16]
    kept = re.sub(r"[^\w-]+", "_", _stem(id))[:40].strip("_")
    return f"{kept}-{mark}{suffix}".lstrip("-")


def plain(text: object, most: int = 300) -> str:
    """A text from outside for the manifest or the terminal: one line, nothing unprintable.

    >>> plain("Zoë" + chr(27) + "[2J Doe"), plain(None)
    ('Zoë [2J Doe', '')
    """
    if not isinstance(text, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
