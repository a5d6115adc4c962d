"""`bob toolchain`, its views, and the inventory's wishes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from vendor_site import VendorSite

from bob.__main__ import run as bob
from bob.toolchain.display import Display

INVENTORY = """
cluster: c1
networks: {{mgmt: {{cidr: 10.0.0.0/24}}}}
servers: 1
single_server: accept-no-redundancy
versions: {{consul: 1.21.5}}
toolchain:
  mirror: {mirror}
  sha256: {{consul: {pin}}}
nodes:
  - {{name: n1, addresses: {{mgmt: 10.0.0.1}}}}
"""


def test_status_of_an_empty_cache(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bob(["toolchain", "status", "-o", "json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert view["schema"] == "bob/toolchain/1"
    assert view["tools"][1] == {
        "name": "nomad", "wanted": "1.11.3", "state": "missing",
        "source": None, "path": None, "sha256": None, "size": None,
    }  # fmt: skip


def test_ensure_follows_the_inventory(
    home: Path, tmp_path: Path, site: VendorSite, capsys: pytest.CaptureFixture[str]
) -> None:
    pin = site.publish("consul", "1.21.5")
    site.publish("nomad")
    site.publish("consul-template")
    file = tmp_path / "cluster.yaml"
    file.write_text(INVENTORY.format(mirror=site.address, pin=pin))

    assert bob(["toolchain", "ensure", "-f", str(file), "-o", "json"]) == 0

    captured = capsys.readouterr()
    tools = {tool["name"]: tool for tool in json.loads(captured.out)["tools"]}
    assert [tools[name]["state"] for name in tools] == ["ready"] * 3
    assert tools["consul"]["wanted"] == "1.21.5"
    assert tools["consul"]["size"] == Path(tools["consul"]["path"]).stat().st_size
    assert "consul 1.21.5 ready, from release" in captured.err


def test_wrong_pin_of_the_inventory_is_a_failure(
    home: Path, tmp_path: Path, site: VendorSite, capsys: pytest.CaptureFixture[str]
) -> None:
    published = site.publish("consul", "1.21.5")
    site.publish("nomad")
    site.publish("consul-template")
    file = tmp_path / "cluster.yaml"
    file.write_text(INVENTORY.format(mirror=site.address, pin="d" * 64))

    assert bob(["toolchain", "ensure", "-f", str(file)]) == 1
    message = capsys.readouterr().err
    assert published in message
    assert "d" * 64 in message


def test_text_view_never_cuts_the_path(
    home: Path, own_binaries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bob(["toolchain", "status", "--path", str(own_binaries)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(str(own_binaries / "consul"))
    assert "missing" in lines[2]


@pytest.mark.parametrize(
    "arguments",
    [["--path", "/nonexistent"], ["--mirror", "nowhere"], ["-f", "/nonexistent.yaml"]],
)
def test_wrong_arguments_are_usage_errors(home: Path, arguments: list[str]) -> None:
    assert bob(["toolchain", "ensure", *arguments]) == 2


def test_display_speaks_in_lines_without_a_terminal() -> None:
    text = io.StringIO()
    with Display(Console(file=text)) as display:
        display.stage("nomad", "building [it]")
        display.advance("nomad", 7, None, "packages")
        display.finished("nomad", "1.11.3 ready")
    assert text.getvalue().splitlines() == ["nomad building [it]", "nomad 1.11.3 ready"]


def test_display_draws_on_a_terminal() -> None:
    text = io.StringIO()
    with Display(Console(file=text, force_terminal=True, width=100, highlight=False)) as display:
        display.stage("nomad", "downloading")
        display.advance("nomad", 500_000, 1_000_000, "bytes")
        display._bars.refresh()
        assert "500.0 kB" in text.getvalue()
        display.finished("nomad", "1.11.3 ready")
    assert "downloading" in text.getvalue()
    assert "1.11.3 ready" in text.getvalue()
