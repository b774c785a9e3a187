"""Defects of the backups."""

from lab.faults import fault
from lab.faults.monitors import JOBS
from lab.host import Host

BACKUPS = "/var/backups/mirai-knowledge-system"
SCRIPT = "/opt/mirai-knowledge-systems/backend/backup.sh"
DATA = "/var/lib/mirai-knowledge-system/data"

NOTHING_FRESH = {
    "newest_backup_is_fresh",
    "newest_backup_can_be_read_to_its_end",
    "newest_backup_holds_the_data",
    "newest_database_dump_is_whole",
}
NEWEST = f"$(ls -t {BACKUPS}/data_* | head -n 1)"


@fault(
    fails={
        "backup_directory_is_there_and_private",
        *NOTHING_FRESH,
        "next_backup_has_room",
        "disk_has_room_for_what_grows",
        "disk_has_inodes",
    }
)
def directory_missing(host: Host) -> None:
    """The directory was cleared away with its content."""
    host.run(f"rm -rf {BACKUPS}")


@fault(fails={"backup_directory_is_there_and_private"})
def directory_open_to_everybody(host: Host) -> None:
    """Opened to look at the archives, and left so."""
    host.run(f"chmod 755 {BACKUPS}")


@fault(fails=NOTHING_FRESH)
def no_backup_for_three_days(host: Host) -> None:
    """The newest archive is three days old."""
    host.run(f"touch -d '3 days ago' {BACKUPS}/*")


@fault(fails={"newest_backup_can_be_read_to_its_end"})
def newest_archive_cut_off(host: Host) -> None:
    """The disk was full while it was written: half an archive under a good name."""
    host.run(f"truncate -s -200 {NEWEST}")


@fault(fails={"newest_backup_holds_the_data", "newest_backup_has_not_shrunk"})
def archive_of_an_empty_directory(host: Host) -> None:
    """DATA_DIR of the script is the one of before the move."""
    host.run(
        f"mkdir /tmp/empty && touch -d '2 hours ago' {BACKUPS}/* && "
        f"tar -czf {BACKUPS}/data_20990101_030000.tar.gz -C /tmp/empty ."
    )


@fault(fails={"old_backups_are_removed"})
def nothing_is_ever_removed(host: Host) -> None:
    """The line that prunes was lost."""
    host.run(f"cp -p {NEWEST} {BACKUPS}/data_20200101_030000.tar.gz && touch -d '40 days ago' {BACKUPS}/data_2020*")


@fault(fails={"backup_script_is_executable", "backup_is_made_often_enough"})
def script_not_executable(host: Host) -> None:
    """The script was copied without its mode."""
    host.run(f"chmod 644 {SCRIPT}")


@fault(fails={"backup_script_is_valid", "backup_is_made_often_enough", "checkout_is_unchanged"})
def script_with_a_syntax_error(host: Host) -> None:
    """A quote was lost in an edit."""
    host.run(f"sed -i 's/^umask 027/umask \"027/' {SCRIPT}")


@fault(fails={"backup_is_made_often_enough"})
def backup_only_on_sundays(host: Host) -> None:
    """A week of work lies between two archives."""
    host.run(f"sed -i 's/^0 3 \\* \\* \\*/0 3 * * 0/' {JOBS}")


@fault(fails={"backup_is_made_often_enough"})
def backup_job_of_a_user_that_is_gone(host: Host) -> None:
    """The crontab of a colleague whose account was removed: cron calls it an orphan."""
    host.run(
        f"grep backup.sh {JOBS} | sed 's/ mks / /' >/var/spool/cron/crontabs/yamada && "
        f"chmod 600 /var/spool/cron/crontabs/yamada && sed -i '/backup.sh/d' {JOBS}"
    )
