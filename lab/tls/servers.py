"""Serves the cases: one nginx for all that it can, a process of its own for each other. All end with the block."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dh

from lab.machine import Refusal, call
from lab.tls.authority import Authority
from lab.tls.cases import Case, Yesterday

TOOLS = {"nginx": "nginx-light", "openssl": "openssl"}
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # where nginx is, and an ordinary user does not look
READY_SECONDS = 20.0

_SITE = """
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {chain}; ssl_certificate_key {key};
    ssl_protocols {protocols}; ssl_ciphers {ciphers};
    {lines}
    {headers}
    return 200;
  }}
"""
_NGINX = """daemon off; pid nginx.pid; worker_processes 2; error_log error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{sites}
}}
"""
# Debian's OpenSSL refuses short keys and broken hashes before a server's own ciphers say otherwise.
_LENIENT = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = lenient
[lenient]
MinProtocol = None
CipherString = DEFAULT:@SECLEVEL=0
"""


def require_tools() -> None:
    """Refuse, in one line, a machine without the servers."""
    missing = {f"{tool} ({package})" for tool, package in TOOLS.items() if shutil.which(tool, path=PATH) is None}
    if missing:
        raise Refusal(f"missing tools, with their Debian packages: {', '.join(sorted(missing))}")


@contextmanager
def serving(cases: Sequence[Case], folder: Path) -> Iterator[dict[str, int]]:
    """Serve all of them; yields the port of each by its name."""
    authority = Authority(folder)
    (folder / "openssl.cnf").write_text(_LENIENT)
    for bits in (512, 1024, 2048):
        call(["openssl", "dhparam", "-dsaparam", "-out", folder / f"dh{bits}.pem", str(bits)])
    ports = free_ports(cases)
    with ExitStack() as running:
        by_nginx = [case for case in cases if not case.yesterday]
        commands = {
            case.name: tlslite(case.yesterday, case.hsts, ports[case.name], authority)
            for case in cases
            if case.yesterday
        }
        if by_nginx:
            write_nginx(by_nginx, ports, authority)
            commands["nginx"] = ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
        for name, argv in commands.items():
            running.enter_context(process(argv, folder / f"{name}.log"))
        for name, port in ports.items():
            wait_for_port(name, port, folder)
        yield ports


def free_ports(cases: Sequence[Case]) -> dict[str, int]:
    """A free port of loopback for each case, no two the same."""
    with ExitStack() as held:
        sockets = {case.name: held.enter_context(socket.create_server(("127.0.0.1", 0))) for case in cases}
        return {name: bound.getsockname()[1] for name, bound in sockets.items()}


def write_nginx(cases: Sequence[Case], ports: dict[str, int], authority: Authority) -> None:
    """One server of nginx for each case."""
    sites = [
        _SITE.format(
            port=ports[case.name],
            chain=authority.chain(case.chain),
            key=authority.key(case.chain),
            protocols=case.protocols,
            ciphers=case.ciphers,
            lines=case.lines,
            headers="\n    ".join(f'add_header Strict-Transport-Security "{value}" always;' for value in case.hsts),
        )
        for case in cases
    ]
    (authority.folder / "nginx.conf").write_text(_NGINX.format(sites="".join(sites)))


def tlslite(served: Yesterday, hsts: tuple[str, ...], port: int, authority: Authority) -> list[str]:
    """The server of a case that nginx cannot serve; it signs with RSA."""
    settings = {
        "port": port,
        "chain": str(authority.chain("rsa")),
        "key": str(authority.key("rsa")),
        "versions": served.versions,
        "ciphers": served.ciphers,
        "exchanges": served.exchanges,
        "dh": diffie_hellman(authority.folder / served.dh) if served.dh else None,
        "hsts": hsts,
    }
    return [sys.executable, "-m", "lab.tls.yesterday", json.dumps(settings)]


def diffie_hellman(file: Path) -> tuple[int, int]:
    """Generator and prime."""
    parameters = serialization.load_pem_parameters(file.read_bytes())
    assert isinstance(parameters, dh.DHParameters)
    numbers = parameters.parameter_numbers()
    return numbers.g, numbers.p


@contextmanager
def process(argv: list[str], log: Path) -> Iterator[None]:
    """A program that runs as long as the block."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, "PATH": PATH, "OPENSSL_CONF": str(log.with_name("openssl.cnf"))},
            start_new_session=True,
        ) as started,
    ):
        try:
            yield
        finally:
            started.terminate()
            with suppress(subprocess.TimeoutExpired):
                started.wait(5)
            started.kill()


def wait_for_port(name: str, port: int, folder: Path) -> None:
    """Wait until somebody listens; a Refusal with what the server said when nobody does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    said = "".join(
        file.read_text(errors="replace") for file in (folder / f"{name}.log", folder / "error.log") if file.exists()
    )
    raise Refusal(f"{name} is not served: {said.strip().rpartition(chr(10))[2] or 'no reason'}")
