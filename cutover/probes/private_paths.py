"""Asks, as any scanner does within the first hour, for the files that a web server must not hand out."""

from __future__ import annotations

import re
import secrets

from cutover.facts.http import Exchange
from cutover.facts.private_paths import Found, PrivatePaths
from cutover.inventory import Peer
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler

# What the checklist puts on the host, where a root or alias that is one level too high would show it.
PRIVATE = (
    "/.env",
    "/.env.production",
    "/backend/.env.production",
    "/static/.env.production",
    # An alias without its last slash lets one directory up (nginx).
    "/static../.env.production",
    "/static../backup.sh",
    "/.git/HEAD",
    "/.git/config",
    "/backend/.git/config",
    "/static../../.git/HEAD",
    "/users.json",
    "/data/users.json",
    "/backup.sh",
    "/backups/",
    "/logs/app.log",
    "/run_production.sh",
    "/wsgi.py",
    "/server-status",
    "/nginx_status",
    # Werkzeug's debugger, and a file that it serves from any page.
    "/console",
    "/?__debugger__=yes&cmd=resource&f=debugger.js",
)
LISTED = ("/", "/static/")
_LISTING = re.compile(r"(?i)<title>\s*(index of|directory listing)|<h1>\s*index of")


def probe(peer: Peer) -> PrivatePaths:
    """Ask for each of them once."""
    reach(peer, peer.target.ports.https)
    with Dialler(peer) as dialler:
        # Some applications answer every unknown path with their front page, which gives nothing away.
        missing = dialler.ask(f"/cutover-{secrets.token_hex(8)}").exchange
        home = dialler.ask(peer.target.endpoints.root).exchange
        answers = {path: dialler.ask(path).exchange for path in (*PRIVATE, *LISTED)}
    return PrivatePaths({path: _found(path, answer, missing, home) for path, answer in answers.items()})


def _found(path: str, answer: Exchange, missing: Exchange, home: Exchange) -> Found:
    like = [missing, home] if "?" in path else [missing]
    return Found(
        url=answer.url,
        at=answer.at,
        status=answer.status,
        content_type=answer.content_type,
        length=answer.length,
        like_missing=any(_form(answer) == _form(other) for other in like),
        listing=bool(_LISTING.search(answer.body)),
    )


def _form(answer: Exchange) -> tuple[int, str, int]:
    return answer.status, answer.content_type, answer.length
