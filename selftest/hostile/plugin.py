"""Of the run itself: where its DNS servers listen, how long a visit may hang, and which checks each layer is about."""

import os

from cutover.probes import query, server

KEPT = {
    "dns": {"dns"},
    "tls": {"certificate", "redirect", "tls_grade"},
    "certificates": {"certificate"},
    "http": {"http", "redirect", "detours", "private_paths", "cors"},
    "api": {"login", "api", "forgeries", "wrong_password", "http"},
    # Some of each kind: all two hundred checks of seventeen servers would take minutes, and tell the same causes.
    "server": {"system", "resources", "storage", "software", "memory", "secret_keys", "reboot", "nginx", "monitors"},
}


def pytest_configure(config):
    query.PORT, query.SECONDS = int(os.environ["HOSTILE_DNS_PORT"]), 1.0
    server.VISIT_SECONDS = 10.0


def pytest_collection_modifyitems(config, items):
    items[:] = [item for item in items if kept(item) & {*item.fixturenames}]


def kept(item):
    """What sends 16 MB, or a second's worth of bytes, with each answer is asked for the few surfaces only."""
    layer, _, name = item.callspec.params["target"].label.partition(".")
    return {"http"} if name in ("endless-body", "dripping-body") else KEPT[layer]
