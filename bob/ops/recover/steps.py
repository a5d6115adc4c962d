"""What `bob recover-quorum` does, in order."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TypeVar

from bob.clients.consul import Consul
from bob.clients.http import Refused
from bob.clients.nomad import Nomad
from bob.clients.quorum import RaftConfiguration
from bob.clients.ssh import Host, quote
from bob.errors import Permanent, Temporary
from bob.ops.consul_store import HISTORY
from bob.ops.recover.context import RecoverContext
from bob.ops.recover.survey import MARK, leader_of, raft_folder
from bob.ops.states import State, StepState
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import CLIENT, SERVER
from bob.provision import consul_config, install
from bob.provision.agents import (
    CONSUL_RPC_PORT,
    CONSUL_USER,
    NOMAD_DATA_DIR,
    NOMAD_RPC_PORT,
    NOMAD_UNIT,
    consul_agent,
)
from bob.provision.node_files import NodeFile
from bob.waiting import Deadline
from inventory import NetworkName

# An agent without a leader may wait for answers that never come, up to systemd's 90 s. Raft is made
# for a process that is killed, so it is, when it takes longer than this.
STOP_SECONDS = 10
T = TypeVar("T")


class Survivors(Step[RecoverContext]):
    """All of them stop before any of them starts: one with the old list could join the lost ones.

    `peers.json` is read and deleted at the start; the survivor with the longest log leads.
    """

    name = "survivors"
    title = "Give the survivors a quorum of their own, all at once"
    timeout = 240.0

    def probe(self, context: RecoverContext) -> Probe:
        for unit in context.units:
            raft = raft_of(context.client(unit))
            if raft is None:
                return needed(f"{unit} has no leader")
            if gone := raft.voters & set(context.lost):
                return needed(f"{unit} still counts {', '.join(sorted(gone))}")
        return DONE

    def apply(self, context: RecoverContext, deadline: Deadline) -> None:
        units = context.units
        context.fleet.each(lambda h: h.run(stop_script(units)), context.survivors)
        ids = context.fleet.each(lambda h: identities(context, h), context.survivors)
        files = [peers_file(context, unit, ids) for unit in units]
        context.fleet.each(lambda h: install.send_files(h, files), context.survivors)
        start = install.start_script(units)
        context.fleet.each(lambda h: h.run(start), context.survivors)
        cure = f"Look at journalctl -u {' -u '.join(units)} on {', '.join(context.survivors)}."
        self.wait_until_done(context, deadline, cure=cure, interval=0.5)


class Roles(Step[RecoverContext]):
    """So that the robot, which works again now, makes servers of other nodes."""

    name = "roles"
    title = "Note that the lost nodes are no servers any more"

    def probe(self, context: RecoverContext) -> Probe:
        wishes = answer(context.records.nodes)
        if wishes is None:
            return needed("Consul does not answer yet")
        count = len(context.survivors)
        for name in context.lost:
            if name in wishes and wishes[name].role != CLIENT:
                return needed(f"{name} is to be a server")
        lack = [unit for unit in context.units if _kept(context.client(unit)) != count]
        return needed(f"autopilot of {lack[0]} expects other servers") if lack else DONE

    def apply(self, context: RecoverContext, deadline: Deadline) -> None:
        wishes = answer(context.records.nodes) or {}
        for name in context.lost:
            if name in wishes:
                context.records.change_node(name, role=CLIENT)
        for name in context.survivors:
            context.records.change_node(name, role=SERVER)
        for unit in context.units:
            context.client(unit).operator.set_min_quorum(len(context.survivors))
        self.wait_until_done(context, deadline)


class Record(Step[RecoverContext]):
    """Who did it and what was accepted is to be seen where all operations are."""

    name = "record"
    title = "Write this operation into Consul's history"

    def probe(self, context: RecoverContext) -> Probe:
        consul = context.networks[NetworkName.MGMT]
        entry = consul.kv.get(HISTORY + _id(context))
        return DONE if entry else needed("Consul does not have it")

    def apply(self, context: RecoverContext, deadline: Deadline) -> None:
        operation, _ = context.store.read(_id(context))
        own = operation.step(self.name).model_copy(
            update={"state": StepState.DONE, "finished": datetime.datetime.now(datetime.UTC)}
        )
        document = operation.with_step(own).with_state(State.DONE).model_dump_json(indent=2)
        context.networks[NetworkName.MGMT].kv.put(HISTORY + _id(context), document)


STEPS: tuple[Step[RecoverContext], ...] = (Survivors(), Roles(), Record())


def raft_of(client: Consul | Nomad) -> RaftConfiguration | None:
    """The raft as its leader knows it; None while there is none that knows our token."""
    return answer(client.operator.raft) if leader_of(client) else None


def answer(question: Callable[[], T]) -> T | None:
    """What is answered; None while servers that have just started cannot judge our token."""
    try:
        return question()
    except Temporary:
        return None
    except Refused as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        return None


def stop_script(units: Sequence[str]) -> str:
    """Shell script that stops units, those that do not want to as well; their tasks run on."""
    names = " ".join(units)
    return (
        f"timeout {STOP_SECONDS} systemctl stop {names} && exit 0\n"
        f"for u in {names}; do systemctl kill --kill-who=main -s KILL $u; done\n"
        f"systemctl stop {names}\n"
    )


def identities(context: RecoverContext, host: Host) -> dict[str, str]:
    """The raft id of a host in each raft. Raises `Permanent` when it holds none."""
    found = {}
    for unit in context.units:
        place = quote(f"{raft_folder(unit)}/{MARK.rpartition('/')[2]}")
        if host.run(f"[ -e {place} ]", check=False).code:
            raise Permanent(f"{host.name}: {place} is gone: its raft would begin anew")
        if unit == NOMAD_UNIT:
            found[unit] = host.run(f"cat {NOMAD_DATA_DIR}/server/node-id").stdout.strip()
        else:
            found[unit] = consul_config.node_id(context.cluster.name, _network(unit), host.name)
    return found


def peers_file(context: RecoverContext, unit: str, ids: dict[str, dict[str, str]]) -> NodeFile:
    """The same for all survivors: who they are (raft protocol 3)."""
    nomad = unit == NOMAD_UNIT
    port = NOMAD_RPC_PORT if nomad else CONSUL_RPC_PORT
    network = NetworkName.MGMT if nomad else _network(unit)
    peers = [
        {
            "id": ids[name][unit],
            "address": f"{context.cluster.node(name).addresses[network]}:{port}",
            "non_voter": False,
        }
        for name in context.survivors
    ]
    user = "root" if nomad else CONSUL_USER
    content = json.dumps(peers, indent=2).encode() + b"\n"
    return NodeFile(f"{raft_folder(unit)}/peers.json", content, 0o600, user, user)


def _network(unit: str) -> NetworkName:
    return next(network for network in NetworkName if consul_agent(network).unit == unit)


def _kept(client: Consul | Nomad) -> int | None:
    return answer(client.operator.min_quorum)


def _id(context: RecoverContext) -> str:
    if context.operation is None:
        raise ValueError("no operation")
    return context.operation.id
