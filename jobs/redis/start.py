"""Starts redis or sentinel with a configuration that is written anew each time.

An old one would name the master of another day. The sentinels of the other hosts know the master;
while none answers it is the first host. A restarted master that is empty would empty its replicas,
so it waits until the others have had the time to choose another one.
"""

import hashlib
import json
import os
import socket
import sys
import time
from io import BufferedRWPair
from pathlib import Path

SETTINGS = json.loads(Path("/secrets/kolla/settings.json").read_text(encoding="utf-8"))
PASSWORD = SETTINGS["password"]
HOSTS = SETTINGS["hosts"]
PORT, SENTINEL_PORT = SETTINGS["port"], SETTINGS["sentinel_port"]
ME = os.environ["NOMAD_IP_redis"]  # noqa: SIM112 - Nomad's name
FIRST = HOSTS[0] if HOSTS else ME
NAME = "main"
ANSWER_SECONDS = 1.0
SWITCH_SECONDS = 8.0  # two times what the sentinels take for it by default


def ask(host: str, port: int, *words: str) -> list[str]:
    """The texts of an answer in redis' protocol; none when nobody answers, or with an error."""
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS) as line:
            line.settimeout(ANSWER_SECONDS)
            stream = line.makefile("rwb")
            for command in (("AUTH", PASSWORD), words):
                parts = [f"*{len(command)}\r\n", *(f"${len(w)}\r\n{w}\r\n" for w in command)]
                stream.write("".join(parts).encode())
                stream.flush()
                found = read(stream)
            return found
    except (OSError, ValueError):
        return []


def read(stream: BufferedRWPair) -> list[str]:
    """One answer, with all that is inside of it. Raises `ValueError` for an error or a torn one."""
    head = stream.readline().decode().strip()
    kind, rest = head[:1], head[1:]
    if kind == "*":
        return [text for _ in range(int(rest)) for text in read(stream)]
    if kind == "$":
        return [stream.read(int(rest) + 2).decode().strip()] if int(rest) >= 0 else []
    if kind in ("+", ":"):
        return [rest]
    raise ValueError(head)


def master() -> str:
    """The address of the master as the sentinels of other hosts know it, or ""."""
    for host in HOSTS:
        if host != ME:
            answer = ask(host, SENTINEL_PORT, "SENTINEL", "get-master-addr-by-name", NAME)
            if answer:
                return answer[0]
    return ""


def master_but_not_me() -> str:
    """The master; if that is this host, wait a while for the others to choose another one."""
    deadline = time.monotonic() + SWITCH_SECONDS
    while (found := master()) == ME and time.monotonic() < deadline:
        time.sleep(0.5)
    return found or FIRST


def become(program: str, path: str, lines: list[str]) -> None:
    """Go on as the program, with these lines as its configuration."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - rights
        file.write("\n".join(lines) + "\n")
    os.execvp(program, [program, path])  # noqa: S606 - it takes the place of this program


def redis() -> None:
    """A master, or a replica of the master."""
    found = master_but_not_me()
    lines = [
        f"bind {ME}",
        f"port {PORT}",
        f"requirepass {PASSWORD}",
        f"masterauth {PASSWORD}",
        f"replica-announce-ip {ME}",
        f"maxmemory {SETTINGS['memory']}mb",
        "maxmemory-policy allkeys-lru",
        'save ""',
        "dir /tmp",
    ]
    become("redis-server", "/tmp/redis.conf", lines + [f"replicaof {found} {PORT}"] * (found != ME))  # noqa: S108 - in a container


def sentinel() -> None:
    """One of those that choose a master by majority."""
    lines = [
        f"bind {ME}",
        f"port {SENTINEL_PORT}",
        f"requirepass {PASSWORD}",
        f"sentinel announce-ip {ME}",
        f"sentinel sentinel-pass {PASSWORD}",
        # The same after each start: else old sentinels add up and no majority is left.
        f"sentinel myid {hashlib.sha1(ME.encode(), usedforsecurity=False).hexdigest()}",
        f"sentinel monitor {NAME} {master() or FIRST} {PORT} {len(HOSTS) // 2 + 1}",
        f"sentinel auth-pass {NAME} {PASSWORD}",
        f"sentinel down-after-milliseconds {NAME} {SETTINGS['down_after']}",
        f"sentinel failover-timeout {NAME} 10000",
        "dir /tmp",
    ]
    become("redis-sentinel", "/tmp/sentinel.conf", lines)  # noqa: S108 - in a container


def is_master() -> None:
    """End with 0 when this instance is the master."""
    sys.exit(0 if ask(ME, PORT, "ROLE")[:1] == ["master"] else 1)


if __name__ == "__main__":
    {"redis": redis, "sentinel": sentinel, "is-master": is_master}[sys.argv[1]]()
