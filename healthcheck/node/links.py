"""The NICs of this host, asked from the kernel through netlink, as a program of its own.

The library for netlink takes 20 MB of memory, more than the whole daemon: so the daemon starts this
program when something has changed (`healthcheck.node.link_watch`) and reads what it prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

IFF_UP = 0x1  # switched on, see netdevice(7)
IFF_LOWER_UP = 0x10000  # the link below it is there


def main() -> None:
    """Print one JSON document; its shape is that of `described`."""
    from pyroute2 import IPRoute

    with IPRoute() as kernel:
        found = list(described(kernel.get_links(), kernel.get_addr()))
    sys.stdout.write(json.dumps(found))


def described(links: Iterable[Any], addresses: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """Each NIC in JSON types, from the kernel's messages (rtnetlink(7))."""
    by_index: dict[int, list[str]] = {}
    for address in addresses:
        own = address.get_attr("IFA_LOCAL") or address.get_attr("IFA_ADDRESS")
        by_index.setdefault(address["index"], []).append(str(own))
    for link in links:
        yield {
            "index": link["index"],
            "name": link.get_attr("IFLA_IFNAME"),
            "on": bool(link["flags"] & IFF_UP),
            "carrier": bool(link["flags"] & IFF_LOWER_UP),
            "changes": link.get_attr("IFLA_CARRIER_CHANGES") or 0,
            "master": link.get_attr("IFLA_MASTER") or 0,
            "leg": _leg_of_bond(link),
            "addresses": by_index.get(link["index"], []),
        }


def _leg_of_bond(link: Any) -> bool:
    info = link.get_attr("IFLA_LINKINFO")
    return info is not None and info.get_attr("IFLA_INFO_SLAVE_KIND") == "bond"


if __name__ == "__main__":
    main()
