"""New tokens in place of all that agents and people use. Pure, but for the randomness.

The management tokens stay: they are the way in when everything else fails, and Consul's servers
make theirs again from their configuration whenever it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import SecretStr

from bob.provision.access import consul_access
from bob.provision.secrets import Secrets
from inventory.model import Cluster, NetworkName
from inventory.values import FrozenMapping

PEOPLE = ("operator", "requests")  # purposes of tokens that people's machines hold
REMEMBERED = 3  # generations whose tokens are looked for when old ones are taken away


def renewed(known: Secrets, make: Callable[[], SecretStr]) -> Secrets:
    """The same secrets with new tokens, one generation later."""
    agents = {
        node: FrozenMapping({network: make() for network in tokens})
        for node, tokens in known.consul_agents.items()
    }
    return known.model_copy(
        update={
            "generation": known.generation + 1,
            "consul_agents": FrozenMapping(agents),
            "nomad_agents": FrozenMapping({node: make() for node in known.nomad_agents}),
            "bob_agents": FrozenMapping({node: make() for node in known.bob_agents}),
            "healthchecks": FrozenMapping({node: make() for node in known.healthchecks}),
            "robot": FrozenMapping({network: make() for network in known.robot}),
            "dns": make(),
            "operator": make(),
            "requests": make(),
        }
    )


def outdated_accessors(
    cluster: Cluster, network: NetworkName, servers: Sequence[str], known: Secrets, *, people: bool
) -> frozenset[str]:
    """Accessor ids of the tokens of earlier generations: of people, or of agents and the robot."""
    first = max(0, known.generation - REMEMBERED)
    return frozenset(
        token.accessor_id
        for generation in range(first, known.generation)
        for token in consul_access(
            cluster, network, servers, known.model_copy(update={"generation": generation})
        ).tokens
        if (token.description in PEOPLE) is people
    )
