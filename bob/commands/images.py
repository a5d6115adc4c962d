"""`bob images`: make container images from Debian packages and send them to a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bob import console
from bob.console import Format, OutputOption

if TYPE_CHECKING:
    from bob.images.recipes import Recipes
    from bob.images.registry import Registry

SCHEMA = "bob/images/1"

NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[IMAGE…]", help="Which images; all unless named.")
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry", metavar="HOST:PORT",
        help="https://HOST:PORT for one with TLS; unless given, that of the sandbox.",
    ),
]  # fmt: skip
SandboxOption = Annotated[str, typer.Option("--sandbox", help="Whose registry to use.")]


def register(app: typer.Typer) -> None:
    """Add `bob images`."""
    group = typer.Typer(no_args_is_help=True, help="Container images made from Debian packages.")
    for command in (build, push, ls):
        group.command()(command)
    app.add_typer(group, name="images")


def build(
    names: NamesArgument = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Build again, with the newest packages.")
    ] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Build what is missing of images and of what they are built on (needs root)."""
    from bob.images import building
    from bob.images.recipes import Recipes

    recipes = Recipes()
    made = building.build(recipes, names or [], fresh=fresh, say=say)
    _show(recipes, [layer.name for layer in made], None, output)


def push(
    names: NamesArgument = None,
    registry: RegistryOption = None,
    sandbox: SandboxOption = "sandbox",
    output: OutputOption = Format.TEXT,
) -> None:
    """Send built images to a registry, and of them only what it lacks."""
    from bob.images import pushing
    from bob.images.recipes import Recipes

    recipes = Recipes()
    done = pushing.push(recipes, names or [], _registry(registry, sandbox), say)
    view = {
        "schema": SCHEMA,
        "images": [
            {
                "name": each.image.name,
                "version": each.image.version,
                "digest": each.image.digest,
                "references": list(each.references),
                "pinned": each.pinned,
                "sent": each.sent,
            }
            for each in done
        ],
    }
    console.emit(view, output, lambda: _draw_pushed(view))


def ls(
    registry: RegistryOption = None,
    sandbox: SandboxOption = "sandbox",
    output: OutputOption = Format.TEXT,
) -> None:
    """Show the images: which are built, of which version, and which of them the registry has."""
    from bob.errors import UsageError
    from bob.images.recipes import Recipes

    recipes = Recipes()
    try:
        place = _registry(registry, sandbox)
    except UsageError:  # no sandbox: there is still something to list
        if registry:
            raise
        place = None
    _show(recipes, recipes.names(), place, output)


def _registry(address: str | None, sandbox: str) -> Registry:
    """The registry that is meant. Raises `UsageError` for a bad address or an unknown sandbox."""
    from bob.images.registry import Registry
    from bob.sandbox.record import Sandbox

    return Registry(address or Sandbox.load(sandbox).layout.registry_address)


def _show(
    recipes: Recipes, names: list[str] | tuple[str, ...], registry: Registry | None, output: Format
) -> None:
    rows = [describe(recipes, name, registry) for name in names]
    view = {"schema": SCHEMA, "registry": registry.name if registry else None, "images": rows}
    console.emit(view, output, lambda: _draw(view))


def describe(recipes: Recipes, name: str, registry: Registry | None) -> dict[str, Any]:
    """One image as the view shows it; sizes in bytes, `built` and `registry` null if it is not."""
    from bob.images import pushing, store

    chain = recipes.chain(name)
    built = pushing.image(recipes, name) if store.built(chain) else None
    repository, *_ = pushing.repositories(chain[-1])
    there = registry.digest(repository, pushing.tag_of(recipes, name)) if registry else None
    return {
        "name": name,
        "title": chain[-1].title,
        "base": chain[-1].base,
        "built": built
        and {
            "version": built.version,
            "digest": built.digest,
            "size": built.size,
            "layer": built.layers[-1].packed.size,
            "unpacked": sum(layer.packed.unpacked for layer in built.layers),
        },
        "registry": there,
    }


def _draw(view: dict[str, Any]) -> None:
    """One line per image; size is that of all its layers, its own layer's in parentheses."""
    from rich.filesize import decimal

    for row in view["images"]:
        built = row["built"]
        if built:
            version = f"{built['version']:24}"
            size = f"{decimal(built['size']):>9} ({decimal(built['layer'])})"
        else:
            version, size = f"[yellow]{'not built':24}[/]", ""
        line = f"{row['name']:10}  {version}  {size:20}"
        if view["registry"]:
            line += f"  {_state(row):24}"
        console.out.print(f"{line}  [dim]{row['title']}[/]")


def _state(row: dict[str, Any]) -> str:
    if not row["registry"]:
        return "not in the registry"
    if not row["built"]:
        return "in the registry"
    same = row["registry"] == row["built"]["digest"]
    return "in the registry" if same else "another in the registry"


def _draw_pushed(view: dict[str, Any]) -> None:
    from rich.filesize import decimal

    for row in view["images"]:
        sent = f"sent {decimal(row['sent'])}" if row["sent"] else "was there"
        console.out.print(f"{row['references'][0]}  {row['version']}  {sent}")


def say(line: str) -> None:
    """Print one line of progress."""
    console.err.print(f"[dim]{line}[/]")
