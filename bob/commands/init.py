"""`bob init`: from bare hosts to a running cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._inventory import DEFAULT_FILE, FileOption, load_cluster
from bob.console import Format, OutputOption, YesOption

if TYPE_CHECKING:
    from bob.errors import BobError
    from bob.ops.record import StepRecord

LOOKING = "preflight"  # the step that every run has to do, and that changes nothing


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("init")(init)


def init(
    file: FileOption = DEFAULT_FILE,
    accept: Annotated[
        list[str] | None, typer.Option(help="Pass the guard of this name; it is recorded.")
    ] = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Make a cluster of the hosts in an inventory, or go on where an earlier run was stopped."""
    from bob.ops.init.run import init as run
    from bob.provision.install import Binary
    from bob.toolchain import packed
    from bob.toolchain.display import Display
    from bob.toolchain.wishes import wishes_of

    cluster = load_cluster(file)
    names = ", ".join(node.name for node in cluster.nodes)
    console.confirm(f"Make {names} into the cluster {cluster.name}?", yes=yes)
    began = time.monotonic()
    with Display(console.err) as display:
        tools = wishes_of(cluster).ensure(display)
    binaries = [Binary(tool.name, tool.sha256, packed(tool)) for tool in tools]
    with StepProgress() as progress:
        operation, context = run(cluster, binaries, progress, accept or ())
    for warning in context.warnings:
        console.err.print(f"[yellow]warning:[/] {warning}")
    changed = [name for name in progress.applied if name != LOOKING]
    seconds = round(time.monotonic() - began, 1)
    view = {
        "schema": "bob/init/1",
        "cluster": cluster.name,
        "operation": operation.id,
        "state": operation.state.value,
        "changed": changed,
        "seconds": seconds,
        "steps": [step.model_dump(mode="json") for step in operation.steps],
    }
    done = "is ready" if changed else "was ready already; nothing to do"
    console.emit(
        view,
        output,
        lambda: console.out.print(
            f"Cluster [bold]{cluster.name}[/] {done} ({seconds:g} s). Next: bob status, bob ui."
        ),
    )


class StepProgress:
    """One line for each step that had to be done, with the time it took; a spinner meanwhile."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self._status = console.err.status("")
        self._began = 0.0

    def __enter__(self) -> StepProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()  # also after a failure: the spinner hides the cursor

    def started(self, step: StepRecord, reason: str) -> None:
        """See `Observer`."""
        self._began = time.monotonic()
        console.err.print(f"[bold]==>[/] {step.title}")
        self._status.update(escape(reason))
        self._status.start()

    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None:
        """See `Observer`."""
        console.err.print(f"    {escape(str(error))}; again in {delay:g} s")

    def finished(self, step: StepRecord, applied: bool) -> None:
        """See `Observer`."""
        self._status.stop()
        if applied:
            self.applied.append(step.name)
            console.err.print(f"    [green]done[/] in {time.monotonic() - self._began:.1f} s")
