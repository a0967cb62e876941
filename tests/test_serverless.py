"""The function in the cloud: its package, its answers, its uploads, and the runtime around it."""

import ast
import base64
import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from course_utils import colorizer, course, files, photos
from course_utils.colorizer import Colorizer
from deploy.serverless import __main__ as builder
from deploy.serverless import handler, loopback, storage

MODEL = colorizer.BEST
ALBUM = files.PACKAGE / "album"
JPEG = (ALBUM / "coffee.jpg").read_bytes()


def request(body=JPEG, path="/colorize", method="POST", encoded=True, **query):
    """An event of API Gateway's payload format 2.0."""
    return {
        "version": "2.0",
        "rawPath": path,
        "queryStringParameters": query,
        "requestContext": {"http": {"method": method}},
        "body": base64.b64encode(body).decode() if encoded else body,
        "isBase64Encoded": encoded,
    }


def said(event):
    """(status, sentence) of a refusal."""
    response = handler.handler(event, None)
    answer = json.loads(response["body"])
    assert set(answer) == {"error"} and answer["error"].endswith(".")
    assert "\n" not in answer["error"] and len(answer["error"]) < 300
    return response["statusCode"], answer["error"]


def picture(response):
    assert response["statusCode"] == 200 and response["isBase64Encoded"], response
    return Image.open(io.BytesIO(base64.b64decode(response["body"])))


def png(width, height, rows=b""):
    """A PNG that claims a size, whatever it holds."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# A picture by HTTP.


@pytest.mark.parametrize("asked, kind", [({}, "JPEG"), ({"format": "png"}, "PNG")])
def test_a_picture_comes_back_in_color_with_its_label(asked, kind, tmp_path):
    response = handler.handler(request(**asked), None)
    image = picture(response)
    assert image.format == kind and response["headers"]["content-type"] == f"image/{kind.lower()}"
    (tmp_path / "it").write_bytes(base64.b64decode(response["body"]))
    label, stamp = colorizer.label(tmp_path / "it")
    assert label == response["headers"]["x-colorized-by"] == f"{colorizer.LABEL}{MODEL}"
    assert stamp == Colorizer.load(MODEL).fingerprint(JPEG)
    if kind == "PNG":
        wanted = Colorizer.load(MODEL).colorize(photos.open_photo(JPEG))
        assert np.array_equal(np.asarray(image), wanted)


def test_author_and_copyright_stay_and_the_picture_stands_upright():
    exif = Image.Exif()
    exif[ExifTags.Base.Artist], exif[ExifTags.Base.Copyright] = "A. Author", "CC BY 4.0"
    exif[ExifTags.Base.Orientation] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 40, 3), 99, np.uint8)).save(buffer, "JPEG", exif=exif)
    result = picture(handler.handler(request(buffer.getvalue()), None))
    assert result.size == (20, 40)
    kept = result.getexif()
    assert (kept[ExifTags.Base.Artist], kept[ExifTags.Base.Copyright]) == ("A. Author", "CC BY 4.0")
    assert kept.get(ExifTags.Base.Orientation) is None


def test_options_reach_the_model():
    name = "05_quantized_classification"
    model, rgb = Colorizer.load(name), photos.open_photo(JPEG)
    sharp = picture(handler.handler(request(model=name, T="0.3", format="png"), None))
    assert np.array_equal(np.asarray(sharp), model.colorize(rgb, 0.3))
    if model.rebalances:
        rare = picture(handler.handler(request(model=name, rebalance="1", format="png"), None))
        assert np.array_equal(np.asarray(rare), model.colorize(rgb, rebalance=1))


def test_the_front_says_what_there_is():
    response = handler.handler(request(b"", "/", "GET"), None)
    answer = json.loads(response["body"])
    assert answer["models"] == colorizer.names() and answer["default"] == MODEL
    assert answer["most_bytes"] == handler.MOST_BODY


BINS = {"model": "05_quantized_classification"}
BAD = {
    "no path": (request(path="/admin"), 404, "/colorize"),
    "GET": (request(method="GET"), 405, "takes POST"),
    "no body": (request(b""), 400, "no body"),
    "text": (request("data:image/png", encoded=False), 415, "content-type"),
    "bad base64": (request() | {"body": "/9j/4AAQ*SkZJRg"}, 400, "base64"),
    "cut base64": (request() | {"body": request()["body"][:-3]}, 400, "base64"),
    "SVG": (request(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, "neither"),
    "HTML": (request(b"<html><script>alert(1)</script></html>"), 415, "neither"),
    "zip": (request(b"PK\x03\x04" + bytes(100)), 415, "neither"),
    "GIF": (request(b"GIF89a" + bytes(100)), 415, "neither"),
    "TIFF": (request(b"II*\0" + bytes(100)), 415, "neither"),
    "cut JPEG": (request(JPEG[:3000]), 422, "damaged or cut short"),
    "JPEG header": (request(JPEG[:20]), 422, "damaged"),
    "PNG of nothing": (request(png(8, 8)), 422, "damaged"),
    "JPEG that is a PNG": (request(b"\xff\xd8\xff" + png(8, 8)), 422, "damaged"),
    "100 MP": (request(png(10_000, 10_000, zlib.compress(bytes(10_000)))), 413, "25 million"),
    "10 GP": (request(png(100_000, 100_000)), 413, "25 million"),
    "no pixels": (request(png(0, 10)), 422, "damaged"),
    "large": (request() | {"body": "A" * 6_000_000}, 413, "4,400,000"),
    "no model": (request(model="../../etc/passwd"), 400, "no model"),
    "classifier": (request(model="course_L"), 400, "no model"),
    "unknown option": (request(size="9"), 400, "no parameter 'size'"),
    "T=nan": (request(**BINS, T="nan"), 400, "must be a number"),
    "T=-1": (request(**BINS, T="-1"), 400, "above 0"),
    "T=hot": (request(**BINS, T="hot"), 400, "must be a number"),
    "T of none": (request(T="1"), 400, "takes no T"),
    "rebalance of none": (request(rebalance="1"), 400, "takes no rebalance"),
    "rebalance=2": (
        request(**BINS, rebalance="2"),
        400,
        "from 0 to 1",
    ),
    "format": (request(format="gif"), 400, "jpeg or png"),
    "no bucket": (request(path="/uploads"), 404, "No bucket"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_gets_its_status_and_one_sentence(what, monkeypatch):
    monkeypatch.delenv("BUCKET", raising=False)
    monkeypatch.setattr(Colorizer, "colorize", lambda *_: pytest.fail("it came too far"))
    event, status, words = BAD[what]
    found = said(event)
    assert found[0] == status and words in found[1]


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(photos, "open_photo", lambda _: pytest.fail("decoded"))
    assert said(request(png(6000, 5000, zlib.compress(bytes(30_006_000)))))[0] == 413


def test_a_wrong_method_says_which_is_right():
    response = handler.handler(request(method="PUT"), None)
    assert response["headers"]["allow"] == "POST"


def test_a_result_that_does_not_fit_names_the_ways_out(monkeypatch):
    monkeypatch.setattr(handler, "MOST_BODY", len(JPEG) + 100)
    status, sentence = said(request(format="png"))
    assert status == 413 and "format=jpeg" in sentence


def test_an_error_of_ours_tells_nothing_of_the_picture(monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("secret.jpg")

    monkeypatch.setattr(Colorizer, "colorize", fail)
    status, sentence = said(request())
    assert status == 500 and "secret" not in sentence + capsys.readouterr().out


def test_the_log_is_json_without_the_picture(capsys):
    handler.handler(request(), type("Context", (), {"aws_request_id": "abc"}))
    [line] = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert entry["request"] == "abc" and entry["status"] == 200 and entry["model"] == MODEL
    image = Image.open(io.BytesIO(JPEG))
    assert (entry["width"], entry["height"], entry["bytes_in"]) == (*image.size, len(JPEG))
    assert len(line) < 400


# Uploads.


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of moto's server, which is reached over HTTP like the real one."""
    pytest.importorskip("moto")
    import boto3
    import requests
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "BUCKET": "pictures",
    }.items():
        monkeypatch.setenv(name, value)
    requests.post(f"http://{host}:{port}/moto-api/reset")  # servers of one process share a state
    storage.client.cache_clear()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="pictures")
    yield s3
    server.stop()
    storage.client.cache_clear()


def notice(key, name="ObjectCreated:Post", bucket="pictures"):
    record = {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}
    return {"Records": [record]}


def keys(s3):
    return {item["Key"] for item in s3.list_objects_v2(Bucket="pictures").get("Contents", [])}


def test_an_upload_by_the_form_is_colored_once(bucket):
    import requests

    response = handler.handler(request(b"", "/uploads", format="jpeg"), None)
    assert response["statusCode"] == 201
    form = json.loads(response["body"])
    sent = requests.post(form["url"], data=form["fields"], files={"file": ("my name.jpg", JPEG)})
    assert sent.ok
    [key] = keys(bucket)
    assert key.startswith("uploads/") and "my name" not in key
    assert requests.get(form["result"]).status_code == 404
    assert [row["done"] for row in handler.handler(notice(key), None)] == ["done"]
    result = requests.get(form["result"])
    assert result.headers["content-type"] == "image/jpeg"
    again = handler.handler(request(), None)
    assert result.content == base64.b64decode(again["body"])
    assert [row["done"] for row in handler.handler(notice(key), None)] == ["there"]
    other = (ALBUM / "rocket.jpg").read_bytes()  # the same form, used once more
    requests.post(form["url"], data=form["fields"], files={"file": ("x", other)})
    assert [row["done"] for row in handler.handler(notice(key), None)] == ["done"]
    assert requests.get(form["result"]).content != result.content


def test_a_form_limits_size_time_and_place():
    pytest.importorskip("boto3")
    policy = None
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "BUCKET"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        storage.client.cache_clear()
        form = storage.form(handler.wished({}))
        policy = json.loads(base64.b64decode(form["fields"]["policy"]))
        storage.client.cache_clear()
    assert ["content-length-range", 1, storage.MOST_UPLOAD] in policy["conditions"]
    assert {"key": form["fields"]["key"]} in policy["conditions"]
    assert {"x-amz-meta-model": MODEL} in policy["conditions"]


def test_what_is_no_upload_is_left_alone(bucket):
    bucket.put_object(Bucket="pictures", Key="results/x.png", Body=JPEG)
    for event, done in (
        (notice("results/x.png"), "passed over"),  # or the function would call itself for ever
        (notice("uploads/"), "passed over"),
        (notice("uploads/x", "ObjectRemoved:Delete"), "passed over"),
        (notice("uploads/x", bucket="others"), "passed over"),
        (notice("uploads/never+there"), "gone"),
    ):
        assert [row["done"] for row in handler.handler(event, None)] == [done]
    assert handler.handler({"Event": "s3:TestEvent"}, None) == []
    assert keys(bucket) == {"results/x.png"}


def test_an_upload_that_cannot_be_colored_is_told_so(bucket, capsys):
    bucket.put_object(Bucket="pictures", Key="uploads/a b/ü", Body=b"<svg/>")
    [row] = handler.handler(notice("uploads/a+b/%C3%BC"), None)
    assert (row["done"], row["status"]) == ("refused", 415)
    assert keys(bucket) == {"uploads/a b/ü", "results/a b/ü.json"}
    answer = bucket.get_object(Bucket="pictures", Key="results/a b/ü.json")["Body"].read()
    assert "neither" in json.loads(answer)["error"]
    assert "a b" not in capsys.readouterr().out


# The package.


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """(zip, unpacked from it) of the package with the course's best colorizer."""
    folder = tmp_path_factory.mktemp("package")
    packed = builder.build(MODEL, folder)
    zipfile.ZipFile(packed).extractall(folder / "task")
    return packed, folder / "task"


def test_the_package_is_small_and_holds_what_it_needs(package):
    packed, folder = package
    with zipfile.ZipFile(packed) as file:
        entries = file.infolist()
    assert packed.stat().st_size < 50e6 and sum(e.file_size for e in entries) < 160e6
    names = {entry.filename for entry in entries}
    modules = {name for name in names if name.endswith(".py")}
    assert len(modules) == sum(name.endswith(".pyc") for name in names)
    assert f"course_utils/checkpoints/{MODEL}.onnx" in names
    assert not [n for n in names if "/tests/" in n or "album/" in n or n.endswith((".h", ".pyi"))]
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}  # readable by any user
    assert {entry.date_time[0] for entry in entries} == {1980}
    for name in ("numpy", "pillow"):  # what is handed on goes with its licence
        assert [n for n in names if n.startswith(name) and ".dist-info/" in n], name
    assert {"onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt", "LICENSE"} <= names


def test_the_package_runs_alone_and_gives_the_same_pixels(package, tmp_path):
    _, folder = package
    (tmp_path / "event.json").write_text(json.dumps(request(format="png")))
    code = f"""if True:
        import json, sys
        sys.path.insert(0, {str(folder)!r})
        from deploy.serverless.handler import handler
        response = handler(json.load(open({str(tmp_path / "event.json")!r})), None)
        where = [getattr(m, "__file__", None) or "" for m in sys.modules.values()]
        print(json.dumps([response, [f for f in where if "site-packages" in f]]))
    """
    run = subprocess.run([sys.executable, "-S", "-P", "-I", "-c", code], capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    response, strangers = json.loads(run.stdout.splitlines()[-1])
    assert strangers == []
    wanted = Colorizer.load(MODEL).colorize(photos.open_photo(JPEG))
    assert np.array_equal(np.asarray(picture(response)), wanted)


@pytest.mark.stress
def test_the_same_input_gives_the_same_package(package, tmp_path):
    packed, _ = package
    assert builder.build(MODEL, tmp_path).read_bytes() == packed.read_bytes()


def test_a_package_that_is_too_large_is_not_made(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(builder, "contents", lambda: {"x.bin": ALBUM / "coffee.jpg"})
    monkeypatch.setattr(builder, "MOST_ZIP", 1000)
    with pytest.raises(SystemExit):
        builder.main([MODEL, "-o", str(tmp_path)])
    assert "are allowed" in capsys.readouterr().err and not list(tmp_path.glob("*.zip"))
    monkeypatch.setattr(builder, "MOST_UNZIPPED", 1000)
    with pytest.raises(builder.TooLarge, match="unpacked"):
        builder.build(MODEL, tmp_path)
    with pytest.raises(FileNotFoundError, match="no colorizer"):
        builder.build("mine", tmp_path)


# The runtime.


@pytest.fixture(scope="module")
def function(package, tmp_path_factory):
    pytest.importorskip("awslambdaric", reason="needs awslambdaric")
    runtime = loopback.runtime(tmp_path_factory.mktemp("runtime"))
    with loopback.Function([package[1], runtime]) as function:
        yield function


def test_cold_warm_and_refused(function):
    for _ in range(2):
        kind, response = function.invoke(request(format="png"), 120)
        assert kind == "response" and picture(response).format == "PNG"
    assert function.invoke(request(b"<svg/>"), 60)[1]["statusCode"] == 415
    time.sleep(0.2)
    entries = [json.loads(line) for line in function.log if line.startswith("{")]
    assert [entry["cold"] for entry in entries] == [True, False, False]


def test_an_event_that_nobody_knows_is_an_error_and_the_function_lives(function):
    kind, told = function.invoke({"Records": [{}]}, 60)
    assert kind == "error" and told["errorType"] == "KeyError"
    assert function.invoke(request(b"", "/", "GET"), 60)[1]["statusCode"] == 200


def test_a_killed_function_starts_again(function):
    function.invoke(request(b"", "/", "GET"), 60)
    victim = function.process.pid
    threading.Timer(0.1, os.kill, (victim, signal.SIGKILL)).start()
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4000, 5000, 3), np.uint8)).save(buffer, "JPEG")  # seconds of work
    assert function.invoke(request(buffer.getvalue()), 60) == ("exit", -signal.SIGKILL)
    assert function.invoke(request(), 120)[1]["statusCode"] == 200
    assert function.process.pid != victim
    assert function.invoke(request(buffer.getvalue()), 0.2) == ("timeout", None)
    assert function.invoke(request(), 120)[1]["statusCode"] == 200


# What deploys it.


def test_the_image_copies_what_exists_and_calls_the_handler():
    file = builder.ROOT / "deploy" / "serverless" / "Dockerfile"
    text = file.read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0][0] == "FROM" and lines[0][1].startswith("public.ecr.aws/lambda/python:3.1")
    for words in lines:
        if words[0] == "COPY":
            for source in words[1:-1]:
                assert source.startswith("--") or (builder.ROOT / source).exists(), source
    [command] = [words[1:] for words in lines if words[0] == "CMD"]
    assert json.loads(" ".join(command)) == [loopback.HANDLER]
    module, _, name = loopback.HANDLER.rpartition(".")
    tree = ast.parse((builder.ROOT / (module.replace(".", "/") + ".py")).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_template_names_what_the_function_reads():
    yaml = pytest.importorskip("yaml")

    class Loader(yaml.SafeLoader):
        """CloudFormation's short forms, !Ref and the like, as their values."""

    def value(loader, _, node):
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        return loader.construct_sequence(node)

    Loader.add_multi_constructor("!", value)
    file = builder.ROOT / "deploy" / "serverless" / "template.yaml"
    found = yaml.load(file.read_text(), Loader)["Resources"]
    about = found["Colorizer"]["Properties"]
    assert about["Handler"] == loopback.HANDLER and about["Architectures"] == ["x86_64"]
    assert "BUCKET" in about["Environment"]["Variables"]
    routes = {
        (e["Properties"]["Path"], e["Properties"]["Method"]) for e in about["Events"].values()
    }
    assert routes == {("/", "GET"), ("/colorize", "POST"), ("/uploads", "POST")}
    rules = found["Pictures"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rules[0]["ExpirationInDays"] == 1 and rules[0]["Status"] == "Enabled"


# What is stored.


def test_the_stored_sizes_say_what_fits_and_what_does_not():
    result = course.result("09/serverless")
    unpacked = result["limits"]["unpacked MB"]
    assert result["package"]["zip MB"] < 50 and result["package"]["unpacked MB"] < 160
    assert result["as installed"]["tensorflow"]["MB"] > unpacked
    assert result["as installed"]["onnxruntime"]["MB"] < unpacked
    parts = sum(result["parts"].values())
    assert parts == pytest.approx(result["package"]["unpacked MB"], rel=1e-6)
    assert len(result["cold ms"]) == result["n"]
    assert set(result["rows"]) == set(result["size"])
