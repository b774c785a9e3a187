"""An application on loopback, behind TLS, whose answers are given as the bytes that it sends."""

import contextlib
import json
import re
import socket

from cutover.inventory import Peer, Target
from cutover.probes.survey import Survey
from selftest.pki import head_of, make, server_context, tcp
from selftest.rows import HOST

ROOT = make("Made-up root", authority=True)
OWN = make(HOST, ROOT, names=[HOST])
PASSWORD = "Zq7vXw2Kp9-word"  # noqa: S105 - of a site that ends with the test
TOKEN = "opaque.Xw2Kp9Zq7vXw2Kp9Zq7v"  # noqa: S105
LOGIN, ME, KNOWLEDGE = "/api/v1/auth/login", "/api/v1/auth/me", "/api/v1/knowledge"


def answer(body=b"", *lines, status="200 OK"):
    """The bytes of a whole answer; JSON of what is no bytes."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def healthy():
    """By path, the answers of an application that keeps its promises."""
    return {
        LOGIN: answer({"access_token": TOKEN}),
        ME: answer({"username": "admin"}),
        KNOWLEDGE: answer([{"id": 1}, {"id": 2}]),
        "": answer({"success": False}, status="404 Not Found"),
    }


class Application:
    """Its ``answers`` by path; what was asked of it, by head; and how often it was connected to."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.answers = folder, healthy()
        self.asked, self.connections = [], 0
        monkeypatch.setenv("SELFTEST_PASSWORD", PASSWORD)

    def reply(self, path):
        """What is sent: bytes, none of them to hang up; or several of them, and what to call between."""
        return self.answers.get(path, self.answers[""])

    @contextlib.contextmanager
    def running(self, **row):
        """Listen until the end of the block; yields the one peer of its target."""
        (self.folder / "root.pem").write_bytes(ROOT.pem)
        context = server_context(self.folder, [OWN])

        def serve(client):
            self.connections += 1
            # Or an answer in parts waits for the client's delayed acknowledgement, 40 ms each.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(client, server_side=True) as tls:
                while head := head_of(tls):
                    while len(head.partition(b"\r\n\r\n")[2]) < length(head):
                        if not (block := tls.recv(4096)):
                            return  # it went away
                        head += block
                    self.asked.append(head.decode())
                    path = head.split()[1].decode()
                    for part in parts(self.reply(path)):
                        if callable(part):
                            part()
                        else:
                            tls.sendall(part)
                    if not part:
                        break

        with tcp(serve) as port:
            told = {
                "host": HOST,
                "addresses": ["127.0.0.1"],
                "ca": str(self.folder / "root.pem"),
                "credentials": {"password_env": "SELFTEST_PASSWORD"},
                "phase": "pre",  # its name is in no DNS
                "ports": {"https": port},
                "limits": {"connect_seconds": 2.0, "answer_seconds": 2.0, "requests_per_minute": 1_000_000},
            }
            yield Peer(Target.model_validate_json(json.dumps(told | row)), "127.0.0.1")

    def look(self, *probes, **row):
        """What these probes bring, in their order; the exception of one that could not look."""
        with self.running(**row) as peer:
            survey = Survey({HOST: (peer,)}, {})
            wanted = [(probe, HOST if probe == "login" else peer.label) for probe in probes]
            survey.look(wanted, lambda *_: None)
            return [survey._results[job] for job in wanted]


def parts(reply):
    return reply if isinstance(reply, tuple) else (reply,)


def length(head):
    found = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return int(found[1]) if found else 0
