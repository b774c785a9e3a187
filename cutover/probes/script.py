"""The one script of a visit to a server: commands side by side, each under its own timeout, and its answer's frames."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from cutover.facts.evidence import Command, Output
from cutover.redact import redact

OUTPUT_BYTES = 256 * 1024  # of each command
GRACE_SECONDS = 3  # of a command's shell, beyond what is said to `root`
# So many of a visit's commands run at once: one for each processor, because more would only wait for each other and
# come nearer to their timeouts; two at least, because many wait for another process; not so many that others notice.
LEAST_AT_ONCE, MOST_AT_ONCE = 2, 4


# What `root` has sudo run: from /, for the reason told in cutover.probes.privileges, and with its timeout inside,
# because an ordinary user cannot end a root process.
AS_ROOT = "chroot / timeout -k 2 %(seconds)d"
_PRELUDE = f"""\
root() {{
  if [ "$ACCOUNT" -eq 0 ]; then "$@"
  elif [ "$SUDO" = no ]; then echo 'sudo: not to be used' >&2; return 1
  else sudo -n -- {AS_ROOT} "$@"; fi
}}
refusal() {{ printf '%%s\\n' "$1" | grep -E '^(sudo: |Sorry, user )' >&2; }}
"""

# The mark is random, so that nothing a command prints can pass for a frame. The exit status travels as the
# last line of standard error, which is the one stream that is collected before it is sent.
#
# Commands run side by side. Two pipes without a name hold lines: one (8) for each command that may begin, with
# the status of the frame before it, which is not 0 when nobody listens any more; the other (9) for the one that may
# print. Who takes a line gives one back. A frame waits in the tail that prints at the end of its input: that comes when
# the frame is whole and it is its turn, because no command holds the pipe (3) open. A command that is `live` has what
# the visit came with: its standard input (4), and its standard output (5), where what it says does not wait.
_SCRIPT = """\
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ACCOUNT=$(id -u)
exec 4<&0 5>&1
read -r up rest </proc/uptime
printf '\\n%(mark)s at %%s %%s\\n' "$(date +%%s.%%N)" "$up"
frame() {
  read -r begun rest </proc/uptime
  printf '\\n%(mark)s out %%s\\n' "$1"
  { errors=$( {
    {
      if [ "$4" = live ]; then timeout -k 2 "$2" sh -c "$3" </dev/null 3>&- 8>&- 9>&-
      else timeout -k 2 "$2" sh -c "$3" </dev/null 3>&- 4<&- 5>&- 8>&- 9>&-; fi
      printf '\\n%%s' "$?" >&2
    } | head -c %(bytes)d >&3
  } 2>&1 | tail -c 4096 ); } 3>&1
  read -r ended rest </proc/uptime
  printf '\\n%(mark)s err %%s %%s %%s\\n%%s\\n%(mark)s end\\n' "$1" "$begun" "$ended" "$errors"
}
visit() {
  read -r told <&8
  [ "$told" = 0 ] || exit
  {
    { frame "$@"; read -r rest <&9; } | tail -c %(frame)d
    told=$?
    echo >&9
    echo "$told" >&8
  } &
}
: | { exec 8<>/proc/self/fd/0; : | { exec 9<>/proc/self/fd/0 </dev/null
slots=$(nproc)
[ "${slots:-0}" -le %(most)d ] || slots=%(most)d
[ "${slots:-0}" -ge %(least)d ] || slots=%(least)d
while [ "$slots" -gt 0 ]; do echo 0 >&8; slots=$((slots - 1)); done
echo >&9
"""
_END = "wait; }; }"


def compose(commands: Mapping[str, Command], mark: str, places: Mapping[str, str]) -> str:
    """The script that runs ``commands``, which may name ``places``, and frames what each prints with ``mark``."""
    sizes = {
        "bytes": OUTPUT_BYTES + 1,
        "frame": OUTPUT_BYTES + 8192,
        "least": LEAST_AT_ONCE,
        "most": MOST_AT_ONCE,
    }
    lines = [_SCRIPT % {"mark": mark, **sizes}]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in places.items()]
    for name, command in commands.items():
        wanted = not command.needs or places[command.needs]
        line = _PRELUDE % {"seconds": command.root_seconds} + command.line if wanted else ":"
        told = "live" if command.live else "-"
        lines.append(f"visit {name} {command.seconds + GRACE_SECONDS} {shlex.quote(line)} {told}")
    return "\n".join([*lines, _END])


def parse(commands: Mapping[str, Command], mark: str, answer: bytes) -> dict[str, Output]:
    """Read the frames; a command whose frame is not whole is not in the result."""
    own = re.escape(mark).encode()
    start = re.search(rb"\n%b at (\d{1,12}\.\d{1,9}) (\d{1,12}\.\d{1,9})\n" % own, answer)
    if not start:
        return {}
    boot = float(start[1]) - float(start[2])
    frame = re.compile(
        rb"\n%(m)b out ([\w-]+)\n(.*?)\n%(m)b err \1 (\d{1,12}\.\d{1,9}) (\d{1,12}\.\d{1,9})\n"
        rb"(.*?)\n?(\d{1,3})\n%(m)b end\n" % {b"m": own},
        re.DOTALL,
    )
    outputs = {}
    for name, stdout, began, ended, stderr, rc in frame.findall(answer):
        command = commands.get(name.decode())
        if command is None:  # the host knows the mark too: it is in the script
            continue
        outputs[name.decode()] = Output(
            command=command.line,
            rc=int(rc),
            stdout=redact(stdout[:OUTPUT_BYTES].decode("utf-8", "replace")),
            stderr=redact(stderr.decode("utf-8", "replace")).strip("\n"),
            seconds=round(float(ended) - float(began), 2),
            truncated=len(stdout) > OUTPUT_BYTES,
            began=boot + float(began),
        )
    return {name: outputs[name] for name in commands if name in outputs}
