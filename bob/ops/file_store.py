"""Operations in a local folder: what `bob init` runs on before a cluster exists.

<folder>/<id>.json      {"version": 3, "operation": {…}}   written whole, then renamed
<folder>/active.json    {scope: id}
<folder>/lock           held (flock) around each change; the kernel frees it when we die
"""

from __future__ import annotations

import json
from pathlib import Path

from bob.errors import ScopeHeld
from bob.ops.record import Operation
from bob.ops.states import FINISHED
from bob.ops.store import Conflict
from bob.provision.private_files import locked, private_folder, write_private


class FileStore:
    """A `Store` in a folder, safe against crashes and against several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        private_folder(folder)

    def create(self, operation: Operation) -> int:
        """See `Store.create`."""
        with locked(self.folder):
            active = self._active()
            for scope in operation.scopes:
                if scope in active:
                    raise ScopeHeld(
                        f"{scope} is held by operation {active[scope]}",
                        cure="Wait for it or continue it with the command that started it.",
                    )
            self._put(operation, 1)
            self._put_active({**active, **dict.fromkeys(operation.scopes, operation.id)})
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
        with locked(self.folder):
            _, stored = self.read(operation.id)
            if stored != version:
                raise Conflict(f"operation {operation.id} is at version {stored}, not {version}")
            self._put(operation, version + 1)
            if operation.state in FINISHED:
                self._put_active(self._active())
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
        write_private(self._path(operation.id), json.dumps(document, indent=2).encode())

    def _active(self) -> dict[str, str]:
        """Scopes and holders."""
        path = self.folder / "active.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return {scope: holder for scope, holder in found.items() if self._holds(holder)}

    def _holds(self, holder: str) -> bool:
        """Without a record it died before that was stored, with a finished one right after."""
        try:
            return self.read(holder)[0].state not in FINISHED
        except KeyError:
            return False

    def _put_active(self, active: dict[str, str]) -> None:
        write_private(self.folder / "active.json", json.dumps(active, indent=2).encode())
