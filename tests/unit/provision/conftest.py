"""A cluster of four nodes, three of them servers, and everything made for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from provision_samples import NOW, SERVERS, describe

from bob.provision import pki, secrets
from bob.provision.certificates import node_certificates
from bob.provision.node_files import NodeFile, files_for
from bob.provision.resolver import Resolver
from inventory.model import Cluster


@pytest.fixture
def cluster() -> Cluster:
    return describe()


@pytest.fixture
def some_secrets(cluster: Cluster) -> secrets.Secrets:
    return secrets.complete(None, cluster)


@pytest.fixture
def authorities(tmp_path: Path) -> pki.Authorities:
    return pki.load_or_create_authorities(tmp_path / "pki", "c1", NOW)


@pytest.fixture
def files_of(
    cluster: Cluster, some_secrets: secrets.Secrets, authorities: pki.Authorities, tmp_path: Path
) -> Callable[[str], tuple[NodeFile, ...]]:
    """The files of a node, by its name."""

    def files(name: str) -> tuple[NodeFile, ...]:
        node = cluster.node(name)
        certificates = node_certificates(
            tmp_path / "leaf", authorities, cluster, node, NOW, server=name in SERVERS
        )
        resolver = Resolver(upstream=("10.0.0.53",))
        return files_for(cluster, node, SERVERS, some_secrets, authorities, certificates, resolver)

    return files
