"""The cluster's certificate authorities and certificates, as files of the operator.

Two authorities per cluster, one for Consul and one for Nomad, so that a key stolen from one part
opens nothing in the other. Each certificate lies beside its key: `name.pem`, `name-key.pem`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bob.errors import BobError
from bob.provision.issuing import (
    KeyPair,
    LeafRequest,
    belong_together,
    create_authority,
    issue,
    renewal_reason,
)
from bob.provision.private_files import locked, read_private, write_private

AUTHORITY_NAMES = ("consul", "nomad")


class PkiUnusable(BobError):
    """Files of an authority or certificate are damaged or do not belong together."""


@dataclass(frozen=True)
class Authorities:
    """The two authorities of a cluster."""

    consul: KeyPair
    nomad: KeyPair


def load_or_create_authorities(folder: Path, cluster: str, now: datetime) -> Authorities:
    """The authorities kept in `folder`, made there when they do not exist yet.

    Raises `PkiUnusable` when only half of one exists: making a new one would cut off every agent.
    """
    with locked(folder):
        consul, nomad = (_authority(folder, cluster, name, now) for name in AUTHORITY_NAMES)
        return Authorities(consul, nomad)


def load_or_issue(
    folder: Path, name: str, authority: KeyPair, request: LeafRequest, now: datetime
) -> KeyPair:
    """The certificate kept as `folder/name.pem`, issued (again) when `renewal_reason` says so."""
    with locked(folder):
        existing = _read_pair(folder / f"{name}.pem")
        if existing is not None and renewal_reason(existing, authority, request, now) is None:
            return existing
        issued = issue(authority, request, now)
        _write_pair(folder / f"{name}.pem", issued, durable=False)  # can be issued again
        return issued


def _authority(folder: Path, cluster: str, name: str, now: datetime) -> KeyPair:
    path = folder / f"{name}-ca.pem"
    existing = _read_pair(path)
    if existing is not None and belong_together(existing):
        return existing
    if path.exists():
        raise PkiUnusable(
            f"{path} and {_key_path(path)} are not the two halves of one authority",
            cure="put back both from a copy of the operator's state folder",
        )
    made = create_authority(f"Bob {cluster} {name} authority"[:64], now)
    _write_pair(path, made, durable=True)
    return made


def _read_pair(path: Path) -> KeyPair | None:
    certificate, key = read_private(path), read_private(_key_path(path))
    return None if certificate is None or key is None else KeyPair(certificate, key)


def _write_pair(path: Path, pair: KeyPair, *, durable: bool) -> None:
    """Write both; the certificate comes last, so a key alone means that nobody has used it."""
    write_private(_key_path(path), pair.key, durable=durable)
    write_private(path, pair.certificate, durable=durable)


def _key_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}-key.pem")
