"""Flickr: photographs with a tag, under free licences, through its API and a key of yours."""

import json
import os
import re
import time
from itertools import count
from urllib.parse import quote

from data_scripts import build, download, local
from data_scripts.card import About
from data_scripts.files import DataError

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
PASSING = (105, 106)  # "currently unavailable", "temporary issue"


def candidates(options, downloads):
    """One set without splits, the newest photographs first."""
    return {"": _found(options, downloads)}


def _found(options, downloads):
    """Search results. Flickr shows 4,000 of a query at most, hence one query for each page: what
    was uploaded before the oldest photograph that is known."""
    folder = downloads / f"tag-{quote(options.tag, safe='')}"
    listed = _call("flickr.photos.licenses.getInfo", folder / "licences.json", {})
    rows = listed["licenses"]["license"]
    free = {str(row["id"]): row for row in rows if FREE.search(row["url"])}
    if not free:
        raise DataError(f"Flickr lists no free licence; {download.OFFLINE}")
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
    known = set()
    for page in count(1):
        file = folder / f"page-{page:04}.json"
        rows = _call("flickr.photos.search", file, query)["photos"]["photo"]
        if not rows:
            return
        news = [row for row in rows if row["id"] not in known]
        oldest = min(int(row["dateupload"]) for row in rows)
        # photographs of one second may stand on two pages; where all are known, go on below
        query["max_upload_date"] = oldest if news else oldest - 1
        for row in news:
            known.add(row["id"])
            address = _address(row, options.size)
            if address and str(row["license"]) in free:
                licence = free[str(row["license"])]
                yield local.Picture(
                    id=row["id"],
                    path=downloads / "photographs" / f"{row['id']}-{options.size}.jpg",
                    url=f"https://www.flickr.com/photos/{row['owner']}/{row['id']}",
                    licence=f"{licence['name']} ({licence['url']})",
                    author=row["ownername"],
                    fetch=address,
                )


def _address(row, size):
    """Of the smallest file whose shorter side is long enough, else of the largest; None of none."""
    there = [
        (min(int(row[f"height_{s}"]), int(row[f"width_{s}"])), row[f"url_{s}"])
        for s in SIZES
        if f"url_{s}" in row
    ]
    enough = [pair for pair in there if pair[0] >= size]
    return min(enough)[1] if enough else max(there, default=(0, None))[1]


def _call(method, file, query):
    """The answer of Flickr's API to a query, which `file` keeps."""
    key = os.environ.get("FLICKR_API_KEY", "")
    if not key and not file.exists():
        raise DataError(
            f"FLICKR_API_KEY is not set: get a key at {KEYS} and `export FLICKR_API_KEY=...`; "
            f"{download.OFFLINE}"
        )
    params = {"method": method, "api_key": key, "format": "json", "nojsoncallback": 1, **query}
    for trial in range(download.TRIES):
        try:
            download.fetch(API, file, params=params, check=_no_error)
            return json.loads(file.read_text(encoding="utf-8"))
        except _Busy as error:
            busy = error
            time.sleep(download.BACKOFF * 2**trial)
    raise busy


class _Busy(download.DownloadError):
    """Flickr says that it is for a moment only."""


def _no_error(file):
    """Flickr reports errors with status 200."""
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise download.DownloadError("Flickr's answer is no JSON") from None
    if answer.get("stat") != "ok":
        kind = _Busy if answer.get("code") in PASSING else download.Gone
        raise kind(f"Flickr says {answer.get('message', 'nothing')!r}")


def main(argv=None):
    args = build.parser(ABOUT, train=5_000, test=100, size=256)
    args.add_argument("--tag", default="mountain", help="what the photographs show (mountain)")
    build.main(ABOUT, candidates, args, argv)


if __name__ == "__main__":
    main()
