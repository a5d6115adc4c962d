"""Ask every server at once; a dead one costs its time limit, once, and becomes `Unknown`."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from bob import logs
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.clients.quorum import AutopilotHealth, RaftConfiguration
from bob.context import Context, KnownNode
from bob.errors import BobError
from bob.provision.secrets import Secrets
from bob.status.robot import RobotView, look
from bob.status.snapshot import ConsulView, NomadView, Snapshot, Unknown
from inventory import NetworkName

CALL_SECONDS = 2.5  # stale reads are answered from a server's memory within milliseconds

T = TypeVar("T")


def sense(context: Context, secrets: Secrets) -> Snapshot:
    """The views of all servers. Never raises for what the cluster does."""
    questions = len(context.servers) * (len(context.networks) + 1) + 1
    with ThreadPoolExecutor(max_workers=max(1, questions)) as pool:
        consul = {
            network: {
                node.name: pool.submit(_ask, partial(_consul, context, secrets, node, network))
                for node in context.servers
            }
            for network in context.networks
        }
        nomad = {
            node.name: pool.submit(_ask, partial(_nomad, context, secrets, node))
            for node in context.servers
        }
        robot = pool.submit(_ask, partial(_robot, context, secrets))
        return Snapshot(
            consul={network: _results(asked) for network, asked in consul.items()},
            nomad=_results(nomad),
            robot=robot.result(),
            now=time.time(),
        )


def _consul(
    context: Context, secrets: Secrets, node: KnownNode, network: NetworkName
) -> ConsulView:
    client = Consul(
        context.consul_url(node, network),
        secrets.operator.get_secret_value(),
        context.consul_ca_file,
        CALL_SECONDS,
    )
    raft = client.operator.raft(stale=True)
    return ConsulView(
        members=client.agent.members(),
        raft=raft,
        autopilot=_if_leader(raft, node.name, client.operator.autopilot),
        checks=client.catalog.checks(stale=True) if network is NetworkName.MGMT else (),
    )


def _nomad(context: Context, secrets: Secrets, node: KnownNode) -> NomadView:
    client = Nomad(
        context.nomad_url(node),
        secrets.nomad_management.get_secret_value(),
        context.nomad_ca_file,
        CALL_SECONDS,
    )
    raft = client.operator.raft(stale=True)
    return NomadView(
        raft=raft,
        nodes=client.state.nodes(stale=True),
        jobs=client.state.job_states(stale=True),
        autopilot=_if_leader(raft, node.name, client.operator.autopilot),
    )


def _robot(context: Context, secrets: Secrets) -> RobotView:
    """What the KV of mgmt tells; whichever server answers asks its leader."""
    urls = [context.consul_url(node) for node in context.servers]
    token = secrets.operator.get_secret_value()
    return look(Consul.any(urls, token, context.consul_ca_file, CALL_SECONDS))


def _if_leader(
    raft: RaftConfiguration, server: str, ask: Callable[[], AutopilotHealth]
) -> AutopilotHealth | None:
    """Ask the leader itself only: other servers forward the question and hang without a leader."""
    leader = raft.leader
    return ask() if leader is not None and leader.name == server else None


def _ask(question: Callable[[], T]) -> T | Unknown:
    try:
        return question()
    except BobError as error:
        logs.get().warning("not answered", reason=error.message)
        return Unknown(error.message)


def _results(asked: dict[str, Future[T | Unknown]]) -> dict[str, T | Unknown]:
    return {name: future.result() for name, future in asked.items()}
