"""What a host lacks and how it gets it; the scripts run in a real shell with stand-in programs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from bob.catalogue import Image, Package
from bob.clients.ssh import Host, Result
from bob.ops.deploy.hosts import Lack, look, prepare

HAPROXY = Package(program="haproxy", name="haproxy-deb", disable="haproxy.service")
DOCKER = Package(program="docker", name="docker.io")
IMAGE = Image("bob-demo:0123", b"archive")


class LocalHost:
    """A host whose programs are shell scripts in one folder; it notes how they were called."""

    name = "n1"

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.bin.mkdir()
        self.calls.touch()

    def program(self, name: str, body: str = "") -> None:
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{body}\n')
        path.chmod(0o755)

    def run(self, script: str, *, timeout: float = 60, check: bool = True) -> Result:
        return self.feed("/bin/sh -s", [script.encode()], timeout=timeout, check=check)

    def feed(
        self, command: str, chunks: Iterable[bytes], *, timeout: float = 60, check: bool = True
    ) -> Result:
        done = subprocess.run(
            ["/bin/sh", "-c", command], input=b"".join(chunks), capture_output=True,
            timeout=timeout, env={"PATH": str(self.bin)}, check=check,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def noted(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def local(tmp_path: Path) -> LocalHost:
    return LocalHost(tmp_path)


def as_host(local: LocalHost) -> Host:
    return cast(Host, local)


def test_a_bare_host_lacks_everything(local: LocalHost) -> None:
    lack = look(as_host(local), (HAPROXY, DOCKER), (IMAGE,))
    assert lack == Lack((HAPROXY, DOCKER), (IMAGE,))
    assert lack.lines("n1") == [
        "n1: install haproxy-deb", "n1: install docker.io", "n1: load image bob-demo:0123",
    ]  # fmt: skip


def test_a_program_that_is_there_needs_no_package_whoever_installed_it(local: LocalHost) -> None:
    local.program("haproxy")
    local.program("docker", "exit 1")
    assert look(as_host(local), (HAPROXY, DOCKER), (IMAGE,)) == Lack((), (IMAGE,))
    assert local.noted() == ["docker image inspect bob-demo:0123"]


def test_a_host_with_all_of_it_lacks_nothing(local: LocalHost) -> None:
    local.program("docker")
    assert not look(as_host(local), (DOCKER,), (IMAGE,))
    assert not look(as_host(local), (), ())


def test_packages_come_before_images_and_their_units_are_stopped(local: LocalHost) -> None:
    for name in ("apt-get", "systemctl"):
        local.program(name)
    local.program("docker", "while read -r line; do echo loaded $line; done >> ${0%/*}/../calls")
    prepare(as_host(local), Lack((HAPROXY, DOCKER), (Image("bob-demo:0123", b"archive\n"),)))
    assert local.noted() == [
        "apt-get -q update",
        "apt-get -q -y --no-install-recommends install haproxy-deb docker.io",
        "systemctl disable --now haproxy.service",
        "docker load -q",
        "loaded archive",
    ]


def test_a_failed_installation_is_not_passed_over(local: LocalHost) -> None:
    local.program("apt-get", "exit 100")
    local.program("systemctl")
    with pytest.raises(subprocess.CalledProcessError):
        prepare(as_host(local), Lack((HAPROXY,), ()))
    assert local.noted() == ["apt-get -q update"]
