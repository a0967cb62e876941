"""Flickr: photographs with a tag, under free licences, through its API and a key of yours."""

import os
import re
import time
from itertools import count
from typing import NamedTuple
from urllib.parse import quote

from data_scripts import build, local, names, web
from data_scripts.card import About
from data_scripts.download import fetch
from data_scripts.files import DataError, parsed

ABOUT = About(
    name="flickr",
    title="Flickr photographs with one tag",
    page="https://www.flickr.com/services/api/flickr.photos.search.html",
    licence="each photograph under the licence its author chose; only free ones are fetched",
    used_by="Song and Liu's regression: 5,000 photographs of mountains and 100 for testing",
)
API = "https://api.flickr.com/services/rest/"
KEYS = "https://www.flickr.com/services/apps/create/"
PER_PAGE = 500  # the most that Flickr gives
SIZES = "zclm"  # 640, 800, 1,024 and 500 pixels of the longer side
FREE = re.compile(r"licenses/by(-sa)?/|publicdomain|commons/usage|usa\.gov")
MOST = 2**24  # bytes of an answer
PASSING = (105, 106)  # "currently unavailable", "temporary issue"


def candidates(options, downloads):
    """One set without splits, the newest photographs first."""
    return {"": _found(options, downloads)}


def _found(options, downloads):
    """Search results. Flickr shows 4,000 of a query at most, hence one query for each page: what
    was uploaded before the oldest photograph that is known."""
    [name] = names.targets([(f"tag-{quote(options.tag, safe='')}", "")])
    folder = downloads / name
    free = _call("flickr.photos.licenses.getInfo", folder / "licences.json", {}, _free)
    if not free:
        raise DataError(f"Flickr lists no free licence; {web.OFFLINE}")
    query = {
        "tags": options.tag,
        "license": ",".join(sorted(free, key=int)),
        "sort": "date-posted-desc",
        "media": "photos",
        "content_type": 1,  # no screenshots, no drawings
        "safe_search": 1,
        "extras": ",".join(["license", "owner_name", "date_upload", *(f"url_{s}" for s in SIZES)]),
        "per_page": PER_PAGE,
    }
    known, before = set(), None
    for page in count(1):
        file = folder / f"page-{page:04}.json"
        rows = _call("flickr.photos.search", file, query, _rows)
        if not rows:
            file.unlink()  # the end, or a bad moment: the next run asks again
            return
        news = [row for row in rows if row.id not in known]
        oldest = min(row.uploaded for row in rows)
        # photographs of one second may stand on two pages; where all are known, go on below
        query["max_upload_date"] = oldest if news else oldest - 1
        if not news and query["max_upload_date"] == before:
            return  # the answer does not heed the query
        before = query["max_upload_date"]
        for row in news:
            known.add(row.id)
            address = _address(row, options.size)
            if address and row.licence in free:
                yield local.Picture(
                    id=row.id,
                    path=downloads / "photographs" / f"{row.id}-{options.size}.jpg",
                    url=f"https://www.flickr.com/photos/{quote(row.owner, safe='@')}/{row.id}",
                    licence=free[row.licence],
                    author=row.author,
                    fetch=address,
                )


class Row(NamedTuple):
    """What Flickr says of a photograph. sizes: pairs (shorter side, address)."""

    id: str
    owner: str
    author: str
    uploaded: int
    licence: str
    sizes: list


def _rows(answer):
    """The photographs of a search."""
    return [_row(row) for row in answer["photos"]["photo"]]


def _row(row):
    if not re.fullmatch(r"\d{1,20}", row["id"], re.ASCII):
        raise ValueError(f"id {row['id'][:80]!a}")  # it names files here
    sizes = [
        (min(int(row[f"height_{s}"]), int(row[f"width_{s}"])), str(row[f"url_{s}"]))
        for s in SIZES
        if f"url_{s}" in row
    ]
    author, owner = names.plain(row["ownername"]), names.plain(row["owner"])
    return Row(row["id"], owner, author, int(row["dateupload"]), str(row["license"]), sizes)


def _free(answer):
    """{number: name and address} of the licences that allow to hand a photograph on."""
    rows = answer["licenses"]["license"]
    found = {str(int(row["id"])): (str(row["name"]), str(row["url"])) for row in rows}
    free = {number: pair for number, pair in found.items() if FREE.search(pair[1])}
    return {number: names.plain(f"{name} ({url})") for number, (name, url) in free.items()}


def _address(row, size):
    """Of the smallest file whose shorter side is long enough, else of the largest; None of none."""
    enough = [pair for pair in row.sizes if pair[0] >= size]
    return min(enough)[1] if enough else max(row.sizes, default=(0, None))[1]


def _call(method, file, query, read):
    """What `read` makes of the answer of Flickr's API to a query; `file` keeps the answer."""
    key = os.environ.get("FLICKR_API_KEY", "")
    if not key and not file.exists():
        raise DataError(
            f"FLICKR_API_KEY is not set: get a key at {KEYS} and `export FLICKR_API_KEY=...`; "
            f"{web.OFFLINE}"
        )
    params = {"method": method, "api_key": key, "format": "json", "nojsoncallback": 1, **query}
    for wait in (*(web.BACKOFF * 2**trial for trial in range(web.TRIES)), None):
        try:  # an answer that cannot be read is not kept
            fetch(API, file, params=params, check=lambda part: _read(part, read), most=MOST)
            break
        except _Busy:
            if wait is None:
                raise
            time.sleep(wait)
    return _read(file, read)


class _Busy(web.DownloadError):
    """Flickr says that it is for a moment only."""


def _read(file, read):
    """read(answer), for an answer that a file holds. Errors, too, come with status 200."""
    answer = parsed(file.read_bytes(), "Flickr's answer")
    try:
        if answer.get("stat") != "ok":
            kind = _Busy if answer.get("code") in PASSING else web.DownloadError
            raise kind(f"Flickr says {names.plain(answer.get('message'), 200) or 'nothing'!r}")
        return read(answer)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(f"Flickr's answer is not as documented ({error!a:.99})") from None


def main(argv=None):
    args = build.parser(ABOUT, train=5_000, test=100, size=256)
    args.add_argument("--tag", default="mountain", help="what the photographs show (mountain)")
    build.add_again(args)
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
