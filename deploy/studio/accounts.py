"""People: names, passwords, logins, and the end of an account.

A password is stored as an argon2 hash and a login as the hash of its cookie, so a stolen table
opens nothing. A guess is written down before it is checked: many guesses at once, at several
servers, count as many, and a restart forgets none.
"""

import hashlib
import secrets
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deploy.studio.database import Database, changed
from deploy.studio.storage import Storage
from deploy.studio.tables import NAME, Guess, Login, Photo, User

SHORTEST, LONGEST = 10, 200  # characters of a password
WINDOW = 15 * 60  # seconds in which guesses are counted
PER_ACCOUNT, PER_ADDRESS = 10, 100  # wrong passwords in that time
LASTS = 30 * 24 * 3600  # seconds until a browser has to log in again

# A hash takes 19 MB and a core; a crowd must not take them all. Threads of their own, because each
# thread that ever made one keeps its 19 MB.
_HASHING = ThreadPoolExecutor(2, "hashing")
_hash = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1),))


class AccountError(ValueError):
    """What a person asked for cannot be done; the message is a sentence for them."""


class TooManyGuesses(AccountError):
    """Too many wrong passwords for one account or from one address."""


def register(db: Database, name: str, password: str) -> User:
    """A new account; AccountError says why not."""
    name = _name(name)
    if len(name) < 2 or len(name) > NAME or not name.isprintable():
        raise AccountError(f"Choose a name of 2 to {NAME} letters, or give your e-mail address.")
    user = User(name=name, password=hashed(name, password))
    try:
        with db.writing() as session:
            session.add(user)
    except IntegrityError:
        raise AccountError("This name is taken: choose another one.") from None
    return user


def hashed(name: str, password: str) -> str:
    """The hash of a new password; AccountError where it is too short, too long or the name."""
    if not SHORTEST <= len(password) <= LONGEST:
        remedy = "three words you remember make a good one"
        raise AccountError(f"A password has {SHORTEST} to {LONGEST} characters: {remedy}.")
    if _name(password) == _name(name):
        raise AccountError("The password is your name: choose another one.")
    return _HASHING.submit(_hash.hash, password).result()


def verified(db: Database, name: str, password: str, address: str) -> User:
    """The person of that name and password.

    address: of the browser. Raises TooManyGuesses, or AccountError for a wrong name or password,
    which look alike in words and in time.
    """
    now, targets = time.time(), [_digest(f"name {_name(name)}"), _digest(f"address {address}")]
    with db.writing() as session:
        session.execute(delete(Guess).where(Guess.at < now - WINDOW))
        for target, most in zip(targets, (PER_ACCOUNT, PER_ADDRESS)):
            count = select(func.count()).where(Guess.target == target)
            if (session.scalar(count) or 0) >= most:
                remedy = f"wait {WINDOW // 60} minutes, then try again"
                raise TooManyGuesses(f"Too many wrong passwords: {remedy}.")
        guesses = [Guess(target=target, at=now) for target in targets]
        session.add_all(guesses)
        user = of_name(session, name)
    stored = user.password if user else _nobody()
    right = _HASHING.submit(_hash.verify, password[: LONGEST + 1], stored).result()
    if not right or user is None:
        raise AccountError("Name and password do not belong together: check both.")
    with db.writing() as session:  # their own earlier slips are forgiven, the address keeps its
        session.execute(delete(Guess).where(Guess.target == targets[0]))
        session.execute(delete(Guess).where(Guess.id == guesses[1].id))
    return user


def of_name(session: Session, name: str) -> User | None:
    """The person of that name, or None."""
    return session.scalar(select(User).where(User.name == _name(name)))


def log_in(db: Database, user: User, old: str | None = None) -> str:
    """A new login; returns its cookie. The login of the browser's old cookie ends."""
    token = secrets.token_urlsafe(32)
    try:
        with db.writing() as session:
            log_out(session, old)
            session.add(Login(token=_digest(token), user_id=user.id, expires=time.time() + LASTS))
    except IntegrityError:
        raise AccountError("This account was deleted a moment ago.") from None
    return token


def log_out(session: Session, token: str | None) -> None:
    """End the login of a cookie, if it is one."""
    if token:
        session.execute(delete(Login).where(Login.token == _digest(token)))


def log_out_everywhere(session: Session, user: User) -> None:
    """End all logins of a person."""
    session.execute(delete(Login).where(Login.user_id == user.id))


def of_token(session: Session, token: str | None) -> User | None:
    """The person whose browser sent this cookie, or None."""
    if not token:
        return None
    login = (Login.token == _digest(token)) & (Login.expires > time.time())
    return session.scalar(select(User).join(Login, Login.user_id == User.id).where(login))


def change_password(db: Database, user: User, password: str) -> None:
    """Store a new password and end all logins; AccountError says what is wrong with it."""
    stored = hashed(user.name, password)
    with db.writing() as session:
        log_out_everywhere(session, user)
        found = session.get(User, user.id)
        if found:
            found.password = stored


def forget(db: Database, storage: Storage, user: User) -> None:
    """Remove a person with all their logins, photographs, colorings, jobs and files.

    A worker that colorizes one of them just now finds its job gone and removes what it made.
    """
    with db.writing() as session:
        folders = session.scalars(select(Photo.id).where(Photo.user_id == user.id)).all()
        session.execute(delete(Guess).where(Guess.target == _digest(f"name {user.name}")))
        session.execute(delete(User).where(User.id == user.id))
    storage.delete(*folders)


def prune(session: Session) -> int:
    """Remove logins that have expired and guesses that count no more; returns how many logins."""
    now = time.time()
    session.execute(delete(Guess).where(Guess.at < now - WINDOW))
    return changed(session, delete(Login).where(Login.expires < now))


def _name(name: str) -> str:
    """Names that look alike are one: case, width of letters and outer spaces do not count."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


_nobodys: list[str] = []


def _nobody() -> str:
    """The hash of a password that nobody has, so that an unknown name takes as long."""
    if not _nobodys:
        _nobodys.append(_HASHING.submit(_hash.hash, secrets.token_urlsafe()).result())
    return _nobodys[0]
