"""Findings as a table in plain text, as Consul shows the output of a check."""

from __future__ import annotations

from collections.abc import Sequence

from healthcheck.findings import Finding, Level, by_weight

LIMIT = 4000  # bytes; Consul cuts an output off at 4 KiB (check_output_max_size)
HEAD = ("LEVEL", "WHERE", "WHAT IS", "WHAT TO DO")
GAP = "  "
MORE = "... and {count} more: bob doctor"


def table(findings: Sequence[Finding], limit: int = LIMIT) -> str:
    """The worst first; rows that do not fit into `limit` bytes are counted instead."""
    rows = [_cells(finding) for finding in by_weight(findings)]
    widths = [max(len(row[column]) for row in (HEAD, *rows)) for column in range(len(HEAD) - 1)]
    lines = [_line(row, widths) for row in (HEAD, *rows)]
    kept = len(lines)
    while kept > 1 and _size(lines, kept) > limit:
        kept -= 1
    text = "\n".join(lines[:kept])
    hidden = len(lines) - kept
    return f"{text}\n{MORE.format(count=hidden)}" if hidden else text


def summary(findings: Sequence[Finding]) -> str:
    """One line: how many are how bad."""
    counts = {
        level: sum(finding.level is level for finding in findings)
        for level in (Level.CRITICAL, Level.WARNING, Level.NOTE)
    }
    said = [f"{count} {level.word}" for level, count in counts.items() if count]
    return ", ".join(said) or "all is well"


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    return finding.level.word, finding.subject, finding.what, finding.cure or "-"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return GAP.join((*cells, row[-1])).rstrip()


def _size(lines: Sequence[str], kept: int) -> int:
    """Bytes of the first `kept` lines, with the line that counts the others."""
    own = sum(len(line.encode()) + 1 for line in lines[:kept])
    return own + (len(MORE) if kept < len(lines) else 0)
