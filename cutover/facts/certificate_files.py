"""The certificate and its key as they lie on the host (checklist section 6). The private key never leaves it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

COMMANDS = {
    "certificate-files": Command(
        """\
printf '%s\\n' "$CERTIFICATE" "$PRIVATE_KEY"
root ls -lLc --time-style=+%s "$CERTIFICATE" "$PRIVATE_KEY\""""
    ),
    # Certificates only, should the key lie in the same file.
    "certificate-pem": Command(
        'root cat "$CERTIFICATE" | sed -n "/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p"'
    ),
    "public-key": Command('root openssl pkey -in "$PRIVATE_KEY" -pubout'),
}


@dataclass(frozen=True, slots=True)
class File:
    """What lies at the end of all links: mode as ls writes it, whether an access list adds to it, last change."""

    path: str
    mode: str
    listed: bool
    owner: str
    group: str
    changed: int

    @property
    def told(self) -> str:
        """In one line."""
        return f"{self.mode}{'+' if self.listed else ''} {self.owner}:{self.group}"


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The two files; None for one that is not there, or whose link leads nowhere."""

    certificate_path: str
    private_key_path: str
    certificate: File | None
    private_key: File | None
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> CertificateFiles:
        """Read what ls tells of both; ProbeError when it tells of one neither that it is there nor that it is not."""
        output = outputs["certificate-files"]
        certificate, private_key, *_ = [*output.stdout.splitlines(), "", ""]
        if not certificate or not private_key:
            raise ProbeError(f"{outputs.host}: the answer about the certificate's files is not whole")
        return cls(
            certificate_path=certificate,
            private_key_path=private_key,
            certificate=_file(outputs.host, certificate, output.stdout, output.stderr),
            private_key=_file(outputs.host, private_key, output.stdout, output.stderr),
            evidence=outputs.evidence("certificate-files"),
        )


@dataclass(frozen=True, slots=True)
class CertificateOnDisk:
    """The first certificate of the file, and the sha256 of its public key and of the private key's public half."""

    names: tuple[str, ...]
    fingerprint: str
    public_key: str
    private_keys_public_key: str
    count: int
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> CertificateOnDisk:
        """Read both; ProbeError when one of them cannot be read."""
        text = outputs.text("certificate-pem")
        if not text:
            reason = outputs["certificate-pem"].stderr.strip().partition("\n")[0] or "it holds no certificate"
            raise ProbeError(f"{outputs.host}: the certificate's file: {reason}")
        from cutover.facts import pem  # here: to load cryptography takes as long as all other facts together

        try:
            first, count = pem.first(text)
            return cls(
                names=first.names,
                fingerprint=first.fingerprint,
                public_key=first.public_key,
                private_keys_public_key=pem.digest(outputs.text("public-key")),
                count=count,
                evidence=outputs.evidence("certificate-pem", "public-key"),
            )
        except pem.UNREADABLE as error:
            raise ProbeError(f"{outputs.host}: the certificate or its key is not understood: {error}") from None


def _file(host: str, path: str, listing: str, errors: str) -> File | None:
    match = re.search(
        rf"(?m)^(-[rwxsStT-]{{9}})([+.@]?) +\d+ (\S+) +(\S+) +\d+ (\d{{1,18}}) {re.escape(path)}$", listing
    )
    if match:
        return File(path, match[1], match[2] == "+", match[3], match[4], int(match[5]))
    if re.search(rf"(?m)^ls: .*'{re.escape(path)}': (No such file|Not a directory|Too many levels)", errors):
        return None
    raise ProbeError(f"{host}: ls answered in an unknown form about {path}")
