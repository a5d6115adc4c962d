"""SSH to one host, by fabric: every call has a deadline, and nothing secret is in an argv.

A script travels on the standard input of `sh -s`, so neither it nor what it contains appears in
the process list of the host. fabric's own runner is not used for commands because it offers no
limit for opening a channel (fabric 1384) and no clean end of standard input.
"""

from __future__ import annotations

import base64
import io
import shlex
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bob import logs
from bob.errors import BobError, Permanent, Temporary
from bob.waiting import Deadline

if TYPE_CHECKING:
    import paramiko

CONNECT_TIMEOUT = 8.0
COMMAND_TIMEOUT = 60.0
KEEPALIVE = 5
# A host that lost its power says nothing. Every KEEPALIVE seconds something is sent to it; when
# that stays unacknowledged for so long, the kernel ends the connection (its own limit: 15 min).
SILENCE_MS = 15_000
# Large windows and packets: with paramiko's defaults a 40 MB file takes three times as long.
WINDOW_BYTES = 64 * 1024 * 1024
PACKET_BYTES = 512 * 1024


CHECK_HOST = "Check that the host is on, its address is right and sshd answers."


class CommandFailed(Permanent):
    """A command ended with a code other than 0."""


class KeyRefused(Permanent):
    """The host is there and does not let our key in."""


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Login:
    """How to reach one host. `pins` is the known-hosts file; a key not in it is added at the
    first contact unless `strict`, and one that differs from it is always refused.

    Instead of these files: `identity` is the private key itself (OpenSSH text), and `host_key`
    ("ssh-ed25519 AAAA…") the only one that is taken for the host's.
    """

    name: str
    address: str
    user: str = "root"
    port: int = 22
    key: Path | None = None
    pins: Path | None = None
    strict: bool = False
    identity: str = field(default="", repr=False)
    host_key: str = ""


class Host:
    """One host. Connects at the first use and again after a loss; safe to use from one thread."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self.name = login.name
        self._connection: Any = None
        self._interrupted = False
        self._log = logs.get()

    def run(
        self,
        script: str,
        *,
        timeout: float = COMMAND_TIMEOUT,
        check: bool = True,
    ) -> Result:
        """Run a shell script as root. Raises `CommandFailed` on another code than 0 if `check`."""
        return self.feed("sh -s", [script.encode()], timeout=timeout, check=check)

    def feed(
        self,
        command: str,
        chunks: Iterable[bytes],
        *,
        timeout: float = COMMAND_TIMEOUT,
        check: bool = True,
    ) -> Result:
        """Run `command` as root and send `chunks` to its standard input."""
        deadline = Deadline(timeout)
        sudo = self.login.user != "root"
        if sudo:
            command = f"sudo -n {command}"
        self._log.debug("ssh", host=self.name, command=command)
        try:
            channel = self._transport(deadline).open_session(timeout=max(deadline.left(), 1))
            try:
                result = _converse(channel, command, chunks, deadline)
            finally:
                channel.close()
        except (OSError, EOFError) as error:
            self.close()
            late = f"no answer within {timeout:.0f} s" if deadline.passed() else "connection lost"
            raise Temporary(
                f"{self.name}: {late}: {str(error) or type(error).__name__}", cure=CHECK_HOST
            ) from error
        except BobError as error:
            self.close()
            raise type(error)(f"{self.name}: {error}", cure=error.cure) from error
        except _ssh_error() as error:
            self.close()
            raise Temporary(f"{self.name}: {error}", cure=CHECK_HOST) from error
        if sudo and result.code != 0 and "sudo:" in result.stderr:
            raise Permanent(
                f"{self.name}: {self.login.user} has no root rights: {result.stderr.strip()}",
                cure="Set ssh.user to root, or allow that user to run sudo without a password.",
            )
        if check and result.code != 0:
            said = (result.stderr or result.stdout).strip()[-500:]
            raise CommandFailed(f"{self.name}: command ended with {result.code}: {said}")
        return result

    def host_key(self) -> str:
        """The key with which the host proves itself, as `Login.host_key` takes it."""
        self.run(":")
        key = self._connection.transport.get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"

    def interrupt(self) -> None:
        """End the connection under a call that another thread makes, and refuse all later ones."""
        self._interrupted = True
        self.close()

    def close(self) -> None:
        """End the connection; the next call opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _transport(self, deadline: Deadline) -> paramiko.Transport:
        if self._interrupted:
            raise Permanent("interrupted")
        if self._connection is None or not self._connection.is_connected:
            self._connection = self._connect(min(CONNECT_TIMEOUT, max(deadline.left(), 1)))
        connection = self._connection
        if self._interrupted:  # while it was opened
            connection.close()
        transport: paramiko.Transport = connection.transport
        return transport

    def _connect(self, timeout: float) -> Any:
        import fabric
        import paramiko

        login = self.login
        limits = {"banner_timeout": timeout, "auth_timeout": timeout, "channel_timeout": timeout}
        if login.key and not login.key.is_file():
            raise Permanent(
                f"there is no SSH key {login.key}", cure="Correct ssh.key in the inventory."
            )
        config = fabric.Config(overrides={"load_ssh_configs": False})
        connection = fabric.Connection(
            login.address, user=login.user, port=login.port, config=config,
            connect_timeout=int(max(timeout, 1)),
            connect_kwargs={**limits, **_keys(login), "transport_factory": _fast_transport},
        )  # fmt: skip
        if login.host_key:
            kind, _, content = login.host_key.partition(" ")
            pinned = paramiko.PKey.from_type_string(kind, base64.b64decode(content))
            # paramiko knows a host on another port than 22 by this name
            place = login.address if login.port == 22 else f"[{login.address}]:{login.port}"
            connection.client.get_host_keys().add(place, kind, pinned)
        elif login.pins and login.pins.exists():
            connection.client.load_host_keys(str(login.pins))
        connection.client.set_missing_host_key_policy(_PinPolicy(login))
        where = f"{login.user}@{login.address}:{login.port}"
        try:
            connection.open()
        except paramiko.BadHostKeyException as error:
            raise Permanent(
                f"{where}: its host key differs from the pinned one",
                cure=f"If the host was re-installed, remove its line from {login.pins}."
                if login.pins
                else "If the host was re-installed meanwhile, abort this and add the node again.",
            ) from error
        except (paramiko.AuthenticationException, paramiko.PasswordRequiredException) as error:
            which = "of the cluster" if login.identity else login.key or "of the agent"
            raise KeyRefused(
                f"{where}: the host refused the SSH key {which}",
                cure="Put the public key into authorized_keys, or correct ssh.user and ssh.key.",
            ) from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Temporary(
                f"{where}: not reachable by SSH: {str(error) or type(error).__name__}",
                cure=CHECK_HOST,
            ) from error
        connection.transport.set_keepalive(KEEPALIVE)
        return connection


def _keys(login: Login) -> dict[str, Any]:
    """Which keys are tried: the given one alone, or those of the user and of the agent."""
    import paramiko

    if login.identity:
        key = paramiko.Ed25519Key.from_private_key(io.StringIO(login.identity))
        return {"pkey": key, "look_for_keys": False, "allow_agent": False}
    return {"key_filename": str(login.key), "look_for_keys": False} if login.key else {}


def quote(word: str) -> str:
    """A word as the shell reads it back unchanged."""
    return shlex.quote(word)


def _converse(
    channel: paramiko.Channel, command: str, chunks: Iterable[bytes], deadline: Deadline
) -> Result:
    """Send, then read until the command ends. Output is drained while sending (no deadlock)."""
    channel.settimeout(max(deadline.left(), 0.1))
    channel.exec_command(command)
    collected: list[bytes] = []
    errors: list[bytes] = []
    readers = [
        threading.Thread(target=_drain, args=(read, sink), daemon=True)
        for read, sink in ((channel.recv, collected), (channel.recv_stderr, errors))
    ]
    for reader in readers:
        reader.start()
    try:
        for chunk in chunks:
            channel.settimeout(max(deadline.left(), 0.1))
            channel.sendall(chunk)
        channel.shutdown_write()
    except OSError:
        # The command may have ended before it read everything; its exit code tells.
        if deadline.passed():
            raise
    for reader in readers:
        reader.join(max(deadline.left(), 0.1))
    if not channel.status_event.wait(max(deadline.left(), 0.1)):
        raise Temporary(f"no answer within {deadline.seconds:.0f} s: {command.split()[0]}")
    code = channel.recv_exit_status()
    if code == -1:
        raise Temporary("connection lost while a command ran", cure=CHECK_HOST)
    return Result(code, b"".join(collected).decode(), b"".join(errors).decode())


def _drain(read: Any, sink: list[bytes]) -> None:
    try:
        while data := read(65536):
            sink.append(data)
    except (TimeoutError, OSError):
        return


def _fast_transport(sock: Any, **options: Any) -> paramiko.Transport:
    import paramiko

    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS)
    transport = paramiko.Transport(
        sock, default_window_size=WINDOW_BYTES, default_max_packet_size=PACKET_BYTES, **options
    )
    security = transport.get_security_options()
    # AES-GCM first: it needs no separate MAC, half the processor time of CTR + HMAC.
    gcm = [name for name in security.ciphers if "gcm" in name]
    security.ciphers = (*gcm, *(name for name in security.ciphers if name not in gcm))
    return transport


def _ssh_error() -> type[Exception]:
    import paramiko

    return paramiko.SSHException


_pin_lock = threading.Lock()


class _PinPolicy:
    """Trust at first use: write the key down, so that any later change is noticed."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def missing_host_key(self, _: Any, hostname: str, key: Any) -> None:
        login = self._login
        if login.host_key:
            raise Permanent(f"{hostname} shows a host key of another kind than the pinned one")
        if login.strict:
            raise Permanent(
                f"host key of {hostname} is not in {login.pins}",
                cure="Add it with ssh-keyscan after checking its fingerprint.",
            )
        if login.pins:
            with _pin_lock, login.pins.open("a") as pins:
                pins.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
