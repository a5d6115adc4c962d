"""Asking a binary for its version."""

from __future__ import annotations

import re
from pathlib import Path

from bob.toolchain.children import ChildFailed
from bob.toolchain.model import Run
from bob.toolchain.tools import ToolSpec

VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)")
ANSWER_SECONDS = 30.0


def version_of(binary: Path, spec: ToolSpec, run: Run) -> str:
    """The version `binary` reports, without the v. Raises `ChildFailed` when it does not run."""
    answer = run.children.run([binary, spec.version_argument], seconds=ANSWER_SECONDS)
    if found := VERSION.search(answer):
        return found[1]
    raise ChildFailed(f"{binary} {spec.version_argument} does not tell a version: {answer[:200]!r}")
