"""A certificate authority of the tests' own, which nobody else trusts, and a certificate of it for one name."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Certificate", "issued"]

DAYS = timedelta(days=2)
"""For which it is valid, from a day ago on: no test outlives it."""
MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of one."""

    authority: Path
    """The certificate of whoever issued it, which its clients trust."""
    chain: Path
    key: Path

    @property
    def whole(self) -> Path:
        """Certificate and key in one file."""
        return self.chain.with_suffix(".pem")

    def trusted(self) -> ssl.SSLContext:
        """For a client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


def issued(folder: Path, name: str) -> Certificate:
    """A certificate for a name, of a new authority."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "The tests' authority")])
    signer = authority_key.public_key()
    # What Python is strict about from 3.13 on: whose key it is, by whose it is signed, and that it may sign.
    authority = (
        _unsigned(issuer, issuer, signer, signer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(MAY_SIGN, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        _unsigned(subject, issuer, key.public_key(), signer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = Certificate(folder / "authority.crt", folder / "bridge.crt", folder / "bridge.key")
    files.authority.write_bytes(_text(authority))
    files.chain.write_bytes(_text(certificate) + _text(authority))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files.whole.write_bytes(files.chain.read_bytes() + files.key.read_bytes())
    return files


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAYS / 2)
        .not_valid_after(now + DAYS / 2)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
