"""What all pages share: templates, who is looking, and small helpers."""

import functools
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from course_utils import colorizer, systems
from deploy.studio import accounts
from deploy.studio.studio import Studio
from deploy.studio.tables import User

HERE = Path(__file__).parent
COOKIE = "studio"
_LOCAL = re.compile(r"/(?![/\\])[\w\-./]*")  # a path of this site and nothing else

# What each model is called and does, for people who never heard of networks.
WORDS = {
    "02_mse_regression": ("Careful", "Pale colors; rarely wrong, often brown."),
    "03_global_local_fusion": ("Scene", "Looks at the whole scene first; soft colors."),
    "04_pretrained_fusion": ("Natural", "Knows most about objects; our first choice."),
    "05_quantized_classification": ("Vivid", "Stronger colors; you can turn them up or down."),
    "06_pix2pix_gan": ("Bold", "Guesses with confidence, also where it is wrong."),
}
ADJUSTABLE = ("05_quantized_classification",)  # those with a temperature and `rebalance`


class LoginNeeded(Exception):
    """The page is for people who are logged in."""


def studio_of(request: Request) -> Studio:
    """The studio that answers a request."""
    return request.app.state.studio


def visitor(request: Request) -> User | None:
    """Who is logged in, or None; pages say so from here on."""
    with studio_of(request).db.reading() as session:
        request.state.user = accounts.of_token(session, token_of(request))
    return request.state.user


def _user(user: "Visitor") -> User:
    if user is None:
        raise LoginNeeded
    return user


Here = Annotated[Studio, Depends(studio_of)]
Visitor = Annotated[User | None, Depends(visitor)]
Me = Annotated[User, Depends(_user)]


def found(thing: Any) -> Any:
    """What was looked for; 404 if it is None."""
    if thing is None:
        raise HTTPException(404)
    return thing


def token_of(request: Request) -> str | None:
    """The login cookie that a browser sent."""
    return request.cookies.get(cookie_name(request))


def cookie_name(request: Request) -> str:
    """With https, a name that browsers accept from this host alone."""
    return f"__Host-{COOKIE}" if studio_of(request).settings.https else COOKIE


def welcome(request: Request, token: str, target: str) -> Response:
    """Go on to a page with a new login."""
    response = RedirectResponse(target, 303)
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=accounts.LASTS,
        httponly=True,
        samesite="lax",
        secure=studio_of(request).settings.https,
    )
    return response


def local(path: str) -> str:
    """A path of this site to go on to; anything else becomes the list of photographs."""
    return path if _LOCAL.fullmatch(path) else "/photos"


def address_of(request: Request) -> str:
    """The network address that a request came from."""
    return request.client.host if request.client else "unknown"


@functools.cache
def version() -> str:
    """Ten digits that change with the static files, so that browsers fetch new ones."""
    content = b"".join(path.read_bytes() for path in sorted((HERE / "static").iterdir()))
    return hashlib.sha256(content).hexdigest()[:10]


def _day(seconds: float) -> str:
    day = datetime.fromtimestamp(seconds, UTC)
    return f"{day.day} {day:%B %Y}"


def _moment(seconds: float) -> str:
    return f"{_day(seconds)}, {datetime.fromtimestamp(seconds, UTC):%H:%M} UTC"


def _size(n_bytes: int) -> str:
    for name, unit in (("GB", 10**9), ("MB", 10**6)):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return f"{n_bytes / 1e3:.0f} kB"


def _title(model: str) -> str:
    return WORDS[model][0] if model in WORDS else model


def render(
    request: Request,
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "text/html",
    **context: Any,
) -> Response:
    """A page of a template; templates also see `user`, `version` and the models."""
    shared = {
        "request": request,
        "user": getattr(request.state, "user", None),
        "version": version(),
        "models": {
            name: (*WORDS.get(name, (name, "")), _network(name)) for name in colorizer.names()
        },
        "best": colorizer.BEST,
        "adjustable": ADJUSTABLE,
    }
    page = _templates.get_template(template).render(shared | context)
    return HTMLResponse(page, status, headers, media_type)


def _network(name: str) -> str:
    system = systems.of_checkpoint(name)
    return system.network if system else ""


_templates = Jinja2Templates(HERE / "templates")
_templates.env.trim_blocks = _templates.env.lstrip_blocks = True
_templates.env.filters |= {"day": _day, "moment": _moment, "size": _size, "title": _title}
