"""The pytest plugin: options, targets, and one test for each target × check."""

from __future__ import annotations

import base64
import contextlib
import gc
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

# What is imported and collected stays: to look through it again and again for garbage is a tenth of the start.
gc.disable()

from cutover import fixtures_host, workers
from cutover import targets as declarations
from cutover.aim import Aim
from cutover.checklist import catalogue
from cutover.demo import SERVER_FACTS, SERVER_PROMISES, running
from cutover.errors import ProbeError, UsageError
from cutover.exceptions import Exceptions, read_attestations, read_waivers
from cutover.fixtures import *  # noqa: F403  (pytest finds fixtures in a plugin's namespace)
from cutover.fixtures_outside import *  # noqa: F403
from cutover.inventory import Target
from cutover.probes.survey import Recorded
from cutover.verification import Verification

DEMO = "demo"
NO_TARGET = "no target: name one with --host api.example.com, --inventory FILE, or try --host demo"
OPENSSL_CONF = "OPENSSL_CONF is set, which changes the TLS that is spoken from here: unset it, or run ./verify"
OPTIMIZED = "PYTHONOPTIMIZE or -O is set, under which an assert may judge nothing: unset it, or run ./verify"
VERIFICATION = pytest.StashKey[Verification]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options, in one group."""
    group = parser.getgroup("cutover", "cutover: verify production hosts (`cutover --help` has what goes with it)")
    group.addoption(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="host to verify by its public name, or a target of the inventory, or the built-in 'demo'; repeatable "
        "(default: all targets of the inventory)",
    )
    group.addoption(
        "--address",
        action="append",
        default=[],
        metavar="IP",
        help="dial this address, name unchanged: the gate before a DNS change; repeatable "
        "(default: the inventory's, or what DNS says)",
    )
    group.addoption(
        "--ssh",
        metavar="USER@HOST[:PORT]",
        help="the way into the server (default: the inventory's; without one its inside is not reviewed)",
    )
    group.addoption(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="TOML file of targets and their promises (default: none; `cutover init` writes one)",
    )
    group.addoption(
        "--wait-dns",
        metavar="TIME",
        help="first wait, at most so long (90s, 30m, 2h), until DNS gives the declared addresses everywhere "
        "(default: no waiting)",
    )
    group.addoption(
        "--gate",
        action="store_true",
        help="exit with 0 only if every mandatory box passed, is waived or is attested; else 1 failed, 8 could not "
        "look, 9 not reviewed (default: 0 unless something failed or could not be looked at)",
    )
    group.addoption(
        "--waivers",
        type=Path,
        metavar="FILE",
        help="failures that somebody answers for until a day (default: waivers.toml beside the inventory)",
    )
    group.addoption(
        "--attestations",
        type=Path,
        metavar="FILE",
        help="what people state of what no program can see; `cutover attest` writes it "
        "(default: attestations.toml beside the inventory)",
    )
    group.addoption(
        "--allow-active",
        action="store_true",
        help="let checks do more than look: certbot renew --dry-run, which asks Let's Encrypt (default: look only)",
    )
    group.addoption(
        "--load",
        action="store_true",
        help="put the load on the host that the inventory declares as [target.load], beside the checklist's own "
        "(default: the checklist's alone)",
    )
    group.addoption(
        "--strict-advice",
        action="store_true",
        help="let the advice beyond the checklist fail the run as the checklist does (default: it fails no run)",
    )
    group.addoption(
        "--facts",
        type=Path,
        metavar="RUN",
        help="judge the facts of an earlier run's folder again, offline (default: look at the targets)",
    )
    group.addoption(
        "--sign", type=Path, metavar="KEY", help="sign the run's evidence with this ssh key (default: not signed)"
    )
    group.addoption(
        "--lang", choices=("ja", "en"), help="language of report.html and report.md (default: that of the locale)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the targets; a mistake in them ends the run with one line and status 4."""
    config.addinivalue_line("markers", "control(id): the checklist's box that this check serves")
    try:
        aim = _aim(config)
    except (UsageError, ProbeError) as error:
        raise pytest.UsageError(str(error)) from None
    if aim:
        verification = Verification(config, aim)
        config.stash[VERIFICATION] = verification
        config.pluginmanager.register(verification, "cutover-verification")
        config.pluginmanager.register(workers, "cutover-workers")
        # testinfra's own `host` would be this machine; whoever comes last has the name.
        config.pluginmanager.register(fixtures_host, "cutover-host")


def _aim(config: pytest.Config) -> Aim | None:
    """What the run is about; None when nobody named a target."""
    if workerinput := getattr(config, "workerinput", None):
        told = workerinput.get("cutover")
        # Written by the controller of this very run, over a pipe between the two.
        return cast(Aim, pickle.loads(base64.b64decode(told))) if told else None  # noqa: S301
    aim = _again(config) if config.option.facts else _anew(config)
    if aim and config.getoption("hosts", None):
        raise UsageError("--hosts is testinfra's and names no target: say the way in with --ssh, or in an inventory")
    return _with_exceptions(config, aim) if aim else None


def _again(config: pytest.Config) -> Aim:
    option = config.option
    if option.host or option.inventory or option.wait_dns or option.allow_active:
        raise UsageError("--facts brings its own targets and looks at nothing: no other option names any")
    return Aim.again(option.facts, config.rootpath / "reports")


def _with_exceptions(config: pytest.Config, aim: Aim) -> Aim:
    """The aim with what people answer for: the files that were named, or those that lie beside the inventory."""
    inputs: dict[str, Path] = {}
    if inventory := config.option.inventory:
        inputs["inventory"] = inventory
    for name in ("waivers", "attestations"):
        beside = inventory.with_name(f"{name}.toml") if inventory else None
        if file := config.getoption(name) or (beside if beside and beside.exists() else None):
            inputs[name] = file
    exceptions = Exceptions(
        aim.started.date(),
        read_waivers(inputs["waivers"]) if "waivers" in inputs else (),
        read_attestations(inputs["attestations"]) if "attestations" in inputs else (),
    )
    return replace(aim, exceptions=exceptions, inputs=inputs)


def _anew(config: pytest.Config) -> Aim | None:
    targets, recorded = _targets(config)
    if targets:
        _require_plain_surroundings()
    if config.option.allow_active:
        targets = tuple(declarations.with_active_probes(target) for target in targets)
    if config.option.load:
        targets = declarations.with_load(targets)
    seconds = 0.0
    if config.option.wait_dns is not None:
        seconds = declarations.duration(config.option.wait_dns)
        if recorded:
            raise UsageError("--host demo stands in no DNS: --wait-dns does not go with it")
        targets = tuple(map(declarations.after_the_change, targets))
    if not targets:
        return None
    return replace(Aim.at(targets, recorded, config.rootpath / "reports"), wait_dns=seconds)


def _require_plain_surroundings() -> None:
    """Refuse what of the operator's environment would change verdicts, and cannot be undone any more."""
    if os.environ.get("OPENSSL_CONF", os.devnull) not in ("", os.devnull):
        raise UsageError(OPENSSL_CONF)
    if not __debug__:
        raise UsageError(OPTIMIZED)


def _targets(config: pytest.Config) -> tuple[tuple[Target, ...], dict[str, Recorded]]:
    """The declared targets, and what stands in for the server of those that have none."""
    hosts: list[str] = config.option.host
    addresses: list[str] = config.option.address
    ssh: str | None = config.option.ssh
    if (addresses or ssh is not None) and len(hosts) != 1:
        raise UsageError("--address and --ssh speak of one host: name it with exactly one --host")
    if config.option.inventory:
        targets = declarations.chosen(config.option.inventory, hosts)
        return tuple(declarations.overridden(target, addresses, ssh) for target in targets), {}
    targets = tuple(declarations.from_options(host, addresses, ssh) for host in hosts if host != DEMO)
    if DEMO not in hosts:
        return targets, {}
    if addresses or ssh is not None:
        raise UsageError("--host demo brings its own site: --address and --ssh do not go with it")
    site = contextlib.ExitStack()
    demo = site.enter_context(running())
    config.add_cleanup(site.close)
    (promised,) = declarations.load(SERVER_PROMISES)
    return (*targets, demo), {demo.label: Recorded(SERVER_FACTS, promised)}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each target, or for each address of each target when the check looks from outside."""
    if "peer" not in metafunc.fixturenames and "target" not in metafunc.fixturenames:
        return
    verification = metafunc.config.stash.get(VERIFICATION, None)
    peers = verification.peers if verification else {}
    if "peer" in metafunc.fixturenames:
        pairs = [pytest.param(peer.target, peer, id=peer.label) for of in peers.values() for peer in of]
        nobody = [pytest.param(None, None, id="no target")]
        metafunc.parametrize("target, peer", pairs or nobody, indirect=True, scope="session")
    else:
        recorded = verification.recorded if verification else {}
        targets = [
            pytest.param(recorded[label].promised if label in recorded else of[0].target, id=label)
            for label, of in peers.items()
        ]
        metafunc.parametrize("target", targets or [pytest.param(None, id="no target")], indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """From here on there may be garbage; what was collected is none. Also where -n leaves collecting to others."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No check without a target, and none for a box that the checklist does not have."""
    for item in items:
        marker = item.get_closest_marker("control")
        if marker is None:
            continue
        if VERIFICATION not in config.stash:
            raise pytest.UsageError(NO_TARGET)
        try:
            catalogue()[str(next(iter(marker.args), ""))]
        except UsageError as error:
            raise pytest.UsageError(f"{item.nodeid.partition('[')[0]}: {error}") from None
