"""A NIC whose frames come late."""

from __future__ import annotations

import select
import subprocess
import sys
from typing import Annotated, ClassVar

import typer
from pydantic import Field

from bob.errors import BobError, UsageError
from bob.sandbox.container import in_cgroups
from bob.sandbox.faults import switch, wire
from bob.sandbox.faults.base import Fault, check_network
from bob.sandbox.record import Sandbox

START_SECONDS = 15.0  # the wire is a Python program: 0.1 s on an idle machine


class Delay(Fault):
    """Delay all frames of a NIC, in each direction, by a wire between it and the switch."""

    kind: ClassVar[str] = "delay"

    node: Annotated[str, typer.Argument(help="Host whose frames are delayed.")]
    network: Annotated[str, typer.Argument(help="mgmt, storage or tenant.")]
    ms: Annotated[float, Field(ge=0, le=60_000), typer.Argument(help="Delay in milliseconds.")]
    jitter: Annotated[
        float, Field(ge=0, le=60_000), typer.Option(help="The delay varies by ± this, in ms.")
    ] = 0.0
    loss: Annotated[
        float, Field(ge=0, le=100), typer.Option(help="Percent of the frames that are lost.")
    ] = 0.0

    @property
    def target(self) -> tuple[str, ...]:
        """Host and network."""
        return (self.node, self.network)

    def check(self, sandbox: Sandbox) -> None:
        """Host and network must exist."""
        sandbox.node(self.node)
        check_network(self.network)

    def apply(self, sandbox: Sandbox) -> None:
        """Take the port off the bridge and put the wire in between."""
        self.undo(sandbox)
        port = self._port(sandbox)
        near, far = switch.wire_ends(port)
        if port not in switch.masters(sandbox):
            raise UsageError(
                f"{self.node} has no NIC on {self.network}: it was removed inside the host",
                cure=f"A power cycle brings it back: bob sandbox fault power {self.node} cycle",
            )
        veth = f"link add {near} up type veth peer name {far}"
        switch.batch(sandbox, [veth, f"link set {far} up"])
        cgroup = sandbox.hierarchies.unified_dir(self._cgroup(sandbox))
        cgroup.mkdir(exist_ok=True)
        _start([*in_cgroups([cgroup]), *switch.enter(sandbox), *self._wire(port)])
        switch.batch(
            sandbox, [f"link set {port} nomaster", f"link set {near} master {self.network}"]
        )

    def undo(self, sandbox: Sandbox) -> None:
        """Port back on the bridge, wire away."""
        port = self._port(sandbox)
        near, _ = switch.wire_ends(port)
        masters = switch.masters(sandbox)
        changes = [f"link del {near}"] if near in masters else []
        if masters.get(port) == "":
            changes.append(f"link set {port} master {self.network}")
        if changes:
            switch.batch(sandbox, changes)
        sandbox.hierarchies.kill(self._cgroup(sandbox))
        sandbox.hierarchies.remove(self._cgroup(sandbox))

    def over(self, sandbox: Sandbox) -> bool:
        """True when the wire has ended: the host had removed its NIC and got a new one."""
        return not sandbox.hierarchies.populated(self._cgroup(sandbox))

    def _port(self, sandbox: Sandbox) -> str:
        return sandbox.node(self.node).port(self.network)

    def _cgroup(self, sandbox: Sandbox) -> str:
        """The wire's own control group; `down` finds it below that of the helpers."""
        return f"{sandbox.layout.helper_cgroup}/wire-{self._port(sandbox)}"

    def _wire(self, port: str) -> list[str]:
        numbers = [f"--delay={self.ms}", f"--jitter={self.jitter}", f"--loss={self.loss}"]
        return [sys.executable, "-I", wire.__file__, *numbers, port, switch.wire_ends(port)[1]]


def _start(command: list[str]) -> None:
    """Start the wire in the background and return when it copies."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    with process.stdout as output:
        spoke, _, _ = select.select([output], [], [], START_SECONDS)
        said = output.readline() if spoke else b""
        if said != b"ready\n":
            process.kill()
            raise BobError(f"the wire did not start: {said.decode().strip() or 'it said nothing'}")
