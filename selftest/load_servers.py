"""What the tests of the load probe's stages share: servers of a known kind, and a peer that leads to one."""

import json
import os
import threading
import time
from pathlib import Path

from cutover.errors import ProbeError
from cutover.inventory import Peer, Target
from cutover.probes import load
from selftest.test_load import PATIENCE, reply, target_row

PAGE = b"<html><title>Knowledge</title><body>" + b"<p>Something that is worth to know." * 30 + b"</body></html>"
SORRY = b"<html><title>Sorry</title><body>Please try again later.</body></html>"
LIMIT = 0.8  # seconds, in place of the checklist's 2
SLOW = 1.2
OPEN = {"open": {"rate": 32, "seconds": 3}}
REQUESTS = 96


def peer_of(server, ca, stages=None, permitted=True, **limits):
    row = target_row(server.socket, ca, response_seconds=LIMIT, **limits)
    target = Target.model_validate_json(json.dumps(row | ({"load": stages} if stages else {})))
    update = {"load": target.load.permit()} if target.load and permitted else {}
    return Peer(target.model_copy(update=update), "127.0.0.1")


def page(_n=0):
    return reply(200, PAGE)


def slowly(many, of):
    """That many of so many answers are slow, evenly spread."""

    def answer(n):
        if n % of < many:
            time.sleep(SLOW)
        return page()

    return answer


class Stall:
    """Nobody is answered for a while, beginning with the request of that number."""

    def __init__(self, number, seconds):
        self.number, self.seconds = number, seconds
        self.over, self.began = threading.Event(), threading.Event()

    def __call__(self, n):
        if n == self.number:
            self.began.set()
            time.sleep(self.seconds)
            self.over.set()
        elif self.began.is_set():
            self.over.wait(PATIENCE)
        return page()


QUIET = load.QUIET_ANSWERS
LOOKS = QUIET + 1  # connections before the load: the first asks nothing


def believed(measure, peer):
    """What is measured; once more when this machine was too busy with other things, as the probe then tells."""
    for _ in range(3):
        try:
            return measure(peer)
        except ProbeError as error:
            if "this machine was too slow for the load" not in error.cause:
                raise
    return measure(peer)


def descendants():
    """The processes that this one has started, directly or not."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found, pending = [], [os.getpid()]
    while pending:
        mine = [pid for pid, parent in parents.items() if parent == pending[-1]]
        pending.pop()
        found += mine
        pending += mine
    return found


def words_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
