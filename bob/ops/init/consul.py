"""Consul on every network: its access rules, then the nodes that are no servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bob.clients.consul.agent import MemberStatus
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import access, agents, install
from bob.waiting import Deadline
from inventory import NetworkName


class ConsulAccess(Step[InitContext]):
    """Policies and tokens; their secrets were chosen before, so a second time finds them."""

    name = "consul-access"
    title = "Create Consul policies and a token for each agent and purpose"

    def probe(self, context: InitContext) -> Probe:
        for network in context.cluster.network_names():
            wanted = {token.accessor_id for token in self._access(context, network).tokens}
            missing = wanted - context.consul(network).acl.accessors()
            if missing:
                return needed(f"{network} lacks {len(missing)} tokens")
        return DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        with ThreadPoolExecutor(len(NetworkName)) as pool:
            list(pool.map(lambda n: self._grant(context, n), context.cluster.network_names()))

    def _grant(self, context: InitContext, network: NetworkName) -> None:
        acl = context.consul(network).acl
        rules = self._access(context, network)
        for policy in rules.policies:
            acl.ensure_policy(policy)
        *tokens, last = rules.tokens
        for token in tokens:
            acl.ensure_token(token)
        for name in context.servers:  # they started before their tokens existed
            own = context.secrets.consul_agents[name][network].get_secret_value()
            context.consul_of(name, network).agent.renew_token("agent", own)
        acl.ensure_token(last)  # now the probe finds all of them: the agents have theirs, too

    @staticmethod
    def _access(context: InitContext, network: NetworkName) -> access.Access:
        return access.consul_access(context.cluster, network, context.servers, context.secrets)


class ConsulClients(Step[InitContext]):
    """Every node alive on every network."""

    name = "consul-clients"
    title = "Start the Consul agents of the other nodes"

    def probe(self, context: InitContext) -> Probe:
        everybody = {node.name for node in context.cluster.nodes}
        for network in context.cluster.network_names():
            members = context.consul(network).agent.members()
            alive = {m.name for m in members if m.status is MemberStatus.ALIVE}
            if missing := everybody - alive:
                return needed(f"{', '.join(sorted(missing))} not alive on {network}")
        return DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        script = install.start_script(agent.unit for agent in agents.consul_agents(context.cluster))
        context.fleet.each(lambda host: host.run(script), context.clients)
        cure = "Look at journalctl -u 'consul-*' on the nodes that are missing."
        self.wait_until_done(context, deadline, cure=cure)
