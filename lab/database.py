"""PostgreSQL on a booted host, by the checklist's section 8, with the records of its JSON files in it."""

from __future__ import annotations

from lab.deploy import CHECKOUT, SERVICE, Host

NAME, ROLE = "mirai_knowledge", "mks_user"

# The packages are the base tree's. The records go by the distribution's own driver: the venv has none, as
# requirements.txt leaves it out.
CREATE = f"""set -eu
systemctl enable --now postgresql
for try in $(seq 60); do su postgres -c 'psql -qc "SELECT 1"' >/dev/null 2>&1 && break; sleep 0.5; done
password=$(python3 -c 'import secrets; print(secrets.token_hex(16))')
su postgres -c 'psql -XqAt -v ON_ERROR_STOP=1' <<EOF
CREATE ROLE {ROLE} LOGIN PASSWORD '$password';
CREATE DATABASE {NAME} OWNER {ROLE};
EOF
cd {CHECKOUT}/backend
echo "MKS_DATABASE_URL=postgresql://{ROLE}:$password@localhost:5432/{NAME}" >>.env.production
set -a
. ./.env.production
set +a
setpriv --reuid=mks --regid=mks --clear-groups -- \\
    env MKS_DATA_DIR=/var/lib/{SERVICE}/data python3 -B migrate_json_to_postgres.py
systemctl restart {SERVICE}
sleep 1
setpriv --reuid=mks --regid=mks --clear-groups -- {CHECKOUT}/backend/backup.sh
"""


def add(host: Host) -> None:
    """Start it, make role and database, migrate the records, and save it once."""
    host.run(CREATE)
