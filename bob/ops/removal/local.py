"""What the operator's machine keeps of a node that was taken out."""

from __future__ import annotations

import shutil

from bob.context import SECRETS_FILE, Context
from bob.ops.known import refresh
from bob.ops.removal.traces import without_node
from bob.provision.private_files import locked, write_private
from bob.provision.secrets import dump
from inventory import NetworkName

KNOWN_HOSTS = "known_hosts"


def forget_here(context: Context, node: str) -> None:
    """Forget addresses, tokens, certificates and the SSH key of `node`. Safe to repeat."""
    gone = [str(known.addresses[NetworkName.MGMT]) for known in context.nodes if known.name == node]
    refresh(context)
    shutil.rmtree(context.folder / "pki" / node, ignore_errors=True)
    with locked(context.folder):
        secrets = context.secrets()
        if (left := without_node(secrets, node)) != secrets:
            write_private(context.folder / SECRETS_FILE, dump(left))
        pins = context.folder / KNOWN_HOSTS
        if gone and pins.exists():
            lines = pins.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if not _is_of(line, gone[0])]
            write_private(pins, "".join(kept).encode())


def _is_of(line: str, address: str) -> bool:
    """Whether a line of known_hosts pins the key of a host; `[address]:port` with a port."""
    return line.split(" ", 1)[0].removeprefix("[").split("]", 1)[0] == address
