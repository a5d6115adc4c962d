"""The first steps of `add-node`: look at the host, write the node down, mark the host."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address

from bob import logs
from bob.errors import BobError
from bob.ops.context import OperationContext
from bob.ops.joining import candidate, claim, login
from bob.ops.joining.fitness import cut_off, judge_clock, judge_host, refuse_unfit
from bob.ops.joining.site import Site
from bob.ops.joining.wanted import with_node
from bob.ops.node_material import FACTS, remember_resolver
from bob.ops.removal.traces import forget
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import CLIENT, JOINING, MEMBER, ClusterView, NodeWish
from bob.provision import agents, host_report, secrets
from bob.provision.wiping import wipe_script
from bob.waiting import Deadline, wait_for
from inventory import Cluster, Node

_writing = threading.Lock()  # nodes that join side by side change the same two records
WIPE_SECONDS = 120.0
GOSSIP_SECONDS = 30.0  # until everybody has forgotten an agent that left


class HostStep(Step[OperationContext]):
    """A step over the host of the operation."""

    def __init__(self, site: Site) -> None:
        self.site = site


class Look(HostStep):
    """The operator's machine has looked, too; from here on it is the leader's connection."""

    name = "look"
    title = "Look at the host: root, system, clock, ports, disks, networks"
    timeout = 60
    wish_left_traces = True  # the robot's key on the host

    def probe(self, context: OperationContext) -> Probe:
        if self.site.left(context) or self.site.looked_at:
            return DONE
        return needed("it was not looked at in this run")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        node, view = self.site.wanted.node, context.view()
        report = self.site.look(context)
        ports = agents.listeners(view.cluster, node, server=False)
        findings = [
            *judge_host(node, report, self.site.wanted.claim, ports),
            *judge_clock(node.name, report.clock_offset),
        ]
        refuse_unfit(findings)
        for finding in findings:
            context.say(f"warning: {finding}")
        peers = peers_of(view, node)
        port = self.site.wanted.ssh.port
        lost = host_report.unreachable(self.site.host(context), peers, port)
        refuse_unfit(cut_off(node.name, label) for label in lost)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        try:
            login.forbid(self.site.host(context), context.records.cluster().name)
        except BobError as error:  # it is gone already, or the host is
            logs.get().warning("key not taken away", node=self.site.name, error=str(error))


class Enlist(HostStep):
    """From here on the cluster knows the node: its inventory, its secrets, its wish."""

    name = "enlist"
    title = "Write the node down as joining, with secrets of its own"

    def probe(self, context: OperationContext) -> Probe:
        if self.site.left(context):
            return DONE
        records, name = context.records, self.site.name
        wish = records.nodes().get(name)
        if wish is None or wish.state != JOINING:
            return needed(f"{name} is not written down as joining")
        cluster = records.cluster()
        if with_node(cluster, self.site.wanted.node) != cluster:
            return needed(f"{name} is not in the inventory")
        if secrets.complete(known := records.secrets(), cluster) != known:
            return needed(f"{name} has no secrets")
        if context.consul.kv.get(FACTS + name) is None:
            return needed(f"it is not known how {name} resolves names")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        records, node = context.records, self.site.wanted.node

        def with_it(cluster: Cluster) -> Cluster:
            candidate.refuse_unlawful(cluster, node)  # another one may have joined meanwhile
            return with_node(cluster, node)

        report = self.site.report(context)
        with _writing:
            cluster = records.change_cluster(with_it)
            records.change_secrets(lambda known: secrets.complete(known, cluster))
        remember_resolver(records, node.name, report.resolver)
        records.set_node(node.name, NodeWish(role=CLIENT, zone=node.zone, state=JOINING))

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        name = self.site.name
        if self.site.wanted.again:  # what it was before: a member that is down
            context.records.change_node(name, state=MEMBER)
            return
        wait_for(
            lambda: _forgotten(context, name),
            what=f"{name} forgotten by all members",
            deadline=Deadline(min(deadline.left(), GOSSIP_SECONDS), context.clock),
            cure=f"Is its host still running? Switch it off, then: bob remove-node {name}",
        )


class Claim(HostStep):
    """Whatever happens from here on, no other cluster takes the host."""

    name = "claim"
    title = "Mark the host as a member of this cluster"

    def probe(self, context: OperationContext) -> Probe:
        if self.site.left(context):
            return DONE
        held = claim.holder(self.site.host(context)) == self.site.wanted.claim
        return DONE if held else needed("it is not marked")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        claim.take(self.site.host(context), self.site.wanted.claim, deadline.left())

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """Everything that the later steps put on the host, and what runs there."""
        script = wipe_script(self.site.wanted.claim, leave=True)
        said = self.site.try_to(context, script, WIPE_SECONDS)
        logs.get().info("wiped", node=self.site.name, said=said)


def peers_of(view: ClusterView, node: Node) -> list[tuple[str, IPv4Address]]:
    """The servers on every network where they are alive: those a new node cannot do without."""
    return [
        (f"{name}/{network.value}", view.cluster.node(name).addresses[network])
        for name in view.servers
        for network in view.cluster.network_names()
        if name != node.name and view.alive(name, network)
    ]


def _forgotten(context: OperationContext, name: str) -> bool:
    forget(context, name)
    return not any(
        member.name == name
        for consul in context.networks.values()
        for member in consul.agent.members()
    )
