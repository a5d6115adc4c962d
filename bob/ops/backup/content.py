"""What is in a backup: a tar archive of these members.

consul-<network>.snap   the raft of each network: KV, tokens, registrations
nomad.snap              jobs, nodes, variables
operator/<file>         what the operator's machine keeps: secrets, authorities, inventory
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from bob.clients.quorum import Operator
from bob.context import CONTEXT_FILE, INVENTORY_FILE, SECRETS_FILE, Context
from bob.errors import UsageError
from bob.ops.init.context import CLUSTER_ID_FILE
from bob.provision.private_files import private_folder, write_private

OPERATOR = "operator"
SNAPSHOT_ENDING = ".snap"
AUTHORITIES = tuple(
    f"pki/{name}-ca{half}.pem" for name in ("consul", "nomad") for half in ("", "-key")
)
OWN_FILES = (CLUSTER_ID_FILE, SECRETS_FILE, INVENTORY_FILE, CONTEXT_FILE, *AUTHORITIES)


def rafts(context: Context) -> Mapping[str, Operator]:
    """Everything that keeps state, by the name of its member; with the right to do everything."""
    from bob.clients.consul import Consul

    secrets, found = context.secrets(), {}
    for network in context.networks:
        urls = [context.consul_url(node, network) for node in context.servers]
        token = secrets.consul_management[network].get_secret_value()
        client = Consul.any(urls, token, context.consul_ca_file)
        found[f"consul-{network.value}{SNAPSHOT_ENDING}"] = client.operator
    return {**found, f"nomad{SNAPSHOT_ENDING}": context.nomad().operator}


def pack(context: Context, sink: BinaryIO) -> None:
    """Write the archive. Consul's main network comes first: the robot's records are in it."""
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, operator in rafts(context).items():
            with private_temporary() as snapshot:
                operator.save_snapshot(snapshot)
                _add(archive, name, snapshot)
        for name in OWN_FILES:
            path = context.folder / name
            if path.exists():
                _add(archive, f"{OPERATOR}/{name}", io.BytesIO(path.read_bytes()))


def snapshots(archive: BinaryIO, name: str) -> dict[str, BinaryIO]:
    """The snapshots in the archive, each ready to be read. Raises `UsageError` when one lacks."""
    found = {
        member: part for member, part in _members(archive, name) if member.endswith(SNAPSHOT_ENDING)
    }
    if f"nomad{SNAPSHOT_ENDING}" not in found:
        raise UsageError(f"{name} holds no snapshot of Nomad", cure="Use another copy of it.")
    return found


def unpack_operator(archive: BinaryIO, name: str, folder: Path) -> None:
    """Put the operator's files back into `folder`, which has none of them."""
    private_folder(folder)
    for member, part in _members(archive, name):
        place = PurePosixPath(member)
        if place.parts[0] != OPERATOR:
            continue
        if (inner := str(place.relative_to(OPERATOR))) not in OWN_FILES:
            raise UsageError(f"{name} holds a strange file: {member}", cure="Do not trust it.")
        private_folder((folder / inner).parent)
        write_private(folder / inner, part.read())


@contextmanager
def private_temporary() -> Iterator[BinaryIO]:
    """An empty file without a name, for its owner alone; gone at the end."""
    with tempfile.TemporaryFile() as handle:
        yield handle


def _members(archive: BinaryIO, name: str) -> Iterator[tuple[str, BinaryIO]]:
    archive.seek(0)
    try:
        with tarfile.open(fileobj=archive, mode="r:") as opened:
            for member in opened.getmembers():
                part = opened.extractfile(member)
                if part is not None:
                    yield member.name, io.BytesIO(part.read())
    except tarfile.TarError as error:
        raise UsageError(f"{name} is damaged: {error}", cure="Use another copy of it.") from error


def _add(archive: tarfile.TarFile, name: str, content: BinaryIO) -> None:
    content.seek(0, io.SEEK_END)
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = content.tell(), 0o600
    content.seek(0)
    archive.addfile(entry, content)
