"""What is read of PostgreSQL's units, listeners, rules, roles, and of the application's own URL."""

import os
import shutil
import subprocess

import pytest

from cutover.errors import ProbeError
from cutover.facts.database import COMMANDS, DatabaseRole, OwnUrl, Postgres
from cutover.facts.evidence import Output
from selftest.rows import printed

UMBRELLA = "Id=postgresql.service\nActiveState=active\nSubState=exited\nUnitFileState=enabled\n"
CLUSTER = "\nId=postgresql@15-main.service\nActiveState=active\nSubState=running\nUnitFileState=enabled-runtime\n"
HBA = """\
rule local   all             postgres                                peer
rule host    all             all             127.0.0.1/32            scram-sha-256
rule host    trusted         trust_me        ::1/128                 md5
"""
ROLES = (
    "role there\nmay rolsuper f\nmay rolcreaterole f\nmay rolcanlogin t\nasked roles\ndatabase there\nasked databases\n"
)
OWN = "url host=localhost database=mirai_knowledge role=mks_user\nconnected\nrows users 1\nrows knowledge 120\n"
UP = {
    "postgres-units": f"{UMBRELLA}{CLUSTER}start auto\n",
    "postgres-listeners": "listens 127.0.0.1:5432\nlistens [::1]:5432\n",
    "postgres-hba": HBA,
    "postgres-roles": ROLES,
    "postgres-own-url": OWN,
    "json-records": "records users 1\nrecords knowledge 120\n",
}


def read(facts, **changed):
    return facts.read(printed(UP | {name.replace("_", "-"): answer for name, answer in changed.items()}))


def test_up():
    facts = read(Postgres)
    assert (facts.running, facts.at_boot, facts.listens_beyond, facts.trusting) == (True, True, set(), set())


@pytest.mark.parametrize(
    ("units", "running", "at_boot"),
    [
        (UMBRELLA, False, True),
        (f"{UMBRELLA}{CLUSTER}start manual\n", True, False),
        (f"{UMBRELLA.replace('enabled', 'disabled')}{CLUSTER}start auto\n", True, False),
        ("Id=postgresql-16.service\nActiveState=active\nSubState=running\nUnitFileState=enabled\n", True, True),
        ("Id=postgresql.service\nActiveState=inactive\nSubState=dead\nUnitFileState=\n", False, False),
    ],
)
def test_units(units, running, at_boot):
    facts = read(Postgres, postgres_units=units)
    assert (facts.running, facts.at_boot) == (running, at_boot)


@pytest.mark.parametrize("address", ["0.0.0.0:5432", "*:5432", "[::]:5432", "198.51.100.7:5432"])
def test_listens_beyond(address):
    assert read(Postgres, postgres_listeners=f"listens {address}\n").listens_beyond == {address}


@pytest.mark.parametrize(
    "rule", ["host all all 0.0.0.0/0 trust", "local all all trust", "hostssl all all all trust x=1"]
)
def test_trust(rule):
    assert read(Postgres, postgres_hba=f"{HBA}rule {rule}\n").trusting == {rule}


def test_powers():
    roles = ROLES.replace("rolsuper f", "rolsuper t").replace("rolcanlogin t", "rolcanlogin f")
    facts = read(DatabaseRole, postgres_roles=roles)
    assert (facts.database, facts.role, facts.can_login, facts.powers) == (True, True, False, {"superuser"})
    assert not read(DatabaseRole, postgres_roles="asked roles\nasked databases\n").role


def test_own_url():
    facts = read(OwnUrl)
    assert facts.leads_to == {"host": "localhost", "database": "mirai_knowledge", "role": "mks_user"}
    assert facts.connects
    assert facts.rows == facts.records == {"users": 1, "knowledge": 120}


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ("url absent\n", ""),
        (
            f'{OWN.splitlines()[0]}\npsql: error: connection to server at "::1" failed: FATAL: x\n',
            'error: connection to server at "::1" failed: FATAL: x',
        ),
    ],
)
def test_an_url_that_does_not_connect(told, refusal):
    facts = read(OwnUrl, postgres_own_url=told)
    assert (facts.connects, facts.refusal) == (False, refusal)


@pytest.mark.parametrize(
    ("facts", "broken"),
    [
        (Postgres, {"postgres_units": ""}),
        (Postgres, {"postgres_hba": f"{HBA}rule include_dir conf.d\n"}),
        (Postgres, {"postgres_listeners": Output("ss", 1, "", "sudo: a password is required", 0.1)}),
        (DatabaseRole, {"postgres_roles": ""}),
        (DatabaseRole, {"postgres_roles": Output("psql", 0, "asked roles\n", "psql: error: connection failed", 0.1)}),
        (DatabaseRole, {"postgres_roles": Output("psql", 0, "", "runuser: user postgres does not exist", 0.1)}),
        (OwnUrl, {"postgres_own_url": ""}),
        (OwnUrl, {"postgres_own_url": "url other\n"}),
        (OwnUrl, {"postgres_own_url": "url host=h database=d role=r\nurl psql\n"}),
        (OwnUrl, {"json_records": Output("find", 127, "", "sh: 1: python3: not found", 0.1)}),
    ],
)
def test_a_server_that_does_not_tell_is_no_fact(facts, broken):
    with pytest.raises(ProbeError):
        read(facts, **broken)


PSQL = '#!/bin/sh\necho "psql got $PGHOST $PGPORT $PGDATABASE $PGUSER ${PGPASSWORD:+a-password}"\necho "argv $*"\n'


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://mks_user:s3cr3t@localhost:5433/db", "psql got localhost 5433 db mks_user a-password"),
        ("'postgres://mks%5Fuser:s3cr3t%40@127.0.0.1/db?sslmode=disable'", "psql got 127.0.0.1 5432 db mks_user a-pas"),
        ("postgresql://mks_user:s3cr3t/x@localhost/db", "url other"),
        ("postgresql://mks_user:s3cr3t#x@localhost/db", "url other"),
        ("postgresql:///db", "url other"),
        ("sqlite:///s3cr3t.db", "url other"),
    ],
)
@pytest.mark.skipif(not shutil.which("dash"), reason="the servers' sh is dash")
def test_the_password_is_neither_told_nor_an_argument(tmp_path, url, told):
    (tmp_path / "psql").write_text(PSQL)
    (tmp_path / "psql").chmod(0o755)
    environment = {"DB_NAME": "db", "ENV_FILE": str(tmp_path / "env"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    (tmp_path / "env").write_text(f"MKS_SECRET_KEY=x\nMKS_DATABASE_URL={url}\n")
    line = f'root() {{ "$@"; }}\n{COMMANDS["postgres-own-url"].line}'
    done = subprocess.run(["dash", "-c", line], env=environment, capture_output=True, text=True)
    assert told in done.stdout
    assert "s3cr3t" not in done.stdout + done.stderr
