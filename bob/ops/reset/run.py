"""One run of `bob reset`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bob import paths
from bob.context import INVENTORY_FILE
from bob.errors import Unfinished, UsageError
from bob.ops.init.context import CLUSTER_ID_FILE, make_fleet
from bob.ops.init.run import alone
from bob.ops.reset.archive import put_aside
from bob.ops.reset.hosts import HostResult, wipe_all
from bob.provision.private_files import read_private
from inventory import Cluster

NOT_WIPED = "not-wiped"


@dataclass(frozen=True)
class Reset:
    """What became of each host, and where the secrets were put."""

    hosts: Mapping[str, HostResult]
    kept: Path


def inventory_of(cluster: str) -> Cluster | None:
    """The hosts of a cluster as this machine knows them; None when its folder does not tell.

    Raises `UsageError` when the cluster is not known here at all.
    """
    folder = paths.cluster_dir(cluster)
    if not folder.is_dir():
        raise UsageError(
            f"cluster {cluster!r} is not known here (no {folder})",
            cure="Run it on the machine, and as the user, that ran bob init.",
        )
    content = read_private(folder / INVENTORY_FILE)
    return Cluster.model_validate_json(content) if content else None


def reset(
    cluster: Cluster, accepted: Collection[str], told: Callable[[str, HostResult], None]
) -> Reset:
    """Make every host of `cluster` bare and put what is kept of it here aside.

    Hosts that could not be wiped are left for another run: then everything stays known here, and
    `Unfinished` names them, unless the guard `not-wiped` is among `accepted`.
    """
    folder = paths.cluster_dir(cluster.name)
    with alone(folder, cluster.name):
        hosts: Mapping[str, HostResult] = {}
        if held := read_private(folder / CLUSTER_ID_FILE):  # without it no host was ever marked
            fleet = make_fleet(cluster, folder)
            try:
                hosts = wipe_all(fleet, f"{cluster.name} {held.decode().strip()}", told)
            finally:
                fleet.close()
        left = [name for name, result in hosts.items() if result.left]
        if left and NOT_WIPED not in accepted:
            raise Unfinished(
                f"{', '.join(left)} could not be wiped; all others are bare",
                cure="Bring them up and run the same command again. If they never come back: "
                f"--accept {NOT_WIPED}",
            )
        return Reset(hosts, put_aside(cluster.name, datetime.now(UTC)))
