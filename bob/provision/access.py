"""Who may do what in Consul: policies and tokens as data, the least that works for each part.

`consul_access` is what one datacenter needs before its agents work; `workload_access` is how jobs
of Nomad prove who they are, and can be created only when Nomad answers. Nomad itself has one policy
besides its management token: that of the healthcheck, which looks only.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from bob.clients.consul.acl import AuthMethod, BindingRule, Policy, Role, Token
from bob.provision.agents import LOOPBACK, NOMAD_HTTP_PORT, datacenter
from bob.provision.issuing import KeyPair
from bob.provision.nomad_config import CONSUL_AUDIENCE
from bob.provision.secrets import Secrets
from inventory.model import Cluster, NetworkName

SECRET_KEYS = "bob/secret/"  # noqa: S105 - a prefix of keys, not a secret
HEALTH_KEYS = "health/"
HEALTH_NOMAD_TOKEN = f"{SECRET_KEYS}parts/healthcheck/nomad"
HEALTH_NOMAD_POLICY = "bob-healthcheck"
HEALTH_NOMAD_RULES = """\
namespace "*" { capabilities = ["list-jobs", "read-job"] }
node { policy = "read" }
"""
MANAGEMENT_POLICY = "global-management"  # Consul's own
AUTH_METHOD = "nomad-workloads"
TASK_ROLE = "nomad-default-tasks"
_ACCESSORS = uuid.UUID("5b0c6d0e-6d7c-4a52-8f0b-3d6f4f5d7c21")


@dataclass(frozen=True)
class Access:
    """Policies and tokens of one datacenter; policies first."""

    policies: tuple[Policy, ...]
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class WorkloadAccess:
    """How workloads of Nomad log in to Consul (main datacenter), in the order of creation."""

    policy: Policy
    role: Role
    auth_method: AuthMethod
    binding_rules: tuple[BindingRule, ...]


def consul_access(
    cluster: Cluster, network: NetworkName, servers: Sequence[str], secrets: Secrets
) -> Access:
    """Policies and tokens of the datacenter of one network. `servers` are names of nodes."""
    policies = [agent_policy(node.name) for node in cluster.nodes]
    policies.append(OPERATOR_POLICY)
    dc = datacenter(cluster, network)

    def token(secret: SecretStr, purpose: str, policy: str) -> Token:
        accessor = _accessor(dc, purpose, secrets.generation)
        return Token(accessor, secret.get_secret_value(), purpose, (policy,))

    tokens = [
        token(
            secrets.consul_agents[node.name][network],
            f"Consul agent of {node.name}",
            agent_policy(node.name).name,
        )
        for node in cluster.nodes
    ]
    tokens.append(token(secrets.operator, "operator", OPERATOR_POLICY.name))
    watched = [node.name for node in cluster.nodes if node.name in secrets.healthchecks]
    policies += [health_policy(name, network) for name in watched]
    tokens += [
        Token(
            _accessor(dc, f"healthcheck of {name}", secrets.generation),
            secrets.healthchecks[name].get_secret_value(),
            f"healthcheck of {name}",
            _health_policies(name, network, server=name in servers),
        )
        for name in watched
    ]
    tokens.append(token(secrets.robot[network], f"robot of {cluster.name}", MANAGEMENT_POLICY))
    if network is NetworkName.MGMT:
        policies += [node_policy(node.name) for node in cluster.nodes]
        policies += [REQUESTS_POLICY, CLUSTERCHECK_POLICY]
        tokens += [
            token(
                secrets.bob_agents[node.name],
                f"bob-agent of {node.name}",
                node_policy(node.name).name,
            )
            for node in cluster.nodes
        ]
        tokens.append(token(secrets.requests, "requests", REQUESTS_POLICY.name))
        policies += [DNS_POLICY, NOMAD_SERVER_POLICY, NOMAD_CLIENT_POLICY]
        tokens.append(token(secrets.dns, "DNS", DNS_POLICY.name))
        tokens += [
            token(
                secrets.nomad_agents[node.name],
                f"Nomad agent of {node.name}",
                (NOMAD_SERVER_POLICY if node.name in servers else NOMAD_CLIENT_POLICY).name,
            )
            for node in cluster.nodes
        ]
    return Access(tuple(policies), tuple(tokens))


def workload_access(nomad_authority: KeyPair) -> WorkloadAccess:
    """The same as `nomad setup consul` makes, with a JWKS address that does not name one server."""
    return WorkloadAccess(
        policy=TASK_POLICY,
        role=Role(TASK_ROLE, (TASK_POLICY.name,)),
        auth_method=AuthMethod(
            AUTH_METHOD,
            "jwt",
            {
                # Each Consul server asks the Nomad server on its own host.
                "JWKSURL": f"https://{LOOPBACK}:{NOMAD_HTTP_PORT}/.well-known/jwks.json",
                "JWKSCACert": nomad_authority.certificate.decode(),
                "JWTSupportedAlgs": ["RS256"],
                "BoundAudiences": [CONSUL_AUDIENCE],
                "ClaimMappings": {
                    name: name
                    for name in ("nomad_namespace", "nomad_job_id", "nomad_task", "nomad_service")
                },
            },
        ),
        binding_rules=(
            _binding("service", "${value.nomad_service}", '"nomad_service" in value'),
            _binding(
                "role", "nomad-${value.nomad_namespace}-tasks", '"nomad_service" not in value'
            ),
        ),
    )


def agent_policy(node: str) -> Policy:
    """A Consul agent writes its own node and nothing else, and reads services."""
    return _policy(
        f"bob-agent-{node}",
        f"Consul agent of {node}",
        _rules([("node", node, "write"), ("service_prefix", "", "read")]),
    )


def node_policy(node: str) -> Policy:
    """bob-agent does the tasks of its own node and tells what it is; nothing of another node."""
    return _policy(
        f"bob-node-{node}",
        f"bob-agent of {node}",
        _rules(
            [
                ("agent", node, "read"),
                ("key_prefix", f"bob/tasks/{node}/", "write"),
                ("key", f"bob/facts/{node}", "write"),
                ("key_prefix", f"{SECRET_KEYS}nodes/{node}/", "read"),
                ("key", "bob/cluster", "read"),
                ("key", "bob/leader", "read"),
                ("key", "bob/pause", "read"),
                ("key_prefix", "bob/nodes/", "read"),
                ("node", node, "read"),
                ("service", "bob", "write"),
                ("session", node, "read"),
            ]
        ),
    )


def health_policy(node: str, network: NetworkName) -> Policy:
    """The healthcheck of a node sees who is there; on mgmt it tells how its own node is."""
    rules = [("node_prefix", "", "read")]
    if network is NetworkName.MGMT:
        rules += [
            ("key", f"{HEALTH_KEYS}nodes/{node}", "write"),
            ("service", "nodecheck", "write"),
            ("session", node, "write"),
        ]
    return _policy(f"bob-health-{node}", f"healthcheck of {node}", _rules(rules))


def _health_policies(node: str, network: NetworkName, *, server: bool) -> tuple[str, ...]:
    """The policies of a healthcheck. Those of servers may watch the cluster, one at a time."""
    own = health_policy(node, network).name
    whole = server and network is NetworkName.MGMT
    return (own, CLUSTERCHECK_POLICY.name) if whole else (own,)


def node_accessors(
    cluster: Cluster, network: NetworkName, node: str, generation: int
) -> tuple[str, ...]:
    """Accessor ids of the tokens that `consul_access` makes for a node alone."""
    dc = datacenter(cluster, network)
    agents = ("Consul agent", "bob-agent", "Nomad agent", "healthcheck")
    return tuple(_accessor(dc, f"{agent} of {node}", generation) for agent in agents)


def node_policies(node: str) -> tuple[str, ...]:
    """Names of the policies that `consul_access` makes for a node alone."""
    health = health_policy(node, NetworkName.MGMT)
    return agent_policy(node).name, node_policy(node).name, health.name


def _policy(name: str, description: str, rules: str) -> Policy:
    return Policy(name=name, rules=rules, description=description)


def _binding(kind: str, name: str, selector: str) -> BindingRule:
    return BindingRule(AUTH_METHOD, kind, name, selector)


def _rules(rules: Sequence[tuple[str, str, str]], **whole: str) -> str:
    """HCL of (resource, segment, disposition) and of resources without segments."""
    lines = [f'{kind} "{segment}" {{ policy = "{policy}" }}' for kind, segment, policy in rules]
    lines += [f'{kind} = "{policy}"' for kind, policy in whole.items()]
    return "\n".join(lines) + "\n"


def _accessor(dc: str, purpose: str, generation: int) -> str:
    """The same for the same token; one that is replaced keeps its purpose, so its age counts."""
    age = f"/{generation}" if generation else ""
    return str(uuid.uuid5(_ACCESSORS, f"{dc}/{purpose}{age}"))


DNS_POLICY = _policy(
    "bob-dns",
    "Answers of the mgmt agents to DNS questions",
    _rules([(kind, "", "read") for kind in ("node_prefix", "service_prefix", "query_prefix")]),
)

_NOMAD_RULES = [
    ("agent_prefix", "", "read"),
    ("node_prefix", "", "read"),
    # Workloads register with their own identity, but the agent removes what they leave behind.
    ("service_prefix", "", "write"),
]
NOMAD_SERVER_POLICY = _policy("bob-nomad-server", "Nomad agents of servers", _rules(_NOMAD_RULES))
NOMAD_CLIENT_POLICY = _policy("bob-nomad-client", "Nomad agents of clients", _rules(_NOMAD_RULES))

_SEE_ALL_BUT_SECRETS = [
    ("agent_prefix", "", "read"),
    ("event_prefix", "", "read"),
    ("key_prefix", "", "read"),
    ("key_prefix", SECRET_KEYS, "deny"),
    ("node_prefix", "", "read"),
    ("query_prefix", "", "read"),
    ("service_prefix", "", "read"),
    ("session_prefix", "", "read"),
]
OPERATOR_POLICY = _policy(
    "bob-operator",
    "People and the command line: see everything but secrets, change nothing",
    _rules(_SEE_ALL_BUT_SECRETS, operator="read"),
)
# A wish is a record that the robot reads; never the lock of the leader, which a plain write breaks.
REQUESTS_POLICY = _policy(
    "bob-requests",
    "The command line when it records a wish for the robot",
    _rules(
        [
            *_SEE_ALL_BUT_SECRETS,
            ("key", "bob/pause", "write"),
            # In a transaction Consul asks for the right to write even where it only looks: there
            # the wish makes sure that its operation is not finished already.
            *(
                ("key_prefix", f"bob/{part}/", "write")
                for part in ("ops", "active", "services", "history")
            ),
        ],
        operator="read",
    ),
)

CLUSTERCHECK_POLICY = _policy(
    "bob-clustercheck",
    "The healthchecks of servers: one of them looks at everything but secrets, and tells",
    _rules(
        [
            ("key", f"{HEALTH_KEYS}cluster", "write"),
            ("key", f"{HEALTH_KEYS}leader", "write"),
            ("key", "bob/leader", "read"),
            ("key_prefix", "bob/nodes/", "read"),
            ("key", HEALTH_NOMAD_TOKEN, "read"),
            ("service_prefix", "", "read"),
            ("service", "clustercheck", "write"),
        ],
        operator="read",
    ),
)

TASK_POLICY = _policy(
    "policy-nomad-tasks",
    "Tasks of Nomad: configuration, which services are deployed, and the catalog",
    _rules(
        [
            ("key_prefix", "bob/services/", "read"),
            ("key_prefix", "config/", "read"),
            ("node_prefix", "", "read"),
            ("service_prefix", "", "read"),
        ]
    ),
)
