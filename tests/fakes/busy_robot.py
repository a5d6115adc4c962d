"""The robot of one node of a busy fleet, on threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from busy_fleet import BusyFleet
from session_memory import SessionInMemory

from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.election import Elector
from bob.robot import Robot
from bob.robot.duties.heartbeats import Heartbeats
from bob.robot.duties.lost_nodes import LostNodes
from bob.robot.duties.quorum import QuorumKeeper
from bob.robot.duties.registrations import Registrar
from bob.robot.duties.services import ServiceKeeper
from bob.robot.duties.strangers import Strangers
from bob.robot.duty import Duty
from inventory import NetworkName

STOP_SECONDS = 30.0


def duties_of(world: BusyFleet) -> tuple[Duty, ...]:
    """Those that this world has something for: nobody makes certificates there."""
    services = ServiceKeeper(world.catalogue)
    return (Heartbeats(), LostNodes(), QuorumKeeper(), Registrar(), services, Strangers())


class BusyRobot:
    """`client` makes a client of the real Consul."""

    def __init__(
        self, world: BusyFleet, client: Callable[[], Consul], node: str, duties: Sequence[Duty] = ()
    ) -> None:
        self._consul, self._nomad = world.around(client()), world.client_of_nomad()
        self._ballot = client()
        self.elector = Elector(self._ballot, node, SessionInMemory())
        self.robot = Robot(
            node, {NetworkName.MGMT: self._consul}, self.elector, lambda: self._nomad,
            attends_to=lambda: duties,
        )  # fmt: skip
        self._stopping, self._over = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (lambda: self.robot.run(self._stopping), self._elect)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def leads(self) -> bool:
        return "leader epoch" in self.robot.sentence()

    def kill(self, desk: Consul) -> None:
        """As by loss of power in the middle of everything: nothing that it sends gets out.

        `desk` sees to it that its session ends, as gossip would.
        """
        session = self.elector.leadership().session
        for client in (self._consul, self._ballot):
            client.http.request = _no_way  # type: ignore[method-assign]
        self._nomad.http.before_write = _no_way
        desk.session.destroy(session)
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        self._threads[0].join(STOP_SECONDS)
        self._over.set()
        if self.leads:
            self._threads[1].join(STOP_SECONDS)

    def _elect(self) -> None:
        while not self._over.is_set():
            self.elector.step()


def _no_way(*_: object, **__: object) -> Any:
    raise Unreachable("this host has no power", sent=False)
