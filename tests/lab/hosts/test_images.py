"""Images made here, sent to the sandbox's registry, pulled and started by its hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from harness import Factory

import bob.sandbox
from bob.sandbox import registry
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

pytestmark = pytest.mark.lab

Run = Callable[..., str]
BUILD_SECONDS = 1500  # an empty cache: debootstrap and packages on a slow, shared machine

CONFIG = {
    "command": "memcached -l 127.0.0.1 -p 11299 -m '8'",
    "config_files": [
        {
            "source": "/var/lib/kolla/config_files/settings",
            "dest": "/etc/memcached/",
            "owner": "memcache",
            "perm": "0400",
        }
    ],
}

ASK_VERSION = """
import socket
try:
    with socket.create_connection(("127.0.0.1", 11299), timeout=5) as connection:
        connection.sendall(b"version\\r\\n")
        print(connection.makefile().readline())
except OSError as error:
    print(error)
"""


def run_bob(*arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bob", *arguments],
        capture_output=True, text=True, check=False, timeout=seconds,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pinned(sandbox: Sandbox) -> str:
    """The name of exactly the image `memcached`, in the registry of the sandbox."""
    built = run_bob("images", "build", "memcached", seconds=BUILD_SECONDS)
    assert built.returncode == 0, built.stderr
    pushed = run_bob("images", "push", "memcached", "--sandbox", sandbox.name, "-o", "json")
    assert pushed.returncode == 0, pushed.stderr
    (image,) = json.loads(pushed.stdout)["images"]
    return str(image["pinned"])


def test_a_host_pulls_an_image_and_starts_it_by_the_kolla_contract(
    pinned: str, in_host: Run
) -> None:
    in_host("n1", "mkdir", "-p", "/root/kolla")
    for name, text in (("config.json", json.dumps(CONFIG)), ("settings", "some=thing\n")):
        in_host("n1", "sh", "-c", f"cat > /root/kolla/{name} <<'END'\n{text}\nEND")
    in_host("n1", "docker", "pull", "--quiet", pinned)
    in_host(
        "n1", "docker", "run", "--detach", "--name", "cache", "--network", "host",
        "--volume", "/root/kolla:/var/lib/kolla/config_files:ro",
        "--env", "KOLLA_CONFIG_STRATEGY=COPY_ALWAYS", pinned,
    )  # fmt: skip
    try:
        wait_for(
            lambda: in_host("n1", "python3", "-c", ASK_VERSION).startswith("VERSION"),
            what="memcached answers",
            deadline=60,
        )
        copied = in_host(
            "n1", "docker", "exec", "cache", "stat", "-c", "%U %G %a", "/etc/memcached/settings"
        )
        assert copied.split() == ["memcache", "memcache", "400"]
        assert in_host("n1", "docker", "exec", "cache", "id", "-un").strip() == "memcache"
        in_host("n1", "docker", "exec", "cache", "sudo", "-nE", "kolla_set_configs", "--check")
        refused = "docker exec cache sudo -n id >/dev/null 2>&1 && echo may || echo may not"
        assert in_host("n1", "sh", "-c", refused).strip() == "may not"
    finally:
        in_host("n1", "docker", "rm", "--force", "cache")


def test_without_a_strategy_the_container_ends_and_says_why(pinned: str, in_host: Run) -> None:
    in_host("n1", "mkdir", "-p", "/root/kolla")
    in_host("n1", "sh", "-c", """echo '{"command": "true"}' > /root/kolla/config.json""")
    start = (
        "docker run --rm --volume /root/kolla:/var/lib/kolla/config_files:ro "
        f"{pinned} 2>&1; echo code $?"
    )
    said = in_host("n1", "sh", "-c", start)
    assert "KOLLA_CONFIG_STRATEGY must be COPY_ALWAYS or COPY_ONCE" in said
    assert said.endswith("code 1\n")


def test_images_are_listed_with_what_the_registry_has(pinned: str, sandbox: Sandbox) -> None:
    listed = run_bob("images", "ls", "--sandbox", sandbox.name, "-o", "json")
    assert listed.returncode == 0, listed.stderr
    view = json.loads(listed.stdout)
    assert view["registry"] == sandbox.layout.registry_address
    (row,) = [row for row in view["images"] if row["name"] == "memcached"]
    assert pinned.endswith(row["registry"])
    assert row["built"]["digest"] == row["registry"]


def test_a_registry_that_died_is_there_again_after_up(sandbox_factory: Factory) -> None:
    sandbox = sandbox_factory("registry", 1)
    layout = sandbox.layout
    os.kill(int((layout.registry / "pid").read_text()), signal.SIGKILL)
    wait_for(lambda: not registry.answers(layout.registry_address), what="it is gone", deadline=30)
    bob.sandbox.up(sandbox.name)
    assert registry.answers(layout.registry_address)
    bob.sandbox.down(sandbox.name)
    assert not registry.running(layout)
