"""The vendor's release archive, or a mirror's copy of it.

    <base>/<tool>/<version>/<tool>_<version>_<os>_<arch>.zip
    <base>/<tool>/<version>/<tool>_<version>_SHA256SUMS

What does not carry the published sum, and the pinned one if there is a pin, is an error and not a
reason to try the next source: somebody may have tampered with it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bob.errors import Permanent, UsageError
from bob.toolchain import cache
from bob.toolchain.model import Run, Tool, Unavailable, Wanted
from bob.toolchain.sources.cached import release_slot
from bob.toolchain.tools import OS, architecture

if TYPE_CHECKING:
    import requests

VENDOR = "https://releases.hashicorp.com"
CONNECT_SECONDS = 4.0  # a machine without a way out must come to its build soon
SILENCE_SECONDS = 30.0
ATTEMPTS = 3
CHUNK = 1 << 20
SUM = re.compile(r"[0-9a-f]{64}")


class Broken(Exception):
    """The answer ended early; another attempt may get the rest."""


@dataclass(frozen=True)
class Release:
    """Archives below `base`, an http or https address."""

    base: str = VENDOR
    name: str = "release"

    def __post_init__(self) -> None:
        if not re.match(r"https?://[^/]", self.base):
            raise UsageError(
                "the address of the mirror is not an http(s) address",
                cure="Give it like https://mirror.example/hashicorp.",
            )

    def find(self, wanted: Wanted, run: Run) -> Tool:
        """Download, check, unpack, ask for the version, install. The caller holds the lock."""
        stem = f"{wanted.name}_{wanted.version}"
        archive = f"{stem}_{OS}_{architecture()}.zip"
        folder = f"{self.base.rstrip('/')}/{wanted.name}/{wanted.version}"
        run.progress.stage(wanted.name, f"asking {_host(folder)} for {archive}")
        with cache.workspace(wanted.name) as work:
            sums = work / "SHA256SUMS"
            _download(f"{folder}/{stem}_SHA256SUMS", sums, wanted.name, run)
            expected = expected_sum(sums.read_text(errors="replace"), archive, wanted)
            run.progress.stage(wanted.name, f"downloading {archive}")
            actual = _download(f"{folder}/{archive}", work / archive, wanted.name, run)
            if actual != expected:
                raise _mismatch(archive, "downloaded", actual, "published", expected)
            binary = _unpack(work / archive, wanted.name)
            return self._install(binary, wanted, expected, run)

    def _install(self, binary: Path, wanted: Wanted, archive_sum: str, run: Run) -> Tool:
        from bob.toolchain.verify import version_of

        version = version_of(binary, wanted.spec, run)
        if version != wanted.version:
            raise Permanent(
                f"the archive of {wanted.name} {wanted.version} holds version {version}",
                cure="Check the mirror.",
            )
        return cache.install(
            wanted.name, release_slot(wanted), binary, version, self.name, archive_sum
        )


def expected_sum(sums: str, archive: str, wanted: Wanted) -> str:
    """The archive's sum in the text of SHA256SUMS. Raises `Permanent` if a pin contradicts it."""
    for line in sums.splitlines():
        published, _, file = line.strip().partition(" ")
        if file.strip().lstrip("*") == archive and SUM.fullmatch(published):
            if wanted.archive_sha256 not in (None, published):
                raise _mismatch(
                    archive, "published", published, "pinned", str(wanted.archive_sha256)
                )
            return published
    raise Permanent(
        f"the published sums do not name {archive}: it cannot be verified",
        cure="Check the mirror, or give your own binaries with --path.",
    )


def _mismatch(archive: str, one: str, one_sum: str, other: str, other_sum: str) -> Permanent:
    return Permanent(
        f"{archive} is not what it should be and was not installed: "
        f"{one} sum {one_sum}, {other} sum {other_sum}",
        cure="Find out why they differ: a damaged mirror, a wrong pin in the inventory, or a "
        "manipulated archive.",
    )


def _unpack(archive: Path, member: str) -> Path:
    """The file `member` out of the zip, beside it."""
    target = archive.parent / member
    try:
        with (
            zipfile.ZipFile(archive) as content,
            content.open(member) as source,
            target.open("wb") as sink,
        ):
            shutil.copyfileobj(source, sink, CHUNK)
        target.chmod(0o755)
    except (KeyError, zipfile.BadZipFile) as error:
        raise Permanent(
            f"{archive.name} has the published sum but holds no usable {member}: {error}",
            cure="Check the mirror.",
        ) from error
    return target


def _download(url: str, target: Path, tool: str, run: Run) -> str:
    """Save `url` and return its SHA-256. Raises `Unavailable` after `ATTEMPTS` broken answers."""
    import requests

    for attempt in range(1, ATTEMPTS + 1):
        try:
            with requests.get(url, stream=True, timeout=(CONNECT_SECONDS, SILENCE_SECONDS)) as got:
                if got.status_code != requests.codes.ok:
                    raise Unavailable(f"{_host(url)} answers {got.status_code} for {target.name}")
                return _save(got, target, tool, run)
        except (Broken, requests.exceptions.ChunkedEncodingError) as error:
            run.progress.stage(tool, f"{target.name} broke off (attempt {attempt} of {ATTEMPTS})")
            last: Exception = error
        except requests.exceptions.RequestException as error:
            raise Unavailable(
                f"{_host(url)} cannot be reached ({type(error).__name__})",
                cure="Name a mirror that can be reached with --mirror.",
            ) from error
    raise Unavailable(f"the download of {target.name} broke off {ATTEMPTS} times: {last}")


def _save(answer: requests.Response, target: Path, tool: str, run: Run) -> str:
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    digest = hashlib.sha256()
    done = 0
    with target.open("wb") as sink:
        for chunk in answer.iter_content(CHUNK):
            run.children.check()
            sink.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            run.progress.advance(tool, done, total, "bytes")
    if total is not None and done < total and "Content-Encoding" not in answer.headers:
        raise Broken(f"{done} of {total} bytes")
    return digest.hexdigest()


def _host(url: str) -> str:
    """What may be shown of an address: a mirror's address can hold a password."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
