"""Ask servers politely and trust them little: https, retries, patience with an end.

requests and urllib3 do the work. What stands here is what they leave open.
"""

import logging
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import InvalidHeader, ReadTimeoutError

from data_scripts.files import DataError, tell

AGENT = "color-from-gray (a course on colorization; fetches photographs once, slowly)"
SCHEMES = ("https",)  # nobody between here and there reads or changes anything
TIMEOUT = (10, 60)  # seconds to connect, seconds between two pieces
HEADERS = 60  # seconds until all headers are there
TRIES = 5
BACKOFF = 1.0  # seconds before the second retry, doubled for each further one
LONGEST = 300  # seconds; a server that asks for a longer wait ends the run
PAUSE = 0.1  # seconds between two requests to one server
AGAIN = "run the command again to go on where it stopped"
OFFLINE = 'without network use source="bundled"'
# Trouble that may pass while we wait; any other answer is asked for again in the next run.
BUSY = (408, 425, 429, 500, 502, 503, 504)

# What asking raises; of a host that cannot be one, requests lets through what urllib3 raises.
TROUBLE = (requests.RequestException, urllib3.exceptions.HTTPError, ValueError)

logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings show the query, with the key


class DownloadError(DataError):
    """A download that failed for now; the message is one sentence that says what to do."""


class NoAnswer(DownloadError):
    """No server, or one that says nothing."""


class Gone(DownloadError):
    """The server says that the file is no more (404, 410): asking again will not help."""


class Cut(Exception):
    """The body ended early."""


def get(url: str, params: dict | None = None, headers: dict | None = None) -> requests.Response:
    """Ask for an address; returns the open answer, whatever its status.

    params: a query that may hold a key: no message shows it, and no redirect is followed.

    Raises NoAnswer where there is none, DownloadError for an address that is not https.
    """
    host = urlsplit(address(url)).netloc
    _take_turn(host)
    asked = {"User-Agent": AGENT, "Accept-Encoding": "identity"} | (headers or {})
    try:
        return _session().get(
            url,
            params=params,
            headers=asked,
            stream=True,
            timeout=TIMEOUT,
            allow_redirects=params is None,
        )
    except TROUBLE as error:  # its own text would show the query
        raise NoAnswer(_reason(error, host)) from None


def address(url: Any) -> str:
    """The url, if it is one that may be asked; DownloadError otherwise."""
    with suppress(ValueError):  # of urlsplit: brackets, ports
        parts = urlsplit(url if isinstance(url, str) and url.isprintable() else "")
        if parts.scheme in SCHEMES and parts.hostname and not parts.username and len(url) < 2000:
            parts.port  # noqa: B018 (raises ValueError where it is no number)
            return url
    raise DownloadError("its address is not one with https")


def status_of(answer: requests.Response) -> str:
    """The status in words, not those of the server."""
    with suppress(ValueError):
        return f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}"
    return str(answer.status_code)


class _Session(requests.Session):
    """Redirects lead to https only; no password of ~/.netrc goes anywhere."""

    def __init__(self):
        super().__init__()
        self.max_redirects = 5
        self.auth = lambda request: request

    def get_redirect_target(self, resp):
        target = super().get_redirect_target(resp)
        try:
            return target and address(urljoin(resp.url, target))
        except (DownloadError, ValueError):
            resp.close()
            raise DownloadError("the server sends on to an address without https") from None

    def rebuild_auth(self, prepared_request, response):
        pass


class _Patient(urllib3.Retry):
    """Waits as long as Retry-After says, within reason, and says so."""

    def get_retry_after(self, response):
        try:
            wait = super().get_retry_after(response)
        except InvalidHeader:
            return None
        if wait and wait > LONGEST:
            raise DownloadError(f"the server asks to wait {wait / 60:.0f} minutes")
        return wait

    def sleep_for_retry(self, response):
        if (wait := self.get_retry_after(response) or 0) >= 1:
            tell(f"the server asks to wait {wait:.0f} s")
        return super().sleep_for_retry(response)


class _InTime:
    """A connection that ends where the headers take too long: TIMEOUT begins anew at each byte."""

    sock: Any

    def getresponse(self):
        late = threading.Event()
        timer = threading.Timer(HEADERS, _shut, [self.sock, late])
        timer.daemon = True
        timer.start()
        try:
            answer = super().getresponse()  # type: ignore[misc]
        finally:
            timer.cancel()
        if late.is_set():  # half a header passes for the last one
            raise TimeoutError
        return answer


def _shut(sock, late):
    late.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class _Plain(_InTime, HTTPConnection):
    pass


class _Secret(_InTime, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecretPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secret


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args, **options):
        super().init_poolmanager(*args, **options)
        pools = {"http": _PlainPool, "https": _SecretPool}
        self.poolmanager.pool_classes_by_scheme = pools


_local = threading.local()  # a requests session must not be shared by threads


def _session():
    if not hasattr(_local, "session"):
        retry = _Patient(
            total=TRIES,
            connect=1,
            read=2,
            backoff_factor=BACKOFF,
            status_forcelist=BUSY,
            raise_on_status=False,
        )
        _local.session = _Session()
        for scheme in ("http://", "https://"):
            _local.session.mount(scheme, _Adapter(max_retries=retry))
    return _local.session


def _reason(error, host):
    """What a requests exception means."""
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    cause = getattr(error.args[0] if error.args else None, "reason", None)  # after retries
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return "the server does not answer"
    if isinstance(error, requests.TooManyRedirects):
        return "the server sends from one address to the next"
    return f"no connection to {host}"


_turns, _lock = {}, threading.Lock()


def _take_turn(host):
    """Wait until PAUSE seconds have passed since the last request to this server."""
    with _lock:
        turn = max(_turns.get(host, 0), time.monotonic())
        _turns[host] = turn + PAUSE
    time.sleep(max(0, turn - time.monotonic()))
