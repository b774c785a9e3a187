"""The lab's command line: ``python -m lab up|releases|down|status|ssh|copy|faults|…``; ``--help`` tells each."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lab import (
    acme,
    arguments,
    base,
    campaign,
    clock,
    database,
    deploy,
    dns,
    host,
    machine,
    matrix,
    network,
    old_server,
    ownership,
    privilege,
    promises,
    statements,
    switch,
)

T = TypeVar("T")

SUITE = "bookworm"
INVENTORY = Path(__file__).with_name("inventory.toml")

DNS = dns.Tree()
REFERENCE = host.Host(network.API)
# The reference host as it was deployed, from which a fault starts.
SNAPSHOT = "deployed"
# Written when the deployment has ended well: a host that merely runs proves nothing.
DEPLOYED = machine.STATE / "deployed"


def step(what: str, do: Callable[[], T]) -> T:
    """Do one step and tell how long it took."""
    print(f"lab: {what} …", end="", flush=True)
    start = time.monotonic()
    try:
        done = do()
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - start:.1f} s", flush=True)
    return done


def up() -> None:
    """Bring the reference host up from whatever is there; a lab that is up stays as it is."""
    if all(parts().values()):
        print("lab: it is up")
        return
    # A half-made lab is of no use: what is left of it goes first.
    down()
    network.require_free_ranges()
    ownership.OWNER.write_text(f"{machine.STATE}\n")
    start = time.monotonic()
    settings = make_settings(network.API.fqdn, deploy.new_password())
    step("network", network.up)
    layers = fresh_debian(SUITE)
    step("name servers and resolvers", DNS.start)
    step("time server", clock.start)
    step("certificate authority", acme.start)
    host.make_operator_key()
    deploy_on(REFERENCE, layers, settings)
    deploy.declare_commit(REFERENCE.root, INVENTORY)
    statements.write(network.API.fqdn)
    DEPLOYED.touch()
    print(f"lab: up in {time.monotonic() - start:.0f} s: https://{network.API.fqdn}/ at {network.API.ipv4}")


def fresh_debian(suite: str) -> list[Path]:
    """The layers of a host of that release before its deployment."""
    tree = step(f"base tree of Debian {suite} (minutes, the first time)", lambda: base.base_tree(suite))
    wheels = step("the application's packages", lambda: base.wheel_layer(suite, tree, deploy.REQUIREMENTS))
    return [wheels, tree]


def deploy_on(server: host.Host, layers: list[Path], settings: deploy.Settings) -> None:
    """Follow the checklist on a fresh Debian with the operator's key in it."""
    step(f"host {server.spec.name}", lambda: server.make(layers))
    step("deployment", lambda: deploy.install(server.root, settings))
    step("boot", server.boot)
    step("certificate, firewall, service", lambda: deploy.start(server, settings))
    step("database", lambda: database.add(server))


def releases() -> None:
    """Bring up the same deployment on Debian's other releases, beside the reference host: lab/releases.toml."""
    require_up()
    for suite, spec in network.RELEASES.items():
        layers = fresh_debian(suite)
        for record in dns.addresses(spec.name, spec):
            DNS.set(record.name, record.type, [record.value])
        deploy_on(host.Host(spec), layers, make_settings(spec.fqdn, deploy.PASSWORD_FILE.read_text().strip()))


def make_settings(domain: str, password: str) -> deploy.Settings:
    """What a deployment is told."""
    return deploy.Settings(
        operator_password=password,
        acme_directory=acme.DIRECTORY_URL,
        acme_ca=acme.API_CERTIFICATE,
        issuing_ca=acme.ROOT_CA,
        domain=domain,
    )


def down() -> None:
    """Take away all that ``up`` made but the cached trees, in whatever state it is."""
    DEPLOYED.unlink(missing_ok=True)
    for spec in (*network.COPIES, *network.RELEASES.values()):
        host.Host(spec).destroy()
    REFERENCE.destroy()
    host.forget(SNAPSHOT)
    old_server.stop()
    acme.stop()
    clock.stop()
    DNS.stop()
    network.down()


def parts() -> dict[str, bool]:
    """Which part of the lab is there."""
    return {
        "network": network.is_up(),
        f"name servers and resolvers {network.ROOT.ipv4} to {network.RESOLVERS[-1].ipv4}": DNS.is_up(),
        f"time server {network.TIME.ipv4}": clock.is_up(),
        f"certificate authority {network.ACME.ipv4}": acme.is_up(),
        f"host {network.API.fqdn} {network.API.ipv4} {network.API.ipv6}": REFERENCE.is_up(),
        "deployment": DEPLOYED.exists(),
    }


def status() -> int:
    """Tell each part; 0 when all are there."""
    found = parts()
    for what, there in found.items():
        print(f"{'up  ' if there else 'down'}  {what}")
    return 0 if all(found.values()) else 1


def ssh(name: str, command: list[str]) -> None:
    """Become the operator's ssh to that host."""
    known = {spec.name: spec for spec in network.HOSTS if spec.namespace == spec.name}
    if name not in known:
        raise machine.Refusal(f"no host {name!r} in the lab; there is {', '.join(known)}")
    argv = host.Host(known[name]).ssh(*command)
    os.execvp(argv[0], argv)


def deployed_layers() -> list[Path]:
    """What a copy of the deployed host stands on; the host itself goes on from there too."""
    # Others who use copies are not to be waited for when all is there.
    with ownership.the_lab(fcntl.LOCK_SH):
        require_up()
        layers = layers_of_the_snapshot()
        if layers[0].exists() and REFERENCE.is_up():
            return layers
    with ownership.the_lab(fcntl.LOCK_EX):
        require_up()
        layers = layers_of_the_snapshot()
        if not layers[0].exists():
            step("snapshot", lambda: REFERENCE.snapshot(SNAPSHOT))
        if not REFERENCE.is_up():
            REFERENCE.create(layers)
            step("host again", REFERENCE.boot)
    return layers


def layers_of_the_snapshot() -> list[Path]:
    """Where the deployed host's layers are, if the snapshot was made."""
    tree = base.base_tree(SUITE)
    return [host.snapshot_layer(SNAPSHOT), base.wheel_layer(SUITE, tree, deploy.REQUIREMENTS), tree]


def copy(number: int) -> None:
    """Boot a fresh copy of the deployed host, for trials."""
    layers = deployed_layers()
    with ownership.the_lab(fcntl.LOCK_SH):
        made = step(f"copy {number}", lambda: matrix.boot_copy(network.COPIES[number - 1], layers))
    print(f"lab: {made.spec.name} is up: --host {network.API.fqdn} {' '.join(matrix.options(made))}")


def on_a_copy(number: int, prove: Callable[[host.Host], bool], operation: int) -> int:
    """Boot a fresh copy for what is proven on it; 0 when it was."""
    layers = deployed_layers()
    with ownership.the_lab(operation):
        made = step(f"copy {number}", lambda: matrix.boot_copy(network.COPIES[number - 1], layers))
        try:
            return 0 if prove(made) else 1
        finally:
            made.destroy()


def require_up() -> None:
    """Refuse what needs the whole lab while a part of it is missing; the host may be between two lives."""
    if missing := [what for what, there in parts().items() if not there and not what.startswith("host")]:
        raise machine.Refusal(f"not up: {', '.join(missing)}; run `python -m lab up` first")


def main() -> int:
    """Read the command line; 2 says that the lab cannot do it, and why, in one line."""
    asked = arguments.parse(__doc__)
    try:
        if asked.command == "faults" and campaign.tell_without_running(asked):
            return 0
        if asked.command == "tls":
            # Needs the suite's own packages, as record does, and neither root nor the rest of the lab.
            from lab.tls.run import run

            return run(asked.only)
        machine.require_machine()
        machine.make_directories()
        match asked.command:
            case "status":
                return status()
            case "ssh":
                ssh(asked.name, asked.words)
            case "record":
                require_up()
                # It needs the suite's own packages: the other commands run on a bare Python.
                from lab import record

                print(f"lab: wrote {record.record()}")
            case "load":
                from lab import load

                with ownership.the_lab(fcntl.LOCK_SH):
                    require_up()
                    return load.prove(base.base_tree(SUITE))
            case "faults":
                return campaign.run(asked, deployed_layers, DNS)
            case "copy":
                copy(asked.number)
            case "privilege":
                return on_a_copy(asked.number, privilege.prove, fcntl.LOCK_SH)
            case "promises":
                return max(on_a_copy(asked.number, one, fcntl.LOCK_SH) for one in promises.chosen(asked))
            case "switch":
                return on_a_copy(asked.number, lambda made: switch.rehearse(made, DNS), fcntl.LOCK_EX)
            case changing:
                with ownership.the_lab(fcntl.LOCK_EX):
                    {"up": up, "releases": releases, "down": down}[changing]()
    except (machine.Refusal, RuntimeError) as refusal:
        print(f"lab: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lab: interrupted; `python -m lab down` takes away what is there", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
