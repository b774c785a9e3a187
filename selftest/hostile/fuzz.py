"""Fuzzes what reads a stranger's bytes, with atheris: ``python -m selftest.hostile.fuzz --seconds 60 [NAME …]``.

Each reader is fuzzed by itself for so long, led by its coverage. What comes out of it that it does not promise,
or takes longer than ten seconds, ends the run with status 1 and the input that did it. atheris (PyPI, CPython on
Linux) is no dependency of the suite's own tests: without it this says so, and ends with status 2.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import subprocess
import sys
import tempfile

SEEDS = {
    "http": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
        b"0\r\n\r\n",
    ],
    "dns": [
        b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00\x03api\x07example\x03com\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
    ],
    "certificate": [],
    "hello": [bytes.fromhex("160303002a020000260303" + "00" * 32 + "00c02f00")],
    "json": [
        b'{"success": true, "data": {"access_token": "abc", "items": [1, {}]}}',
        b'\xef\xbb\xbf{"error": {"status": "fail"}}',
    ],
    "hsts": [b'max-age="31536000"; includeSubDomains; preload'],
    "caa": [b"letsencrypt.org; validationmethods=dns-01", b"CN=R3,O=Let's Encrypt,C=US"],
    "redact": [
        b"Authorization: Bearer abcdefghij\nset-cookie: a=b; Path=/\nDB_PASSWORD=x\n://u:p@h eyJabcdef.abcdef.abc"
    ],
    "visit": [],
}
SECONDS_FOR_ONE = 10


def readers():
    """By name, what is called with the bytes."""
    from http.client import HTTPException

    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from dns.name import from_text

    from cutover.errors import NotDeclared
    from cutover.facts import caa, hsts
    from cutover.probes import answers, certificate, dialling, hello, query, script, server
    from cutover.probes.caa import policy
    from cutover.probes.wire import Wire
    from cutover.redact import redact
    from selftest.pki import make

    name = from_text("api.example.com")
    mark = "00112233445566778899aabbccddeeff"
    SEEDS["certificate"] = [make("a", names=["a.example"]).certificate.public_bytes(serialization.Encoding.DER)]
    SEEDS["visit"] = [
        f"\n{mark} at 17.5 100.0\n\n{mark} out nproc\n12\n\n{mark} err nproc 100.0 100.1\n\n0\n{mark} end\n".encode()
    ]

    class Socket:
        """A connection on which these bytes have come, and no more will."""

        def __init__(self, data):
            self.data = data

        def makefile(self, mode, *_):
            return io.BufferedReader(io.BytesIO(self.data))

        def gettimeout(self):
            return None

        def settimeout(self, _):
            """Nothing to wait for."""

        def shutdown(self, _):
            """Nothing to end."""

        def close(self):
            """Nothing to close."""

    def http(data):
        wire = Wire(keep=False)
        response = wire.connections(object).response_class(Socket(data), method="GET")
        with contextlib.suppress(HTTPException, OSError, ValueError):
            response.begin()
            response.read(65536)
        fields = [dialling._header(key, value) for key, value in wire.headers()]
        assert clean(text for pair in fields for text in pair)

    def clean(texts):
        return not any(letter < " " and letter not in "\t\n" for text in texts for letter in text)

    def dns(data):
        async def given(address, asked):
            return asked[:2] + data

        async def ask():
            return await query.ask("192.0.2.53", name, "A")

        query._datagram = query._stream = given
        reply = asyncio.run(ask())
        query.read(reply, name, "A")
        policy(reply, name)
        assert reply.problem or reply.message

    def chain(data):
        with contextlib.suppress(*certificate.UNREADABLE):  # which the probe turns into its cause
            link = x509.load_der_x509_certificate(data)
            certificate._link(link, link)

    def greeting(data):
        left = io.BytesIO(data)

        class Reader:
            def take(self, count):
                taken = left.read(count)
                if len(taken) < count:
                    raise ConnectionResetError
                return taken

        with contextlib.suppress(ValueError, ConnectionResetError):
            hello._answer(Reader())

    def json(data):
        body = answers.Body.read(data.decode("utf-8", "replace"))
        place, _ = body.first_of(("access_token", "data.access_token", "data.items", ""))
        told = body.objection(place)
        assert "\x1b" not in told

    def strict(data):
        text = data.decode("latin-1")
        told = hsts.parse(text)
        assert isinstance(told, str) or told.seconds >= 0

    def authority(data):
        text = data.decode("latin-1")
        one = caa.Property(data[0] if data else 0, "issue", text)
        caa.Caa("x", (one,)).lets(("letsencrypt.org",))
        with contextlib.suppress(NotDeclared):
            caa.identifiers(text)

    def hiding(data):
        told = redact(data.decode("utf-8", "replace"))
        assert "\x1b" not in told
        assert "\u202e" not in told

    def visit(data):
        script.parse(server.COMMANDS, mark, data)

    return {
        "http": http,
        "dns": dns,
        "certificate": chain,
        "hello": greeting,
        "json": json,
        "hsts": strict,
        "caa": authority,
        "redact": hiding,
        "visit": visit,
    }


def one(name: str, seconds: int) -> None:
    """Fuzz one reader in this process, which atheris ends."""
    import atheris

    with atheris.instrument_imports(include=["cutover", "http.client", "dns.message", "dns.wire", "dns.name"]):
        reader = readers()[name]
    folder = tempfile.mkdtemp(prefix="cutover-fuzz-")
    for number, seed in enumerate(SEEDS[name]):
        with open(os.path.join(folder, f"seed{number}"), "wb") as file:
            file.write(seed)
    options = [f"-max_total_time={seconds}", "-max_len=4096", f"-timeout={SECONDS_FOR_ONE}", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/found-", folder], reader)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m selftest.hostile.fuzz")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SEEDS)}; all without any")
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if unknown := set(told.names) - SEEDS.keys():
        parser.error(f"no reader is called {', '.join(sorted(unknown))}")
    if told.here:
        one(told.names[0], told.seconds)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("fuzz: needs atheris: .venv/bin/python -m pip install atheris", file=sys.stderr)
        return 2
    bad = 0
    for name in told.names or SEEDS:
        argv = [sys.executable, "-m", "selftest.hostile.fuzz", "--here", "--seconds", str(told.seconds), name]
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace")
        lines = done.stderr.splitlines()
        runs = next((line for line in reversed(lines) if line.startswith("Done ")), "")
        print(f"{'ok ' if not done.returncode else 'BAD'} {name:12} {runs or f'status {done.returncode}'}", flush=True)
        if done.returncode:
            bad += 1
            print("\n".join((done.stdout.splitlines() + lines)[-40:]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
