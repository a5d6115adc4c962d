"""Nomad's access rules, how its jobs log in to Consul, and then its clients on every node.

The servers have run without their client part so far (`servers`); it is added here. All nodes are
ready within about two seconds.
"""

from __future__ import annotations

from http import HTTPStatus

from bob.clients.http import Refused
from bob.clients.nomad import Node
from bob.clients.ssh import Host
from bob.errors import Temporary
from bob.ops.init.context import InitContext
from bob.ops.init.servers import nomad_config_file
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import access, agents, install
from bob.waiting import Deadline, wait_for
from inventory import NetworkName

READY = "ready"


class NomadAccess(Step[InitContext]):
    """The first Nomad token is ours, and jobs get their Consul tokens by their identity."""

    name = "nomad-access"
    title = "Set up Nomad's access rules and the workload identity of its jobs"

    def probe(self, context: InitContext) -> Probe:
        if context.nomad().acl.self() is None:
            return needed("Nomad does not know the management token")
        if not context.consul(NetworkName.MGMT).acl.has_auth_method(access.AUTH_METHOD):
            return needed("Consul does not know the identities of jobs")
        if context.consul(NetworkName.MGMT).kv.get(access.HEALTH_NOMAD_TOKEN) is None:
            return needed("the healthcheck may not look at Nomad")
        return DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        context.nomad().acl.bootstrap(context.secrets.nomad_management.get_secret_value())
        wanted = access.workload_access(context.authorities.nomad)
        acl = context.consul(NetworkName.MGMT).acl
        acl.ensure_policy(wanted.policy)
        acl.ensure_role(wanted.role)
        acl.ensure_auth_method(wanted.auth_method)
        for rule in wanted.binding_rules:
            acl.ensure_binding_rule(rule)
        _let_healthcheck_look(context)


def _let_healthcheck_look(context: InitContext) -> None:
    """Make a token of Nomad's for the healthchecks of servers, and keep it where they read it."""
    acl, name = context.nomad().acl, access.HEALTH_NOMAD_POLICY
    acl.ensure_policy(name, access.HEALTH_NOMAD_RULES, "The healthcheck looks at nodes and jobs")
    secret = acl.ensure_token(name, [name])
    context.consul(NetworkName.MGMT).kv.put(access.HEALTH_NOMAD_TOKEN, secret)


class NomadClients(Step[InitContext]):
    """Every node ready to run jobs."""

    name = "nomad-clients"
    title = "Start the Nomad clients on every node"

    def probe(self, context: InitContext) -> Probe:
        staged = context.fleet.each(
            lambda h: install.differing(h, [nomad_config_file(context, h.name)]), context.servers
        )
        if half := [name for name, paths in staged.items() if paths]:
            return needed(f"{', '.join(half)} without the client part")
        missing = {node.name for node in context.cluster.nodes} - _ready(_nodes(context))
        return needed(f"{', '.join(sorted(missing))} not ready") if missing else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        # Servers without any registered node hold no work, so all may restart at once. Servers
        # with nodes change one by one: a restarted majority refuses its nodes for half a minute.
        if _nodes(context) == ():
            context.fleet.each(lambda host: start(context, host), context.servers)
        else:
            for name in context.servers:
                start(context, context.fleet[name])
                _wait(context, f"{name} ready", {name}, deadline)
        context.fleet.each(lambda host: start(context, host), context.clients)
        everybody = {node.name for node in context.cluster.nodes}
        _wait(context, "every Nomad node ready", everybody, deadline)


def start(context: InitContext, host: Host) -> None:
    """Start Nomad with its final configuration, or restart it when it ran with another one.

    bob-agent begins here as well: it gets ready while Nomad registers, and `agents` finds it so.
    """
    final = nomad_config_file(context, host.name)
    if install.differing(host, [final]):
        install.send_files(host, [final], [agents.NOMAD_UNIT])
    units = [agents.NOMAD_UNIT]
    begun = install.start_script([*units, agents.BOB_UNIT])
    host.run(install.restart_script(units) + begun)


def _wait(context: InitContext, what: str, names: set[str], deadline: Deadline) -> None:
    wait_for(
        lambda: names <= _ready(_nodes(context)),
        what=what,
        deadline=deadline,
        cure="Look at journalctl -u nomad on the nodes that are missing.",
    )


def _nodes(context: InitContext) -> tuple[Node, ...] | None:
    """The nodes that Nomad knows; None while it gives no answer that counts.

    A server that has just started does not know the tokens before it has read its raft log: for a
    moment it refuses the one that it will accept.
    """
    try:
        return context.nomad().state.nodes()
    except Temporary:
        return None
    except Refused as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        return None


def _ready(nodes: tuple[Node, ...] | None) -> set[str]:
    return {node.name for node in nodes or () if node.status == READY}
