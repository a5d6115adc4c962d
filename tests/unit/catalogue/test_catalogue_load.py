"""Reading service.yaml: what is there, in which order, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.catalogue import Catalogue
from bob.errors import Permanent, UsageError

GOOD = """\
title: Something
driver: raw_exec
count: 1
ports: {http: 80}
check: {port: http, path: /}
"""


def put(root: Path, name: str, text: str) -> None:
    (root / name).mkdir()
    (root / name / "service.yaml").write_text(text)


@pytest.mark.parametrize("name", Catalogue().names())
def test_every_service_of_the_catalogue_can_be_loaded(name: str) -> None:
    catalogue = Catalogue()
    assert catalogue.in_order(name)[-1].name == name
    assert f"`{name}`" in catalogue.text(".", "README.md")


def test_a_dependency_comes_first() -> None:
    assert [service.name for service in Catalogue().in_order("demo")] == ["haproxy", "demo"]


def test_a_shared_dependency_comes_once(tmp_path: Path) -> None:
    put(tmp_path, "base", GOOD)
    put(tmp_path, "left", GOOD + "depends: [base]\n")
    put(tmp_path, "right", GOOD + "depends: [base]\n")
    put(tmp_path, "top", GOOD + "depends: [left, right]\n")
    order = [service.name for service in Catalogue(tmp_path).in_order("top")]
    assert sorted(order) == ["base", "left", "right", "top"]
    assert order[0] == "base"
    assert order[-1] == "top"


def test_an_unknown_service_is_a_usage_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        Catalogue().service("nix")
    assert "nix" in caught.value.message
    assert caught.value.cure == "There are: demo, haproxy."


def test_a_folder_without_service_yaml_is_no_service(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    put(tmp_path, "base", GOOD)
    assert Catalogue(tmp_path).names() == ("base",)


def test_the_folder_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "base", GOOD)
    catalogue = Catalogue(tmp_path)
    assert catalogue.names() == ("base",)
    put(tmp_path, "later", GOOD)
    assert catalogue.names() == ("base",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "colour: red\n", 6, "colour: unknown key"),
        (GOOD + "count: 2\n", 6, "given twice"),
        (GOOD.replace("count: 1", "count: many"), 3, "count: "),
        (GOOD.replace("count: 1", "count: 0"), 3, "count: "),
        (GOOD.replace("count: 1\n", ""), 1, "Field required"),
        (GOOD.replace("http: 80", "http: 70000"), 4, "ports.http"),
        (GOOD.replace("raw_exec", "java"), 2, "driver: "),
        (GOOD.replace("port: http", "port: https"), 1, "check.port 'https'"),
        (GOOD.replace("path: /", "path: up"), 5, "check.path: "),
        (GOOD.replace("raw_exec", "docker"), 1, "an image is needed"),
        (GOOD + "image: thing\n", 1, "an image is needed"),
        (GOOD + "routed_by: haproxy\n", 1, "must be one of depends"),
        (GOOD + "parameters: {size: {type: integer, default: big}}\n", 6, "not of the type"),
        (GOOD + "parameters: {size: {type: integer, default: true}}\n", 6, "not of the type"),
        ("- a list\n", 1, "must hold keys"),
        ("", 1, "empty"),
        ("title: [\n", 2, "not valid YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    put(tmp_path, "wrong", text)
    with pytest.raises(Permanent) as caught:
        Catalogue(tmp_path).service("wrong")
    assert f"wrong/service.yaml:{line}: " in caught.value.message
    assert words in caught.value.message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    put(tmp_path, "wrong", GOOD.replace("count: 1", "count: x") + "colour: red\n")
    with pytest.raises(Permanent) as caught:
        Catalogue(tmp_path).service("wrong")
    assert ":3: count" in caught.value.message
    assert ":6: colour" in caught.value.message


def test_a_circle_is_named(tmp_path: Path) -> None:
    put(tmp_path, "egg", GOOD + "depends: [hen]\n")
    put(tmp_path, "hen", GOOD + "depends: [egg]\n")
    with pytest.raises(Permanent, match=r"egg -> hen -> egg|hen -> egg -> hen"):
        Catalogue(tmp_path).in_order("hen")


def test_a_dependency_that_does_not_exist_is_named(tmp_path: Path) -> None:
    put(tmp_path, "egg", GOOD + "depends: [hen]\n")
    with pytest.raises(UsageError, match="hen"):
        Catalogue(tmp_path).in_order("egg")


def test_a_service_may_need_several_instances_but_not_more_than_it_has(tmp_path: Path) -> None:
    put(tmp_path, "three", GOOD.replace("count: 1", "count: 3") + "minimum: 3\n")
    put(tmp_path, "one", GOOD + "minimum: 2\n")
    assert Catalogue(tmp_path).service("three").minimum == 3
    with pytest.raises(Permanent, match="minimum 2 is above count 1"):
        Catalogue(tmp_path).service("one")
