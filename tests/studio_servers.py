"""PostgreSQL and an S3-compatible server for tests of deploy/studio, both on this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import pytest


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database in a new cluster; skips where PostgreSQL is missing."""
    places = sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True)
    path = os.pathsep.join([*places, os.environ.get("PATH", "")])
    initdb, pg_ctl = (shutil.which(name, path=path) for name in ("initdb", "pg_ctl"))
    if not initdb or not pg_ctl:
        pytest.skip("needs PostgreSQL")
    user = _unprivileged()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="studio-pg-", dir="/tmp"))
    try:
        if user:
            shutil.chown(folder, user)
        run = {"user": user, "check": True, "capture_output": True, "cwd": folder}
        data = str(folder / "data")
        subprocess.run([initdb, "-D", data, "-U", "studio", "-A", "trust", "-N"], **run)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        start = [pg_ctl, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start"]
        subprocess.run(start, **run)
        try:
            yield f"postgresql+psycopg://studio@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str | None:
    """Whom to run PostgreSQL as: it refuses to start for root."""
    return ("postgres" if _known("postgres") else "nobody") if os.geteuid() == 0 else None


def _known(user: str) -> bool:
    import pwd

    return any(entry.pw_name == user for entry in pwd.getpwall())


@contextmanager
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket; the environment says where its server is."""
    server_of_moto = pytest.importorskip("moto.server", reason="needs moto")
    pytest.importorskip("s3fs", reason="needs s3fs")
    import boto3

    server = server_of_moto.ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        values = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        place = {"LocationConstraint": "eu-central-1"}
        boto3.client("s3").create_bucket(Bucket="studio", CreateBucketConfiguration=place)
        yield "s3://studio/files"
    finally:
        server.stop()
