"""The inventory: what the operator says about the cluster, checked before anything is done with it.

values     the kinds of values: labels, addresses, ranges, paths
model      frozen models in the shape of the YAML file
document   the YAML file with the line of each key
laws       what must hold between the values, each law a function
placement  how many servers, and on which nodes
load       file -> cluster and warnings, or every violation at once
schema     the JSON Schema for editors
"""

from inventory.errors import InventoryError, Violation
from inventory.model import (
    Bmc,
    Cluster,
    Network,
    NetworkName,
    Node,
    PasswordUnavailable,
    Ssh,
    Toolchain,
    ToolName,
    Versions,
)

__all__ = [
    "Bmc",
    "Cluster",
    "InventoryError",
    "Network",
    "NetworkName",
    "Node",
    "PasswordUnavailable",
    "Ssh",
    "ToolName",
    "Toolchain",
    "Versions",
    "Violation",
]
