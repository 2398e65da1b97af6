"""The HTTP side: connections that stay open, a thread for each, and an end that waits for all of them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from syncrun.testing.roster_server.wire import CutError

Handle = Callable[["Conversation"], None]


class Conversation(BaseHTTPRequestHandler):
    """One connection. Every request on it goes to the server's `handle`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:  # the name that http.server calls
        """Answer; a cut ends the connection without a word."""
        try:
            self.server.handle(self)
        except CutError:
            self.close_connection = True

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # as above

    def body(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the name that http.server has
        """Nothing is printed."""


class Listener(ThreadingHTTPServer):
    """Listens on the loopback, with or without TLS. `broken` holds what went wrong in a handler through no client."""

    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 128

    def __init__(self, port: int, handle: Handle, context: ssl.SSLContext | None) -> None:
        self.handle = handle
        self.broken: list[BaseException] = []
        self._context = context
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        super().__init__(("127.0.0.1", port), Conversation)

    def start(self) -> None:
        """Listen, in a thread."""
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="roster server")
        self._thread.start()

    def hang_up(self) -> None:
        """Take no more connections and cut those that are open. May be called from any thread."""
        self.shutdown()
        self.socket.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up and wait until all threads have ended."""
        self.hang_up()
        self.server_close()
        if self._thread:
            self._thread.join()

    # -- what socketserver calls --------------------------------------------------------------------------------------

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection; TLS begins in its own thread, so that a client that says nothing keeps nobody waiting."""
        plain, address = super().get_request()
        found = plain
        if self._context:
            found = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(found)
        return found, address

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go when they like; anything else is a fault of ours, or of a test's hook."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.broken.append(error)
