"""What is read of a backup directory, of the archives in it and of the script that makes them."""

import shutil
import subprocess

import pytest

from cutover.errors import ProbeError
from cutover.facts.backups import COMMANDS, Backups, BackupScript
from cutover.facts.evidence import Output
from selftest.cron_facts import SCRIPT, answers
from selftest.rows import printed

PLACE, DATA = "/var/backups/mirai-knowledge-system", "/var/lib/mirai-knowledge-system/data"
NOW = 1_000_000
NEW, OLD, DUMP = f"{PLACE}/data_2.tar.gz", f"{PLACE}/data_1.tar.gz", f"{PLACE}/db_2.sql"


def listed(path, age, size):
    return f"-rw-r----- 1 999 997 {size} {NOW - age} {path}\n"


UP = {
    "backup-directory": f"drwxr-x--- 2 mks mks 4096 Nov 24 09:31 {PLACE}\nfree 81941344256\nnow {NOW}\n",
    "backup-files": listed(OLD, 90000, 4000) + listed(NEW, 3600, 4064) + listed(DUMP, 3600, 900),
    "backup-contents": f"{NEW}\n./\n./users.json\n./files/a b.pdf\n{NEW}\n{DUMP}\n",
    "backup-dumps": f"==> {NEW} <==\n==> {DUMP} <==\n-- PostgreSQL database dump complete\nunpacked {NEW}\n",
    "data-files": listed(f"{DATA}/users.json", 9000, 286) + listed(f"{DATA}/files/a b.pdf", 9000, 1),
}
GONE = Output("ls", 2, f"now {NOW}\n", f"ls: cannot access '{PLACE}': No such file or directory", 0.1)


def read(**changed):
    texts = UP | {name.replace("_", "-"): answer for name, answer in changed.items()}
    return Backups.read(printed(texts), DATA)


def test_a_directory_with_two_archives_and_a_dump():
    facts = read()
    assert (facts.mode, facts.free) == ("rwxr-x---", 81941344256)
    assert [(file.path, file.age, file.size) for file in facts.archives] == [(NEW, 3600, 4064), (OLD, 90000, 4000)]
    assert [file.path for file in facts.dumps] == [DUMP]
    assert facts.data == {"users.json": 9000, "files/a b.pdf": 9000}
    (newest,) = facts.fresh
    assert newest.whole
    assert newest.holds("users.json")
    assert newest.holds("files/a b.pdf")
    assert not newest.holds("b.pdf2")
    assert {DUMP, NEW} <= facts.whole_dumps


@pytest.mark.parametrize(
    "name", ["a.tar", "a.tgz", "a.tar.xz", "a.tar.zst", "a.tar.bz2", "b.sql", "b.sql.gz", "b.dump", "b.pgdump"]
)
def test_names_of_archives_and_dumps(name):
    facts = read(backup_files=listed(f"{PLACE}/{name}", 60, 1))
    assert len(facts.archives) == (name[0] == "a")
    assert len(facts.dumps) == (name[0] == "b")


@pytest.mark.parametrize("name", ["notes.txt", "data.tar.gz.partial", ".partial.x1"])
def test_names_of_other_files(name):
    facts = read(backup_files=listed(f"{PLACE}/{name}", 60, 1))
    assert (facts.archives, facts.dumps) == ((), ())


def test_an_archive_that_tar_complains_of():
    facts = read(backup_contents=f"{NEW}\n./\n./users.json\n{DUMP}\n")
    assert not facts.fresh[0].whole


def test_a_directory_that_is_not_there_is_a_fact():
    facts = read(backup_directory=GONE, backup_files=Output("find", 0, "", "find: …: No such file or directory", 0.1))
    assert (facts.mode, facts.free, facts.archives, facts.read_back) == (None, None, (), {})


@pytest.mark.parametrize(
    "broken",
    [
        {"backup_directory": ""},
        {"backup_directory": f"-rw-r--r-- 1 root root 1 Nov 24 09:31 {PLACE}\nnow {NOW}\n"},
        {"backup_directory": Output("ls", 1, f"now {NOW}\n", "sudo: a password is required", 0.1)},
        {"backup_contents": Output("tar", 124, "", "", 63)},
        {"data_files": Output("find", 1, "", "find: Permission denied", 0.1)},
    ],
)
def test_a_server_that_does_not_tell_is_no_fact(broken):
    with pytest.raises(ProbeError):
        read(**broken)


def script(told, stderr="", jobs=f"0 3 * * * mks {SCRIPT}\n", **changed):
    outputs = answers(jobs, **changed)
    outputs.outputs["backup-script"] = Output("ls", 0, told, stderr, 0.1)
    return BackupScript.read(outputs, SCRIPT, PLACE)


ABSENT = ("", f"ls: cannot access '{SCRIPT}': No such file or directory")


@pytest.mark.parametrize(
    ("told", "mode", "parses"),
    [
        (("-rwxr-xr-x 1 root root 9 Nov 24 09:30 x\nparses\n",), "rwxr-xr-x", True),
        (("-rw-r--r-- 1 root root 9 Nov 24 09:30 x\n", "sh: 3: Syntax error"), "rw-r--r--", False),
        (("-rwxr-xr-x 1 root root 9 Nov 24 09:30 x\nno interpreter\n",), "rwxr-xr-x", False),
        (("-rwxr-xr-x 1 root root 9 Nov 24 09:30 x\nother language\nparses\n",), "rwxr-xr-x", None),
        (ABSENT, None, False),
    ],
)
def test_the_checklist_s_script(told, mode, parses):
    facts = script(*told, without=SCRIPT if told is ABSENT else "")
    assert (facts.mode, facts.parses, len(facts.jobs)) == (mode, parses, 1)


def test_a_script_of_another_place():
    other = "/usr/local/bin/save.sh"
    programs = [f"file 750 {other}", f"parses {other}", f"uses {other} rsync"]
    facts = script(*ABSENT, jobs=f"0 3 * * * root {other}\n", programs=programs)
    assert (facts.path, facts.mode, facts.parses) == (other, "rwxr-x---", True)


@pytest.mark.parametrize(("job", "found"), [("tar czf /root/x.tgz /opt", 0), (f"tar czf {PLACE}/x.tgz /opt", 1)])
def test_a_job_that_makes_backups_itself(job, found):
    assert len(script(*ABSENT, jobs=f"0 3 * * * root {job}\n").jobs) == found


@pytest.mark.parametrize(("text", "parses"), [("#!/bin/sh\necho ok\n", True), ("#!/bin/sh\necho 'x\n", False)])
@pytest.mark.skipif(not shutil.which("dash"), reason="the servers' sh is dash")
def test_the_script_s_shell_is_asked(tmp_path, text, parses):
    (tmp_path / "backup.sh").write_text(text)
    line = f'root() {{ "$@"; }}\n{COMMANDS["backup-script"].line}'
    argv = ["dash", "-c", line]
    done = subprocess.run(argv, env={"APP_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert ("parses" in done.stdout.splitlines()) == parses
