"""A gzip copy of a binary, made once, for the transfer to hosts."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from bob.toolchain import cache
from bob.toolchain.children import Children
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Tool
from bob.toolchain.progress import SILENT

LEVEL = 1  # a higher level costs more time than the smaller file saves on a fast network


def compressed(tool: Tool) -> Path:
    """The copy's path. Equal binaries give equal copies: no name or time is stored inside.

    It is part of the binary's slot, so it goes when the slot is replaced by another binary.
    """
    target = tool.slot / f"{tool.name}.gz"
    if target.exists():
        return target
    with locked(tool.name, Run(SILENT, Children())), cache.workspace(tool.name) as work:
        if not target.exists():
            part = work / target.name
            with (
                tool.path.open("rb") as plain,
                part.open("wb") as raw,
                gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
            ):
                shutil.copyfileobj(plain, packed, 1 << 20)
            part.rename(target)
    return target
