"""AWS Lambda's Runtime API on this machine: a function runs here as it runs there.

Lambda starts a process, and `awslambdaric` in it asks over HTTP for one event after the other. This
is the other end of that: enough for tests and measurements, and no more.
"""

import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HANDLER = "deploy.serverless.handler.handler"
# What Lambda lays beside a package, in /var/runtime.
RUNTIME = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
START = (
    "import sys, runpy; sys.path[:0] = {paths!r}; sys.argv = ['awslambdaric', {handler!r}]; "
    "runpy.run_module('awslambdaric', run_name='__main__')"
)


def runtime(folder: Path) -> Path:
    """Copy what RUNTIME names from this environment into a folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME:
        found = importlib.util.find_spec(name)
        source = Path(found.origin) if found and found.origin else None
        if source is None:
            raise ImportError('The runtime is missing: pip install "color-from-gray[serverless]".')
        if source.name == "__init__.py":
            shutil.copytree(source.parent, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy(source, folder)
    return folder


class Function:
    """A function that runs from folders alone, and sees nothing else of this environment.

    paths: the unpacked package, and a folder with what RUNTIME names. `invoke` starts the process
    where none runs.
    """

    def __init__(self, paths: list[Path], **environment: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._api())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        start = START.format(paths=[str(path) for path in paths], handler=HANDLER)
        self._command = [sys.executable, "-S", "-P", "-c", start]
        self._environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            **environment,
        }
        self._deadline = 0.0
        self._events, self._answers = queue.Queue(), queue.Queue()
        self.process: subprocess.Popen[str] | None = None
        self.log: list[str] = []

    def __enter__(self) -> "Function":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: dict[str, Any], seconds: float = 30) -> tuple[str, Any]:
        """("response", answer), or ("error", what the runtime tells of it).

        ("timeout", None) where it takes longer, and ("exit", code) where the process ends: both
        leave no process, and the next event starts one.
        """
        if self.process is None:
            self._start()
        self._deadline = time.time() + seconds
        self._events.put(event)
        while time.time() < self._deadline:
            try:
                return self._answers.get(timeout=0.01)
            except queue.Empty:
                code = self.process.poll() if self.process else None
                if code is not None:
                    self.stop()
                    return "exit", code
        self.stop()
        return "timeout", None

    def stop(self) -> None:
        """End the process at once, as Lambda does after a timeout."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self._events.put(None)  # whoever waits for an event on behalf of the dead process

    def _start(self) -> None:
        self._events, self._answers = queue.Queue(), queue.Queue()
        self.process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, output: Any) -> None:
        self.log += (line.rstrip() for line in output)

    def _api(self) -> type[BaseHTTPRequestHandler]:
        function = self

        class Api(BaseHTTPRequestHandler):
            """The addresses that awslambdaric uses."""

            def do_GET(self) -> None:  # .../invocation/next
                event = function._events.get()
                if event is None:
                    return
                body = json.dumps(event).encode()
                self.send_response(200)
                for name, value in {
                    "Aws-Request-Id": uuid.uuid4().hex,
                    "Deadline-Ms": round(1000 * function._deadline),
                    "Invoked-Function-Arn": "arn:aws:lambda:here:0:function:colorize",
                    "Trace-Id": "none",
                }.items():
                    self.send_header(f"Lambda-Runtime-{name}", str(value))
                self.send_header("Content-Type", "application/json")  # without: awslambdaric dies
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:  # .../ID/response, .../ID/error, .../init/error
                answer = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                function._answers.put((self.path.rsplit("/", 1)[1], json.loads(answer or b"null")))

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the function has a log of its own."""

        return Api
