"""What a check says and when, as a table that fits into Consul, and as a record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck import records
from healthcheck.findings import Finding, Level, ok, worst
from healthcheck.records import Record
from healthcheck.table import LIMIT, summary, table
from healthcheck.voice import SILENT_SECONDS, Voice, said, voice

BAD = Finding(Level.CRITICAL, "storage", "eth1 has no link", "Check the cable of eth1.")
POOR = Finding(Level.WARNING, "/", "is nearly full", "Make room.")
NOTED = Finding(Level.NOTE, "clock", "no time service keeps it", "chrony")
WELL = ok("memory", "enough is free")
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)
FINDINGS = st.lists(st.builds(Finding, st.sampled_from(Level), TEXT, TEXT, TEXT), max_size=120)


def test_the_table_says_where_what_and_what_to_do_the_worst_first() -> None:
    assert table([WELL, POOR, BAD]).splitlines() == [
        "LEVEL     WHERE    WHAT IS           WHAT TO DO",
        "critical  storage  eth1 has no link  Check the cable of eth1.",
        "warning   /        is nearly full    Make room.",
        "ok        memory   enough is free    -",
    ]


@given(FINDINGS)
def test_a_table_fits_into_consul_and_counts_what_it_leaves_out(findings: list[Finding]) -> None:
    lines = table(findings).splitlines()
    assert len("\n".join(lines).encode()) <= LIMIT + 40
    hidden = int(lines[-1].split()[2]) if lines[-1].startswith("... and ") else 0
    assert len(lines) - 1 - bool(hidden) + hidden == len(findings)


@pytest.mark.parametrize(
    ("findings", "told"),
    [
        ([], "all is well"),
        ([WELL], "all is well"),
        ([POOR, BAD, BAD, NOTED], "2 critical, 1 warning, 1 note"),
    ],
)
def test_the_summary_counts_what_is_worth_it(findings: list[Finding], told: str) -> None:
    assert summary(findings) == told


@pytest.mark.parametrize(
    ("before", "uptime", "complete", "findings", "speaks"),
    [
        (False, 20.0, True, [BAD], False),
        (False, 20.0, False, [WELL], False),  # not everything was looked at
        (False, 20.0, True, [WELL, NOTED], True),  # the first full pass
        (False, SILENT_SECONDS - 1, True, [POOR], False),
        (False, SILENT_SECONDS, True, [POOR], True),
        (True, 20.0, True, [BAD], True),  # once it speaks it goes on
    ],
)
def test_a_check_speaks_after_ten_minutes_or_a_first_full_pass(
    before: bool, uptime: float, complete: bool, findings: list[Finding], speaks: bool
) -> None:
    assert voice(Voice(before), uptime, complete, findings) == Voice(speaks)


@pytest.mark.parametrize(
    ("speaks", "findings", "status", "first"),
    [
        (True, [WELL], "passing", "all is well"),
        (True, [NOTED], "passing", "1 note"),
        (True, [POOR, WELL], "warning", "1 warning"),
        (True, [POOR, BAD], "critical", "1 critical, 1 warning"),
        (False, [BAD], "passing", "silent: "),
    ],
)
def test_the_status_is_the_worst_finding_once_it_speaks(
    speaks: bool, findings: list[Finding], status: str, first: str
) -> None:
    found = said(Voice(speaks), True, findings)
    assert found.status == status
    assert found.sentence.startswith(first)
    assert "WHAT TO DO" in found.sentence


def test_before_the_first_look_it_says_so() -> None:
    assert said(Voice(True), False, []).status == "passing"


def test_nothing_is_worse_than_nothing() -> None:
    assert worst([]) is Level.OK


@given(FINDINGS, st.booleans())
def test_a_record_is_read_as_it_was_written(findings: list[Finding], speaks: bool) -> None:
    record = Record("n1", speaks, tuple(findings))
    assert records.parse(records.dump(record)) == record


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no json", b"[]", b"{}", b'{"schema": "bob/health/2"}',
        b'{"schema": "bob/health/1", "node": "n1", "speaks": true}',
        json.dumps({"schema": "bob/health/1", "node": "n1", "speaks": True,
                    "findings": [{"level": "terrible"}]}).encode(),
    ],
)  # fmt: skip
def test_a_record_of_another_kind_is_none(content: bytes) -> None:
    assert records.parse(content) is None
