"""PostgreSQL on the server, and the database as the application itself finds it (checklist section 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

# The URL is taken apart on the server: its password reaches psql by the environment, and nothing else.
_CONNECT = r"""
import os, re, sys
from urllib.parse import parse_qs, unquote, urlsplit
# A traceback would show parts of an address that cannot be taken apart.
sys.excepthook = lambda *_: print("url other")
urls = re.findall(r"(?m)^\s*(?:export\s+)?MKS_DATABASE_URL=[\x22\x27]?([^\s\x22\x27]+)", sys.stdin.read())
if not urls:
    sys.exit(print("url absent"))
url = urlsplit(urls[-1])
if not re.fullmatch(r"postgres(ql)?(\+\w+)?", url.scheme) or not url.hostname:
    sys.exit(print("url other"))
name, role = unquote(url.path.lstrip("/")), unquote(url.username or "")
print("url", "host=" + url.hostname, "database=" + name, "role=" + role, flush=True)
os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
os.environ.update(PGHOST=url.hostname, PGPORT=str(url.port or 5432), PGDATABASE=name,
    PGUSER=role, PGPASSWORD=unquote(url.password or ""), PGCONNECT_TIMEOUT="5",
    PGSSLMODE=parse_qs(url.query).get("sslmode", ["prefer"])[0],
    PGOPTIONS="-c default_transaction_read_only=on -c statement_timeout=8000")
try:
    os.execvp("psql", ["psql", "-XAtqw", "-F", " ", "-c", "SELECT $$connected$$", "-c", sys.argv[1]])
except OSError:
    print("url psql")
"""
_ROWS = (
    "SELECT 'rows', relname, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %s',"
    " oid::regclass), false, true, '')))[1]::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN"
    " (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%' OR nspname = 'information_schema')"
    " AND has_table_privilege(oid, 'SELECT')"
)
_RECORDS = r"""
import json, re, sys
told = sys.stdin.buffer.read().decode("utf-8", "replace")
for path, text in re.findall(r"(?ms)^==> (/\S+\.json) <==\n(.*?)(?=^==> /|\Z)", told):
    try:
        found = json.loads(text)
    except ValueError:
        continue
    lists = [value for value in found.values() if isinstance(value, list)] if isinstance(found, dict) else [found]
    if len(lists) == 1 and isinstance(lists[0], list):
        print("records", path.rpartition("/")[2][:-5], len(lists[0]))
"""
COMMANDS = {
    "postgres-units": Command(
        r"""systemctl show postgresql.service "postgresql@*.service" "postgresql-*.service" \
  -p Id -p ActiveState -p SubState -p UnitFileState
cat /etc/postgresql/*/*/start.conf 2>/dev/null | sed 's/#.*//' | awk 'NF == 1 { print "start " $1 }'
exit 0""",
        needs="DB_NAME",
    ),
    "postgres-listeners": Command(
        r"""root ss -ltnpH | awk '/"postgres"/ { print "listens", $4 }'""",
        needs="DB_NAME",
    ),
    "postgres-hba": Command(
        r"""root find /etc/postgresql -name pg_hba.conf -exec cat {} + |
sed 's/#.*//' | awk 'NF { print "rule", $0 }' | head -n 500""",
        needs="DB_NAME",
    ),
    # Quoted, because a word of root's holds no blank.
    "postgres-roles": Command(
        r"""root runuser -u postgres -- psql -XAtxqc 'TABLE"pg_roles"' |
awk -F '|' -v role="$DB_ROLE" '
{ asked = 1 }
$1 == "rolname" { own = $2 == role; if (own) print "role there" }
own && /^(rolsuper|rolcreaterole|rolcreatedb|rolcanlogin|rolbypassrls|rolreplication)\|/ { print "may", $1, $2 }
END { if (asked) print "asked roles" }'
root runuser -u postgres -- psql -XAtxqc 'TABLE"pg_database"' |
awk -F '|' -v name="$DB_NAME" '{ asked = 1 }
$1 == "datname" && $2 == name { print "database there" }
END { if (asked) print "asked databases" }'""",
        needs="DB_NAME",
    ),
    "postgres-own-url": Command(
        rf"""root cat "$ENV_FILE" | python3 -I -c '{_CONNECT}' "{_ROWS}" 2>&1 | head -n 500""",
        needs="DB_NAME",
    ),
    "json-records": Command(
        rf"""root find "$DATA_DIR" -maxdepth 1 -type f -size -64M -exec head -v -c 67108864 {{}} + |
python3 -I -c '{_RECORDS}'""",
        needs="DB_NAME",
    ),
}

_LOOPBACK = re.compile(r"^(127\.[\d.]+|\[::1\]|\[::ffff:127\.[\d.]+\]):\d+$")
_POWERS = {
    "rolsuper": "superuser",
    "rolcreaterole": "may create roles",
    "rolcreatedb": "may create databases",
    "rolbypassrls": "bypasses row security",
    "rolreplication": "may replicate",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """The service: ``running`` and ``at_boot`` of the cluster and not of Debian's umbrella unit; where it listens
    beyond loopback; the rules of pg_hba.conf that let in without asking."""

    running: bool
    at_boot: bool
    listens_beyond: frozenset[str]
    trusting: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Postgres:
        """Read units, listeners and rules; ProbeError when one does not tell."""
        told = outputs.text("postgres-units")
        units = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in told.split("\n\n")]
        units = [unit for unit in units if unit.get("Id")]
        if not units:
            raise ProbeError(f"{outputs.host}: systemctl answered in an unknown form")
        rules = by_key(outputs.text("postgres-hba"))["rule"]
        if any(rule.lstrip().startswith("include") for rule in rules):
            raise ProbeError(f"{outputs.host}: pg_hba.conf includes other files", "look for trust in them by hand")
        addresses = by_key(outputs.text("postgres-listeners"))["listens"]
        starts = by_key(told)["start"]
        return cls(
            running=any(unit.get("ActiveState") == "active" and unit.get("SubState") == "running" for unit in units),
            at_boot=any(unit.get("UnitFileState") == "enabled" for unit in units) and set(starts) <= {"auto"},
            listens_beyond=frozenset(address for address in addresses if not _LOOPBACK.match(address)),
            trusting=frozenset(" ".join(rule.split()) for rule in rules if re.search(r"\strust(\s|$)", rule)),
            evidence=outputs.evidence("postgres-units", "postgres-listeners", "postgres-hba"),
        )


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """Whether the database and the role exist, and what the role may beyond its own data."""

    database: bool
    role: bool
    can_login: bool
    powers: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> DatabaseRole:
        """Read PostgreSQL's own tables; ProbeError when it was not let in to ask."""
        output = outputs["postgres-roles"]
        told = by_key(output.stdout)
        complaint = next((line for line in output.stderr.splitlines() if "error" in line.lower()), "")
        if set(told["asked"]) != {"roles", "databases"}:
            raise ProbeError(f"{outputs.host}: PostgreSQL could not be asked: {complaint or 'no answer'}")
        may = {name: answer for name, _, answer in (line.partition(" ") for line in told["may"])}
        return cls(
            database=bool(told["database"]),
            role=bool(told["role"]),
            can_login=may.get("rolcanlogin") == "t",
            powers=frozenset(text for name, text in _POWERS.items() if may.get(name) == "t"),
            evidence=outputs.evidence("postgres-roles"),
        )


@dataclass(frozen=True, slots=True)
class OwnUrl:
    """What the application's own URL leads to: ``leads_to`` has its parts without the password, and is empty when
    there is none. ``rows`` are those of each table it may read, ``records`` those of each JSON file."""

    leads_to: dict[str, str]
    connects: bool
    refusal: str
    rows: dict[str, int]
    records: dict[str, int]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> OwnUrl:
        """Read what psql said; ProbeError when the environment file could not be read."""
        told = by_key(outputs.text("postgres-own-url"))
        if not told["url"] or {"other", "psql"} & set(told["url"]):
            reason = "is not of the form postgresql://role@host/database" if "other" in told["url"] else "was not tried"
            raise ProbeError(f"{outputs.host}: MKS_DATABASE_URL {reason}")
        parts = {} if told["url"] == ["absent"] else _parts(told["url"][0])
        rows, records = _counts(told["rows"]), _counts(by_key(outputs.text("json-records"))["records"])
        if rows is None or records is None or parts is None:
            raise ProbeError(f"{outputs.host}: where MKS_DATABASE_URL leads to was told in an unknown form")
        errors = [line for line in told["psql:"] if line]
        return cls(
            leads_to=parts,
            connects="connected" in told,
            refusal=errors[0] if errors else "",
            rows=rows,
            records=records,
            evidence=outputs.evidence("postgres-own-url", "json-records"),
        )


def _parts(url: str) -> dict[str, str] | None:
    """Host, database and role, whose names may hold spaces."""
    found = re.fullmatch(r"host=(?P<host>\S+) database=(?P<database>.*) role=(?P<role>.*)", url)
    return found.groupdict() if found else None


def _counts(lines: list[str]) -> dict[str, int] | None:
    """By name how many; None when a line is none of that."""
    told = [line.rpartition(" ") for line in lines]
    return {name: int(count) for name, _, count in told} if all(is_number(count) for *_, count in told) else None
