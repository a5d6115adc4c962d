"""The middle steps of `add-node`: what a member needs, on its host and in Consul."""

from __future__ import annotations

from bob.ops.context import OperationContext
from bob.ops.joining import names, rights, software
from bob.ops.joining.enlist import HostStep
from bob.ops.node_material import resolver_of, wanted_files
from bob.ops.step import DONE, Probe, needed
from bob.ops.view import SERVER
from bob.provision import install
from bob.provision.access import Access
from bob.provision.node_files import NodeFile
from bob.waiting import Deadline
from inventory import NetworkName


class Programs(HostStep):
    """What the leader runs itself, each program only if the host does not have it."""

    name = "programs"
    title = "Copy consul, nomad, consul-template and Bob itself to the host"
    timeout = 900

    def probe(self, context: OperationContext) -> Probe:
        if self.site.left(context):
            return DONE
        lacking = install.missing_programs(self.site.host(context), self._wanted(context))
        missing = ", ".join(program.name for program in lacking)
        return needed(f"it has no {missing}") if missing else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        software.send(self.site.host(context), self._wanted(context), deadline)

    def _wanted(self, context: OperationContext) -> tuple[install.Program, ...]:
        return software.programs(self.site.binaries(context), self.site.report(context))


class Rights(HostStep):
    """Policies and tokens are there before the agents start: they try only once a minute."""

    name = "rights"
    title = "Give the node its policies and tokens on every network"

    def probe(self, context: OperationContext) -> Probe:
        for network, wanted in self._wanted(context).items():
            if rights.missing(context.networks[network].acl, wanted):
                return needed(f"{self.site.name} lacks tokens on {network}")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        for network, wanted in self._wanted(context).items():
            rights.grant(context.networks[network].acl, wanted)

    def _wanted(self, context: OperationContext) -> dict[NetworkName, Access]:
        records = context.records
        cluster, secrets, servers = records.cluster(), records.secrets(), _servers(context)
        return {
            network: rights.rights_of(cluster, network, self.site.name, servers, secrets)
            for network in cluster.network_names()
        }


class Configuration(HostStep):
    """Agents that run already, since this was tried before, take it up."""

    name = "configuration"
    title = "Write configuration, certificates and units on the host"

    def probe(self, context: OperationContext) -> Probe:
        if self.site.left(context):
            return DONE
        differs = software.unconfigured(self.site.host(context), self._files(context))
        return needed("it is not configured") if differs else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        host = self.site.host(context)
        if stale := software.configure(host, self._files(context), deadline):
            host.run(install.restart_script(stale), timeout=deadline.left())

    def _files(self, context: OperationContext) -> tuple[NodeFile, ...]:
        return wanted_files(context.consul, context.records, self.site.name, _servers(context))


class Names(HostStep):
    """What counts is libc's answer, as every program on the host gets it."""

    name = "names"
    title = "Make the host resolve *.consul names"

    def probe(self, context: OperationContext) -> Probe:
        if self.site.left(context):
            return DONE
        resolver = resolver_of(context.consul, self.site.name)
        if names.resolves(self.site.host(context), resolver):
            return DONE
        return needed(f"it cannot resolve {names.KNOWN_NAME}")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        resolver = resolver_of(context.consul, self.site.name)
        names.ask_consul(self.site.host(context), resolver, deadline)


def _servers(context: OperationContext) -> tuple[str, ...]:
    """Names of the servers, in the order of the inventory: the files depend on it."""
    wishes = context.records.nodes()
    return tuple(
        node.name
        for node in context.records.cluster().nodes
        if node.name in wishes and wishes[node.name].role == SERVER
    )
