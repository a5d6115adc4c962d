"""What holds for every ring."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let the programs under test be interrupted.

    A shell that starts the tests in its background has them ignore SIGINT, and so would every
    program that they start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
