"""A backup that is put back, also after tokens were rotated."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from end_state import consul, nomad
from harness import LONG, Lab
from upkeep_site import (
    DEADLINE,
    known,
    pids,
    rested,
)

from bob.waiting import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

USAGE, GUARD = 2, 6
PASSPHRASE = "correct horse battery"


def test_a_backup_brings_back_what_was_deleted_and_keeps_what_was_rotated(
    three: Lab, tmp_path: Path
) -> None:
    file, good, wrong = tmp_path / "c.backup", tmp_path / "good", tmp_path / "wrong"
    good.write_text(PASSPHRASE + "\n")
    wrong.write_text("another passphrase\n")
    with_good = (str(file), "--passphrase-file", str(good))
    consul(three).kv.put("test/kept", "yes")
    three.bob("backup", *with_good)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert not any(word.encode() in content for word in (*values(three), "sleeper", "test/kept"))
    assert "exists" in three.bob("backup", *with_good, code=USAGE).stderr

    consul(three).kv.delete("test/kept")
    nomad(three).http.request("DELETE", "/v1/job/sleeper", params={"purge": "true"})
    three.bob("rotate", "tokens", "--yes")
    refused = three.bob("restore", str(file), "--passphrase-file", str(wrong), "--yes", code=USAGE)
    assert "another passphrase" in refused.stderr
    refused = three.bob("restore", *with_good, "--yes", code=GUARD)
    assert "--accept data-loss" in refused.stderr
    identity = three.folder / "cluster-id"
    own = identity.read_text()
    identity.write_text("01ANOTHERCLUSTERALTOGETHER\n")
    refused = three.bob("restore", *with_good, "--yes", "--accept", "data-loss", code=USAGE)
    assert "another cluster" in refused.stderr
    identity.write_text(own)
    assert consul(three).kv.get("test/kept") is None

    three.bob("restore", *with_good, "--yes", "--accept", "data-loss")
    kept = consul(three).kv.get("test/kept")
    assert kept is not None
    assert kept.value == b"yes"
    wait_for(lambda: len(pids(three)) == 3, what="the job runs", deadline=DEADLINE, interval=1)
    wait_for(lambda: rested(three), what="healthy", deadline=DEADLINE, interval=1)
    three.bob("maintain", "n3", "--yes")
    three.bob("maintain", "n3", "--off", "--yes")

    fresh = three.environment | {"BOB_STATE": str(tmp_path / "fresh")}
    for words in (("restore", *with_good), ("status",)):
        ran = subprocess.run(
            three.command(*words), env=fresh, capture_output=True, text=True, timeout=LONG
        )
        assert ran.returncode in (0, 9), ran.stderr
    assert three.sandbox.name in ran.stdout
    made = tmp_path / "fresh" / "clusters" / three.sandbox.name / "secrets.json"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def values(lab: Lab) -> list[str]:
    secrets = known(lab)
    found = (secrets.nomad_management, secrets.operator, secrets.nomad_gossip)
    return [each.get_secret_value() for each in found]
