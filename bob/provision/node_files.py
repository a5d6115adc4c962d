"""Every file Bob puts on a node, except the programs: a pure function of its inputs.

The same inputs give the same bytes, so a probe can compare checksums and copy nothing twice.
Nothing that holds a secret is readable by others: Consul's files belong to root and are readable
by Consul's group, Nomad's by root alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from bob.provision import consul_config, health_config, nomad_config, units
from bob.provision.agent_config import CONFIG_FILE as AGENT_CONFIG_FILE
from bob.provision.agent_config import AgentConfig
from bob.provision.agents import (
    BOB_UNIT,
    CONSUL_USER,
    HEALTH_UNIT,
    NOMAD_CONFIG_DIR,
    NOMAD_UNIT,
    UNIT_DIR,
    ConsulAgent,
    consul_agents,
)
from bob.provision.certificates import NodeCertificates
from bob.provision.issuing import KeyPair
from bob.provision.pki import Authorities
from bob.provision.resolver import Resolver
from bob.provision.secrets import Secrets
from inventory.model import Cluster, Node


@dataclass(frozen=True)
class NodeFile:
    """A file on a node. Its content is not shown by `repr`: it may hold secrets."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"


def files_for(
    cluster: Cluster,
    node: Node,
    servers: Sequence[str],
    secrets: Secrets,
    authorities: Authorities,
    certificates: NodeCertificates,
    resolver: Resolver,
    *,
    limits: nomad_config.HostLimits | None = None,
    bootstrap: bool = True,
) -> tuple[NodeFile, ...]:
    """The files of one node in the order in which they are written.

    `servers` and `bootstrap` as in `consul_config`. The group `consul` must exist on the host.
    Folders need no special mode: what is private in them is private by itself.
    """
    consul = (
        file
        for agent in consul_agents(cluster)
        for file in _consul_files(
            agent,
            consul_config.consul_config(
                cluster,
                node,
                agent.network,
                servers,
                secrets,
                recursors=resolver.recursors(),
                bootstrap=bootstrap,
            ),
            authorities.consul,
            certificates.consul[agent.network],
        )
    )
    nomad = nomad_config.nomad_config(
        cluster, node, servers, secrets, limits=limits, bootstrap=bootstrap
    )
    own = AgentConfig.of(cluster, node, servers, secrets)
    return (
        *consul,
        *_nomad_files(nomad, authorities.nomad, certificates.nomad),
        NodeFile(str(AGENT_CONFIG_FILE), own.content(), 0o600),
        _text(f"{UNIT_DIR}/{BOB_UNIT}.service", units.bob_unit()),
        *health_files(cluster, node, servers, secrets),
    )


def health_files(
    cluster: Cluster, node: Node, servers: Sequence[str], secrets: Secrets
) -> tuple[NodeFile, ...]:
    """None in a cluster whose secrets were made before there was a healthcheck."""
    token = secrets.healthchecks.get(node.name)
    if token is None:
        return ()
    config = health_config.health_config(cluster, node, servers, token)
    return (
        NodeFile(str(health_config.CONFIG_FILE), config, 0o600),
        _text(f"{UNIT_DIR}/{HEALTH_UNIT}.service", units.health_unit()),
    )


def resolver_file(resolver: Resolver) -> NodeFile:
    """The file that makes the host ask Consul; written last, when Consul answers."""
    path, content = resolver.file()
    return _text(path, content)


def _consul_files(
    agent: ConsulAgent, config: consul_config.Config, authority: KeyPair, certificate: KeyPair
) -> tuple[NodeFile, ...]:
    def private(name: str, content: bytes) -> NodeFile:
        return NodeFile(str(agent.config_dir / name), content, 0o640, group=CONSUL_USER)

    return (
        private(consul_config.CA_FILE, authority.certificate),
        private(consul_config.CERTIFICATE_FILE, certificate.certificate),
        private(consul_config.KEY_FILE, certificate.key),
        private(consul_config.CONFIG_FILE, _json(config)),
        _text(f"{UNIT_DIR}/{agent.unit}.service", units.consul_unit(agent)),
    )


def _nomad_files(
    config: nomad_config.Config, authority: KeyPair, certificate: KeyPair
) -> tuple[NodeFile, ...]:
    def private(name: str, content: bytes) -> NodeFile:
        return NodeFile(str(NOMAD_CONFIG_DIR / name), content, 0o600)

    return (
        private(nomad_config.CA_FILE, authority.certificate),
        private(nomad_config.CERTIFICATE_FILE, certificate.certificate),
        private(nomad_config.KEY_FILE, certificate.key),
        private(nomad_config.CONFIG_FILE, _json(config)),
        _text(str(units.WAIT_SCRIPT), units.wait_script(), 0o755),
        _text(f"{UNIT_DIR}/{NOMAD_UNIT}.service", units.nomad_unit()),
    )


def _json(config: dict[str, object]) -> bytes:
    return json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"


def _text(path: str, content: str, mode: int = 0o644) -> NodeFile:
    return NodeFile(path, content.encode(), mode)
