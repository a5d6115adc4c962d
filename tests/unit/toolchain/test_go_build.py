"""The build source with a compiler that is a script: arguments, environment, failures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from toolchain_doubles import Recorder

from bob.errors import Permanent
from bob.toolchain import Toolchain, golang
from bob.toolchain.children import Children
from bob.toolchain.model import Run
from bob.toolchain.resolve import find_all, wanted_tools
from bob.toolchain.sources.build import Build
from bob.toolchain.tools import TOOLS

PYTHON = sys.executable  # the real one; the tests replace the name
COMPILER = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path({folder!r})
if sys.argv[1] == "version":
    print("go version go{version} linux/amd64")
    sys.exit()
record = dict(arguments=sys.argv[1:], environment=dict(os.environ), files=sorted(os.listdir()))
(here / "seen.json").write_text(json.dumps(record))
print("go: downloading example.org/a v1.0.0")
print("example.org/a")
print("example.org/b")
if {fails}:
    sys.exit("b.go:1:1: broken")
out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
out.write_text("#!/bin/sh\\necho v{product}\\n")
out.chmod(0o755)
"""


class Machine:
    """A machine whose programs are scripts in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def script(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def compiler(self, version: str, product: str, *, fails: bool = False) -> str:
        return COMPILER.format(
            python=PYTHON, folder=str(self.folder), version=version, product=product,
            fails=fails,
        )  # fmt: skip

    def seen(self) -> dict[str, object]:
        loaded: dict[str, object] = json.loads((self.folder / "seen.json").read_text())
        return loaded


@pytest.fixture
def machine(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """No Go anywhere, a C compiler that accepts everything, no pip."""
    made = Machine(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}:/usr/bin:/bin")
    monkeypatch.setenv("CC", str(made.script("cc", "#!/bin/sh\ncat\n")))
    monkeypatch.setattr(golang, "USUAL_PLACE", made.folder / "none")
    monkeypatch.setattr(sys, "executable", str(made.script("python", "#!/bin/sh\nexit 9\n")))
    return made


def build(name: str, recorder: Recorder, **versions: str) -> Toolchain:
    wanted = wanted_tools([name], versions, None)
    return find_all(wanted, [], [Build()], Run(recorder, Children()))


def test_nomad_is_built_with_cgo_and_its_tags(
    machine: Machine, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOROOT", "/elsewhere")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOPROXY", "off")
    machine.script("go", machine.compiler("1.26.8", "1.11.3"))

    tool = build("nomad", recorder).nomad

    seen = machine.seen()
    arguments, environment = seen["arguments"], seen["environment"]
    assert isinstance(arguments, list) and isinstance(environment, dict)
    assert arguments[:2] == ["build", "-v"]
    assert arguments[2:7] == ["-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-tags"]
    assert arguments[7] == "ui codegen_generated hashicorpmetrics release"
    assert arguments[-1] == "github.com/hashicorp/nomad"
    assert environment["CGO_ENABLED"] == "1"
    assert environment["GOFLAGS"] == "-buildvcs=false"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOPROXY"] == "off"
    assert "GOROOT" not in environment
    assert seen["files"] == ["go.mod", "go.sum"]
    assert (tool.version, tool.source) == ("1.11.3", "build")
    assert recorder.amounts == [(1, None, "packages"), (2, None, "packages")]


def test_consul_is_built_without_cgo(
    machine: Machine, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "/nonexistent/cc")
    machine.script("go", machine.compiler("1.25.8", "1.22.3"))
    build("consul", recorder)
    environment = machine.seen()["environment"]
    assert isinstance(environment, dict)
    assert environment["CGO_ENABLED"] == "0"


def test_committed_modules_are_not_touched(machine: Machine, recorder: Recorder) -> None:
    machine.script("go", machine.compiler("1.26.8", "0.42.1"))
    spec = TOOLS["consul-template"]
    before = spec.recipe
    build("consul-template", recorder)
    assert spec.recipe == before


def test_failed_build_installs_nothing_and_shows_the_compiler(
    machine: Machine, recorder: Recorder, home: Path
) -> None:
    machine.script("go", machine.compiler("1.26.8", "1.22.3", fails=True))
    with pytest.raises(Permanent, match=r"b\.go:1:1: broken") as caught:
        build("consul", recorder)
    assert "9 GB" in caught.value.cure
    assert [entry.name for entry in (home / "consul").iterdir()] == ["lock"]


def test_build_of_another_version_is_refused(machine: Machine, recorder: Recorder) -> None:
    machine.script("go", machine.compiler("1.26.8", "1.22.2"))
    with pytest.raises(Permanent, match=r"the build of consul 1\.22\.3 says it is 1\.22\.2"):
        build("consul", recorder)


def test_only_the_known_version_can_be_built(machine: Machine, recorder: Recorder) -> None:
    with pytest.raises(Permanent, match=r"only consul 1\.22\.3 can be built"):
        build("consul", recorder, consul="1.21.5")


@pytest.mark.parametrize("compiler", ["/nonexistent/gcc", "false"])
def test_missing_c_compiler_is_named_with_its_packages(
    machine: Machine, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.setenv("CC", compiler)
    with pytest.raises(Permanent, match=f"C compiler.*{compiler}") as caught:
        build("nomad", recorder)
    assert caught.value.cure == "apt-get install --yes gcc libc6-dev"


def test_missing_go_that_cannot_be_installed_is_named(machine: Machine, recorder: Recorder) -> None:
    with pytest.raises(Permanent, match="no Go new enough, and installing one failed") as caught:
        build("consul", recorder)
    assert caught.value.cure == "Install a newer Go and put it on PATH."


def test_old_go_is_passed_over_for_a_pinned_one(machine: Machine, recorder: Recorder) -> None:
    """The stand-in for pip does what pip does with the wheel: it fills the --target folder."""
    machine.script("go", machine.compiler("1.25.7", "0.0.1"))
    compiler = machine.script("new-go", machine.compiler("1.26.6", "1.22.3"))
    arguments = machine.folder / "pip-arguments"
    machine.script(
        "python",
        f'#!/bin/sh\necho "$@" > {arguments}\nfor target; do :; done\n'
        f"mkdir -p $target/go/bin && cp {compiler} $target/go/bin/go\n",
    )

    build("consul", recorder)
    given = arguments.read_text()
    assert "--require-hashes" in given
    assert "--only-binary=:all:" in given

    arguments.unlink()
    build("consul", recorder)
    assert not arguments.exists(), "the installed compiler was not reused"


def test_each_module_names_the_tool_and_version_it_builds() -> None:
    for spec in TOOLS.values():
        text = (spec.module / "go.mod").read_text()
        assert f"{spec.package} v{spec.version}\n" in text
        assert golang.required_by(spec.module / "go.mod") >= (1, 25, 8)
