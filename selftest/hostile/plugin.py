"""Of the run itself: where its DNS servers listen, how long a visit may hang, and which checks each layer is about."""

import os

from cutover.probes import query, server

KEPT = {
    "dns": {"dns"},
    "tls": {"certificate", "redirect", "tls_grade"},
    "certificates": {"certificate"},
    "http": {"http", "redirect", "detours", "private_paths", "cors"},
    "api": {"login", "api", "forgeries", "wrong_password", "http"},
    "server": {"server", "afterwards"},
}


def pytest_configure(config):
    query.PORT, query.SECONDS = int(os.environ["HOSTILE_DNS_PORT"]), 1.0
    server.VISIT_SECONDS = 10.0


def pytest_collection_modifyitems(config, items):
    items[:] = [item for item in items if KEPT[layer(item)] & {*item.fixturenames}]


def layer(item):
    return item.callspec.params["target"].label.partition(".")[0]
