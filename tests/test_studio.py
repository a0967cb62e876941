"""deploy/studio: from upload to deletion, and what it promises to the people who use it."""

import io
import logging
import re
import tempfile
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

pytest.importorskip("fastapi", reason="needs the extra `studio`")

import yaml
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi.testclient import TestClient
from sqlalchemy import func, select

import deploy.studio as studio_package
from course_utils import colorizer, files
from deploy.studio import accounts, backup, housekeeping, jobs, library, pages, tables
from deploy.studio.app import create_app
from deploy.studio.jobs import Wish
from deploy.studio.settings import SEPARATE, Settings
from deploy.studio.studio import Studio
from deploy.studio.tables import Guess, Job, Login, Photo, User
from deploy.studio.worker import Worker

PASSWORD = "three plain words"
HERE = Path(studio_package.__file__).parent


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)  # the studio sets these two
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    return replace(Settings.read({"STUDIO_DATA": str(tmp_path / "data")}), workers=SEPARATE)


@contextmanager
def opened(settings, name=None):
    """A browser of a studio; with a name, logged in as that new person."""
    with TestClient(create_app(settings), follow_redirects=False) as client:
        if name:
            register(client, name)
        yield client


@pytest.fixture
def client(settings):
    with opened(settings, "Anna") as client:
        yield client


def register(client, name):
    client.cookies.clear()
    answer = client.post("/register", data={"name": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return dict(client.cookies)


def picture(kind="JPEG", size=(40, 30), seed=0, **options):
    values = np.random.default_rng(seed).integers(0, 256, size[::-1], np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **options)
    return buffer.getvalue()


def packed(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def upload(client, *contents, **data):
    parts = [("pictures", content if isinstance(content, tuple) else ("a.jpg", content))
             for content in contents]  # fmt: skip
    return client.post("/photos", files=parts, data=data)


def studio_of(client) -> Studio:
    return client.app.state.studio


def work(client):
    """Do all jobs that wait, here and now."""
    worker = Worker(studio_of(client))
    while job := jobs.claim(worker.studio.db):
        worker.work(job)


def count(client, table):
    with studio_of(client).db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def kept(client):
    return sorted(key for key, _ in studio_of(client).storage.files())


def only(client, table):
    with studio_of(client).db.reading() as session:
        return session.scalars(select(table)).one()


# From upload to deletion.


def test_a_photograph_is_uploaded_colored_shown_downloaded_and_deleted(client, tmp_path):
    source = picture(size=(90, 60))
    models = ["04_pretrained_fusion", "05_quantized_classification"]
    answer = upload(client, ("old/Oma 1956.jpg", source), model=models, T="0.5", rebalance="1")
    address = answer.headers["location"]
    assert answer.status_code == 303 and re.fullmatch(r"/photos/[0-9a-f]{32}", address)
    assert "Waiting" in client.get(address).text
    work(client)
    page = client.get(address).text
    sums = files.checksums()
    assert "Oma 1956.jpg" in page and "Invented color is not history" in page
    assert "Colorized by Color from Gray, 04_pretrained_fusion" in page
    assert sums["04_pretrained_fusion.onnx"] in page
    other = re.findall(r"\?show=([0-9a-f]{32})", page)[1]
    shown = client.get(f"{address}?show={other}").text
    assert sums["05_quantized_classification.onnx"] in shown and "temperature 0.5" in shown

    for job in re.findall(r"/colorings/(\w+)/thumb", page):
        result = client.get(f"/colorings/{job}/result")
        (tmp_path / "result.jpg").write_bytes(result.content)
        with Image.open(tmp_path / "result.jpg") as image:
            assert image.size == (90, 60) and image.mode == "RGB"
        label, stamp = colorizer.label(tmp_path / "result.jpg")
        model = label.removeprefix(colorizer.LABEL)
        assert stamp == colorizer.Colorizer.load(model).fingerprint(source)
        for kind in ("view", "thumb"):
            small = client.get(f"/colorings/{job}/{kind}").content
            assert colorizer.label(_written(tmp_path, small))[0] == colorizer.LABEL + model
    assert client.get(f"{address}/original").content == source

    assert client.post(f"/colorings/{other}/favorite").status_code == 303
    assert f"/colorings/{other}/view" in client.get(address).text
    assert f"/colorings/{other}/thumb" in client.get("/photos").text
    assert client.post(f"{address}/delete").status_code == 303
    assert (count(client, Photo), count(client, Job), kept(client)) == (0, 0, [])
    assert client.get(address).status_code == 404


def _written(folder, content):
    path = folder / "written.jpg"
    path.write_bytes(content)
    return path


def test_a_zip_file_of_pictures_and_several_files_at_once(client):
    inside = packed(**{
        "album/one.jpg": picture(), "album/deep/two.png": picture("PNG", seed=1),
        "__MACOSX/._one.jpg": b"x", "more.zip": packed(**{"three.jpg": picture()}),
        "page.html": "<html>", "../../four.tif": picture("TIFF", seed=2),
    })  # fmt: skip
    answer = upload(client, ("a.zip", inside), ("five.webp", picture("WEBP")))
    assert answer.status_code == 200
    assert "4 photographs added" in answer.text and "page.html" in answer.text
    assert "three.jpg" not in answer.text and answer.text.count("<li>") == 1
    work(client)
    names = {e.name for e in _entries(client)}
    assert {"one/one.jpg", "two/two.png", "four/four.tif", "five/five.webp"} < names
    archive = zipfile.ZipFile(io.BytesIO(client.get("/photos.zip").content))
    assert archive.testzip() is None and set(archive.namelist()) == names
    assert archive.read("one/one.jpg") == picture()
    kinds = {name.rpartition(".")[2] for name in names if "colorized" in name}
    assert kinds == {"jpg", "png"}


def _entries(client):
    with studio_of(client).db.reading() as session:
        return library.entries(session, only(client, User), None)


def test_a_photograph_that_lies_on_its_side_is_turned(client, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    address = upload(client, picture(size=(60, 40), exif=exif)).headers["location"]
    work(client)
    assert (only(client, Photo).width, only(client, Photo).height) == (40, 60)
    result = client.get(f"/colorings/{only(client, Job).id}/result").content
    for content in (result, client.get(f"{address}/view").content):
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (40, 60) and image.getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_history_is_searched_by_name_model_and_date_and_has_pages(client):
    made = packed(**{f"aunt {i:02}.png": picture("PNG", seed=i) for i in range(30)})
    upload(client, ("a.zip", made))
    upload(client, ("50%_off.jpg", picture()), model="02_mse_regression")
    first, second = client.get("/photos").text, client.get("/photos?page=2").text
    tiles = [re.findall(r'id="tile-(\w+)"', page) for page in (first, second)]
    assert [len(page) for page in tiles] == [24, 7] and not set(tiles[0]) & set(tiles[1])
    assert "50%_off.jpg" in first, "the newest comes first"

    def found(**query):
        return len(re.findall('id="tile-', client.get("/photos", params=query).text))

    assert [found(q=q) for q in ("AUNT 0", "0%_", "%", "nobody")] == [10, 1, 1, 0]
    assert [found(model=m) for m in ("02_mse_regression", "06_pix2pix_gan")] == [1, 0]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert [found(since=today), found(since="2999-01-01"), found(until="1999-01-01")] == [24, 0, 0]
    assert client.get("/photos?since=yesterday").status_code == 422


def test_several_photographs_are_chosen_for_download_and_deletion(client):
    upload(client, *((f"{i}.jpg", picture(seed=i)) for i in range(3)))
    with studio_of(client).db.reading() as session:
        ids = {photo.name: photo.id for photo in session.scalars(select(Photo))}
    chosen = [ids["0.jpg"], ids["2.jpg"]]
    answer = client.get("/photos.zip", params={"id": chosen})
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert sorted(names) == ["0/0.jpg", "2/2.jpg"]
    client.post("/photos/delete", data={"id": chosen})
    assert only(client, Photo).name == "1.jpg" and len(kept(client)) == 1


def test_a_failed_coloring_says_why_and_can_be_tried_again(client):
    cut = picture(size=(200, 200))[:5000]
    address = upload(client, ("cut.jpg", cut)).headers["location"]
    work(client)
    page = client.get(address).text
    assert "damaged or cut short" in page and "cut.jpg" in page
    assert only(client, Job).status == tables.FAILED
    client.post(f"{address}/colorings", data={"model": "02_mse_regression"})
    assert count(client, Job) == 2
    many = {"model": colorizer.names()}
    told = [client.post(f"{address}/colorings", data=many).status_code for _ in range(10)]
    assert told == [303] * 9 + [422] and count(client, Job) == 47
    for data in ({"model": "none"}, {"T": "nan"}, {"rebalance": "2"}):
        assert client.post(f"{address}/colorings", data=data).status_code == 422


# What is refused.


REFUSED = [
    ("a.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing"),
    ("a.jpg", b"<!doctype html><script>alert(1)</script>", "web page"),
    ("a.png", b"", "empty"),
    ("a.jpg", b"hello", "text"),
    ("a.zip", b"PK\3\4" + b"x" * 100, "damaged zip"),
    ("a.zip", packed(), "holds no pictures"),
    ("a.zip", packed(**{"a.bmp": b"BM" + bytes(2_000_000)}), "a.bmp unpacks to too many bytes"),
    ("a.zip", packed(**{f"{i}.txt": "x" for i in range(501)}), "more than 500 files"),
    ("a.zip", b"PK\3\4PK\5\6" + bytes(8) + (2**28).to_bytes(4, "little") + bytes(6),
     "more than 500 files"),  # the length of a list that would fill the memory
    ("a.png", picture("PNG", (400, 300)), "more than 0.1 million pixels"),
    ("a.bmp", picture("BMP", (1400, 1400)), "more than 1 MB"),
]  # fmt: skip


def test_what_is_no_photograph_is_refused_in_one_sentence(settings):
    with opened(replace(settings, most_pixels=10**5, most_picture=10**6), "Anna") as client:
        for name, content, sentence in REFUSED:
            answer = upload(client, (name, content))
            assert answer.status_code == 422 and sentence in answer.text, sentence
        assert (count(client, Photo), kept(client)) == (0, [])


def test_too_large_a_body_is_refused_with_and_without_its_length(settings):
    with opened(replace(settings, most_upload=10**5), "Anna") as client:
        assert upload(client, b"x" * 10**5).status_code == 413
        form = {"content-type": "application/x-www-form-urlencoded"}
        body = iter([b"x" * 10**5])
        assert client.post("/login", content=body, headers=form).status_code == 413
        kind = {"content-type": "multipart/form-data; boundary=b"}
        begin = b'--b\r\ncontent-disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
        endless = iter([begin, *[b"x" * 10**4] * 20])
        answer = client.post("/photos", content=endless, headers=kind)
        assert answer.status_code == 413 and "0 MB" not in answer.text
        assert kept(client) == []


def test_a_full_account_is_told_so(settings):
    with opened(replace(settings, quota=len(picture())), "Anna") as client:
        assert upload(client, picture()).status_code == 303
        answer = upload(client, ("b.jpg", picture(seed=1)))
        assert answer.status_code == 422 and "are full" in answer.text
        assert len(kept(client)) == 1


# Who may see what.


def test_nobody_sees_or_changes_the_pictures_of_others(client):
    address = upload(client, picture()).headers["location"]
    work(client)
    mine, job, photo = dict(client.cookies), only(client, Job).id, address.rpartition("/")[2]
    gets = [address, f"{address}/view", f"{address}/original"]
    gets += [f"/colorings/{job}/{kind}" for kind in ("view", "thumb", "result")]
    posts = [f"{address}/delete", f"{address}/colorings"]
    posts += [f"/colorings/{job}/{what}" for what in ("delete", "favorite")]
    assert {client.get(url).status_code for url in gets} == {200}

    register(client, "Mallory")
    nothing = client.get(f"/photos/{'0' * 32}")
    assert nothing.status_code == 404
    for url in gets:
        assert client.get(url).status_code == 404, url
        etag = f'"{photo}/view.jpg"'
        assert client.get(url, headers={"if-none-match": etag}).status_code == 404
    assert {client.post(url).status_code for url in posts} == {404}
    assert client.get(f"/photos/states?id={photo}").json()["jobs"] == []
    client.post("/photos/delete", data={"id": photo})
    assert (
        zipfile.ZipFile(io.BytesIO(client.get(f"/photos.zip?id={photo}").content)).namelist() == []
    )

    client.cookies.clear()
    for url in [*gets, "/photos", "/photos.zip", "/account", "/photos/states?id=x"]:
        assert client.get(url).headers["location"].startswith("/login"), url
    for url in [*posts, "/photos", "/photos/delete", "/logout", "/account/forget"]:
        assert client.post(url, data={"password": "x", "id": photo}).status_code in (303, 413), url
    client.cookies.update(mine)
    assert {client.get(url).status_code for url in gets} == {200}


def test_the_login_is_a_new_cookie_each_time_and_ends_at_the_server(client):
    cookie = client.post("/login", data={"name": "anna ", "password": PASSWORD})
    header = cookie.headers["set-cookie"]
    assert "HttpOnly" in header and "SameSite=lax" in header and "Secure" not in header
    assert count(client, Login) == 1, "the old login of this browser has ended"
    token = client.cookies["studio"]
    with studio_of(client).db.reading() as session:
        assert token not in session.scalars(select(Login.token)).all()

    client.cookies.clear()  # session fixation: an unknown cookie stays unknown
    client.cookies.set("studio", "chosen-by-somebody-else", "testserver.local")
    client.post("/login", data={"name": "Anna", "password": PASSWORD})
    assert client.cookies["studio"] not in (token, "chosen-by-somebody-else")
    second = client.cookies["studio"]
    assert client.get("/account").status_code == 200
    assert client.post("/logout").status_code == 303
    client.cookies.clear()
    client.cookies["studio"] = second
    assert client.get("/account").status_code == 303
    client.cookies["studio"] = token
    assert client.get("/account").status_code == 200, "the other browser stays logged in"
    client.post("/logout", data={"everywhere": "true"})
    assert count(client, Login) == 0


def test_a_new_password_ends_all_other_logins(client):
    old = dict(client.cookies)
    new = {"old": PASSWORD, "new": "other plain words"}
    assert client.post("/account/password", data=new | {"old": "x"}).status_code == 422
    assert client.post("/account/password", data=new | {"new": "short"}).status_code == 422
    assert client.post("/account/password", data=new | {"new": "x" * 201}).status_code == 422
    assert client.post("/account/password", data=new).status_code == 303
    assert client.get("/account").status_code == 200
    client.cookies.clear()
    assert client.post("/login", data={"name": "Anna", "password": PASSWORD}).status_code == 401
    client.cookies.update(old)
    assert client.get("/account").status_code == 303


def test_guesses_are_counted_for_the_account_and_survive_a_restart(settings):
    with opened(settings, "Anna") as client:
        for _ in range(accounts.PER_ACCOUNT):
            wrong = client.post("/login", data={"name": "ANNA", "password": "wrong"})
            assert wrong.status_code == 401
        unknown = client.post("/login", data={"name": "nobody", "password": "wrong"})
        clean = re.compile(r'value="[^"]*"')
        assert clean.sub("", unknown.text) == clean.sub("", wrong.text), "a name is not given away"
    with opened(settings) as client:
        right = {"name": "anna", "password": PASSWORD}
        assert client.post("/login", data=right).status_code == 429
        with studio_of(client).db.writing() as session:
            for guess in session.scalars(select(Guess)):
                assert "anna" not in guess.target
                guess.at -= accounts.WINDOW
        assert client.post("/login", data=right).status_code == 303


def test_guesses_are_counted_for_the_address_and_at_once(settings, monkeypatch):
    monkeypatch.setattr(accounts, "PER_ADDRESS", 5)
    with opened(settings) as client:
        db, told = studio_of(client).db, []

        def guess(i):
            try:
                accounts.verified(db, f"name {i}", "wrong password", "192.0.2.1")
            except accounts.AccountError as error:
                told.append(type(error))

        threads = [threading.Thread(target=guess, args=(i,)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told.count(accounts.TooManyGuesses) == 7


def test_other_sites_cannot_send_forms(client):
    for name, value, status in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://testserver.evil.example", 403),
        ("origin", "http://testserver", 303),
        ("sec-fetch-site", "same-origin", 303),
    ]:
        assert client.post("/photos/delete", headers={name: value}).status_code == status, value
    client.post("/logout", headers={"sec-fetch-site": "cross-site"})
    assert count(client, Login) == 1


def test_a_login_goes_on_to_pages_of_this_site_only(client):
    right = {"name": "Anna", "password": PASSWORD}
    for target in [
        "//evil.example", "/\\evil.example", "https://evil.example", "/%5cevil", "javascript:evil",
        "/a\r\nx:evil", "/a?evil",
    ]:  # fmt: skip
        answer = client.post("/login", data=right | {"next": target})
        assert answer.headers["location"] == "/photos", target
        assert "evil" not in client.get("/login", params={"next": target}).text
    onward = client.post("/login", data=right | {"next": "/account"})
    assert onward.headers["location"] == "/account"


def test_every_answer_has_the_headers_and_none_repeats_the_host(client):
    for url in ("/", "/photos", "/nothing", "/photos/", "/static/studio.css", "/static/../app.py"):
        answer = client.get(url, headers={"host": "evil.example"})
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "evil" not in answer.text + str(answer.headers)
    assert client.get("/photos").headers["cache-control"] == "no-store"


def test_a_file_name_is_text_and_neither_path_nor_header_nor_markup(client):
    name = '..\\..\\x"\u202e<b>\n;a=b.jpg'
    address = upload(client, (name, picture())).headers["location"]
    assert only(client, Photo).name == "x%22<b>%0A;a=b.jpg"
    assert "<b>;" not in client.get(address).text
    answer = client.get(f"{address}/original")
    assert answer.headers["content-disposition"].startswith(
        "attachment; filename*=UTF-8''x%2522%3C"
    )
    assert set(answer.headers) & {"a", "b"} == set()
    assert re.fullmatch(r"[0-9a-f]{32}/original\.jpg", kept(client)[0])


def test_https_makes_the_cookie_safer(settings):
    with opened(replace(settings, url="https://studio.example")) as client:
        answer = client.post("/register", data={"name": "Anna", "password": PASSWORD})
        assert answer.headers["set-cookie"].startswith("__Host-studio=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]
        good, bad = ({"origin": f"https://{host}"} for host in ("studio.example", "testserver"))
        assert (
            client.post("/login", headers=bad, data={"name": "a", "password": "b"}).status_code
            == 403
        )
        assert (
            client.post("/login", headers=good, data={"name": "a", "password": "b"}).status_code
            == 401
        )


def test_passwords_are_not_logged(settings, caplog):
    caplog.set_level(logging.DEBUG)
    with opened(settings, "Anna") as client:
        client.post(
            "/login?password=in-the-query", data={"name": "Anna", "password": "wrong-secret"}
        )
        client.get("/photos?q=private-words")
        client.post("/account/password", data={"old": PASSWORD, "new": "other plain words"})
    text = "".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))
    for secret in (PASSWORD, "other plain words", "wrong-secret", "in-the-query", "private-words"):
        assert secret not in text
    assert '"path": "/login"' in text


def test_forget_me_leaves_nothing_in_tables_and_on_disk(client, monkeypatch):
    upload(client, picture())
    work(client)
    upload(client, picture(seed=1))
    db = studio_of(client).db
    running = jobs.claim(db)
    client.post("/login", data={"name": "Anna", "password": "wrong"})
    assert client.post("/account/forget", data={"password": "wrong"}).status_code == 422
    assert count(client, User) == 1

    colorize = Worker._colorize

    def forgotten_meanwhile(worker, job):
        fail = jobs.finish

        def finish(*arguments):
            answer = client.post("/account/forget", data={"password": PASSWORD})
            assert answer.status_code == 200 and "cookies" not in answer.headers["clear-site-data"]
            return fail(*arguments)

        monkeypatch.setattr(jobs, "finish", finish)
        colorize(worker, job)

    monkeypatch.setattr(Worker, "_colorize", forgotten_meanwhile)
    Worker(studio_of(client)).work(running)
    for table in (User, Login, Photo, Job):
        assert count(client, table) == 0, table
    assert kept(client) == []
    assert client.post("/login", data={"name": "Anna", "password": PASSWORD}).status_code == 401


# The queue.


def people(studio, **counts):
    """People with so many jobs each, oldest first in the order given."""
    now = time.time()
    with studio.db.writing() as session:
        for name, number in counts.items():
            user = User(name=name, password="")
            session.add(user)
            session.flush()
            for _ in range(number):
                now += 1
                photo = Photo(
                    user_id=user.id, name=name, suffix=".jpg", n_bytes=1, width=1, height=1
                )
                session.add(photo)
                session.flush()
                jobs.add(session, photo, [Wish("02_mse_regression")])
                session.flush()
                session.scalars(select(Job).where(Job.photo_id == photo.id)).one().created = now


@pytest.fixture
def studio(settings):
    studio = Studio.open(settings)
    yield studio
    studio.db.engine.dispose()


def test_nobody_waits_for_all_photographs_of_somebody_else(studio):
    people(studio, many=5, few=2, one=1)
    with studio.db.reading() as session:
        names = {user.id: user.name for user in session.scalars(select(User))}
        one = session.scalars(select(User).where(User.name == "one")).one()
        assert jobs.ahead(session, one) == 2
    order = [names[job.user_id] for job in iter(lambda: jobs.claim(studio.db), None)]
    assert order == "many few one many few many many many".split()


def test_each_job_is_given_to_one_worker(studio):
    people(studio, a=10, b=10)
    taken = []

    def worker():
        while job := jobs.claim(studio.db):
            taken.append(job.id)

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 20


def test_the_job_of_a_silent_worker_is_given_to_another_and_finished_once(studio):
    people(studio, a=1)
    silent = jobs.claim(studio.db)
    assert jobs.claim(studio.db) is None and jobs.rescue(studio.db, lease=60) == 0
    assert jobs.rescue(studio.db, lease=-1) == 1
    other = jobs.claim(studio.db)
    assert other.id == silent.id
    other.suffix = silent.suffix = ".jpg"
    assert not jobs.beat(studio.db, silent)
    assert not jobs.finish(studio.db, silent, 1, "")
    assert jobs.finish(studio.db, other, 2, "")
    assert not jobs.finish(studio.db, other, 3, "") and not jobs.fail(studio.db, other, "")
    with studio.db.reading() as session:
        assert session.scalars(select(Job)).one().n_bytes == 2


def test_a_job_that_takes_three_workers_down_has_failed(studio):
    people(studio, a=1)
    for _ in range(jobs.ATTEMPTS):
        assert jobs.claim(studio.db)
        jobs.rescue(studio.db, lease=-1)
    assert jobs.claim(studio.db) is None
    with studio.db.writing() as session:
        job = session.scalars(select(Job)).one()
        assert job.status == tables.FAILED and "three times" in job.error
        assert jobs.requeue(session) == 1
    assert jobs.claim(studio.db).attempts == 1


def test_the_server_works_by_itself_and_stops_in_peace(settings):
    with opened(replace(settings, workers="in-process"), "Anna") as client:
        address = upload(client, picture()).headers["location"]
        until = time.monotonic() + 30
        while "Waiting" in (page := client.get(address).text) or "<progress" in page:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert client.get("/healthz").json() == {"status": "ok"}
    assert not any(thread.name == "worker" for thread in threading.enumerate())


def test_housekeeping_removes_what_a_kill_left_and_nothing_else(client):
    upload(client, picture())
    work(client)
    storage, before = studio_of(client).storage, kept(client)
    photo, job = only(client, Photo), only(client, Job)
    lost = [
        f"{'0' * 32}/original.jpg",
        f"{photo.id}/{'1' * 32}-view.jpg",
        f"{photo.id}/x.jpg.1.part",
    ]
    for key in lost:
        storage.put(key, io.BytesIO(b"x"))
    assert housekeeping.clean(studio_of(client)) == (0, 0), "they are young"
    assert housekeeping.clean(studio_of(client), age=-1) == (0, 3)
    assert kept(client) == before and any(job.id in key for key in before)


# The person who runs it.


def test_a_backup_fills_an_empty_studio(client, settings, tmp_path):
    upload(client, picture(), model=["02_mse_regression", "04_pretrained_fusion"])
    work(client)
    upload(client, picture(seed=1))
    jobs.claim(studio_of(client).db)
    gone = upload(client, picture(seed=2)).headers["location"].rpartition("/")[2]
    studio_of(client).storage.delete(gone)  # as if its owner deleted it during the backup
    tar = tmp_path / "studio.tar"
    assert backup.save(studio_of(client), tar) == len(kept(client)) == 9
    assert tar.stat().st_mode & 0o077 == 0
    with pytest.raises(backup.BackupError, match="empty one"):
        backup.restore(studio_of(client), tar)
    content = tar.read_bytes()
    tar.write_bytes(content[: len(content) // 2])
    empty = replace(settings, data=tmp_path / "b", database=f"sqlite:///{tmp_path}/b/s.sqlite",
                    storage=str(tmp_path / "b/files"))  # fmt: skip
    with opened(empty) as other:
        with pytest.raises(backup.BackupError):
            backup.restore(studio_of(other), tar)
        assert count(other, User) == 0
        tar.write_bytes(content)
        assert backup.restore(studio_of(other), tar) == 9
        assert kept(other) == kept(client)
        login = other.post("/login", data={"name": "Anna", "password": PASSWORD})
        assert login.status_code == 303
        work(other)
        archive = zipfile.ZipFile(io.BytesIO(other.get("/photos.zip").content))
        assert len(archive.namelist()) == 5 and archive.testzip() is None


def test_the_command_line_lists_resets_deletes_and_requeues(client, settings, monkeypatch, capsys):
    from deploy.studio.__main__ import main

    monkeypatch.setenv("STUDIO_DATA", str(settings.data))
    upload(client, ("cut.jpg", picture(size=(200, 200))[:5000]))
    work(client)

    def run(*arguments):
        code = main(["admin", *arguments])
        out, err = capsys.readouterr()
        return code, out + err

    assert run("users")[1].startswith("anna\t") and "1 photographs" in run("users")[1]
    assert "cut.jpg is damaged" in run("jobs")[1]
    assert run("requeue") == (0, "1 jobs wait again.\n")
    code, text = run("reset", "Anna")
    new = text.splitlines()[0].rpartition(" ")[2]
    assert client.get("/account").status_code == 303, "all logins have ended"
    assert client.post("/login", data={"name": "Anna", "password": new}).status_code == 303
    assert run("reset", "nobody") == (
        1,
        "There is no account 'nobody': `admin users` lists them.\n",
    )
    assert run("prune")[0] == run("delete", "anna")[0] == 0
    assert count(client, User) == 0 and kept(client) == []
    monkeypatch.setenv("STUDIO_LEASE", "soon")
    assert main(["serve"]) == 2 and "STUDIO_LEASE" in capsys.readouterr().err


def test_the_migrations_make_the_tables_of_the_code(studio):
    with studio.db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.Base.metadata) == []


@pytest.mark.parametrize(
    "name, value",
    [
        ("STUDIO_DATABASE", "nonsense"),
        ("STUDIO_DATABASE", "postgresql+psycopg://u:secret-word@127.0.0.1:1/x"),
        ("STUDIO_STORAGE", "nonsense://x"),
        ("STUDIO_DATA", "/dev/null/x"),
    ],
)
def test_what_cannot_be_reached_is_told_in_one_sentence(
    settings, monkeypatch, capsys, tmp_path, name, value
):
    from deploy.studio.__main__ import main

    monkeypatch.setenv("STUDIO_DATA", str(tmp_path))
    monkeypatch.setenv(name, value)
    for arguments in (["serve"], ["admin", "users"]):
        assert main(arguments) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"{name} does not work (") and told.count("\n") == 1, told
        assert "secret-word" not in told


@pytest.mark.parametrize(
    "name, value",
    [("STUDIO_URL", "studio.example"), ("STUDIO_WORKERS", "2"), ("STUDIO_LEASE", "0")],
)
def test_a_variable_that_makes_no_sense_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        Settings.read({name: value})


def test_only_models_that_take_settings_get_them():
    models = map(colorizer.Colorizer.load, colorizer.names())
    assert tuple(m.name for m in models if m.T is not None and m.rebalances) == pages.ADJUSTABLE
    assert set(pages.WORDS) == set(colorizer.names())


# What stands beside the code.


def test_readme_and_compose_know_the_variables(settings):
    source = (HERE / "settings.py").read_text()
    known = set(re.findall(r'"(STUDIO_\w+)"', source))
    table = set(re.findall(r"^\| `(STUDIO_\w+)`", (HERE / "README.md").read_text(), re.MULTILINE))
    assert table == known
    services = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]
    used = {name for service in services.values() for name in service.get("environment", {})}
    assert {name for name in used if name.startswith("STUDIO_")} <= known
    assert {"web", "worker", "database", "storage"} <= set(services)
