"""Certificates and public keys as PEM text."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

# What cryptography raises of a certificate that is none: KeyError for a string of a type that there is not.
UNREADABLE = (ValueError, TypeError, LookupError, x509.InvalidVersion)


class First(NamedTuple):
    """The first certificate of several: its names in lower case, and the sha256 of it and of its public key."""

    names: tuple[str, ...]
    fingerprint: str
    public_key: str


def first(text: str) -> tuple[First, int]:
    """The first certificate and how many there are; UNREADABLE when one of them is not understood."""
    chain = x509.load_pem_x509_certificates(text.encode())
    leaf = chain[0]
    return First(_names(leaf), leaf.fingerprint(hashes.SHA256()).hex(), _digest(leaf.public_key())), len(chain)


def digest(text: str) -> str:
    """The sha256 of a public key; UNREADABLE when it is none."""
    return _digest(serialization.load_pem_public_key(text.encode()))


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _digest(key: object) -> str:
    der, plain = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(der, plain)).hexdigest()  # type: ignore[attr-defined]
