"""Fetching and unpacking: refusals, cut connections, changed files, full disks, bad archives."""

import errno
import io
import shutil
import socket
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
import requests
from data_server import DataServer, jpeg, stay_inside

from data_scripts import download, files
from data_scripts.download import DownloadError, Gone, fetch, fetch_all
from data_scripts.files import DataError, DiskFull, unpack

BODY = b"\xff\xd8\xff" + bytes(range(256)) * 400  # 100 KB that begin like a JPEG
PIECE = 2**14


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    stay_inside(monkeypatch, download)


@pytest.fixture
def server():
    with DataServer() as server:
        server.files["/a.jpg"] = BODY
        yield server


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(server, tmp_path):
    for _ in range(2):
        path = fetch(server.address + "a.jpg", tmp_path / "sub" / "a.jpg")
    assert path.read_bytes() == BODY
    assert server.asked("/a.jpg") == [""]
    assert left_in(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("status, reason", [(403, "Forbidden"), (404, "Not Found"), (410, "Gone")])
def test_a_refusal_is_final(status, reason, server, tmp_path):
    server.troubles["/a.jpg"] = [status]
    with pytest.raises(Gone) as caught:
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    url = server.address + "a.jpg"
    hint = 'without network use source="bundled"'
    assert str(caught.value) == f"{url} could not be fetched ({status} {reason}): {hint}."
    assert len(server.requests) == 1
    assert left_in(tmp_path) == []


def test_a_busy_server_is_given_the_time_it_asks_for(server, tmp_path):
    server.troubles["/a.jpg"] = [(429, {"Retry-After": "1"})]
    begun = time.monotonic()
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert 1 <= time.monotonic() - begun < 5
    assert len(server.requests) == 2


def test_a_server_that_asks_for_an_hour_ends_the_run(server, tmp_path):
    server.troubles["/a.jpg"] = [(429, {"Retry-After": "3600"})]
    with pytest.raises(DownloadError, match="asks to wait 60 minutes.*run the command again"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_failure_is_retried(status, server, tmp_path):
    server.troubles["/a.jpg"] = [status, status]
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert len(server.requests) == 3


def test_a_lasting_failure_is_told(server, tmp_path):
    server.troubles["/a.jpg"] = [500, ...]
    with pytest.raises(DownloadError, match=r"\(500 Internal Server Error\): run the command ag"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert len(server.requests) == download.TRIES + 1
    server.troubles.clear()
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY


def begins(asked):
    return [int(text.removeprefix("bytes=").rstrip("-") or 0) for text in asked]


@pytest.mark.parametrize("tags", [True, False])
def test_a_cut_connection_goes_on_where_it_was(tags, server, tmp_path):
    server.tags = tags  # without ETag the size tells
    server.troubles["/a.jpg"] = ["cut", "cut"]
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    first, second, third = begins(server.asked("/a.jpg"))
    assert first == 0
    assert 0 <= len(BODY) // 2 - second < PIECE
    assert 0 <= second + (len(BODY) - second) // 2 - third < PIECE
    assert left_in(tmp_path) == ["a.jpg"]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    server.ranges = False
    server.troubles["/a.jpg"] = ["cut", "cut"]
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert len(server.requests) == 3


def test_a_body_of_unknown_size_begins_anew(server, tmp_path):
    server.sizes = server.tags = False
    server.troubles["/a.jpg"] = ["cut"]
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert server.asked("/a.jpg") == ["", ""]


def test_a_connection_that_is_always_cut_is_given_up_and_kept(server, tmp_path):
    server.ranges = False
    server.troubles["/a.jpg"] = ["cut", ...]
    with pytest.raises(DownloadError, match="the connection was cut.*run the command again"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert len(server.requests) == download.TRIES + 1
    assert left_in(tmp_path) == ["a.jpg.note", "a.jpg.part"]


@pytest.mark.parametrize("heed", [True, False])
@pytest.mark.parametrize("other", [BODY[:3] + BODY[:2:-1], BODY[:70_000], BODY + BODY, BODY[:9]])
def test_a_file_that_changed_meanwhile_begins_anew(other, heed, server, tmp_path):
    server.heed_if_range = heed  # some servers send the rest of another file
    server.troubles["/a.jpg"] = ["cut", 403]
    with pytest.raises(Gone):
        download._complete(
            server.address + "a.jpg", tmp_path / "a.jpg.part", tmp_path / "a.jpg.note", None
        )
    assert (tmp_path / "a.jpg.part").stat().st_size > PIECE
    server.files["/a.jpg"] = other
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == other
    assert left_in(tmp_path) == ["a.jpg"]


def test_a_whole_file_without_its_name_is_not_asked_for(server, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(download, "_verify", killed)
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_part_of_another_address_is_not_used(server, tmp_path):
    server.tags = False  # two files of one size
    server.files["/b.jpg"] = BODY[:3] + BODY[:2:-1]
    server.troubles["/a.jpg"] = ["cut", 500, ...]
    with pytest.raises(DownloadError):
        fetch(server.address + "a.jpg", tmp_path / "x.jpg")
    server.troubles.clear()
    assert (
        fetch(server.address + "b.jpg", tmp_path / "x.jpg").read_bytes() == BODY[:3] + BODY[:2:-1]
    )


@pytest.mark.parametrize(
    "name, body, what",
    [
        ("a.jpg", b" <!DOCTYPE html>", "a web page instead of a JPEG"),
        ("a.jpg", b"\x89PNG rest", "something else instead of a JPEG"),
        ("a.zip", b"<html>log in first", "a web page instead of a zip archive"),
        ("a.tgz", b"PK zip", "something else instead of a gzipped archive"),
        ("a.tar", b"<html>" + bytes(600), "a web page instead of a tar archive"),
        ("a.json", b"<html>", "a web page instead of JSON"),
    ],
)
def test_a_web_page_does_not_pass_for_a_file(name, body, what, server, tmp_path):
    server.files["/" + name] = body
    with pytest.raises(Gone, match=what):
        fetch(server.address + name, tmp_path / name)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_wrong_checksum(kind, server, tmp_path):
    (tmp_path / "right").write_bytes(BODY)
    right = f"{kind}:{files.digest(tmp_path / 'right', kind)}"
    server.files["/a.jpg"] = BODY + b"!"
    with pytest.raises(
        DownloadError, match=f"its {kind} is .* and should be {right[len(kind) + 1 :]}"
    ):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg", checksum=right)
    assert not (tmp_path / "a.jpg").exists() and not (tmp_path / "a.jpg.part").exists()
    server.files["/a.jpg"] = BODY
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg", checksum=right).exists()


def test_a_disk_without_room_is_told_before_anything_is_written(server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        free = files.RESERVE + len(BODY) - 1
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
        with pytest.raises(DiskFull, match="needs 200 MB of free disk and has 200 MB"):
            fetch(server.address + "a.jpg", tmp_path / "a.jpg")
        assert not (tmp_path / "a.jpg").exists()
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free + 1))
        assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").exists()


class Full(io.FileIO):
    """A file on a disk that has room for 40,000 bytes."""

    def write(self, data):
        if self.tell() + len(data) > 40_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_disk_that_fills_up_keeps_what_came(server, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(DiskFull, match="full: free some space"):
        original = Path.open
        patch.setattr(
            Path,
            "open",
            lambda self, mode="r", **o: (
                Full(self, "ab") if mode == "ab" else original(self, mode, **o)
            ),
        )
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg.part").stat().st_size == 2 * PIECE
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert begins(server.asked("/a.jpg")) == [0, 2 * PIECE]


def test_a_disk_that_fills_up_under_small_files(tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    files.write_whole(tmp_path / "sub" / "a", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(DiskFull, match="full: free some space"):
            files.write_whole(tmp_path / "sub" / "a", b"new")
    assert (tmp_path / "sub" / "a").read_bytes() == b"old"
    assert left_in(tmp_path) == ["a"]


def test_a_machine_without_network(tmp_path):
    with socket.socket() as taken:  # a port that nobody listens at
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(
            DownloadError, match=f'no connection to {host}.*source="bundled"'
        ) as caught:
            fetch(f"http://{host}/a.jpg", tmp_path / "a.jpg", params={"api_key": "SECRET"})
        assert "SECRET" not in str(caught.value)
        assert time.monotonic() - begun < 5


def test_a_server_that_falls_silent(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.2))
    server.troubles["/a.jpg"] = ["stall"]
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", [403, 500, (429, {"Retry-After": "9999"})])
def test_no_message_shows_the_query(trouble, server, tmp_path):
    server.troubles["/a.jpg"] = [trouble, ...]
    with pytest.raises(DownloadError) as caught:
        fetch(server.address + "a.jpg", tmp_path / "a.jpg", params={"api_key": "SECRET"})
    assert server.requests[0].query == {"api_key": "SECRET"}
    assert "SECRET" not in str(caught.value)


def test_requests_keep_their_distance(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.05)
    jobs = [(server.address + "a.jpg", tmp_path / f"{i}.jpg") for i in range(8)]
    begun = time.monotonic()
    assert fetch_all(jobs) == {}
    assert time.monotonic() - begun >= 7 * 0.05


def test_what_is_gone_is_noted(server, tmp_path):
    jobs = [(server.address + f"{i}.jpg", tmp_path / f"{i}.jpg") for i in range(12)]
    server.files |= {f"/{i}.jpg": BODY for i in range(12) if i not in (3, 7)}
    server.files["/7.jpg"] = b"<html>photo unavailable</html>"
    server.troubles["/5.jpg"] = [500, ...]
    failed = fetch_all(jobs)
    assert sorted(path.name for path in failed) == ["3.jpg", "5.jpg", "7.jpg"]
    assert "404 Not Found" in failed[tmp_path / "3.jpg"]
    assert "a web page" in failed[tmp_path / "7.jpg"]
    server.requests.clear()
    server.troubles.clear()
    failed = fetch_all(jobs)  # what failed for the moment is there now, the rest is not asked for
    assert sorted(path.name for path in failed) == ["3.jpg", "7.jpg"]
    assert {request.path for request in server.requests} == {"/5.jpg"}


@pytest.mark.parametrize("trouble", [403, 500])
def test_a_server_that_refuses_everything_ends_the_run(trouble, server, tmp_path):
    server.troubles |= {f"/{i}.jpg": [trouble, ...] for i in range(100)}
    jobs = [(server.address + f"{i}.jpg", tmp_path / f"{i}.jpg") for i in range(100)]
    with pytest.raises(DownloadError, match=f"21 of 21 photographs failed; .*{trouble}"):
        fetch_all(jobs)
    assert len({request.path for request in server.requests}) < 40
    few = [(server.address + f"{i}.jpg", tmp_path / f"few{i}.jpg") for i in range(3)]
    if trouble == 500:
        with pytest.raises(DownloadError, match="3 of 3 photographs failed"):
            fetch_all(few)
    else:
        assert len(fetch_all(few)) == 3  # three that are gone are three photographs


def test_a_full_disk_ends_the_run(server, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESERVE", 2**60)
    with pytest.raises(DiskFull):
        fetch_all([(server.address + "a.jpg", tmp_path / f"{i}.jpg") for i in range(5)])


# Archives.


def tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


def archived(path, members):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                if isinstance(data, bytes):
                    archive.writestr(name, data)
        return path
    return tar(path, members, "w:gz" if path.suffix == ".tgz" else "w")


PHOTOS = {f"set/class{i % 2}/{i}.jpg": jpeg(i) for i in range(6)}
ODD = {
    "../out.jpg": b"x",
    "/abs.jpg": b"x",
    "C:/drive.jpg": b"x",
    "set/../../up.jpg": b"x",
    "back\\..\\..\\up.jpg": b"x",
    "set/._0.jpg": b"x",
    "__MACOSX/set/0.jpg": b"x",
    "set/readme.txt": b"x",
    "set/run.py": b"x",
    "set/link.jpg": "/etc/passwd",
}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz"])
def test_unpacking_takes_pictures_and_nothing_else(name, tmp_path):
    archive = archived(tmp_path / name, PHOTOS | ODD)
    unpack(archive, tmp_path / "deep" / "out")
    found = {
        path.relative_to(tmp_path / "deep" / "out").as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name not in (name, ".begun", ".unpacked")
    }
    assert found == PHOTOS


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_unpacking_goes_on(name, tmp_path, monkeypatch):
    archive = archived(tmp_path / name, PHOTOS)
    written = []

    def recorded(path, data, original=files.write_whole):
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(path.name)
        original(path, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files, "write_whole", recorded)
        unpack(archive, tmp_path / "out")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.jpg")}
    assert len(before) == 4
    for _ in range(2):
        unpack(archive, tmp_path / "out")
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 6
    monkeypatch.setattr(files, "_members", None)  # done: it is not even opened
    unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz"])
def test_a_damaged_archive(name, tmp_path):
    archive = archived(tmp_path / name, PHOTOS)
    data = archive.read_bytes()
    middle = len(data) // 2
    for damaged in (data[:middle], b"", b"text", data[:middle] + bytes(99) + data[middle + 99 :]):
        if name == "a.tar" and len(damaged) == len(data):
            continue  # a tar has no checksum of its contents
        archive.write_bytes(damaged)
        with pytest.raises(DataError, match=f"{name} is damaged .*: delete it and get it again"):
            unpack(archive, tmp_path / "out")
    archive.write_bytes(data)
    out = unpack(archive, tmp_path / "out")
    found = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*.jpg")}
    assert found == PHOTOS  # nothing of the damaged one is left


def test_the_server_of_these_tests_keeps_the_rules(server):
    url = server.address + "a.jpg"
    tag = requests.get(url).headers["ETag"]
    answer = requests.get(url, headers={"Range": "bytes=10-", "If-Range": tag})
    assert (answer.status_code, answer.content) == (206, BODY[10:])
    answer = requests.get(url, headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (answer.status_code, answer.content) == (200, BODY)
    assert requests.get(url, headers={"Range": "bytes=999999-"}).status_code == 416
