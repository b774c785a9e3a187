"""Made-up authorities and certificates, good and bad, and a TLS server on loopback that presents them."""

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
PEM = serialization.Encoding.PEM


class Holder(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def pem(self):
        return self.certificate.public_bytes(PEM)


def make(subject, issuer=None, *, names=(), authority=False, begin=-30, end=60, usage=None, rsa_bits=0, at=""):
    """A certificate, by ``issuer`` or self-signed; ``begin`` and ``end`` are days from now, ``at`` its issuer's URL."""
    key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    by_name, by_key = (issuer.certificate.subject, issuer.key) if issuer else (name, key)
    builder = (
        x509.CertificateBuilder(by_name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW + begin * DAY)
        .not_valid_after(NOW + end * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if at:
        place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(at))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    return Holder(builder.sign(by_key, hashes.SHA256()), key)


@contextlib.contextmanager
def tcp(serve, address="127.0.0.1", port=0):
    """A loopback port whose every connection is handed to ``serve`` in a thread of its own."""
    with socket.create_server((address, port)) as listener:

        def one(client):
            with client, contextlib.suppress(OSError):
                serve(client)

        def accept():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                client.settimeout(60)
                threading.Thread(target=one, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def server_context(folder, chain):
    """A context that presents ``chain``, the server's own certificate first."""
    file = folder / "served.pem"
    key = chain[0].key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key + b"".join(holder.pem for holder in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or it would not present a short key
    context.load_cert_chain(file)
    return context


def head_of(client):
    """One request, up to the end of its head."""
    read = b""
    while b"\r\n\r\n" not in read:
        block = client.recv(4096)
        if not block:
            break
        read += block
    return read
