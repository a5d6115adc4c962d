"""What users get: the command, the example, the schema."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from bob.__main__ import run
from bob.commands._inventory import load_cluster
from bob.errors import UsageError
from inventory import model, schema
from tests.unit.inventory.files import GOOD, warnings

ROOT = Path(__file__).parents[3]


def test_published_schema_is_that_of_the_models():
    published = (ROOT / "docs/cluster.schema.json").read_text()
    assert published == schema.text(), "run: bob inventory schema > docs/cluster.schema.json"


def test_schema_has_the_keys_of_the_file():
    made = schema.json_schema()
    assert "cluster" in made["properties"]
    assert "name" not in made["properties"]
    assert made["properties"]["networks"]["required"] == ["mgmt"]
    assert made["$defs"]["Bmc"]["additionalProperties"] is False
    assert '"null"' not in schema.text()


def test_example_passes_and_names_every_key(write, capsys):
    assert run(["inventory", "example"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# yaml-language-server: $schema=")
    assert warnings(write(text)) == []
    for part in (model.Cluster, model.Ssh, model.Toolchain, model.Versions, model.Node, model.Bmc):
        for name, field in part.model_fields.items():
            if name != "password":
                assert f"{field.alias or name}:" in text


def test_example_with_its_commented_keys_is_valid_too(write, capsys):
    run(["inventory", "example"])
    lines = capsys.readouterr().out.splitlines()
    optional = (
        "servers", "five_", "versions", "toolchain", "registry", "  mirror", "  path", "  sha256",
    )  # fmt: skip
    text = "\n".join(
        line[2:] if line.startswith(tuple(f"# {word}" for word in optional)) else line
        for line in lines
    )
    text = text.replace("#     consul:", "    consul:").replace("  # key:", "  key:")
    assert set(yaml.safe_load(text)) >= {"servers", "versions", "toolchain", "five_servers_from"}
    keys = {key for _, key, _ in warnings(write(text))}
    assert keys == {"ssh.key", "toolchain.path"}  # only that these files are not here


def test_example_travels_in_the_wheel():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert "inventory" in wheel["targets"]["wheel"]["packages"]
    assert (ROOT / "inventory/example.yaml").is_file()


def test_schema_command_prints_the_schema(capsys):
    assert run(["inventory", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.json_schema()


def test_check_of_a_good_file(write, capsys):
    assert run(["inventory", "check", "-f", str(write(GOOD))]) == 0
    out, err = capsys.readouterr()
    assert "servers   n1 (zone a), n2 (zone b), n3 (zone c)" in out
    assert err == ""


def test_check_lists_every_violation_and_exits_2(changed, capsys):
    file = changed(("cluster: c1", "cluster: C1"), ("name: n3", "name: n1"))
    assert run(["inventory", "check", "-f", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{file}:1: cluster: 'C1' is not a DNS label" in err
    assert f"{file}:15: nodes[2].name: the name n1 is used twice (first in line 8)" in err


def test_check_as_json(changed, capsys):
    file = changed(("password_env: SECRET", "password: geheim"))
    assert run(["inventory", "check", "-f", str(file), "-o", "json"]) == 0
    out, err = capsys.readouterr()
    view = json.loads(out)
    assert (view["schema"], view["valid"]) == ("bob/inventory-check/1", True)
    assert view["cluster"]["servers"] == ["n1", "n2", "n3"]
    assert [warning["key"] for warning in view["warnings"]] == ["nodes[0].bmc.password"]
    assert f"warning: {file}:11: nodes[0].bmc.password:" in err
    assert "geheim" not in out + err


def test_check_of_a_bad_file_as_json(changed, capsys):
    file = changed(("servers: 3", "servers: 4"))
    assert run(["inventory", "check", "-f", str(file), "-o", "json"]) == 2
    view = json.loads(capsys.readouterr().out)
    assert (view["valid"], view["cluster"]) == (False, None)
    assert view["violations"] == [
        {"file": str(file), "line": 6, "key": "servers", "message": "must be 1, 3 or 5"}
    ]


def test_commands_refuse_a_bad_inventory_as_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="No such file") as caught:
        load_cluster(tmp_path / "none.yaml")
    assert caught.value.exit_code == 2
