"""A build from the Go module registry, fixed to the byte by our own `go.mod` and `go.sum`.

One module per tool: a common one would mix the versions each needs. The registry is the user's
choice (GOPROXY), and so is the place of Go's own caches; every source file is checked against
`go.sum`. The replacements and exclusions in the `go.mod` files repeat those of the tools, since Go
ignores them in dependencies. Never run `go mod tidy` on them: it may raise versions.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bob.toolchain import cache, golang
from bob.toolchain.children import ChildFailed
from bob.toolchain.model import Run, Tool, Unavailable, Wanted
from bob.toolchain.sources.cached import build_slot
from bob.toolchain.tools import OS, ToolSpec, architecture

BUILD_SECONDS = 3600.0
HEADERS = "#include <stdlib.h>\n#include <sys/types.h>\n"


@dataclass(frozen=True)
class Build:
    """Compiles the one version per tool whose modules are known here."""

    name: str = "build"

    def find(self, wanted: Wanted, run: Run) -> Tool:
        """Build, ask for the version, install. The caller holds the tool's lock."""
        spec = wanted.spec
        if wanted.version != spec.version:
            raise Unavailable(
                f"only {spec.name} {spec.version} can be built from Go modules",
                cure=f"Ask for {spec.name} {spec.version}, or give the binary with --path.",
            )
        if spec.cgo:
            require_c_compiler(spec, run)
        go = golang.find(golang.required_by(spec.module / "go.mod"), run, spec.name)
        with cache.workspace(spec.name) as work:
            binary = self._compile(go, spec, work, run)
            return self._install(binary, wanted, go, run)

    def _compile(self, go: golang.Go, spec: ToolSpec, work: Path, run: Run) -> Path:
        run.progress.stage(spec.name, "building from Go modules (the first time takes minutes)")
        module, scratch = work / "module", work / "scratch"
        module.mkdir()
        scratch.mkdir()
        for file in ("go.mod", "go.sum"):
            shutil.copyfile(spec.module / file, module / file)
        binary = work / spec.name
        packages = 0

        def count(line: str) -> None:
            nonlocal packages
            if not line.startswith("go: "):
                packages += 1
                run.progress.advance(spec.name, packages, None, "packages")

        command: list[str | Path] = [
            go.program, "build", "-v", *spec.flags, "-o", binary, spec.package
        ]  # fmt: skip
        environment = build_environment(spec, scratch)
        try:
            run.children.run(
                command, seconds=BUILD_SECONDS, cwd=module, env=environment, on_line=count
            )
        except ChildFailed as error:
            raise Unavailable(
                f"the build failed: {error.message}",
                cure="Check that the Go module registry (`go env GOPROXY`) can be reached and "
                "that the disk has 9 GB free for Go's caches.",
            ) from error
        return binary

    def _install(self, binary: Path, wanted: Wanted, go: golang.Go, run: Run) -> Tool:
        from bob.toolchain.verify import version_of

        version = version_of(binary, wanted.spec, run)
        if version != wanted.version:
            raise Unavailable(f"the build of {wanted.name} {wanted.version} says it is {version}")
        slot = build_slot(wanted)
        return cache.install(wanted.name, slot, binary, version, self.name, f"go {go.shown}")


def build_environment(spec: ToolSpec, scratch: Path) -> dict[str, str]:
    """The user's environment without what would change the result."""
    environment = {key: value for key, value in os.environ.items() if key != "GOROOT"}
    environment.setdefault("HOME", str(Path.home()))
    return environment | {
        "CGO_ENABLED": "1" if spec.cgo else "0",
        "GOARCH": architecture(),
        "GOFLAGS": "-buildvcs=false",
        "GOOS": OS,
        "GOTMPDIR": str(scratch),  # so that a killed build leaves nothing outside the workspace
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def require_c_compiler(spec: ToolSpec, run: Run) -> None:
    """Raise `Unavailable`, naming the packages, when C code cannot be compiled here."""
    compiler = os.environ.get("CC", "gcc")
    try:
        run.children.run([*compiler.split(), "-E", "-xc", "-"], seconds=30.0, feed=HEADERS)
    except ChildFailed as error:
        raise Unavailable(
            f"the build of {spec.name} needs a C compiler with the C library's headers; "
            f"{compiler} does not work: {error.message}",
            cure="apt-get install --yes gcc libc6-dev",
        ) from error
