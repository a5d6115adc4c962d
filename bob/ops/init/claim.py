"""Mark the hosts as members of this cluster, before anything else is put on them."""

from __future__ import annotations

from bob.clients.ssh import Host, quote
from bob.errors import PreflightRefused
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision.host_report import CLAIM_FILE
from bob.waiting import Deadline


class Claim(Step[InitContext]):
    """Two clusters that are made of the same host at once: the file system lets one of them win."""

    name = "claim"
    title = "Mark the hosts as members of this cluster"

    def probe(self, context: InitContext) -> Probe:
        holders = context.fleet.each(lambda host: host.run(f"cat {CLAIM_FILE} 2>/dev/null || :"))
        free = [name for name, result in holders.items() if result.stdout.strip() != context.claim]
        return needed(f"{', '.join(free)} not marked") if free else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        # Renamed when it is on the disk, so it has its content or is not there; one that is empty
        # all the same counts as free. The lock on the folder makes looking and taking one thing.
        script = (
            f"set -e; umask 022; f={CLAIM_FILE}; d=${{f%/*}}; mkdir -p $d; exec 9<$d; flock 9; "
            f"[ -s $f ] || {{ echo {quote(context.claim)} >$f.new; sync $f.new; mv $f.new $f; }}; "
            "cat $f"
        )

        def claim(host: Host) -> None:
            holder = host.run(script, timeout=deadline.left()).stdout.strip()
            if holder != context.claim:
                raise PreflightRefused(
                    f"{host.name}: was just taken by cluster {holder.split()[0]!r}",
                    cure="Leave the host to that cluster, or reset it there first.",
                )

        context.fleet.each(claim)
