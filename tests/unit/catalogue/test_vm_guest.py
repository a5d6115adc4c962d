"""The tiny guest of the service vm is what its source says, and a BIOS would start it."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from bob.catalogue import Catalogue, Settings, render

FOLDER = Path(__file__).parents[3] / "jobs" / "vm"


def guest() -> bytes:
    return base64.b64decode((FOLDER / "guest.b64").read_text())


def test_it_is_the_assembled_source(tmp_path: Path) -> None:
    made, linked = tmp_path / "guest.o", tmp_path / "guest"
    subprocess.run(["as", FOLDER / "guest.s", "-o", made], check=True)
    link = ["ld", "-Ttext", "0x7c00", "--oformat", "binary", made, "-o", linked]
    subprocess.run(link, check=True)
    assert linked.read_bytes() == guest()


def test_it_is_one_sector_that_a_bios_takes() -> None:
    assert len(guest()) == 512
    assert guest().endswith(b"\x55\xaa")


def test_the_job_brings_it_along_unless_another_disk_is_named() -> None:
    catalogue = Catalogue()
    service = catalogue.service("vm").model_copy(update={"count": 1})
    encoded = base64.b64encode(guest()).decode()
    own = render(catalogue, service)
    assert encoded in own
    assert "artifact" not in own
    other = render(catalogue, service, settings=Settings(1, {"disk_url": "http://x/disk"}))
    assert encoded not in other
    assert 'source      = "http://x/disk"' in other
