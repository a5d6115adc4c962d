"""In which order an operation brings its services up, and what each one waits for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bob.catalogue import Service


@dataclass(frozen=True)
class Turn:
    """One service; all of `after` have to serve before its job is registered."""

    name: str
    after: tuple[str, ...]


def turns(services: Iterable[Service], new: Collection[str]) -> Iterator[Turn]:
    """Every service once, those that need the fewest others first.

    `services` come in the order of what they need. One that is `new` is no danger to any other: it
    starts as soon as what it depends on serves. One that runs already is changed alone, so that a
    version which does not work is the only thing that is wrong.
    """
    services = tuple(services)
    needs = {service.name: service.depends for service in services}
    begun: list[str] = []
    alone: tuple[str, ...] = ()
    for wave in _waves(services, new):
        for name in wave:
            if name in new:
                yield Turn(name, (*(each for each in needs[name] if each in needs), *alone))
            else:
                yield Turn(name, tuple(begun))
                alone = (name,)
            begun.append(name)


def _waves(services: Iterable[Service], new: Collection[str]) -> list[list[str]]:
    """Names that may begin together, in order: those of later waves need some of an earlier one."""
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
    return found
