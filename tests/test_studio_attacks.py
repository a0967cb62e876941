"""deploy/studio under attack: every address, hostile files, raw requests, and what logs keep.

`tests/test_studio.py` holds what the studio promises case by case; here the addresses come from the
application itself, so that a new page is attacked as soon as it exists.
"""

import io
import logging
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra `studio`")

import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from test_studio import PASSWORD, opened, packed, picture, register, studio_of, upload, work

from deploy.studio import __main__, accounts, library, pages
from deploy.studio.app import create_app
from deploy.studio.guard import HEADERS
from deploy.studio.settings import SEPARATE, Settings
from deploy.studio.tables import Job, Login, Photo, User

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = {
    "/", "/about", "/register", "/login", "/healthz", "/sw.js", "/icon-192.png",
    "/example-before.jpg",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)  # the studio sets these two
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    return replace(Settings.read({"STUDIO_DATA": str(tmp_path / "data")}), workers=SEPARATE)


@pytest.fixture
def client(settings):
    with opened(settings, "Anna") as client:
        yield client


def addresses(app, **ids):
    """(method, address) of all that an application answers, with ids filled in."""

    def walk(routes):
        for route in routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from walk(inner.routes)
            elif getattr(route, "methods", None):
                yield from ((method, route.path) for method in route.methods - {"HEAD"})

    fixed = {"size": ["192"], "kind": ["before"]}
    for method, path in sorted(walk(app.routes)):
        names = re.findall(r"{(\w+)", path)
        kinds = ["view", "thumb", "result"] if "job_id" in names and "kind" in names else [None]
        for kind in kinds:
            filled = path
            for name in names:
                value = kind if name == "kind" and kind else ids.get(name) or fixed[name][0]
                filled = re.sub(rf"{{{name}[^}}]*}}", value, filled)
            yield method, filled


def belongings(studio):
    """All rows and all files of a studio, to see whether anything changed."""
    with studio.db.reading() as session:
        rows = [
            sorted(tuple(row) for row in session.execute(select(*table.__table__.columns)))
            for table in (User, Photo, Job)
        ]
    with_content = {key: studio.storage.open(key).read() for key, _ in studio.storage.files()}
    return rows, with_content


# --- Other people, and other sites


def test_every_address_hides_what_belongs_to_somebody_else(client):
    source = picture(size=(90, 60))
    photo = upload(client, ("Oma in Omsk.jpg", source)).headers["location"].rpartition("/")[2]
    work(client)
    studio = studio_of(client)
    with studio.db.reading() as session:
        job = session.scalars(select(Job.id)).one()
    register(client, "Mallory")
    before = belongings(studio)
    secrets = [b"Oma in Omsk", job.encode(), *before[1].values()]
    tried = list(addresses(client.app, photo_id=photo, job_id=job))
    assert len(tried) >= 25 and ("GET", f"/colorings/{job}/result") in tried
    ids = {"id": photo, "photo_id": photo, "job_id": job, "show": job, "password": "x" * 12}
    for method, address in sorted(tried, key=lambda line: line[1] == "/logout"):
        kind = {"params": ids} if method == "GET" else {"data": ids}
        answer = client.request(method, address, **kind)
        assert answer.status_code < 500, address
        content = answer.content.replace(photo.encode(), b"")  # an address may repeat itself
        for secret in secrets:
            assert secret not in content, (method, address)
        assert not content.startswith(b"\xff\xd8") or address in PUBLIC
    after = belongings(studio)
    assert [row for row in after[0][0] if row[1] == "anna"] == [
        row for row in before[0][0] if row[1] == "anna"
    ]
    assert after[0][1:] == before[0][1:] and after[1] == before[1]


def test_strangers_reach_nothing_but_the_pages_for_strangers(client):
    photo = upload(client, picture()).headers["location"].rpartition("/")[2]
    before = belongings(studio_of(client))
    client.cookies.clear()
    reached = set()
    for method, address in addresses(client.app, photo_id=photo, job_id="0" * 32):
        form = {} if method == "GET" else {"data": {"password": "x", "id": photo}}
        answer = client.request(method, address, **form)
        if method == "GET" and answer.status_code == 200:
            reached.add(address)
        elif method == "POST":
            assert answer.status_code in (303, 422, 401, 413), address
            assert "set-cookie" not in answer.headers
    assert reached == PUBLIC
    assert belongings(studio_of(client)) == before


def test_no_form_is_taken_from_another_site(client):
    photo = upload(client, picture()).headers["location"].rpartition("/")[2]
    work(client)
    with studio_of(client).db.reading() as session:
        job = session.scalars(select(Job.id)).one()
    before = belongings(studio_of(client))
    forms = [a for m, a in addresses(client.app, photo_id=photo, job_id=job) if m != "GET"]
    assert len(forms) >= 9
    for address in forms:
        data = {"name": "Eve", "password": PASSWORD, "old": PASSWORD, "new": PASSWORD, "id": photo}
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = client.post(address, data=data, headers=headers)
            assert answer.status_code == 403 and "another web site" in answer.text, address
            assert "set-cookie" not in answer.headers
    assert belongings(studio_of(client)) == before
    assert client.get("/account").status_code == 200, "somebody was logged out from outside"


def test_no_address_changes_anything_by_get(client):
    """A picture or a link in an e-mail may make a browser fetch any of them."""
    photo = upload(client, picture()).headers["location"].rpartition("/")[2]
    work(client)
    with studio_of(client).db.reading() as session:
        job = session.scalars(select(Job.id)).one()
    before = belongings(studio_of(client))
    for _, address in addresses(client.app, photo_id=photo, job_id=job):
        client.get(address, params={"id": photo, "password": PASSWORD, "name": "Eve"})
        client.request("HEAD", address)
    assert belongings(studio_of(client)) == before
    with studio_of(client).db.reading() as session:
        assert len(session.scalars(select(Login)).all()) == 1


# --- What an error tells


def test_a_page_that_fails_has_the_headers_and_says_nothing_about_the_inside(settings, monkeypatch):
    def broken(*_):
        raise RuntimeError("inside /srv/studio/secret.py")

    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        register_as(client, "Anna")
        monkeypatch.setattr(library, "photos", broken)
        answer = client.get("/photos")
    assert answer.status_code == 500
    assert "Nothing that you uploaded before is lost" in answer.text
    assert "secret.py" not in answer.text and "RuntimeError" not in answer.text
    for name in HEADERS:
        assert name in answer.headers, name
    assert answer.headers["cache-control"] == "no-store"


def register_as(client, name):
    client.post("/register", data={"name": name, "password": PASSWORD}, follow_redirects=False)


def test_an_error_of_the_database_names_no_person_and_no_hash(client):
    with studio_of(client).db.writing() as session:
        session.execute(text("DROP TABLE guesses"))
        session.execute(text("ALTER TABLE users RENAME COLUMN created TO made"))
    with pytest.raises(SQLAlchemyError) as error:
        client.post("/register", data={"name": "Private Person", "password": PASSWORD})
    told = str(error.value).casefold()
    assert "$argon2" not in told and "private person" not in told and PASSWORD not in told


# --- Hostile files


def kept_within_folders(studio):
    keys = [key for key, _ in studio.storage.files()]
    assert all(re.fullmatch(r"[0-9a-f]{32}/[0-9a-f\w.-]+", key) for key in keys), keys
    return keys


ACTIVE = {
    "picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "picture.jpg": b"<!DOCTYPE html><script>alert(1)</script>",
    "page.html": b"\xef\xbb\xbf \n<HTML><script>alert(1)</script>",
    "entity.svg": b"<?xml version='1.0'?><!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
    "ghost.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
    "form.pdf": b"%PDF-1.7\n1 0 obj << /OpenAction << /S /JavaScript >> >>",
    "script.gif": b"GIF89a/*" + bytes(20) + b"*/=alert(1);",
    "macro.wmf": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "run.exe": b"MZ" + bytes(100),
    "list.m3u8": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
}


@pytest.mark.parametrize("name", ACTIVE)
def test_what_a_browser_could_run_is_not_kept_or_never_shown(name, client):
    answer = upload(client, (name, ACTIVE[name]))
    if answer.status_code == 422:
        assert kept_within_folders(studio_of(client)) == []
        assert "alert(1)" not in answer.text
    else:  # it passes as a picture: then nobody can open it as anything else
        harmless(client, answer.headers["location"])


def harmless(client, address):
    """What was uploaded comes back as a download of a picture and as nothing else."""
    answer = client.get(f"{address}/original")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] in ("image/jpeg", "image/png", "application/octet-stream")
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer


def test_a_picture_that_is_a_page_and_an_archive_too_stays_a_picture(client):
    script = b"<html><script>alert(1)</script></html>"
    exif = Image.Exif()
    exif[0x010E] = script.decode()
    polyglot = picture(exif=exif) + script + packed(**{"evil.jpg": picture(seed=9)})
    address = upload(client, ("both.html", polyglot)).headers["location"]
    work(client)
    assert harmless(client, address).headers["content-type"] == "image/jpeg"
    page = client.get(address).text
    assert "<script>alert" not in page and "both.html" in page
    with studio_of(client).db.reading() as session:
        photos, job = session.scalars(select(Photo)).all(), session.scalars(select(Job)).one()
    assert len(photos) == 1, "the archive behind the picture was unpacked"
    view = client.get(f"/colorings/{job.id}/view")
    assert view.headers["content-type"] == "image/jpeg" and b"<script>" not in view.content


NAMES = [
    "...jpg", "..", "....", ".. .jpg", "/etc/passwd.jpg", "C:\\x.jpg", "../../up.jpg", "CON.jpg",
    "a\0b.jpg", "~/.ssh/id.jpg", "a:b.jpg", "trailing..jpg", " .jpg", ".jpg",
]  # fmt: skip


def test_a_download_of_all_unpacks_within_its_own_folder(client):
    for name in NAMES:
        upload(client, (name, picture()))
    work(client)
    kept_within_folders(studio_of(client))
    archive = zipfile.ZipFile(io.BytesIO(client.get("/photos.zip").content))
    entries = archive.namelist()
    assert len(entries) == len(set(entries)) >= 2 * (len(NAMES) - 2)
    for entry in entries:
        parts = entry.split("/")
        assert len(parts) == 2 and "\\" not in entry and "\0" not in entry, entry
        for part in parts:
            assert part.strip(". "), f"{entry!r} leaves its folder"


def test_names_in_an_archive_lead_nowhere_else(client, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("../../evil.jpg", "/etc/evil.jpg", "a\\..\\..\\evil.jpg", "x" * 5000 + ".jpg"):
            archive.writestr(name, picture())
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    upload(client, ("many.zip", buffer.getvalue()))
    keys = kept_within_folders(studio_of(client))
    assert len(keys) == 4
    for key in keys:
        assert studio_of(client).storage.open(key).read() == picture()


def a_png(width, height, *chunks):
    """The head of a PNG of that size, more chunks, and no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


def bombs():
    yield "pixels.png", a_png(60000, 60000)
    yield "thread.png", a_png(2**31 - 1, 1)
    yield "text.png", a_png(9, 9, (b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))))
    yield "profile.png", a_png(9, 9, (b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8))))
    wide = struct.pack("<HH", 65535, 65535)
    yield "pixels.gif", b"GIF89a" + wide + b"\0\0\0," + bytes(4) + wide + b"\0\2\2D\1\0;"
    jpeg = bytearray(picture())
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    yield "pixels.jpg", bytes(jpeg)
    tiff = bytearray(picture("TIFF"))
    at = struct.unpack_from("<I", tiff, 4)[0]
    for k in range(struct.unpack_from("<H", tiff, at)[0]):
        if struct.unpack_from("<H", tiff, at + 2 + 12 * k)[0] in (256, 257):
            struct.pack_into("<HII", tiff, at + 4 + 12 * k, 4, 1, 10**6)
    yield "pixels.tif", bytes(tiff)


@pytest.mark.parametrize(
    "name, bomb", list(bombs()), ids=lambda value: value if str(value) == value else ""
)
def test_a_small_file_cannot_ask_for_much_memory(name, bomb, client):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    answer = upload(client, (name, bomb))
    work(client)  # one that was accepted fails here with a sentence
    assert time.process_time() - begun < 5
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{grown / 1000:.0f} MB more"
    if answer.status_code != 422:
        with studio_of(client).db.reading() as session:
            job = session.scalars(select(Job)).one()
        assert job.status in ("done", "failed") and "Traceback" not in (job.error or "")


def overlapping(count, size):
    """A zip file whose entries are all the same packed bytes: small, and huge unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", picture() + bytes(size))
        first = archive.infolist()[0]
        for k in range(count):
            copy = zipfile.ZipInfo(f"{k}.jpg")
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(copy, field, getattr(first, field))
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
        archive._didModify = True  # pyright: ignore[reportAttributeAccessIssue]
    return buffer.getvalue()


def test_zip_bombs_do_not_fill_the_disk(settings):
    most = 2 * 10**5
    with opened(replace(settings, most_upload=most, most_picture=10**5), "Anna") as client:
        deep = packed(**{"a.zip": packed(**{"b.zip": packed(**{"c.jpg": picture()})})})
        ratio = packed(**{f"{k}.jpg": picture() + bytes(99_000) for k in range(200)})
        many = packed(**{f"{k}.jpg": b"" for k in range(600)})
        for bomb in (deep, ratio, many, overlapping(100, 80_000)):
            assert upload(client, ("bomb.zip", bomb)).status_code in (200, 413, 422)
            held = sum(
                studio_of(client).storage.size(key)
                for key in kept_within_folders(studio_of(client))
            )
            assert held <= 2 * most, f"{held / 1e6:.1f} MB kept of {len(bomb) / 1e6:.2f}"
        assert list((settings.data / "tmp").iterdir()) == []


# --- Raw requests, over a socket


@pytest.fixture
def raw(settings, monkeypatch):
    """Sends bytes to a server as `serve` starts it; returns what it answers until it closes."""
    servers, begin = [], uvicorn.Server.__init__

    def remember(self, config):
        servers.append(self)
        begin(self, config)

    monkeypatch.setattr(uvicorn.Server, "__init__", remember)
    arguments = (replace(settings, most_upload=10**5), "127.0.0.1", 0)
    thread = threading.Thread(target=__main__._serve, args=arguments, daemon=True)
    thread.start()
    while not (servers and servers[0].started):
        time.sleep(0.01)
    [server] = servers
    port = server.servers[0].sockets[0].getsockname()[1]

    def send(*parts, wait=30.0):
        with socket.create_connection(("127.0.0.1", port), wait) as connection:
            answer = b""
            try:
                for part in parts:
                    connection.sendall(part)
                while data := connection.recv(2**16):
                    answer += data
            except OSError:
                pass
        return answer.decode("latin-1")

    yield send
    server.should_exit = True
    thread.join(10)


def get(path, *headers, host="localhost"):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def post(path, body=b"", *headers, length=None):
    kind = "Content-Type: application/x-www-form-urlencoded"
    size = f"Content-Length: {len(body) if length is None else length}"
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", kind, size, *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/..%5capp.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/studio.css%00.py",
        "/photos/..%2f..%2fstudio.sqlite/original",
        "/colorings/../../studio.sqlite/result",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leads_out_of_its_folder(path, raw):
    answer = raw(get(path))
    assert re.match(r"HTTP/1\.1 (404|303|400|405) ", answer), answer[:200]
    assert "root:" not in answer and "import " not in answer and "SQLite format" not in answer
    target = re.search(r"(?im)^location: (.*)\r$", answer)
    assert target is None or target[1].startswith("/login"), target


def test_headers_cannot_be_injected_nor_the_host_be_repeated(raw):
    for path in ("/photos/%0d%0aX-Evil:%201", "/photos/%0aSet-Cookie:%20studio=evil",
                 "/photos/a%0d%0a%0d%0a<script>alert(1)</script>", "/login?next=/a%0d%0aX-Evil:1",
                 "//evil.example/..", "/photos/x?next=//evil.example"):  # fmt: skip
        answer = raw(get(path, host="evil.example"))
        head, _, body = answer.partition("\r\n\r\n")
        assert not re.search(r"(?im)^(x-evil|set-cookie)", head), head
        assert "<script>alert" not in body
        target = re.search(r"(?im)^location: (.*)\r?$", head)
        assert target is None or re.match(
            r"/login(\?next=/[^/]|\?next=//evil.example/..$|$)", target[1]
        )
        assert "evil.example" not in body
    for host in (
        "evil.example",
        "evil.example:99999",
        '"><script>alert(1)</script>',
        "a@b",
        "[::1",
    ):
        answer = raw(get("/login", "X-Forwarded-Host: evil.example", host=host))
        assert "evil" not in answer.partition("\r\n\r\n")[2] and "alert" not in answer


@pytest.mark.parametrize("length", ["-1", "abc", "1e9", "0x10", "9" * 40, "+5", "²"])
def test_a_length_that_lies_is_refused_and_the_server_goes_on(length, raw):
    answer = raw(post("/login", b"name=a&password=b", length=length), wait=2)
    assert re.match(r"HTTP/1\.1 (400|413) ", answer) or answer == "", answer[:200]
    assert raw(get("/healthz")).startswith("HTTP/1.1 200")


def test_a_body_without_end_is_cut_off_early(raw):
    head = post("/login", b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    piece = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
    begun = time.monotonic()
    answer = raw(head, *[piece] * 400)
    assert re.match(r"HTTP/1\.1 (413|400) ", answer) or answer == "", answer[:200]
    assert time.monotonic() - begun < 20
    assert raw(get("/healthz")).startswith("HTTP/1.1 200")


def test_two_lengths_do_not_smuggle_a_request(raw):
    """A proxy that believes one length and a server that believes the other would mix people up."""
    inner = get("/healthz")
    both = post("/login", b"0\r\n\r\n" + inner, "Transfer-Encoding: chunked")
    answer = raw(both.replace(b"Connection: close\r\n", b"", 1), wait=2)
    assert "200 OK" not in answer, "the body was answered as a request of its own"


def test_a_stranger_cannot_choose_the_address_that_guesses_count_for(raw, monkeypatch):
    monkeypatch.setattr(accounts, "PER_ADDRESS", 5)

    def guess(k):
        form = f"name=name{k}&password=wrong+password".encode()
        return raw(post("/login", form, f"X-Forwarded-For: 192.0.2.{k}", f"X-Real-IP: 192.0.2.{k}"))

    with ThreadPoolExecutor(10) as pool:
        answers = [answer[9:12] for answer in pool.map(guess, range(10))]
    assert answers.count("401") == 5 and answers.count("429") == 5, answers


def test_what_arrives_over_the_network_is_logged_without_secrets(raw, caplog):
    caplog.set_level(logging.DEBUG)
    raw(
        post(
            "/login?token=query-secret",
            b"name=anna&password=body-secret-1",
            "Cookie: studio=cookie-secret",
        )
    )
    raw(post("/register", b"name=Berta&password=body-secret-22"))
    raw(get("/photos?q=query-secret", "Authorization: Basic header-secret"))
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert '"path": "/register"' in logged
    assert "secret" not in logged


# --- The code itself

# What bandit's rules say about code that is as it should be.
ACCEPTED = {
    "B101": "assert tells type checkers what is known; no check of input is an assert",
    "B104": "the studio compares with 0.0.0.0 and listens on 127.0.0.1 unless it is told otherwise",
    "B110": "readers of pictures raise nearly anything; the next line says what happens then",
    "B404": "importing subprocess runs nothing",
    "B603": "no command is made of what people send, and none goes through a shell",
}


def test_bandit_finds_nothing_else():
    pytest.importorskip("bandit")
    command = [sys.executable, "-m", "bandit", "-q", "-r", "deploy", "-s", ",".join(ACCEPTED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_templates_escape_and_none_marks_text_as_safe():
    assert pages._templates.env.autoescape
    for path in (ROOT / "deploy/studio/templates").iterdir():
        source = path.read_text("utf-8")
        assert "|safe" not in source.replace(" ", "") and "autoescape" not in source, path.name
        assert not re.search(r"\son\w+=|javascript:|style=", source), f"{path.name}: inline code"
