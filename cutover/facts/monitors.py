"""The three jobs that watch a host (checklist section 15), found by what they do and not by their text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import NamedTuple

from cutover.errors import ProbeError
from cutover.facts import awk
from cutover.facts.cron import Cron
from cutover.facts.crontab import OWN_NAME, Job, Programs
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.patterns import compiled

COMMANDS = {
    # What df tells of as full for ever: the snaps of Ubuntu, a CD.
    "images": Command(
        "awk '$3 ~ /^(squashfs|erofs|iso9660|udf|cramfs)$/ && ++count <= 100 { print $1, $3, $2 }' /proc/mounts"
    ),
}

_MAILERS = frozenset(["mail", "mailx", "s-nail", "sendmail", "msmtp", "mutt", "swaks"])
_DISCARDED = re.compile(r">\s*/dev/null\s+2>&1|&>\s*/dev/null|2>\s*/dev/null")


class Image(NamedTuple):
    """A mounted image that nobody can write: no byte of it is ever free."""

    device: str
    fstype: str
    mounted_on: str


@dataclass(frozen=True, slots=True)
class Monitors:
    """Jobs by what they watch. A job may be among them and not run: its ``reason_not`` tells."""

    health: tuple[Job, ...]
    disk: tuple[Job, ...]
    certificate: tuple[Job, ...]
    images: tuple[Image, ...]
    programs: Programs
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs, host: str) -> Monitors:
        """Find them among all jobs; ``host`` is the public name that the health check asks."""
        cron = Cron.read(outputs)
        own = re.compile(rf"https://{re.escape(host)}(?![\w.-])")
        return cls(
            health=tuple(
                job
                for job in cron.jobs
                if job.words & {"curl", "wget"} and (own.search(job.command) or OWN_NAME in job.words)
            ),
            disk=tuple(job for job in cron.jobs if "df" in job.words and alerts(job, cron.programs)),
            certificate=tuple(_as_root(job) for job in cron.jobs if _tells_expiry(job)),
            images=tuple(
                Image(*line.split(" ", 2)) for line in outputs.text("images").splitlines() if line.count(" ") == 2
            ),
            programs=cron.programs,
            evidence=(*cron.evidence, *outputs.evidence("images")),
        )


def alerts(job: Job, programs: Programs) -> bool:
    """Whether somebody hears of what it finds: it sends mail, calls a web hook, or leaves its output to cron's mail."""
    if job.words & _MAILERS:
        return True
    if re.search(r"\bcurl\b[^|;&]*\s(-d|--data\S*|-X\s*POST|--request\s+POST)\b", job.command):
        return True
    mailed = job.mailto != "" and any(path.endswith("/sendmail") for path in programs.modes)
    return mailed and not _DISCARDED.search(job.command)


def notices_an_error_page(job: Job) -> bool:
    """Whether an answer such as 502 counts as a failure: wget's way, and curl's with -f. A script is believed."""
    asked = re.search(r"\bcurl\b([^|;&]*)", job.command)
    return not asked or bool(re.search(r"\s(-[a-zA-Z]*f[a-zA-Z]*|--fail\S*)(\s|$)|http_code", asked[1]))


def _as_root(job: Job) -> Job:
    if "certbot" in job.words and job.user != "root":
        return replace(job, reason_not=job.reason_not or f"{job.user} may not ask certbot, which needs root")
    return job


def _tells_expiry(job: Job) -> bool:
    """certbot certificates (which root alone may ask), openssl's dates, or a tool made for it."""
    if {"certbot", "certificates"} <= job.words:
        return True
    of_openssl = {"checkend", "enddate", "-checkend", "-enddate"} & job.words
    return bool(("openssl" in job.words and of_openssl) or "ssl-cert-check" in job.words)


def found_at(job: Job, percent: int, images: tuple[Image, ...] = ()) -> bool:
    """Whether its df pipeline lets a file system through that is ``percent`` full; a job that does not run does not.

    ``images`` are mounted beside it. ProbeError when the pipeline is not one of df, grep, awk, tail, sed and tr in
    their plain forms.
    """
    if not job.runs:
        return False
    try:
        stages = _df_pipeline(job.command)
        told = _table(stages[0], percent, images)
        of_heading = told[:1]
        for stage in stages[1:]:
            told, of_heading = _filtered(stage, told), _filtered(stage, of_heading)
    except (ValueError, LookupError, OverflowError, RecursionError) as error:
        raise ProbeError(
            f"{job.source}: what the disk job does with df's answer cannot be worked out here ({error})",
            "try it by hand, and attest it; or write it as df -P | awk 'NR > 1 && $5 + 0 > 80'",
        ) from None
    return any(line not in of_heading for line in told)


def _df_pipeline(command: str) -> list[list[str]]:
    """The words of df and of each stage behind it, up to what mails, ends the list or compares."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    words = list(lexer)
    if "df" not in words:
        raise ValueError("df is called by a script")
    stages: list[list[str]] = [[]]
    for word in words[words.index("df") :]:
        if word == "|":
            stages.append([])
        elif re.fullmatch(r"[;&|()<>]+", word):
            break
        else:
            stages[-1].append(word)
    return [stage for stage in stages if stage[0] not in {*_MAILERS, "ifne", "xargs", "logger", "tee", "sort"}]


def _table(df: list[str], percent: int, images: tuple[Image, ...]) -> list[str]:
    options = [word for word in df[1:] if word.startswith("-")]
    columns = {
        "source": ["Filesystem", "/dev/vda1"],
        "fstype": ["Type", "ext4"],
        "size": ["Size", "40G"],
        "used": ["Used", "36G"],
        "avail": ["Avail", "4G"],
        "pcent": ["Use%", f"{percent}%"],
        "target": ["Mounted on", "/"],
    }
    for image in images:
        if _tells_of(df, image):
            cells = (image.device, image.fstype, "64M", "64M", "0", "100%", image.mounted_on)
            for column, cell in zip(columns.values(), cells, strict=True):
                column.append(cell)
    shown = [
        name for name in columns if name != "fstype" or any(re.fullmatch(r"-[a-zA-Z]*T[a-zA-Z]*", o) for o in options)
    ]
    for option in options:
        if option.startswith("--output="):
            shown = option.partition("=")[2].split(",")
    if unknown := [name for name in shown if name not in columns]:
        raise ValueError(f"df --output={unknown[0]}")
    return [" ".join(row) for row in zip(*(columns[name] for name in shown), strict=True)]


def _tells_of(df: list[str], image: Image) -> bool:
    """Whether df's options leave the image's type in, and its operands ask for no other place."""
    chosen: dict[str, set[str]] = {"t": set(), "x": set()}
    places = []
    words = iter(df[1:])
    for word in words:
        if found := re.fullmatch(r"-[ahHiklPT]*([tx])(.*)|--(?:exclude-)?type=(.+)", word):
            letter = found[1] or ("x" if "exclude" in word else "t")
            chosen[letter].add(found[2] or found[3] or next(words, ""))
        elif not word.startswith("-"):
            places.append(word)
    if places:
        return any(word in (image.device, image.mounted_on) for word in places)
    return image.fstype not in chosen["x"] and (not chosen["t"] or image.fstype in chosen["t"])


def _filtered(stage: list[str], lines: list[str]) -> list[str]:
    match stage:
        case ["awk" | "gawk" | "mawk", *words]:
            return _awk(words, lines)
        case ["grep" | "egrep", *words]:
            return _grep(words, lines)
        case ["tail", "-n", number] | ["tail", number] if re.fullmatch(r"-?n?\+\d+", number):
            return lines[int(number.rpartition("+")[2]) - 1 :]
        case ["tail", "-1"] | ["tail", "-n1"] | ["tail", "-n", "1" | "-1"]:
            return lines[-1:]
        case ["sed", "1d" | "1 d"]:
            return lines[1:]
        case ["sed", "s/%//" | "s/%//g"] | ["tr", "-d", "%"]:
            return [line.replace("%", "") for line in lines]
    raise ValueError(f"{stage[0]!r} is none of awk, grep, tail, sed and tr in a plain form")


def _awk(words: list[str], lines: list[str]) -> list[str]:
    separator, variables = "", {}
    while words and words[0].startswith("-"):
        option = words.pop(0)
        value = option[2:] or words.pop(0)
        if option.startswith("-F"):
            separator = value
        elif option.startswith("-v"):
            name, _, variables[name] = value.partition("=")
        else:
            raise ValueError(f"awk {option}")
    if len(words) != 1:
        raise ValueError("awk reads a file")
    return awk.select(words[0], lines, separator, variables)


def _grep(words: list[str], lines: list[str]) -> list[str]:
    options = "".join(word[1:] for word in words if word.startswith("-"))
    patterns = [word for word in words if not word.startswith("-")]
    if len(patterns) != 1 or set(options) - set("Eviwqe"):
        raise ValueError(f"grep {' '.join(words)}")
    pattern = re.sub(r"\[:digit:\]", "0-9", patterns[0])
    if "E" not in options:
        pattern = re.sub(r"\\([|+?(){}])", r"\1", re.sub(r"(?<!\\)([|+?(){}])", r"[\1]", pattern))
    pattern = rf"\b(?:{pattern})\b" if "w" in options else pattern
    chosen = compiled(pattern, re.IGNORECASE if "i" in options else 0)
    return [line for line in lines if bool(chosen.search(line)) != ("v" in options)]
