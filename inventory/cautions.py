"""What an operator should know about a file that can be used all the same: the warnings."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from inventory.facts import Facts
from inventory.laws import Finding, Law


def two_zones_cannot_be_spread(facts: Facts) -> Iterator[Finding]:
    """An odd number of servers in two zones: one of them holds the majority, whatever we do."""
    if (zone := facts.zone_with_majority()) and len(facts.zones()) == 2:
        yield Finding(
            ("nodes",),
            f"with two zones one must hold a majority of the servers: the loss of {zone} stops the"
            " cluster; a node in a third zone would cure that",
        )


def zones_are_said_or_not(facts: Facts) -> Iterator[Finding]:
    """A forgotten zone would count as a failure domain of its own."""
    if any(node.has_zone for node in facts.nodes):
        for node in facts.nodes:
            if not node.has_zone:
                yield Finding(node.place, "no zone, while other nodes have one: counted as default")


def the_word_has_a_use(facts: Facts) -> Iterator[Finding]:
    """`single_server` alone does not make a single server."""
    if facts.single_server and facts.servers != 1:
        yield Finding(("single_server",), "without effect; it only allows `servers: 1`")


def passwords_are_not_inline(facts: Facts) -> Iterator[Finding]:
    """Inventories are copied, mailed and kept in git."""
    for node in facts.nodes:
        if node.bmc and "password" in node.bmc.passwords:
            yield Finding(
                (*node.bmc.place, "password"),
                "the password is in the inventory itself; use password_file or password_env",
            )


def files_are_there(facts: Facts) -> Iterator[Finding]:
    """Said early; whoever needs the file will insist on it."""
    for file in facts.files:
        if file.mode is None:
            yield Finding(file.place, f"{file.path} does not exist or cannot be reached")


def secrets_are_private(facts: Facts) -> Iterator[Finding]:
    """A key or password file is for its owner only."""
    for file in facts.files:
        if file.secret and file.mode is not None and file.mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Finding(file.place, f"others may use {file.path}: run chmod 600 {file.path}")


CAUTIONS: tuple[Law, ...] = (
    two_zones_cannot_be_spread,
    zones_are_said_or_not,
    the_word_has_a_use,
    passwords_are_not_inline,
    files_are_there,
    secrets_are_private,
)
