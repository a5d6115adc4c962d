"""Asks Consul for what the nodes wrote down, every server for itself, and every host directly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bob import logs
from bob.clients.consul import Consul
from bob.context import Context
from bob.errors import BobError
from bob.provision.agents import HEALTH_ECHO_PORT
from bob.provision.secrets import Secrets
from bob.status import decide as status
from bob.status.sense import sense as sense_status
from healthcheck import records
from healthcheck.config import OwnNetwork
from healthcheck.doctor.facts import Seen, Told
from healthcheck.node import echo
from inventory import NetworkName

CALL_SECONDS = 2.5
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - the operator's machine sends from wherever its route leads
MGMT = NetworkName.MGMT


def sense(context: Context, secrets: Secrets) -> Seen:
    """Everything at once. Never raises for what the cluster does."""
    with ThreadPoolExecutor(3) as pool:
        told = pool.submit(_told, context, secrets)
        answering = pool.submit(_answering, context)
        snapshot = sense_status(context, secrets)
        found = told.result()
        return Seen(
            cluster=context.cluster,
            nodes=tuple(node.name for node in context.nodes),
            told=found if isinstance(found, Told) else None,
            why="" if isinstance(found, Told) else found,
            status=status.decide(context, snapshot),
            answering=answering.result(),
        )


def _told(context: Context, secrets: Secrets) -> Told | str:
    """What Consul tells, or why it does not."""
    urls = [context.consul_url(node) for node in context.servers]
    token = secrets.operator.get_secret_value()
    consul = Consul.any(urls, token, context.consul_ca_file, CALL_SECONDS)
    try:
        entries = consul.kv.list(records.HEALTH)
        checks = consul.catalog.checks()
    except BobError as error:
        logs.get().warning("not told", error=error.message)
        return error.message
    parsed = {entry.key: record for entry in entries if (record := records.parse(entry.value))}
    return Told(
        nodes={
            key.removeprefix(records.NODES): record
            for key, record in parsed.items()
            if key.startswith(records.NODES)
        },
        cluster=parsed.get(records.CLUSTER),
        checks=checks,
    )


def _answering(context: Context) -> frozenset[str] | None:
    """The hosts that answer us directly on mgmt; None when we cannot even ask."""
    asked = {(MGMT.value, node.name): str(node.addresses[MGMT]) for node in context.nodes}
    try:
        found = echo.ask(HEALTH_ECHO_PORT, (OwnNetwork(MGMT.value, ANY_ADDRESS, 0),), asked)
    except OSError as error:
        logs.get().warning("hosts not asked", error=str(error))
        return None
    return frozenset(name for _, name in found)
