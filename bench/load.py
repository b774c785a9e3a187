"""Our load driver beside ab, wrk and plain locust, against the same nginx on loopback, in one run.

    .venv/bin/python bench/load.py

Needs nginx-light, apache2-utils (ab) and wrk. All use TLS, 10 connections at a time and, unless told otherwise, keep
them. The page / is a file; /slow is answered by a small server behind nginx after exactly 50 ms. Requests per second
and quantiles are each tool's own; processor time is that of its processes without their start, where we can tell.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import trustme

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import ROOT, Ratio, run, verdict
from cutover.facts.load import Load
from cutover.inventory import Peer, Ports, Target
from cutover.probes import live, load

T = TypeVar("T")

NAME, ADDRESS = "load.example.test", "127.0.0.1"
SECONDS = 6
CONCURRENCY = 10
# Of the slow page, so long that the ten answers that waited for a handshake, which wrk does not count, are few.
SLOW_SECONDS, ROUNDS = 20, 3
WARM_SECONDS = 20.0  # in which locust starts on a busy machine
STALL_SECONDS, STALL_RATE, STALL_RUN = 3.0, 100, 10
TOOLS = {"nginx": "nginx-light", "ab": "apache2-utils", "wrk": "wrk"}
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"

NGINX = """daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; root {folder};
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream slow {{ server 127.0.0.1:{slow}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate chain.pem; ssl_certificate_key key.pem;
    location / {{ default_type text/html; }}
    location /slow {{ proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
# Answers every request 50 ms after it came.
SLOW = """
import asyncio, contextlib
async def serve(reader, writer):
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", {port}, backlog=256)).serve_forever()
asyncio.run(main())
"""
PLAIN = """
from locust import FastHttpUser, task
class Plain(FastHttpUser):
    @task
    def visit(self):
        self.client.get({path!r})
"""
# How long the start of 100 users takes, without that of locust itself.
STARTS = """
import sys, time
{before}
from locust import FastHttpUser, User
from locust.env import Environment
{import_user}
class Page(FastHttpUser):
    host = "https://{name}:1"
environment = Environment(user_classes=[Page], host=Page.host)
begun = time.monotonic()
users = [{user}(environment) for _ in range({many})]
print(time.monotonic() - begun)
"""


class Figures(NamedTuple):
    """What a tool told of itself: requests per second, seconds, processor seconds for 1000 requests."""

    tool: str
    rate: float
    p50: float
    p99: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.tool:28} {self.rate:9.0f} req/s   p50 {self.p50 * 1000:7.2f} ms   p99 {self.p99 * 1000:7.2f} ms"
            f"   {self.cpu * 1000:7.1f} ms cpu per 1000"
        )


class Site(NamedTuple):
    """The nginx that all of them ask."""

    port: int
    ca: Path
    process: subprocess.Popen[bytes]

    def url(self, path: str) -> str:
        return f"https://{ADDRESS}:{self.port}{path}"

    def peer(self, path: str) -> Peer:
        target = Target(host=NAME, ca=self.ca, ports=Ports(https=self.port))
        return Peer(
            target.model_copy(update={"endpoints": target.endpoints.model_copy(update={"root": path})}), ADDRESS
        )


def main() -> int:
    """Measure, print every figure, and judge the ratios."""
    missing = [f"{tool} ({package})" for tool, package in TOOLS.items() if not shutil.which(tool, path=PATH)]
    if missing:
        print(f"not here: {', '.join(missing)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name, site(Path(name)) as nginx:
        folder = Path(name)
        print("/, kept connections")
        plain, mine = tell(locust(folder, nginx, "/")), tell(ours(nginx, "/"))
        tell(ab(nginx, "/", 40_000))
        tell(wrk(nginx, "/"))
        print("/, a new connection each")
        tell(ours(nginx, "/", kept=False))
        tell(ab(nginx, "/", 3_000, kept=False))
        print("/slow, 50 ms")
        tell(ab(nginx, "/slow", SECONDS * 190))
        tell(locust(folder, nginx, "/slow"))
        # In turns, so that a busy moment of the machine falls on both.
        slowly = [
            (tell(ours(nginx, "/slow", SLOW_SECONDS)), tell(wrk(nginx, "/slow", SLOW_SECONDS))) for _ in range(ROUNDS)
        ]
        slow = statistics.median(mine.p99 for mine, _ in slowly) / statistics.median(its.p99 for _, its in slowly)
        print(f"/, a stall of {STALL_SECONDS:g} s in a run of {STALL_RUN} s")
        tell(stalled(nginx, lambda: (live.tell("ab"), ab(nginx, "/slow", STALL_RUN * 190))[1]))
        stall = stalled(nginx, lambda: open_model(nginx))
        print(f"{'ours, offered 100/s':28} p95 {stall.quantile(0.95):.2f} s   p99 {stall.quantile(0.99):.2f} s")
        starts = {kind: start(kind, nginx) for kind in ("visitor", "fast", "plain")}
    for kind, seconds in starts.items():
        print(f"start of {10 if kind == 'plain' else 100} users, {kind}: {seconds:.3f} s")
    return verdict(
        [
            Ratio("our p99 over wrk's, at 50 ms", slow, 1.05, True),
            # Of one core: what its processor time allows, also where others have a share of it.
            Ratio("our requests on / for each second of a core, of 2500", 1000 / mine.cpu / 2500, 1, False),
            Ratio("our requests per second on / over plain FastHttpUser's", mine.rate / plain.rate, 1, False),
            Ratio("our processor time for a request on / over plain FastHttpUser's", mine.cpu / plain.cpu, 1, True),
            Ratio("seconds to start 100 of our users", starts["visitor"], 1, True),
            Ratio("seconds to start 100 of a user's own FastHttpUsers", starts["fast"], 1, True),
            Ratio("p95 of the open stage over the stall", stall.quantile(0.95) / STALL_SECONDS, 0.7, False),
            Ratio("p99 of the open stage over the stall", stall.quantile(0.99) / STALL_SECONDS, 0.9, False),
        ]
    )


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Serve both pages until the block ends."""
    authority = trustme.CA()
    leaf = authority.issue_cert(NAME)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    for part in leaf.cert_chain_pems:
        part.write_to_path(folder / "chain.pem", append=True)
    (folder / "index.html").write_text(f"<!doctype html><title>Knowledge</title>{'<p>Some words.' * 60}")
    port, slow = load.locust._free_port(), load.locust._free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, slow=slow))
    folder.chmod(0o755)
    argv = ["nginx", "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
    behind = [sys.executable, "-c", SLOW.format(port=slow)]
    with subprocess.Popen(behind) as server, subprocess.Popen(argv, env=os.environ | {"PATH": PATH}) as process:
        try:
            time.sleep(1)
            yield Site(port, folder / "ca.pem", process)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            server.terminate()


def tell(figures: Figures) -> Figures:
    """Print them."""
    print(f"  {figures}", flush=True)
    return figures


def ours(nginx: Site, path: str, seconds: int = SECONDS, *, kept: bool = True) -> Figures:
    """Our driver, for some seconds."""
    stage = {"users": CONCURRENCY, "requests": 1_000_000, "seconds": seconds, "kept": kept}
    facts = load._drive(nginx.peer(path), stage, seconds=seconds)
    assert not facts.failures, facts.causes
    cpu = facts.client.cpu * facts.seconds / len(facts.samples) * 1000
    return Figures("ours", facts.rate, facts.quantile(0.5), facts.quantile(0.99), cpu)


def open_model(nginx: Site) -> Load:
    """Our driver, at a rate."""
    stage = {"users": 500, "requests": STALL_RATE * STALL_RUN, "rate": float(STALL_RATE), "kept": True}
    return load._drive(nginx.peer("/"), stage, seconds=STALL_RUN)


def ab(nginx: Site, path: str, requests: int, *, kept: bool = True) -> Figures:
    """ApacheBench; it counts requests, not seconds."""
    argv = ["ab", "-q", *(["-k"] if kept else []), "-n", str(requests), "-c", str(CONCURRENCY), nginx.url(path)]
    done = run(argv)
    rate = float(re.findall(r"Requests per second: +([\d.]+)", done.output)[0])
    p50, p99 = (float(re.findall(rf"(?m)^ +{share}% +(\d+)", done.output)[0]) / 1000 for share in (50, 99))
    return Figures("ab" + (" -k" if kept else ""), rate, p50, p99, done.cpu / requests * 1000)


def wrk(nginx: Site, path: str, seconds: int = SECONDS) -> Figures:
    """wrk with one thread."""
    done = run(["wrk", "-t1", f"-c{CONCURRENCY}", f"-d{seconds}s", "--latency", nginx.url(path)])
    rate = float(re.findall(r"Requests/sec: +([\d.]+)", done.output)[0])
    requests = int(re.findall(r"(\d+) requests in", done.output)[0])
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
    found = {share: float(value) * units[unit] for share, value, unit in QUANTILE.findall(done.output)}
    return Figures("wrk -t1", rate, found["50"], found["99"], done.cpu / requests * 1000)


QUANTILE = re.compile(r"(?m)^ +(\d+)% +([\d.]+)(us|ms|s)$")


def locust(folder: Path, nginx: Site, path: str) -> Figures:
    """Plain locust as its documentation has it: FastHttpUser, which verifies nothing, and its own table."""
    (folder / "plain.py").write_text(PLAIN.format(path=path))
    many = str(CONCURRENCY)
    argv = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(folder / "plain.py"),
        "--headless",
        "--json-file",
        str(folder / "plain"),
    ]
    argv += [
        "--loglevel",
        "ERROR",
        "-u",
        many,
        "-r",
        many,
        "-t",
        f"{SECONDS}s",
        "--host",
        f"https://{ADDRESS}:{nginx.port}",
    ]
    idle = run([sys.executable, "-m", "locust", "--version"]).cpu
    done = run(argv)
    told = json.loads((folder / "plain.json").read_text())[0]
    times = sorted((float(ms) / 1000, many) for ms, many in told["response_times"].items())
    requests = told["num_requests"]
    seconds = told["last_request_timestamp"] - told["start_time"]
    p50, p99 = (quantile(times, share * requests) for share in (0.5, 0.99))
    return Figures("plain locust, FastHttpUser", requests / seconds, p50, p99, (done.cpu - idle) / requests * 1000)


def quantile(times: list[tuple[float, int]], rank: float) -> float:
    """By nearest rank, of locust's rounded times."""
    for seconds, many in times:
        rank -= many
        if rank <= 0:
            return seconds
    return times[-1][0]


def stalled(nginx: Site, measure: Callable[[], T]) -> T:
    """What is measured while nginx does nothing for a while in the middle."""
    began = threading.Event()

    def stall() -> None:
        # Our driver tells of its first answers; ab, which tells nothing, begins at once.
        began.wait(WARM_SECONDS)
        time.sleep(2)
        nginx.process.send_signal(signal.SIGSTOP)
        time.sleep(STALL_SECONDS)
        nginx.process.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=stall)
    thread.start()
    try:
        with live.heard_by(lambda _: began.set()):
            return measure()
    finally:
        thread.join()


def start(kind: str, nginx: Site) -> float:
    """Seconds until 100 users are made: ours, a user's own as we run it, and 10 of them as plain locust does."""
    stage = {"host": f"https://{NAME}:1", "ca": str(nginx.ca), "pages": [], "users": 100}
    code = STARTS.format(
        before="import cutover.in_locust.own" if kind == "fast" else "",
        import_user="from cutover.locustfile import Visitor" if kind == "visitor" else "",
        user="Visitor" if kind == "visitor" else "Page",
        many=10 if kind == "plain" else 100,
        name=NAME,
    )
    environment = os.environ | ({} if kind == "plain" else {"CUTOVER_STAGE": "stdin"})
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(stage) + "\n")
        process.stdin.flush()
        return float(process.stdout.readline())


if __name__ == "__main__":
    sys.exit(main())
