"""The last steps of `add-node`: the agents start, and the host is left to its own.

Until the node is a member it can be taken back: whatever Nomad has placed there meanwhile is placed
elsewhere. `Member` is the point of no return, and nothing in it can fail on the host's side, so no
operation is ever stuck half way with a host that died. From there on `remove-node` is the way out.
"""

from __future__ import annotations

from bob.clients import consul as api
from bob.clients.nomad import Node
from bob.clients.ssh import KeyRefused
from bob.ops.context import OperationContext
from bob.ops.joining import login
from bob.ops.joining.enlist import HostStep
from bob.ops.joining.site import FAREWELL
from bob.ops.step import DONE, Probe, needed
from bob.ops.view import JOINING, MEMBER
from bob.provision import agents, install
from bob.waiting import Deadline

BOB_SERVICE = "bob"  # the service that every bob-agent registers for its node
LOOK_SECONDS = 0.2


class Consul(HostStep):
    """Alive on every network."""

    name = "consul"
    title = "Start the Consul agents of the node"

    def probe(self, context: OperationContext) -> Probe:
        dead = [n.value for n, consul in context.networks.items() if not self._alive(consul)]
        return needed(f"{self.site.name} is not alive on {', '.join(dead)}") if dead else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        for consul in context.networks.values():
            # Services that ran before the host was installed anew would come back to life with it.
            if not self._alive(consul):
                consul.catalog.deregister(self.site.name)
        units = [agents.consul_agent(network).unit for network in context.networks]
        if not self.site.left(context):
            self.site.host(context).run(install.start_script(units))
        cure = f"Look at journalctl -u 'consul-*' on {self.site.name}."
        self.wait_until_done(context, deadline, cure=cure, interval=LOOK_SECONDS)

    def _alive(self, consul: api.Consul) -> bool:
        return any(
            member.name == self.site.name and member.status is api.MemberStatus.ALIVE
            for member in consul.agent.members()
        )


class Nomad(HostStep):
    """Ready to run jobs, and the only node of its name."""

    name = "nomad"
    title = "Start Nomad on the node"

    def probe(self, context: OperationContext) -> Probe:
        known = self._known(context)
        if not any(node.ready for node in known):
            return needed(f"{self.site.name} is not ready")
        if len(known) > 1:
            return needed(f"Nomad remembers {self.site.name} from before")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        script = install.start_script([agents.NOMAD_UNIT])
        if not self.site.left(context):
            self.site.host(context).run(script)
        for node in self._known(context):
            if not node.ready:  # of the installation before, or about to register once more
                context.nomad.nodes.purge(node.id)
        cure = f"Look at journalctl -u nomad on {self.site.name}."
        self.wait_until_done(context, deadline, cure=cure, interval=LOOK_SECONDS)

    def _known(self, context: OperationContext) -> list[Node]:
        return [node for node in context.nomad.state.nodes() if node.name == self.site.name]


class Agent(HostStep):
    """From here on the node does what the robot wants of it by itself."""

    name = "agent"
    title = "Start bob-agent and healthcheck on the node"

    def probe(self, context: OperationContext) -> Probe:
        checks = context.consul.catalog.node_checks(self.site.name)
        own = [check for check in checks if check.service_name == BOB_SERVICE]
        if own and all(check.passing for check in own):
            return DONE
        return needed(own[0].output if own else f"bob-agent of {self.site.name} is not heard")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        units = (agents.BOB_UNIT, agents.HEALTH_UNIT)
        script = install.restart_script(units) + install.start_script(units)
        if not self.site.left(context):
            self.site.host(context).run(script, timeout=deadline.left())
        cure = f"Look at journalctl -u {agents.BOB_UNIT} on {self.site.name}."
        self.wait_until_done(context, deadline, cure=cure, interval=LOOK_SECONDS)


class Farewell(HostStep):
    """The robot has no standing login anywhere. Done means: the host refuses our key."""

    name = FAREWELL
    title = "Take the cluster's SSH key away from the host"
    timeout = 60

    def probe(self, context: OperationContext) -> Probe:
        self.site.close()
        try:
            self.site.host(context).run(":")
        except KeyRefused:
            return DONE
        return needed("the host lets it in")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        login.forbid(self.site.host(context), context.records.cluster().name)


class Member(HostStep):
    """The node counts from now on."""

    name = "member"
    title = "Make the node a member"
    final = True

    def probe(self, context: OperationContext) -> Probe:
        wish = context.records.nodes().get(self.site.name)
        joining = wish is None or wish.state == JOINING
        return needed(f"{self.site.name} is joining") if joining else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        context.records.change_node(self.site.name, state=MEMBER)
