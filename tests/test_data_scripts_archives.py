"""Archives that nobody vouches for: hostile names, bombs, damage, kinds that cannot be read."""

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest
from data_server import jpeg

from data_scripts import archives, files
from data_scripts.archives import unpack
from data_scripts.files import DataError, DiskFull

PHOTOS = {f"set/class{i % 2}/{i}.jpg": jpeg(i) for i in range(6)}
KINDS = ["a.zip", "a.tar", "a.tgz", "a.tar.bz2", "a.tar.xz"]


def tar(path, members, mode="w"):
    """members: {name: bytes, a target of a symbolic link, or a type with a target}."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                pair = (tarfile.SYMTYPE, data) if isinstance(data, str) else data
                info.type, info.linkname = pair
                archive.addfile(info)
    return path


def archived(path, members):
    """An archive of the kind that the path's suffix says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                info = zipfile.ZipInfo(name)
                info.filename = name  # ZipInfo changes some
                if isinstance(data, str):
                    info.external_attr = (stat.S_IFLNK | 0o777) << 16
                if isinstance(data, str | bytes):
                    archive.writestr(info, data)
        return path
    packed = {".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    return tar(path, members, f"w:{packed}")


def unpacked(out):
    """What lies in the one folder of the one archive that was unpacked."""
    [folder] = out.glob("*/*")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".unpacked"
    }


# Names.

REFUSED = {
    "../out.jpg": b"x",
    "/abs.jpg": b"x",
    "//server/share.jpg": b"x",
    "C:/drive.jpg": b"x",
    "C:drive.jpg": b"x",
    "set/../../up.jpg": b"x",
    "back\\..\\..\\up.jpg": b"x",
    "set/a.jpg:stream.jpg": b"x",
    "set/nul.jpg": b"x",
    "COM1/x.jpg": b"x",
    "set/trailing./x.jpg": b"x",
    "set/blank /x.jpg": b"x",
    "set/new\nline.jpg": b"x",
    "set/esc\x1b[2J.jpg": b"x",
    "set/turned\u202egpj.exe.jpg": b"x",
    "set/" + "l" * 250 + ".jpg": b"x",
    "d/" * 40 + "deep.jpg": b"x",
    "set/link.jpg": "/etc/passwd",
}
TAR_ONLY = {
    "set/hard.jpg": (tarfile.LNKTYPE, "set/class0/0.jpg"),
    "set/pipe.jpg": (tarfile.FIFOTYPE, ""),
    "set/disk.jpg": (tarfile.BLKTYPE, ""),
    "set/null.jpg": (tarfile.CHRTYPE, ""),
    os.fsdecode(b"set/\xff\xfe.jpg"): b"x",  # no UTF-8
}
PASSED_OVER = {
    "set/._0.jpg": b"x",
    "__MACOSX/set/0.jpg": b"x",
    "set/readme.txt": b"x",
    "set/run.py": b"x",
    ".unpacked": b"x",
}


@pytest.mark.parametrize("name", KINDS)
def test_unpacking_takes_pictures_and_nothing_else(name, tmp_path, capsys):
    hostile = REFUSED | (TAR_ONLY if name != "a.zip" else {})
    archive = archived(tmp_path / name, {"./set/first.jpg": b"1"} | hostile | PASSED_OVER | PHOTOS)
    out = tmp_path / "deep" / "er" / "out"
    unpack(archive, out)
    assert unpacked(out) == PHOTOS | {"set/first.jpg": b"1"}
    everything = [path for path in tmp_path.rglob("*") if path.is_file() and path != archive]
    assert all(out in path.parents for path in everything)
    told = capsys.readouterr().err
    assert f"{len(hostile)} names were refused, the first is '../out.jpg'" in told


@pytest.mark.parametrize("hostile", sorted(REFUSED | TAR_ONLY), ids=ascii)
def test_each_hostile_name_alone(hostile, tmp_path):
    members = {hostile: (REFUSED | TAR_ONLY)[hostile]} | PHOTOS
    unpack(archived(tmp_path / "a.tar", members), tmp_path / "in" / "out")
    assert unpacked(tmp_path / "in" / "out") == PHOTOS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "in"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_no_file_is_written_over_by_a_later_one(name, tmp_path, capsys):
    """Nor where a system takes two names for one, nor where a name is that of a folder."""
    first = {"set/a.jpg": b"first", "set/b.jpg/x.jpg": b"below", "set/ä.jpg": b"composed"}
    again = {"set/A.JPG": b"other", "set/b.jpg": b"folder", "set/a.jpg/y.jpg": b"file"}
    again |= {"set/a\u0308.jpg": b"decomposed"}
    archive = archived(tmp_path / name, first | again)
    if name == "a.zip":
        with zipfile.ZipFile(archive, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr("set/a.jpg", b"second")
    else:
        tar_of_one = tar(tmp_path / "b.tar", {"set/a.jpg": b"second"}).read_bytes()
        archive.write_bytes(archive.read_bytes().rstrip(b"\0") + bytes(2000))
        data = archive.read_bytes()
        end = -(-len(data.rstrip(b"\0")) // 512) * 512
        archive.write_bytes(data[:end] + tar_of_one)
    unpack(archive, tmp_path / "out")
    assert unpacked(tmp_path / "out") == first
    assert "5 names were refused" in capsys.readouterr().err


def test_an_archive_of_any_name(tmp_path):
    for name in ("..zip", "nul.zip", "é" * 120 + ".zip", os.fsdecode(b"\xff.zip")):
        unpack(archived(tmp_path / name, PHOTOS), tmp_path / "out")
    found = list((tmp_path / "out").rglob("0.jpg"))
    assert len(found) == 4


# Bombs.


def zeros(path, n):
    """A tar.gz whose only picture has n bytes."""
    info = tarfile.TarInfo("a.jpg")
    info.size = n
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(n // 2**20):
            file.write(bytes(2**20))
        file.write(bytes(1024))
    return path


def headers(path, kind, n):
    """A tar whose header says of itself that it has n bytes."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, n
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(200):
            file.write(b"a" * 2**20)
    return path


def bounded(run, most):
    """Run with a limit to the memory that Python takes."""
    tracemalloc.start()
    try:
        return run()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most, f"{peak / 2**20:.0f} MB"


def refused(archive, words, tmp_path):
    def run():
        with pytest.raises(DataError, match=words):
            unpack(archive, tmp_path / "out")

    bounded(run, 40 * 2**20)
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_a_picture_of_many_megabytes_is_refused(tmp_path):
    refused(zeros(tmp_path / "a.tgz", 200 * 2**20), "a.jpg has 200 MB, more than the 64", tmp_path)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(65 * 2**20))
    refused(tmp_path / "b.zip", "a.jpg has 65 MB, more than the 64 that a picture may", tmp_path)


def test_a_sparse_monster_is_refused(tmp_path):
    info = tarfile.TarInfo("a.jpg")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[386:398], block[398:410] = b"00000000000\0", b"00000001000\0"  # where, how many bytes
    block[483:495] = b"\x80" + (300 * 2**30).to_bytes(11, "big")  # the size it has when unpacked
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a.tar").write_bytes(block + bytes(512 + 1024))
    refused(tmp_path / "a.tar", "a.jpg has 307,200 MB", tmp_path)


def test_a_negative_size_is_refused(tmp_path):
    info = tarfile.TarInfo("a.jpg")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 11 + b"\x00"
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a.tar").write_bytes(block + bytes(2048))
    refused(tmp_path / "a.tar", "damaged|more than", tmp_path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME], ids=["pax", "long"])
def test_a_header_without_end_is_refused(kind, tmp_path):
    refused(headers(tmp_path / "a.tgz", kind, 199 * 2**20), "a header without end", tmp_path)


@pytest.mark.parametrize("name", ["a.tgz", "b.zip"])
def test_what_grows_beyond_measure_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SLACK", 2**20)
    archive, n = tmp_path / name, 2**20
    members = {f"{i}.jpg": bytes(n) for i in range(40)}
    if name == "a.tgz":
        tar(archive, {"readme.txt": bytes(40 * n)}, "w:gz")  # passed over, but read
    else:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for member, data in members.items():
                opened.writestr(member, data)
    with pytest.raises(DataError, match="grows to more than 100 times its size"):
        unpack(archive, tmp_path / "out")


def test_zeros_after_the_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SLACK", 2**20)
    data = tar(tmp_path / "a.tar", PHOTOS).read_bytes()
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(data)
        for _ in range(60):
            file.write(bytes(2**20))
    with pytest.raises(DataError, match="grows to more than 100 times its size"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBERS", 100)
    for name in ("a.zip", "a.tgz"):
        archive = archived(tmp_path / name, {f"{i}.txt": b"" for i in range(101)})
        with pytest.raises(DataError, match="holds more than 100 files"):
            unpack(archive, tmp_path / "out")


def test_files_that_lie_over_each_other(tmp_path):
    """A zip bomb of the newer kind: every name points at the same bytes."""
    data = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = data.compress(bytes(30 * 2**20)) + data.flush()
    crc = zlib.crc32(bytes(30 * 2**20))
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(packed), 30 * 2**20, 5, 0)
    body, central = local + b"0.jpg" + packed, b""
    for i in range(200):
        name = b"%d.jpg" % i
        head = (b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(packed), 30 * 2**20, len(name))
        central += struct.pack("<4s6H3L5H2L", *head, 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 200, 200, len(central), len(body), 0)
    (tmp_path / "a.zip").write_bytes(body + central + end)
    with pytest.raises(DataError, match="grows to more than 100 times|damaged"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.jpg"))) < 5


# Kinds, damage, disks.


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_the_same(name, tmp_path):
    unpack(archived(tmp_path / name, PHOTOS), tmp_path / "out")
    assert unpacked(tmp_path / "out") == PHOTOS


def patched(archive, offset_in_local, offset_in_central, value):
    """A zip with another number in the headers of all its files."""
    data = bytearray(archive.read_bytes())
    for sign, offset in ((b"PK\3\4", offset_in_local), (b"PK\1\2", offset_in_central)):
        start = -1
        while (start := data.find(sign, start + 1)) >= 0:
            data[start + offset : start + offset + 2] = struct.pack("<H", value)
    archive.write_bytes(data)
    return archive


@pytest.mark.parametrize("flag", [0x1, 0x41], ids=["encrypted", "strongly"])
def test_an_encrypted_zip_is_a_sentence(flag, tmp_path):
    archive = patched(archived(tmp_path / "a.zip", PHOTOS), 6, 8, flag)
    with pytest.raises(DataError, match=r"a.zip is encrypted: unpack it yourself and .* --from"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("method", [1, 9, 93, 97, 98])
def test_an_unknown_method_is_a_sentence(method, tmp_path):
    archive = patched(archived(tmp_path / "a.zip", PHOTOS), 8, 10, method)
    with pytest.raises(DataError, match=f"method {method}, which Python cannot read: unpack it"):
        unpack(archive, tmp_path / "out")


OTHER = {
    "empty": b"",
    "text": b"text",
    "page": b"<html>log in first</html>" * 100,
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(600),
    "rar": b"Rar!\x1a\x07\x01\x00" + bytes(600),
    "zst": b"\x28\xb5\x2f\xfd" + bytes(600),
    "bz2 of text": bz2.compress(b"text" * 300),
    "xz of text": lzma.compress(b"text" * 300),
    "no bz2": b"BZh9" + bytes(99),
    "no xz": b"\xfd7zXZ\x00" + bytes(99),
}


@pytest.mark.parametrize("kind", OTHER)
def test_what_is_no_archive_is_a_sentence(kind, tmp_path):
    (tmp_path / "a.tar").write_bytes(OTHER[kind])
    words = r"a.tar is damaged or no zip, .tar, .tar.gz, .tar.bz2 or .tar.xz \(.*\): delete it and"
    with pytest.raises(DataError, match=words):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_archive(name, tmp_path):
    archive = archived(tmp_path / name, PHOTOS)
    data = archive.read_bytes()
    middle = len(data) // 2
    for damaged in (data[:middle], data[:middle] + bytes(99) + data[middle + 99 :]):
        if name == "a.tar" and len(damaged) == len(data):
            continue  # a tar has no checksum of its contents
        archive.write_bytes(damaged)
        with pytest.raises(
            DataError, match=f"{name} is damaged or no zip.*: delete it and get it again"
        ):
            unpack(archive, tmp_path / "out")
    archive.write_bytes(data)
    folder = unpack(archive, tmp_path / "out")
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.jpg")}
    assert found == PHOTOS  # nothing of the damaged one is among them


@pytest.mark.parametrize("name", KINDS)
def test_any_damage_is_a_sentence(name, tmp_path):
    """Bytes changed, lost and added at random: right pictures, or a sentence."""
    members = {"set/0.jpg": b"0" * 700, "set/1.jpg": b"1" * 100, "set/" + "n" * 120 + ".jpg": b"2"}
    data = archived(tmp_path / name, members).read_bytes()
    chance = random.Random(name)
    archive, told = tmp_path / ("x" + name), 0
    for i in range(150):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 3, 30))):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.choice((0, 1, 1, 4))] = chance.randbytes(chance.choice((1, 4)))
        archive.write_bytes(damaged)
        try:
            unpack(archive, tmp_path / "out" / str(i))
        except DataError:
            told += 1
    assert told > 20
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and tmp_path / "out" not in p.parents]
    assert {p.name for p in outside} == {name, "x" + name}


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_unpacking_goes_on(name, tmp_path, monkeypatch):
    archive = archived(tmp_path / name, PHOTOS)
    written = []

    def recorded(path, data, original=files.write_whole):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(path.name)
        original(path, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(archives, "write_whole", recorded)
        unpack(archive, tmp_path / "out")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.jpg")}
    assert len(before) == 4
    for _ in range(2):
        unpack(archive, tmp_path / "out")
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert unpacked(tmp_path / "out") == PHOTOS
    monkeypatch.setattr(archives, "_members", None)  # done: it is not even opened
    unpack(archive, tmp_path / "out")


def test_another_archive_of_the_same_name_takes_nothing_away(tmp_path):
    unpack(archived(tmp_path / "a.zip", PHOTOS), tmp_path / "out")
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*.jpg")}
    folder = unpack(archived(tmp_path / "a.zip", {"set/0.jpg": b"other"}), tmp_path / "out")
    assert [p.read_bytes() for p in folder.rglob("*.jpg")] == [b"other"]
    assert {p: p.read_bytes() for p in before} == before


def test_a_disk_without_room_ends_unpacking(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESERVE", 2**60)
    with pytest.raises(DiskFull, match="needs .* MB of free disk, and / has"):
        unpack(archived(tmp_path / "a.tgz", PHOTOS), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.*"))


def test_one_file_of_a_zip(tmp_path):
    archived(tmp_path / "a.zip", {"a/b.json": b"{}"})
    assert archives.member(tmp_path / "a.zip", "a/b.json", 10) == b"{}"
    with pytest.raises(DataError, match="has more than 0 MB"):
        archives.member(tmp_path / "a.zip", "a/b.json", 1)
    with pytest.raises(DataError, match="damaged or no zip"):
        archives.member(tmp_path / "a.zip", "a/c.json", 10)
