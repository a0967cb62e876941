"""What attackers, accidents and other systems do to data scripts, from end to end."""

import csv
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from data_server import DataServer, jpeg
from test_data_scripts_archives import PASSED_OVER, REFUSED, TAR_ONLY, tar

from data_scripts import (
    build,
    clean,
    coco,
    files,
    flickr,
    imagenet,
    imagenette,
    intel,
    names,
    places,
    web,
)
from data_scripts.download import fetch

ROOT = Path(__file__).resolve().parents[1]
SMALL = ["--train", "12", "--test", "4", "--size", "120"]


pytestmark = pytest.mark.usefixtures("alone")


def snapshot(folder):
    """Every file, link and folder below a folder, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): (
            os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
    }


def manifest(out):
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(folder, pictures):
    for name, data in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def photos(pattern, n=16, first=0):
    return {pattern.format(i): jpeg(i) for i in range(first, first + n)}


def intel_photos():
    return photos("seg_train/sea/{}.jpg", 12) | photos("seg_test/sea/{}.jpg", 4, 50)


# Nothing from outside names a path.


def run_on_archive(script, members, tmp_path, server, monkeypatch, out):
    """Let a data script read an archive with these members beside its photographs."""
    layouts = {
        "intel": (intel, intel_photos()),
        "imagenette": (
            imagenette,
            photos("s/train/n0/{}.jpg", 12) | photos("s/val/n0/{}.jpg", 4, 50),
        ),
        "places": (places, photos("val/{}.jpg")),
        "coco": (coco, photos("coco_sample/{}.jpg")),
        "imagenet": (imagenet, photos("{}.jpg")),
    }
    module, pictures = layouts[script]
    archive = tar(tmp_path / "served.tar", members | pictures)
    source = ["--from", str(archive)]
    if script == "imagenet":
        (tmp_path / "classes").mkdir()
        archive.rename(tmp_path / "classes" / "n01440764.tar")
        source = ["--from", str(tmp_path / "classes")]
    elif script == "places":  # fetched, not given
        server.files["/val_256.tar"] = archive.read_bytes()
        monkeypatch.setattr(places, "ADDRESS", server.address + "val_256.tar")
        digest = hashlib.md5(archive.read_bytes()).hexdigest()
        monkeypatch.setattr(places, "CHECKSUM", f"md5:{digest}")
        source = []
    module.main([*source, "--out", str(out), *SMALL])


@pytest.mark.parametrize("script", ["intel", "imagenette", "places", "coco", "imagenet"])
def test_no_script_lets_an_archive_name_a_path(script, tmp_path, server, monkeypatch, capsys):
    mine = write(tmp_path / "home", {"out.jpg": b"mine", "up.jpg": b"mine"})
    out = mine / "a" / "out"
    members = PASSED_OVER | REFUSED | TAR_ONLY
    run_on_archive(script, members, tmp_path, server, monkeypatch, out)
    assert len(manifest(out)) == 16
    outside = {name: data for name, data in snapshot(mine).items() if not name.startswith("a/out/")}
    assert outside == {"out.jpg": b"mine", "up.jpg": b"mine", "a": False, "a/out": False}
    assert f"{len(REFUSED | TAR_ONLY)} names were refused" in capsys.readouterr().err


PATHS = ["../../../../x.jpg", "/tmp/x.jpg", "..\\..\\x.jpg", "a/b.jpg", "C:x.jpg", "nul.jpg", ""]
PATHS += [".", "..", "x" * 300 + ".jpg", "\udcff.jpg", "000000000001.jpg\0", "000000000001.png"]
PATHS += ["٠٠٠٠٠٠٠٠٠٠٠١.jpg", None, 7, ["x"], {}]


@pytest.mark.parametrize("name", PATHS, ids=ascii)
def test_a_list_names_no_path(name, tmp_path, server, monkeypatch):
    victim = write(tmp_path / "home", {".bashrc": b"mine"}) / ".bashrc"
    if name == PATHS[0]:
        name = os.path.relpath(victim, tmp_path / "out" / ".downloads" / "train2017")
    elif name == PATHS[1]:
        name = str(victim)
    listed = {"licenses": [{"id": 1, "name": "n", "url": "u"}], "images": []}
    for file in [*(f"{i:012}.jpg" for i in range(16)), name]:
        listed["images"].append({"file_name": file, "license": 1, "flickr_url": "u"})
    archive = tmp_path / "served.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for split in ("train2017", "val2017"):
            zipped.writestr(f"annotations/captions_{split}.json", json.dumps(listed))
    server.files["/" + coco.ANNOTATIONS] = archive.read_bytes()
    every = jpeg(1)
    server.files |= dict.fromkeys((f"/train2017/{i:012}.jpg" for i in range(16)), every)
    monkeypatch.setattr(coco, "ADDRESS", server.address)
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(coco, "CHECKSUM", f"md5:{digest}")
    with pytest.raises(SystemExit, match="it is not COCO's list|is not as COCO's"):
        coco.main(["--out", str(tmp_path / "out"), *SMALL])
    assert victim.read_bytes() == b"mine"
    found = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {".bashrc", ".lock", "served.zip", "annotations_trainval2017.zip"}


def flickr_of(server, rows, monkeypatch):
    """Flickr's API with these photographs on its first page."""
    licences = [{"id": 4, "name": "BY", "url": "https://creativecommons.org/licenses/by/2.0/"}]

    def answer(query):
        if query["method"].endswith("getInfo"):
            return json.dumps({"licenses": {"license": licences}, "stat": "ok"}).encode()
        shown = [] if "max_upload_date" in query else rows
        return json.dumps({"photos": {"photo": shown}, "stat": "ok"}).encode()

    server.files["/rest/"] = answer
    monkeypatch.setattr(flickr, "API", server.address + "rest/")
    monkeypatch.setenv("FLICKR_API_KEY", "SECRET")


def row(server, i, **changes):
    server.files[f"/{i}.jpg"] = jpeg(i)
    return {
        "id": str(1000 + i),
        "owner": "7@N01",
        "ownername": "Zoë",
        "dateupload": "5000",
        "license": "4",
        "url_z": f"{server.address}{i}.jpg",
        "width_z": 160,
        "height_z": "120",
    } | changes


WRONG = [{"id": path} for path in PATHS] + [
    *({"id": "1" * 21}, {"dateupload": "soon"}, {"dateupload": None}, {"license": None}),
    *({"width_z": "wide"}, {"owner": None}, {"url_z": None}, {"url_z": {}}, {"ownername": 5}),
]


@pytest.mark.parametrize("change", WRONG, ids=ascii)
def test_an_answer_names_no_path(change, tmp_path, server, monkeypatch):
    victim = write(tmp_path / "home", {".bashrc": b"mine"}) / ".bashrc"
    rows = [row(server, i) for i in range(16)] + [row(server, 16, **change)]
    flickr_of(server, rows, monkeypatch)
    try:
        flickr.main(["--out", str(tmp_path / "out"), *SMALL])
    except SystemExit as end:
        assert "Flickr's answer is not as documented" in str(end.code)
    else:
        assert "id" not in change
    assert victim.read_bytes() == b"mine"
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and tmp_path / "out" not in p.parents]
    assert [p for p in outside if tmp_path / "cache" not in p.parents] == [victim]


ANSWERS = [b"", b"[]", b"null", b"{}", b'{"stat":"ok"}', b'{"stat":"ok","photos":[]}', b"{", b"<h"]
ANSWERS += [b"[" * 10**5, b'{"stat":"ok","photos":{"photo":{"a":1}}}', b'{"stat":"fail"}', b"\xff"]
ANSWERS += [b'{"stat":"fail","code":1,"message":"\\u001b[2J"}', b'{"a":' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: repr(a[:20]))
def test_an_answer_of_any_form_is_a_sentence(answer, tmp_path, server, monkeypatch):
    flickr_of(server, [], monkeypatch)
    right = server.files["/rest/"]
    for method in ("getInfo", "search"):
        server.files["/rest/"] = lambda query, method=method: (
            answer if query["method"].endswith(method) else right(query)
        )
        with pytest.raises(SystemExit, match="flickr: ") as caught:
            flickr.main(["--out", str(tmp_path / "out"), *SMALL])
        assert str(caught.value.code).isprintable()
    server.files["/rest/"] = right  # nothing wrong was kept
    with pytest.raises(SystemExit, match="no photographs are left of 0 candidates"):
        flickr.main(["--out", str(tmp_path / "out"), *SMALL])


def test_an_answer_that_heeds_no_query_ends(tmp_path, server, monkeypatch):
    rows = [row(server, i) for i in range(16)]
    flickr_of(server, rows, monkeypatch)
    right = server.files["/rest/"]

    def same(query):
        query.pop("max_upload_date", None)
        return right(query)

    server.files["/rest/"] = same
    flickr.main(["--out", str(tmp_path / "out"), "--train", "40", "--test", "4", "--size", "120"])
    assert len(manifest(tmp_path / "out")) == 16
    assert len([request for request in server.requests if request.path == "/rest/"]) < 8


def test_texts_from_outside_stay_one_line(tmp_path, server, monkeypatch):
    author = "A\x1b[2J\nB\ud800 |" + "x" * 999
    flickr_of(server, [row(server, i, ownername=author) for i in range(16)], monkeypatch)
    flickr.main(["--out", str(tmp_path / "out"), *SMALL])
    assert {r["author"] for r in manifest(tmp_path / "out")} == {("A [2J B |" + "x" * 999)[:300]}


ODD = ["a:b.jpg", "nul.jpg", "COM1.x.jpg", "x" * 240 + ".jpg", "twin.jpg", "TWIN.jpg", "dot..jpg"]
ODD += [
    "d/e.jpg",
    "d-e.jpg",
    "new\nline.jpg",
    "esc\x1b[2J.jpg",
    "größe.jpg",
    "é.jpg",
    "e\u0301.jpg",
]
ODD += [os.fsdecode(b"\xff\xfe.jpg"), "a.JPG", "a.png.jpg"]


def test_files_of_any_name_become_files_of_allowed_names(tmp_path):
    """They are the user's: none is refused, and no two become one on another system."""
    pictures = {f"seg_train/sea/{name}": jpeg(i) for i, name in enumerate(ODD)}
    source = write(tmp_path / "in", pictures | photos("seg_test/sea/{}.jpg", 4, 50))
    out = tmp_path / "out"
    intel.main(["--from", str(source), "--out", str(out)])
    rows = manifest(out)
    files = [row["file"].removeprefix("train/").removeprefix("test/") for row in rows]
    assert len(rows) == len(ODD) + 4 and all(map(names.allowed, files))
    assert len(set(map(names.folded, files))) == len(files)
    assert {row["id"].isprintable() or "\n" in row["id"] or "\x1b" in row["id"] for row in rows}
    assert "train/seg_train-sea-größe.jpg" in {row["file"] for row in rows}


# https only, and no key in a redirect.


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("needs openssl, to make a certificate")
    path = tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, *subject, "-keyout", path, "-out", f"{path}.public"],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + Path(f"{path}.public").read_text())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    monkeypatch.setattr(web, "SCHEMES", ("https",))
    return path


@pytest.fixture
def secret(certificate):
    """A server with https."""
    secret = DataServer()
    secret.start(certificate)
    yield secret
    secret.__exit__()


def test_https_works_and_http_is_refused(secret, server, tmp_path):
    server.files["/a.jpg"] = secret.files["/a.jpg"] = jpeg(1)
    assert fetch(secret.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == jpeg(1)
    odd = ["http:/a.jpg", "https://", "//x/a.jpg", "https://[::1/a.jpg", "https://h:port/", "a.jpg"]
    odd += [
        "file:///etc/passwd",
        "ftp://h/a.jpg",
        "https://u:p@h/a.jpg",
        "https://h/\x1b[2J",
        "",
        5,
    ]
    for address in [server.address + "a.jpg", *odd]:
        with pytest.raises(web.DownloadError, match="its address is not one with https") as caught:
            fetch(address, tmp_path / "b.jpg")
        assert str(caught.value).isprintable()
    assert server.requests == [] and not (tmp_path / "b.jpg").exists()


NOBODY = [
    "https://a..b/",
    f"https://{'a' * 70}.com/",
    "https://xn--/",
    "https://[::1%25x]/",
    "https://.",
]


@pytest.mark.parametrize("address", NOBODY, ids=ascii)
def test_a_host_that_cannot_be_is_a_sentence(address, tmp_path, monkeypatch):
    def unknown(*_, **__):
        raise OSError("nobody here")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    monkeypatch.setattr(web, "SCHEMES", ("https",))
    monkeypatch.setattr(web, "TRIES", 0)
    with pytest.raises(web.DownloadError):
        fetch(address, tmp_path / "a.jpg")


def test_a_redirect_leads_to_https_only(secret, server, tmp_path):
    server.files["/a.jpg"] = secret.files["/b.jpg"] = jpeg(1)
    secret.troubles["/a.jpg"] = [(302, {"Location": server.address + "a.jpg"}), ...]
    with pytest.raises(web.DownloadError, match="sends on to an address without https"):
        fetch(secret.address + "a.jpg", tmp_path / "a.jpg")
    assert server.requests == []
    secret.troubles["/a.jpg"] = [(302, {"Location": "/b.jpg"}), ...]
    assert fetch(secret.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == jpeg(1)
    secret.troubles["/a.jpg"] = [(302, {"Location": "/a.jpg"}), ...]
    with pytest.raises(web.DownloadError, match="from one address to the next"):
        fetch(secret.address + "a.jpg", tmp_path / "c.jpg")
    for target in ("file:///etc/passwd", "https://[", "//"):
        secret.troubles["/a.jpg"] = [(302, {"Location": target}), ...]
        with pytest.raises(web.DownloadError, match="could not be fetched"):
            fetch(secret.address + "a.jpg", tmp_path / "c.jpg")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_key_goes_nowhere_else(scheme, secret, server, certificate, tmp_path, monkeypatch):
    """Neither Flickr's, nor a password that ~/.netrc keeps for every server."""
    netrc = write(tmp_path / "home", {".netrc": b"default login me password SECRET\n"}) / ".netrc"
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    other = server if scheme == "http" else DataServer().start(certificate)
    seen = []
    other.files["/rest/"] = lambda query: seen.append(query) or b'{"stat":"ok"}'
    secret.troubles["/rest/"] = [
        (302, {"Location": f"{other.address}rest/?api_key=SECRET"}),
        ...,
    ]
    monkeypatch.setattr(flickr, "API", secret.address + "rest/")
    monkeypatch.setenv("FLICKR_API_KEY", "SECRET")
    with pytest.raises(SystemExit, match="302 Found|to an address without https") as caught:
        flickr.main(["--out", str(tmp_path / "out"), *SMALL])
    assert seen == [] and "SECRET" not in str(caught.value.code)
    assert not any(request.login for request in secret.requests)
    if scheme == "https":
        other.__exit__()


def test_a_certificate_of_nobody_is_refused(secret, tmp_path, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(web.DownloadError, match="its certificate is not trusted"):
        fetch(secret.address + "a.jpg", tmp_path / "a.jpg")


def test_every_address_of_the_scripts_is_https():
    for module in (coco, flickr, imagenette, places):
        for name, value in vars(module).items():
            if isinstance(value, str) and "://" in value:
                assert value.startswith("https://"), (module.__name__, name)


# Nothing of the user's is deleted or lost.


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "in", intel_photos())


def run(source, out, *more):
    intel.main(["--from", str(source), "--out", str(out), *more])


def refuses(words, source, out, *more):
    """The run is refused in these words, and nothing at all has changed."""
    before = snapshot(out), snapshot(source)
    with pytest.raises(SystemExit, match=words):
        run(source, out, *more)
    assert (snapshot(out), snapshot(source)) == before


@pytest.mark.parametrize("place", [".", "out", "seg_train/out", "seg_train", ".hidden"])
def test_a_result_inside_its_source(place, source):
    refuses("are one inside the other: choose an --out outside", source, source / place)


@pytest.mark.parametrize("place", ["in", "in/..", "in/seg_train/../.."])
def test_a_source_inside_its_result(place, source, tmp_path):
    (tmp_path / "way").symlink_to(tmp_path)
    for home in (tmp_path, tmp_path / "way"):
        before = snapshot(source)
        with pytest.raises(SystemExit, match="are one inside the other"):
            run(source, home / place)
        assert snapshot(source) == before


@pytest.mark.parametrize("module", [coco, imagenet, imagenette, intel, places])
def test_the_originals_of_a_set_are_never_its_source(module, source, tmp_path):
    """--from OUT/train --out OUT once removed sixty originals."""
    run(source, tmp_path / "out")
    for place in ("out", "out/train", "out/train/../train", "out/.downloads"):
        (tmp_path / place).mkdir(exist_ok=True)
        before = snapshot(tmp_path / "out")
        with pytest.raises(SystemExit, match="are one inside the other"):
            module.main(["--from", str(tmp_path / place), "--out", str(tmp_path / "out"), *SMALL])
        assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize("mine", ["notes.txt", "train/my.jpg", "test/my.png", "CARD.md", ".env"])
def test_a_folder_with_anything_else_is_refused(mine, source, tmp_path):
    out = write(tmp_path / "out", {mine: b"mine"})
    refuses(f"out holds {mine}, which no data script wrote", source, out)
    assert sorted(out.rglob(".lock")) == []


@pytest.mark.parametrize("mine", ["notes.txt", "train/my.jpg", "test/sub/my.png", "train/x.half"])
def test_what_came_later_is_the_users(mine, source, tmp_path):
    out = tmp_path / "out"
    run(source, out)
    write(out, {mine: b"mine", ".DS_Store": b"", "train/Thumbs.db": b""})
    holds = mine.rpartition("/")[0] if mine.count("/") == 2 else mine
    refuses(f"out holds {holds}, which no data script wrote", source, out, "--size", "100")
    run(source, out)  # it is complete: nothing has to be deleted, and nobody asks
    (out / mine).unlink()
    if mine.count("/") == 2:
        (out / holds).rmdir()
    run(source, out, "--train", "3")
    assert len(list((out / "train").glob("*.jpg"))) == 3
    assert (out / ".DS_Store").exists() and (out / "train" / "Thumbs.db").exists()


def test_a_photograph_that_was_changed_is_the_users(source, tmp_path):
    out = tmp_path / "out"
    run(source, out)
    changed = sorted((out / "train").iterdir())[3]
    changed.write_bytes(b"retouched for hours")
    refuses(f"{changed.name} has been changed since it was written", source, out, "--size", "100")


def test_a_list_deletes_nothing_elsewhere(source, tmp_path):
    """A folder from somebody else may hold any list."""
    out = tmp_path / "out"
    run(source, out)
    made = json.loads((out / ".made.json").read_text())
    for name in ("../in/seg_test/sea/50.jpg", "train/../../x", "/etc/x", "notes.txt", 5, None):
        (out / ".made.json").write_text(json.dumps(made | {"files": made["files"] + [name]}))
        refuses(".made.json is damaged: choose another --out", source, out, "--size", "100")
    for text in ("", "[]", "{", "5", '{"files": 5}', "[" * 10**5):
        (out / ".made.json").write_text(text)
        refuses(r".made.json is damaged", source, out, "--size", "100")


def test_a_set_of_an_older_version_is_known_by_its_manifest(source, tmp_path):
    out = tmp_path / "out"
    run(source, out)
    made = json.loads((out / ".made.json").read_text())
    (out / ".made.json").write_text(json.dumps({k: made[k] for k in ("asked", "content")}))
    run(source, out, "--train", "3")
    assert len(list((out / "train").iterdir())) == 3


LINKS = [".lock", ".made.json", ".downloads", "train", "CARD.md", "manifest.csv", "train/0.jpg"]
LINKS += [".downloads/a.zip.part", ".made.json.half", ".downloads/unpacked"]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("complete", [False, True])
def test_a_planted_link_is_not_followed(link, complete, source, tmp_path):
    out = tmp_path / "out"
    if complete:
        run(source, out)
        shutil.rmtree(out / link) if (out / link).is_dir() else (out / link).unlink(missing_ok=True)
        if link == ".made.json":
            (out / "manifest.csv").unlink()
    (out / link).parent.mkdir(parents=True, exist_ok=True)
    victim = write(tmp_path / "victim", {"mine.txt": b"mine"})
    (out / link).symlink_to(victim if "." not in link[1:] else victim / "mine.txt")
    before = snapshot(victim)
    with pytest.raises(SystemExit, match="is a link, and nothing is written through it|holds"):
        run(source, out, "--size", "100")
    assert snapshot(victim) == before and (out / link).is_symlink()


@pytest.mark.parametrize("place", [".lock", "manifest.csv", ".made.json", ".downloads/a.part"])
@pytest.mark.parametrize("complete", [False, True])
def test_a_device_does_not_hang_a_run(complete, place, source, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs mkfifo")
    out = tmp_path / "out"
    if complete:
        run(source, out)
        (out / ".downloads").mkdir()
        (out / place).unlink(missing_ok=True)
        made = json.loads((out / ".made.json").read_text()) if place != ".made.json" else None
        if made:  # an older set, whose manifest is read at once
            (out / ".made.json").write_text(json.dumps({"asked": made["asked"]}))
    (out / place).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(out / place)
    with pytest.raises(SystemExit, match="is a device, and nothing is written through it|holds"):
        run(source, out, "--size", "100")


@pytest.mark.filterwarnings("ignore:.*keeps no photos")
def test_a_disk_without_locks_is_no_reason_to_stop(source, tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", none)
    run(source, tmp_path / "out")
    assert len(manifest(tmp_path / "out")) == 16


def test_links_that_come_in_between_are_not_followed(server, tmp_path):
    victim = write(tmp_path, {"victim": b"mine"}) / "victim"
    (tmp_path / "b.half").symlink_to(victim)
    files.write_whole(tmp_path / "b", b"new")
    (tmp_path / "a.jpg.part").symlink_to(victim)
    server.files["/a.jpg"] = jpeg(1)
    fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "b").read_bytes() == b"new" and not (tmp_path / "a.jpg").is_symlink()


# Passing trouble passes, and what is gone can be forgotten.


def test_a_set_that_lacks_photographs_for_now_is_not_complete(
    tmp_path, server, monkeypatch, capsys
):
    rows = [row(server, i) for i in range(16)]
    flickr_of(server, rows, monkeypatch)
    server.troubles |= {"/3.jpg": [503, ...], "/4.jpg": [403, ...], "/5.jpg": [410]}
    out = tmp_path / "out"
    flickr.main(["--out", str(out), *SMALL])
    said = capsys.readouterr().out
    assert "2 did not come this time; run the command again for them." in said
    assert "1 are no more (404, 410); --again asks for them again." in said
    assert len(manifest(out)) == 13
    server.troubles.clear()
    server.requests.clear()
    flickr.main(["--out", str(out), *SMALL])
    assert len(manifest(out)) == 15
    asked = {request.path for request in server.requests} - {"/rest/"}
    assert asked == {"/3.jpg", "/4.jpg"}
    flickr.main(["--out", str(out), *SMALL])
    assert "is complete" in capsys.readouterr().out
    flickr.main(["--out", str(out), *SMALL, "--again"])
    assert len(manifest(out)) == 16
    assert "--again" not in (out / "CARD.md").read_text()
    flickr.main(["--out", str(out), *SMALL])
    assert "is complete" in capsys.readouterr().out


def test_a_page_without_photographs_is_not_remembered(tmp_path, server, monkeypatch):
    """Flickr may give none in a bad moment."""
    flickr_of(server, [], monkeypatch)
    with pytest.raises(SystemExit, match="no photographs are left of 0"):
        flickr.main(["--out", str(tmp_path / "out"), *SMALL])
    flickr_of(server, [row(server, i) for i in range(16)], monkeypatch)
    flickr.main(["--out", str(tmp_path / "out"), *SMALL])
    assert len(manifest(tmp_path / "out")) == 16


# Disks, systems, callers.


TMPFS = """
mount -t tmpfs -o size={size} none {folder} || exit 99
cd {root}
{python} - <<'END'
import os
from pathlib import Path
from data_scripts import files, intel
files.RESERVE = 0
try:
    intel.main(["--from", "{source}", "--out", "{folder}/out"])
except SystemExit as end:
    print(end.code)
print(sorted(p.name for p in Path("{folder}").rglob("*") if p.name.endswith((".part", ".half"))))
END
"""


def test_a_disk_that_is_really_full(tmp_path):
    """The photographs go to a disk of 100 KB."""
    source = write(tmp_path / "in", intel_photos())
    (tmp_path / "disk").mkdir()
    script = TMPFS.format(
        size="100k", folder=tmp_path / "disk", root=ROOT, python=sys.executable, source=source
    )
    if not shutil.which("unshare"):
        pytest.skip("needs unshare")
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("may not mount a disk here")
    said, left = done.stdout.splitlines()
    disk = tmp_path / "disk"
    assert said.startswith("intel: ") and f" {disk} " in said.replace(")", " ") and "free" in said
    assert left == "[]"


CALLER = """
import sys
from data_scripts import clean, intel
clean.FEW = 0
print("begins")
intel.main(["--from", sys.argv[1], "--out", sys.argv[2]])
"""


@pytest.mark.parametrize("how", ["script", pytest.param("stdin", marks=pytest.mark.stress)])
def test_a_script_without_a_main_guard_works(how, source, tmp_path):
    (tmp_path / "mine.py").write_text(CALLER)
    done = subprocess.run(
        [sys.executable, "-" if how == "stdin" else "mine.py", "in", "out"],
        input=CALLER if how == "stdin" else None,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begins") == 1  # no process ran it again
    assert len(manifest(tmp_path / "out")) == 16


def test_a_process_that_the_system_ends_is_a_sentence(source, tmp_path, monkeypatch):
    def killed(*_):
        raise build.BrokenProcessPool

    monkeypatch.setattr(clean, "survey", killed)
    with pytest.raises(SystemExit, match="the system ended a process, perhaps for lack of memory"):
        run(source, tmp_path / "out")


@pytest.mark.parametrize("encoding", ["cp1252", pytest.param("ascii", marks=pytest.mark.stress)])
def test_any_terminal_can_show_it(encoding, source, tmp_path):
    out = tmp_path / "Δ größe"
    for words in ("photographs for training", "is complete"):
        done = subprocess.run(
            [sys.executable, "-m", "data_scripts.intel", "--from", source, "--out", out],
            cwd=ROOT,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert words in done.stdout.decode(encoding)
        assert r"\u0394" in done.stdout.decode(encoding)


def test_a_result_that_cannot_be_a_folder_is_a_sentence(source, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SystemExit, match="file is no folder: choose another --out"):
        run(source, tmp_path / "file")
    with pytest.raises(SystemExit, match="intel: .*"):
        run(source, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


# Names.


def test_targets_are_allowed_and_different():
    chance = random.Random(3)
    letters = "aA.é e\u0301/\\:*\0\n-_\udcff" + "CONUL1"
    ids = {"".join(chance.choices(letters, k=chance.randrange(1, 12))) for _ in range(4000)}
    ids |= {f"{'x' * n}{s}" for n in (1, 199, 200, 300) for s in ("", ".jpg", ".png")}
    pairs = [(id, ".jpg") for id in sorted(ids)]
    found = names.targets(pairs)
    assert all(map(names.allowed, found))
    assert len(set(map(names.folded, found))) == len(found)
    assert names.targets(pairs[::-1]) == found[::-1]


def test_examples_of_names():
    import doctest

    done = doctest.testmod(names)
    assert done.failed == 0 and done.attempted >= 4
