"""The mainboard's line to its BMC: commands that come in, IPMI requests that go out."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from bob.sandbox import vmcodec

ANSWER_SECONDS = 3.0


class BmcLink:
    """Speaks the VM codec over one TCP connection. Requests may come from several threads."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        self._connection = connection
        self._sequence: Iterator[int] = itertools.cycle((*range(1, 256), 0))
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self._answered = threading.Condition()
        self._answers: dict[int, bytes] = {}
        connection.sendall(vmcodec.GREETING)

    def commands(self) -> Iterator[int]:
        """Yield the BMC's commands until it goes away; answers are handed to those who asked."""
        decoder = vmcodec.Decoder()
        while data := self._receive():
            for end, frame in decoder.feed(data):
                if end == vmcodec.COMMAND_END and frame:
                    yield frame[0]
                elif end == vmcodec.MESSAGE_END and (answer := vmcodec.response(frame)):
                    with self._answered:
                        self._answers[answer[0]] = answer[1]
                        self._answered.notify_all()

    def send(self, netfn: int, command: int, data: bytes = b"") -> int:
        """Send a request without waiting for its answer; return its sequence number."""
        with self._sending:
            sequence = next(self._sequence)
            try:
                self._connection.sendall(vmcodec.request(sequence, netfn, command, data))
            except OSError:
                return -1  # the BMC is gone; `commands` ends too
        return sequence

    def ask(self, netfn: int, command: int, data: bytes = b"") -> bytes | None:
        """Completion code and data of the answer; None when none came within three seconds."""
        with self._asking, self._answered:
            sequence = self.send(netfn, command, data)
            self._answered.wait_for(lambda: sequence in self._answers, timeout=ANSWER_SECONDS)
            return self._answers.pop(sequence, None)

    def serve(self, path: Path) -> None:
        """In-band IPMI for programs in the host: a line `netfn command data…` in hex each.

        Answered by a line of hex beginning with the completion code, or by `timeout`.
        """
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        path.chmod(0o600)
        server.listen()
        while True:
            client, _ = server.accept()
            threading.Thread(target=self._serve_client, args=(client,), daemon=True).start()

    def _serve_client(self, client: socket.socket) -> None:
        with client, client.makefile("rw") as stream:
            for line in stream:
                try:
                    netfn, command, *data = (int(word, 16) for word in line.split())
                    answer = self.ask(netfn, command, bytes(data))
                except ValueError:
                    break
                stream.write((answer.hex(" ") if answer else "timeout") + "\n")
                stream.flush()

    def _receive(self) -> bytes:
        try:
            return self._connection.recv(4096)
        except OSError:
            return b""
