"""A server of TLS that OpenSSL no longer speaks: ``python -m lab.tls.yesterday JSON``. Ends with its input."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey


def main() -> None:
    told = json.loads(sys.argv[1])
    chain = X509CertChain()
    chain.parsePemList(Path(told["chain"]).read_text())
    key = parsePEMKey(Path(told["key"]).read_text(), private=True)
    settings = HandshakeSettings()
    first, last = told["versions"]
    settings.minVersion, settings.maxVersion = (3, first), (3, last)
    settings.versions = [(3, minor) for minor in range(last, first - 1, -1)]
    settings.cipherNames, settings.keyExchangeNames = told["ciphers"], told["exchanges"]
    settings.macNames = ["sha", "sha256", "sha384", "aead", "md5"]
    settings.dhParams = told["dh"]
    headers = [f"Strict-Transport-Security: {value}" for value in told["hsts"]]
    lines = ["HTTP/1.1 200 OK", *headers, "Content-Length: 0", "Connection: close", "", ""]
    answer = "\r\n".join(lines).encode()

    def serve(client: socket.socket) -> None:
        # Its exceptions have no common base; a client that breaks off is none of this server's business.
        with client, suppress(Exception):
            client.settimeout(10)
            connection = TLSConnection(client)
            connection.handshakeServer(certChain=chain, privateKey=key, settings=settings)
            while connection.recv(4096):
                connection.sendall(answer)

    listener = socket.create_server(("127.0.0.1", told["port"]), backlog=128)

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            Thread(target=serve, args=(client,), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
