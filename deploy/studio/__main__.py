"""python -m deploy.studio serve | worker | admin …"""

import argparse
import logging
import signal
import socket
import sys

from deploy.studio import admin
from deploy.studio.settings import SEPARATE, Settings, SettingsError
from deploy.studio.studio import Studio, StudioError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.studio", description="The studio.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="open the studio on this machine")
    serve.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets phones of the house in")
    serve.add_argument("--port", type=int, default=8000)
    commands.add_parser("worker", help="one more process that colorizes")
    admin.add_commands(commands.add_parser("admin", help="accounts, jobs, backup"))
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        settings = Settings.read()
        if given.command == "serve":
            return _serve(settings, given.host, given.port)
        if given.command == "worker":
            return _work(settings)
        return admin.run(settings, given)
    except (SettingsError, StudioError) as error:
        print(error, file=sys.stderr)
        return 2


def _serve(settings: Settings, host: str, port: int) -> int:
    import uvicorn

    from deploy.studio.app import create_app

    Studio.open(settings).db.engine.dispose()  # a wrong setting is told in one sentence
    local = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host

    class Server(uvicorn.Server):
        """Says where it is when it is."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(f"The studio is open at {settings.url or f'http://{local}:{port}'}", flush=True)
            if settings.workers == SEPARATE:
                print("`python -m deploy.studio worker` colors its photographs.", flush=True)

    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        access_log=False,  # `guard` writes one without queries
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.proxy),
        forwarded_allow_ips=settings.proxy or None,
        timeout_graceful_shutdown=10,
    )
    server = Server(config)
    server.run()
    return 0 if server.started else 1


def _work(settings: Settings) -> int:
    from deploy.studio.worker import Worker

    worker = Worker(Studio.open(settings))
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stop.set())
    print("Waiting for photographs (Ctrl+C ends after the one in work).", flush=True)
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
