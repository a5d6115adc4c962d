"""The inventory of a sandbox, as `bob init` wants it."""

from __future__ import annotations

from typing import Any

import yaml

from bob.sandbox.layout import BMC_USER, NETWORKS, Layout


def write(layout: Layout) -> None:
    """Write cluster.yaml, completely or not at all."""
    temporary = layout.inventory.with_suffix(".new")
    temporary.write_text(yaml.safe_dump(document(layout), sort_keys=False))
    temporary.rename(layout.inventory)


def document(layout: Layout) -> dict[str, Any]:
    """The content of the file. Paths in it are relative to its folder."""

    def inside(path: Any) -> str:
        return str(path.relative_to(layout.dir))

    return {
        "cluster": layout.name,
        "networks": {network: {"cidr": layout.cidr(network)} for network in NETWORKS},
        "ssh": {
            "user": "root",
            "key": inside(layout.ssh_key),
            "known_hosts": inside(layout.known_hosts),
        },
        "registry": layout.registry_address,
        "nodes": [
            {
                "name": node.name,
                "zone": node.zone,
                "addresses": node.addresses,
                "bmc": {
                    "address": node.bmc_address,
                    "user": BMC_USER,
                    "password_file": inside(node.bmc_password_file),
                },
                "roles": ["compute"],
            }
            for node in layout
        ],
    }
