"""The main thread of a daemon: looks after its parts, and tells systemd how it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from bob import logs
from bob.daemon import notify
from bob.daemon.parts import Part

LOOK_SECONDS = 5.0  # between two looks at the parts; an end wakes us at once


def watch(
    parts: Sequence[Part],
    stop: threading.Event,
    wake: threading.Event,
    sentence: Callable[[], str],
) -> Part | None:
    """Wait for the end; the part that ended unasked, None when it was asked for.

    `wake` is set when there is something to look at, `sentence` is for `systemctl status`.
    """
    look = LOOK_SECONDS
    if patience := notify.watchdog_seconds():
        look = min(look, patience / 3)
    while not stop.is_set():
        if ended := next((part for part in parts if not part.alive()), None):
            return ended
        stuck = [part.name for part in parts if part.stuck()]
        if stuck:  # systemd's watchdog, if it is set, ends us
            logs.get().error("no progress", parts=stuck)
        else:
            notify.alive(sentence())
        wake.wait(look)
        wake.clear()
    return None
