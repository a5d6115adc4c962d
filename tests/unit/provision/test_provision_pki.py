from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from provision_samples import NETWORKS, NOW

from bob.provision import pki
from bob.provision.certificates import (
    consul_request,
    node_certificates,
    nomad_request,
)
from bob.provision.issuing import KeyPair, LeafRequest, issue, renewal_reason
from bob.provision.pki import Authorities, load_or_create_authorities, load_or_issue
from inventory.model import Cluster, NetworkName

REQUEST = LeafRequest(("server.c1-mgmt.consul", "localhost"), (IPv4Address("10.101.0.1"),))


def parse(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


def names(pair: KeyPair) -> tuple[list[str], list[str]]:
    found = parse(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = found.get_values_for_type(x509.IPAddress)
    return found.get_values_for_type(x509.DNSName), [str(address) for address in addresses]


def store(authority: KeyPair) -> verification.PolicyBuilder:
    return verification.PolicyBuilder().store(verification.Store([parse(authority)])).time(NOW)


def test_an_authority_signs_hosts_but_no_authority(authorities: Authorities) -> None:
    certificate = parse(authorities.consul)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    key = load_pem_private_key(authorities.consul.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert parse(authorities.nomad).subject != certificate.subject


def test_a_leaf_serves_both_ends_of_a_connection(authorities: Authorities) -> None:
    leaf = issue(authorities.consul, REQUEST, NOW)
    certificate = parse(leaf)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)
    assert certificate.not_valid_before_utc < NOW
    builder = store(authorities.consul)
    builder.build_client_verifier().verify(certificate, [])
    for subject in (x509.DNSName("server.c1-mgmt.consul"), x509.IPAddress(REQUEST.addresses[0])):
        builder.build_server_verifier(subject).verify(certificate, [])


def test_the_other_authority_vouches_for_nothing_here(authorities: Authorities) -> None:
    certificate = parse(issue(authorities.nomad, REQUEST, NOW))
    with pytest.raises(verification.VerificationError):
        store(authorities.consul).build_client_verifier().verify(certificate, [])


def test_keys_do_not_show(authorities: Authorities) -> None:
    assert "PRIVATE" not in repr(authorities)


def test_authorities_are_made_once_and_private(tmp_path: Path) -> None:
    first = load_or_create_authorities(tmp_path / "pki", "c1", NOW)
    assert load_or_create_authorities(tmp_path / "pki", "c1", NOW + timedelta(days=99)) == first
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    for file in (tmp_path / "pki").glob("*.pem"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("harm", ["key lost", "key of the other", "certificate damaged"])
def test_half_an_authority_is_refused(tmp_path: Path, harm: str) -> None:
    load_or_create_authorities(tmp_path, "c1", NOW)
    key, certificate = tmp_path / "consul-ca-key.pem", tmp_path / "consul-ca.pem"
    if harm == "key lost":
        key.unlink()
    elif harm == "key of the other":
        key.write_bytes((tmp_path / "nomad-ca-key.pem").read_bytes())
    else:
        certificate.write_bytes(b"damaged")
    kept = certificate.read_bytes()
    with pytest.raises(pki.PkiUnusable, match=r"consul-ca\.pem"):
        load_or_create_authorities(tmp_path, "c1", NOW)
    assert certificate.read_bytes() == kept


def test_a_crash_between_key_and_certificate_is_mended(tmp_path: Path) -> None:
    load_or_create_authorities(tmp_path, "c1", NOW)
    (tmp_path / "consul-ca.pem").unlink()  # the certificate is written last
    assert load_or_create_authorities(tmp_path, "c1", NOW).consul.certificate


@pytest.mark.parametrize(
    ("days", "reason"), [(0, None), (334, None), (335, "near its end"), (400, "near its end")]
)
def test_a_leaf_is_renewed_thirty_days_before_its_end(
    authorities: Authorities, days: int, reason: str | None
) -> None:
    leaf = issue(authorities.consul, REQUEST, NOW)
    later = NOW + timedelta(days=days)
    assert renewal_reason(leaf, authorities.consul, REQUEST, later) == reason


def test_other_reasons_to_renew(authorities: Authorities) -> None:
    leaf = issue(authorities.consul, REQUEST, NOW)
    moved = replace(REQUEST, addresses=(IPv4Address("10.101.0.9"),))
    foreign = issue(authorities.nomad, REQUEST, NOW)
    mixed = KeyPair(leaf.certificate, foreign.key)
    early = NOW - timedelta(days=1)
    consul = authorities.consul
    assert renewal_reason(leaf, consul, moved, NOW) == "names other hosts"
    assert renewal_reason(foreign, consul, REQUEST, NOW) == "issued by another authority"
    assert "another one" in str(renewal_reason(mixed, consul, REQUEST, NOW))
    assert "unreadable" in str(renewal_reason(KeyPair(b"", b""), consul, REQUEST, NOW))
    assert renewal_reason(leaf, consul, REQUEST, early) == "not valid yet"


def test_a_leaf_is_kept_until_there_is_a_reason(authorities: Authorities, tmp_path: Path) -> None:
    folder = tmp_path / "host1"

    def get(request: LeafRequest = REQUEST, days: int = 0) -> KeyPair:
        return load_or_issue(
            folder, "consul", authorities.consul, request, NOW + timedelta(days=days)
        )

    first = get()
    assert get(days=100) == first
    second = get(days=350)
    assert second != first and get(days=350) == second
    assert get(replace(REQUEST, dns_names=("client.c1-mgmt.consul",)), 350) != second
    (folder / "consul-key.pem").unlink()
    assert get(days=350).key


@pytest.mark.parametrize("network", NETWORKS)
def test_names_of_consul_certificates(cluster: Cluster, network: str) -> None:
    net, node = NetworkName(network), cluster.node("host2")
    server = consul_request(cluster, node, net, server=True)
    client = consul_request(cluster, node, net, server=False)
    assert server.dns_names == (
        f"server.c1-{network}.consul",
        f"host2.server.c1-{network}.consul",
        "localhost",
    )
    assert client.dns_names == (f"client.c1-{network}.consul", "localhost")
    third = {"mgmt": 101, "storage": 102, "tenant": 103}[network]
    assert {str(one) for one in server.addresses} == {
        "127.0.0.1",
        "10.101.0.2",
        f"10.{third}.0.2",
    }


def test_names_of_nomad_certificates(cluster: Cluster) -> None:
    node = cluster.node("host2")
    assert nomad_request(node, server=True).dns_names == ("server.global.nomad", "localhost")
    assert nomad_request(node, server=False).dns_names == ("client.global.nomad", "localhost")


def test_a_node_gets_one_certificate_per_agent(
    authorities: Authorities, cluster: Cluster, tmp_path: Path
) -> None:
    node = cluster.node("host4")
    made = node_certificates(tmp_path, authorities, cluster, node, NOW, server=False)
    assert set(made.consul) == set(NetworkName)
    assert names(made.consul[NetworkName.TENANT]) == (
        ["client.c1-tenant.consul", "localhost"],
        ["127.0.0.1", "10.103.0.4", "10.101.0.4"],
    )
    again = node_certificates(tmp_path, authorities, cluster, node, NOW, server=False)
    assert again == made
    promoted = node_certificates(tmp_path, authorities, cluster, node, NOW, server=True)
    assert names(promoted.nomad)[0][0] == "server.global.nomad"
