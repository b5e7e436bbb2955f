"""Certificates made for one test: an authority, and servers that it vouches for."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Server"]

_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
"""An ESP32's clock begins here at each power-up, an RP2040's in 2021."""

_END = datetime(2120, 1, 1, tzinfo=UTC)


class Server(NamedTuple):
    """Files in PEM."""

    certificate: Path
    key: Path


class Authority:
    """`pem` is its certificate's file, `der` the same as a board wants it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._begun(self._name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = folder / f"{name}.crt"
        self.pem.write_bytes(certificate.public_bytes(Encoding.PEM))
        self.der = certificate.public_bytes(Encoding.DER)

    def server(self, address: str) -> Server:
        """Key and certificate of a server at that IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        certificate = (
            self._begun(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        made = Server(self._folder / f"{address}.crt", self._folder / f"{address}.key")
        made.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made

    def _begun(self, subject: x509.Name) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
        )
