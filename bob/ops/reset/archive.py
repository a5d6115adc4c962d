"""What the operator's machine keeps of a cluster that is no more.

~/.local/state/bob/reset/<name>-<time>/     all that was in clusters/<name>/; for its owner alone

The secrets are still good for something: backups of the cluster can be read with them only, and a
host that was not reachable holds them until it is wiped.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bob import paths
from bob.context import CURRENT_FILE
from bob.provision.private_files import private_folder

FOLDER = "reset"


def put_aside(cluster: str, now: datetime) -> Path:
    """Move the folder of `cluster` away, so that it is not known any more. Returns its new place.

    `now` is in UTC.
    """
    place = private_folder(paths.state_dir() / FOLDER) / f"{cluster}-{now:%Y%m%dT%H%M%SZ}"
    paths.cluster_dir(cluster).rename(place)
    current = paths.state_dir() / CURRENT_FILE
    if current.exists() and current.read_text(encoding="utf-8").strip() == cluster:
        current.unlink()
    return place
