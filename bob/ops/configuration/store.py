"""The configurations of services in Consul's KV. Only the robot writes them.

config/<service>/generation                      number of the newest generation
config/<service>/params/<name>                   its values, as people look at them; live ones are
                                                 read here by the running service
config/<service>/templates/<file>                its replaced templates
config/<service>/generations/<n>/params/<name>   what the instances of generation n read
config/<service>/history/<n>                     the whole generation as JSON
bob/generations/<service>                        the number again: all of them in one look
"""

from __future__ import annotations

from collections.abc import Mapping

from bob.catalogue import Settings
from bob.catalogue.words import CONFIG, params, params_of
from bob.clients.consul import Consul, KvEntry, Txn
from bob.clients.consul.txn import MAX_OPERATIONS
from bob.errors import Permanent, Temporary
from bob.ops.cluster_records import Commit
from bob.ops.configuration.generation import Generation
from bob.ops.sense import GENERATIONS

KEPT = 10  # generations; those that are wished or were wished before stay longer


def newest(consul: Consul, service: str) -> Generation:
    """The configuration that was written last; number 0 when nobody ever did."""
    entry = consul.kv.get(_number_key(service))
    return generation(consul, service, int(entry.value)) if entry else Generation()


def newest_number(consul: Consul, service: str) -> int:
    """Its number alone."""
    entry = consul.kv.get(_number_key(service))
    return int(entry.value) if entry else 0


def generation(consul: Consul, service: str, number: int) -> Generation:
    """One generation. Raises `Permanent` when it is no longer kept."""
    if number == 0:
        return Generation()
    entry = consul.kv.get(f"{_history(service)}{number}")
    if entry is None:
        raise Permanent(
            f"{service} has no configuration {number}",
            cure=f"See those that are kept: bob config history {service}",
        )
    return Generation.model_validate_json(entry.value)


def settings_of(consul: Consul, service: str, number: int) -> Settings:
    """What the job of a generation is rendered with."""
    return generation(consul, service, number).settings


def history(consul: Consul, service: str) -> tuple[Generation, ...]:
    """Those that are kept, oldest first."""
    found = [Generation.model_validate_json(e.value) for e in consul.kv.list(_history(service))]
    return tuple(sorted(found, key=lambda each: each.number))


def write(
    consul: Consul, commit: Commit, service: str, made: Generation, in_use: frozenset[int]
) -> Generation:
    """Make `made` the newest generation, all of it or nothing; it gets its number here.

    Generations beyond `KEPT` are forgotten unless they are `in_use`. Raises `Temporary` when
    somebody else wrote in between.
    """
    entry = consul.kv.get(_number_key(service))
    number = int(entry.value) + 1 if entry else 1
    numbered = made.model_copy(update={"number": number})
    txn = consul.txn().cas(_number_key(service), str(number), entry.modify_index if entry else 0)
    txn.set(GENERATIONS + service, str(number))
    txn.set(f"{_history(service)}{number}", numbered.model_dump_json(indent=2))
    for name, value in made.values.items():
        txn.set(f"{params_of(service, number)}{name}", value)
    _mirror(txn, consul.kv.list(params(service)), params(service), made.values)
    templates = f"{CONFIG}{service}/templates/"
    _mirror(txn, consul.kv.list(templates), templates, made.texts)
    kept = [each.number for each in history(consul, service)]
    for old in kept[: max(len(kept) + 1 - KEPT, 0)]:
        if old not in in_use and len(txn.operations) + 2 <= MAX_OPERATIONS:
            txn.delete_tree(f"{CONFIG}{service}/generations/{old}/")
            txn.delete(f"{_history(service)}{old}")
    if not commit(txn).ok:
        raise Temporary(f"the configuration of {service} was changed by somebody else meanwhile")
    return numbered


def _mirror(txn: Txn, there: tuple[KvEntry, ...], folder: str, wanted: Mapping[str, str]) -> None:
    """Make a folder hold exactly these values; what is there already is not written again."""
    found = {
        entry.key.removeprefix(folder): entry.value.decode(errors="replace") for entry in there
    }
    for name, value in wanted.items():
        if found.get(name) != value:
            txn.set(folder + name, value)
    for name in found.keys() - wanted.keys():
        txn.delete(folder + name)


def _number_key(service: str) -> str:
    return f"{CONFIG}{service}/generation"


def _history(service: str) -> str:
    return f"{CONFIG}{service}/history/"
