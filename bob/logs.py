"""The debug log: one file per run of a command, JSON lines, named by every error message.

Nothing is logged to the terminal; a daemon writes the same lines to its journal. Values that look
like secrets are replaced before they are written; the names of such fields are listed in
`SECRET_WORDS`.
"""

from __future__ import annotations

import datetime
import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from bob import __version__, paths
from bob.errors import BobError

SECRET_WORDS = re.compile(r"(token|secret|password|passphrase|private|encrypt|gossip)", re.I)
URL_LOGIN = re.compile(r"://[^/@\s]+@")
KEPT_LOGS = 50

_file: Path | None = None
structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[])  # until start()


def start(command: str, folder: Path | None = None) -> Path:
    """Open the log file of this run (mode 0600) and return its path."""
    global _file
    folder = folder or paths.state_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    _file = folder / f"{stamp}-{command}-{os.getpid()}.log"
    _write_to(os.fdopen(os.open(_file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "w"))
    for old in sorted(folder.glob("*.log"))[:-KEPT_LOGS]:
        old.unlink(missing_ok=True)
    return _file


def start_daemon() -> None:
    """Write to standard output, which is the journal; each start is told there.

    A daemon with nothing to report says nothing else: its journal would be empty.
    """
    _write_to(sys.stdout)
    get().info("starting", version=__version__)


def _write_to(stream: TextIO) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


def file() -> Path | None:
    """The log file of this run, if one was opened."""
    return _file


def get() -> Any:
    """A logger. Call it with an event name and fields: `get().info("step done", step=name)`."""
    return structlog.get_logger()


class Fault:
    """Logs a failure that lasts only once: again when it has passed, or is another one."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._error = ""

    def failed(self, error: Exception) -> None:
        """Something went wrong."""
        if str(error) != self._error:
            self._error = str(error)
            cure = error.cure if isinstance(error, BobError) else ""
            get().warning(self._event, error=self._error, **({"cure": cure} if cure else {}))

    def passed(self) -> None:
        """It went well."""
        if self._error:
            self._error = ""
            get().info(self._event, error="passed")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of fields whose names speak of secrets, and logins inside URLs."""
    for key, value in event.items():
        if SECRET_WORDS.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = URL_LOGIN.sub("://[redacted]@", value)
        elif isinstance(value, list):
            event[key] = [URL_LOGIN.sub("://[redacted]@", str(word)) for word in value]
    return event
