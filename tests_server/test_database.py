"""Section 8, optional: PostgreSQL, when the inventory declares it."""

from cutover.check import control, promised, seen
from cutover.facts.database import DatabaseRole, OwnUrl, Postgres
from cutover.inventory import Database


@control("8.install")
def test_postgresql_runs_now_and_after_a_boot(postgres: Postgres) -> None:
    """Debian's unit postgresql.service is active with no cluster at all: what counts is the cluster's own.

    Mend: sudo systemctl enable --now postgresql, and sudo pg_lsclusters
    """
    state = {"runs": postgres.running, "starts at boot": postgres.at_boot}
    assert seen(state, where="postgresql@*.service, start.conf") == promised(dict.fromkeys(state, True))


@control("8.install")
def test_postgresql_listens_on_loopback_only(postgres: Postgres) -> None:
    """The application is on the same host; a database that others reach is one rule of the firewall from the world.

    Mend: listen_addresses = 'localhost' in postgresql.conf, then sudo systemctl restart postgresql
    """
    assert seen(postgres.listens_beyond, where="ss -ltnp") == promised(frozenset())


@control("8.install")
def test_postgresql_trusts_nobody(postgres: Postgres) -> None:
    """With trust whoever has an account on the host is any role he likes, the superuser included.

    Mend: scram-sha-256 (peer for local) in place of trust in pg_hba.conf, then sudo systemctl reload postgresql
    """
    assert seen(postgres.trusting, where="pg_hba.conf") == promised(frozenset())


@control("8.database")
def test_database_and_role_exist(database_role: DatabaseRole, database: Database) -> None:
    """Both are the application's own: a borrowed role opens another's data as well.

    Mend: sudo -u postgres psql, then CREATE DATABASE and CREATE USER as the checklist has them
    """
    state = {database.name: database_role.database, database.role: database_role.role and database_role.can_login}
    assert seen(state, where="pg_database, pg_roles") == promised(dict.fromkeys(state, True))


@control("8.database")
def test_role_has_no_powers(database_role: DatabaseRole, database: Database) -> None:
    """Whoever finds a way to send SQL by the application is the role; a superuser runs programs on the host.

    Mend: ALTER ROLE NAME NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION;
    """
    assert seen(database_role.powers, where=f"pg_roles: {database.role}") == promised(frozenset())


@control("8.url")
def test_own_url_connects(own_url: OwnUrl) -> None:
    """A wrong password shows at the first restart, when nobody expects it.

    Mend: MKS_DATABASE_URL in .env.production, or ALTER ROLE NAME PASSWORD …, then restart the service
    """
    state = "connects" if own_url.connects else own_url.refusal or "no MKS_DATABASE_URL"
    assert seen(state, where="psql with MKS_DATABASE_URL") == promised("connects")


@control("8.url")
def test_own_url_leads_to_the_declared_database(own_url: OwnUrl, database: Database) -> None:
    """A URL that was left from development writes production's records into another database.

    Mend: MKS_DATABASE_URL=postgresql://ROLE:PASSWORD@localhost:5432/DATABASE in .env.production
    """
    leads_to = {key: own_url.leads_to.get(key, "") for key in ("database", "role")}
    assert seen(leads_to, where="MKS_DATABASE_URL") == promised({"database": database.name, "role": database.role})


@control("8.migration")
def test_every_record_was_migrated(own_url: OwnUrl) -> None:
    """What was not migrated is gone for the users, though it still lies in the JSON files.

    Mend: python migrate_json_to_postgres.py as the service's user; running it again does no harm
    """
    wanted = own_url.records or {"any table": 1}
    found = {name: own_url.rows.get(name, 0) for name in wanted}
    if not own_url.records:
        found = {"any table": sum(own_url.rows.values())}
    enough = {name: min(count, wanted[name]) for name, count in found.items()}
    assert seen(enough, where="rows of the table, records of the JSON file of its name") == promised(wanted)
