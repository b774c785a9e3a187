"""The certificate chain a peer sends, taken without trusting it, beside what a verifying client says of it.

Both clients speak every protocol and take every key that OpenSSL still has: how weak they are is judged apart
from the chain's trust.
"""

from __future__ import annotations

import select
import ssl
import time
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID
from OpenSSL import SSL

from cutover.errors import ProbeError
from cutover.facts.certificate import Certificate, Key, Link
from cutover.facts.pem import UNREADABLE
from cutover.inventory import Peer
from cutover.probes.connecting import connect, reach, unanswered
from cutover.probes.handshake import handshake
from cutover.probes.trust import tls_context
from cutover.redact import redact

E = TypeVar("E", bound=x509.ExtensionType)

LONGEST_CHAIN = 20  # links looked at
LENIENT = "ALL:!aNULL:@SECLEVEL=0"  # without a certificate there is nothing to look at


def probe(peer: Peer) -> Certificate:
    """Shake hands twice: once to see the chain whatever it is, once as a client that verifies."""
    reach(peer, peer.target.ports.https)
    try:
        chain = _chain(peer)
        code, refusal = _verify(peer)
        links = tuple(
            _link(certificate, chain[index + 1] if index + 1 < len(chain) else None)
            for index, certificate in enumerate(chain[:LONGEST_CHAIN])
        )
    except (SSL.Error, ssl.SSLError) as error:
        raise ProbeError(
            f"{peer.address} (for {peer.target.host}): no TLS handshake: {_reason(error)}",
            "look at ssl_protocols and ssl_certificate in the nginx site, and at nginx's error log",
        ) from None
    except OSError as error:
        raise unanswered(peer, peer.target.ports.https, error) from None
    except UNREADABLE as error:
        told = redact(str(error))[:120]
        raise ProbeError(f"{peer.address} (for {peer.target.host}): a certificate that is none: {told}") from None
    return Certificate(peer.target.host, peer.address, datetime.now(UTC), links, refusal, code)


def _reason(error: Exception) -> str:
    """OpenSSL's own words: pyOpenSSL hands out its queue of (library, function, reason)."""
    queue = error.args[0] if error.args else ""
    told = queue[-1][-1] if isinstance(queue, list) and queue else getattr(error, "reason", "") or error
    return redact(str(told))[:120]


def _chain(peer: Peer) -> list[x509.Certificate]:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(LENIENT.encode())
    limits = peer.target.limits
    with connect(peer, peer.target.ports.https) as plain:
        connection = SSL.Connection(context, plain)
        connection.set_tlsext_host_name(peer.target.host.encode())
        connection.set_connect_state()
        deadline = time.monotonic() + limits.answer_seconds
        while True:
            try:
                connection.do_handshake()
                break
            except (SSL.WantReadError, SSL.WantWriteError) as wanted:
                left = deadline - time.monotonic()
                reading = isinstance(wanted, SSL.WantReadError)
                if left <= 0 or not any(
                    select.select([plain] if reading else [], [] if reading else [plain], [], left)
                ):
                    raise TimeoutError from None
            except SSL.SysCallError as error:
                raise SSL.Error(error.args[-1]) from None
        chain = connection.get_peer_cert_chain(as_cryptography=True)
    if not chain:
        raise ProbeError(f"{peer.address} (for {peer.target.host}): TLS without any certificate")
    return list(chain)


def _verify(peer: Peer) -> tuple[int, str]:
    context = tls_context(peer.target)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(LENIENT)
    try:
        with handshake(peer, context):
            return 0, ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message


def _link(certificate: x509.Certificate, following: x509.Certificate | None) -> Link:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return Link(
        subject=redact(certificate.subject.rfc4514_string()) or "(no subject)",
        issuer=redact(certificate.issuer.rfc4514_string()) or "(no issuer)",
        names=tuple(redact(name) for name in names.get_values_for_type(x509.DNSName)) if names else (),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        self_signed=_issued_by(certificate, certificate),
        signed_by_next=following is not None and _issued_by(certificate, following),
        key=_key(certificate),
        digest=_digest(certificate),
        issuer_at=_issuer_at(certificate),
    )


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """An extension's value; None when it is missing or cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return None


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the signature is this issuer's, also under a hash that cryptography itself takes for nothing."""
    try:
        key, digest = issuer.public_key(), certificate.signature_hash_algorithm
        if isinstance(key, rsa.RSAPublicKey) and isinstance(digest, hashes.SHA1 | hashes.MD5):
            key.verify(certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), digest)
            return certificate.issuer == issuer.subject
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _key(certificate: x509.Certificate) -> Key:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return Key("unknown", 0)
    match key:
        case rsa.RSAPublicKey():
            return Key("RSA", key.key_size)
        case ec.EllipticCurvePublicKey():
            return Key("EC", key.curve.key_size)
        case dsa.DSAPublicKey():
            return Key("DSA", key.key_size)
        case ed25519.Ed25519PublicKey():
            return Key("Ed25519", 256)
        case ed448.Ed448PublicKey():
            return Key("Ed448", 448)
        case _:
            return Key("unknown", 0)


def _digest(certificate: x509.Certificate) -> str:
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "unknown"
    return digest.name if digest else ""


def _issuer_at(certificate: x509.Certificate) -> str:
    for place in _extension(certificate, x509.AuthorityInformationAccess) or ():
        wanted = place.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        if wanted and isinstance(place.access_location, x509.UniformResourceIdentifier):
            return redact(place.access_location.value)[:200]
    return ""
