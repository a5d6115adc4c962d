"""Where a daemon under test runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bob.clients.consul import Consul

NODE = "host11"  # as the Consul of these tests calls itself


@dataclass(frozen=True)
class Site:
    """A Consul, a client of it with every right, and the file that a daemon reads."""

    consul: Consul
    http_port: int
    config: Path
    run_dir: Path
    metrics_port: int
