"""From a service to the text of its job."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.catalogue import Catalogue, Service, render
from bob.catalogue.render import Settings
from bob.catalogue.words import hcl_string, parameter, secret, value
from bob.errors import Permanent

YAML = """\
title: Something
driver: raw_exec
count: 3
ports: {http: 80}
check: {port: http, path: /}
parameters:
  greeting: {type: text, default: 'say "hi"', live: true}
  size: {type: integer, default: 3}
  loud: {type: boolean, default: true}
  password: {type: text, secret: true, generate: password}
templates: [thing.conf]
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "service.yaml").write_text(YAML)
    return Catalogue(tmp_path)


@pytest.fixture
def service(catalogue: Catalogue) -> Service:
    return catalogue.service("thing")


def write(folder: Path, text: str, name: str = "job.nomad.hcl.j2") -> None:
    (folder / "thing" / name).write_text(text)


def test_bob_fills_its_marks_and_leaves_those_of_nomad(
    catalogue: Catalogue, service: Service, tmp_path: Path
) -> None:
    write(tmp_path, 'job "[[ service.name ]]" { count = [[ service.count ]] {{ key "x" }} }\n')
    assert render(catalogue, service) == 'job "thing" { count = 3 {{ key "x" }} }\n'


def test_a_template_is_read_once_for_any_count(
    catalogue: Catalogue, service: Service, tmp_path: Path
) -> None:
    write(tmp_path, "count = [[ service.count ]]\n")
    assert render(catalogue, service) == "count = 3\n"
    (tmp_path / "thing" / "job.nomad.hcl.j2").unlink()
    assert render(catalogue, service.model_copy(update={"count": 5})) == "count = 5\n"


def test_a_file_is_embedded_as_one_hcl_string(
    catalogue: Catalogue, service: Service, tmp_path: Path
) -> None:
    write(tmp_path, 'say "x" ${HOME} %{if}\n\\d ä', "conf")
    write(tmp_path, 'data = [[ file("conf") | hcl ]]')
    assert render(catalogue, service) == r'data = "say \"x\" $${HOME} %%{if}\n\\d ä"'


@pytest.mark.parametrize("text", ["", "a", '"', "\\", "\t\n", "$", "$$", "%(x)", "${x}"])
def test_an_hcl_string_has_no_open_end(text: str) -> None:
    quoted = hcl_string(text)
    assert quoted[0] == quoted[-1] == '"'
    assert "\n" not in quoted


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("greeting", r'{{ keyOrDefault "config/thing/params/greeting" "say \"hi\"" }}'),
        ("size", '{{ keyOrDefault "config/thing/generations/4/params/size" "3" }}'),
        ("loud", '{{ keyOrDefault "config/thing/generations/4/params/loud" "true" }}'),
    ],
)
def test_a_parameter_is_read_from_kv_on_the_node(
    service: Service, name: str, expression: str
) -> None:
    assert parameter(service, name, 4) == expression


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("x\n[[ service.nmae ]]", "job.nomad.hcl.j2:2: "),
        ("x\n[[ service.name", "job.nomad.hcl.j2:2: "),
        ('x\n\n[[ parameter("colour") ]]', "job.nomad.hcl.j2:3: there is no parameter 'colour'"),
        ('[[ parameter("password") ]]', "the parameter 'password' is secret"),
        ('[[ secret("size") ]]', "the parameter 'size' is not secret"),
        ('[[ value("password") ]]', "cannot hold the value of 'password'"),
        ('[[ template("other.conf") ]]', "no template 'other.conf'"),
        ('[[ template("thing.conf") ]]', "thing.conf cannot be read"),
        ('[[ file("nix") ]]', "nix cannot be read"),
        ("[[ service.__class__.__mro__ ]]", "unsafe"),
        ("x\n[[ 1 / 0 ]]", "job.nomad.hcl.j2:2: division by zero"),
        ("[[ 1 + value('size') ]]", "unsupported operand"),
        ("[[ range(1000000000) | list ]]", "Range too big"),
    ],
)
def test_a_wrong_template_is_told_with_its_place(
    catalogue: Catalogue, service: Service, tmp_path: Path, template: str, words: str
) -> None:
    write(tmp_path, template)
    with pytest.raises(Permanent) as caught:
        render(catalogue, service)
    assert caught.value.message.startswith(str(tmp_path / "thing"))
    assert words in caught.value.message


def test_the_jobs_of_the_catalogue_carry_what_their_service_says() -> None:
    catalogue = Catalogue()
    for service in catalogue.in_order("demo"):
        text = render(catalogue, service, "bob-demo:0123")
        assert f'job "{service.name}"' in text
        assert f'group "{service.name}"' in text
        assert all(check.path and check.path in text for check in service.all_checks)
        assert "[[" not in text.replace("[[:", "")
        # A task with a template and without this block reads Consul with an empty token.
        assert text.count("consul {}") == text.count('task "')
    assert "bob-demo:0123" in text


def test_a_secret_is_read_from_the_variable_of_the_job_on_the_node(service: Service) -> None:
    assert secret(service, "password") == (
        '{{ with nomadVar "nomad/jobs/thing" }}{{ .password }}{{ end }}'
    )


def test_the_job_itself_takes_a_value_as_it_was_set(service: Service) -> None:
    assert value(service, "size", {"size": "5"}) == "5"
    assert value(service, "size", {}) == "3"


def test_a_configuration_file_is_rendered_like_the_job(
    catalogue: Catalogue, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "thing" / "templates").mkdir()
    write(tmp_path, 'size = [[ value("size") ]] {{ key "x" }}\n', "templates/thing.conf")
    write(tmp_path, 'data = [[ template("thing.conf") | hcl ]]')
    assert render(catalogue, service) == r'data = "size = 3 {{ key \"x\" }}\n"'
    bigger = Settings(2, {"size": "9"})
    assert render(catalogue, service, settings=bigger).startswith('data = "size = 9 ')


def test_an_operator_replaces_a_configuration_file_and_sees_the_line_of_a_mistake(
    catalogue: Catalogue, service: Service, tmp_path: Path
) -> None:
    write(tmp_path, 'data = [[ template("thing.conf") | hcl ]]')
    own = Settings(2, {}, {"thing.conf": 'mine = [[ value("size") ]]'})
    assert render(catalogue, service, settings=own) == 'data = "mine = 3"'
    wrong = Settings(2, {}, {"thing.conf": "a\nb\n[[ value('nix') ]]"})
    with pytest.raises(Permanent, match=r"config/thing/templates/thing.conf:3: .*parameter 'nix'"):
        render(catalogue, service, settings=wrong)


def test_templates_share_text_and_keep_their_own_settings(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "service.yaml").write_text(YAML)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "blocks.j2").write_text(
        "[% macro named() %]name [[ service.name ]][% endmacro %]"
    )
    write(tmp_path, '[% import "shared/blocks.j2" as blocks with context %][[ blocks.named() ]]')
    catalogue = Catalogue(tmp_path)
    assert render(catalogue, catalogue.service("thing")) == "name thing"


def test_nobody_counts_on_a_shared_address_that_nothing_brings_to_a_host() -> None:
    """It stays in the configuration of keepalived, deployed or not."""
    catalogue = Catalogue()
    readers = set()
    for name in set(catalogue.names()) - {"keepalived"}:
        service = catalogue.service(name).model_copy(update={"count": 1})
        text = render(catalogue, service, "x:1" if service.driver == "docker" else None)
        places = text.split('keyOrDefault \\"config/keepalived/params/address\\"')
        for before in places[:-1]:
            readers.add(name)
            assert before[-100:].count('if keyExists \\"bob/services/keepalived\\"') == 1
    assert {"haproxy", "keystone"} <= readers


def test_what_all_jobs_share_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, read = Catalogue(), list[str]()
    shared = catalogue.shared

    def count(file: str) -> str:
        read.append(file)
        return shared(file)

    monkeypatch.setattr(catalogue, "shared", count)
    for name in ("keystone", "glance", "placement", "mariadb"):
        render(catalogue, catalogue.service(name).model_copy(update={"count": 1}), "x:1")
    assert read.count("blocks.j2") == read.count("openstack.j2") == 1


def test_a_template_may_use_a_file_beside_it(
    catalogue: Catalogue, service: Service, tmp_path: Path
) -> None:
    write(tmp_path, "size 3", "part.j2")
    write(tmp_path, '[% include "part.j2" %], [[ template("thing.conf") ]]')
    replaced = Settings(texts={"thing.conf": 'again [% include "part.j2" %]'})
    assert render(catalogue, service, settings=replaced) == "size 3, again size 3"
