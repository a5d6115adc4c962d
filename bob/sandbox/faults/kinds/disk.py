"""A directory of a host whose disk is full."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from pydantic import field_validator

from bob.errors import BobError, UsageError
from bob.sandbox.faults import processes
from bob.sandbox.faults.base import Fault
from bob.sandbox.layout import NodeLayout
from bob.sandbox.record import Sandbox

_PATH = re.compile(r"/[A-Za-z0-9._/+@-]*[A-Za-z0-9._+@-]")  # what mount options need no quotes for
_SIZE = re.compile(r"\d+[kMG]?")
_FACTORS = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_BLOCK = 4096  # tmpfs counts in pages; a size of 0 would mean no limit

# $1 id, $2 path, $3 bytes that may be written, $4 place for the limited file system
_FILL = """\
mkdir -p "$4"
mount -t tmpfs -o "size=$(($3 + 4096)),mode=0700" "$1" "$4"
mkdir "$4/upper" "$4/work"
chown --reference="$2" "$4/upper"
chmod --reference="$2" "$4/upper"
head -c 4096 /dev/zero > "$4/ballast"
mount -t overlay -o "lowerdir=$2,upperdir=$4/upper,workdir=$4/work" "$1" "$2"
"""


class Disk(Fault):
    """Fill the disk under a directory: all is still there, nothing more can be written.

    A file system of the given size is laid over the directory. Clearing takes it away, with what
    was written or deleted meanwhile: the old content is as it was. Programs that hold a file open
    go on writing to it, so restart what shall feel the full disk. Ends when the host powers off.
    """

    kind: ClassVar[str] = "disk"

    node: Annotated[str, typer.Argument(help="Host whose disk is full.")]
    path: Annotated[str, typer.Argument(help="Directory in the host, as an absolute path.")]
    size: Annotated[str, typer.Option(help="How much can still be written: 0, 512k, 10M, 1G.")] = (
        "0"
    )

    @field_validator("path")
    @classmethod
    def _plain_path(cls, path: str) -> str:
        if not _PATH.fullmatch(path) or ".." in path.split("/"):
            raise ValueError("give an absolute path, not /, of letters, digits and ._/+@-")
        return path

    @field_validator("size")
    @classmethod
    def _known_size(cls, size: str) -> str:
        if not _SIZE.fullmatch(size):
            raise ValueError("give a number with k, M, G or nothing behind it")
        return size

    @property
    def target(self) -> tuple[str, ...]:
        """Host and directory."""
        return (self.node, self.path)

    @property
    def bytes(self) -> int:
        """What may be written before the disk is full, in whole pages."""
        wanted = int(self.size.rstrip("kMG")) * _FACTORS.get(self.size[-1], 1)
        return -(-wanted // _BLOCK) * _BLOCK

    def check(self, sandbox: Sandbox) -> None:
        """The host must be on and have that directory."""
        node = sandbox.node(self.node)
        processes.require_init(node)
        try:
            processes.execute(node, ["test", "-d", self.path])
        except BobError as error:
            raise UsageError(
                f"{self.node} has no directory {self.path}", cure="Name a directory of that host."
            ) from error

    def apply(self, sandbox: Sandbox) -> None:
        """Lay the limited file system over the directory."""
        self.undo(sandbox)
        words = [self.id, self.path, str(self.bytes), self._place]
        processes.execute(sandbox.node(self.node), ["sh", "-ec", _FILL, "sh", *words])

    def undo(self, sandbox: Sandbox) -> None:
        """Take it away, even from under programs that use it."""
        node = sandbox.node(self.node)
        for mount in self._mounts(node):
            processes.execute(node, ["umount", "--lazy", mount])

    def over(self, sandbox: Sandbox) -> bool:
        """True when the host was restarted."""
        return not self._mounts(sandbox.node(self.node))

    @property
    def _place(self) -> str:
        return f"/run/bob-faults{self.path}"

    def _mounts(self, node: NodeLayout) -> list[str]:
        """What this fault has mounted in the host, the newest first; nothing when it is off."""
        init = processes.init(node)
        if init is None:
            return []
        mounts = Path(f"/proc/{init.pid}/mountinfo").read_text().splitlines()
        halves = (line.split(" - ") for line in mounts)
        ours = [left.split()[4] for left, right in halves if right.split()[1] == self.id]
        return ours[::-1]
