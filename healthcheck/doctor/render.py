"""A diagnosis for people: what needs attention with its cure, and how much is well."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from healthcheck.doctor.decide import Diagnosis, Line
from healthcheck.findings import Level

COLOURS = {Level.CRITICAL: "bold red", Level.WARNING: "yellow", Level.NOTE: "cyan"}


def render(diagnosis: Diagnosis, console: Console) -> None:
    """Print what is worth knowing, the worst first."""
    verdict = "[bold green]healthy[/]" if diagnosis.healthy else "[bold red]degraded[/]"
    console.print(f"[bold]Cluster {escape(diagnosis.cluster)}[/]: {verdict}")
    for line in diagnosis.lines:
        if line.finding.level is not Level.OK:
            _print(line, console)
    well = sum(line.finding.level is Level.OK for line in diagnosis.lines)
    console.print(f"{well} of {len(diagnosis.lines)} things that were looked at are well.")


def _print(line: Line, console: Console) -> None:
    finding = line.finding
    head = f"[{COLOURS[finding.level]}]{finding.level.word}[/]"
    console.print(f"{head} {escape(line.place)}: {escape(finding.subject)}: {escape(finding.what)}")
    if finding.cure:
        console.print(f"    -> {escape(finding.cure)}")
