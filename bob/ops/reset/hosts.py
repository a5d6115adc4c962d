"""Make the hosts of a cluster bare, all at once, by SSH: it works without any of their agents."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bob.clients.fleet import Fleet
from bob.clients.ssh import Host
from bob.errors import BobError, Temporary
from bob.ops.joining import login
from bob.provision.wiping import BARE, OF_ANOTHER_CLUSTER, WIPED, wipe_script

SECONDS = 300.0  # a unit that does not stop is killed after 90 s


class Outcome(enum.StrEnum):
    """What became of a host."""

    WIPED = "wiped"
    BARE = "bare before"
    FOREIGN = "of another cluster"
    UNREACHABLE = "not reachable"
    FAILED = "failed"


@dataclass(frozen=True)
class HostResult:
    """`reason` says why a host could not be reached or wiped, or whose it is."""

    outcome: Outcome
    reason: str = ""

    @property
    def left(self) -> bool:
        """Something of the cluster may still be there."""
        return self.outcome in (Outcome.UNREACHABLE, Outcome.FAILED)


def wipe_all(
    fleet: Fleet, claim: str, told: Callable[[str, HostResult], None]
) -> Mapping[str, HostResult]:
    """Wipe every host that holds `claim` ("<cluster> <id>"); `told` hears of each when it is done.

    Never raises for what a host does. Hosts of other clusters are left as they are.
    """
    script, cluster = wipe_script(claim), claim.split()[0]

    def wipe(host: Host) -> HostResult:
        result = _wipe(host, script, cluster)
        told(host.name, result)
        return result

    return fleet.each(wipe)


def _wipe(host: Host, script: str, cluster: str) -> HostResult:
    try:
        answer = host.run(script, timeout=SECONDS, check=False)
        if answer.code == OF_ANOTHER_CLUSTER:
            return HostResult(Outcome.FOREIGN, answer.stdout.strip())
        said = answer.stdout.strip()
        if answer.code or said not in (BARE, WIPED):
            return HostResult(Outcome.FAILED, answer.stderr.strip()[-500:] or said)
        if said == BARE:
            return HostResult(Outcome.BARE)
        login.forbid(host, cluster)
        return HostResult(Outcome.WIPED)
    except Temporary as error:
        return HostResult(Outcome.UNREACHABLE, str(error))
    except BobError as error:
        return HostResult(Outcome.FAILED, str(error))
