"""A worker takes one job at a time from the queue, colorizes, and stores the result.

It may be killed at any moment: files come before the row that shows them, and the job of a silent
worker goes to another one.
"""

import io
import logging
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from sqlalchemy.exc import SQLAlchemyError

from course_utils import files
from course_utils.colorizer import LABEL, Colorizer
from course_utils.photos import PhotoError, opening
from deploy.studio import housekeeping, jobs
from deploy.studio.studio import Studio
from deploy.studio.tables import Job, Photo

PAUSE = 0.3  # seconds between two looks into an empty queue
SMALL = {"view": 1600, "thumb": 480}  # pixels of the longer side
LOSSLESS = (".png", ".tif", ".bmp", ".gif", ".ppm")  # whose result is a PNG; of others a JPEG

log = logging.getLogger("studio")


class Worker:
    """The loop of one worker; `stop` ends it after the job it has."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.stop = studio, threading.Event()

    def run(self) -> None:
        """Work until `stop` is set."""
        cleaned = None
        while not self.stop.is_set():
            try:
                jobs.rescue(self.studio.db, self.studio.settings.lease)
                if cleaned is None or time.monotonic() - cleaned > housekeeping.HOUR:
                    housekeeping.clean(self.studio)
                    cleaned = time.monotonic()
                job = jobs.claim(self.studio.db)
                if job is None:
                    self.stop.wait(PAUSE)
                else:
                    self.work(job)
            except Exception:  # database or storage is away: wait for it, whatever it raises
                log.error("no work done: %s", traceback.format_exc())
                self.stop.wait(10 * PAUSE)

    def work(self, job: Job) -> None:
        """Colorize for one job, and say what came of it."""
        try:
            with self._alive(job):
                self._colorize(job)
        except PhotoError as error:
            jobs.fail(self.studio.db, job, str(error))
        except SQLAlchemyError:
            raise
        except Exception:  # a bug or a full disk: the next attempt may do better
            log.error("job %s: %s", job.id, traceback.format_exc())
            jobs.give_back(self.studio.db, job)

    def _colorize(self, job: Job) -> None:
        db, storage = self.studio.db, self.studio.storage
        with db.reading() as session:
            photo = session.get(Photo, job.photo_id)
        if photo is None:
            return
        model = Colorizer.load(job.model)
        with storage.open(photo.key("original")) as file:
            source = file.read()
        rgb = opening.decode(source, photo.name)
        jobs.beat(db, job, 20)
        self._store_small(photo.key("view"), rgb, "view", None)
        colors = model.colorize(rgb, job.T, job.rebalance)
        jobs.beat(db, job, 80)
        job.suffix = ".png" if photo.suffix in LOSSLESS else ".jpg"
        with tempfile.TemporaryDirectory(prefix="studio-") as folder:
            path = model.save(Path(folder) / f"result{job.suffix}", colors, source)
            n_bytes = path.stat().st_size
            with open(path, "rb") as file:
                storage.put(job.key("result"), file)
        for kind in SMALL:
            self._store_small(job.key(kind), colors, kind, LABEL + model.name)
        sha256 = files.checksums()[f"{model.name}.onnx"]
        if not jobs.finish(db, job, n_bytes, sha256):
            self._remove_unwanted(job)

    def _store_small(self, key: str, rgb: NDArray[np.uint8], kind: str, label: str | None) -> None:
        """A JPEG for the screen, of at most SMALL[kind] pixels; it carries the label too."""
        image, exif = Image.fromarray(rgb), Image.Exif()
        image.thumbnail((SMALL[kind], SMALL[kind]), Image.Resampling.LANCZOS)
        if label:
            exif[ExifTags.Base.ImageDescription] = label
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=88, exif=exif)
        self.studio.storage.put(key, buffer)

    def _remove_unwanted(self, job: Job) -> None:
        """The owner deleted the photograph or the job meanwhile: leave nothing behind."""
        with self.studio.db.reading() as session:
            if session.get(Photo, job.photo_id) is None:
                self.studio.storage.delete(job.photo_id)
            elif session.get(Job, job.id) is None:
                self.studio.storage.delete(*map(job.key, ("result", *SMALL)))

    @contextmanager
    def _alive(self, job: Job) -> Iterator[None]:
        """Give signs of life from a thread of its own, while the work goes on."""
        done = threading.Event()

        def signs() -> None:
            while not done.wait(self.studio.settings.lease / 5):
                try:
                    jobs.beat(self.studio.db, job)
                except SQLAlchemyError:
                    continue  # the next one may get through

        thread = threading.Thread(target=signs, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
