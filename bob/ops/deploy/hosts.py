"""What a host needs before it can run a service: programs from packages, and images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bob.catalogue import Image, Package
from bob.clients.ssh import Host, quote

INSTALL_SECONDS = 300.0
LOAD_SECONDS = 60.0


@dataclass(frozen=True)
class Lack:
    """What one host does not have yet."""

    packages: tuple[Package, ...]
    images: tuple[Image, ...]

    def __bool__(self) -> bool:
        return bool(self.packages or self.images)

    def lines(self, host: str) -> list[str]:
        """The plan for this host."""
        return [f"{host}: install {package.name}" for package in self.packages] + [
            f"{host}: load image {image.name}" for image in self.images
        ]


def look(host: Host, packages: Iterable[Package], images: Iterable[Image]) -> Lack:
    """Ask a host, in one round trip."""
    packages, images = tuple(packages), tuple(images)
    script = [
        f"command -v {quote(package.program)} >/dev/null || echo {quote(package.name)}"
        for package in packages
    ] + [
        f"docker image inspect {quote(image.name)} >/dev/null 2>&1 || echo {quote(image.name)}"
        for image in images
    ]
    missing = set(host.run("\n".join(script) or ":").stdout.split())
    return Lack(
        tuple(package for package in packages if package.name in missing),
        tuple(image for image in images if image.name in missing),
    )


def prepare(host: Host, lack: Lack) -> None:
    """Give a host what it lacks. Packages first: one of them may bring docker."""
    if lack.packages:
        names = " ".join(quote(package.name) for package in lack.packages)
        units = [quote(package.disable) for package in lack.packages if package.disable]
        script = [
            "set -e",
            "export DEBIAN_FRONTEND=noninteractive",
            "apt-get -q update",
            f"apt-get -q -y --no-install-recommends install {names}",
            *(f"systemctl disable --now {unit}" for unit in units),
        ]
        host.run("\n".join(script), timeout=INSTALL_SECONDS)
    for image in lack.images:
        host.feed("docker load -q", [image.archive], timeout=LOAD_SECONDS)
