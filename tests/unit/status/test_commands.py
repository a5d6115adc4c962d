"""`bob status`, `bob ui` and `bob shellenv` on a cluster whose servers do not answer."""

from __future__ import annotations

import json
import stat
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from bob.__main__ import run
from bob.context import Context
from bob.provision.secrets import Secrets, load_or_create
from inventory import Cluster, Network, NetworkName, Node

SERVERS = ("n1", "n2", "n3")


def make_cluster(name: str) -> Cluster:
    """Four nodes on loopback addresses where nobody listens."""
    return Cluster(
        name=name,
        networks={NetworkName.MGMT: Network(cidr=IPv4Network("127.77.0.0/24"))},
        nodes=tuple(
            Node(
                name=f"n{number}",
                zone=f"rack{number}",
                addresses={NetworkName.MGMT: IPv4Address(f"127.77.0.{number}")},
            )
            for number in (1, 2, 3, 4)
        ),
    )


def initialise(name: str) -> tuple[Context, Secrets]:
    """What `bob init` leaves behind on the operator's machine."""
    cluster = make_cluster(name)
    context = Context.of(cluster, SERVERS)
    context.save()
    for ca_file in (context.consul_ca_file, context.nomad_ca_file):
        ca_file.parent.mkdir(exist_ok=True)
        ca_file.write_bytes(b"")
    return context, load_or_create(context.folder / "secrets.json", cluster)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BOB_CLUSTER", raising=False)
    return tmp_path / "state"


@pytest.mark.parametrize("command", ["status", "ui", "shellenv"])
def test_without_a_cluster_the_way_to_one_is_named(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "no cluster is known here" in said.err
    assert "bob init -f cluster.yaml" in said.err


def test_a_context_survives_the_file(state: Path) -> None:
    context, _ = initialise("c1")
    assert Context.load() == context
    assert [node.name for node in context.servers] == list(SERVERS)
    assert context.networks == (NetworkName.MGMT,)
    assert context.datacenters[NetworkName.MGMT] == "c1-mgmt"
    assert context.consul_url(context.nodes[0]) == "https://127.77.0.1:8501"
    assert context.nomad_url(context.nodes[1]) == "https://127.77.0.2:4646"
    assert stat.S_IMODE((state / "clusters/c1/context.json").stat().st_mode) == 0o600


def test_the_cluster_initialised_last_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    initialise("c1")
    initialise("c2")
    assert Context.load().cluster == "c2"
    assert Context.load("c1").cluster == "c1"


@pytest.mark.parametrize("how", ["option", "environment"])
def test_another_cluster_can_be_chosen(
    how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise("c1")
    initialise("c2")
    if how == "environment":
        monkeypatch.setenv("BOB_CLUSTER", "c1")
    assert run(["ui", "-o", "json", *(["--cluster", "c1"] if how == "option" else [])]) == 0
    assert json.loads(capsys.readouterr().out)["cluster"] == "c1"


def test_an_unknown_cluster_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    initialise("c1")
    assert run(["ui", "--cluster", "c9"]) == 2
    assert "cluster 'c9' is not known here" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", '{"schema": "bob/context/1"}'])
def test_a_damaged_context_is_named(
    content: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    initialise("c1")
    (state / "clusters/c1/context.json").write_text(content)
    assert run(["ui"]) == 2
    assert "context.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "found"), [('{"schema": "bob/context/2", "new": 1}', "'bob/context/2'"), ("[]", "")]
)
def test_a_context_of_another_version_is_not_misread(
    content: str, found: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    initialise("c1")
    (state / "clusters/c1/context.json").write_text(content)
    assert run(["ui"]) == 2
    assert f"has the format {found}" in capsys.readouterr().err


def test_status_of_a_silent_cluster_is_degraded_not_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    initialise("c1")
    assert run(["status", "-o", "json"]) == 9
    said = capsys.readouterr()
    view = json.loads(said.out)
    assert view["healthy"] is False
    assert [node["networks"] for node in view["nodes"]] == [{"mgmt": "unknown"}] * 4
    assert [node["nomad"] for node in view["nodes"]] == ["unknown"] * 4
    assert any("Consul mgmt: no server answers" in reason for reason in view["reasons"])
    assert "is degraded" in said.err


def test_status_as_text_shows_every_node_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    initialise("c1")
    assert run(["status"]) == 9
    text = capsys.readouterr().out
    assert "Cluster c1: degraded" in text
    for word in ("n1", "n4", "rack4", "MGMT", "server", "client", "no server answers"):
        assert word in text


def test_status_without_secrets_says_what_is_missing(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    initialise("c1")
    (state / "clusters/c1/secrets.json").unlink()
    assert run(["status"]) == 1
    assert "there is no" in capsys.readouterr().err


def test_ui_names_addresses_and_authorities_but_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context, secrets = initialise("c1")
    assert run(["ui"]) == 0
    text = capsys.readouterr().out
    for server in (1, 2, 3):
        assert f"https://127.77.0.{server}:8501/ui/" in text
        assert f"https://127.77.0.{server}:4646/ui/" in text
    assert "127.77.0.4" not in text
    assert str(context.consul_ca_file) in text
    assert "bob ui --token consul" in text
    for secret in (secrets.operator, secrets.nomad_management):
        assert secret.get_secret_value() not in text


@pytest.mark.parametrize("product", ["consul", "nomad"])
def test_ui_prints_the_token_alone_when_asked(
    product: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, secrets = initialise("c1")
    assert run(["ui", "--token", product]) == 0
    token = secrets.operator if product == "consul" else secrets.nomad_management
    assert capsys.readouterr().out == token.get_secret_value() + "\n"


def test_shellenv_is_read_by_a_shell(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context, secrets = initialise("c1")
    assert run(["shellenv"]) == 0
    said = capsys.readouterr()
    assert "warning" in said.err  # no server answers
    script = said.out + "env\n"
    shell = subprocess.run(
        ["/bin/sh", "-euc", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
    assert found["CONSUL_HTTP_ADDR"] == "https://127.77.0.1:8501"
    assert found["CONSUL_CACERT"] == str(context.consul_ca_file)
    assert found["NOMAD_ADDR"] == "https://127.77.0.1:4646"
    assert found["NOMAD_CACERT"] == str(context.nomad_ca_file)
    assert found["NOMAD_TOKEN"] == secrets.nomad_management.get_secret_value()
    assert "CONSUL_HTTP_TOKEN" not in found
    token_file = Path(found["CONSUL_HTTP_TOKEN_FILE"])
    assert token_file.read_text() == secrets.operator.get_secret_value()
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600


def test_shellenv_quotes_what_a_shell_would_interpret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOB_STATE", str(tmp_path / "it's $HOME; x"))
    context, _ = initialise("c1")
    assert run(["shellenv"]) == 0
    script = capsys.readouterr().out + 'printf %s "$CONSUL_CACERT"'
    shell = subprocess.run(
        ["/bin/sh", "-euc", script], env={"PATH": "/usr/bin"}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert shell.stdout == str(context.consul_ca_file)
