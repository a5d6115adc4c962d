"""Starts redis or sentinel with a configuration that is written anew each time.

An old one would name the master of another day. The sentinels of the other hosts know the master;
while none answers it is the first host. A restarted master that is empty would empty its replicas,
so it waits until the others have had the time to choose another one.
"""

import hashlib
import os
import socket
import sys
import time

PASSWORD = """[[ secret("password") ]]"""
DOWN_AFTER_MS = [[ parameter("down_after") ]]
HOSTS = """[% for name in nodes %]{{ with node "[[ name ]]" }}{{ .Node.Address }} {{ end }}[% endfor %]""".split()
ME = os.environ["NOMAD_IP_redis"]
FIRST = HOSTS[0] if HOSTS else ME
PORT, SENTINEL_PORT = [[ service.ports.redis ]], [[ service.ports.sentinel ]]
NAME = "main"
SWITCH_SECONDS = 8


def ask(host, port, *words):
    """The lines of an answer; none when nobody answers."""
    text = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
    try:
        with socket.create_connection((host, port), 1) as line:
            line.settimeout(1)
            line.sendall(f"*2\r\n$4\r\nAUTH\r\n${len(PASSWORD)}\r\n{PASSWORD}\r\n{text}".encode())
            time.sleep(0.05)
            return line.recv(4096).decode().split("\r\n")[1:]
    except OSError:
        return []


def master():
    for host in HOSTS:
        if host != ME:
            answer = ask(host, SENTINEL_PORT, "SENTINEL", "get-master-addr-by-name", NAME)
            if len(answer) > 2 and answer[0] == "*2":
                return answer[2]
    return ""


def wait_for_another():
    deadline = time.monotonic() + SWITCH_SECONDS
    while (found := master()) == ME and time.monotonic() < deadline:
        time.sleep(0.5)
    return found or FIRST


def write(path, lines):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def redis():
    found = wait_for_another()
    lines = [f"bind {ME}", f"port {PORT}", f"requirepass {PASSWORD}", f"masterauth {PASSWORD}",
             f"replica-announce-ip {ME}", 'save ""', "dir /tmp", "maxmemory-policy allkeys-lru",
             "maxmemory [[ value("memory") ]]mb"]
    if found != ME:
        lines.append(f"replicaof {found} {PORT}")
    os.execvp("redis-server", ["redis-server", write("/tmp/redis.conf", lines)])


def sentinel():
    found = master() or FIRST
    quorum = len(HOSTS) // 2 + 1
    lines = [f"bind {ME}", f"port {SENTINEL_PORT}", f"sentinel announce-ip {ME}", "dir /tmp",
             f"requirepass {PASSWORD}", f"sentinel sentinel-pass {PASSWORD}",
             # The same after each start: else old sentinels add up and no majority is left.
             f"sentinel myid {hashlib.sha1(ME.encode()).hexdigest()}",
             f"sentinel monitor {NAME} {found} {PORT} {quorum}",
             f"sentinel auth-pass {NAME} {PASSWORD}",
             f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
             f"sentinel failover-timeout {NAME} 10000"]
    os.execvp("redis-sentinel", ["redis-sentinel", write("/tmp/sentinel.conf", lines)])


def is_master():
    answer = ask(ME, PORT, "ROLE")
    sys.exit(0 if "master" in answer else 1)


{"redis": redis, "sentinel": sentinel, "is-master": is_master}[sys.argv[1]]()
