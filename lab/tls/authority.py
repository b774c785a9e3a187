"""A made-up authority, and the certificate chains it gave out or that others forged, as files for a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from lab.machine import call

HOST = "api.example.test"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
AT = "http://ca.example.test/intermediate.der"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Holder(NamedTuple):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def new_key(rsa_bits: int = 0) -> Key:
    """An RSA key of so many bits, or one of P-256."""
    return rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())


def issue(
    subject: str,
    issuer: Holder | None,
    *,
    name: str = "",
    begin: int = -30,
    end: int = 60,
    rsa_bits: int = 0,
    at: str = "",
) -> Holder:
    """A certificate by ``issuer`` or self-signed, of an authority without ``name``; times in days from now."""
    key = new_key(rsa_bits)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder(issuer.certificate.subject if issuer else own, own, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begin * DAY)
        .not_valid_after(NOW + end * DAY)
        .add_extension(x509.BasicConstraints(ca=not name, path_length=None), critical=True)
    )
    if name:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    if at:
        place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(at))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


class Authority:
    """The authority and everything that servers of the catalogue present, written into one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = issue("Lab root", None, begin=-900, end=900, rsa_bits=2048)
        self.middle = issue("Lab intermediate", self.root, begin=-400, end=400, rsa_bits=2048)
        other_root = issue("Other root", None, begin=-900, end=900)
        other = issue("Other intermediate", other_root, begin=-400, end=400)
        old = issue("Old intermediate", self.root, begin=-400, end=-1)
        no_authority = issue("No authority", self.root, name="example.test")
        good = self.leaf()
        self.ca = folder / "root.pem"
        self.ca.write_bytes(self.root.pem)
        self._write("ec", good, self.middle)
        self._write("rsa", self.leaf(rsa_bits=2048), self.middle)
        self._write("rsa-3072", self.leaf(rsa_bits=3072), self.middle)
        self._write("rsa-1024", self.leaf(rsa_bits=1024), self.middle)
        self._write("with-root", self.leaf(), self.middle, self.root)
        self._write("by-root", self.leaf(issuer=self.root))
        self._write("expired", self.leaf(end=-1), self.middle)
        self._write("not-yet-valid", self.leaf(begin=1), self.middle)
        self._write("late", self.leaf(begin=-80, end=10), self.middle)
        self._write("expired-intermediate", self.leaf(issuer=old), old)
        self._write("wrong-name", self.leaf(name="www.example.test"), self.middle)
        self._write("no-name", issue(HOST, self.middle, name="localhost"), self.middle)
        self._write("wildcard", self.leaf(name="*.example.test"), self.middle)
        self._write("self-signed", issue(HOST, None, name=HOST))
        self._write("unknown-root", self.leaf(issuer=other), other)
        self._write("unknown-root-sent", self.leaf(issuer=other), other, other_root)
        self._write("incomplete", self.leaf(at=AT))
        self._write("incomplete-or-unknown", self.leaf())
        self._write("wrong-intermediate", self.leaf(at=AT), other)
        self._write("out-of-order", self.leaf(), self.root, self.middle)
        self._write("not-an-authority", self.leaf(issuer=no_authority), no_authority)
        self._write("sha1", self._signed_with("sha1", self.leaf(), self.middle), self.middle)
        self._write("md5", self._signed_with("md5", self.leaf(), self.middle), self.middle)
        weak_middle = self._signed_with("sha1", self.middle, self.root)
        self._write("sha1-intermediate", self.leaf(issuer=weak_middle), weak_middle)
        for status in ("GOOD", "REVOKED"):
            (folder / f"{status.lower()}.ocsp").write_bytes(self._ocsp(good, status))

    def leaf(self, *, issuer: Holder | None = None, name: str = HOST, **how: int | str) -> Holder:
        """A server's certificate, by the intermediate unless another is named."""
        return issue(HOST, issuer or self.middle, name=name, **how)  # type: ignore[arg-type]

    def chain(self, name: str) -> Path:
        """The file with the chain of that name."""
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        """The file with its private key."""
        return self.folder / f"{name}.key"

    def _write(self, name: str, *holders: Holder) -> None:
        self.chain(name).write_bytes(b"".join(holder.pem for holder in holders))
        self.key(name).write_bytes(holders[0].key_pem)

    def _signed_with(self, digest: str, holder: Holder, issuer: Holder) -> Holder:
        """The same names and key, certified under a hash that cryptography refuses to sign with."""
        asked, authority, key, signed = (self.folder / f"signing.{part}" for part in ("csr", "ca", "key", "crt"))
        request = x509.CertificateSigningRequestBuilder(holder.certificate.subject)
        for extension in holder.certificate.extensions:
            request = request.add_extension(extension.value, extension.critical)
        asked.write_bytes(request.sign(holder.key, hashes.SHA256()).public_bytes(PEM))
        authority.write_bytes(issuer.pem)
        key.write_bytes(issuer.key_pem)
        argv = ["openssl", "x509", "-req", "-in", asked, "-CA", authority, "-CAkey", key, "-out", signed]
        call([*argv, f"-{digest}", "-days", "60", "-set_serial", "1", "-copy_extensions", "copyall"])
        return Holder(x509.load_pem_x509_certificate(signed.read_bytes()), holder.key)

    def _ocsp(self, holder: Holder, status: str) -> bytes:
        revoked = status == "REVOKED"
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=holder.certificate,
            issuer=self.middle.certificate,
            algorithm=hashes.SHA1(),  # names the certificate, vouches for nothing
            cert_status=getattr(ocsp.OCSPCertStatus, status),
            this_update=NOW - DAY,
            next_update=NOW + DAY,
            revocation_time=NOW - DAY if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.middle.certificate)
        return signed.sign(self.middle.key, hashes.SHA256()).public_bytes(DER)
