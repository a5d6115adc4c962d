"""One folder, several daemons: the launcher starts bob-agent, or the part that it is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bob.toolchain.bundle import archive

TELL = "import sys; print(__package__, sys.argv[1:])"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--config", "x"], "bob.agent ['--config', 'x']"),
        (["--part", "healthcheck", "--config", "x"], "healthcheck ['--config', 'x']"),
    ],
)
def test_the_named_part_gets_the_other_words(tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "__main__.py").write_bytes(archive.MAIN)
    for package in ("bob", "bob/agent", "healthcheck"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "__main__.py").write_text(TELL)
    argv = [sys.executable, "-I", "-S", str(tmp_path), *words]
    assert subprocess.check_output(argv, text=True, timeout=60).strip() == told
