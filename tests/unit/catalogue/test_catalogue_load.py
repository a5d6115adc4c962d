"""Reading service.yaml: what is there, in which order, and every mistake with its line."""

from __future__ import annotations

from importlib import resources
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
ROUTED = GOOD + "depends: [a]\nrouted_by: a\n"


def put(root: Path, name: str, text: str) -> None:
    (root / name).mkdir()
    (root / name / "service.yaml").write_text(text)


@pytest.mark.parametrize("name", Catalogue().names())
def test_every_service_of_the_catalogue_can_be_loaded(name: str) -> None:
    catalogue = Catalogue()
    assert catalogue.in_order(name)[-1].name == name
    assert f"`{name}`" in (resources.files("jobs") / "README.md").read_text()


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


def test_an_unknown_service_is_a_usage_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    put(tmp_path, "base", GOOD)
    put(tmp_path, "other", GOOD)
    with pytest.raises(UsageError) as caught:
        Catalogue(tmp_path).service("nix")
    assert "nix" in caught.value.message
    assert caught.value.cure == "There are: base, other."


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
        (GOOD.replace("count: 1", "count: {per_node: 2}"), 3, "per_node is 1"),
        (GOOD.replace("count: 1", "count: {}"), 3, "say either per_node or by_size"),
        (GOOD.replace("count: 1", "count: {by_size: {'3': 1}}"), 3, "say what 1 node gets"),
        (GOOD.replace("count: 1", "count: {by_size: {'1': 3, '9': 2}}"), 3, "get fewer instances"),
        (GOOD.replace("count: 1", "count: {by_size: {'1': x}}"), 3, "count.by_size.1: "),
        (GOOD.replace("count: 1", "count: {by_sze: {'1': 1}}"), 3, "count.by_sze: unknown key"),
        (GOOD + "name: other\n", 6, "the folder is the name"),
        (GOOD + "parameters: {SIZE: {type: integer, default: 1}}\n", 6, "parameters.SIZE: "),
        (GOOD + "parameters: {size: {type: integer, default: 1, unti: s}}\n", 6, "unknown key"),
        (GOOD + "parameters: {size: {type: integer}}\n", 6, "default is missing"),
        (
            GOOD + "parameters:\n  size: {type: integer, default: 9, maximum: 8, unit: MiB}\n",
            7,
            "the default 9 is above the maximum 8 MiB",
        ),
        (GOOD + "parameters: {a: {type: number, default: 1, minimum: 2}}\n", 6, "below the mini"),
        (
            GOOD + "parameters: {a: {type: number, default: 1, minimum: 2, maximum: 1}}\n",
            6,
            "minimum 2 is above maximum 1",
        ),
        (GOOD + "parameters: {a: {type: text, default: x, minimum: 2}}\n", 6, "has no minimum"),
        (GOOD + "parameters: {a: {type: text, default: x, choices: [y]}}\n", 6, "not one of y"),
        (GOOD + "parameters: {a: {type: text, default: x, pattern: '('}}\n", 6, "regular expr"),
        (GOOD + "parameters: {a: {type: text, default: x, pattern: 'y+'}}\n", 6, "not match y+"),
        (GOOD + "parameters: {a: {type: integer, default: 1, choices: ['1']}}\n", 6, "only a text"),
        (GOOD + "parameters: {a: {type: text, secret: true, default: x}}\n", 6, "has no default"),
        (GOOD + "parameters: {a: {type: integer, secret: true}}\n", 6, "a secret is a text"),
        (GOOD + "parameters: {a: {type: text, secret: true, live: true}}\n", 6, "not live"),
        (GOOD + "parameters: {a: {type: text, default: x, generate: uuid}}\n", 6, "for secrets"),
        (GOOD.replace("ports: {http: 80}", "ports: {}"), 1, "check.port 'http' is not one of"),
        (GOOD.replace("check: {port: http, path: /}\n", ""), 1, "has ports and no check"),
        (GOOD.replace("path: /", "path: /, command: [x]"), 5, "a path or a command, not both"),
        (GOOD.replace("{port: http, path: /}", "{path: /}"), 5, "names no port"),
        (GOOD + "colocation: [other]\n", 1, "colocation other must be among depends"),
        (GOOD + "affinity: [a]\nanti_affinity: [a]\n", 1, "cannot be sought and avoided"),
        (GOOD + "update: {order: canary}\n", 1, "a canary cannot share port 80"),
        (GOOD + "update: {parallel: 0}\n", 6, "update.parallel"),
        (GOOD + "update: {order: random}\n", 6, "update.order"),
        (GOOD + "config_update: never\n", 6, "config_update"),
        (GOOD + "templates: ['../x']\n", 6, "templates[0]"),
        (GOOD + "consul_rules: 'x'\n", 1, "consul_token go together"),
        (GOOD + "pull: thing\n", 1, "an image is needed"),
        (
            "title: x\ndriver: exec\ncount: 1\ndepends: [a]\nrouted_by: a\n",
            1,
            "routed_by and door need a port",
        ),
        (GOOD + "door: {by: a, port: 90, mode: tcp}\n", 1, "door.by 'a' must be one of depends"),
        (ROUTED + "door: {by: a, port: 90, mode: tcp}\n", 1, "what is not HTTP has no path"),
        (
            GOOD + "depends: [a]\ndoor: {by: a, port: 90}\n",
            1,
            "a door for HTTP needs routed_by: a",
        ),
        (GOOD + "door: {by: a, port: 90, mode: tcp, check: /}\n", 6, "a path to check is for http"),
        (GOOD + "door: {by: a, port: 0}\n", 6, "door.port: "),
        (GOOD + "door: {by: a, port: 90, mode: udp}\n", 6, "door.mode: "),
        (
            GOOD.replace("http: 80", "http: dynamic") + "stays: true\nupdate: {order: canary}\n",
            1,
            "a canary cannot share the data",
        ),
        (GOOD.replace("http: 80", "'my port': 80"), 4, "ports.my port: "),
        (GOOD.replace("http: 80", "http: '80'"), 4, "ports.http"),
        (GOOD + "check_interval: 1\n", 6, "check_interval: unknown key"),
        (GOOD.replace("path: /", "path: /, interval: 0"), 5, "check.interval: "),
        (GOOD + "depends: [Upper]\n", 6, "depends[0]: "),
        (GOOD + "packages: [{program: x}]\n", 6, "packages[0]"),
        (GOOD + "parameters: {a: {type: size, default: 1}}\n", 6, "parameters.a.type: "),
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


STATIC = GOOD.replace("http: 80", "http: 81")
BEHIND = STATIC + "depends: [base]\n"


def test_the_whole_catalogue_is_checked_and_every_mistake_told(tmp_path: Path) -> None:
    put(tmp_path, "one", GOOD + "colour: red\n")
    put(tmp_path, "two", GOOD.replace("count: 1", "count: x"))
    with pytest.raises(Permanent) as caught:
        Catalogue(tmp_path).check()
    assert "one/service.yaml:6: colour: unknown key" in caught.value.message
    assert "two/service.yaml:3: count: " in caught.value.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD, 4, "ports.http: port 80 belongs to base (http)"),
        (
            GOOD.replace("{http: 80}", "{http: 90, more: 90}"),
            4,
            "ports.more: port 90 belongs to thing (http)",
        ),
        (
            BEHIND + "door: {by: base, port: 80, mode: tcp}\n",
            7,
            "door.port: port 80 belongs to base (http)",
        ),
        (STATIC + "depends: [nix]\n", 6, "depends[0]: there is no service 'nix'"),
        (STATIC + "affinity: [base, nix]\n", 6, "affinity[1]: there is no service 'nix'"),
        (STATIC + "anti_affinity: [thing]\n", 6, "a service cannot name itself"),
        (
            STATIC
            + "parameters:\n  a: {type: text, secret: true, shared_with: {nix: a, base: b}}\n",
            7,
            "there is no service 'nix'",
        ),
        (
            STATIC + "parameters:\n  a: {type: text, secret: true, shared_with: {base: b}}\n",
            7,
            "'base' must be among depends",
        ),
    ],
)
def test_services_that_do_not_fit_together_are_told_with_the_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    put(tmp_path, "base", GOOD)
    put(tmp_path, "thing", text)
    with pytest.raises(Permanent) as caught:
        Catalogue(tmp_path).check()
    assert f"thing/service.yaml:{line}: " in caught.value.message
    assert words in caught.value.message


def test_a_door_belongs_to_one_service_and_may_have_the_number_of_its_own_port(
    tmp_path: Path,
) -> None:
    put(tmp_path, "base", GOOD)
    put(tmp_path, "db", BEHIND + "door: {by: base, port: 81, mode: tcp}\n")
    Catalogue(tmp_path).check()
    other = BEHIND.replace("http: 81", "http: 82") + "door: {by: base, port: 81, mode: tcp}\n"
    put(tmp_path, "rival", other)
    with pytest.raises(Permanent, match=r"rival/service.yaml:7: door.port: port 81 belongs to db"):
        Catalogue(tmp_path).check()


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (GOOD, ()),
        (ROUTED, ("routed-by-a",)),
        (
            ROUTED + "door: {by: a, port: 90, check: /up}\n",
            ("routed-by-a", "a-port=90", "a-check=/up"),
        ),
        (
            GOOD + "depends: [a]\ndoor: {by: a, port: 90, mode: tcp}\n",
            ("routed-by-a", "a-port=90", "a-mode=tcp"),
        ),
    ],
)
def test_a_router_finds_a_service_by_its_tags(
    tmp_path: Path, text: str, tags: tuple[str, ...]
) -> None:
    put(tmp_path, "thing", text)
    assert Catalogue(tmp_path).service("thing").tags == tags


def test_a_circle_is_told_by_the_check_of_the_whole_catalogue(tmp_path: Path) -> None:
    put(tmp_path, "egg", GOOD + "depends: [hen]\n")
    put(tmp_path, "hen", STATIC + "depends: [egg]\n")
    with pytest.raises(Permanent, match=r"service.yaml:6: depends: depend on each other: "):
        Catalogue(tmp_path).check()


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


def test_the_catalogue_of_bob_keeps_all_laws() -> None:
    Catalogue().check()


def test_services_from_consul_come_on_top_and_their_files_are_named_by_key(tmp_path: Path) -> None:
    put(tmp_path, "base", GOOD)
    own = Catalogue(tmp_path)
    stored = {"web/service.yaml": STATIC, "web/job.nomad.hcl.j2": "job"}
    both = own.extended(stored)
    assert both.names() == ("base", "web")
    assert both.text("web", "job.nomad.hcl.j2") == "job"
    assert own.extended(dict(stored)) is both
    assert own.extended({}) is own
    broken = own.extended({"web/service.yaml": STATIC + "colour: red\n"})
    with pytest.raises(Permanent, match=r"bob/catalogue/web/service.yaml:6: colour: unknown key"):
        broken.service("web")
    with pytest.raises(Permanent, match=r"bob/catalogue/web/nix is not in Consul"):
        both.text("web", "nix")
