"""The web application: its parts put together."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect

from deploy.studio import account_pages, example, icons, photo_pages, picture_pages
from deploy.studio.guard import Guard
from deploy.studio.pages import HERE, LoginNeeded, address_of, render, version, visitor
from deploy.studio.settings import IN_PROCESS, Settings
from deploy.studio.studio import Studio
from deploy.studio.worker import Worker

PATIENCE = 30  # seconds that a stopping server waits for the job it has
SORRY = "Something went wrong here. Nothing that you uploaded before is lost: try again."

MultiPartParser.spool_max_size = 2**14  # bytes of an upload in memory; the rest goes to disk

log = logging.getLogger("studio")


def create_app(settings: Settings) -> FastAPI:
    """The application of a studio; it opens database and storage when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.studio = studio = Studio.open(settings)
        app.state.uploads = asyncio.Semaphore(photo_pages.UPLOADS)
        worker = Worker(studio)
        thread = threading.Thread(target=worker.run, name="worker", daemon=True)
        if settings.workers == IN_PROCESS:
            thread.start()
        yield
        worker.stop.set()
        if thread.is_alive():
            thread.join(PATIENCE)
        studio.db.engine.dispose()

    app = FastAPI(
        lifespan=lifespan,
        dependencies=[Depends(_refuse)],
        redirect_slashes=False,  # they would repeat the Host header
        openapi_url=None,
    )
    app.add_middleware(Guard, settings=settings, failure=_failure)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for part in (account_pages, photo_pages, picture_pages):
        app.include_router(part.router)
    app.add_api_route("/healthz", _health)
    app.add_api_route("/icon-{size}.png", _icon)
    app.add_api_route("/example-{kind}.jpg", _example)
    app.add_api_route("/sw.js", _service_worker)
    app.add_exception_handler(HTTPException, _error)
    app.add_exception_handler(RequestValidationError, _incomplete)
    app.add_exception_handler(LoginNeeded, _to_login)
    app.add_exception_handler(TimeoutError, _too_slow)
    app.add_exception_handler(ClientDisconnect, _gone)
    return app


def _refuse(request: Request) -> None:
    if request.scope["refused"]:
        raise request.scope["refused"]


def _health(request: Request) -> JSONResponse:
    """200 while database and storage answer."""
    studio: Studio = request.app.state.studio
    try:
        with studio.db.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return JSONResponse({"status": "no database"}, 503)
    return JSONResponse({"status": "ok"})


def _icon(size: int) -> Response:
    if size not in icons.SIZES:
        raise HTTPException(404)
    return Response(icons.drawn(size), media_type="image/png")


def _example(kind: str) -> Response:
    if kind not in ("before", "after"):
        raise HTTPException(404)
    return Response(example.drawn(kind), media_type="image/jpeg")


def _service_worker(request: Request) -> Response:
    response = render(request, "sw.js", media_type="text/javascript", version=version())
    response.headers["cache-control"] = "no-cache"
    return response


def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = error.detail
    if error.status_code == 404:
        sentence = (
            "There is nothing here. It may have been deleted, or the address is not complete."
        )
    elif error.status_code == 405:
        sentence = "This address only takes what its page sends: go back, and use the buttons."
    status = error.status_code
    visitor(request)
    return render(request, "error.html", status, error.headers, sentence=sentence)


def _incomplete(request: Request, error: Exception) -> Response:
    sentence = "The form was not complete, or a value in it cannot be used: go back and check it."
    return render(request, "error.html", 422, sentence=sentence)


def _to_login(request: Request, error: Exception) -> Response:
    query = f"?next={request.url.path}" if request.method == "GET" else ""
    return RedirectResponse(f"/login{query}", 303)


def _too_slow(request: Request, error: Exception) -> Response:
    return render(request, "error.html", 408, sentence="This took too long: send less at once.")


def _gone(request: Request, error: Exception) -> Response:
    log.info("a visitor left while sending from %s", address_of(request))
    return Response(status_code=400)


def _failure(request: Request) -> Response:
    """Starlette logs the traceback; the visitor gets a sentence."""
    return render(request, "error.html", 500, sentence=SORRY)
