"""The work of `bob.provision.issuing`, with the library that does it. ECDSA P-256 throughout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bob.provision.issuing import (
    AUTHORITY_LIFE,
    CLOCK_TOLERANCE,
    LEAF_LIFE,
    RENEW_BEFORE,
    KeyPair,
    LeafRequest,
)


def create_authority(common_name: str, now: datetime) -> KeyPair:
    """See `issuing.create_authority`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _certificate(subject, subject, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _pem(builder.sign(key, hashes.SHA256()), key)


def issue(authority: KeyPair, request: LeafRequest, now: datetime) -> KeyPair:
    """See `issuing.issue`."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = _private_key(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.dns_names[0][:64])])
    usages = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    builder = (
        _certificate(subject, issuer.subject, key, now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(usages, critical=False)
        .add_extension(_alternative_names(request), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    return _pem(builder.sign(issuer_key, hashes.SHA256()), key)


def renewal_reason(
    existing: KeyPair, authority: KeyPair, request: LeafRequest, now: datetime
) -> str | None:
    """See `issuing.renewal_reason`."""
    if not belong_together(existing):
        return "unreadable, or its key is another one"
    certificate = x509.load_pem_x509_certificate(existing.certificate)
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    except (ValueError, TypeError, InvalidSignature):
        return "issued by another authority"
    if now >= certificate.not_valid_after_utc - RENEW_BEFORE:
        return "near its end"
    if now < certificate.not_valid_before_utc:
        return "not valid yet"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if names != _alternative_names(request):
        return "names other hosts"
    return None


def belong_together(pair: KeyPair) -> bool:
    """See `issuing.belong_together`."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
    except ValueError:
        return False
    return certificate.public_key() == key.public_key()


def end_of(certificate: bytes) -> datetime:
    """See `issuing.end_of`."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _private_key(pair: KeyPair) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pair.key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is not an ECDSA key")
    return key


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - CLOCK_TOLERANCE)
        .not_valid_after(now.astimezone(UTC) + life)
    )


def _alternative_names(request: LeafRequest) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.DNSName(name) for name in request.dns_names]
        + [x509.IPAddress(address) for address in request.addresses]
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
