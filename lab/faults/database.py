"""Defects of PostgreSQL and of what the application finds there."""

from lab.database import NAME, ROLE
from lab.faults import fault
from lab.faults.application import ENVIRONMENT
from lab.host import Host

CLUSTER = "/etc/postgresql/*/main"
UNASKED = {"database_and_role_exist", "role_has_no_powers"}


def sql(host: Host, statement: str, database: str = "postgres") -> None:
    """Run one statement as PostgreSQL's superuser."""
    host.run(f"su postgres -c 'psql -Xqd {database} -v ON_ERROR_STOP=1' <<'END'\n{statement}\nEND")


@fault(
    fails={"postgresql_runs_now_and_after_a_boot", "own_url_connects", "every_record_was_migrated"},
    errors=UNASKED,
)
def postgresql_stopped(host: Host) -> None:
    """Stopped and disabled; Debian's umbrella unit would be active all the same."""
    host.run("systemctl disable --now postgresql; systemctl stop 'postgresql@*'")


@fault(fails={"postgresql_runs_now_and_after_a_boot"})
def cluster_started_by_hand_only(host: Host) -> None:
    """The cluster is set to manual: it runs until the next boot, and the umbrella unit is enabled."""
    host.run(f"sed -i 's/^auto/manual/' {CLUSTER}/start.conf")


@fault(fails={"postgresql_listens_on_loopback_only", "nothing_else_listens"})
def listens_everywhere(host: Host) -> None:
    """listen_addresses was opened for a colleague's client; only the firewall stands before it."""
    host.run(f"echo \"listen_addresses = '*'\" >>$(ls {CLUSTER}/postgresql.conf) && systemctl restart postgresql")


@fault(fails={"postgresql_trusts_nobody"})
def trust_on_loopback(host: Host) -> None:
    """A forgotten password was helped with trust."""
    host.run(f"sed -i 's/scram-sha-256/trust/' {CLUSTER}/pg_hba.conf && systemctl reload postgresql")


@fault(fails={"role_has_no_powers"})
def role_is_superuser(host: Host) -> None:
    """The migration complained of permissions, and the role was made superuser."""
    sql(host, f"ALTER ROLE {ROLE} SUPERUSER;")


@fault(fails={"own_url_connects", "every_record_was_migrated"})
def password_changed_in_the_database_alone(host: Host) -> None:
    """The role got a new password, and the environment file still has the old one."""
    sql(host, f"ALTER ROLE {ROLE} PASSWORD 'another';")


@fault(
    fails={
        "own_url_leads_to_the_declared_database",
        "every_record_was_migrated",
        "own_url_connects",
        "running_application_has_the_variables_of_the_file",
    }
)
def url_of_development(host: Host) -> None:
    """The URL still names the database of development."""
    host.run(f"sed -i '/^MKS_DATABASE_URL=/s|/{NAME}$|/mirai_dev|' {ENVIRONMENT}")


@fault(fails={"every_record_was_migrated"})
def one_record_was_not_migrated(host: Host) -> None:
    """The migration stopped before the last record."""
    sql(host, "DELETE FROM knowledge WHERE id = 120;", NAME)


@fault(
    fails={"database_and_role_exist", "own_url_connects", "every_record_was_migrated"},
)
def database_dropped(host: Host) -> None:
    """The database was dropped to be made anew, and was not."""
    sql(host, f"DROP DATABASE {NAME} WITH (FORCE);")


@fault(fails={"newest_database_dump_is_whole"})
def dump_cut_off(host: Host) -> None:
    """pg_dump was interrupted: a dump with a good name and no end."""
    host.run("truncate -s -300 $(ls -t /var/backups/mirai-knowledge-system/db_*.sql | head -n 1)")
