"""Pictures by S3: for those that are too large for one request.

`form` gives a client a form that uploads one picture straight into the bucket. S3 then calls the
function, which writes the result beside it, where the client finds it by a signed address. The
environment variable BUCKET names the bucket. What lies under `uploads/` is read, and only under
`results/` is written, so that a result never starts the function again.
"""

import functools
import json
import os
import time
import urllib.parse
import uuid
from typing import Any

from deploy.serverless import handler

UPLOADS, RESULTS = "uploads/", "results/"
MOST_UPLOAD = 25_000_000  # bytes
FORM_SECONDS, RESULT_SECONDS = 600, 3600  # that the signed addresses hold
OF = "of"  # in a result's metadata: the ETag of the upload that it was made from
GONE = ("404", "NoSuchKey", "NotFound")


def form(wish: handler.Wish) -> dict[str, Any]:
    """Where and with which fields to POST a picture, and where its result will be.

    `result` answers 404 until it is there. A picture that cannot be colorized has at `refusal` a
    JSON file that says why.
    """
    bucket, name = _bucket(), uuid.uuid4().hex
    options = {"model": wish.model.name, "T": wish.T, "rebalance": wish.rebalance}
    options["format"] = (wish.kind or "PNG").lower()
    fields = {f"x-amz-meta-{k.lower()}": str(v) for k, v in options.items() if v is not None}
    limits: list[Any] = [{key: value} for key, value in fields.items()]
    limits.append(["content-length-range", 1, MOST_UPLOAD])
    post = client().generate_presigned_post(
        bucket, UPLOADS + name, Fields=fields, Conditions=limits, ExpiresIn=FORM_SECONDS
    )
    kind = options["format"]
    return {
        "url": post["url"],
        "fields": post["fields"],
        "most_bytes": MOST_UPLOAD,
        "result": _address(bucket, f"{RESULTS}{name}.{kind}"),
        "refusal": _address(bucket, f"{RESULTS}{name}.json"),
    }


def _address(bucket: str, key: str) -> str:
    of = {"Bucket": bucket, "Key": key}
    return client().generate_presigned_url("get_object", Params=of, ExpiresIn=RESULT_SECONDS)


def colorize_uploads(records: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
    """Colorize what S3 tells of; return what was done with each.

    S3 may tell twice, and calls again after a crash: what is done already is not done again. An
    error of S3 itself is raised, so that Lambda tries once more later.
    """
    return [_colorized(record, context) for record in records]


def _colorized(record: dict[str, Any], context: Any) -> dict[str, Any]:
    started, about = time.perf_counter(), {}
    key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
    bucket = record["s3"]["bucket"]["name"]
    created = record.get("eventName", "").startswith("ObjectCreated")
    ours = key.startswith(UPLOADS) and not key.endswith("/")
    if not (created and ours and bucket == _bucket()):
        about["done"] = "passed over"
    else:
        try:
            about["done"] = _colorize_one(bucket, key, about)
        except handler.Refusal as refusal:
            answer = json.dumps({"error": refusal.sentence}, ensure_ascii=False)
            _put(bucket, _result(key, "json"), answer.encode(), "application/json")
            about |= {"done": "refused", "status": refusal.status}
    handler.log(context, "s3", started, **about)
    return about


def _colorize_one(bucket: str, key: str, about: dict[str, Any]) -> str:
    head = _head(bucket, key)
    if head is None:
        return "gone"
    told = {"T" if name == "t" else name: text for name, text in head["Metadata"].items()}
    wish = handler.wished({n: t for n, t in told.items() if n in handler.OPTIONS})
    about["model"] = wish.model.name
    result = _result(key, (wish.kind or "PNG").lower())
    there = _head(bucket, result)
    if there is not None and there["Metadata"].get(OF) == head["ETag"]:
        return "there"
    if head["ContentLength"] > MOST_UPLOAD:
        raise handler.Refusal(413, f"An upload has at most {MOST_UPLOAD:,} bytes.")
    data = client().get_object(Bucket=bucket, Key=key)["Body"].read()
    colored, kind = handler.colorize(data, wish._replace(kind=wish.kind or "PNG"), about)
    _put(bucket, result, colored, handler.TYPES[kind], head["ETag"])
    return "done"


def _result(key: str, suffix: str) -> str:
    return f"{RESULTS}{key.removeprefix(UPLOADS)}.{suffix}"


def _put(bucket: str, key: str, data: bytes, kind: str, of: str = "") -> None:
    told = {OF: of} if of else {}
    client().put_object(Bucket=bucket, Key=key, Body=data, ContentType=kind, Metadata=told)


def _head(bucket: str, key: str) -> dict[str, Any] | None:
    """What S3 says about an object, or None where it is not there."""
    from botocore.exceptions import ClientError

    try:
        return client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise


def _bucket() -> str:
    bucket = os.environ.get("BUCKET")
    if not bucket:
        raise handler.Refusal(404, "No bucket is set up here: send a smaller picture to /colorize.")
    return bucket


@functools.cache
def client() -> Any:
    """The client of S3, made once a process: it takes a tenth of a second and more."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=3, read_timeout=15, retries={"total_max_attempts": 3})
    return boto3.client("s3", config=patience)
