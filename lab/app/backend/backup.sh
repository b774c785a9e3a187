#!/bin/sh
# One archive of the data directory, and one dump when PostgreSQL is used; older ones are removed after 30 days.
# Anything that goes wrong is told on standard error with a status other than 0, so that cron mails it.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 027

BACKUP_DIR=${MKS_BACKUP_DIR:-/var/backups/mirai-knowledge-system}
DATA_DIR=${MKS_DATA_DIR:-/var/lib/mirai-knowledge-system/data}
ENV_FILE=${MKS_ENV_FILE:-/opt/mirai-knowledge-systems/backend/.env.production}
TIMESTAMP=$(date +%Y%m%d_%H%M%S)
KEEP_DAYS=30

# Written under another name and read back once: what is called data_*.tar.gz is whole.
partial=$(mktemp "$BACKUP_DIR/.partial.XXXXXX")
trap 'rm -f "$partial"' EXIT

tar -czf "$partial" -C "$DATA_DIR" .
tar -tzf "$partial" | grep -qx './users.json'
tar -tzf "$partial" | grep -qx './knowledge.json'
chmod 640 "$partial"
mv "$partial" "$BACKUP_DIR/data_$TIMESTAMP.tar.gz"

MKS_DATABASE_URL=$(sed -n 's/^MKS_DATABASE_URL=//p' "$ENV_FILE" | tail -n 1)
if [ -n "$MKS_DATABASE_URL" ]; then
    export MKS_DATABASE_URL
    partial=$(mktemp "$BACKUP_DIR/.partial.XXXXXX")
    # The address carries the password: pg_dump gets it by the environment, where no process list shows it.
    python3 - >"$partial" <<'PYTHON'
import os
from urllib.parse import unquote, urlsplit

url = urlsplit(os.environ["MKS_DATABASE_URL"])
os.environ.update(PGHOST=url.hostname or "", PGPORT=str(url.port or 5432), PGDATABASE=url.path.lstrip("/"))
os.environ.update(PGUSER=unquote(url.username or ""), PGPASSWORD=unquote(url.password or ""))
os.execvp("pg_dump", ["pg_dump", "--no-password"])
PYTHON
    chmod 640 "$partial"
    mv "$partial" "$BACKUP_DIR/db_$TIMESTAMP.sql"
fi

find "$BACKUP_DIR" -maxdepth 1 -type f \( -name 'data_*.tar.gz' -o -name 'db_*.sql' \) -mtime +"$KEEP_DAYS" -delete
