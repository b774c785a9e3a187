"""Secrets that lie about where everybody on the server can read them (advice beyond the checklist)."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.environment import COPIES
from cutover.facts.evidence import Command, Evidence, Outputs

PLACES = "/home /root /tmp /var/tmp /var/www /var/backups /srv /opt /etc"

# What others cannot enter they cannot read in either; packages bring the private keys of their own tests.
_NOT_IN = (
    "-type d '(' ! -perm -o=x -o -name .git -o -name venv -o -name .venv -o -name site-packages -o -name node_modules"
    " ')' -prune"
)
_READABLE = "-type f -size +0 -perm -o=r"

# By name alone, by what a private key begins with, and by what only dumps with data in them have.
_SECRETS = f"""\
root find {PLACES} -xdev -maxdepth 5 {_NOT_IN} -o \
  {_READABLE} '(' \
  '(' -name .git-credentials -o -name .netrc -o -name .pgpass -o -name '*.sql.gz' ')' -print -o \
  '(' -name '*.pem' -o -name '*.key' -o -name 'id_*' ')' -size -64k \
    -exec grep -lsE -e '-----BEGIN.((RSA|EC|DSA|OPENSSH).)?PRIVATE.KEY' {{}} + -o \
  '(' -name '*.sql' -o -name '*.dump' -o -name '*.backup' ')' \
    -exec grep -lsaE '^(COPY.*.FROM.stdin;|PGDMP|--.(MySQL|MariaDB).dump)' {{}} + ')' | head -n 20 | sed 's/^/file /'
"""

# In these three, copies of the environment file are looked for by section 5.
_COPIES = COPIES % (
    f"{PLACES} -xdev -maxdepth 5 '(' -path \"$CHECKOUT\" -o -path \"$APP_DIR\" -o -path /var/www ')' -prune -o "
    f"{_NOT_IN} -o {_READABLE} '(' -name '*env*' -o -name '*.bak' -o -name '*.old' -o -name '*.txt' ')'"
)

COMMANDS = {"readable-secrets": Command(_SECRETS + _COPIES, seconds=20)}


@dataclass(frozen=True, slots=True)
class ReadableSecrets:
    """Paths of credentials, private keys, dumps and copies of the environment file's keys, 20 of each kind at most."""

    paths: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> ReadableSecrets:
        """Read what was found; the contents stay on the server."""
        lines = [line.partition(" ") for line in outputs.text("readable-secrets").splitlines()]
        words = [word for word, _, _ in lines]
        if words.count("read") != 1 or set(words) - {"read", "file", "copy"}:
            raise ProbeError(f"{outputs.host}: readable secrets were told in an unknown form")
        return cls(frozenset(path for _, _, path in lines if path), outputs.evidence("readable-secrets"))
