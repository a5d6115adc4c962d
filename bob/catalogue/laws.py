"""Laws between services: what one file says has to fit what the others say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from bob.catalogue.reading import Entry
from inventory.document import Place
from inventory.errors import Violation

AFTER = "depends"
NAMED = (AFTER, "colocation", "affinity", "anti_affinity")


def broken_laws(entries: Mapping[str, Entry]) -> Iterator[Violation]:
    """What is wrong between the services of a catalogue, by name."""
    for name in sorted(entries):
        entry = entries[name]
        for judge in (_unknown, _shared):
            for place, message in judge(entry, entries):
                yield entry.document.violation(place, message)
    yield from _port_clashes(entries)
    yield from _circles(entries)


def _unknown(entry: Entry, known: Mapping[str, Entry]) -> Iterator[tuple[Place, str]]:
    for field in NAMED:
        for position, name in enumerate(getattr(entry.service, field)):
            if name == entry.service.name:
                yield (field, position), "a service cannot name itself"
            elif name not in known:
                yield (field, position), f"there is no service {name!r}"


def _shared(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[tuple[Place, str]]:
    for name, parameter in entry.service.secrets.items():
        for other in parameter.shared_with:
            place = ("parameters", name, "shared_with", other)
            if other not in entries:
                yield place, f"there is no service {other!r}"
            elif other not in entry.service.depends:
                yield place, f"{other!r} must be among depends: it gets the secret first"


def _port_clashes(entries: Mapping[str, Entry]) -> Iterator[Violation]:
    """Any two services may meet on one node, where a port has one owner.

    A service may have its own port as its door: the router opens it on the shared address only.
    """
    owners: dict[int, tuple[str, str]] = {}
    for name in sorted(entries):
        service = entries[name].service
        ports: list[tuple[Place, int | str]] = [
            (("ports", label), port) for label, port in service.ports.items()
        ]
        if service.door and service.door.port not in service.ports.values():
            ports.append((("door", "port"), service.door.port))
        for place, port in ports:
            if not isinstance(port, int):
                continue
            if port in owners:
                owner, theirs = owners[port]
                message = f"port {port} belongs to {owner} ({theirs})"
                yield entries[name].document.violation(place, message)
            owners.setdefault(port, (name, str(place[-1] if place[0] == "ports" else place[0])))


def _circles(entries: Mapping[str, Entry]) -> Iterator[Violation]:
    graph = {
        name: [each for each in entry.service.depends if each in entries and each != name]
        for name, entry in entries.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        entry = entries[circle[0]]
        yield entry.document.violation((AFTER,), f"depend on each other: {' -> '.join(circle)}")
