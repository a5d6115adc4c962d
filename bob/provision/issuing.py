"""Issuing certificates and judging them: no files, no clock.

What a certificate must name is data (a `LeafRequest`, see `certificates`); whether one must be
issued again is the pure `renewal_reason`. The library behind it takes 10 MB of memory, so it is
loaded when there is something to do: an idle bob-agent has no use for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
CLOCK_TOLERANCE = timedelta(minutes=5)  # a host's clock may be behind ours


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class LeafRequest:
    """What a certificate must name. The first DNS name is also its common name."""

    dns_names: tuple[str, ...]
    addresses: tuple[IPv4Address, ...] = ()


def create_authority(common_name: str, now: datetime) -> KeyPair:
    """A new authority that may sign certificates of hosts, but no further authority."""
    from bob.provision import x509_work

    return x509_work.create_authority(common_name, now)


def issue(authority: KeyPair, request: LeafRequest, now: datetime) -> KeyPair:
    """A new certificate for both ends of a connection: every agent is client and server."""
    from bob.provision import x509_work

    return x509_work.issue(authority, request, now)


def renewal_reason(
    existing: KeyPair, authority: KeyPair, request: LeafRequest, now: datetime
) -> str | None:
    """Why the certificate must be issued again, or None when it is good."""
    from bob.provision import x509_work

    return x509_work.renewal_reason(existing, authority, request, now)


def belong_together(pair: KeyPair) -> bool:
    """True when both halves can be read and the key is the certificate's."""
    from bob.provision import x509_work

    return x509_work.belong_together(pair)


def end_of(certificate: bytes) -> datetime:
    """Until when a certificate (PEM) is good, in UTC."""
    from bob.provision import x509_work

    return x509_work.end_of(certificate)
