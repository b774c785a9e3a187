"""The words of the lab's command line."""

from __future__ import annotations

import argparse

from lab import campaign, network, promises


def parse(tells: str | None) -> argparse.Namespace:
    """Read them; argparse ends the program for what it does not know."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=tells)
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|releases|down|status|ssh|…")
    commands.add_parser("up", help="build, boot and deploy the reference host")
    commands.add_parser("releases", help="the same on Debian's other releases, beside it")
    commands.add_parser("down", help="take all of it away but the cached base trees")
    commands.add_parser("status", help="tell which part is there; status 1 when one is missing")
    way_in = commands.add_parser("ssh", help="log in to a host as its operator, or run a command there")
    way_in.add_argument("name", nargs="?", default=network.API.name)
    way_in.add_argument("words", nargs=argparse.REMAINDER, metavar="command")
    copying = commands.add_parser("copy", help="boot a fresh copy of the deployed host, for trials")
    copying.add_argument("number", type=int, choices=range(1, len(network.COPIES) + 1))
    campaign.add_options(commands.add_parser("faults", help="put each known defect into the host, and see"))
    for name, told in (
        ("privilege", "compare what root sees with what `cutover sudoers` lets see"),
        ("switch", "rehearse a change of DNS, with a resolver that lags behind"),
    ):
        proven = commands.add_parser(name, help=told)
        proven.add_argument("--copy", type=int, choices=range(1, len(network.COPIES) + 1), default=1, dest="number")
    promises.options(
        proven := commands.add_parser("promises", help="hold what the suite promises of itself against a copy")
    )
    proven.add_argument("--copy", type=int, choices=range(1, len(network.COPIES) + 1), default=1, dest="number")
    commands.add_parser("record", help="put the host's server facts into the demo")
    commands.add_parser(
        "load", help="load a server from two machines with one master, and see what is told when one ends"
    )
    catalogue = commands.add_parser("tls", help="serve bad certificates and TLS settings, and see what the suite says")
    catalogue.add_argument("--only", action="append", default=[], metavar="NAME", help="cases with this in their name")
    return parser.parse_args()
