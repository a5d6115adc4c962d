"""Sending images to a registry: only what it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bob.images import store
from bob.images.manifest import Image, digest_of, image_of
from bob.images.model import Recipe
from bob.images.recipes import Recipes
from bob.images.registry import Registry
from bob.machine import apt
from bob.machine.caching import Say

NAMESPACE = "bob"  # first part of the names of our images


@dataclass(frozen=True)
class Pushed:
    """An image that a registry has. `sent` is how many bytes of layers had to be sent."""

    image: Image
    references: tuple[str, ...]
    """Its names with tag, the first one its own: "10.101.0.254:5000/bob/lb:bookworm"."""
    pinned: str
    """The name of exactly this image, which no later push changes."""
    sent: int


def tag_of(recipes: Recipes, name: str) -> str:
    """The tag of an image: the Debian release that it begins with."""
    return str(recipes.chain(name)[0].debian)


def repositories(recipe: Recipe) -> tuple[str, ...]:
    """The repositories of an image, its own first."""
    return tuple(f"{NAMESPACE}/{name}" for name in (recipe.name, *recipe.also))


def image(recipes: Recipes, name: str) -> Image:
    """A built image. Raises `UsageError` when it has not been built."""
    chain = recipes.chain(name)
    return image_of(chain[-1], store.needed(chain), apt.architecture())


def push(recipes: Recipes, names: Iterable[str], registry: Registry, say: Say) -> list[Pushed]:
    """Send these images (all for no names).

    Nothing is sent before all are found to be built. Raises `UsageError`, `Permanent`, `Temporary`.
    """
    wanted = tuple(names) or recipes.names()
    images = [image(recipes, name) for name in wanted]
    there: dict[str, str] = {}
    return [_push_one(recipes, each, registry, there, say) for each in images]


def _push_one(
    recipes: Recipes, image: Image, registry: Registry, there: dict[str, str], say: Say
) -> Pushed:
    """`there` is a repository for each digest that is known to be in the registry."""
    names = repositories(recipes.recipe(image.name))
    tag, sent = tag_of(recipes, image.name), 0
    for name in names:
        for layer in image.layers:
            digest = layer.packed.digest
            if not registry.has_blob(name, digest):
                say(f"{name}: layer {layer.name}, {layer.packed.size / 2**20:.0f} MiB")
                source = there.get(digest, f"{NAMESPACE}/{layer.name}")
                if registry.send_blob(name, digest, layer.archive, source):
                    sent += layer.packed.size
            there[digest] = name
        config = digest_of(image.config)
        if not registry.has_blob(name, config):
            registry.send_blob(name, config, image.config, names[0])
        registry.put_manifest(name, tag, image.manifest, image.digest)
    return Pushed(
        image=image,
        references=tuple(f"{registry.name}/{name}:{tag}" for name in names),
        pinned=f"{registry.name}/{names[0]}@{image.digest}",
        sent=sent,
    )
