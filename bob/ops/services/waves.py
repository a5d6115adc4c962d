"""Which services of an operation are brought up side by side. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bob.catalogue import Service


def waves(services: Iterable[Service], new: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Names in the order in which they are brought up: those of a wave together.

    `services` come in the order of what they need. One that is `new` is no danger to any other: it
    starts as soon as what it depends on serves. One that runs already is changed alone, so that a
    version which does not work is the only thing that is wrong.
    """
    found: list[list[str]] = []
    place: dict[str, int] = {}
    for service in services:
        after = max((place[name] for name in service.depends if name in place), default=-1)
        together = (
            number
            for number in range(after + 1, len(found))
            if service.name in new and found[number][0] in new
        )
        place[service.name] = next(together, len(found))
        if place[service.name] == len(found):
            found.append([])
        found[place[service.name]].append(service.name)
    return tuple(tuple(wave) for wave in found)
