"""Where Bob keeps its files on the operator's machine. Each place can be moved by a variable.

BOB_CACHE    binaries, archives, host images: may be deleted at any time   ~/.cache/bob
BOB_STATE    one folder per cluster: secrets, records, logs: never delete  ~/.local/state/bob
BOB_SANDBOX  disks and runtime files of emulated hosts                      /var/lib/bob-sandbox
"""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Folder for what can be fetched or built again."""
    return _place("BOB_CACHE", "XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """Folder for what cannot be made again: secrets, operation records, logs."""
    return _place("BOB_STATE", "XDG_STATE_HOME", ".local/state")


def cluster_dir(cluster: str) -> Path:
    """The state of one cluster."""
    return state_dir() / "clusters" / cluster


def sandbox_dir() -> Path:
    """Folder that holds one folder per sandbox."""
    return Path(os.environ.get("BOB_SANDBOX", "/var/lib/bob-sandbox"))


def _place(variable: str, xdg: str, default: str) -> Path:
    if own := os.environ.get(variable):
        return Path(own)
    if base := os.environ.get(xdg):
        return Path(base) / "bob"
    return Path.home() / default / "bob"
