"""A vendor's release site on the loopback, with archives made on the spot."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bob.toolchain.tools import TOOLS, architecture

Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


def program(name: str, version: str) -> bytes:
    """A program that only says its version, as the real one does."""
    return f"#!/bin/sh\necho '{name} v{version}'\n".encode()


def zipped(member: str, content: bytes) -> bytes:
    """An archive that is the same each time: its files carry the earliest date zip knows."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("LICENSE.txt"), "text")
        archive.writestr(zipfile.ZipInfo(member), content)
    return buffer.getvalue()


def body(content: bytes) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def cut_short(content: bytes) -> Answer:
    """Announce all of it, send half, hang up."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.close_connection = True

    return answer


class VendorSite:
    """Serves `answers` by path, counts requests by file name, else answers 404."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[str] = []
        site = self

        class Service(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append(self.path.rpartition("/")[2])
                queue = site.answers.get(self.path)
                if not queue:
                    self.send_error(404)
                    return
                (queue.pop(0) if len(queue) > 1 else queue[0])(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/mirror"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def archive_name(self, name: str, version: str) -> str:
        return f"{name}_{version}_linux_{architecture()}.zip"

    def publish(self, name: str, version: str = "", content: bytes | None = None) -> str:
        """Serve a correct archive with its sum; return the sum."""
        version = version or TOOLS[name].version
        member = program(name, version) if content is None else content
        archive = zipped(name, member)
        digest = hashlib.sha256(archive).hexdigest()
        self.serve_archive(name, version, body(archive))
        self.serve_sums(name, version, f"{digest}  {self.archive_name(name, version)}\n")
        return digest

    def serve_archive(self, name: str, version: str, *answers: Answer) -> None:
        path = f"/mirror/{name}/{version}/{self.archive_name(name, version)}"
        self.answers[path] = list(answers)

    def serve_sums(self, name: str, version: str, text: str) -> None:
        other = f"{'0' * 64}  {name}_{version}_windows_386.zip\n"
        path = f"/mirror/{name}/{version}/{name}_{version}_SHA256SUMS"
        self.answers[path] = [body((other + text).encode())]
