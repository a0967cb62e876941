"""Pages about photographs: upload, history, one photograph, download and delete."""

import asyncio
import functools
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from course_utils import colorizer
from deploy.studio import intake, jobs, library
from deploy.studio.intake import Upload
from deploy.studio.jobs import Wish
from deploy.studio.library import Search
from deploy.studio.pages import ADJUSTABLE, Here, Me, found, render

router = APIRouter()
FILES, FIELDS, FIELD = 200, 300, 1000  # of one form: how many files and fields, bytes of a field
UPLOADS, PATIENCE = 20, 1800  # uploads at once, others wait; seconds that one may take
COLORINGS = 50  # of one photograph
IDS = 1000  # photographs that one request may name


@router.get("/photos")
def photos(
    request: Request,
    here: Here,
    me: Me,
    q: Annotated[str, Query(max_length=100)] = "",
    model: Annotated[str, Query(max_length=100)] = "",
    since: str = "",
    until: str = "",
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
) -> Response:
    """Upload, and the history: newest first, searchable, in pages."""
    search = Search(q.strip(), model, _date(since), _date(until))
    with here.db.reading() as session:
        listed, count = library.photos(session, me, search, page)
        ahead = jobs.ahead(session, me)
    pages = max(1, -(-count // library.PAGE))
    shown = {"photos": listed, "count": count, "search": search, "page": page, "pages": pages}
    return render(
        request, "photos.html", ahead=ahead, settings=here.settings, query=_query(request), **shown
    )


@router.post("/photos")
async def upload(request: Request, here: Here, me: Me) -> Response:
    """Keep uploaded pictures and color them; what was refused is told file by file."""
    form_of = functools.partial(request.form, max_fields=FIELDS, max_part_size=FIELD)
    at_once: asyncio.Semaphore = request.app.state.uploads
    async with at_once, asyncio.timeout(PATIENCE), form_of(max_files=FILES) as form:
        wishes = _wishes(form)
        files = [f for f in form.getlist("pictures") if isinstance(f, UploadFile) and f.filename]
        if not files:
            raise HTTPException(422, "No picture arrived: choose one or several, then upload them.")
        uploads = [Upload(file.filename or "", file.file) for file in files]
        report = await run_in_threadpool(intake.receive, here, me, uploads, wishes)
    if report.refused:
        status = 200 if report.added else 422
        return render(request, "uploaded.html", status, report=report)
    only = len(report.added) == 1
    return RedirectResponse(f"/photos/{report.added[0].id}" if only else "/photos", 303)


@router.get("/photos.zip")
def download(here: Here, me: Me, id: Annotated[list[str] | None, Query()] = None) -> Response:
    """All photographs with their colorings, or the chosen ones, as one zip file."""
    with here.db.reading() as session:
        entries = library.entries(session, me, id[:IDS] if id else None)
    headers = {"content-disposition": 'attachment; filename="photographs.zip"'}
    return StreamingResponse(library.zipped(here.storage, entries), 200, headers, "application/zip")


@router.post("/photos/delete")
def delete_many(here: Here, me: Me, id: Annotated[list[str] | None, Form()] = None) -> Response:
    """Delete the chosen photographs with their colorings."""
    library.delete_photos(here, me, (id or [])[:IDS])
    return RedirectResponse("/photos", 303)


@router.get("/photos/states")
def states(here: Here, me: Me, id: Annotated[list[str], Query(max_length=IDS)]) -> JSONResponse:
    """How far the jobs of some photographs are, for the script that shows progress."""
    with here.db.reading() as session:
        listed = library.states(session, me, id)
        return JSONResponse({"jobs": listed, "ahead": jobs.ahead(session, me)})


@router.get("/photos/{photo_id}")
def photo(request: Request, here: Here, me: Me, photo_id: str, show: str = "") -> Response:
    """One photograph: before and after, its colorings side by side, and what made them."""
    with here.db.reading() as session:
        photo = found(library.photo(session, me, photo_id))
        ahead = jobs.ahead(session, me)
    chosen = next((j for j in photo.jobs if j.id == show and j.status == "done"), photo.shown)
    return render(request, "photo.html", photo=photo, shown=chosen, ahead=ahead)


@router.post("/photos/{photo_id}/delete")
def delete(here: Here, me: Me, photo_id: str) -> Response:
    """Delete a photograph with its colorings."""
    found(library.delete_photos(here, me, [photo_id]) or None)
    return RedirectResponse("/photos", 303)


@router.post("/photos/{photo_id}/colorings")
async def color_again(request: Request, here: Here, me: Me, photo_id: str) -> Response:
    """Color a photograph again, with other models or settings."""
    async with request.form(max_files=0, max_fields=FIELDS, max_part_size=FIELD) as form:
        wishes = _wishes(form)

    def add() -> None:
        with here.db.writing() as session:
            photo = found(library.photo(session, me, photo_id))
            if len(photo.jobs) + len(wishes) > COLORINGS:
                sentence = f"A photograph has at most {COLORINGS} colorings: delete some first."
                raise HTTPException(422, sentence)
            jobs.add(session, photo, wishes)

    await run_in_threadpool(add)
    return RedirectResponse(f"/photos/{photo_id}", 303)


@router.post("/colorings/{job_id}/favorite")
def favorite(here: Here, me: Me, job_id: str) -> Response:
    """Choose the coloring that stands for its photograph."""
    with here.db.writing() as session:
        job = found(library.job(session, me, job_id))
        library.choose(session, job)
    return RedirectResponse(f"/photos/{job.photo_id}?show={job.id}", 303)


@router.post("/colorings/{job_id}/delete")
def delete_coloring(here: Here, me: Me, job_id: str) -> Response:
    """Delete one coloring; the photograph stays."""
    with here.db.reading() as session:
        job = found(library.job(session, me, job_id))
    library.delete_job(here, job)
    return RedirectResponse(f"/photos/{job.photo_id}", 303)


def _wishes(form: FormData) -> list[Wish]:
    """The chosen models, each with the settings it takes; the best model where none is chosen."""
    chosen = [str(name) for name in form.getlist("model")] or [colorizer.BEST]
    if unknown := set(chosen) - set(colorizer.names()):
        raise HTTPException(
            422, f"There is no model {min(unknown)[:50]!r}: choose one of the list."
        )
    T, rebalance = _number(form, "T", 0.05, 5), _number(form, "rebalance", 0, 1)
    names = dict.fromkeys(chosen)
    return [Wish(name, T, rebalance) if name in ADJUSTABLE else Wish(name) for name in names]


def _number(form: FormData, name: str, least: float, most: float) -> float | None:
    given = str(form.get(name) or "").strip()
    if not given:
        return None
    try:
        value = float(given)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise HTTPException(422, f"{name} is {given[:20]!r}: give a number from {least} to {most}.")
    return value


def _date(given: str) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise HTTPException(422, f"{given[:20]!r} is no date: give it as 2026-11-26.") from None


def _query(request: Request) -> str:
    """The search as it stands in the address, for links to other pages of its result."""
    kept = request.query_params.multi_items()
    return urlencode([(key, value) for key, value in kept if key != "page" and value])
