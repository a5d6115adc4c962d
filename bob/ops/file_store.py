"""Operations in a local folder: what `bob init` runs on before a cluster exists.

<folder>/<id>.json      {"version": 3, "operation": {…}}   written whole, then renamed
<folder>/active.json    {scope: id}
<folder>/lock           held (flock) around each change; the kernel frees it when we die
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bob.errors import ScopeHeld
from bob.ops.record import Operation
from bob.ops.states import FINISHED
from bob.ops.store import Conflict


class FileStore:
    """A `Store` in a folder, safe against crashes and against several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def create(self, operation: Operation) -> int:
        """See `Store.create`."""
        with self._locked():
            active = self._active()
            if operation.scope in active:
                holder = active[operation.scope]
                raise ScopeHeld(
                    f"{operation.scope} is held by operation {holder}",
                    cure="Wait for it or continue it with the command that started it.",
                )
            self._put(operation, 1)
            self._put_active({**active, operation.scope: operation.id})
            return 1

    def read(self, operation_id: str) -> tuple[Operation, int]:
        """See `Store.read`."""
        try:
            document = json.loads(self._path(operation_id).read_text())
        except FileNotFoundError:
            raise KeyError(operation_id) from None
        return Operation.model_validate(document["operation"]), int(document["version"])

    def write(self, operation: Operation, version: int) -> int:
        """See `Store.write`."""
        with self._locked():
            _, stored = self.read(operation.id)
            if stored != version:
                raise Conflict(f"operation {operation.id} is at version {stored}, not {version}")
            self._put(operation, version + 1)
            if operation.state in FINISHED:
                active = {s: i for s, i in self._active().items() if i != operation.id}
                self._put_active(active)
            return version + 1

    def active(self, scope: str) -> str | None:
        """See `Store.active`."""
        return self._active().get(scope)

    def list(self) -> list[Operation]:
        """See `Store.list`."""
        names = sorted(p.stem for p in self.folder.glob("*.json") if p.stem != "active")
        return [self.read(name)[0] for name in names]

    def _path(self, operation_id: str) -> Path:
        return self.folder / f"{operation_id}.json"

    def _put(self, operation: Operation, version: int) -> None:
        document = {"version": version, "operation": operation.model_dump(mode="json")}
        write_atomically(self._path(operation.id), json.dumps(document, indent=2))

    def _active(self) -> dict[str, str]:
        """Scopes and holders; a holder without a record died before it was stored."""
        path = self.folder / "active.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return {scope: holder for scope, holder in found.items() if self._path(holder).exists()}

    def _put_active(self, active: dict[str, str]) -> None:
        write_atomically(self.folder / "active.json", json.dumps(active, indent=2))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file so that a reader, or a crash, sees the old text or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
