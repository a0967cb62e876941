"""The studio when it is killed, when a hundred people come at once, and when one person has a lot.

    python -m benchmarks.studio [kills] [load] [fairness]      all three, if none is named

It starts `python -m deploy.studio` as its users do, on 127.0.0.1, in a folder that is removed
afterwards. Kills are SIGKILL, at moments that a seed chooses, to the server or to a worker, while
pictures are uploaded and colored. An upload counts as accepted when its answer arrived, a result as
finished when its page said so. RSS is the highest resident memory of the server's process, which
colorizes too; it needs Linux. Seconds are those of a clock on a machine that may do other things.
"""

import io
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "three plain words"
KILLS, PEOPLE, MANY, SEED = 20, 100, 100, 0
LEASE = 3  # seconds of silence after which a job goes to another worker
PATIENCE = 900  # seconds for anything at all, on a machine that does other things too
GONE = (httpx.TransportError,)  # what a killed server looks like from outside


class Kills(NamedTuple):
    """What became of uploads and results while processes were killed."""

    server: int  # kills of the server
    worker: int  # of the worker
    accepted: int  # uploads whose answer arrived
    unanswered: int  # uploads that a kill cut off; kept or not, but never in part
    lost: list[str]  # accepted, but not there at the end with their very bytes
    unfinished: list[str]  # accepted, but not colored at the end
    changed: list[str]  # results that were there once and were gone or different later
    doubled: list[str]  # photographs with another number of colorings than one
    partial: list[str]  # photographs without their file or their coloring


class Load(NamedTuple):
    """What a crowd saw."""

    people: int
    served: int  # who got their picture in color
    seconds: float  # from the first request to the last picture
    upload: tuple[float, float]  # seconds until an upload was answered: median, longest
    page: tuple[float, float]  # until a page was
    picture: list[float]  # of each person, from sending the photograph to having it in color
    idle_mb: float  # resident memory before
    most_mb: float  # and at most


class Fairness(NamedTuple):
    """What a person with one photograph waited for, behind one with many."""

    many: int
    before: int  # photographs of the other person that were colored in the meantime
    seconds: float


class Person:
    """A browser: registered, uploading, looking. Requests raise GONE while the server is away."""

    def __init__(self, address: str, name: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=PATIENCE)
        self.seconds: dict[str, list[float]] = {"upload": [], "page": []}
        answer = self._timed("page", "POST", "/register", data={"name": name, "password": PASSWORD})
        if answer.status_code != 303:
            raise RuntimeError(f"{name} could not register: {answer.status_code}")

    def upload(self, name: str, content: bytes) -> str | None:
        """The photograph's id, None for a zip file of several; RuntimeError if it is refused."""
        files = {"pictures": (name, content)}
        answer = self._timed("upload", "POST", "/photos", files=files)
        if answer.status_code != 303:
            raise RuntimeError(f"{name} was refused: {answer.status_code} {answer.text[-500:]}")
        return answer.headers["location"].removeprefix("/photos").lstrip("/") or None

    def jobs(self, photo: str) -> list[dict]:
        """[{id, status, progress}] of a photograph."""
        answer = self._timed("page", "GET", "/photos/states", params={"id": photo})
        return answer.raise_for_status().json()["jobs"]

    def file(self, address: str) -> bytes | None:
        """What lies at an address, or None."""
        answer = self.http.get(address)
        return answer.content if answer.status_code == 200 else None

    def ids(self) -> list[str]:
        """The ids of all photographs, from the pages of the history."""
        found: list[str] = []
        while True:
            page = self.http.get("/photos", params={"page": 1 + len(found) // 24}).text
            new = dict.fromkeys(re.findall(r"/photos/([0-9a-f]{32})", page))
            if not set(new) - set(found):
                return found
            found += [photo for photo in new if photo not in found]

    def _timed(self, what: str, *arguments, **options) -> httpx.Response:
        begun = time.monotonic()
        answer = self.http.request(*arguments, **options)
        self.seconds[what].append(time.monotonic() - begun)
        return answer


def picture(seed: int, size: tuple[int, int] = (96, 64)) -> bytes:
    """A small photograph (JPEG), another one for each seed."""
    rough = np.random.default_rng(seed).integers(0, 256, (6, 9), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rough).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


# Processes


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="studio-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(data: Path, *command: str, **settings: str) -> subprocess.Popen:
    """`python -m deploy.studio COMMAND` with its own folder and settings."""
    environment = os.environ | {"STUDIO_DATA": str(data), "OMP_NUM_THREADS": "1"} | settings
    with open(data / f"{command[0]}.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.studio", *command],
            cwd=ROOT, env=environment, stdout=log, stderr=log,
        )  # fmt: skip


def wait_until_open(address: str, server: subprocess.Popen) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"{address}/healthz", timeout=5).status_code == 200:
                return
        except GONE:
            time.sleep(0.05)
    raise RuntimeError("the server did not open")


@contextmanager
def a_server(data: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A studio with everything in one process: its address and the process."""
    port = free_port()
    address, server = f"http://127.0.0.1:{port}", start(data, "serve", "--port", str(port))
    try:
        wait_until_open(address, server)
        yield address, server
    finally:
        server.kill()
        server.wait()


def resident_mb(process: subprocess.Popen, line: str = "VmHWM") -> float:
    """The most memory (MB) that a process had at once, or with VmRSS has now."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(rf"{line}:\s+(\d+)", status)[0]) / 1000


# The three measurements


def kills(count: int = KILLS, seed: int = SEED) -> Kills:
    """Kill the server or its worker `count` times while one person uploads and looks."""
    chance = random.Random(seed)
    with a_folder() as data:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        commands = {"server": ("serve", "--port", str(port)), "worker": ("worker",)}
        settings = {"STUDIO_WORKERS": "separate", "STUDIO_LEASE": str(LEASE)}
        running = {}
        try:
            for role, command in commands.items():
                running[role] = start(data, *command, **settings)
            wait_until_open(address, running["server"])
            crowd = _Uploader(address)
            thread = threading.Thread(target=crowd.run)
            thread.start()
            killed = []
            for _ in range(count):
                crowd.wait_for_an_upload()  # or a slow machine would only start and stop
                time.sleep(chance.uniform(0, 1.5))
                killed.append(chance.choice(["server", "worker"]))
                running[killed[-1]].send_signal(signal.SIGKILL)
                running[killed[-1]].wait()
                running[killed[-1]] = start(data, *commands[killed[-1]], **settings)
                if killed[-1] == "server":
                    wait_until_open(address, running["server"])
            crowd.stop.set()
            thread.join()
            return crowd.report(killed)
        finally:
            for process in running.values():
                process.kill()
                process.wait()


class _Uploader:
    """One person who uploads and looks without pause, through all failures."""

    def __init__(self, address: str) -> None:
        self.person, self.stop = Person(address, "Anna"), threading.Event()
        self.accepted: dict[str, bytes] = {}  # content by id of the photograph
        self.unanswered = 0
        self.results: dict[str, bytes] = {}  # by id of the coloring, when it was first finished
        self.changed: list[str] = []

    def run(self) -> None:
        seed = 0
        while not self.stop.is_set():
            seed += 1
            content = picture(seed)
            try:
                photo = self.person.upload(f"{seed}.jpg", content)
                self.accepted[photo or ""] = content
            except httpx.ConnectError:
                time.sleep(0.05)  # it never arrived
            except GONE:
                self.unanswered += 1
            try:
                self.look(list(self.accepted)[-5:])
            except GONE:
                pass
            time.sleep(0.1)

    def wait_for_an_upload(self) -> None:
        """Wait until one more was accepted."""
        before, until = len(self.accepted), time.monotonic() + PATIENCE
        while len(self.accepted) == before and time.monotonic() < until:
            time.sleep(0.02)

    def look(self, photos: list[str]) -> bool:
        """Note results that are new, and whether older ones are as they were; True if all are."""
        finished = True
        for photo in photos:
            for job in self.person.jobs(photo):
                name, done = job["id"], job["status"] == "done"
                finished &= done
                if name in self.results and not done:
                    self.changed.append(name)
                elif done:
                    result = self.person.file(f"/colorings/{name}/result") or b""
                    if self.results.setdefault(name, result) != result or not result:
                        self.changed.append(name)
        return finished

    def report(self, killed: list[str]) -> Kills:
        """Wait until everything is colored, then count."""
        until, person = time.monotonic() + PATIENCE, self.person
        photos = person.ids()
        while not self.look(photos) and time.monotonic() < until:
            if all(j["status"] in ("done", "failed") for p in photos for j in person.jobs(p)):
                break
            time.sleep(0.5)
        jobs = {photo: person.jobs(photo) for photo in photos}
        done = {p for p, all_of in jobs.items() if [j["status"] for j in all_of] == ["done"]}
        originals = {photo: person.file(f"/photos/{photo}/original") for photo in photos}
        shown = {photo: person.file(f"/photos/{photo}/view") for photo in photos}
        return Kills(
            killed.count("server"),
            killed.count("worker"),
            len(self.accepted),
            self.unanswered,
            [photo for photo, content in self.accepted.items() if originals.get(photo) != content],
            sorted(set(self.accepted) - done),
            self.changed,
            [photo for photo, all_of in jobs.items() if len(all_of) != 1],
            [photo for photo in photos if not (originals[photo] and shown[photo])],
        )


def load(people: int = PEOPLE) -> Load:
    """So many people at once register, upload one picture, wait and fetch it in color."""
    with a_folder() as data, a_server(data) as (address, server):
        idle, begun = resident_mb(server), time.monotonic()

        def visit(number: int) -> Person | None:
            person = Person(address, f"person {number}")
            sent = time.monotonic()
            photo = person.upload("a.jpg", picture(number, (1200, 800)))
            until = sent + PATIENCE
            while time.monotonic() < until:
                [job] = person.jobs(photo or "")
                if job["status"] == "done":
                    result = person.file(f"/colorings/{job['id']}/result")
                    person.seconds["picture"] = [time.monotonic() - sent]
                    return person if result and result[:2] == b"\xff\xd8" else None
                time.sleep(2)
            return None

        with ThreadPoolExecutor(people) as crowd:
            served = [person for person in crowd.map(visit, range(people)) if person]
        seconds = time.monotonic() - begun

        def spread(what: str) -> tuple[float, float]:
            times = sorted(took for person in served for took in person.seconds[what])
            return times[len(times) // 2], times[-1]

        waits = [person.seconds["picture"][0] for person in served]
        said = spread("upload"), spread("page"), waits
        return Load(people, len(served), seconds, *said, idle, resident_mb(server))


def fairness(many: int = MANY) -> Fairness:
    """One person uploads many photographs, then another one uploads one."""
    with a_folder() as data, a_server(data) as (address, _):
        database = sqlite3.connect(data / "studio.sqlite")
        rich, poor = Person(address, "with many"), Person(address, "with one")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for number in range(many):
                archive.writestr(f"{number}.jpg", picture(number))
        rich.upload("many.zip", buffer.getvalue())
        begun = time.monotonic()
        photo = poor.upload("one.jpg", picture(many)) or ""
        while poor.jobs(photo)[0]["status"] != "done":
            if time.monotonic() > begun + PATIENCE:
                raise RuntimeError("the photograph was not colored")
            time.sleep(0.05)
        seconds = time.monotonic() - begun
        [own] = database.execute("SELECT created, finished FROM jobs WHERE photo_id = ?", [photo])
        others = database.execute("SELECT finished FROM jobs WHERE photo_id != ?", [photo])
        finished = [at for (at,) in others]
        database.close()
        before = sum(at is not None and own[0] < at < own[1] for at in finished)
        return Fairness(len(finished), before, seconds)


def main() -> None:
    wanted = sys.argv[1:] or ["kills", "load", "fairness"]
    if unknown := set(wanted) - {"kills", "load", "fairness"}:
        sys.exit(f"There is no measurement {min(unknown)!r}: name kills, load or fairness.")
    if "kills" in wanted:
        k = kills()
        print(f"{k.server + k.worker} kills (server {k.server}, worker {k.worker}), seed {SEED}")
        print(f"{k.accepted:6} uploads accepted, {k.unanswered} cut off")
        for name in ("lost", "unfinished", "changed", "doubled", "partial"):
            print(f"{len(getattr(k, name)):6} {name}")
    if "load" in wanted:
        n = load()
        print(f"{n.people} people at once: {n.served} served in {n.seconds:.0f} s")
        print(
            f"{n.upload[0]:6.1f} s until an upload was answered (median; longest {n.upload[1]:.1f})"
        )
        print(f"{n.page[0]:6.1f} s until a page was (median; longest {n.page[1]:.1f})")
        print(f"{sorted(n.picture)[len(n.picture) // 2]:6.1f} s until a picture was (median)")
        print(f"{n.most_mb:6.0f} MB resident at most, {n.idle_mb:.0f} MB before")
    if "fairness" in wanted:
        f = fairness()
        print(f"one photograph behind {f.many} of somebody else: {f.seconds:.1f} s,")
        print(f"{f.before:6} of the others were colored meanwhile")


if __name__ == "__main__":
    main()
