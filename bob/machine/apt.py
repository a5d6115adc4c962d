"""Where Debian packages come from: the mirror in the machine's own apt sources, never ours."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bob.errors import PreflightRefused

MIRROR_VARIABLE = "BOB_DEBIAN_MIRROR"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
UNREACHABLE_CURE = "Check that the Debian mirror can be reached, then run the command again."
_SOURCES = Path("/etc/apt")
_NAMES = "(bullseye|bookworm|trixie|forky|sid|(old)*stable|testing|unstable)"
_RELEASES = re.compile(_NAMES)
_SECURITY = re.compile(f"{_NAMES}-security")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)")


def mirror(sources: Path = _SOURCES) -> str:
    """Address of a Debian mirror.

    Taken from $BOB_DEBIAN_MIRROR, else from the first apt source that carries `main` of a Debian
    release. Raises `PreflightRefused` when there is none, as on other distributions.
    """
    if own := os.environ.get(MIRROR_VARIABLE):
        return own
    found = find_mirror(_texts(sources))
    if not found:
        raise PreflightRefused(
            f"no Debian mirror in {sources}/sources.list or {sources}/sources.list.d",
            cure=f"Set {MIRROR_VARIABLE} to the address of one.",
        )
    return found


def source_lines(release: str, sources: Path = _SOURCES) -> str:
    """A sources.list of that release, with its security updates if this machine gets its own.

    Raises `PreflightRefused` like `mirror`.
    """
    lines = [f"deb [signed-by={KEYRING}] {mirror(sources)} {release} main\n"]
    if security := find_mirror(_texts(sources), _SECURITY):
        lines.append(f"deb [signed-by={KEYRING}] {security} {release}-security main\n")
    return "".join(lines)


def private(folder: Path, sources: str) -> list[str]:
    """Options for an apt of our own in `folder`, which knows nothing of the machine's packages."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(sources)
    return [
        f"-oDir::Etc::sourcelist={folder / 'sources.list'}",
        "-oDir::Etc::sourceparts=/dev/null",
        f"-oDir::State::lists={folder / 'lists'}",
        f"-oDir::Cache={folder / 'cache'}",
        "-oDir::State::status=/dev/null",
        "-oAPT::Sandbox::User=root",  # apt's own user may not enter our cache
        "-oAcquire::Languages=none",
    ]


def find_mirror(texts: Iterable[str], wanted: re.Pattern[str] = _RELEASES) -> str | None:
    """First archive with `main` of a Debian release in texts of either apt source format."""
    for text in texts:
        for uri, suites, components in [*_one_line_sources(text), *_deb822_sources(text)]:
            if "main" in components and any(wanted.fullmatch(suite) for suite in suites):
                return uri.rstrip("/")
    return None


def _texts(sources: Path) -> list[str]:
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]
    return [file.read_text(errors="replace") for file in files if file.is_file()]


def architecture() -> str:
    """Debian's name of this machine's architecture."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def proxy_environment() -> dict[str, str]:
    """This process's environment plus apt's own proxies, for programs that do not read apt.conf."""
    environment = dict(os.environ)
    for scheme in ("http", "https"):
        answer = subprocess.run(
            ["apt-config", "shell", "proxy", f"Acquire::{scheme}::Proxy"],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        if match := re.search(r"proxy='([^']+)'", answer):
            environment.setdefault(f"{scheme}_proxy", match.group(1))
    return environment


_Source = tuple[str, list[str], list[str]]  # address, suites, components


def _one_line_sources(text: str) -> Iterable[_Source]:
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.strip()):
            yield match.group(1), [match.group(2)], match.group(3).split()


def _deb822_sources(text: str) -> Iterable[_Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, list[str]] = {}
        for line in stanza.splitlines():
            name, colon, value = line.partition(":")
            if colon and not line.startswith(("#", " ", "\t")):
                fields[name.strip().lower()] = value.split()
        enabled = fields.get("enabled", ["yes"])[0] not in ("no", "false", "0")
        if enabled and "deb" in fields.get("types", []):
            for uri in fields.get("uris", [])[:1]:
                yield uri, fields.get("suites", []), fields.get("components", [])
