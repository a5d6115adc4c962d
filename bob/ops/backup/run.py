"""Making a backup, and putting one back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from bob import paths
from bob.context import Context
from bob.errors import DeadlinePassed, GuardRefused, ScopeHeld, UsageError
from bob.ops.backup import content, instances, keys, sealing
from bob.ops.consul_store import ConsulStore
from bob.ops.init.context import CLUSTER_ID_FILE
from bob.ops.servers.snapshot import write_whole
from bob.status.decide import decide
from bob.status.sense import sense
from bob.waiting import wait_for

DATA_LOSS = "data-loss"
HEALTHY_SECONDS = 180.0

Say = Callable[[str], None]


def back_up(context: Context, file: Path, passphrase: bytes, say: Say) -> int:
    """Write a backup of the cluster into `file`, for its owner alone; its size in bytes."""
    say("reading every raft")
    with content.private_temporary() as archive:
        content.pack(context, archive)
        archive.seek(0)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        label = sealing.Label(context.cluster, _own_id(context), made)
        say("encrypting")
        write_whole(file, lambda sink: sealing.seal(archive, sink, label, passphrase))
    return file.stat().st_size


def know_again(file: Path, passphrase: bytes) -> str:
    """Put back what the operator's machine kept of the cluster; the cluster's name.

    For a machine that does not know the cluster. Raises `UsageError`; nothing is left half done:
    the folder takes its place when it is complete.
    """
    with file.open("rb") as sealed, content.private_temporary() as archive:
        label = sealing.unseal(sealed, archive, str(file), passphrase)
        folder = paths.cluster_dir(label.cluster)
        part = folder.with_name(f"{folder.name}.restoring")
        content.unpack_operator(archive, str(file), part)
        part.rename(folder)
    return label.cluster


def restore(
    context: Context, file: Path, passphrase: bytes, accepted: Collection[str], say: Say
) -> sealing.Label:
    """Put a backup back into the cluster that it was made of.

    Raises `UsageError` (another passphrase, another cluster), `GuardRefused`, `ScopeHeld` when an
    operation is under way; then nothing is changed. May be run again after any failure.
    """
    with file.open("rb") as sealed, content.private_temporary() as archive:
        label = sealing.unseal(sealed, archive, str(file), passphrase)
        _same_cluster(context, label, file)
        parts = content.snapshots(archive, str(file))
        if DATA_LOSS not in accepted:
            raise GuardRefused(
                f"everything that {context.cluster} was told since {label.made} would be lost",
                cure=f"To do it all the same, add: --accept {DATA_LOSS}",
            )
        if under_way := ConsulStore(context.consul()).unfinished():
            raise ScopeHeld(
                f"operation {under_way[0].id} ({under_way[0].kind}) is under way",
                cure="Wait for it, or end it with bob op abort; then try again.",
            )
        for name, operator in content.rafts(context).items():
            if name in parts:
                say(f"putting {name.removesuffix(content.SNAPSHOT_ENDING)} back")
                operator.restore_snapshot(parts[name])
        say("giving every agent its present rights again")
        keys.keep_present(context)
    say("waiting until the cluster is healthy")
    _await_healthy(context)
    if missing := instances.replace_missing(context.nomad()):
        say(f"starting {missing} instances again")
        _await_healthy(context)
    return label


def _await_healthy(context: Context) -> None:
    last = ""

    def healthy() -> bool:
        nonlocal last
        status = decide(context, sense(context, context.secrets()))
        last = "; ".join(status.reasons)
        return not status.reasons

    try:
        wait_for(healthy, what="healthy", deadline=HEALTHY_SECONDS, interval=1.0)
    except DeadlinePassed as error:
        raise DeadlinePassed(
            f"the backup is back, but the cluster is not healthy yet: {last}",
            cure="bob status shows what is missing.",
        ) from error


def _same_cluster(context: Context, label: sealing.Label, file: Path) -> None:
    own = _own_id(context)
    if (label.cluster, label.cluster_id) != (context.cluster, own):
        raise UsageError(
            f"{file} is a backup of another cluster: {label.cluster} ({label.cluster_id}), this "
            f"one is {context.cluster} ({own}); nothing was changed",
            cure="Choose the cluster with --cluster, or another file.",
        )


def _own_id(context: Context) -> str:
    return (context.folder / CLUSTER_ID_FILE).read_text(encoding="utf-8").strip()
