"""The user's own binaries go first; what they lack comes from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from toolchain_doubles import Recorder
from vendor_site import VendorSite, program

from bob.errors import BobError, UsageError
from bob.toolchain import ensure, status


def test_own_binary_is_used_in_place(home: Path, own_binaries: Path) -> None:
    tools = ensure(["consul", "nomad"], path=own_binaries)
    assert tools.consul.path == own_binaries / "consul"
    assert tools.consul.source == "path"


def test_second_run_does_not_run_the_binary_again(
    home: Path, own_binaries: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "runs"
    (own_binaries / "consul").write_text(f"#!/bin/sh\necho >> {witness}\necho Consul v1.22.3\n")
    for _ in range(2):
        ensure(["consul"], path=own_binaries)
    assert witness.read_text() == "\n"


def test_changed_binary_is_checked_again(home: Path, own_binaries: Path) -> None:
    ensure(["consul"], path=own_binaries)
    (own_binaries / "consul").write_bytes(program("consul", "1.20.10"))
    with pytest.raises(UsageError, match=r"version 1\.20\.10, wanted is 1\.22\.3"):
        ensure(["consul"], path=own_binaries)


def test_tool_that_is_not_there_comes_from_the_next_source(
    home: Path, own_binaries: Path, site: VendorSite, recorder: Recorder
) -> None:
    site.publish("consul-template")
    tools = ensure(path=own_binaries, mirror=site.address, progress=recorder)
    assert [(tool.name, tool.source) for tool in tools] == [
        ("consul", "path"),
        ("nomad", "path"),
        ("consul-template", "release"),
    ]


def test_folder_without_any_tool_is_a_mistake(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds none of consul, nomad, consul-template"):
        ensure(path=tmp_path)


def test_file_that_is_not_executable_is_named(home: Path, own_binaries: Path) -> None:
    (own_binaries / "consul").chmod(0o644)
    with pytest.raises(UsageError, match="not executable") as caught:
        ensure(["consul"], path=own_binaries)
    assert caught.value.cure == f"chmod +x {own_binaries / 'consul'}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"#!/bin/sh\nexit 3\n", "exit code 3"),
        (b"#!/bin/sh\necho hello\n", "does not tell a version"),
        (b"\x7fELF-of-another-machine", "failed with exit code"),
    ],
)
def test_file_that_is_not_the_program_is_refused(
    home: Path, own_binaries: Path, content: bytes, said: str
) -> None:
    (own_binaries / "consul").write_bytes(content)
    with pytest.raises(BobError, match=said):
        ensure(["consul"], path=own_binaries)


def test_status_looks_without_fetching(home: Path, own_binaries: Path) -> None:
    found = status(path=own_binaries)
    assert {name: tool and tool.source for name, tool in found.items()} == {
        "consul": "path",
        "nomad": "path",
        "consul-template": None,
    }


def test_unknown_names_are_refused(home: Path) -> None:
    with pytest.raises(UsageError, match="no tool named 'vault'"):
        ensure(["vault"])
    with pytest.raises(UsageError, match="no tool named 'consul_template'"):
        ensure(versions={"consul_template": "0.42.1"})
