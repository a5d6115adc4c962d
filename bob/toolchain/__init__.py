"""Finding, downloading or building consul, nomad and consul-template.

    tools = ensure(["consul", "nomad"])      # warm: two small files read, two binaries stat'ed
    tools.consul.path, tools.consul.sha256, packed(tools.consul)

Sources are tried in this order: a folder given by the user, the cache, the vendor's release
archive, a build from the Go module registry. See `bob.toolchain.resolve`.
"""

from __future__ import annotations

from bob.toolchain.model import Tool, Toolchain, Unavailable
from bob.toolchain.packing import packed
from bob.toolchain.progress import Progress
from bob.toolchain.resolve import ensure, status

__all__ = ["Progress", "Tool", "Toolchain", "Unavailable", "ensure", "packed", "status"]
