"""Probes: all I/O. A probe returns facts or raises ProbeError; it never judges.

``probes.dns`` and its like are loaded when they are first named: a run loads no more than it needs, and while others
look already.
"""

from __future__ import annotations

import importlib
import threading
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutover.probes import (
        api as api,
    )
    from cutover.probes import (
        certificate as certificate,
    )
    from cutover.probes import (
        cors as cors,
    )
    from cutover.probes import (
        detours as detours,
    )
    from cutover.probes import (
        dialling as dialling,
    )
    from cutover.probes import (
        dns as dns,
    )
    from cutover.probes import (
        forgeries as forgeries,
    )
    from cutover.probes import (
        http as http,
    )
    from cutover.probes import (
        latency as latency,
    )
    from cutover.probes import (
        load as load,
    )
    from cutover.probes import (
        names as names,
    )
    from cutover.probes import (
        old_server as old_server,
    )
    from cutover.probes import (
        operator as operator,
    )
    from cutover.probes import (
        ports as ports,
    )
    from cutover.probes import (
        private_paths as private_paths,
    )
    from cutover.probes import (
        propagation as propagation,
    )
    from cutover.probes import (
        server as server,
    )
    from cutover.probes import (
        tls as tls,
    )

# Threads that load libraries whose modules import each other may find one of them half made.
_LOADING = threading.RLock()


def __getattr__(name: str) -> ModuleType:
    with _LOADING:
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"no probe is called {name}") from None
