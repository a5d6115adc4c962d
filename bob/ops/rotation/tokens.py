"""New tokens: made, given their rights, brought to every node, and the old ones taken away.

bob/secret/rotation/tokens    the operation and the generation it makes

Tokens of people (`operator`, `requests`) are made along, but the old ones stay: the machine that
rotates fetches the new ones and then takes the old ones away (`bob rotate tokens`).
"""

from __future__ import annotations

import json

from bob.clients.consul import Token
from bob.ops.context import OperationContext
from bob.ops.rotation.absence import RETURN_SECONDS, accepted, await_everybody
from bob.ops.rotation.roll_out import RollOut
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import ClusterView
from bob.provision.access import SECRET_KEYS, consul_access
from bob.provision.renewing import outdated_accessors, renewed
from bob.provision.secrets import Secrets, new_token
from bob.waiting import Deadline

MARK = f"{SECRET_KEYS}rotation/tokens"


class MakeTokens(Step[OperationContext]):
    """The generation is noted before they are made, so that another leader makes no further one."""

    name = "make"
    title = "Make new tokens"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        wanted = _noted(context)
        made = wanted is not None and context.records.secrets().generation >= wanted
        return DONE if made else needed("the tokens are of the generation before")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        wanted = _noted(context)
        if wanted is None:
            wanted = context.records.secrets().generation + 1
            document = {"operation": context.operation.id, "generation": wanted}
            context.records.put(MARK, json.dumps(document))

        def change(known: Secrets) -> Secrets:
            return known if known.generation >= wanted else renewed(known, new_token)

        context.records.change_secrets(change)


class Grant(Step[OperationContext]):
    """Old and new ones are good side by side."""

    name = "grant"
    title = "Give the new tokens their rights"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        for network, consul in context.networks.items():
            wanted = {t.accessor_id for t in _tokens(context)[network.value]}
            if missing := wanted - consul.acl.accessors():
                return needed(f"{network.value} lacks {len(missing)} tokens")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        for network, consul in context.networks.items():
            for token in _tokens(context)[network.value]:
                consul.acl.ensure_token(token)


class ToEverybody(RollOut):
    """A node that is away would come back with tokens that are taken away next."""

    def nodes(self, context: OperationContext, view: ClusterView) -> list[str]:
        """See `Rolling.nodes`."""
        return super().nodes(context, view) if accepted(context) else list(view.wishes)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        await_everybody(context, Deadline(RETURN_SECONDS, deadline.clock))
        super().apply(context, deadline)


class TakeAway(Step[OperationContext]):
    """A node that was left out is locked out with this; the kind's guard has told of it."""

    name = "take-away"
    title = "Take the old tokens away"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        left = sum(len(found) for found in _outdated(context).values())
        return needed(f"{left} old tokens") if left else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        found = _outdated(context)
        for network, consul in context.networks.items():
            for accessor in found[network.value]:
                consul.acl.delete_token(accessor)


STEPS = (MakeTokens(), Grant(), ToEverybody(), TakeAway())


def _noted(context: OperationContext) -> int | None:
    """The generation that this operation makes, once it is noted."""
    entry = context.consul.kv.get(MARK)
    document = entry.json() if entry else {}
    if document.get("operation") != context.operation.id:
        return None
    return int(document["generation"])


def _tokens(context: OperationContext) -> dict[str, tuple[Token, ...]]:
    cluster, secrets = context.records.cluster(), context.records.secrets()
    servers = context.view().servers
    return {
        network.value: consul_access(cluster, network, servers, secrets).tokens
        for network in context.networks
    }


def _outdated(context: OperationContext) -> dict[str, frozenset[str]]:
    """Old tokens of agents that still exist, by network."""
    cluster, secrets = context.records.cluster(), context.records.secrets()
    servers = context.view().servers
    return {
        network.value: consul.acl.accessors()
        & outdated_accessors(cluster, network, servers, secrets, people=False)
        for network, consul in context.networks.items()
    }
