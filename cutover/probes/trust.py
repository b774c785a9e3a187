"""Whom a client trusts: the system's store, or the private CA that the inventory declares in its place."""

from __future__ import annotations

import os
import ssl
import threading

from cutover.errors import UsageError
from cutover.inventory import Target

_SHARED: dict[str, ssl.SSLContext] = {}
_MAKING = threading.Lock()


def trust_paths(target: Target) -> tuple[str | None, str | None]:
    """The trust store as OpenSSL takes it: a file, a directory, or both.

    The compiled-in places, not those of SSL_CERT_FILE and its kin: the operator's environment changes no
    verdict. UsageError when there is no store at all.
    """
    if target.ca:
        return str(target.ca), None
    places = ssl.get_default_verify_paths()
    file = places.openssl_cafile if os.path.isfile(places.openssl_cafile) else None
    folder = places.openssl_capath if os.path.isdir(places.openssl_capath) else None
    if not file and not folder:
        raise UsageError("this machine has no trust store; install the package ca-certificates")
    return file, folder


def client_context() -> ssl.SSLContext:
    """What an up-to-date client speaks, whatever this machine's own policy is and whichever Python looks.

    A Python has a list of suites of its own compiled in, or not; the grade judges the suites.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    return context


def tls_context(target: Target) -> ssl.SSLContext:
    """A client context that verifies chain and name, for everything that is sent to a target."""
    context = client_context()
    context.hostname_checks_common_name = False
    file, folder = trust_paths(target)
    try:
        context.load_verify_locations(file, folder)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"{target.ca}: cannot be read as certificates: {error}") from None
    return context


def shared_tls_context(target: Target) -> ssl.SSLContext:
    """The same, one for all who change nothing in it: to read the system's store takes longer than ten requests."""
    with _MAKING:
        key = str(target.ca or "")
        return _SHARED.get(key) or _SHARED.setdefault(key, tls_context(target))
