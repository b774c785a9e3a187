"""What a visit does as root, told before the visit: the words after ``root`` in every command, as lines for sudoers.

sudo compares the words of a command joined by blanks, and so cannot tell where one ends: ``find /srv -ls`` may come
as ``"find /srv" -ls``, which is a program of the caller's own, ``srv`` in a folder ``find ``. Therefore every command
starts in ``/``, where only root can make such names, and no word of it holds a blank; ``grep -R`` has its place before
its patterns, because a place that was joined to one is missing, and then grep reads all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cutover.errors import UsageError
from cutover.facts.evidence import Command
from cutover.inventory import Server, Target
from cutover.probes.script import AS_ROOT
from cutover.probes.server import AFTER, COMMANDS, DURING, variables

Words = tuple[str, ...]

# Of a command's text: what is quoted, comments, and the word root by itself.
_TOKEN = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|(?<!\S)#[^\n]*|\\.|(?<![^\s;|&({!])root(?![^\s;|&)])""", re.DOTALL)
_BEFORE = re.compile(r"(?:^|[\n;|&({!]|\b(?:then|do|else|if|elif|while|until))[ \t]*$")
_PART = r"""[\w@%+=:,./^!{}-]+|'[^'\n]*'|"[^"\\`\n]*\""""
_WORD = re.compile(rf"(?:[ \t]|\\\n)+((?:{_PART})+)")
_END = re.compile(r"[ \t]*(?:2>&1|2>/dev/null)?[ \t]*(?:$|[\n;|&)])")

# Variables of the operator's could lead a program astray, and so could programs of his own.
_DEFAULTS = (
    "env_reset, !setenv, !env_keep,"
    ' secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"'
)
_HEAD = """\
# What the account {account} may do as root on {host}: what cutover reads there, word for word.
# Made by `cutover sudoers`; a later cutover may ask for other words. On the server, as root:
#     visudo -cf FILE && install -m 440 FILE /etc/sudoers.d/cutover
# What these commands print, this account can read: the environment file with its secrets, crontabs, logs. Who can
# also put links into the application's directories can read any file through it: keep its key as you keep root's.
"""
_NO_USER = """\
# Left out is what is asked as the application's user, whom [target.server] user does not declare:
# {names}
"""


def sudoers(target: Target, server: Server, account: str) -> str:
    """A file for /etc/sudoers.d by which ``account`` may do on the server what a visit does as root, and no more."""
    rules: dict[str, list[str]] = {}
    left_out = []
    places = {**variables(target, server), "user": server.user}
    del places["MARK"]  # of one run
    for name, command in {**COMMANDS, **DURING, **AFTER}.items():
        if command.needs and not places[command.needs]:
            continue
        for words in root_calls(command.line, places):
            if "" in words:  # the user
                left_out.append(name)
            else:
                rules.setdefault(_rule(command, words), []).append(name)
    lines = [_HEAD.format(account=account, host=target.host)]
    if left_out:
        lines.append(_NO_USER.format(names=", ".join(dict.fromkeys(left_out))))
    lines.append(f"Defaults:{account} {_DEFAULTS}\n")
    told = ""
    for rule, names in rules.items():
        before, told = told, f"# {', '.join(dict.fromkeys(names))}\n"
        lines.append((told if told != before else "") + f"{account} ALL=(root) NOPASSWD: {rule}\n")
    return "".join(lines)


def root_calls(line: str, places: Mapping[str, str]) -> Iterator[Words]:
    """The words of each ``root`` call in a command's text; ValueError for one that cannot be told before a visit.

    A word is told when it stands there as it is, or is one of the ``places``.
    """
    for found in _TOKEN.finditer(line):
        if found[0] != "root":
            if re.search(r"[(`]\s*root\b", found[0]) and found[0][0] == '"':
                raise ValueError(f"root in double quotes: {found[0]}")
            continue
        if not _BEFORE.search(line, 0, found.start()):
            raise ValueError(f"root where no command begins: {line[: found.end()]}")
        at, words = found.end(), []
        while not _END.match(line, at) and (word := _WORD.match(line, at)):
            words.append("".join(_told(part, places) for part in re.findall(_PART, word[1])))
            at = word.end()
        if not words or not _END.match(line, at):
            raise ValueError(f"words that only a shell can tell: {line[found.start() : at + 40]}")
        yield tuple(words)


def _told(part: str, places: Mapping[str, str]) -> str:
    """What the shell makes of a quoted or unquoted part of a word."""
    if part[0] == "'":
        return part[1:-1]

    def value(name: re.Match[str]) -> str:
        if name[1] not in places:
            raise ValueError(f"{name[0]} is known on the host only")
        return places[name[1]]

    return re.sub(r"\$(\w*)", value, part.strip('"'))


def _rule(command: Command, words: Words) -> str:
    """The command as sudo sees it, with what means something to sudoers escaped."""
    told = [*(AS_ROOT % {"seconds": command.root_seconds}).split(), *words]
    for word in told:
        if not word.isprintable() or re.search(r"[\s\\]", word):
            raise UsageError(f"sudoers cannot hold it exactly: {word!r}")
    return "/usr/sbin/" + " ".join(re.sub(r"([*?\[\]:,=#])", r"\\\1", word) for word in told)
