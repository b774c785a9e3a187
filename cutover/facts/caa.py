"""CAA records (RFC 8659): which authorities a name's owner lets issue certificates for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import NotDeclared

# The organisation in an authority's issuing certificates, and the names by which it knows itself in CAA records.
AUTHORITIES = {
    "Let's Encrypt": ("letsencrypt.org",),
    "Google Trust Services": ("pki.goog",),
    "Google Trust Services LLC": ("pki.goog",),
    "ZeroSSL": ("sectigo.com", "zerossl.com"),
    "Sectigo Limited": ("sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"),
    "DigiCert Inc": ("digicert.com", "digicert.ne.jp", "symantec.com", "thawte.com", "geotrust.com", "rapidssl.com"),
    "GlobalSign nv-sa": ("globalsign.com",),
    "Amazon": ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"),
    "GoDaddy.com, Inc.": ("godaddy.com", "starfieldtech.com"),
    "Entrust, Inc.": ("entrust.net", "affirmtrust.com"),
    "SSL Corporation": ("ssl.com",),
    "Actalis S.p.A.": ("actalis.it",),
    "Buypass AS-983163327": ("buypass.com", "buypass.no"),
    "Japan Registry Services Co., Ltd.": ("jprs.jp",),
    "SECOM Trust Systems CO.,LTD.": ("secomtrust.net",),
    "Cybertrust Japan Co., Ltd.": ("cybertrust.ne.jp",),
}

_UNDERSTOOD = ("issue", "issuewild", "iodef", "issuemail")
_CRITICAL = 128


def identifiers(issuer: str) -> tuple[str, ...]:
    """What the issuer of a certificate (a name as RFC 4514 writes it) is called in CAA records."""
    parts = re.findall(r"(?:\\.|[^,+\\])+", issuer)
    found = next((part.removeprefix("O=") for part in parts if part.startswith("O=")), "")
    organisation = re.sub(r"\\(.)", r"\1", found)
    if organisation not in AUTHORITIES:
        told = organisation or issuer
        raise NotDeclared(f"what {told} is called in CAA records is not known here; declare caa_issuer")
    return AUTHORITIES[organisation]


@dataclass(frozen=True, slots=True)
class Property:
    """One CAA record, as text that is safe to print."""

    flags: int
    tag: str
    value: str

    @property
    def told(self) -> str:
        """As a zone file has it."""
        return f'{self.flags} {self.tag} "{self.value}"'

    @property
    def forbids(self) -> bool:
        """Whether its tag is critical and one that no authority understands (RFC 8659 section 4.1)."""
        return bool(self.flags & _CRITICAL) and self.tag not in _UNDERSTOOD

    @property
    def issuer(self) -> str:
        """The authority that it lets issue, empty for none: ``;`` and what is malformed name nobody (section 4.2)."""
        domain, _, parameters = self.value.partition(";")
        well = re.fullmatch(r"[ \t]*([a-z0-9-]+(?:\.[a-z0-9-]+)*)[ \t]*", domain, re.IGNORECASE)
        parameter = r"[ \t]*(?:[a-z0-9-]+[ \t]*=[ \t]*[!-:<-~]*[ \t]*)?"
        if not well or not re.fullmatch(rf"{parameter}(?:;{parameter})*", parameters, re.IGNORECASE):
            return ""
        return well[1].lower()


@dataclass(frozen=True, slots=True)
class Caa:
    """The records that count for a name: those of the nearest name above it, or its own (section 3).

    ``found_at`` is where they stand, empty when there are none. ``problem`` is why nobody can know.
    """

    found_at: str = ""
    records: tuple[Property, ...] = ()
    problem: str = ""

    def lets(self, authorities: tuple[str, ...]) -> bool:
        """Whether one of these authorities may issue for a host name, as the authority itself has to decide."""
        if self.problem or any(record.forbids for record in self.records):
            return False
        named = {record.issuer for record in self.records if record.tag == "issue"}
        return not named or bool(named & set(authorities))

    @property
    def told(self) -> str:
        """The records in words."""
        if self.problem:
            return self.problem
        return f"{', '.join(record.told for record in self.records)} at {self.found_at}" if self.records else "no CAA"
