"""NICs as a real kernel tells of them, in a network of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from namespaces import in_own_network, ip

from bob.waiting import wait_for
from healthcheck.config import OwnNetwork
from healthcheck.node.children import Children
from healthcheck.node.facts import Nic
from healthcheck.node.link_watch import LinkWatch

SOON = 60.0
STORAGE = OwnNetwork("storage", "10.102.0.11", 0)


class Watched:
    """A watch in the network of this thread, with the number of changes that it was told."""

    def __init__(self) -> None:
        self.changes = 0
        self.stop = threading.Event()
        self.watch = LinkWatch([STORAGE], Children(), self._changed)
        self._thread = threading.Thread(
            target=self.watch.run, args=(self.stop, lambda _: None), daemon=True
        )

    def _changed(self) -> None:
        self.changes += 1

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(SOON)

    def nic(self) -> Nic | None:
        return self.watch.sense()["storage"]

    def after(self, change: Callable[[], None]) -> Nic | None:
        """The NIC once the kernel has told of `change`."""
        before = self.changes
        change()
        wait_for(lambda: self.changes > before, what="the kernel tells", deadline=SOON)
        return self.nic()


def plug_in(name: str = "eth1") -> None:
    ip("link", "add", name, "type", "veth", "peer", "name", f"{name}-switch")
    ip("link", "set", f"{name}-switch", "up")
    ip("link", "set", name, "up")


def test_a_nic_that_loses_its_link_is_told_and_seen() -> None:
    def scene() -> None:
        plug_in()
        ip("address", "add", f"{STORAGE.address}/24", "dev", "eth1")
        with Watched() as watched:
            seen = watched.nic()
            assert seen is not None
            assert (seen.name, seen.on, seen.carrier) == ("eth1", True, True)
            pulled = watched.after(lambda: ip("link", "set", "eth1-switch", "down"))
            assert pulled is not None
            assert (pulled.on, pulled.carrier) == (True, False)
            assert pulled.changes > seen.changes
            back = watched.after(lambda: ip("link", "set", "eth1-switch", "up"))
            assert back is not None and back.carrier
            off = watched.after(lambda: ip("link", "set", "eth1", "down"))
            assert off is not None and not off.on

    in_own_network(scene)


def test_a_nic_that_is_gone_and_one_that_comes_are_seen() -> None:
    def scene() -> None:
        with Watched() as watched:
            assert watched.nic() is None

            def come() -> None:
                plug_in()
                ip("address", "add", f"{STORAGE.address}/24", "dev", "eth1")

            watched.after(come)
            wait_for(lambda: watched.nic() is not None, what="the NIC", deadline=SOON)
            watched.after(lambda: ip("link", "delete", "eth1"))
            wait_for(lambda: watched.nic() is None, what="no NIC", deadline=SOON)

    in_own_network(scene)


def test_other_nics_may_come_and_go_unnoticed() -> None:
    def scene() -> None:
        plug_in()
        ip("address", "add", f"{STORAGE.address}/24", "dev", "eth1")
        with Watched() as watched:
            watched.nic()
            before = watched.changes
            plug_in("tap0")
            watched.after(lambda: ip("link", "set", "eth1-switch", "down"))
            # Messages come in order: those about tap0 have been read before the last ones.
            assert watched.changes - before <= 4

    in_own_network(scene)
