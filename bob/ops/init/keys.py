"""Everything that is made once and kept by the operator, before any host is touched."""

from __future__ import annotations

from pathlib import Path

from bob.context import CONTEXT_FILE, INVENTORY_FILE
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import private_files
from bob.waiting import Deadline


class Keys(Step[InitContext]):
    """Authorities, gossip keys and tokens. What exists is never made again."""

    name = "keys"
    title = "Make the certificate authorities, gossip keys and tokens"

    def probe(self, context: InitContext) -> Probe:
        missing = [path.name for path in context.secret_files() if not path.exists()]
        if missing:
            return needed(f"{', '.join(missing)} missing")
        if not _same(context.folder / CONTEXT_FILE, context.client_context.content()):
            return needed(f"{CONTEXT_FILE} is not of this inventory")
        if not _same(context.folder / INVENTORY_FILE, _inventory(context)):
            return needed(f"{INVENTORY_FILE} is not of this inventory")
        return DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        _ = context.secrets, context.authorities
        private_files.write_private(context.folder / INVENTORY_FILE, _inventory(context))
        context.client_context.save()


def _inventory(context: InitContext) -> bytes:
    return context.cluster.model_dump_json(indent=2, by_alias=True).encode()


def _same(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content
