"""Copy users.json and knowledge.json into PostgreSQL (MKS_DATABASE_URL). Running it again updates the rows.

Needs psycopg (3) or psycopg2, which requirements.txt leaves out: most hosts use the JSON files.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TABLES = ("users", "knowledge")


def connect(url: str) -> Any:  # noqa: ANN401 - of either driver
    """A connection, by whichever driver is installed."""
    try:
        import psycopg as driver
    except ImportError:
        import psycopg2 as driver
    return driver.connect(url)


def main() -> int:
    """Copy every record, in one transaction: either all of them arrive or none."""
    data_dir = Path(os.environ.get("MKS_DATA_DIR", "/var/lib/mirai-knowledge-system/data"))
    if "MKS_DATABASE_URL" not in os.environ:
        print("MKS_DATABASE_URL is not set", file=sys.stderr)
        return 2
    connection = connect(os.environ["MKS_DATABASE_URL"])
    try:
        with connection, connection.cursor() as cursor:
            for table in TABLES:
                records = json.loads((data_dir / f"{table}.json").read_text(encoding="utf-8"))
                cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} (id integer PRIMARY KEY, record jsonb NOT NULL)")
                for record in records:
                    cursor.execute(
                        f"INSERT INTO {table} VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET record = EXCLUDED.record",
                        (record["id"], json.dumps(record, ensure_ascii=False)),
                    )
                print(f"{table}: {len(records)} records")
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
