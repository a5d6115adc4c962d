"""Services that operators added, as kept in `bob/catalogue/<service>/<file>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bob.catalogue import Catalogue
from bob.clients.consul import Consul, Txn
from bob.errors import Temporary
from bob.ops.context import LeaderContext, OperationContext
from bob.ops.sense import CATALOGUE, stored_catalogue
from bob.ops.step import DONE, Probe, Step, needed
from bob.waiting import Deadline

FilesOf = Callable[[OperationContext], Mapping[str, Mapping[str, str]]]
"""For each service that an operation brings along its texts, by path ("web/service.yaml")."""


def catalogue_in(context: LeaderContext, own: Catalogue) -> Catalogue:
    """The catalogue as it is in this cluster."""
    return own.extended(stored_catalogue(context.consul))


class StoreFiles(Step[OperationContext]):
    """From here on the robot knows the services, also when the operator's folder is gone."""

    name = "catalogue"
    title = "Keep the operator's catalogue in Consul"

    def __init__(self, files: FilesOf) -> None:
        self._files = files

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        known = stored_catalogue(context.consul)
        for name, wanted in self._files(context).items():
            if _of(known, name) != wanted:
                return needed(f"{name} is not kept like this")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        for name, wanted in self._files(context).items():
            txn = context.consul.txn()
            replace_files(txn, context.consul, name, wanted)
            if txn.operations and not context.leader.commit(txn).ok:
                raise Temporary(f"{CATALOGUE}{name} was changed by somebody else meanwhile")


def replace_files(txn: Txn, consul: Consul, name: str, wanted: Mapping[str, str]) -> None:
    """Make the stored files of a service be these."""
    known = _of(stored_catalogue(consul), name)
    for path in known.keys() - wanted.keys():
        txn.delete(CATALOGUE + path)
    for path, text in wanted.items():
        if known.get(path) != text:
            txn.set(CATALOGUE + path, text)


def _of(files: Mapping[str, str], service: str) -> dict[str, str]:
    return {path: text for path, text in files.items() if path.startswith(f"{service}/")}
