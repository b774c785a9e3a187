"""Mozilla's Intermediate configuration, which the checklist's nginx template follows (and calls Modern).

Version 5.7 of its guideline, as the template has it: 5.8 took the DHE suites out. Its HSTS of two years is left
aside: the checklist promises one.
"""

from __future__ import annotations

from cutover.facts.certificate import Key
from cutover.facts.tls import Tls

NAME = "Mozilla Intermediate 5.7"

VERSIONS = ("TLS 1.2", "TLS 1.3")
SUITES = {
    *("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
    *("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    *("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    *("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    *("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}
CURVES = {"X25519", "secp256r1", "secp384r1"}
KEYS = {Key("EC", 256), Key("EC", 384)}
LEAST_BITS = 2048  # of RSA and of Diffie-Hellman


def deviations(tls: Tls) -> tuple[str, ...]:
    """In what this peer differs from it; empty when in nothing."""
    found = []
    others = [version for version in tls.offered if version not in VERSIONS]
    missing = [version for version in VERSIONS if version not in tls.offered]
    suites = sorted({suite.name for suite in tls.suites(*VERSIONS)} - SUITES)
    curves = sorted(set(tls.scan.curves) - CURVES)
    short = {suite.exchange.bits for suite in tls.suites() if suite.exchange and suite.exchange.kind == "DH"}
    keys = [key for key in tls.scan.keys if key not in KEYS and (key.kind != "RSA" or key.bits < LEAST_BITS)]
    if others:
        found.append(f"offers {', '.join(others)}")
    if missing:
        found.append(f"does not offer {', '.join(missing)}")
    if suites:
        found.append(f"{len(suites)} other suites, such as {suites[0]}")
    if curves:
        found.append(f"other curves: {', '.join(curves)}")
    if short and min(short) < LEAST_BITS:
        found.append(f"Diffie-Hellman of {min(short)} bits")
    if keys:
        found.append(f"a key of {keys[0]}")
    return tuple(found)
