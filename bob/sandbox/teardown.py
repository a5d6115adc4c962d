"""Taking things away again: hosts, or a whole sandbox, whatever state they are in."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence

from bob import paths
from bob.sandbox import cluster_file, disks, network
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.layout import NodeLayout
from bob.sandbox.record import Sandbox


def end_hosts(nodes: Sequence[NodeLayout], hierarchies: Hierarchies) -> None:
    """End BMCs, mainboards and hosts, frozen or not, with nothing left of them that runs."""
    for cgroup in (group for node in nodes for group in (node.helper_cgroup, node.cgroup)):
        hierarchies.kill(cgroup)
        hierarchies.remove(cgroup)


def remove(name: str, sandbox: Sandbox | None) -> None:
    """Remove all of a sandbox; without a record (None) what its names alone tell."""
    hierarchies = sandbox.hierarchies if sandbox else Hierarchies.of_this_process()
    top, folder = f"bob-{name}", paths.sandbox_dir() / name
    hierarchies.kill(top, 15)
    for process in network.processes(name):  # a shell or a capture that somebody left there
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    disks.unmount([folder])
    network.remove(name, sandbox.layout.machine_link if sandbox else None)
    hierarchies.remove(top)
    # The record goes last: until then `down` can be repeated with all it must know.
    for path in [*folder.glob("nodes/*"), *folder.glob("ssh"), folder]:
        shutil.rmtree(path, ignore_errors=True)


def undo(sandbox: Sandbox, before: Sandbox | None) -> None:
    """Bring back the sandbox `before` an `up`: none at all, or one with fewer hosts."""
    if before is None:
        remove(sandbox.name, sandbox)
        return
    added = [node for node in sandbox.layout if node.number > before.layout.nodes]
    end_hosts(added, sandbox.hierarchies)
    for node in added:
        network.remove_node(sandbox.layout, node)
    disks.unmount(node.dir for node in added)
    for node in added:
        shutil.rmtree(node.dir, ignore_errors=True)
    before.save()
    disks.write_known_hosts(before.layout)
    cluster_file.write(before.layout)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let clean-up finish: Ctrl-C and SIGTERM are ignored meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
