"""Other programs, node by node, while a job runs on every host."""

from __future__ import annotations

import json
import os
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from end_state import consul, nomad
from harness import Lab
from leaders import WITHOUT_LEADER, repeated, watched
from upkeep_site import DEADLINE, NODES, newest, pids, rested

from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Request
from bob.ops.sense import sense
from bob.ops.submit import submit
from bob.provision import agents
from bob.provision.install import STORE
from bob.toolchain import ensure
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

FAILURE, USAGE, GUARD = 1, 2, 6
BROKEN = (
    '#!/bin/sh\ncase "$*" in *version*) echo "Nomad v{version}";; *) echo oh dear; exit 7;; esac\n'
)


def test_an_upgrade_that_does_not_start_is_taken_back_and_a_good_one_goes_on(
    three: Lab, tmp_path: Path
) -> None:
    was = links(three)
    broken, good = toolchain(tmp_path / "broken"), toolchain(tmp_path / "good")
    version = nomad_version(three)
    (broken / "nomad").write_text(BROKEN.format(version=version))
    three.bob("upgrade", "-f", inventory(three, broken), "--yes", code=FAILURE)
    failed = newest(three, "upgrade")
    assert failed.step("upgrade-nomad").state == "failed"
    assert "oh dear" in failed.step("upgrade-nomad").error
    assert "former version runs again" in three.bob("op", "show", failed.id).stdout
    assert links(three) == was
    three.bob("op", "abort", failed.id, "--yes")
    wait_for(lambda: rested(three), what="healthy", deadline=DEADLINE, interval=1)

    with (good / "nomad").open("ab") as program:
        program.write(b"\n")
    were = pids(three)
    with watched(three) as gaps, watched_restarts(three) as missing:
        three.bob("upgrade", "-f", inventory(three, good), "--yes")
    now = links(three)
    assert len(set(now.values())) == 1
    assert not set(now.values()) & set(was.values())
    for node in NODES:
        assert STORE in three.on(
            node, "readlink /proc/$(systemctl show -p MainPID --value nomad)/exe"
        )
        running = three.on(node, "readlink /proc/$(systemctl show -p MainPID --value nomad)/exe")
        assert running.strip() == now[node]
    assert max(gaps) < WITHOUT_LEADER
    assert max(missing) <= 1
    assert pids(three) == were


def test_versions_that_do_not_follow_are_refused_before_anything_travels(three: Lab) -> None:
    was, path = links(three), three.inventory.with_name("versions.yaml")
    for version, code, word in (("1.10.0", USAGE, "cannot go back"),
                                ("1.14.0", GUARD, "--accept version-skew")):  # fmt: skip
        path.write_text(f"versions: {{nomad: {version}}}\n{three.inventory.read_text()}")
        assert word in three.bob("upgrade", "-f", str(path), "--yes", code=code).stderr
    assert links(three) == was


def test_a_bob_that_does_not_start_is_taken_back_too(three: Lab) -> None:
    was = {node: three.on(node, f"readlink {agents.BIN_DIR}/bob-agent") for node in NODES}
    place = f"{STORE}/bob-broken/bob-agent"
    for node in NODES:
        three.on(node, f"mkdir -p {STORE}/bob-broken; printf '#!/bin/sh\nexit 7\n' >{place}; "
                       f"chmod 755 {place}")  # fmt: skip
    view = sense({net: consul(three, net) for net in NetworkName}, nomad(three))
    request = Request("upgrade", three.sandbox.name, {"programs": {"bob-agent": place}})
    made = submit(ConsulStore(consul(three)), request, view).operation
    wait_for(lambda: newest(three, "upgrade").state.value == "failed", what="it is given up",
             deadline=DEADLINE, interval=1)  # fmt: skip
    assert newest(three, "upgrade").id == made.id
    assert "the former version runs again" in newest(three, "upgrade").step("upgrade-bob").error
    assert {node: three.on(node, f"readlink {agents.BIN_DIR}/bob-agent") for node in NODES} == was
    three.bob("op", "abort", made.id, "--yes")


def links(lab: Lab) -> dict[str, str]:
    return {node: lab.on(node, f"readlink {agents.BIN_DIR}/nomad").strip() for node in NODES}


def toolchain(folder: Path) -> Path:
    """A folder with copies of the programs as they are."""
    folder.mkdir()
    for tool in ensure():
        shutil.copy(tool.path, folder / tool.name)
    return folder


def nomad_version(lab: Lab) -> str:
    agent: dict[str, Any] = nomad(lab).http.request("GET", "/v1/agent/self").json()
    return str(agent["config"]["Version"]["Version"])


def inventory(lab: Lab, programs: Path) -> str:
    """The inventory with another place to take programs from."""
    path = lab.inventory.with_name("upgrade.yaml")
    path.write_text(f"toolchain: {{path: {json.dumps(os.fspath(programs))}}}\n"
                    f"{lab.inventory.read_text()}")  # fmt: skip
    return str(path)


@contextmanager
def watched_restarts(lab: Lab) -> Iterator[list[int]]:
    """How many servers did not answer at the same time, look by look."""
    port = agents.NOMAD_HTTP_PORT
    missing = [0]

    def answers(address: str) -> bool:
        try:
            ssl.get_server_certificate((address, port), timeout=10)
        except OSError:
            return False
        return True

    def look() -> None:
        addresses = [str(node.addresses["mgmt"]) for node in lab.sandbox.nodes]
        missing.append(sum(not answers(address) for address in addresses))

    with repeated(look):
        yield missing
