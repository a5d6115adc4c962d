"""A separate process that fetches consul from the mirror named by its first argument."""

from __future__ import annotations

import sys

from bob.toolchain import ensure
from bob.toolchain.progress import Silent


class Aloud(Silent):
    """Prints each phase, so that the test knows where the process is."""

    def stage(self, tool: str, text: str) -> None:
        print(f"{tool}: {text}", flush=True)


tool = ensure(["consul"], mirror=sys.argv[1], progress=Aloud()).consul
print(f"ready from {tool.source}", flush=True)
