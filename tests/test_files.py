"""files.write: whole or not at all, first come first kept, and nothing left over."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from course_utils import files


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def test_new_takes_no_name_that_is_taken(tmp_path):
    victim = tmp_path / "victim"
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(victim)  # leads nowhere: writing through it would make a file
    (tmp_path / "folder").mkdir()
    for name in ("file", "link", "folder"):
        with pytest.raises(FileExistsError):
            files.write(tmp_path / name, b"new", new=True)
    assert not victim.exists() and (tmp_path / "file").read_bytes() == b"old"
    assert files.write(tmp_path / "free", b"new", new=True).read_bytes() == b"new"
    assert names(tmp_path) == ["file", "free", "link"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "x").symlink_to(victim)
    files.write(tmp_path / "x", b"new")
    assert victim.read_bytes() == b"mine" and not (tmp_path / "x").is_symlink()


def test_a_disk_without_hard_links(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)
    assert files.write(tmp_path / "x", b"1", new=True).read_bytes() == b"1"
    with pytest.raises(FileExistsError):
        files.write(tmp_path / "x", b"2", new=True)
    assert names(tmp_path) == ["x"] and (tmp_path / "x").read_bytes() == b"1"


def test_of_many_that_write_one_new_file_one_wins_and_nobody_sees_half(tmp_path):
    path, won, seen = tmp_path / "x", [], set()
    done = threading.Event()

    def write(number):
        try:
            files.write(path, bytes([number]) * 10**6, new=True)
            won.append(number)
        except FileExistsError:
            pass

    def watch():
        while not done.is_set():
            if path.exists():
                seen.add(len(path.read_bytes()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    writers = [threading.Thread(target=write, args=[n]) for n in range(16)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    watcher.join()
    assert len(won) == 1 and path.read_bytes() == bytes(won) * 10**6
    assert seen <= {10**6} and names(tmp_path) == ["x"]


def test_a_full_disk_leaves_nothing(tmp_path):
    def full(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    for new in (False, True):
        with pytest.raises(OSError, match="No space"):
            files.write(tmp_path / "x", full, new=new)
    assert names(tmp_path) == []


HANGING = """
import sys, time
from course_utils import files
def slow(file):
    file.write(b"half"); file.flush(); print("begun", flush=True); time.sleep(60)
files.write(sys.argv[1], slow)
"""


def test_what_a_kill_left_is_swept_and_what_is_being_written_is_not(tmp_path):
    target = tmp_path / "deep" / ("é" * 127)  # 254 bytes: as long as a name may be
    arguments = [sys.executable, "-c", HANGING, str(target)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"begun\n"
        assert len(names(tmp_path)) == 1
        files.sweep(tmp_path)
        assert len(names(tmp_path)) == 1
        process.kill()
    assert len(names(tmp_path)) == 1
    files.sweep(tmp_path)
    assert names(tmp_path) == []


def test_sweeping_removes_nothing_else(tmp_path):
    for name in (
        ".x.part",
        "x.0123456789ab.part",
        ".x.0123456789aB.part",
        ".x.0123456789ab.partial",
    ):
        (tmp_path / name).write_bytes(b"mine")
    os.symlink(tmp_path / ".x.part", tmp_path / ".link.0123456789ab.part")
    os.mkfifo(tmp_path / ".pipe.0123456789ab.part")
    before = names(tmp_path)
    files.sweep(tmp_path)
    files.sweep(tmp_path / "missing")
    assert names(tmp_path) == before
    (tmp_path / ".ours.0123456789ab.part").touch()
    files.sweep(tmp_path)
    assert names(tmp_path) == before


def test_sweeping_while_others_begin(tmp_path):
    """A file that is swept before its writer could lock it is begun again."""
    done = threading.Event()

    def sweep():
        while not done.is_set():
            files.sweep(tmp_path)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    for number in range(300):
        files.write(tmp_path / f"{number}", b"x", new=True)
    done.set()
    sweeper.join()
    assert len(names(tmp_path)) == 300


def test_rights_are_those_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    assert files.write(tmp_path / "x", b"").stat().st_mode == plain.stat().st_mode
    assert Path(files.write(tmp_path / "y", "", new=True)).stat().st_mode == plain.stat().st_mode
