"""Fetching and unpacking: refusals, cut connections, changed files, full disks, bad archives."""

import errno
import hashlib
import io
import shutil
import socket
import time

import pytest
import requests
from data_server import DataServer, jpeg, stay_inside

from data_scripts import download, files, many, web
from data_scripts.download import fetch
from data_scripts.files import DiskFull
from data_scripts.many import fetch_all
from data_scripts.web import DownloadError, Gone

BODY = b"\xff\xd8\xff" + bytes(range(256)) * 400  # 100 KB that begin like a JPEG
PHOTO = jpeg(1)
PIECE = 2**14


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    stay_inside(monkeypatch)


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


@pytest.mark.parametrize("status, reason", [(404, "Not Found"), (410, "Gone")])
def test_what_is_gone_is_gone(status, reason, server, tmp_path):
    server.troubles["/a.jpg"] = [status]
    with pytest.raises(Gone) as caught:
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    url = server.address + "a.jpg"
    hint = 'without network use source="bundled"'
    assert str(caught.value) == f"{url} could not be fetched ({status} {reason}): {hint}."
    assert len(server.requests) == 1
    assert left_in(tmp_path) == []


def test_a_busy_server_is_given_the_time_it_asks_for(server, tmp_path, capsys):
    server.troubles["/a.jpg"] = [(429, {"Retry-After": "1"})]
    begun = time.monotonic()
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    assert 1 <= time.monotonic() - begun < 5
    assert len(server.requests) == 2
    assert capsys.readouterr().err == "the server asks to wait 1 s\n"


def test_a_wait_that_is_no_number_is_passed_over(server, tmp_path):
    server.troubles["/a.jpg"] = [(503, {"Retry-After": "soon"})]
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY


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
    assert len(server.requests) == web.TRIES + 1
    server.troubles.clear()
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY


def begins(asked):
    return [int(text.removeprefix("bytes=").rstrip("-") or 0) for text in asked]


@pytest.mark.parametrize("shown", ["ETag", "Last-Modified", "checksum"])
def test_a_cut_connection_goes_on_where_it_was(shown, server, tmp_path):
    server.tags = shown == "ETag"
    server.changed = time.time() - 90 if shown == "Last-Modified" else None
    checksum = f"sha256:{hashlib.sha256(BODY).hexdigest()}" if shown == "checksum" else ""
    server.troubles["/a.jpg"] = ["cut", "cut"]
    url = server.address + "a.jpg"
    assert fetch(url, tmp_path / "a.jpg", checksum=checksum).read_bytes() == BODY
    first, second, third = begins(server.asked("/a.jpg"))
    assert first == 0
    assert 0 <= len(BODY) // 2 - second < PIECE
    assert 0 <= second + (len(BODY) - second) // 2 - third < PIECE
    assert left_in(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("changed", [None, 20])
def test_nothing_shows_that_it_is_the_same_file(changed, server, tmp_path):
    """Two versions of one length: a size shows nothing, nor does a date of the same minute."""
    server.tags = False
    server.changed = changed and time.time() - changed
    other = BODY[:3] + BODY[:2:-1]
    server.troubles["/a.jpg"] = ["cut", 500, ...]
    with pytest.raises(DownloadError):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg.part").stat().st_size > PIECE
    server.troubles.clear()
    server.files["/a.jpg"] = other
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == other
    assert set(server.asked("/a.jpg")) == {""}


def test_a_splice_of_two_versions_does_not_pass_the_checksum(server, tmp_path):
    server.tags = False
    other = BODY[:3] + BODY[:2:-1]
    server.troubles["/a.jpg"] = ["cut", 500, ...]
    url, checksum = server.address + "a.jpg", f"sha256:{hashlib.sha256(other).hexdigest()}"
    with pytest.raises(DownloadError):
        fetch(url, tmp_path / "a.jpg", checksum=checksum)
    server.troubles.clear()
    server.files["/a.jpg"] = other
    with pytest.raises(DownloadError, match="its sha256 is"):
        fetch(url, tmp_path / "a.jpg", checksum=checksum)
    assert left_in(tmp_path) == []
    assert fetch(url, tmp_path / "a.jpg", checksum=checksum).read_bytes() == other


def test_a_range_that_nobody_asked_for_is_not_spliced(server, tmp_path):
    server.tags = False
    server.troubles["/a.jpg"] = ["cut", 500, ...]
    with pytest.raises(DownloadError):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    have = (tmp_path / "a.jpg.part").stat().st_size
    server.troubles.clear()
    server.files["/a.jpg"] = BODY[:3] + BODY[:2:-1]
    server.unasked = f"bytes={have}-"
    with pytest.raises(DownloadError, match="the file has changed on the server"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    server.unasked = ""
    fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == server.files["/a.jpg"]


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
    assert len(server.requests) == web.TRIES + 1
    assert left_in(tmp_path) == ["a.jpg.note", "a.jpg.part"]


@pytest.mark.parametrize("heed", [True, False])
@pytest.mark.parametrize("other", [BODY[:3] + BODY[:2:-1], BODY[:70_000], BODY + BODY, BODY[:9]])
def test_a_file_that_changed_meanwhile_begins_anew(other, heed, server, tmp_path):
    server.heed_if_range = heed  # some servers send the rest of another file
    server.troubles["/a.jpg"] = ["cut", 403]
    with pytest.raises(DownloadError, match="403 Forbidden"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
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
    with pytest.raises(DownloadError, match=f"{what}.*run the command again") as caught:
        fetch(server.address + name, tmp_path / name)
    assert not isinstance(caught.value, Gone)  # a login page may be gone tomorrow
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
        with pytest.raises(DiskFull, match="needs 200 MB of free disk, and / has 200 MB"):
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


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that is full after 40,000 bytes, for what `open` makes of a number."""
    real = open

    def full(file, mode="r", *rest, **options):
        return Full(file, mode) if isinstance(file, int) else real(file, mode, *rest, **options)

    def use(module):
        monkeypatch.setattr(module, "open", full, raising=False)

    return use


SAYS_FULL = r"the disk of .* \(mounted at .*\) is full: free some space and run the command again"


def test_a_disk_that_fills_up_leaves_no_half(server, tmp_path, full_disk):
    full_disk(download)
    with pytest.raises(DiskFull, match=SAYS_FULL):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert left_in(tmp_path) == []


def test_a_file_of_unknown_size_leaves_room(server, tmp_path, monkeypatch):
    server.sizes = False
    monkeypatch.setattr(download, "OFTEN", 30_000)
    usage = shutil.disk_usage(tmp_path)
    rooms = iter([2**40, 2**40, 0])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=next(rooms)))
    with pytest.raises(DiskFull, match="free some"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert left_in(tmp_path) == []


def test_a_disk_that_fills_up_under_small_files(tmp_path, full_disk):
    files.write_whole(tmp_path / "sub" / "a", b"old")
    full_disk(files)
    with pytest.raises(DiskFull, match=SAYS_FULL):
        files.write_whole(tmp_path / "sub" / "a", bytes(50_000))
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
    monkeypatch.setattr(web, "TIMEOUT", (1, 0.2))
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
    monkeypatch.setattr(web, "PAUSE", 0.05)
    server.files["/a.jpg"] = PHOTO
    jobs = [(server.address + "a.jpg", tmp_path / f"{i}.jpg") for i in range(8)]
    begun = time.monotonic()
    assert fetch_all(jobs) == {}
    assert time.monotonic() - begun >= 7 * 0.05


def test_what_is_gone_is_noted(server, tmp_path):
    jobs = [(server.address + f"{i}.jpg", tmp_path / f"{i}.jpg") for i in range(12)]
    server.files |= {f"/{i}.jpg": PHOTO for i in range(12) if i != 3}
    server.files["/7.jpg"] = b"<html>log in first</html>"
    server.troubles["/5.jpg"] = [500, ...]
    failed = fetch_all(jobs)
    assert sorted(path.name for path in failed) == ["3.jpg", "5.jpg", "7.jpg"]
    assert "404 Not Found" in str(failed[tmp_path / "3.jpg"])
    assert "a web page" in str(failed[tmp_path / "7.jpg"])
    assert [p.name for p, error in failed.items() if isinstance(error, Gone)] == ["3.jpg"]
    server.requests.clear()
    server.troubles.clear()
    server.files |= {"/7.jpg": PHOTO, "/3.jpg": PHOTO}
    for _ in range(2):  # what failed for the moment is there now, the rest is not asked for
        assert [path.name for path in fetch_all(jobs)] == ["3.jpg"]
    assert sorted(request.path for request in server.requests) == ["/5.jpg", "/7.jpg"]
    many.forget(tmp_path)
    assert fetch_all(jobs) == {}
    assert left_in(tmp_path) == sorted(f"{i}.jpg" for i in range(12))


PASSING = [403, 408, 423, 425, 429, 451, 500, 503, 504, "half", "empty", "reset", b"", b"<html>"]
PASSING += [PHOTO[:-500], PHOTO[:2], b"\xff\xd8\xff" + bytes(999)]


@pytest.mark.parametrize("trouble", PASSING, ids=lambda t: t[:8] if isinstance(t, bytes) else t)
def test_passing_trouble_passes(trouble, server, tmp_path, monkeypatch):
    """Nothing of it is kept or remembered: the next run has the photograph."""
    monkeypatch.setattr(web, "BACKOFF", 0.001)
    server.files |= {"/b.jpg": PHOTO, "/a.jpg": PHOTO}
    if isinstance(trouble, bytes):
        server.files["/a.jpg"] = trouble
    else:
        server.troubles["/a.jpg"] = [trouble, ...]
    jobs = [(server.address + name, tmp_path / name) for name in ("a.jpg", "b.jpg")]
    failed = fetch_all(jobs)
    assert [path.name for path in failed] == ["a.jpg"]
    assert "run the command again" in str(failed[tmp_path / "a.jpg"])
    assert left_in(tmp_path) == ["b.jpg"]
    server.troubles.clear()
    server.files["/a.jpg"] = PHOTO
    assert fetch_all(jobs) == {}
    assert (tmp_path / "a.jpg").read_bytes() == PHOTO


def test_a_body_that_ends_itself_is_whole(server, tmp_path):
    """A body in chunks tells its end; one that ends with the connection needs a checksum."""
    server.sizes = False
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY
    server.sizes = True
    server.troubles["/a.jpg"] = ["whole", "whole"]
    with pytest.raises(DownloadError, match="does not say how long the file is"):
        fetch(server.address + "a.jpg", tmp_path / "b.jpg")
    checksum = f"md5:{hashlib.md5(BODY).hexdigest()}"
    fetch(server.address + "a.jpg", tmp_path / "b.jpg", checksum=checksum)
    assert (tmp_path / "b.jpg").read_bytes() == BODY


@pytest.mark.parametrize("trouble", ["drip", "drip headers"])
def test_a_server_that_drips_is_given_up(trouble, server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "WINDOW", 0.3)
    monkeypatch.setattr(web, "HEADERS", 0.3)
    server.troubles["/a.jpg"] = [trouble, ...]
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="less than 1000 bytes a second|does not answer"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg")
    assert time.monotonic() - begun < 9
    server.troubles.clear()
    assert fetch(server.address + "a.jpg", tmp_path / "a.jpg").read_bytes() == BODY


@pytest.mark.parametrize(
    "size", ["1" + "0" * 20, "9" * 5000, "5, 6", "²", "-1"], ids=lambda s: s[:9]
)
def test_an_absurd_length_is_a_sentence(size, server, tmp_path):
    server.troubles["/a.jpg"] = [(200, {"Content-Length": size}), ...]
    with pytest.raises(DownloadError, match="could not be fetched"):
        fetch(server.address + "a.jpg", tmp_path / "a.jpg", most=10**6)


def test_a_photograph_has_a_most(server, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "MOST", 50_000)
    for server.sizes in (True, False):
        failed = fetch_all([(server.address + "a.jpg", tmp_path / "a.jpg")])
        assert "it has more than 0 MB" in str(failed[tmp_path / "a.jpg"])
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("trouble", [403, 500])
def test_a_server_that_refuses_everything_ends_the_run(trouble, server, tmp_path):
    server.troubles |= {f"/{i}.jpg": [trouble, ...] for i in range(100)}
    jobs = [(server.address + f"{i}.jpg", tmp_path / f"{i}.jpg") for i in range(100)]
    with pytest.raises(DownloadError, match=f"21 of 21 photographs failed; .*{trouble}"):
        fetch_all(jobs)
    assert len({request.path for request in server.requests}) < 40
    few = [(server.address + f"{i}.jpg", tmp_path / f"few{i}.jpg") for i in range(10)]
    with pytest.raises(DownloadError, match="10 of 10 photographs failed"):
        fetch_all(few)
    assert len(fetch_all(few[:3])) == 3  # three may have trouble of their own


def test_some_that_never_come_do_not_end_every_run(server, tmp_path):
    """Here are 30, and 12 are refused, run after run: they are 12 of 42, not 12 of 12."""
    server.files |= {f"/{i}.jpg": PHOTO for i in range(42)}
    server.troubles |= {f"/{i}.jpg": [403, ...] for i in range(12)}
    jobs = [(server.address + f"{i}.jpg", tmp_path / f"{i}.jpg") for i in range(41, -1, -1)]
    assert [len(fetch_all(jobs)) for _ in range(3)] == [12, 12, 12]


def test_without_network_a_single_photograph_ends_the_run(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.jpg"
        with pytest.raises(DownloadError, match="1 of 1 photographs failed; .*no connection"):
            fetch_all([(url, tmp_path / "a.jpg")])


def test_a_full_disk_ends_the_run(server, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESERVE", 2**60)
    with pytest.raises(DiskFull):
        fetch_all([(server.address + "a.jpg", tmp_path / f"{i}.jpg") for i in range(5)])


def test_the_server_of_these_tests_keeps_the_rules(server):
    url = server.address + "a.jpg"
    tag = requests.get(url).headers["ETag"]
    answer = requests.get(url, headers={"Range": "bytes=10-", "If-Range": tag})
    assert (answer.status_code, answer.content) == (206, BODY[10:])
    answer = requests.get(url, headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (answer.status_code, answer.content) == (200, BODY)
    assert requests.get(url, headers={"Range": "bytes=999999-"}).status_code == 416
