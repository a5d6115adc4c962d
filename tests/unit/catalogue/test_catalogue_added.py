"""An operator's own folder of services."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.catalogue import Catalogue
from bob.catalogue.added import LARGEST_BYTES, texts, with_folder
from bob.errors import Permanent, UsageError

WEB = """\
title: A page of ours
driver: raw_exec
count: 1
ports: {http: dynamic}
check: {port: http, path: /}
"""


def put(folder: Path, name: str, file: str, content: bytes) -> None:
    path = folder / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "web", "service.yaml", WEB.encode())
    put(tmp_path, "web", "job.nomad.hcl.j2", b'job "web" {}')
    put(tmp_path, "web", "templates/web.conf", b"size = 1")
    put(tmp_path, "web", "image/logo", b"\xff\xfe")
    return tmp_path


def test_its_services_are_beside_those_of_bob(folder: Path) -> None:
    both = with_folder(Catalogue(), folder)
    assert set(both.names()) == {*Catalogue().names(), "web"}
    assert both.service("web").title == "A page of ours"
    assert both.files("web", "image") == {"logo": b"\xff\xfe"}


def test_what_goes_to_the_robot_is_text_and_not_the_image(folder: Path) -> None:
    found = texts(folder, "web")
    assert sorted(found) == ["web/job.nomad.hcl.j2", "web/service.yaml", "web/templates/web.conf"]
    stored = Catalogue().extended(found)
    assert stored.service("web") == with_folder(Catalogue(), folder).service("web")


def test_a_folder_that_is_none_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        with_folder(Catalogue(), tmp_path / "nix")
    with pytest.raises(UsageError, match="holds no service"):
        with_folder(Catalogue(), tmp_path)


def test_a_port_of_bobs_own_services_is_refused(folder: Path) -> None:
    put(folder, "web", "service.yaml", WEB.replace("dynamic", "3306").encode())
    with pytest.raises(Permanent, match=r"web/service.yaml:4: .*port 3306 belongs to mariadb"):
        with_folder(Catalogue(), folder)


def test_a_name_of_bobs_own_is_refused(folder: Path) -> None:
    put(folder, "haproxy", "service.yaml", WEB.encode())
    with pytest.raises(UsageError, match="haproxy is a service of Bob's own"):
        with_folder(Catalogue(), folder)


def test_every_mistake_in_the_folder_is_told_with_file_and_line(folder: Path) -> None:
    put(folder, "web", "service.yaml", WEB.encode() + b"colour: red\nsize: 3\n")
    put(folder, "worse", "service.yaml", b"\xff\xfe")
    with pytest.raises(Permanent) as caught:
        with_folder(Catalogue(), folder)
    for line in ("web/service.yaml:6: colour", "web/service.yaml:7: size", "worse/service.yaml:1:"):
        assert f"{folder}/{line}" in caught.value.message


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("a file", b"x", "cannot be a key"),
        ("notes", b"\xff\xfe", "no readable text"),
        ("notes", b"x" * LARGEST_BYTES, "bytes of text"),
    ],
)
def test_a_file_that_cannot_travel_is_refused(
    folder: Path, file: str, content: bytes, words: str
) -> None:
    put(folder, "web", file, content)
    with pytest.raises(UsageError, match=words):
        texts(folder, "web")
