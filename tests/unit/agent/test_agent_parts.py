"""Threads of the daemon: progress, stuck, ended."""

from __future__ import annotations

import threading

from bob.daemon.parts import Beat, Part

SOON = 10.0


def test_the_end_of_a_part_is_told_with_its_error() -> None:
    def work(stop: threading.Event, beat: Beat) -> None:
        raise ValueError("odd")

    ended = threading.Event()
    part = Part("work", work, threading.Event(), ended)
    part.start()
    assert ended.wait(SOON)
    assert part.join(SOON)
    assert not part.alive()
    assert isinstance(part.error, ValueError)


def test_a_part_without_the_progress_it_promised_is_stuck() -> None:
    begun = threading.Event()

    def work(stop: threading.Event, beat: Beat) -> None:
        beat(0.0 if begun.is_set() else SOON)
        begun.set()
        stop.wait(SOON)

    stop = threading.Event()
    fine, late = (Part("work", work, stop, threading.Event()) for _ in range(2))
    fine.start()
    assert begun.wait(SOON)
    late.start()
    while not late.stuck():
        assert late.alive()
    assert fine.alive()
    assert not fine.stuck()
    stop.set()
    assert fine.join(SOON)
    assert late.join(SOON)
