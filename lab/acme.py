"""The lab's certificate authority: Pebble, a real ACME server with a fresh root at every start."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from lab.machine import STATE, Daemon, call, wait_for
from lab.network import ACME, RESOLVERS, inside

DIRECTORY_URL = f"https://{ACME.fqdn}:14000/dir"
# The root that issued certificates lead to: what the inventory declares as private CA.
ROOT_CA = STATE / "ca.pem"
# What Pebble itself serves its API with; nobody but certbot trusts it.
API_CERTIFICATE = STATE / "acme-api.pem"

# A public authority's lifetime, for checks that judge the part of it that is left.
CERTIFICATE_SECONDS = 90 * 24 * 3600

_DAEMON = Daemon("acme")
_KEY = STATE / "acme-api.key"
_ENVIRONMENT = {
    # Pebble waits at random and refuses good nonces on purpose; that tests clients, here it only costs time.
    "PEBBLE_VA_NOSLEEP": "1",
    "PEBBLE_WFE_NONCEREJECT": "0",
    # Every order is validated for real, as by a public authority.
    "PEBBLE_AUTHZREUSE": "0",
}


def start() -> None:
    """Serve ACME, and write the new root to ``lab/state/ca.pem``."""
    _make_api_certificate()
    config = STATE / "acme.json"
    config.write_text(json.dumps({"pebble": _settings()}, indent=2))
    server: list[str | Path] = ["pebble", "-config", config, "-dnsserver", f"{RESOLVERS[0].ipv4}:53"]
    _DAEMON.start([*inside(ACME.namespace), *server], _ENVIRONMENT)
    wait_for("Pebble's root certificate", _fetch_root, 15)


def stop() -> None:
    _DAEMON.stop()


def is_up() -> bool:
    return _DAEMON.pid is not None


def _settings() -> dict[str, object]:
    return {
        "listenAddress": f"{ACME.ipv4}:14000",
        "managementListenAddress": f"{ACME.ipv4}:15000",
        "certificate": str(API_CERTIFICATE),
        "privateKey": str(_KEY),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "certificateValidityPeriod": CERTIFICATE_SECONDS,
    }


def _make_api_certificate() -> None:
    names = ",".join([f"DNS:{ACME.fqdn}", *(f"IP:{address}" for address in ACME.addresses)])
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(_KEY)]
    subject = ["-subj", f"/CN={ACME.fqdn}", "-addext", f"subjectAltName={names}", "-days", "30"]
    call(["openssl", "req", "-x509", *key, *subject, "-out", str(API_CERTIFICATE)])


def _fetch_root() -> bool:
    _DAEMON.require()
    opener = urllib.request.build_opener(
        # The machine's proxy has no way to the bridge.
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(API_CERTIFICATE))),
    )
    try:
        with opener.open(f"https://{ACME.ipv4}:15000/roots/0", timeout=5) as answer:
            root: bytes = answer.read()
    except (urllib.error.URLError, OSError):
        return False
    partial = Path(f"{ROOT_CA}.partial")
    partial.write_bytes(root)
    partial.rename(ROOT_CA)
    return True
