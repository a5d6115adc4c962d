"""A program that is a folder of files, installed whole or not at all.

Its folder under `STORE` is named by its content, like those of the programs in one file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bob.provision.agents import BIN_DIR as BIN
from bob.provision.install import STALE, STORE, verify


@dataclass(frozen=True)
class Tree:
    """A folder with an executable `name` at its top, and no empty file anywhere.

    `digest` names its content; `sha256` is of the tar archive inside the Debian archive `packed`.
    The unit `name`, and `others` that run from the same folder, are marked as stale when it is put
    in place.
    """

    name: str
    digest: str
    sha256: str
    packed: Path
    others: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where its files lie on a host."""
        return f"{STORE}/bob-{self.digest[:16]}"

    @property
    def place(self) -> str:
        """Its executable on a host."""
        return f"{self.folder}/{self.name}"

    @property
    def whole(self) -> str:
        """See `Program`. A power loss can leave the names of files without their content."""
        return f'[ -z "$(find {self.folder} -type f -empty -print -quit)" ]'

    @property
    def keep(self) -> str:
        """See `Program`. What was there under the same name is put aside first: it is damaged."""
        return (
            f"set -e; umask 022; mkdir -p {STORE}; cd {STORE}; rm -rf .tree.*; "
            "t=.tree.$$; mkdir $t; dpkg-deb --fsys-tarfile - >$t/tar; "
            + verify("$t/tar", self.sha256, self.name)
            + "mkdir $t/new; tar -xf $t/tar -C $t/new --no-same-owner; "
            f"[ ! -e {self.folder} ] || mv {self.folder} $t/old; mv $t/new {self.folder}; rm -rf $t"
        )

    @property
    def link(self) -> str:
        """See `Program`. Units are marked before: they run something else until they restart."""
        marks = "".join(f"; : >{STALE}/{unit}" for unit in (self.name, *self.others))
        mark = f"mkdir -p {BIN} {STALE}{marks}"
        return f"{mark}; ln -sfn {self.place} {BIN}/{self.name}"
