"""The mark of a cluster on a host. Two clusters that want one host: its file system decides."""

from __future__ import annotations

from bob.clients.ssh import Host, quote
from bob.errors import PreflightRefused
from bob.provision.host_report import CLAIM_FILE


def holder(host: Host) -> str:
    """Name and id of the cluster that the host belongs to; empty when it is free."""
    return host.run(f"cat {CLAIM_FILE} 2>/dev/null || :").stdout.strip()


def take(host: Host, claim: str, timeout: float) -> None:
    """Mark the host with `claim` unless it is marked. Raises `PreflightRefused`: it is another's.

    The mark is renamed when it is on the disk, so it has its content or is not there; one that is
    empty all the same counts as free. The lock on the folder makes looking and taking one thing.
    """
    script = (
        f"set -e; umask 022; f={CLAIM_FILE}; d=${{f%/*}}; mkdir -p $d; exec 9<$d; flock 9; "
        f"[ -s $f ] || {{ echo {quote(claim)} >$f.new; sync $f.new; mv $f.new $f; }}; "
        "cat $f"
    )
    found = host.run(script, timeout=timeout).stdout.strip()
    if found != claim:
        raise PreflightRefused(
            f"{host.name}: was just taken by cluster {found.split()[0]!r}",
            cure="Leave the host to that cluster, or reset it there first.",
        )
