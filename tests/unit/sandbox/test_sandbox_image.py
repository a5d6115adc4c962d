from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bob.errors import Permanent
from bob.sandbox import image, recipe, simulator


def test_each_phase_of_debootstrap_is_told_once() -> None:
    lines = [
        "I: Retrieving InRelease \n", "I: Retrieving bash\n", "I: Validating bash\n",
        "I: Extracting bash...\n", "W: odd\n", "I: Unpacking bash...\n", "I: Configuring bash...\n",
        "I: Base system installed successfully.\n",
    ]  # fmt: skip
    assert list(image.phases(lines)) == [
        "downloading packages",
        "extracting the base system",
        "unpacking packages",
        "configuring packages",
    ]


def test_the_digest_follows_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe.digest()
    assert recipe.digest() == before
    monkeypatch.setattr(recipe, "PACKAGES", (*recipe.PACKAGES, "one-more"))
    assert recipe.digest() != before


def test_masked_units_are_not_ones_that_hosts_need() -> None:
    needed = {"ssh.service", "docker.service", "dbus.service", "systemd-logind.service"}
    assert not needed & {*recipe.MASKED, *recipe.DISABLED}


def test_a_package_with_another_checksum_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "openipmi.deb"
    package.write_bytes(b"content")
    simulator.verify(package, hashlib.sha256(b"content").hexdigest())
    with pytest.raises(Permanent) as refused:
        simulator.verify(package, "0" * 64)
    assert "SHA-256" in str(refused.value)
