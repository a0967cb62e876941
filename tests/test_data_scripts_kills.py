"""Kills at 50 random moments of every way to a data set, and runs that meet in one folder."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from data_server import jpeg
from test_data_scripts import Flickr, snapshot
from test_data_scripts_archives import tar

from data_scripts import coco, flickr, imagenette, intel, places

ROOT = Path(__file__).resolve().parents[1]
KILLS = 50

pytestmark = [
    pytest.mark.usefixtures("alone"),
    pytest.mark.stress,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]


def md5(data):
    return "md5:" + hashlib.md5(data).hexdigest()


# Ways to a data set: each prepares the server, and gives the module, names of the module that must
# be set in the child too, arguments, and the name under which a request's answer is kept.


def by_flickr(server, tmp_path, monkeypatch):
    Flickr(server)
    monkeypatch.setenv("FLICKR_API_KEY", "SECRET")

    def kept(request):
        number = request.path[1:].partition("_")[0]
        return f"{1000 + int(number)}-200.jpg" if number.isdecimal() else ""

    names = {"API": server.address + "rest/", "PER_PAGE": 10}
    # 17 is a web page, which is asked for in every run
    return flickr, names, ["--train", "24", "--test", "4", "--size", "200"], kept


def by_coco(server, tmp_path, monkeypatch):
    archive = tmp_path / "annotations.zip"
    licences = '[{"id": 1, "name": "n", "url": "u"}]'
    with zipfile.ZipFile(archive, "w") as zipped:
        for split, ids in (("train2017", range(24)), ("val2017", range(50, 58))):
            rows = ",".join(
                f'{{"file_name": "{i:012}.jpg", "license": 1, "flickr_url": "http://f/{i}"}}'
                for i in ids
            )
            text = f'{{"licenses": {licences}, "images": [{rows}], "spare": "{"x" * 90_000}"}}'
            zipped.writestr(f"annotations/captions_{split}.json", text)
            server.files |= {f"/{split}/{i:012}.jpg": jpeg(i, (320, 240)) for i in ids}
    server.files["/" + coco.ANNOTATIONS] = archive.read_bytes()
    names = {"ADDRESS": server.address, "CHECKSUM": md5(archive.read_bytes())}
    arguments = ["--train", "20", "--test", "6", "--size", "128"]
    return coco, names, arguments, lambda request: request.path.rpartition("/")[2]


def by_imagenette(server, tmp_path, monkeypatch):
    members = {f"s/train/n{i % 2}/{i}.JPEG": jpeg(i) for i in range(40)}
    members |= {f"s/val/n{i % 2}/{i}.JPEG": jpeg(i) for i in range(50, 60)}
    data = tar(tmp_path / "served.tgz", members, "w:gz").read_bytes()
    server.files["/imagenette2-160.tgz"] = data
    archives = imagenette.ARCHIVES | {160: ("imagenette2-160.tgz", md5(data))}
    names = {"ADDRESS": server.address, "ARCHIVES": archives}
    return imagenette, names, ["--size", "110"], lambda request: request.path[1:]


def by_places(server, tmp_path, monkeypatch):
    """A server without Range, tags and lengths: each cut begins anew, and is whole at its end."""
    members = {f"val/{i}.jpg": jpeg(i) for i in range(24)}
    data = tar(tmp_path / "served.tar", members).read_bytes()
    server.files["/val_256.tar"] = data
    server.ranges = server.tags = server.sizes = False
    names = {"ADDRESS": server.address + "val_256.tar", "CHECKSUM": md5(data)}
    return places, names, ["--train", "20", "--test", "4"], lambda request: request.path[1:]


# It kills its own child: a parent's child keeps its number, even dead, until the parent has waited
# for it. From outside, the child may be gone, and its number another process's.
DRIVER = """
import os, signal, sys, time
from data_scripts import web, {module} as module
web.PAUSE, web.BACKOFF, web.SCHEMES = 0, 0.01, ("http", "https")
for name, value in {names!r}.items():
    setattr(module, name, value)
events, last = 0, 0

def count(*_):
    global events
    events += 1
    if events == last:
        os.kill(os.getpid(), signal.SIGKILL)

for moment in sys.stdin:  # imported once, each run is a fork
    kind, number = moment.split()
    if (child := os.fork()) == 0:
        last = int(number) if kind == "events" else 0
        sys.addaudithook(count)
        module.main(sys.argv[1:])
        print("events", events)
        sys.stdout.flush()
        os._exit(0)
    if kind == "seconds":
        time.sleep(float(number))
        os.kill(child, signal.SIGKILL)
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


def killed_until_done(driver, out, server, moments, most):
    """Run until done; SIGKILL at `most` moments: after so many seconds, or when Python opens,
    renames, connects... for the n-th time. For every kill: how many requests there had been, the
    names of whole downloads, and the sizes of halves. And how many events the last run took."""
    kills = []
    while True:
        moment = next(moments) if len(kills) < most else "never 0"
        print(moment, file=driver.stdin, flush=True)
        while not (line := driver.stdout.readline()).startswith("ended"):
            assert line, "the driver itself has ended"
            events = int(line.removeprefix("events ")) if line.startswith("events ") else 0
        if line == "ended 0\n":
            return kills, events
        assert line == f"ended {signal.SIGKILL.value}\n"
        time.sleep(0.05)  # the server's last pieces go nowhere
        kept = list((out / ".downloads").rglob("*"))
        whole = {p.name for p in kept if p.suffix in (".jpg", ".tgz", ".tar", ".zip")}
        halves = {p.stem: p.stat().st_size for p in kept if p.suffix == ".part"}
        kills.append((len(server.requests), whole, halves))


def continued(kills, server, out, kept):
    """How many halves were continued; nothing whole was asked for again after a kill."""
    resumed = 0
    for start, whole, halves in kills:
        later = server.requests[start:]
        assert not {kept(request) for request in later} & whole
        for name, size in halves.items():
            request = next((r for r in later if kept(r) == name), None)
            if request and size and server.ranges and name.endswith((".jpg", ".tgz", ".zip")):
                assert request.range == f"bytes={size}-", (name, size)
                resumed += 1
    return resumed


def _moments(chance, events, seconds):
    while True:
        yield f"events {chance.randint(1, events)}"
        yield f"seconds {chance.uniform(0.005, seconds)}"


@pytest.mark.parametrize("way", [by_flickr, by_coco, by_imagenette, by_places])
def test_killed_at_random_moments(way, server, tmp_path, monkeypatch):
    module, names, arguments, kept = way(server, tmp_path, monkeypatch)
    with monkeypatch.context() as patch:
        for name, value in names.items():
            patch.setattr(module, name, value)
        module.main(["--out", str(tmp_path / "calm"), *arguments])
    calm, pages = snapshot(tmp_path / "calm"), 0
    server.delay = 0.03
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(module=module.__name__.rpartition(".")[2], names=names))
    out, chance = tmp_path / "killed", random.Random(way.__name__)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done, resumed, rounds = 0, 0, 0
    with subprocess.Popen(
        [sys.executable, str(script), "--out", str(out), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as driver:
        begun = time.monotonic()
        _, events = killed_until_done(driver, out, server, iter(()), 0)
        longest = min(1, time.monotonic() - begun)
        moments = _moments(chance, events, longest)
        while done < KILLS:
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(tmp_path / "cache", ignore_errors=True)
            server.requests.clear()
            kills, _ = killed_until_done(driver, out, server, moments, KILLS - done)
            assert snapshot(out) == calm
            left = [p for p in out.rglob("*") if p.suffix in (".half", ".part", ".note")]
            assert left == []
            done, rounds = done + len(kills), rounds + 1
            resumed += continued(kills, server, out, kept)
            if way is by_flickr:
                asked = Counter(r.query.get("max_upload_date") for r in server.requests if r.query)
                pages += sum(asked.values()) - len(asked)
        driver.stdin.close()
    assert pages <= done + rounds  # a kill may swallow an answer
    print(f"{way.__name__}: {done} kills, {rounds} sets, {resumed} downloads continued")


MEETING = """
import os, sys
from data_scripts import intel
for turn in range(20):
    sys.stdout.flush()
    children = []
    for _ in range(3):
        if (child := os.fork()) == 0:
            code = 0
            try:
                intel.main([*sys.argv[2:], "--out", f"{sys.argv[1]}/{turn}"])
            except SystemExit as end:
                code = 1 if "another run is at work" in str(end.code) else 2
            sys.stdout.flush()
            os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert min(codes) == 0 and max(codes) < 2, codes
    print("refused", sum(codes))
"""


def test_runs_that_meet_in_one_folder(tmp_path):
    """Twenty times three runs at once: one builds, the others are told or find all complete."""
    source = tmp_path / "in"
    for split, ids in (("seg_train", range(30)), ("seg_test", range(50, 56))):
        (source / split / "sea").mkdir(parents=True)
        for i in ids:
            (source / split / "sea" / f"{i}.jpg").write_bytes(jpeg(i))
    arguments = ["--from", str(source), "--size", "110"]
    intel.main([*arguments, "--out", str(tmp_path / "calm")])
    (tmp_path / "driver.py").write_text(MEETING)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "driver.py"), str(tmp_path / "out"), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused") == 20 and "refused 2" in done.stdout
    for turn in range(20):
        assert snapshot(tmp_path / "out" / str(turn)) == snapshot(tmp_path / "calm")
    assert not list((tmp_path / "out").rglob("*.half"))
