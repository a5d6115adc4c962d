"""Bringing sandboxes up and taking them down, safely repeated and safely interrupted."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bob import paths
from bob.errors import Permanent, UsageError
from bob.sandbox import bmc, cluster_file, disks, image, network, readiness, requirements, simulator
from bob.sandbox.caching import Say
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.layout import SLOTS, Layout, NodeLayout, check_name
from bob.sandbox.locking import exclusive
from bob.sandbox.record import Sandbox, all_records, read

LOCK_SECONDS = 60.0
READY_SECONDS = 120.0


def up(name: str, nodes: int | None, say: Say) -> Sandbox:
    """Bring up a sandbox, or complete one that exists; return when all its hosts are ready.

    `nodes` is the number of hosts: None keeps what exists (three for a new one), more adds hosts.
    Hosts that somebody switched off stay off. What this call made is removed again when it fails
    or is interrupted. Raises `PreflightRefused`, `UsageError`, `ScopeHeld`, `DeadlinePassed`.
    """
    check_name(name)
    requirements.check()
    sim, root = simulator.ensure(say), image.ensure(say)
    with _locked(name):
        before = _existing(name)
        sandbox = _record(name, nodes, before)
        try:
            _make(sandbox, sim, root, say)
        except BaseException:
            with _uninterrupted():
                _undo(sandbox, before, say)
            raise
    return sandbox


def down(name: str, say: Say) -> bool:
    """Remove all of a sandbox, also what a crash left of it. False when there was nothing."""
    check_name(name)
    requirements.check_root()
    with _locked(name), _uninterrupted():
        sandbox = _existing(name)
        if sandbox is None and not network.namespaces(name):
            return False
        say(f"removing sandbox {name}")
        _remove(name, sandbox)
    return True


def reinstall(sandbox: Sandbox, node: NodeLayout, say: Say) -> None:
    """Give a host an empty disk and boot it, as if somebody had installed it anew.

    It gets new SSH host keys, which known_hosts then names.
    """
    requirements.check()
    with _locked(sandbox.name):
        say(f"reinstalling {node.name}")
        root = image.ensure(say)
        _end([node], sandbox.hierarchies)
        disks.erase(node)
        disks.prepare(sandbox.layout, node, root, sandbox.hierarchies.to_json())
        disks.write_known_hosts(sandbox.layout)
        _start([node], sandbox, simulator.ensure(say))
        readiness.wait_until_ready([node], READY_SECONDS)


def _existing(name: str) -> Sandbox | None:
    return read(paths.sandbox_dir() / name / "sandbox.json")


def _record(name: str, nodes: int | None, before: Sandbox | None) -> Sandbox:
    """Decide what the sandbox shall be and write it down, before anything is made."""
    if before is None:
        if network.namespaces(name):
            raise Permanent(
                f"parts of a sandbox {name!r} exist that {paths.sandbox_dir()} does not know",
                cure=f"Remove them: bob sandbox down --name {name}",
            )
        with exclusive(paths.sandbox_dir() / ".slots.lock"):
            slot = free_slot([s.layout.slot for s in all_records()], list(network.interfaces()))
            sandbox = Sandbox(Layout(name, slot, nodes or 3), Hierarchies.of_this_process())
            sandbox.save()
    else:
        have = before.layout.nodes
        if nodes is not None and nodes < have:
            raise UsageError(
                f"sandbox {name!r} has {have} hosts; `up` removes none",
                cure=f"bob sandbox down --name {name}, then bring it up with {nodes}.",
            )
        layout = Layout(name, before.layout.slot, nodes or have, before.layout.base)
        sandbox = Sandbox(layout, _living(before.hierarchies))
        sandbox.save()
    return sandbox


def free_slot(taken: Sequence[int], interfaces: Sequence[str]) -> int:
    """The lowest slot that no recorded sandbox has and whose link bobS the machine has not."""
    for slot in SLOTS:
        if slot not in taken and f"bob{slot}" not in interfaces:
            return slot
    raise UsageError(
        f"{len(SLOTS)} sandboxes exist; there is no room for another",
        cure="Remove one: bob sandbox down --name NAME",
    )


def _living(hierarchies: Hierarchies) -> Hierarchies:
    """The recorded hierarchies, unless the session they belonged to is gone."""
    parents = [hierarchies.unified, *hierarchies.others.values()]
    return hierarchies if all(p.is_dir() for p in parents) else Hierarchies.of_this_process()


def _make(sandbox: Sandbox, sim: Path, root: Path, say: Say) -> None:
    layout = sandbox.layout
    sandbox.hierarchies.make_unified(layout.helper_cgroup)
    missing = [node for node in layout if not bmc.running(node)]
    network.make_switch(layout)
    disks.make_operator_key(layout)
    cgroups = sandbox.hierarchies.to_json()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda node: disks.prepare(layout, node, root, cgroups), missing))
    disks.write_known_hosts(layout)
    cluster_file.write(layout)
    if missing:
        say(f"starting {', '.join(node.name for node in missing)}")
    _start(missing, sandbox, sim)
    on = [node for node in layout if node in missing or sandbox.power(node.name) == "on"]
    readiness.wait_until_ready(on, READY_SECONDS)


def _start(nodes: Sequence[NodeLayout], sandbox: Sandbox, sim: Path) -> None:
    for node in nodes:
        bmc.start(node, sandbox.layout.netns, sim, sandbox.hierarchies)


def _undo(sandbox: Sandbox, before: Sandbox | None, say: Say) -> None:
    say("removing what was made")
    if before is None:
        _remove(sandbox.name, sandbox)
        return
    added = [node for node in sandbox.layout if node.number > before.layout.nodes]
    _end(added, sandbox.hierarchies)
    for node in added:
        network.remove_node(sandbox.layout, node)
    disks.unmount(node.dir for node in added)
    for node in added:
        shutil.rmtree(node.dir, ignore_errors=True)
    before.save()
    disks.write_known_hosts(before.layout)
    cluster_file.write(before.layout)


def _end(nodes: Sequence[NodeLayout], hierarchies: Hierarchies) -> None:
    """End BMCs, mainboards and hosts, frozen or not, with nothing left of them that runs."""
    for cgroup in (group for node in nodes for group in (node.helper_cgroup, node.cgroup)):
        hierarchies.kill(cgroup)
        hierarchies.remove(cgroup)


def _remove(name: str, sandbox: Sandbox | None) -> None:
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


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    paths.sandbox_dir().mkdir(parents=True, exist_ok=True)
    with exclusive(
        paths.sandbox_dir() / f".{name}.lock",
        seconds=LOCK_SECONDS,
        holder=f"another command is changing sandbox {name!r}",
    ):
        yield


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
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
