"""The script that makes a host bare: it is a script, and it stays away from others' hosts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bob.provision import wiping
from bob.provision.wiping import OF_ANOTHER_CLUSTER, wipe_script


@pytest.mark.parametrize("leave", [True, False])
def test_it_is_a_script_with_every_value_filled_in(leave: bool) -> None:
    script = wipe_script("c1 01ABC", leave=leave)
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert "'c1 01ABC'" in script
    assert ("kill -INT" in script) is leave


@pytest.mark.parametrize(
    ("held", "code", "said"),
    [
        (None, 0, "bare"),
        ("", 0, "bare"),
        ("c2 01XYZ\n", OF_ANOTHER_CLUSTER, "belongs to cluster c2"),
        ("c1 01OLD\n", OF_ANOTHER_CLUSTER, "belongs to cluster c1"),  # of the same name
    ],
)
def test_only_a_host_of_the_cluster_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str | None, code: int, said: str
) -> None:
    claim_file = tmp_path / "cluster"
    if held is not None:
        claim_file.write_text(held)
    monkeypatch.setattr(wiping, "CLAIM_FILE", str(claim_file))
    # Whatever went on after the look at the claim would be seen as another exit code.
    script = wipe_script("c1 01ABC").replace("\nunits=$", "\nexit 99\nunits=$")
    result = subprocess.run(["sh"], input=script, text=True, capture_output=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (code, said)
