"""consul-template can read every template of the catalogue: Nomad would tell of a mistake late."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from loopback_agents import free_ports

from bob import toolchain
from bob.catalogue import Catalogue, render
from bob.catalogue.added import with_folder

EXAMPLES = Path(__file__).parents[3] / "examples" / "catalogue"
CATALOGUE = with_folder(Catalogue(), EXAMPLES)
DATA = re.compile(r'^ +data += ("(?:[^"\\]|\\.)*")$((?:\n.*){4})', re.MULTILINE)
SECONDS = 60
CONFIG = """\
consul {
  address = "127.0.0.1:PORT"
  retry { enabled = false }
}
"""
BROKEN = re.compile(r"parse: .*|.*(unexpected|function .* not defined).*")


@pytest.fixture(scope="module")
def program() -> Path:
    return toolchain.ensure(["consul-template"]).tools["consul-template"].path


def said(program: Path, text: str, folder: Path) -> str:
    """What it says of a template when Consul does not answer."""
    template, config = folder / "template", folder / "config.hcl"
    # It would ask for a variable of Nomad for a minute; a key is written in the same way.
    template.write_text(text.replace("nomadVar", "key"))
    (port,) = free_ports(1)
    config.write_text(CONFIG.replace("PORT", str(port)))
    command = [program, "-once", "-dry", f"-config={config}", f"-template={template}"]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
        env={"HOME": str(folder)},
    )  # fmt: skip
    return done.stdout + done.stderr


def embedded(job: str) -> list[str]:
    """The texts of the template blocks of a job, but for those with marks of their own."""
    found = [text for text, after in DATA.findall(job) if "delimiter" not in after]
    return [json.loads(text.replace("$${", "${").replace("%%{", "%{")) for text in found]


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_the_templates_of_a_service_can_be_read(program: Path, tmp_path: Path, name: str) -> None:
    service = CATALOGUE.service(name).model_copy(update={"count": 1})
    job = render(CATALOGUE, service, "x:1" if service.driver == "docker" else None)
    texts = list(dict.fromkeys(embedded(job)))
    assert texts or "template {" not in job
    for text in texts:
        answer = said(program, text, tmp_path)
        assert not BROKEN.search(answer), f"{answer} in:\n{text}"


@pytest.mark.parametrize("text", ["{{ if }}", '{{ nix "a" }}', "{{ range service }", "{{ end }}"])
def test_a_template_that_is_wrong_would_be_found(program: Path, tmp_path: Path, text: str) -> None:
    assert BROKEN.search(said(program, text, tmp_path))
