"""The visit to a server: what an ssh, or the host behind it, says in place of the answer or in the midst of it.

A case gets the mark of the visit's frames, as a host does that reads the script, and the recorded outputs; what it
returns is what ssh prints. This file is the program ``ssh`` of the run as well, and imports nothing slow.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

from selftest.hostile.table import ENTRY, ESCAPES, JWT, MARKUP, PLANTED, Table

SERVER = Table()


def framed(mark, outputs, **changed):
    """The answer of a visit, some outputs of which are other texts."""
    told = f"\n{mark} at {time.time():.9f} 100.00\n".encode()
    for name, output in outputs.items():
        text, rc = changed.get(name.replace("-", "_"), output["stdout"]), output["rc"]
        text = text if isinstance(text, bytes) else text.encode()
        told += f"\n{mark} out {name}\n".encode() + text
        told += f"\n{mark} err {name} 100.00 100.01\n{output['stderr']}\n{rc}\n{mark} end\n".encode()
    return told


@SERVER.case("error", "the visit's script did not run")
def prints_nothing(mark, outputs):
    """Lets us in, and prints nothing."""
    return b""


@SERVER.case("error", "the visit's script did not run")
def greets_with_escapes(mark, outputs):
    """Greets in colours and markup on both streams, with secrets, and runs nothing."""
    sys.stderr.write(f"{PLANTED}{MARKUP}{ESCAPES}\n")
    return f"{ESCAPES}{MARKUP}{PLANTED}".encode()


@SERVER.case("error", "printed more than")
def prints_without_end(mark, outputs):
    """Prints zeros without end."""
    while True:
        os.write(1, bytes(2**16))


@SERVER.case("error", "did not end within")
def hangs(mark, outputs):
    """Answers a little and hangs."""
    os.write(1, framed(mark, {"os-release": outputs["os-release"]}))
    time.sleep(120)


@SERVER.case("error", "refused \\x1b[31m")
def refuses_with_escapes(mark, outputs):
    """Lets nobody in, in red, and shows a password."""
    sys.stderr.write(f"banner {MARKUP}\nrefused \x1b[31m\x07\u202e password={ENTRY}\n")
    sys.exit(255)


@SERVER.case("error", "Host key verification failed")
def another_host_key(mark, outputs):
    """Is another host than the last time."""
    sys.stderr.write("@@@ WARNING @@@\r\nHost key verification failed.\r\n")
    sys.exit(255)


@SERVER.case("error", "holds no output")
def frames_of_its_own(mark, outputs):
    """Knows the mark, and frames commands that nobody asked for, with numbers of 5000 digits."""
    wrong = f"\n{mark} out nonsense\nx\n{mark} err nonsense 1.0 1.0\n\n0\n{mark} end\n"
    digits = f"\n{mark} out df\nx\n{mark} err df {'9' * 5000}.0 {'9' * 5000}.0\n\n{'9' * 5000}\n{mark} end\n"
    return framed(mark, {"nproc": outputs["nproc"]}) + wrong.encode() + digits.encode()


@SERVER.case("error", "holds no output")
def breaks_off(mark, outputs):
    """Breaks off in the midst of its answer."""
    told = framed(mark, outputs)
    return told[: len(told) // 2]


@SERVER.case("error", "names no release with a number")
def release_with_escapes(mark, outputs):
    """Is a release of red letters and markup."""
    return framed(
        mark, outputs, os_release=f'ID="{ESCAPES}"\nVERSION_ID="{ESCAPES}"\nPRETTY_NAME="{MARKUP}{ESCAPES}"\n'
    )


@SERVER.case("passed", "")
def secrets_in_every_answer(mark, outputs):
    """Prints an environment, a key and tokens behind what is right, in every answer."""
    return framed(mark, {name: out | {"stderr": f"{PLANTED}{JWT}"} for name, out in outputs.items()})


@SERVER.case("error", "printed more than is read")
def one_endless_answer(mark, outputs):
    """Prints a megabyte where a number is due."""
    return framed(mark, outputs, nproc=b"2\n" * 2**19)


@SERVER.case("error", "unknown form")
def numbers_of_many_digits(mark, outputs):
    """Has disks, memory, processes and clocks of 5000 digits."""
    swollen = {
        name.replace("-", "_"): re.sub(r"\d+", "9" * 5000, outputs[name]["stdout"])[:200_000]
        for name in ("nproc", "meminfo", "df", "df-places", "app-processes", "now", "software", "secret-keys", "reboot")
    }
    return framed(mark, outputs, **swollen)


CRON = "==> /etc/cron.d/mirai-knowledge-system <==\n"


def with_job(mark, outputs, command):
    told = outputs["cron-jobs"]["stdout"]
    assert CRON in told
    return framed(mark, outputs, cron_jobs=told.replace(CRON, f"{CRON}0 9 * * * root {command} | mail -s full root\n"))


@SERVER.case("error", "cannot be worked out here", "disk_alert_tells_full_from_empty")
def awk_that_doubles(mark, outputs):
    """Has a disk alert whose awk makes a line ever longer: 20 times each time."""
    awk = "".join('{ gsub(/./, "xxxxxxxxxxxxxxxxxxxx") }' for _ in range(40))
    return with_job(mark, outputs, f"df -P | awk '{awk}'")


@SERVER.case("error", "cannot be worked out here", "disk_alert_tells_full_from_empty")
def grep_that_never_ends(mark, outputs):
    """Has a disk alert whose expression tries each way through a line."""
    return with_job(mark, outputs, "df -P | grep -E '^(([a-zA-Z0-9 /]*)*)*!$'")


@SERVER.case("error", "cannot be worked out here", "disk_alert_tells_full_from_empty")
def awk_of_brackets(mark, outputs):
    """Has a disk alert of ten thousand brackets."""
    return with_job(mark, outputs, f"df -P | awk '{'(' * 10_000}1'")


@SERVER.case("error", "end")
def includes_without_end(mark, outputs):
    """Has an nginx configuration whose files include one another, ten times each, fifty deep."""
    head = "# configuration file /etc/nginx/nginx.conf:\ninclude f0;\n"
    files = "".join(f"# configuration file /etc/nginx/f{n}:\n{f'include f{n + 1};' * 10}\n" for n in range(40))
    end = "# configuration file /etc/nginx/f40:\n"
    return framed(mark, outputs, nginx_config=f"{head}{files}{end}\n=== ciphers\n\n=== changed\n")


@SERVER.case("error", "in an unknown form")
def nothing_but_invalid_utf_8(mark, outputs):
    """Prints bytes that are no text, NULs and half characters, in every answer."""
    return framed(mark, outputs, **{name.replace("-", "_"): b"\xff\xfe\x00\xed\xa0\x80\x1b[2J\r\n" for name in outputs})


def main():
    """Be ssh: the host's name is the case, the script is in the last argument."""
    name = next(word for word in sys.argv[1:] if word.split("@")[-1].removesuffix(".invalid") in SERVER)
    mark = re.search(r"[0-9a-f]{32}", sys.argv[-1])[0]
    outputs = json.loads(Path(os.environ["HOSTILE_RECORDED"]).read_text("utf-8"))["facts"]["outputs"]
    sys.stdout.buffer.write(SERVER[name.split("@")[-1].removesuffix(".invalid")].serve(mark, outputs))


if __name__ == "__main__":
    main()
