"""The certificates of a lab: one authority per lab, real X.509, nothing shared between labs.

`up` makes them before any process starts; the API server, every agent and the admin kubeconfig
read them as files. A subject's common name is the user and its organizations are the groups, as
Kubernetes' client certificate authentication has it. Everything is idempotent: what is there and
still fits stays, so running processes keep trusting each other.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from labctl.pki.files import private_pem, read_key, write_file

AUTHORITY = "ca"
_LIFETIME = dt.timedelta(days=3650)
_CLOCK_SKEW = dt.timedelta(minutes=5)
_RENEW_BEFORE = dt.timedelta(days=30)
_CRITICAL = (x509.BasicConstraints, x509.KeyUsage)


def ensure_authority(directory: Path) -> None:
    """Makes `ca.crt` and `ca.key` (0600) in `directory`, unless they are there."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "labctl-ca")])
    if _is_current(directory, AUTHORITY, name, None):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    _write_pair(directory, AUTHORITY, key, builder.sign(key, hashes.SHA256()))


def ensure_certificate(
    directory: Path,
    file_name: str,
    common_name: str,
    organizations: Iterable[str] = (),
    *,
    dns: Iterable[str] = (),
    ips: Iterable[str] = (),
) -> None:
    """Makes `FILE_NAME.crt` and `.key` (0600), signed by the authority in `directory`.

    `common_name` is the user and `organizations` the groups that the API server will see; `dns`
    and `ips` are the names under which a server with this certificate is reached. A pair that
    already says all this, is signed by the present authority and will last is left alone.
    """
    subject = _subject(common_name, organizations)
    names = _alternative_names(dns, ips)
    if _is_current(directory, file_name, subject, names):
        return
    authority = _read_certificate(directory, AUTHORITY)
    signer = _read_key(directory, AUTHORITY)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(subject, authority.subject, key.public_key())
    for extension in _leaf_extensions(signer.public_key()):
        builder = builder.add_extension(extension, critical=isinstance(extension, _CRITICAL))
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    _write_pair(directory, file_name, key, builder.sign(signer, hashes.SHA256()))


def _subject(common_name: str, organizations: Iterable[str]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_names(
    dns: Iterable[str], ips: Iterable[str]
) -> x509.SubjectAlternativeName | None:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
    names += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ips]
    return x509.SubjectAlternativeName(names) if names else None


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _leaf_extensions(authority: ec.EllipticCurvePublicKey) -> Iterable[x509.ExtensionType]:
    yield x509.BasicConstraints(ca=False, path_length=None)
    yield _key_usage(authority=False)
    # Both, since the API server is a server to kubectl and a client to the agents.
    yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    # Python 3.13 and other strict verifiers of RFC 5280 want the key identifiers of both ends.
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(authority)


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


def _is_current(
    directory: Path, file_name: str, subject: x509.Name, names: x509.SubjectAlternativeName | None
) -> bool:
    """Whether a pair is there, whole, says the same, and is signed by the present authority."""
    try:
        certificate = _read_certificate(directory, file_name)
        key = _read_key(directory, file_name)
        certificate.verify_directly_issued_by(_read_certificate(directory, AUTHORITY))
    except Exception:
        return False
    return (
        certificate.subject == subject
        and _names_of(certificate) == names
        and certificate.public_key() == key.public_key()
        and certificate.not_valid_after_utc > dt.datetime.now(dt.UTC) + _RENEW_BEFORE
    )


def _names_of(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _read_certificate(directory: Path, file_name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{file_name}.crt").read_bytes())


def _read_key(directory: Path, file_name: str) -> ec.EllipticCurvePrivateKey:
    return read_key(directory / f"{file_name}.key")


def _write_pair(
    directory: Path, file_name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> None:
    write_file(directory / f"{file_name}.key", private_pem(key), 0o600)
    write_file(
        directory / f"{file_name}.crt",
        certificate.public_bytes(serialization.Encoding.PEM),
        0o644,
    )
