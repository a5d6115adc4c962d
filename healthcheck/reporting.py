"""One check and one record, told to Consul as soon as it lets us; made up for when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bob import logs
from bob.clients.consul import Consul
from bob.daemon.check import CheckReporter, Said
from bob.errors import BobError
from healthcheck import records
from healthcheck.findings import Finding
from healthcheck.records import Record
from healthcheck.voice import Voice, said, voice

BETWEEN_SECONDS = 5.0  # at least, between two writes of the record, however much changes
FIRST = Said("passing", "looking around for the first time")


class Report:
    """What is said of one thing. `tell` is called by one thread, `publish` by another one."""

    def __init__(
        self,
        consul: Consul,
        node: str,
        service: str,
        key: str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consul = consul
        self._node = node
        self._service = service
        self._key = key
        self._now = now
        self._voice = Voice()
        self._record = Record(node, False, ())
        self._written: tuple[Record, float] | None = None
        self._fault = logs.Fault(f"record of {service}")
        self.said = FIRST
        self.reporter = CheckReporter(consul, service, lambda: self.said, now)

    @property
    def findings(self) -> Sequence[Finding]:
        """As told last."""
        return self._record.findings

    def tell(self, findings: Sequence[Finding], uptime: float, complete: bool) -> None:
        """These are the findings now; `uptime` of the host in seconds."""
        self._voice = voice(self._voice, uptime, complete, findings)
        self.said = said(self._voice, complete, findings)
        self._record = Record(self._node, self._voice.speaks, tuple(findings))

    def publish(self) -> None:
        """Tell Consul what is new."""
        self.reporter.step()
        self._write()

    def close(self) -> None:
        """The last word is that we stopped."""
        self.reporter.close()

    def withdraw(self) -> None:
        """Another node says this from now on: take our service away. Raises `BobError`."""
        self._consul.agent.deregister_service(self._service)
        self._written = None

    def _write(self) -> None:
        record, now = self._record, self._now()
        if not record.findings:  # nothing was looked at yet: that is no clean bill of health
            return
        if self._written is not None:
            before, moment = self._written
            if record == before or now - moment < BETWEEN_SECONDS:
                return
        try:
            self._consul.kv.put(self._key, records.dump(record))
        except BobError as error:
            self._fault.failed(error)
            return
        self._written = record, now
        self._fault.passed()
