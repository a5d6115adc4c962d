"""From a service to the text of its job."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.catalogue import Catalogue, Service, render
from bob.catalogue.render import hcl_string, parameter
from bob.errors import Permanent

YAML = """\
title: Something
driver: raw_exec
count: 3
ports: {http: 80}
check: {port: http, path: /}
parameters:
  greeting: {type: text, default: 'say "hi"'}
  size: {type: integer, default: 3}
  loud: {type: boolean, default: true}
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
        ("size", '{{ keyOrDefault "config/thing/params/size" "3" }}'),
        ("loud", '{{ keyOrDefault "config/thing/params/loud" "true" }}'),
    ],
)
def test_a_parameter_is_read_from_kv_on_the_node(
    service: Service, name: str, expression: str
) -> None:
    assert parameter(service, name) == expression


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("[[ service.nmae ]]", "nmae"),
        ("x\n[[ service.name", "job.nomad.hcl.j2:2: "),
        ('[[ parameter("colour") ]]', "no parameter 'colour'"),
    ],
)
def test_a_wrong_template_is_told_with_its_place(
    catalogue: Catalogue, service: Service, tmp_path: Path, template: str, words: str
) -> None:
    write(tmp_path, template)
    with pytest.raises(Permanent) as caught:
        render(catalogue, service)
    assert "jobs/thing/job.nomad.hcl.j2" in caught.value.message
    assert words in caught.value.message


def test_the_jobs_of_the_catalogue_carry_what_their_service_says() -> None:
    catalogue = Catalogue()
    for service in catalogue.in_order("demo"):
        text = render(catalogue, service, "bob-demo:0123")
        assert f'job "{service.name}"' in text
        assert f'group "{service.name}"' in text
        assert service.check.path in text
        assert "[[" not in text.replace("[[:", "")
        # A task with a template and without this block reads Consul with an empty token.
        assert text.count("consul {}") == text.count('task "')
    assert "bob-demo:0123" in text
