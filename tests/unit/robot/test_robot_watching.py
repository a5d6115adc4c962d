"""Following a part of the KV: news, bursts, trouble."""

from __future__ import annotations

import threading

from bob.clients.consul import Indexed
from bob.clients.http import Unreachable
from bob.robot.watching import PAUSE_SECONDS, QUIET_SECONDS, RETRY_SECONDS, Watch
from bob.waiting import Clock

LIMIT = 10.0


class Source:
    """Gives these answers, then blocks until the test is over."""

    def __init__(self, *answers: Indexed[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []
        self.slept: list[float] = []
        self.news: list[str] = []
        self.done, self.over = threading.Event(), threading.Event()
        clock = Clock(lambda: 1.0, self.slept.append)
        self.watch: Watch[str] = Watch(self.read, self.woken, clock)

    def read(self, index: int) -> Indexed[str]:
        self.asked.append(index)
        if not self.answers:
            self.done.set()
            self.over.wait(LIMIT)
            return Indexed("late", 99)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def woken(self) -> None:
        latest = self.watch.latest
        self.news.append(self.watch.trouble or (latest.value if latest else ""))

    def run(self) -> None:
        self.watch.start()
        assert self.done.wait(LIMIT)


def test_each_change_is_told_once_and_reads_leave_a_pause() -> None:
    source = Source(Indexed("a", 5), Indexed("a", 6), Indexed("b", 7))
    source.run()
    assert source.news == ["a", "b"]
    assert source.asked == [0, 5, 6, 7]
    assert source.slept == [PAUSE_SECONDS, QUIET_SECONDS, PAUSE_SECONDS]


def test_trouble_is_told_once_and_what_was_known_stays() -> None:
    lost = Unreachable("refused", sent=False)
    source = Source(Indexed("a", 5), lost, lost, Indexed("a", 5))
    source.run()
    assert source.news == ["a", "refused", "a"]
    assert source.asked == [0, 5, 0, 0, 5]
    assert source.slept.count(RETRY_SECONDS) >= 2
    assert source.watch.latest == Indexed("a", 5)


def test_nothing_is_told_after_the_stop() -> None:
    source = Source(Indexed("a", 5))
    source.run()
    source.watch.stop()
    source.over.set()
    source.watch._thread.join(LIMIT)
    assert source.news == ["a"]
