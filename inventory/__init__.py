"""The inventory: what the operator says about the cluster, checked before anything is done with it.

values     the kinds of values: labels, addresses, ranges, paths
model      frozen models in the shape of the YAML file
document   the YAML file with the line of each key
facts      the sound values of a file, with their places
laws       what must hold between the values, each law a function
cautions   what deserves a warning
placement  how many servers, and on which nodes
load       file -> cluster and warnings, or every violation at once
schema     the JSON Schema for editors
"""

from inventory.errors import InventoryError, Violation
from inventory.load import Loaded, load
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
from inventory.placement import choose_servers

__all__ = [
    "Bmc",
    "Cluster",
    "InventoryError",
    "Loaded",
    "Network",
    "NetworkName",
    "Node",
    "PasswordUnavailable",
    "Ssh",
    "ToolName",
    "Toolchain",
    "Versions",
    "Violation",
    "choose_servers",
    "load",
]
