"""A second authority of the lab's, whose key is at hand: it issues what no ACME server would.

Who trusts it is told by inventories of its own, which otherwise promise what the lab's does.
"""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab import acme
from lab.machine import STATE, call
from lab.network import OPERATOR

INVENTORY = STATE / "second-authority.toml"
# The same, with an old server at the operator's own place.
INVENTORY_OF_A_MOVE = STATE / "second-authority-move.toml"

_ROOT, _KEY = STATE / "second-authority.pem", STATE / "second-authority.key"
BOTH = STATE / "both-authorities.pem"
_LAB = Path(__file__).with_name("inventory.toml")

_CONFIGURATION = """
[ca]
default_ca = lab
[lab]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
policy = anything
copy_extensions = copy
default_md = sha256
[anything]
commonName = supplied
"""
_TIME = "%Y%m%d%H%M%SZ"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


def prepare() -> None:
    """Make the root, if there is none, and the inventories that trust it beside the ACME server's."""
    with (STATE / "second-authority.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _ROOT.exists():
            key: list[str | Path] = [
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-keyout",
                _KEY,
            ]
            call(["openssl", "req", "-x509", *key, "-subj", "/CN=Second authority", "-days", "3650", "-out", _ROOT])
        _write(BOTH, acme.ROOT_CA.read_text() + _ROOT.read_text())
        # Paths in an inventory are read from its own folder.
        text = _LAB.read_text("utf-8").replace('"state/ca.pem"', f'"{BOTH.name}"').replace('"state/', '"')
        _write(INVENTORY, text)
        old = ", ".join(f'"{address}"' for address in OPERATOR.addresses)
        lines = [f"old_server = [{old}]" if line.startswith("old_server") else line for line in text.splitlines()]
        _write(INVENTORY_OF_A_MOVE, "\n".join(lines) + "\n")


def issue(names: Sequence[str], days: tuple[float, float], *, key: Sequence[str] = (), digest: str = "sha256") -> Pair:
    """A certificate for these names, valid from and until so many days from now; ``key`` in the words of openssl."""
    prepare()
    now = datetime.now(UTC)
    start, end = ((now + timedelta(days=day)).strftime(_TIME) for day in days)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(_CONFIGURATION.format(folder=folder))
        made = key or ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        subject = ["-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={','.join(f'DNS:{name}' for name in names)}"]
        request = ["openssl", "req", "-new", "-nodes", "-newkey", *made, *subject]
        call([*request, "-keyout", folder / "key.pem", "-out", folder / "request.pem"])
        signing: list[str | Path] = ["openssl", "ca", "-batch", "-notext", "-config", folder / "ca.cnf"]
        signing += ["-cert", _ROOT, "-keyfile", _KEY]
        dates = ["-startdate", start, "-enddate", end, "-md", digest]
        call([*signing, *dates, "-in", folder / "request.pem", "-out", folder / "certificate.pem"])
        return Pair((folder / "certificate.pem").read_text(), (folder / "key.pem").read_text())


def _write(path: Path, text: str) -> None:
    """Whole or not at all: another fault's run may be reading it."""
    partial = Path(f"{path}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
