"""An operator's own services: a folder like `jobs`, which travels to the robot through Consul."""

from __future__ import annotations

from pathlib import Path

from bob.catalogue.catalogue import Catalogue
from bob.catalogue.sources import SERVICE_FILE, Folder
from bob.errors import UsageError

IMAGE_FOLDER = "image"  # what it holds is on the hosts, as an image; the robot needs its name only
LARGEST_BYTES = 128 * 1024  # of the texts of one service; an operation and its record hold them
KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


def with_folder(own: Catalogue, folder: Path) -> Catalogue:
    """Bob's own catalogue with the services in `folder`, all of them checked.

    Raises `UsageError` when the folder has no service, or one that is called like Bob's own, and
    `Permanent` with every mistake in its files.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", cure="Name a folder like jobs/ of Bob itself.")
    added = Folder(folder)
    if not added.names():
        raise UsageError(
            f"{folder} holds no service", cure=f"A service is a folder with a {SERVICE_FILE}."
        )
    if taken := sorted(set(added.names()) & set(own.names())):
        raise UsageError(
            f"{folder}: {', '.join(taken)} is a service of Bob's own", cure="Use another name."
        )
    made = own.beside(added)
    made.check()
    return made


def texts(folder: Path, service: str) -> dict[str, str]:
    """The texts of a service of a folder, by path ("web/service.yaml").

    Raises `UsageError` when they are no texts, too many, or have names that are no keys in Consul.
    """
    found: dict[str, str] = {}
    for file in sorted(path for path in (folder / service).rglob("*") if path.is_file()):
        relative = file.relative_to(folder)
        if relative.parts[1] == IMAGE_FOLDER:
            continue
        if not set("".join(relative.parts)) <= KEY:
            raise UsageError(
                f"{file}: this name cannot be a key in Consul",
                cure="Use letters, digits and _ . - only.",
            )
        try:
            found[relative.as_posix()] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} is no readable text: {error}") from error
    size = sum(len(text.encode()) for text in found.values())
    if size > LARGEST_BYTES:
        raise UsageError(
            f"{folder / service}: {size} bytes of text, {LARGEST_BYTES} are possible",
            cure=f"Put what the service serves into its image (folder {IMAGE_FOLDER}).",
        )
    return found
