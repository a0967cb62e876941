"""What AWS Lambda calls: `handler(event, context)`.

    POST /colorize?model=…&T=…&rebalance=…&format=png    a JPEG or PNG in, the same in color out
    POST /uploads?model=…                                a form for a picture too large for that
    GET  /                                               the models and the limits, as JSON

Events are those of API Gateway's HTTP API, payload format 2.0, and of S3 (see `storage`). A request
that cannot be answered gets its status and one sentence as JSON. A log line is JSON and holds
neither a picture nor its name.
"""

import base64
import binascii
import functools
import io
import json
import math
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from course_utils import colorizer, files, photos
from course_utils.colorizer import Colorizer, saving

# Lambda takes and gives at most 6 MB of JSON; base64 makes 4 bytes of 3, and headers need room.
MOST_BODY = 4_400_000  # bytes of a picture by HTTP, in or out
MOST_PIXELS = 25_000_000  # height times width: README.md says what they need in memory and time
SIGNS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}  # how the files begin
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}
FORMATS = {"jpeg": "JPEG", "jpg": "JPEG", "png": "PNG"}  # that a request may name
OPTIONS = ("model", "T", "rebalance", "format")

Response = dict[str, Any]  # of API Gateway's payload format 2.0


class Refusal(Exception):
    """A request that cannot be answered: an HTTP status and one sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Wish(NamedTuple):
    """What a request wants: kind is "JPEG", "PNG", or "" for that of the picture."""

    model: Colorizer
    T: float | None = None
    rebalance: float | None = None
    kind: str = ""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answer one event: of S3 a list of what was done, of HTTP a response."""
    if "Records" in event or event.get("Event") == "s3:TestEvent":
        from deploy.serverless import storage

        return storage.colorize_uploads(event.get("Records", []), context)
    started, about = time.perf_counter(), {}
    try:
        response = _routed(event, about)
    except Refusal as refusal:
        response = _json(refusal.status, {"error": refusal.sentence})
    except Exception as error:
        about["error"] = type(error).__name__  # no message: it may quote the picture
        response = _json(500, {"error": "This picture could not be colorized; the log says more."})
    if response["statusCode"] == 405:
        response["headers"]["allow"] = about["allow"]
    log(context, "http", started, status=response["statusCode"], **about)
    return response


def _routed(event: dict[str, Any], about: dict[str, Any]) -> Response:
    """The response to an HTTP event; what the log may say goes into `about`."""
    path, method = event["rawPath"].rstrip("/"), event["requestContext"]["http"]["method"]
    allowed = {"": "GET", "/colorize": "POST", "/uploads": "POST"}.get(path)
    if allowed is None:
        raise Refusal(404, "There are /colorize, /uploads and / here, and nothing else.")
    if method != allowed:
        about["allow"] = allowed
        raise Refusal(405, f"{path or '/'} takes {allowed}, not {method}.")
    if path == "":
        return _json(200, describe())
    wish = wished(event.get("queryStringParameters") or {})
    about["model"] = wish.model.name
    if path == "/uploads":
        from deploy.serverless import storage

        return _json(201, storage.form(wish))
    data = _body(event)
    result, kind = colorize(data, wish, about)
    if len(result) > MOST_BODY:
        raise Refusal(
            413,
            f"The result has {len(result):,} bytes and {MOST_BODY:,} are allowed: ask for "
            "format=jpeg, or use /uploads.",
        )
    headers = {"content-type": TYPES[kind], "x-colorized-by": _label(wish)}
    body = base64.b64encode(result).decode()
    return _response(200, headers, body) | {"isBase64Encoded": True}


# What comes in.


def wished(options: Mapping[str, str]) -> Wish:
    """The wish that query parameters express; Refusal where they cannot be meant."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise Refusal(400, f"There is no parameter {unknown[0]!r}: use {', '.join(OPTIONS)}.")
    model = opened(options.get("model") or default())
    T, share = (_number(options.get(name), name) for name in ("T", "rebalance"))
    if T is not None and (model.T is None or T <= 0):
        why = "takes no T: leave it out" if model.T is None else "needs a T above 0"
        raise Refusal(400, f"{model.name} {why}.")
    if share is not None and not (model.rebalances and 0 <= share <= 1):
        why = "needs rebalance from 0 to 1" if model.rebalances else "takes no rebalance"
        raise Refusal(400, f"{model.name} {why}.")
    kind = options.get("format", "")
    if kind and kind not in FORMATS:
        raise Refusal(400, f"format is {kind[:20]!r}; it must be jpeg or png.")
    return Wish(model, T, share, FORMATS.get(kind, ""))


def _number(text: str | None, name: str) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refusal(400, f"{name} is {text[:20]!r}; it must be a number.")
    return value


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not body:
        raise Refusal(400, "The request has no body: send the picture's file as the body.")
    if not event.get("isBase64Encoded"):  # API Gateway hands text on as text
        raise Refusal(415, "Send the picture with content-type image/jpeg or image/png.")
    if len(body) > 4 * -(-MOST_BODY // 3):
        raise Refusal(413, f"A picture has at most {MOST_BODY:,} bytes here: use /uploads.")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise Refusal(400, "The body is not valid base64.") from None


# What is done.


def colorize(data: bytes, wish: Wish, about: dict[str, Any]) -> tuple[bytes, str]:
    """(the file of a colored picture, its kind); Refusal for what is no picture, or too large.

    The header is looked at before anything is decoded. `about` gets sizes, for the log.
    """
    kind = next((kind for sign, kind in SIGNS.items() if data.startswith(sign)), None)
    if kind is None:
        raise Refusal(415, "This is neither a JPEG nor a PNG: save the picture as one of them.")
    with warnings.catch_warnings(action="ignore"):  # of profiles and sizes
        width, height = _size(data, kind)
        about |= {"bytes_in": len(data), "width": width, "height": height}
        if width * height > MOST_PIXELS:
            most = f"{MOST_PIXELS / 1e6:.0f} million pixels are allowed"
            raise Refusal(413, f"The picture is {width} by {height}; {most}: make it smaller.")
        try:
            rgb = photos.open_photo(data)
        except photos.PhotoError as error:
            raise Refusal(422, str(error)) from None
        painted = wish.model.colorize(rgb, wish.T, wish.rebalance)
        kind, stamp = wish.kind or kind, wish.model.fingerprint(data)
        result = saving.encoded(painted, kind, wish.model.name, data, stamp)
    about["bytes_out"] = len(result)
    return result, kind


def _size(data: bytes, kind: str) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            return image.size
    except Image.DecompressionBombError:
        most = f"{MOST_PIXELS / 1e6:.0f} million pixels are allowed"
        raise Refusal(413, f"The picture is far too large; {most}: make it smaller.") from None
    except Exception:  # Pillow's readers raise nearly anything
        raise Refusal(422, f"This {kind} is damaged: save or download it again.") from None


def available() -> dict[str, Path]:
    """{name: file} of the models in this package."""
    return {path.stem: path for path in sorted(files.CHECKPOINTS.glob("*.onnx")) if _is_ours(path)}


def _is_ours(path: Path) -> bool:
    """Whether a file is a colorizer: the course also has networks for other uses."""
    chosen = files.CHECKPOINTS / "MODELS"  # the builder lists them there
    names = chosen.read_text("utf-8").split() if chosen.is_file() else colorizer.names()
    return path.stem in names


def default() -> str:
    """The model where a request names none: the course's best, or else the first."""
    return colorizer.BEST if colorizer.BEST in available() else next(iter(available()))


@functools.cache
def _opened(path: Path) -> Colorizer:
    return Colorizer.load(path)


def opened(name: str) -> Colorizer:
    """The model of a name, which stays open for later requests."""
    if name not in available():
        raise Refusal(400, f"There is no model {name[:40]!r}: use {', '.join(available())}.")
    return _opened(available()[name])


# What goes out.


def describe() -> dict[str, Any]:
    """What a client should know."""
    return {
        "models": list(available()),
        "default": default(),
        "takes": sorted(TYPES.values()),
        "most_bytes": MOST_BODY,
        "most_pixels": MOST_PIXELS,
        "colors": "predicted, not history: keep the label in the file",
    }


def _label(wish: Wish) -> str:
    text = f"{saving.LABEL}{wish.model.name}"
    return text.encode("ascii", "replace").decode()


def _json(status: int, answer: dict[str, Any]) -> Response:
    headers = {"content-type": "application/json; charset=utf-8"}
    return _response(status, headers, json.dumps(answer, ensure_ascii=False))


def _response(status: int, headers: dict[str, str], body: str) -> Response:
    safe = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return {"statusCode": status, "headers": headers | safe, "body": body, "isBase64Encoded": False}


_calls = 0


def log(context: Any, at: str, started: float, **about: Any) -> None:
    """One line of JSON for the log; `cold` where this process answers for the first time."""
    global _calls
    _calls += 1
    ms = round(1000 * (time.perf_counter() - started))
    request = getattr(context, "aws_request_id", None)
    print(json.dumps({"at": at, "request": request, "cold": _calls == 1, "ms": ms} | about))


if "AWS_LAMBDA_RUNTIME_API" in os.environ:  # the first request need not wait for the model
    opened(default())
