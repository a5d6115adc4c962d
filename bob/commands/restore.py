"""`bob restore`: put a backup back into its cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption
from bob.commands._passphrase import PassphraseOption
from bob.commands._wish import AcceptOption
from bob.console import Format, OutputOption, YesOption

SCHEMA = "bob/restore/1"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("restore")(restore)


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A backup.")],
    cluster: ClusterOption = None,
    passphrase_file: PassphraseOption = None,
    accept: AcceptOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Put Consul and Nomad back as they were when the backup was made.

    On a machine that does not know the cluster this puts back what it has to know (secrets,
    authorities, inventory), and nothing else; run it again to put the cluster's data back.
    """
    from bob import paths
    from bob.commands._cluster import load_context
    from bob.commands._passphrase import passphrase
    from bob.context import CONTEXT_FILE, Context
    from bob.ops.backup import run, sealing

    with file.open("rb") as source:
        label = sealing.read_label(source, str(file))
    key = passphrase(passphrase_file, twice=False)
    view = {"schema": SCHEMA, "cluster": label.cluster, "made": label.made}
    if cluster is None and not (paths.cluster_dir(label.cluster) / CONTEXT_FILE).exists():
        name = run.know_again(file, key)
        Context.load(name).save()
        text = (
            f"This machine knows {name} again. When the cluster still runs: bob status. Bare hosts "
            "first become the same cluster again: bob init. Then: bob restore once more."
        )
        console.emit(
            {**view, "restored": "machine"}, output, lambda: console.out.print(escape(text))
        )
        return
    context = load_context(cluster)
    console.confirm(f"Put {context.cluster} back to {label.made}?", yes=yes)
    with console.err.status("") as status:
        run.restore(context, file, key, accept or (), status.update)
    text = f"{context.cluster} is as it was at {label.made}."
    console.emit({**view, "restored": "cluster"}, output, lambda: console.out.print(escape(text)))
