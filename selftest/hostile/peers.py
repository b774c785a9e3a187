"""All peers of the tables at once on loopback, and the inventory that leads a run to them."""

import contextlib
import json
import sys

from selftest.application import OWN, healthy, length
from selftest.application import ROOT as APPLICATIONS
from selftest.dns_servers import Servers, World
from selftest.hostile import api, dns, http, server, tls
from selftest.hostile.table import VARIABLE, Case
from selftest.pki import head_of, server_context, tcp
from selftest.rows import HOST, ROOT

CHAINS = {name: Case(name, None, *expected) for name, expected in tls.OF_CHAINS.items()}
LAYERS = {
    "dns": dns.DNS,
    "tls": tls.TLS,
    "certificates": CHAINS,
    "http": http.HTTP,
    "api": api.API,
    "server": server.SERVER,
}
CASES = {f"{layer}.{name}": case for layer, table in LAYERS.items() for name, case in table.items()}


def limits_of(case):
    """Short where the case is about waiting; of the others, a machine that is busy must not cut off the answer."""
    waits = case.name in ("silent", "dripping-head", "dripping-body", "tls-silent", "dripping-handshake")
    return {"connect_seconds": 5.0, "answer_seconds": 1.0 if waits else 10.0}


def behind_tls(context, serve):
    """The peer of a case, once TLS is agreed on and a request's head has come."""

    def secured(client):
        with context.wrap_socket(client, server_side=True) as secure:
            head_of(secure)
            serve(secure)

    return secured


def in_plain(serve):
    def plainly(client):
        head_of(client)
        serve(client)

    return plainly


def application(context, change):
    """One that answers by path, with the answers of a case."""
    answers = healthy()
    change(answers)

    def serve(client):
        with context.wrap_socket(client, server_side=True) as secure:
            while head := head_of(secure):
                while len(head.partition(b"\r\n\r\n")[2]) < length(head):
                    if not (block := secure.recv(4096)):
                        return  # it went away
                    head += block
                secure.sendall(answers.get(head.split()[1].decode(), answers[""]))

    return serve


@contextlib.contextmanager
def running(folder):
    """Start every peer; yields the inventory's file and the port of the DNS servers."""
    (folder / "root.pem").write_bytes(APPLICATIONS.pem)
    (folder / "tls.pem").write_bytes(tls.ROOT.pem)
    context, chains = server_context(folder, [OWN]), tls.chains()
    with contextlib.ExitStack() as stack:
        servers = Servers()
        stack.callback(servers.close)
        rows = []

        def port(serve):
            return stack.enter_context(tcp(serve))

        for number, (label, case) in enumerate(CASES.items(), 1):
            layer = label.partition(".")[0]
            row = {"host": HOST, "name": label, "addresses": ["127.0.0.1"], "ca": "root.pem", "limits": limits_of(case)}
            if layer == "dns":
                world = World(servers, f"z{number}.com", f"127.3.{number}")
                case.serve(world)
                world.open()
                row |= {"host": world.host.rstrip("."), "resolvers": [world.resolver], "addresses": ["192.0.2.1"]}
                row |= {"caa_issuer": "letsencrypt.org"}
            elif layer in ("tls", "certificates"):
                serve = case.serve or tls.presenting(folder, chains[case.name])
                row |= {"ca": "tls.pem", "ports": {"https": port(serve), "http": port(in_plain(http.hangs_up))}}
            elif layer == "http":
                https, plain = port(behind_tls(context, case.serve)), port(in_plain(case.serve))
                row |= {"ports": {"https": https, "http": plain}}
            elif layer == "api":
                row |= {"ports": {"https": port(application(context, case.serve))}}
                row |= {"credentials": {"password_env": VARIABLE}}
            else:
                row |= {"server": {"way_in": f"ssh://{case.name}.invalid"}, "database": {}, "metrics": {}}
            rows.append(row)
        file = folder / "inventory.toml"
        file.write_text("".join(f"[[target]]\n{''.join(map(_line, row.items()))}\n" for row in rows), "utf-8")
        _ssh(folder)
        yield file, servers.port


def _line(entry):
    key, value = entry
    told = value if not isinstance(value, dict) else None
    if told is not None:
        return f"{key} = {json.dumps(told)}\n"
    return f"{key} = {{ {', '.join(f'{name} = {json.dumps(each)}' for name, each in value.items())} }}\n"


def _ssh(folder):
    """A program ``ssh`` that is the host."""
    programs = folder / "bin"
    programs.mkdir()
    file = programs / "ssh"
    file.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m selftest.hostile.server "$@"\n', "utf-8")
    file.chmod(0o755)
