"""deploy/studio on PostgreSQL and an S3-compatible store: the same studio, by two settings."""

# ruff: noqa: F401, F811  (fixtures are imported)

import io
import threading
import zipfile
from dataclasses import replace

import pytest

pytest.importorskip("fastapi", reason="needs the extra `studio`")

import studio_servers
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from test_studio import (
    PASSWORD,
    count,
    kept,
    opened,
    people,
    picture,
    settings,
    studio_of,
    upload,
    work,
)

from deploy.studio import accounts, backup, housekeeping, jobs, tables
from deploy.studio.tables import Job, Photo


def test_postgresql_and_a_bucket_do_the_same(settings, monkeypatch, tmp_path):
    with studio_servers.postgresql() as database, studio_servers.bucket(monkeypatch) as storage:
        grown = replace(settings, database=database, storage=storage)
        with opened(grown, "Anna") as client:
            studio = studio_of(client)
            with studio.db.engine.connect() as connection:
                context = MigrationContext.configure(connection)
                assert compare_metadata(context, tables.Base.metadata) == []
            address = upload(client, picture(), picture("PNG", seed=1)).headers["location"]
            assert address == "/photos" and count(client, Job) == 2
            people(studio, many=6)
            taken = []

            def worker():
                while job := jobs.claim(studio.db) or jobs.claim(studio.db):
                    taken.append(job.id)

            threads = [threading.Thread(target=worker) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(set(taken)) == len(taken)
            jobs.rescue(studio.db, lease=-1)
            work(client)
            archive = zipfile.ZipFile(io.BytesIO(client.get("/photos.zip").content))
            assert len(archive.namelist()) == 4 and archive.testzip() is None
            assert len(kept(client)) == 10
            assert not (settings.data / "files").exists()
            assert housekeeping.clean(studio, age=-1) == (0, 0)

            accounts.forget(studio.db, studio.storage, _named(client, "many"))
            assert backup.save(studio, tmp_path / "grown.tar") == 10
            client.post("/account/forget", data={"password": PASSWORD})
            assert (count(client, Photo), kept(client)) == (0, [])
            assert backup.restore(studio, tmp_path / "grown.tar") == len(kept(client)) == 10
        with opened(grown) as again:  # the tables are there already
            assert again.get("/healthz").status_code == 200


def _named(client, name):
    with studio_of(client).db.reading() as session:
        return accounts.of_name(session, name)
