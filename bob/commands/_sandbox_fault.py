"""`bob sandbox fault`: break parts of a sandbox and mend them.

The commands that break something are not written here: each kind of fault becomes one, its
parameters become arguments (see `bob.sandbox.faults.base`).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bob import console
from bob.console import Format, OutputOption
from bob.errors import UsageError

if TYPE_CHECKING:
    from bob.sandbox.faults.base import Fault
    from bob.sandbox.record import Sandbox

SCHEMA = "bob/sandbox-faults/1"

NameOption = Annotated[str, typer.Option("--name", help="Which sandbox.", show_default=True)]
DEFAULT_NAME = "sandbox"


class _LazyGroup(TyperGroup):
    """The kinds of fault are imported only when somebody asks for `bob sandbox fault`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_kind_commands().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        return own or _kind_commands().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=_LazyGroup, no_args_is_help=True, help="Break parts of a sandbox, and mend them again."
)


@app.command("ls")
def list_faults(name: NameOption = DEFAULT_NAME, output: OutputOption = Format.TEXT) -> None:
    """Show the faults in force."""
    from bob.sandbox.faults import actions

    rows = [record.model_dump() for record in actions.in_force(_load(name))]
    view = {"schema": SCHEMA, "sandbox": name, "faults": rows}
    console.emit(view, output, lambda: _draw(rows))


@app.command()
def clear(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Ids as `fault ls` shows them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Undo every fault.")] = False,
    name: NameOption = DEFAULT_NAME,
) -> None:
    """Undo faults, the newest first."""
    from bob.sandbox.faults import actions

    if every == bool(ids):
        raise UsageError("which faults?", cure="Give ids, or --all for every fault.")
    done = actions.clear(_load(name), ids or None)
    console.err.print("\n".join(f"cleared {fault}" for fault in done) or "No fault was in force.")


def _load(name: str) -> Sandbox:
    from bob.sandbox import requirements
    from bob.sandbox.record import Sandbox

    requirements.check_root()
    return Sandbox.load(name)


def _kind_commands() -> TyperGroup:
    from bob.sandbox.faults import registry

    kinds = typer.Typer()
    kinds.callback()(lambda: None)
    for kind, fault in registry.all_kinds().items():
        kinds.command(kind, help=inspect.getdoc(fault))(_injector(fault))
    return typer.main.get_group(kinds)


def _injector(fault: type[Fault]) -> Any:
    """A command function whose parameters are the fields of the fault, and `--name`."""

    def inject(name: str, **arguments: Any) -> None:
        from bob.sandbox.faults import actions, registry

        record = actions.inject(_load(name), registry.make(fault.kind, arguments))
        if record is None:
            console.err.print("Done; no fault stays in force.")
        else:
            console.out.print(record.id)
            console.err.print(f"In force. Undo: bob sandbox fault clear {record.id} --name {name}")

    parameters = [
        inspect.Parameter(
            field_name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else field.default,
            annotation=Annotated[field.annotation, *_typer_words(field.metadata)],
        )
        for field_name, field in fault.model_fields.items()
    ]
    parameters.append(
        inspect.Parameter(
            "name", inspect.Parameter.KEYWORD_ONLY, default=DEFAULT_NAME, annotation=NameOption
        )
    )
    vars(inject)["__signature__"] = inspect.Signature(parameters)
    return inject


def _typer_words(metadata: list[Any]) -> list[Any]:
    return [word for word in metadata if isinstance(word, typer.models.ParameterInfo)]


def _draw(rows: list[dict[str, Any]]) -> None:
    """One line per fault, the id first, so that it can be copied."""
    if not rows:
        console.out.print("No fault is in force.")
        return
    width = max(len(row["id"]) for row in rows)
    for row in rows:
        arguments = [f"{key}={value}" for key, value in row["arguments"].items() if value]
        console.out.print(f"{row['id']:{width}}  {row['since']}  {' '.join(arguments)}")
