"""What a stage's processes tell: users to their process, workers to the master, the master to the driver.

Each line is JSON, its first entry a word:

- ``["sample", {…}, cause]``: one request, the fields of ``cutover.facts.load.Sample``;
- ``["done", {"cpu": …, "lag": …}]``: a worker has ended its part; the fields of ``cutover.facts.load.Client``;
- ``["stopped", why]``: the stage ends early, because the host does;
- ``["missing", who]``: a worker has gone silent; nothing more comes.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from locust import events
from locust.env import Environment
from locust.event import EventHook
from locust.runners import MasterRunner, Runner, WorkerRunner

from cutover.in_locust.stage import DRIVEN, STAGE, Stage

LINES, STOP = "cutover-lines", "cutover-stop"
FLUSH_SECONDS = 0.1
TICK_SECONDS = 0.05
LAST = 40  # answers of which `stop_share` is a share


def listen(hook: EventHook, listener: Callable[..., None]) -> None:
    """Let a listener hear of an event of locust's."""
    hook.add_listener(listener)  # type: ignore[no-untyped-call]


class Relay:
    """One of each process; ``went`` is when its users were let go (monotonic), ``stopped`` whether to end early."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.gate = Event()
        self.went = 0.0
        self.stopped = False
        self.worker = 0
        self._runner: Runner
        self._samples: list[tuple[float, float, int, int, str, str, float]] = []
        self._last: deque[bool] = deque(maxlen=LAST)
        self._done = 0
        self._lags: list[float] = []
        self._cpu = 0.0
        self._file = open(stage.samples, "w", encoding="ascii")  # noqa: SIM115 - as long as the process

    def attach(self, environment: Environment, runner: Runner, **_: object) -> None:
        """Begin to work with locust's runner."""
        self._runner = runner
        if not isinstance(runner, WorkerRunner):
            runner.register_message(LINES, self._heard)
        if not isinstance(runner, MasterRunner):
            runner.register_message(STOP, self._stop)
            gevent.spawn(self._flush_always)
        elif DRIVEN:
            gevent.spawn(self._watch, runner)
        listen(environment.events.spawning_complete, self._go)
        if not DRIVEN:
            self._go()

    def _go(self, **_: object) -> None:
        """Let the users go, once all of them are there, on all workers."""
        if self.gate.is_set():
            return
        # What locust itself is made of stays: to look through all of it takes as long as many an answer.
        gc.collect()
        gc.freeze()
        self.worker = max(0, getattr(self._runner, "worker_index", 0))
        self.went, self._cpu = time.monotonic(), time.process_time()
        self.gate.set()
        gevent.spawn(self._tick)

    def sample(
        self, started: float, seconds: float, status: int, length: int, failure: str, cause: str, late: float = 0.0
    ) -> None:
        """Note one request; ``started`` counts from ``went``."""
        # Put into words later: while a user asks, the next answer may wait.
        self._samples.append((started, seconds, status, length, failure, cause, late))

    def done(self) -> None:
        """This process has no more to do."""
        wall = max(time.monotonic() - self.went, 1e-6)
        lags = sorted(self._lags) or [0.0]
        cpu = (time.process_time() - self._cpu) / wall
        self._flush(["done", {"cpu": round(cpu, 3), "lag": round(lags[int(0.95 * (len(lags) - 1))], 6)}])

    def _tick(self) -> None:
        """Measure how late this process comes to do what is due: as late it may come to read an answer."""
        while True:
            due = time.monotonic() + TICK_SECONDS
            gevent.sleep(TICK_SECONDS)
            self._lags.append(max(0.0, time.monotonic() - due))

    def _flush_always(self) -> None:
        while True:
            gevent.sleep(FLUSH_SECONDS)
            self._flush()

    def _flush(self, *last: list[Any]) -> None:
        samples, self._samples = self._samples, []
        lines = [
            [
                "sample",
                {
                    "started": round(started, 6),
                    "seconds": round(seconds, 6),
                    "status": status,
                    "length": length,
                    "failure": failure,
                    "late": round(late, 6),
                    "worker": self.worker,
                },
                cause,
            ]
            for started, seconds, status, length, failure, cause, late in samples
        ]
        if lines or last:
            self._runner.send_message(LINES, [*lines, *last])

    def _heard(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - locust's own message
        """In the master, or the only process: pass on to the driver; end when all have."""
        self._write(*msg.data)
        for line in msg.data:
            if line[0] == "sample":
                status, other = line[1]["status"], line[1]["failure"] == "other"
                self._last.append(status >= 500 or (status == 0 and not other))
        share = self.stage.stop_share
        if share and not self.stopped and len(self._last) == LAST and sum(self._last) > share * LAST:
            self.stopped = True
            self._write(["stopped", f"{sum(self._last)} of the last {LAST} requests: 5xx or no answer"])
            self._runner.send_message(STOP)
        self._done += sum(line[0] == "done" for line in msg.data)
        if DRIVEN and self._done == self.stage.workers:
            self._done = -1
            gevent.spawn(self._runner.quit)

    def _stop(self, **_: object) -> None:
        self.stopped = True

    def _watch(self, runner: MasterRunner) -> None:
        """A worker that went silent is no smaller load: give up at once."""
        while not (missing := runner.clients.missing):
            gevent.sleep(0.5)
        self._write(["missing", missing[0].id])
        os._exit(1)

    def _write(self, *lines: list[Any]) -> None:
        print(*map(json.dumps, lines), sep="\n", file=self._file, flush=True)


RELAY = Relay(STAGE)
listen(events.init, RELAY.attach)
