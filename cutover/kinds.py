"""What a value of the inventory may look like."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

# testinfra's, as far as they need nothing but a program of the operator's machine.
BACKENDS = ("local", "ssh", "docker", "podman", "kubectl", "openshift", "lxc", "ansible", "salt", "chroot")


def _host_name(name: str) -> str:
    """Accept a DNS host name (RFC 1123 section 2.1), in lower case and without the root's dot."""
    name = name.rstrip(".").lower()
    label = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
    if len(name) > 253 or not re.fullmatch(rf"{label}(\.{label})*", name) or re.fullmatch(r"[\d.]+", name):
        raise ValueError("expected a DNS host name such as api.example.com")
    return name


def _path(path: str) -> str:
    """Accept the path of a URL on the target."""
    if not re.fullmatch(r"/(?!/)[!-~]*", path):
        raise ValueError("expected a path that starts with one / such as /api/v1/knowledge")
    return path


def _way_in(way: str) -> str:
    """Accept a testinfra host spec that names its backend."""
    url = urlsplit(way)
    if url.scheme not in BACKENDS or "://" not in way or (url.scheme != "local" and not url.netloc):
        raise ValueError("expected a way in such as ssh://ops@api.example.com, local:// or docker://NAME")
    if url.password:
        raise ValueError("a password does not belong in an inventory; use a key or the ssh agent")
    host = url.netloc.rpartition("@")[2]
    port = re.search(r":(\d+)$", host)
    if (
        host.startswith("-")
        or not re.fullmatch(r"[\w.@:%\[\]-]*", url.netloc)
        or (port and not 0 < int(port[1]) <= 65535)
    ):
        raise ValueError("expected user@host or user@host:port after ://")
    return way


HostName = Annotated[str, AfterValidator(_host_name)]
UrlPath = Annotated[str, AfterValidator(_path)]
WayIn = Annotated[str, AfterValidator(_way_in)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Directory = Annotated[str, Field(pattern=r"^/[\w@%+=:,./-]*$")]
Name = Annotated[str, Field(pattern=r"^[\w@-][\w@.-]*$")]
