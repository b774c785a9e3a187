"""The transcript that facts were read from, and what a server's commands printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cutover.errors import NotDeclared, ProbeError

EXCERPT = 600  # characters of output that go with a verdict; the whole stays in the saved facts


@dataclass(frozen=True, slots=True)
class Evidence:
    """One command or request: what was asked, when (ISO 8601, UTC), what came back; redacted at capture."""

    asked: str
    at: str
    answer: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command for the server: POSIX sh that changes nothing, and its timeout in seconds.

    ``each`` is the timeout of what it says to ``root``, where that is shorter because there is more than one. ``live``
    is one that hears the operator on 4 while it runs, and is heard at once on 5.

    ``root`` before a program runs it with the privileges that reading it needs; its words can be told before the
    visit (``cutover.probes.privileges``). The inventory's places are variables: ``"$APP_DIR"`` and the others of
    ``cutover.probes.server.variables``. ``refusal "$told"`` passes sudo's refusal on where ``2>&1`` caught it.
    Where the inventory leaves the place empty that a command ``needs``, it is not run, and printed nothing.
    """

    line: str
    seconds: int = 10
    needs: str = ""
    each: int = 0
    live: bool = False

    @property
    def root_seconds(self) -> int:
        """The timeout of one program that runs as root."""
        return self.each or self.seconds

    @property
    def brief(self) -> str:
        """As it is told in a sentence: its first words."""
        first = self.line.strip().partition("\n")[0]
        return first if len(first) <= 60 else f"{first[:59]}…"


@dataclass(frozen=True, slots=True)
class Output:
    """What one command on the server printed.

    ``rc`` is its exit status, 124 when its own timeout ended it. ``seconds`` is its time on the host.
    ``truncated`` tells that more was printed than is kept. ``began`` is when, by the host's clock (Unix time).
    """

    command: str
    rc: int
    stdout: str
    stderr: str
    seconds: float
    truncated: bool = False
    began: float = 0.0

    @property
    def brief(self) -> str:
        """The command as it is told in a sentence."""
        return Command(self.command).brief


# Its exit status is lost behind a pipe. That the host cannot resolve its own name is a warning of no matter.
_REFUSAL = re.compile(r"(?m)^(?:sudo: (?!unable to resolve host)|Sorry, user ).*$")

TIMED_OUT = 124  # coreutils timeout, also when it had to send KILL (137) after it


@dataclass(frozen=True, slots=True)
class Outputs:
    """All outputs of one visit to a server, by the name of the fact they serve.

    ``recorded`` tells where they come from when they are not of this run. ``sent`` and ``answered`` are when
    the visit was sent off and when all of its answer was there, by the operator's clock (Unix time). ``cut``
    tells why the visit ended before its last command did; it is empty when it did not.
    """

    at: str
    host: str
    outputs: dict[str, Output] = field(default_factory=dict)
    sudo: bool = True
    recorded: str = ""
    sent: float = 0.0
    answered: float = 0.0
    cut: str = ""

    def __getitem__(self, name: str) -> Output:
        """The output, whatever its exit status; ProbeError when the command could not be run to its end."""
        output = self.outputs.get(name)
        if output is None and self.cut:
            raise ProbeError(f"{self.host}: {self.cut}", "look why it hangs")
        if output is None:
            raise ProbeError(f"{self.host}: the server's answer holds no output of {name!r}")
        if output.rc in (TIMED_OUT, 137):
            raise ProbeError(f"{self.host}: {output.brief!r} did not end in time", "look why it hangs")
        if output.truncated:
            raise ProbeError(f"{self.host}: {output.brief!r} printed more than is read")
        if refusal := _REFUSAL.search(output.stderr):
            if not self.sudo:
                raise NotDeclared("needs root on the server, and the inventory declares sudo = false")
            advice = (
                f"`cutover sudoers --host {self.host}` prints what /etc/sudoers.d/cutover must hold there;"
                " what it leaves out is asked by an account that may do more"
            )
            raise ProbeError(f"{self.host}: {refusal[0]}", advice)
        return output

    def text(self, name: str) -> str:
        """What a command printed; ProbeError when it failed or is missing on the host."""
        output = self[name]
        if output.rc != 0:
            reason = output.stderr.strip().partition("\n")[0] or f"exit status {output.rc}"
            raise ProbeError(f"{self.host}: {output.brief!r} failed: {reason}")
        return output.stdout

    def evidence(self, *names: str) -> tuple[Evidence, ...]:
        """The transcript of the named commands; ProbeError when one of them is not there."""
        where = f"{self.host} ({self.recorded})" if self.recorded else self.host
        told = []
        for name in names:
            output = self.outputs[name] if name in self.outputs else self[name]
            answer = (output.stdout + output.stderr).strip()[:EXCERPT]
            told.append(Evidence(f"{where}$ {output.command}", self.at, f"[{output.rc}] {answer}"))
        return tuple(told)
