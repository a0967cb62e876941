"""What stands before every page: size, origin, security headers, and one line of log a request.

An ASGI middleware, because it must see the body while it arrives.
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.studio.settings import Settings

FORM = 2**16  # bytes of a request that is no upload
UPLOAD = "/photos"
SAFE = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}

log = logging.getLogger("studio.access")


class Guard:
    """The middleware; `app` is what it guards, `failure` makes the page of an unforeseen error."""

    def __init__(
        self, app: ASGIApp, settings: Settings, failure: Callable[[Request], Response]
    ) -> None:
        self.app, self.settings, self.failure = app, settings, failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status, started = time.monotonic(), 500, False
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        most = FORM
        if scope["method"] == "POST" and scope["path"] == UPLOAD:
            most = self.settings.most_upload
        scope["refused"] = self._refusal(scope, headers, most)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise too_large(most)
            return message

        async def guarded(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message["headers"], *self._headers(message["headers"])]
            await send(message)

        try:
            await self.app(scope, counted, guarded)
        except Exception:  # Starlette logs it, but would answer outside of this class
            if not started:
                await self.failure(Request(scope))(scope, receive, guarded)
            raise
        finally:
            line: dict[str, Any] = {"method": scope["method"], "path": scope["path"]}
            line |= {"status": status, "ms": round(1000 * (time.monotonic() - begun))}
            log.info(json.dumps(line | {"from": (scope.get("client") or ["?"])[0]}))

    def _refusal(self, scope: Scope, headers: dict[str, str], most: int) -> HTTPException | None:
        """Why a request is refused before anything looks at it, or None."""
        if scope["method"] not in SAFE and not self._same_origin(scope, headers):
            return HTTPException(
                403, "This request came from another web site: open the page here."
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            return too_large(most)
        return None

    def _same_origin(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Browsers say where a request comes from; what says nothing is no browser."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            return site in ("same-origin", "none")
        if origin is None:
            return True
        own = self.settings.url or f"{scope['scheme']}://{headers.get('host', '')}"
        return urlsplit(origin)[:2] == urlsplit(own)[:2]

    def _headers(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in given}
        headers = HEADERS | {"cache-control": "no-store"}
        if self.settings.https:
            headers["strict-transport-security"] = "max-age=31536000"
        encoded = ((name.encode(), value.encode()) for name, value in headers.items())
        return [(name, value) for name, value in encoded if name not in names]


def too_large(most: int) -> HTTPException:
    """The refusal of a request with more bytes than this."""
    size = f"{most / 1e6:.0f} MB" if most >= 10**6 else f"{most / 1e3:.0f} kB"
    return HTTPException(413, f"This is more than {size} at once: send it in smaller parts.")
