"""Section 17: backups are made by themselves, hold what they should, can be read, and make room for the next."""

from cutover.check import control, promised, seen
from cutover.facts.backups import Archive, Backups, BackupScript
from cutover.inventory import Database, Server, Target
from cutover.policies import GB

HOUR, DAY = 60 * 60, 24 * 60 * 60
PRUNED_LATE = 2  # days; find -mtime +30 means 31 and more, and the job that prunes comes once a day


@control("17.directory")
def test_backup_directory_is_there_and_private(backups: Backups, promises: Server) -> None:
    """An archive holds every user's record and password hash: what everybody may read is published.

    Mend: sudo mkdir -p DIRECTORY && sudo chown USER: DIRECTORY && sudo chmod 750 DIRECTORY
    """
    state = "absent" if backups.mode is None else f"others: {backups.mode[6:]}"
    assert seen(state, where=promises.backup_dir) == promised("others: ---")


@control("17.directory")
def test_next_backup_has_room(backups: Backups, promises: Server) -> None:
    """A backup that fills its disk is half an archive, and stops whatever else writes there.

    Mend: sudo du -xh DIRECTORY | sort -h | tail, then enlarge the file system or keep fewer
    """
    least = 2 * max((file.size for file in backups.archives), default=0)
    free = backups.free or 0
    room = seen(free, f"{free / GB:.1f} GB free", where=promises.backup_dir)
    assert room >= promised(max(1, least), f"twice the largest archive ({least / GB:.3f} GB)")


@control("17.script")
def test_backup_script_is_valid(backup_script: BackupScript) -> None:
    """A script with a syntax error ends before it has saved anything.

    Mend: bash -n backup.sh, and mend the line that it names
    """
    state = "absent" if backup_script.mode is None else "no valid script"
    if backup_script.mode is not None and backup_script.parses is not False:
        state = "valid"
    assert seen(state, where=backup_script.path) == promised("valid")


@control("17.script")
def test_newest_backup_is_fresh(backups: Backups, target: Target, promises: Server) -> None:
    """All that was written since the newest archive is lost with the disk. A new host has to be saved once by hand.

    Mend: run backup.sh as the user of its job, and look at what it says
    """
    most = target.limits.backup_hours
    age = min((file.age for file in backups.archives), default=None)
    text = "no archive" if age is None else f"{age / HOUR:.1f} hours old"
    hours = seen(float("inf") if age is None else age / HOUR, text, where=promises.backup_dir)
    assert hours <= promised(most, f"at most {most} hours old")


@control("17.script")
def test_newest_backup_can_be_read_to_its_end(backups: Backups, promises: Server) -> None:
    """Half an archive has a good name too; it shows on the day it is needed.

    Mend: look at backup.sh's mail, mend it, run it, then tar -tzf ARCHIVE
    """
    newest = backups.fresh[:1]
    state = ("whole" if newest[0].whole else "broken") if newest else "no fresh archive"
    assert seen(state, where=place(newest, promises)) == promised("whole")


@control("17.script")
def test_newest_backup_holds_the_data(backups: Backups, promises: Server) -> None:
    """An archive of the wrong directory is fresh, whole and useless.

    Mend: DATA_DIR in backup.sh, then run it
    """
    newest = backups.fresh[:1]
    age = next((file.age for file in backups.archives if newest and file.path == newest[0].path), 0)
    wanted = frozenset(name for name, since in backups.data.items() if not newest or since >= age)
    there = frozenset(name for name in wanted if newest and newest[0].holds(name))
    assert seen(there if wanted else "no data at all", where=place(newest, promises)) == promised(wanted)


@control("17.script")
def test_newest_backup_has_not_shrunk(backups: Backups, promises: Server) -> None:
    """Half the size of the one before means that half of the data was not there to be saved.

    Mend: compare tar -tvzf of both before the older one is pruned
    """
    sizes = [file.size for file in backups.archives[:2]]
    share = sizes[0] / max(1, sizes[1]) if len(sizes) == 2 else 1.0
    text = f"{share:.0%} of the one before" if len(sizes) == 2 else f"{len(sizes)} to compare"
    assert seen(share, text, where=promises.backup_dir) >= promised(0.5, "at least 50% of the one before")


@control("17.script")
def test_old_backups_are_removed(backups: Backups, target: Target, promises: Server) -> None:
    """What is never removed fills the disk, and keeps personal data longer than was said.

    Mend: find DIRECTORY -name '*.tar.gz' -mtime +30 -delete at the end of backup.sh
    """
    most = target.limits.backup_keep_days
    oldest = max((file.age / DAY for file in (*backups.archives, *backups.dumps)), default=0.0)
    age = seen(oldest, f"the oldest is {oldest:.1f} days old", where=promises.backup_dir)
    assert age <= promised(most, f"none older than {most} days") + PRUNED_LATE


@control("17.script")
def test_newest_database_dump_is_whole(backups: Backups, database: Database, target: Target, promises: Server) -> None:
    """The checklist has pg_dump in a comment: with PostgreSQL the archive of the JSON files saves nothing new.

    Mend: pg_dump in backup.sh, written under another name and renamed when it has ended well
    """
    fresh = [file for file in backups.dumps if file.age <= target.limits.backup_hours * HOUR]
    state = "no fresh dump"
    if fresh:
        state = "whole" if fresh[0].path in backups.whole_dumps else "broken"
    assert seen(state, where=fresh[0].path if fresh else promises.backup_dir) == promised("whole")


@control("17.executable")
def test_backup_script_is_executable(backup_script: BackupScript) -> None:
    """Without the mode cron's shell says "Permission denied" every night, to a mailbox that nobody reads.

    Mend: chmod +x backup.sh
    """
    mode = backup_script.mode or "absent"
    assert seen("x" in mode, mode, where=backup_script.path) == promised(True, "executable")


@control("17.cron")
def test_backup_is_made_often_enough(backup_script: BackupScript, target: Target) -> None:
    """A job that cron passes by makes no backup, and says nothing.

    Mend: sudo crontab -u USER -e with 0 3 * * * and the script's path, then grep CRON /var/log/syslog
    """
    most = target.limits.backup_hours
    jobs = backup_script.jobs
    reasons = [job.reason_not or late(job.longest_wait / 60, most) for job in jobs]
    state = "no such job" if not jobs else "it runs" if "" in reasons else reasons[0]
    where = ", ".join(dict.fromkeys(job.source for job in jobs)) or "crontabs and timers"
    assert seen(state, where=where) == promised("it runs")


def late(hours: float, most: int) -> str:
    """What is wrong with that many hours between two runs; empty when nothing is."""
    return "" if hours <= most else f"up to {hours:.4g} hours between two runs"


def place(newest: tuple[Archive, ...], promises: Server) -> str:
    """The newest archive, or where it should be."""
    return newest[0].path if newest else promises.backup_dir
