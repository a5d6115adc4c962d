"""`upgrade`: other versions of Consul, Nomad and Bob itself, while everything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bob.errors import PreflightRefused, UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.servers.judge import sick
from bob.ops.servers.snapshot import Snapshot
from bob.ops.step import Step
from bob.ops.upgrade.steps import ACTIVATE, NoteVersions
from bob.ops.view import ClusterView
from inventory.model import Versions

VERSION_SKEW = "version-skew"


class Upgrade(Kind):
    """The parameters: `versions` by field of the inventory; where they lie: `programs` by name.

    `others` has by node what lies elsewhere: Bob is made for the Python of each host.
    """

    name = "upgrade"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`: nobody may change servers meanwhile."""
        return ("cluster", "servers")

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        if not request.params.get("programs"):
            raise UsageError(
                "the new programs are not on the nodes yet", cure="Bring them with: bob upgrade"
            )
        refuse_older(request.params.get("versions", {}), view.cluster.versions)
        if reason := sick(view):
            raise PreflightRefused(reason, cure="Every server has to be sound first: bob status.")

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """See `Kind.guards`."""
        return skews(request.params.get("versions", {}), view.cluster.versions)

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        """See `Kind.warnings`."""
        absent = [name for name in view.wishes if not view.alive(name)]
        if absent:
            yield f"{', '.join(absent)} not there: they keep the old versions; upgrade once more"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        given = request.params.get("programs") or {}
        activated = (step for step in ACTIVATE if step.program in given)
        return Snapshot(), *activated, NoteVersions()


KIND = Upgrade()


def refuse_older(wanted: Mapping[str, str], running: Versions) -> None:
    """Raise `UsageError` for a version below the one that runs; `wanted` by field of `running`."""
    for field, version in wanted.items():
        now = getattr(running, field)
        if _numbers(version) < _numbers(now):
            raise UsageError(
                f"{field} {now} cannot go back to {version}: an older version may not read "
                "what a newer one wrote",
                cure=f"Write {now} or a later version into the inventory.",
            )


def skews(wanted: Mapping[str, str], running: Versions) -> Iterator[Guard]:
    """What leaves out versions that the makers of the programs would have us go through."""
    for field, version in wanted.items():
        now = getattr(running, field)
        (major, minor, *_), (old_major, old_minor, *_) = _numbers(version), _numbers(now)
        if (major, minor) not in ((old_major, old_minor), (old_major, old_minor + 1)):
            yield Guard(
                VERSION_SKEW,
                f"{field} {version} is more than one minor version beyond {now}",
                "Go through the versions in between.",
            )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].partition("+")[0].split("."))
