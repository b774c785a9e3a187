"""The login limit: 5 attempts a minute and 20 an hour for each client address."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

LIMITS = ((5, 60), (20, 3600))  # (attempts, seconds)


class LoginLimit:
    """Counted in a file that all workers share; it lies in the run directory and so forgets at a reboot."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def retry_after(self, address: str) -> int:
        """Count one attempt and return 0; or refuse it and return the seconds until the next."""
        now = time.time()
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS attempt (address TEXT, at REAL)")
            # IMMEDIATE: two workers must not both see four attempts and both let a fifth through.
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM attempt WHERE at < ?", (now - max(span for _, span in LIMITS),))
            wait = 0.0
            for attempts, span in LIMITS:
                recent = db.execute(
                    "SELECT at FROM attempt WHERE address = ? AND at > ? ORDER BY at DESC LIMIT ?",
                    (address, now - span, attempts),
                ).fetchall()
                if len(recent) == attempts:
                    wait = max(wait, recent[-1][0] + span - now)
            if not wait:
                db.execute("INSERT INTO attempt VALUES (?, ?)", (address, now))
            db.execute("COMMIT")
        return int(wait) + 1 if wait else 0
