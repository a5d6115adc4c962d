from __future__ import annotations

from pathlib import Path

import pytest

from bob.errors import PreflightRefused
from bob.machine import apt

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://other.example/apt vendor main
deb http://security.example/debian-security bookworm-security main
deb [signed-by=/k.gpg] http://mirror.example/debian/ bookworm main contrib
"""
DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
"""
MIRROR = "http://mirror.example/debian"


@pytest.mark.parametrize("text", [ONE_LINE, DEB822])
def test_the_mirror_is_the_source_that_carries_a_release(text: str) -> None:
    assert apt.find_mirror([text]) == MIRROR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "deb http://archive.example/ubuntu noble main",
        "deb-src http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm contrib",
        DEB822.replace("Types: deb\n#", "Enabled: no\nTypes: deb\n#"),
        DEB822.replace("Types: deb\n", "Types: deb-src\n"),
    ],
)
def test_other_sources_are_not_a_debian_mirror(text: str) -> None:
    assert apt.find_mirror([text]) is None


def test_the_files_of_the_machine_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(apt.MIRROR_VARIABLE, raising=False)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert apt.mirror(tmp_path) == MIRROR


@pytest.mark.parametrize("text", [ONE_LINE, DEB822])
def test_a_sources_list_has_the_security_updates_that_the_machine_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.delenv(apt.MIRROR_VARIABLE, raising=False)
    (tmp_path / "sources.list.d").mkdir()
    name = "debian.sources" if text is DEB822 else "debian.list"
    (tmp_path / "sources.list.d" / name).write_text(text)
    signed = f"deb [signed-by={apt.KEYRING}]"
    assert apt.source_lines("bookworm", tmp_path) == (
        f"{signed} {MIRROR} bookworm main\n"
        f"{signed} http://security.example/debian-security bookworm-security main\n"
    )


def test_a_machine_without_security_updates_has_a_mirror_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(apt.MIRROR_VARIABLE, MIRROR)
    assert apt.source_lines("trixie", tmp_path) == (
        f"deb [signed-by={apt.KEYRING}] {MIRROR} trixie main\n"
    )


def test_without_a_mirror_the_variable_is_named_and_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(apt.MIRROR_VARIABLE, raising=False)
    with pytest.raises(PreflightRefused) as refused:
        apt.mirror(tmp_path)
    assert apt.MIRROR_VARIABLE in refused.value.cure
    monkeypatch.setenv(apt.MIRROR_VARIABLE, "http://own.example/debian")
    assert apt.mirror(tmp_path) == "http://own.example/debian"
