"""A mount whose server is gone: whoever asks for it hangs, and nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# Runs in a mount namespace of its own; it must come to its end although its child never does.
LOOK = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from pathlib import Path
from namespaces import mount_dead
from healthcheck.node import disks
from healthcheck.node.children import Children
server = mount_dead(Path(sys.argv[2]))
children, found = Children(), []
for _ in range(2):
    found.append({one.mount.place: [one.hangs, one.size] for one in disks.spaces(children)})
print(json.dumps(found))
"""


def test_a_dead_mount_is_told_and_the_others_are_measured(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    path = json.dumps([str(Path.cwd()), str(Path(__file__).parent)])
    argv = ["unshare", "--mount", sys.executable, "-c", LOOK, path, str(dead)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    for look in json.loads(ended.stdout):
        assert look[str(dead)] == [True, 0]
        hangs, size = look["/"]
        assert not hangs and size > 0
