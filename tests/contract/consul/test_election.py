"""The elector on a real agent as on the fake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from session_memory import SessionInMemory
from worlds import World

from bob.election import LEADER_KEY, Elector, Timing
from bob.errors import LockLost

TIMING = Timing()


class Site:
    def __init__(self, world: World) -> None:
        self.world = world
        self.started: list[Elector] = []

    def elector(self, node: str, memory: SessionInMemory | None = None) -> Elector:
        memory = memory or SessionInMemory()
        made = Elector(self.world.client, node, memory, TIMING, self.world.clock)
        self.started.append(made)
        return made

    def lead(self, elector: Elector, limit: float) -> tuple[int, float]:
        """The epoch in which it leads, and the seconds until then."""

        def leads() -> bool:
            elector.step()
            try:
                return bool(elector.leadership())
            except LockLost:
                return False

        seconds = self.world.seconds_until(leads, limit)
        return elector.leadership().epoch, seconds


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    found = Site(world)
    yield found
    for elector in found.started:
        elector.resign()


def test_a_restarted_agent_leads_on_within_a_second(site: Site) -> None:
    memory = SessionInMemory()
    first, _ = site.lead(site.elector("n1", memory), limit=10)
    second, seconds = site.lead(site.elector("n1", memory), limit=10)
    assert second == first
    assert seconds < 1.0


def test_a_leader_whose_session_ended_is_followed_and_writes_nothing(site: Site) -> None:
    old = site.elector("n1")
    epoch, _ = site.lead(old, limit=10)
    client = site.world.client
    assert old.commit(client.txn().set("test/guarded", "old")).ok
    client.session.destroy(old.leadership().session)
    new = site.elector("n2")
    assert site.lead(new, limit=10)[0] == epoch + 1
    assert old.leadership().epoch == epoch  # it was frozen and does not know
    with pytest.raises(LockLost):
        old.commit(client.txn().set("test/guarded", "late"))
    with pytest.raises(LockLost):
        old.leadership()
    entry = client.kv.get("test/guarded")
    assert entry is not None
    assert entry.value == b"old"
    assert new.commit(client.txn().set("test/guarded", "new")).ok


def test_a_follower_takes_over_after_the_lock_delay(site: Site) -> None:
    old, new = site.elector("n1"), site.elector("n2")
    epoch, _ = site.lead(old, limit=10)
    client = site.world.client
    new.step()
    site.world.later(0.3, lambda: client.session.destroy(old.leadership().session))
    taken, seconds = site.lead(new, limit=20)
    assert taken == epoch + 1
    assert TIMING.lock_delay <= seconds < TIMING.lock_delay + 2.5


def test_who_resigns_is_followed_at_once(site: Site) -> None:
    old = site.elector("n1")
    epoch, _ = site.lead(old, limit=10)
    old.resign()
    entry = site.world.client.kv.get(LEADER_KEY)
    assert entry is not None
    assert (entry.session, entry.lock_index) == ("", epoch)
    taken, seconds = site.lead(site.elector("n2"), limit=10)
    assert taken == epoch + 1
    assert seconds < TIMING.lock_delay
