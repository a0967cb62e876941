"""A server for the data scripts: files with ranges and ETags, and every way to misbehave."""

import email.utils
import hashlib
import io
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from PIL import Image

from data_scripts import web


def stay_inside(monkeypatch):
    """No waiting, no sessions that remember how long to wait, no address but this machine's.

    The server of these tests has no certificate: plain http is taken for https.
    """
    monkeypatch.setattr(web, "BACKOFF", 0.002)
    monkeypatch.setattr(web, "PAUSE", 0)
    monkeypatch.setattr(web, "_local", threading.local())
    monkeypatch.setattr(web, "SCHEMES", ("http", "https"))
    original = socket.socket.connect

    def connect(self, address):
        assert address[0] == "127.0.0.1", f"a test reaches for {address}"
        return original(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


def picture(seed, size=(160, 120)):
    """A colorful picture that resembles no other: patches of random colors, blurred."""
    patches = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)


def jpeg(seed, size=(160, 120), **options):
    """`picture` as the bytes of a JPEG."""
    return encoded(picture(seed, size), "JPEG", **{"quality": 90} | options)


def encoded(im, format, **options):
    buffer = io.BytesIO()
    im.save(buffer, format, **options)
    return buffer.getvalue()


class Request(NamedTuple):
    path: str
    query: dict
    range: str
    login: str


class DataServer:
    """Serves `files` {path: bytes, or function of the query that gives bytes}.

    `troubles` {path: list} holds what happens to the next requests of a path, one by one: a number
    (that status), (number, headers), None (no trouble), or a word. A list that ends in `...`
    repeats the entry before it forever. Words: "cut" (half of the body), "stall" (and silence),
    "half" (half, without a length), "whole" (all, without a length), "empty", "reset" (before any
    byte), "drip" (the body byte by byte), "drip headers".
    `ranges`, `tags`, `sizes`: whether it answers Range, sends ETags, sends Content-Length.
    `changed`: the time that it sends as Last-Modified in place of ETags.
    `unasked`: a range that it sends to who asks for none.
    `delay`: seconds between two pieces of 8 KB. `requests`: what was asked for, in order.
    """

    def __init__(self):
        self.files, self.troubles, self.requests = {}, {}, []
        self.ranges = self.tags = self.sizes = True
        self.heed_if_range = True
        self.delay, self.changed, self.unasked = 0, None, ""
        self.closing = threading.Event()

    def __enter__(self):
        return self.start()

    def start(self, certificate=None):
        """Begin to serve, over TLS where there is a certificate."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                try:
                    outer._answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):  # a client that was killed
                pass

        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        scheme = "https" if certificate else "http"
        self.address = f"{scheme}://127.0.0.1:{self._http.server_port}/"
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def asked(self, path):
        """The Range headers of all requests for a path, "" for the whole file."""
        return [request.range for request in self.requests if request.path == path]

    def _trouble(self, path):
        waiting = self.troubles.get(path, [])
        if not waiting:
            return None
        if waiting[1:] == [...]:
            return waiting[0]
        return waiting.pop(0)

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query))
        asked, login = (handler.headers.get(name, "") for name in ("Range", "Authorization"))
        self.requests.append(Request(parts.path, query, asked, login))
        trouble = self._trouble(parts.path)
        if isinstance(trouble, int | tuple):
            status, headers = trouble if isinstance(trouble, tuple) else (trouble, {})
            return self._send(handler, status, headers, b"<html>no</html>")
        body = self.files.get(parts.path)
        if callable(body):
            body = body(query)
        if body is None:
            return self._send(handler, 404, {}, b"<html>not found</html>")
        if trouble == "reset":
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
            return handler.connection.close()
        if trouble == "empty":
            return self._send(handler, 200, {}, b"")
        if trouble == "drip headers":
            return self._drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        headers = {"ETag": tag} if self.tags else {}
        if self.changed is not None:
            tag = email.utils.formatdate(self.changed, usegmt=True)
            headers = {"Last-Modified": tag}
        status, begin = 200, 0
        asked = asked or self.unasked
        same = not self.heed_if_range or handler.headers.get("If-Range", tag) == tag
        if self.ranges and asked and same:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= len(body):
                headers["Content-Range"] = f"bytes */{len(body)}"
                return self._send(handler, 416, headers, b"")
            status = 206
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        self._send(handler, status, headers, body[begin:], trouble)

    def _send(self, handler, status, headers, body, trouble=None):
        handler.send_response(status)
        if trouble in ("half", "whole"):
            handler.end_headers()
            handler.wfile.write(body[: len(body) // 2] if trouble == "half" else body)
            handler.close_connection = True
            return
        for name, value in headers.items():
            handler.send_header(name, value)
        chunked = not self.sizes and status == 200
        name, value = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", len(body))
        if name not in headers:
            handler.send_header(name, str(value))
        handler.end_headers()
        if trouble == "drip":
            return self._drip(handler, body)
        sent = body[: len(body) // 2] if trouble else body
        for start in range(0, len(sent), 8192):
            piece = sent[start : start + 8192]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            if self.delay:
                time.sleep(self.delay)
        if trouble == "stall":
            self.closing.wait(5)
        if trouble:
            handler.close_connection = True
        elif chunked:
            handler.wfile.write(b"0\r\n\r\n")

    def _drip(self, handler, data):
        handler.close_connection = True
        for byte in data:
            handler.wfile.write(bytes([byte]))
            if self.closing.wait(0.02):
                return
