"""The pictures themselves. Each request asks again whose they are; no cache keeps them unasked."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from deploy.studio import library
from deploy.studio.pages import Here, Me, found
from deploy.studio.tables import DONE

router = APIRouter()
TYPES = {".jpg": "image/jpeg", ".png": "image/png"}
CHUNK = 2**18


@router.get("/photos/{photo_id}/view")
def view(request: Request, here: Here, me: Me, photo_id: str) -> Response:
    """The photograph as uploaded, at the size of a screen."""
    with here.db.reading() as session:
        photo = found(library.photo(session, me, photo_id))
    return _picture(request, here, photo.key("view"))


@router.get("/photos/{photo_id}/original")
def original(request: Request, here: Here, me: Me, photo_id: str) -> Response:
    """The uploaded file, byte for byte, as a download."""
    with here.db.reading() as session:
        photo = found(library.photo(session, me, photo_id))
    return _picture(request, here, photo.key("original"), photo.name)


@router.get("/colorings/{job_id}/{kind}")
def coloring(request: Request, here: Here, me: Me, job_id: str, kind: str) -> Response:
    """A coloring as `view`, as `thumb`, or, as a download in full size, as `result`."""
    with here.db.reading() as session:
        job = library.job(session, me, job_id)
        if job is None or job.status != DONE or kind not in ("view", "thumb", "result"):
            return found(None)
        photo = found(library.photo(session, me, job.photo_id))
    name = None
    if kind == "result":
        name = f"{photo.name.rpartition('.')[0] or photo.name}, colorized{job.suffix}"
    return _picture(request, here, job.key(kind), name)


def _picture(request: Request, here: Here, key: str, download: str | None = None) -> Response:
    """The content of a key. What lies under a key never changes, so its name is its version."""
    headers = {"etag": f'"{key}"', "cache-control": "private, no-cache"}
    if download is not None:
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(download, safe='')}"
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(None, 304, headers)
    try:
        file = here.storage.open(key)
        headers["content-length"] = str(here.storage.size(key))
    except FileNotFoundError:
        return found(None)

    def pieces():
        with file:
            while chunk := file.read(CHUNK):
                yield chunk

    kind = TYPES.get(key[key.rfind(".") :], "application/octet-stream")
    return StreamingResponse(pieces(), 200, headers, kind)
