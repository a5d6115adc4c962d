"""Look at every host before anything is changed on any of them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from bob.clients.ssh import Host
from bob.ops.init.context import InitContext
from bob.ops.joining.fitness import Finding, cut_off, judge, refuse_unfit, unreachable
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import agents, host_report
from bob.provision.host_report import HostReport
from bob.waiting import Deadline


class Preflight(Step[InitContext]):
    """Refuse, with every finding at once, unless all hosts can become members."""

    name = "preflight"
    title = "Check the hosts: root, system, clock, ports, disks, names, networks"
    timeout = 60
    attempts = 1

    def probe(self, context: InitContext) -> Probe:
        return DONE if context.reports else needed("the hosts were not looked at in this run")

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        facts, errors = context.fleet.attempt(host_report.gather)
        findings = [unreachable(name, error) for name, error in errors.items()]
        reached = context.cluster.model_copy(
            update={"nodes": tuple(n for n in context.cluster.nodes if n.name in facts)}
        )
        ports = {
            node.name: agents.listeners(context.cluster, node, server=node.name in context.servers)
            for node in reached.nodes
        }
        findings += judge(reached, facts, context.claim, ports)
        findings += self._networks(context, facts)
        context.warnings = [str(finding) for finding in findings if not finding.fatal]
        refuse_unfit(findings)
        context.reports = facts

    def _networks(self, context: InitContext, facts: Mapping[str, HostReport]) -> list[Finding]:
        """Each node must reach the addresses that every other one has, on every network."""
        cluster = context.cluster
        names = [name for name, report in facts.items() if _may_try(report, context)]

        def ask(host: Host) -> tuple[str, ...]:
            peers: list[tuple[str, IPv4Address]] = [
                (f"{node.name}/{network.value}", address)
                for node in cluster.nodes
                if node.name != host.name and node.name in names
                for network, address in node.addresses.items()
                if address in facts[node.name].nics
            ]
            return host_report.unreachable(host, peers, cluster.ssh.port)

        missing, errors = context.fleet.attempt(ask, names)
        findings = [unreachable(name, error) for name, error in errors.items()]
        findings += [cut_off(name, label) for name, labels in missing.items() for label in labels]
        return findings


def _may_try(report: HostReport, context: InitContext) -> bool:
    """Whether the host can be asked for its peers: it is not another cluster's, and has bash."""
    return report.uid == 0 and report.claim in ("", context.claim) and "bash" in report.commands
