from __future__ import annotations

from pathlib import Path

import pytest

from inventory import InventoryError, load

GOOD = """\
cluster: c1
networks:
  mgmt: {cidr: 10.101.0.0/24}
  storage: {cidr: 10.102.0.0/24}
ssh: {user: root, port: 22}
servers: 3
nodes:
  - name: n1
    zone: a
    addresses: {mgmt: 10.101.0.11, storage: 10.102.0.11}
    bmc: {address: 10.101.0.111, user: admin, password_env: SECRET}
  - name: n2
    zone: b
    addresses: {mgmt: 10.101.0.12, storage: 10.102.0.12}
  - name: n3
    zone: c
    addresses: {mgmt: 10.101.0.13, storage: 10.102.0.13}
"""
"""A file without violations and warnings; the line numbers in the tests are those of this text."""


def violations(file: Path) -> list[tuple[int, str, str]]:
    """(line, key, message) of everything `load` refuses; fails when it refuses nothing."""
    with pytest.raises(InventoryError) as caught:
        load(file)
    assert {violation.file for violation in caught.value.violations} == {file}
    return [(v.line, v.key, v.message) for v in caught.value.violations]


def warnings(file: Path) -> list[tuple[int, str, str]]:
    """(line, key, message) of the warnings of a file that is accepted."""
    return [(v.line, v.key, v.message) for v in load(file).warnings]
