"""An old server at the operator's own place: the reference host behind a certificate of another name more."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from lab import authority
from lab.machine import STATE, Daemon, Refusal, wait_for
from lab.network import API, OPERATOR

_DAEMON = Daemon("old-server")
_PLACE = STATE / "old-server"

_CONFIGURATION = """
daemon off;
pid {place}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  server {{
    listen {ipv4}:443 ssl;
    listen [{ipv6}]:443 ssl;
    ssl_certificate {place}/certificate.pem;
    ssl_certificate_key {place}/key.pem;
    location / {{
      proxy_pass https://{reference};
      proxy_set_header Host $host;
      proxy_ssl_name {name};
      proxy_ssl_server_name on;
    }}
  }}
}}
"""


@contextlib.contextmanager
def serving(names: list[str]) -> Iterator[None]:
    """Answer as the reference host does, with a certificate for these names."""
    nginx = shutil.which("nginx")
    if nginx is None:
        raise Refusal("missing tools, with their Debian packages: nginx (nginx-light)")
    stop()
    pair = authority.issue(names, (-1, 89))
    _PLACE.mkdir(mode=0o700, exist_ok=True)
    (_PLACE / "certificate.pem").write_text(pair.certificate)
    (_PLACE / "key.pem").write_text(pair.key)
    values = {"place": _PLACE, "ipv4": OPERATOR.ipv4, "ipv6": OPERATOR.ipv6, "reference": API.ipv4, "name": API.fqdn}
    (_PLACE / "nginx.conf").write_text(_CONFIGURATION.format(**values))
    _DAEMON.start([nginx, "-e", "stderr", "-c", _PLACE / "nginx.conf"])
    try:
        wait_for("the old server", lambda: bool(_DAEMON.require()) and (_PLACE / "nginx.pid").exists(), 10)
        yield
    finally:
        stop()


def stop() -> None:
    """End it, if it runs, or was left behind."""
    _DAEMON.stop()
    shutil.rmtree(_PLACE, ignore_errors=True)
