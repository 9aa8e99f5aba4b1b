"""A network between a client and a server: it counts the bytes that pass, and fails where a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Forwards TCP connections; a context manager. It reads only as fast as the other end does.

    `cuts` are numbers of bytes: when the clients have sent so many in all, every connection is cut. With
    `loses_answer_after`, the first answer is lost that comes after so many bytes in all. With `holds_after`, the
    connection that brings so many bytes in all stands still until `go_on`, as if its client had gone without a word.
    """

    def __init__(
        self,
        url: str,
        *,
        cuts: Sequence[int] = (),
        loses_answer_after: int | None = None,
        holds_after: int | None = None,
    ) -> None:
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        #: Bytes of the clients, and of the server.
        self.sent = self.received = 0
        self.cuts_left = sorted(cuts)
        self.loses_answer_after = loses_answer_after
        self.holds_after = holds_after
        #: After so many bytes from the server, a connection is cut; None: never.
        self.cut_answers_after: int | None = None
        self.is_holding = threading.Event()
        self._may_go_on = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self._listener.close()

    def go_on(self) -> None:
        """Let the connection go on that stands still."""
        self._may_go_on.set()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(self._target)
                threading.Thread(target=self._forward, args=(ours, theirs), daemon=True).start()

    def _forward(self, ours: socket.socket, theirs: socket.socket) -> None:
        """Both ends are closed only when nobody reads them: the next connection may get the same number."""
        with ours, theirs:
            with self._lock:
                self._open |= {ours, theirs}
            answering = threading.Thread(target=self._answer, args=(ours, theirs), daemon=True)
            answering.start()
            self._bring(ours, theirs)
            answering.join()
            with self._lock:
                self._open -= {ours, theirs}

    def _bring(self, ours: socket.socket, theirs: socket.socket) -> None:
        with suppress(OSError):
            while data := ours.recv(65536):
                theirs.sendall(data)
                with self._lock:
                    self.sent += len(data)
                    is_cut = bool(self.cuts_left) and self.sent >= self.cuts_left[0]
                    is_held = not is_cut and self.holds_after is not None and self.sent >= self.holds_after
                    if is_cut:
                        del self.cuts_left[0]
                        _shut(*self._open)
                    if is_held:
                        self.holds_after = None
                if is_held:
                    self.is_holding.set()
                    self._may_go_on.wait()
        _shut(ours, theirs)

    def _answer(self, ours: socket.socket, theirs: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := theirs.recv(65536):
                passed += len(data)
                with self._lock:
                    self.received += len(data)
                    is_lost = self.loses_answer_after is not None and self.sent >= self.loses_answer_after
                    if is_lost:
                        self.loses_answer_after = None
                if is_lost or (self.cut_answers_after is not None and passed > self.cut_answers_after):
                    break
                ours.sendall(data)
        _shut(ours, theirs)


def _shut(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
