"""The two documents that make layers an image: its configuration and its manifest. Pure.

Equal layers, versions and recipe give equal bytes: there is no time of the build in them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bob.images.archive import BUILT
from bob.images.model import ROOT, Recipe
from bob.images.store import Layer

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
ENTRYPOINT = ["/usr/bin/dumb-init", "--single-child", "--"]
COMMAND = ["kolla_start"]
ENVIRONMENT = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "PYTHONUNBUFFERED=1",
]
VERSION_LABEL = "org.opencontainers.image.version"
PACKAGE_LABEL = "bob.package."  # + name of a package that the recipes of the image ask for


@dataclass(frozen=True)
class Image:
    """An image ready to be sent: bytes of its two documents, and its layers, the lowest first."""

    name: str
    version: str
    config: bytes
    manifest: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        """What the image is called by those who want exactly this one."""
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """Bytes of all compressed layers."""
        return sum(layer.packed.size for layer in self.layers)


def image_of(recipe: Recipe, layers: Sequence[Layer], architecture: str) -> Image:
    """The image of a recipe whose layers are `layers`; `architecture` as Debian calls it."""
    versions = {name: version for layer in layers for name, version in layer.versions.items()}
    version = versions[recipe.main_package]
    created = datetime.fromtimestamp(BUILT, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": {
                "Entrypoint": ENTRYPOINT,
                "Cmd": COMMAND,
                "Env": [*ENVIRONMENT, f"KOLLA_SERVICE_NAME={recipe.name}"],
                "User": "" if recipe.user == ROOT else recipe.user,
                "Labels": {
                    "org.opencontainers.image.title": recipe.title,
                    VERSION_LABEL: version,
                    **{f"{PACKAGE_LABEL}{name}": each for name, each in sorted(versions.items())},
                },
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.packed.diff_id for layer in layers]},
            "history": [
                {"created": created, "created_by": f"bob images build {layer.name}"}
                for layer in layers
            ],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": _CONFIG_TYPE,
                "size": len(config),
                "digest": digest_of(config),
            },
            "layers": [
                {
                    "mediaType": _LAYER_TYPE,
                    "size": layer.packed.size,
                    "digest": layer.packed.digest,
                }
                for layer in layers
            ],
        }
    )
    return Image(recipe.name, version, config, manifest, tuple(layers))


def digest_of(content: bytes) -> str:
    """The name of some content in a registry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode()
