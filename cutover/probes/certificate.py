"""The certificate chain a peer sends, taken without trusting it, beside what a verifying client says of it."""

from __future__ import annotations

import select
import ssl
import time
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from cutover.errors import ProbeError
from cutover.facts.certificate import Certificate, Link
from cutover.inventory import Peer
from cutover.probes.dialling import connect, reach, unanswered
from cutover.probes.trust import tls_context
from cutover.redact import redact

LONGEST_CHAIN = 20  # links looked at


def probe(peer: Peer) -> Certificate:
    """Shake hands twice: once to see the chain whatever it is, once as a client that verifies."""
    reach(peer, peer.target.ports.https)
    try:
        chain = _chain(peer)
        code, refusal = _verify(peer)
    except (SSL.Error, ssl.SSLError) as error:
        told = redact(str(getattr(error, "reason", "") or error))[:120]
        raise ProbeError(
            f"{peer.address} (for {peer.target.host}): no TLS handshake: {told}",
            "look at ssl_protocols and ssl_certificate in the nginx site, and at nginx's error log",
        ) from None
    except OSError as error:
        raise unanswered(peer, peer.target.ports.https, error) from None
    links = tuple(
        _link(certificate, chain[index + 1] if index + 1 < len(chain) else None)
        for index, certificate in enumerate(chain[:LONGEST_CHAIN])
    )
    return Certificate(peer.target.host, peer.address, datetime.now(UTC), links, refusal, code)


def _chain(peer: Peer) -> list[x509.Certificate]:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
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
    with connect(peer, peer.target.ports.https) as plain:
        plain.settimeout(peer.target.limits.answer_seconds)
        try:
            with tls_context(peer.target).wrap_socket(plain, server_hostname=peer.target.host):
                return 0, ""
        except ssl.SSLCertVerificationError as error:
            return error.verify_code, error.verify_message


def _link(certificate: x509.Certificate, following: x509.Certificate | None) -> Link:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns_names = tuple(names.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        dns_names = ()
    return Link(
        subject=redact(certificate.subject.rfc4514_string()) or "(no subject)",
        issuer=redact(certificate.issuer.rfc4514_string()) or "(no issuer)",
        names=tuple(redact(name) for name in dns_names),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        self_signed=_issued_by(certificate, certificate),
        signed_by_next=following is not None and _issued_by(certificate, following),
    )


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
