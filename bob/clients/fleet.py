"""Many hosts at once: the same work on each, in parallel, and one error that names them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bob.clients.ssh import Host
from bob.errors import BobError, Permanent, Temporary

T = TypeVar("T")
PARALLEL = 32  # k0sctl uses 30: more connections gain nothing and annoy sshd's MaxStartups


class Fleet:
    """A set of hosts by name."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._hosts = {host.name: host for host in hosts}

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def each(self, work: Callable[[Host], T], names: Iterable[str] | None = None) -> dict[str, T]:
        """Do `work` on the named hosts (default: all) in parallel; results by host name.

        All hosts are tried. If some failed, one error names each of them with its reason; it is
        `Temporary` only when every one of them was.
        """
        results, errors = self.attempt(work, names)
        if errors:
            raise _join(errors)
        return results

    def attempt(
        self, work: Callable[[Host], T], names: Iterable[str] | None = None
    ) -> tuple[dict[str, T], dict[str, BobError]]:
        """Like `each`, but give the errors back by host name instead of raising."""
        chosen = [self._hosts[name] for name in (self._hosts if names is None else names)]
        results: dict[str, T] = {}
        errors: dict[str, BobError] = {}
        if not chosen:
            return results, errors
        with ThreadPoolExecutor(min(PARALLEL, len(chosen))) as pool:
            futures = {host.name: pool.submit(work, host) for host in chosen}
            try:
                for name, future in futures.items():
                    try:
                        results[name] = future.result()
                    except BobError as error:
                        errors[name] = error
            except BaseException:  # interrupted: the pool would wait for what the hosts still do
                pool.shutdown(wait=False, cancel_futures=True)
                for host in chosen:
                    host.interrupt()
                raise
        return results, errors

    def close(self) -> None:
        """End all connections."""
        for host in self:
            host.close()


def _join(errors: dict[str, BobError]) -> BobError:
    first = next(iter(errors.values()))
    if len(errors) == 1:
        return first
    message = f"{len(errors)} hosts failed:\n  " + "\n  ".join(str(e) for e in errors.values())
    if all(isinstance(error, Temporary) for error in errors.values()):
        return Temporary(message, cure=first.cure)
    return Permanent(message, cure=first.cure)
