"""Pages about people: register, log in and out, the account."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from deploy.studio import accounts, example, library
from deploy.studio.accounts import AccountError, TooManyGuesses
from deploy.studio.pages import (
    Here,
    Me,
    Visitor,
    address_of,
    cookie_name,
    local,
    render,
    token_of,
    welcome,
)

router = APIRouter()
Text = Annotated[str, Form(max_length=1000)]


@router.get("/")
def front(request: Request, visitor: Visitor) -> Response:
    """The first page for strangers; others go to their photographs."""
    if visitor:
        return RedirectResponse("/photos", 303)
    return render(request, "front.html", size=example.size(), credit=example.CREDIT)


@router.get("/about")
def about(request: Request, visitor: Visitor) -> Response:
    """How it works, what is kept, and what the models learned from."""
    return render(request, "about.html")


@router.get("/register")
def register_page(request: Request, visitor: Visitor) -> Response:
    """The form for a new account."""
    return render(request, "register.html", shortest=accounts.SHORTEST)


@router.post("/register")
def register(request: Request, here: Here, name: Text, password: Text) -> Response:
    """Make an account and log in."""
    try:
        user = accounts.register(here.db, name, password)
        return welcome(request, accounts.log_in(here.db, user, token_of(request)), "/photos")
    except AccountError as error:
        shown = {"name": name, "problem": str(error), "shortest": accounts.SHORTEST}
        return render(request, "register.html", 422, **shown)


@router.get("/login")
def login_page(request: Request, visitor: Visitor, next: str = "") -> Response:
    """The form to log in; `next` is where to go then."""
    return render(request, "login.html", next=local(next) if next else "")


@router.post("/login")
def login(request: Request, here: Here, name: Text, password: Text, next: Text = "") -> Response:
    """Log in."""
    try:
        user = accounts.verified(here.db, name, password, address_of(request))
        return welcome(request, accounts.log_in(here.db, user, token_of(request)), local(next))
    except AccountError as error:
        status = 429 if isinstance(error, TooManyGuesses) else 401
        kept = local(next) if next else ""
        return render(request, "login.html", status, name=name, problem=str(error), next=kept)


@router.post("/logout")
def logout(request: Request, here: Here, me: Me, everywhere: bool = Form(False)) -> Response:
    """Log this browser out, or all of them."""
    with here.db.writing() as session:
        accounts.log_out(session, token_of(request))
        if everywhere:
            accounts.log_out_everywhere(session, me)
    return _leave(request)


@router.get("/account")
def account(request: Request, here: Here, me: Me) -> Response:
    """Password, logins, and the end of the account."""
    return _account(request, here, me)


@router.post("/account/password")
def change_password(request: Request, here: Here, me: Me, old: Text, new: Text) -> Response:
    """Change the password; all other browsers are logged out."""
    try:
        accounts.verified(here.db, me.name, old, address_of(request))
        accounts.change_password(here.db, me, new)
        return welcome(request, accounts.log_in(here.db, me), "/account?changed=1")
    except AccountError as error:
        return _account(request, here, me, 422, problem=_own(error))


@router.post("/account/forget")
def forget(request: Request, here: Here, me: Me, password: Text) -> Response:
    """Delete the account and everything in it."""
    try:
        accounts.verified(here.db, me.name, password, address_of(request))
    except AccountError as error:
        return _account(request, here, me, 422, forget_problem=_own(error))
    accounts.forget(here.db, here.storage, me)
    request.state.user = None
    response = render(request, "forgotten.html")
    response.delete_cookie(cookie_name(request), secure=here.settings.https)
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


def _account(request: Request, here: Here, me: Me, status: int = 200, **problems: str) -> Response:
    with here.db.reading() as session:
        used, count = library.used(session, me), library.photos(session, me, library.Search(), 1)[1]
    shown = {"used": used, "count": count, "quota": here.settings.quota, **problems}
    shown |= {"shortest": accounts.SHORTEST, "changed": "changed" in request.query_params}
    return render(request, "account.html", status, **shown)


def _leave(request: Request) -> Response:
    response = RedirectResponse("/", 303)
    response.delete_cookie(cookie_name(request), secure=request.app.state.studio.settings.https)
    response.headers["clear-site-data"] = '"cache"'
    return response


def _own(error: AccountError) -> str:
    """A wrong password, said to somebody whose name is known."""
    known = isinstance(error, TooManyGuesses) or "together" not in str(error)
    return str(error) if known else "This is not your password: type it again."
