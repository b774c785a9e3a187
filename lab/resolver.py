"""The lab's resolvers: unbound, which follows the delegations from the lab's own root and validates signatures."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from lab.machine import IPV4_RANGE, IPV6_RANGE, STATE, Daemon, Refusal, call, wait_for
from lab.network import HostSpec, inside

# Numbers of the protocol (RFC 1035): types, the class, the flag by which a resolver goes and asks others.
_A, _AAAA, _INTERNET, _RECURSE = 1, 28, 1, 0x0100


@dataclass(frozen=True)
class Resolver:
    """One unbound."""

    spec: HostSpec

    @property
    def _daemon(self) -> Daemon:
        return Daemon(f"dns-{self.spec.name}")

    @property
    def _directory(self) -> Path:
        return STATE / "dns" / self.spec.name

    def start(self, root: HostSpec, root_name: str, anchors: list[str]) -> None:
        """Resolve from that root on; returns once it answers."""
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "root.hints").write_text(
            f". 3600 IN NS {root_name}\n{root_name} 3600 IN A {root.ipv4}\n{root_name} 3600 IN AAAA {root.ipv6}\n"
        )
        (self._directory / "unbound.conf").write_text(self._config(anchors))
        self._daemon.start([*inside(self.spec.namespace), "unbound", "-d", "-c", self._directory / "unbound.conf"])
        wait_for(f"resolver {self.spec.name}", self._answers, 15, 0.05)

    def stop(self) -> None:
        self._daemon.stop()

    def is_up(self) -> bool:
        return self._daemon.pid is not None

    def forget(self) -> None:
        """Empty its cache, what it thinks of name servers too."""
        self._control("reload")

    def ask(self, name: str) -> None:
        """Make it look a name's addresses up, so that its cache holds the answer."""
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        for kind in (_A, _AAAA):
            query = struct.pack("!6H", kind, _RECURSE, 1, 0, 0, 0) + labels + struct.pack("!x2H", kind, _INTERNET)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.sendto(query, (self.spec.ipv4, 53))
                client.recv(512)

    def _answers(self) -> bool:
        self._daemon.require()
        try:
            return "is running" in self._control("status")
        except Refusal:
            return False

    def _control(self, *words: str) -> str:
        return call(["unbound-control", "-c", self._directory / "unbound.conf", *words], timeout=15)

    def _config(self, anchors: list[str]) -> str:
        here = self._directory
        rows = {
            "directory": f'"{here}"',
            "chroot": '""',
            "username": '""',
            "pidfile": '""',
            "use-syslog": "no",
            "logfile": '""',
            "root-hints": '"root.hints"',
            # Unbound itself answers for test, unless it is told that here is one.
            "local-zone": '"test." nodefault',
            # It would wait an hour before it minds that a signature has ended.
            "val-sig-skew-min": "0",
            "val-sig-skew-max": "0",
        }
        many = {
            "interface": self.spec.addresses,
            "access-control": [f"{network} allow" for network in (IPV4_RANGE, IPV6_RANGE)],
            "trust-anchor": [f'". DS {anchor}"' for anchor in anchors],
        }
        lines = [f"    {key}: {value}" for key, value in rows.items()]
        lines += [f"    {key}: {value}" for key, values in many.items() for value in values]
        control = f'    control-enable: yes\n    control-interface: "{here}/unbound.sock"\n    control-use-cert: no\n'
        return "server:\n" + "\n".join(lines) + f"\nremote-control:\n{control}"
