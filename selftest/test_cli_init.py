"""``cutover init``: a few answers become an inventory that reads as it was answered; nothing is overwritten."""

import io
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover import targets
from cutover.__main__ import main
from cutover.cli.init import Answers

QUESTIONS = {
    "host": "api.example.com",
    "addresses": "",
    "old": "",
    "tier": "",
    "resolvers": "",
    "ssh": "",
    "username": "",
    "by": "",
    "words": "",
}
SERVER = {"ssh": "ops@api.example.com", "user": "", "database": "", "metrics": ""}


@pytest.fixture
def init(tmp_path, monkeypatch):
    """Runs the command in a folder of its own; exit status and the target it declared, if any."""

    def run(lines, *options):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        monkeypatch.chdir(tmp_path)
        status = main(["init", *options])
        file = tmp_path / "hosts.toml"
        return status, targets.load(file)[0] if file.exists() else None

    return run


def answered(**more):
    """The lines, in the order of the questions."""
    lines = dict(QUESTIONS)
    if "addresses" in more:
        lines = insert(lines, "old", {"changed": ""})
    if "ssh" in more:
        lines = insert(lines, "ssh", SERVER)
    return list((lines | more).values())


def insert(lines, after, rows):
    found = {}
    for key, value in lines.items():
        found[key] = value
        if key == after:
            found |= rows
    return found


def test_a_name_alone_promises_what_the_checklist_does(init):
    status, target = init(answered())
    assert status == 0
    # Its password command would run beside the inventory: what is private to it is no promise.
    assert target.model_dump() == targets.from_options("api.example.com", [], None).model_dump()


def test_every_answer_is_in_the_inventory(init, capsys):
    more = {
        "addresses": "203.0.113.10,2001:db8::10",
        "old": "203.0.113.9",
        "tier": "medium",
        "resolvers": "203.0.113.53",
    }
    more |= {"ssh": "ops@api.example.com:2222", "user": "mks", "database": "y", "metrics": "yes", "username": "root"}
    status, target = init(answered(**more, by="c", words="cat 'a b'"))
    assert status == 0
    assert [str(address) for address in target.addresses] == ["203.0.113.10", "2001:db8::10"]
    assert [str(address) for address in (*target.old_server, *target.resolvers)] == ["203.0.113.9", "203.0.113.53"]
    assert (target.phase, target.tier) == ("pre", "medium")
    assert (target.server.way_in, target.server.user) == ("ssh://ops@api.example.com:2222", "mks")
    assert target.database
    assert target.metrics
    assert (target.credentials.username, target.credentials.password_command) == ("root", ("cat", "a b"))
    assert capsys.readouterr().out.endswith("hosts.toml is written. Now: ./verify --inventory=hosts.toml\n")


PHASES = {
    "nothing is replaced": ("", "", "post"),
    "not yet": ("203.0.113.9", "", "pre"),
    "done": ("203.0.113.9", "y", "post"),
}


@pytest.mark.parametrize(("old", "changed", "phase"), PHASES.values(), ids=PHASES)
def test_the_phase_follows_from_what_dns_does(init, old, changed, phase):
    _, target = init(answered(addresses="203.0.113.10", old=old, changed=changed))
    assert target.phase == phase


WRONG = {
    "host": ("a b", "expected a DNS host name such as api.example.com"),
    "addresses": ("1.2.3", "expected a valid IPv4 or IPv6 address"),
    "old": ("0.0.0.0", "expected the address of one host, no unspecified one"),  # noqa: S104
    "changed": ("perhaps", "expected y or n"),
    "tier": ("huge", "expected 'small', 'medium' or 'large'"),
    "ssh": ("-oProxyCommand=id", "expected user@host or user@host:port after ://"),
    "user": ("-x", "expected the name of an account such as mirai"),
    "by": ("p", "expected 'v' or 'c'"),
    "words": (
        "hunter2",
        "expected the name of a variable in capitals, such as CUTOVER_PASSWORD, never the password",
    ),
}


@pytest.mark.parametrize(("question", "answer", "told"), [(key, *row) for key, row in WRONG.items()], ids=WRONG)
def test_a_bad_answer_is_asked_again_with_why(init, capsys, question, answer, told):
    good = {"addresses": "203.0.113.10", "ssh": "ops@api.example.com"}
    lines = answered(**good)
    names = list(insert(insert(QUESTIONS, "old", {"changed": ""}), "ssh", SERVER))
    lines.insert(names.index(question), answer)
    status, target = init(lines)
    assert status == 0
    assert target.host == "api.example.com"
    out = capsys.readouterr().out
    assert f"\n  {told}" in out
    assert answer not in out or question == "by"


def test_a_password_that_is_typed_as_a_command_is_not_taken(init, tmp_path, capsys):
    status, target = init(answered(by="c", words="hunter2"))
    assert (status, target) == (4, None)
    assert "hunter2" not in "".join(capsys.readouterr())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answers", range(len(QUESTIONS)))
def test_an_end_in_the_middle_writes_nothing(init, tmp_path, capsys, answers):
    assert init(answered()[:answers]) == (4, None)
    assert capsys.readouterr().err == "cutover: ended before all was asked: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "broken link"])
def test_what_is_there_is_not_overwritten(init, tmp_path, capsys, kind):
    file = tmp_path / "ours.toml"
    if kind == "file":
        file.write_text("ours")
    else:
        file.symlink_to(tmp_path / "none")
    assert init(answered(), "ours.toml") == (4, None)
    assert (
        capsys.readouterr().err == "cutover: ours.toml: is there already, and is not overwritten; name another file\n"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["ours.toml"]


def test_what_came_while_it_asked_is_not_overwritten(init, tmp_path, monkeypatch):
    def meanwhile(path):
        (tmp_path / "hosts.toml").write_text('[[target]]\nhost = "b.test"\n')
        return load(path)

    load = targets.load
    monkeypatch.setattr("cutover.targets.load", meanwhile)
    assert init(answered())[0] == 4
    assert (tmp_path / "hosts.toml").read_text() == '[[target]]\nhost = "b.test"\n'
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_takes_no_file(init, tmp_path, capsys):
    (tmp_path / "dir").write_text("")
    assert init(answered(), "dir/hosts.toml")[0] == 4
    assert capsys.readouterr().err == "cutover: dir/hosts.toml: cannot be written: File exists\n"


PRINTABLE = st.text(min_size=1, max_size=30).filter(str.isprintable)


@given(
    username=PRINTABLE,
    command=st.lists(PRINTABLE, min_size=1, max_size=3),
    database=st.booleans(),
    metrics=st.booleans(),
)
def test_any_inventory_it_writes_is_read_as_it_was_answered(tmp_path_factory, username, command, database, metrics):
    file = tmp_path_factory.mktemp("inventory") / "hosts.toml"
    password = {"password_command": command}
    answers = Answers("a.test", [], [], "post", "small", [], "local://", "", database, metrics, username, password)
    file.write_text(answers.inventory(), "utf-8")
    (target,) = targets.load(file)
    told = target.credentials
    assert (told.username, told.password_command) == (username, tuple(command))
    assert (target.database is not None, target.metrics is not None) == (database, metrics)


def test_the_file_is_as_anybodys_new_file(init, tmp_path):
    init(answered())
    (tmp_path / "other").write_text("")
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert len(modes) == 1
