"""The host of an operation `add-node`, as all its steps reach it during one run."""

from __future__ import annotations

import weakref

from bob.clients.ssh import Host, Login
from bob.errors import BobError
from bob.ops.context import OperationContext
from bob.ops.joining.wanted import Wanted
from bob.ops.states import StepState
from bob.provision.host_report import HostReport, gather
from bob.provision.install import Binary

FAREWELL = "farewell"  # the step that takes our key away from the host


class Site:
    """One host. The connection is kept between steps, and ends with the run."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._host: Host | None = None
        self._report: HostReport | None = None
        self._binaries: tuple[Binary, ...] = ()

    @property
    def name(self) -> str:
        """Name of the node."""
        return self.wanted.node.name

    def host(self, context: OperationContext) -> Host:
        """The host, by the cluster's own key and the host key that the operator has seen."""
        if self._host is None:
            ssh = self.wanted.ssh
            self._host = Host(
                Login(
                    name=self.name,
                    address=ssh.address,
                    user=ssh.user,
                    port=ssh.port,
                    identity=context.records.secrets().ssh_key.get_secret_value(),
                    host_key=ssh.host_key,
                )
            )
            weakref.finalize(self, self._host.close)
        return self._host

    def close(self) -> None:
        """End the connection; the next use opens a new one."""
        if self._host is not None:
            self._host.close()

    @property
    def looked_at(self) -> bool:
        """The host was looked at in this run."""
        return self._report is not None

    def look(self, context: OperationContext) -> HostReport:
        """Look at the host now."""
        self._report = gather(self.host(context))
        return self._report

    def report(self, context: OperationContext) -> HostReport:
        """The host as it was found in this run."""
        return self._report or self.look(context)

    def binaries(self, context: OperationContext) -> tuple[Binary, ...]:
        """The programs that the host gets besides Bob itself."""
        self._binaries = self._binaries or context.programs()
        return self._binaries

    @staticmethod
    def left(context: OperationContext) -> bool:
        """Our key was taken away in an earlier run: all that needs it was done then."""
        return context.operation.step(FAREWELL).state is not StepState.PENDING

    def try_to(self, context: OperationContext, script: str, timeout: float) -> str:
        """Run a script if the host can be reached; what it said, or why it could not be run."""
        try:
            return self.host(context).run(script, timeout=timeout).stdout.strip()
        except BobError as error:
            context.say(str(error))
            return str(error)
