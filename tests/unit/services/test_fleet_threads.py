"""A fleet in memory under many operations at once, as benchmarks and simulations use it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fake_nomad import FakeCatalog, FakeNomad
from fake_nomad_state import Fleet
from many_services import many_services, names

from bob.clients.nomad import Nomad
from bob.ops.deploy.rollout import judge, sense
from bob.ops.services.jobs import draft, register
from bob.ops.services.wishes import Wanted
from bob.waiting import wait_for

NODES = tuple(f"n{number}" for number in range(40))
SERVICES = names(30)


def together(work: Callable[[str], None], what: tuple[str, ...]) -> None:
    errors: list[BaseException] = []

    def guarded(name: str) -> None:
        try:
            work(name)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(name,)) for name in what]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def serving(nomad: Nomad, consul: object, name: str) -> bool:
    verdict = judge(sense(nomad, consul, name))  # type: ignore[arg-type]
    return verdict.serving and verdict.settled


def test_services_come_up_and_move_while_nodes_are_drained(tmp_path: Path) -> None:
    fleet = Fleet(NODES, time.monotonic, start=0.02)
    nomad = FakeNomad(fleet)
    catalogue = many_services(tmp_path, len(SERVICES))
    consul = type("Consul", (), {"catalog": FakeCatalog(fleet)})()

    def run(name: str) -> None:
        for count in (2, 5, 3):
            register(nomad, draft(nomad, catalogue, name, Wanted(count=count)))
            wait_for(lambda: serving(nomad, consul, name), what=name, deadline=30)

    def drain(name: str) -> None:
        node = fleet.host(name).id
        nomad.nodes.drain(node, 20)
        wait_for(
            lambda: (
                not {n.id: n for n in nomad.state.nodes()}[node].draining
                and all(a.over for a in nomad.nodes.allocations(node))
            ),
            what=f"{name} empty",
            deadline=30,
        )

    together(lambda name: run(name) if name in SERVICES else drain(name), (*SERVICES, *NODES[:5]))
    drained = {fleet.host(name).id for name in NODES[:5]}
    for state in nomad.state.job_states():
        live = [a for a in state.allocations if a.running]
        assert (state.desired, len(live), state.version) == (3, 3, 2)
        assert not drained & {a.node_id for a in live}
