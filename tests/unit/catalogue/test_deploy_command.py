"""`bob deploy` before it talks to any cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.__main__ import run


def test_an_unknown_service_is_exit_2_with_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    assert run(["deploy", "nix"]) == 2
    assert "There are: barbican, cinder, demo" in capsys.readouterr().err


def test_no_cluster_is_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    assert run(["deploy", "demo"]) == 2
    assert "bob init" in capsys.readouterr().err


@pytest.mark.parametrize("image", ["keystone", "=x", "keystone=", "keystone=a b"])
def test_an_image_that_is_none_is_exit_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    image: str,
) -> None:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    assert run(["deploy", "demo", "--image", image]) == 2
    assert "Use SERVICE=REGISTRY/NAME:TAG" in capsys.readouterr().err
