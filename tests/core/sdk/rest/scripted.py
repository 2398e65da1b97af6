"""A small HTTP server that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from syncrun.sdk.rest import Bearer, Client, HostBudget


@dataclass
class Reply:
    """What to answer. `raw` is sent as it is, in place of status line, headers and body; `length` lies about the body's;
    `chunks` come one by one, with `pause` before each."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None

    @property
    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Scripted:
    """`answers[path]` is a list of replies, the last of which stays, or a function of what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Reply] | Callable[[Asked], Reply]] = {}
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                reply = scripted._reply(Asked(self.command, self.path, dict(self.headers), body))
                content = reply.bytes
                self.send_response_only(reply.status)
                self.send_header("Content-Length", str(len(content) if reply.length is None else reply.length))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content if reply.cut is None else content[: reply.cut])
                if reply.cut is not None or (reply.length or 0) > len(content):
                    self.close_connection = True

            do_POST = do_GET

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # clients that hang up are part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            script = self.answers.get(asked.path, [Reply(404)])
            if not callable(script):
                return script.pop(0) if len(script) > 1 else script[0]
        return script(asked)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Watch:
    """A clock that stands still but for those who wait by it, and remembers their waits."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


def client_for(server: Scripted, watch: Watch, auth: Any = None, **more: Any) -> Client:
    """A client of the server's base `/api` that waits by the watch."""
    more.setdefault("budget", HostBudget(clock=watch))
    return Client(f"{server.url}/api", auth or Bearer("token-1"), wait=watch.wait, clock=watch, **more)


def real_seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
