"""What a name server's DNSSEC signatures are worth: from the parent's DS records to each record it answered with."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.name import Name
from dns.rdatatype import CNAME, DNAME, DNSKEY, DS, RRSIG

from cutover.errors import ProbeError
from cutover.facts.dns import Signatures
from cutover.probes.query import RRset, text

# RSA with SHA-256 to Ed448. Those with SHA-1 count as not signed (RFC 9905), here as at most validators.
ALGORITHMS = (8, 10, 13, 14, 15, 16)
DIGESTS = (1, 2, 4)
# A zone may hold many keys and signatures that all have to be tried (CVE-2023-50387).
MOST_ALIKE = 2
MOST_SIGNATURES = 100  # in all answers of one name server


def signatures(apex: Name, ds: Iterable[str], messages: list[dns.message.Message]) -> Signatures:
    """Verify what came with the answers of one name server; nothing is expected of a zone without DS records."""
    wanted = [dns.rdata.from_text(dns.rdataclass.IN, DS, each) for each in ds]
    known = [each for each in wanted if _known(each)]
    if not known:
        return Signatures()
    rrsets = list(_rrsets(apex, messages))
    keys = next((rrset for rrset, _ in rrsets if (rrset.name, rrset.rdtype) == (apex, DNSKEY)), None)
    if keys is None:
        return Signatures("no DNSKEY record, and a DS record at the parent")
    tags = Counter(dns.dnssec.key_id(key) for key in keys)
    if max(tags.values()) > MOST_ALIKE or sum(len(signed_by) for _, signed_by in rrsets) > MOST_SIGNATURES:
        return Signatures(f"more than {MOST_ALIKE} keys of one tag, or than {MOST_SIGNATURES} signatures to verify")
    trusted = [key for key in keys if any(_fits(apex, key, each) for each in known)]
    if not trusted:
        return Signatures("none of its keys is the one that the DS record at the parent names")
    ends: list[int] = []
    for rrset, signed_by in rrsets:
        by = dns.rrset.from_rdata_list(apex, keys.ttl, trusted) if rrset is keys else keys
        problem, end = _verified(rrset, signed_by, by)
        if problem:
            return Signatures(f"{dns.rdatatype.to_text(rrset.rdtype)} of {text(rrset.name)}: {problem}")
        ends.append(end)
    return Signatures(end=min(ends))


def _known(ds: Any) -> bool:  # noqa: ANN401 - a DS record
    """A zone that is signed only in ways unknown here counts as not signed (RFC 4035 section 5.2)."""
    return ds.algorithm in ALGORITHMS and ds.digest_type in DIGESTS


def _fits(apex: Name, key: dns.rdata.Rdata, ds: Any) -> bool:  # noqa: ANN401
    try:
        return bool(dns.dnssec.make_ds(apex, key, ds.digest_type, validating=True) == ds)
    except (dns.exception.DNSException, ValueError):
        return False


def _rrsets(apex: Name, messages: list[dns.message.Message]) -> Iterator[tuple[RRset, list[Any]]]:
    """What this zone says in answer to each question, with its own signatures of it.

    Where an alias leads may be another zone on the same server: what that signs, or does not, is its own affair.
    """
    for message in messages:
        kinds = {rrset.rdtype for rrset in message.answer}
        for rrset in message.answer:
            made = rrset.rdtype == CNAME and DNAME in kinds  # of the one that is signed (RFC 6672 section 5.3.1)
            if rrset.rdtype == RRSIG or made:
                continue
            signed_by = message.get_rrset(message.answer, rrset.name, dns.rdataclass.IN, RRSIG, rrset.rdtype) or ()
            own = [signature for signature in signed_by if signature.signer == apex]
            if own or rrset.name == message.question[0].name:
                yield rrset, own


def _verified(rrset: RRset, signed_by: list[Any], keys: RRset) -> tuple[str, int]:
    """Why no signature of a record set holds, or when the last of those that hold ends."""
    if not signed_by:
        return "not signed", 0
    now, problem, ends = time.time(), "", []
    for signature in signed_by:
        try:
            dns.dnssec.validate_rrsig(rrset, signature, {keys.name: keys}, now=now)
            ends.append(signature.expiration)
        except ImportError as error:  # of the library's own needs
            raise ProbeError(f"this machine cannot verify DNSSEC: {error}", "./verify installs what it needs") from None
        except Exception as error:  # the key is a stranger's too, and libraries differ in what they say of a bad one
            if not signature.inception <= now <= signature.expiration:
                problem = f"signed from {_day(signature.inception)} to {_day(signature.expiration)} only"
            else:
                problem = f"a signature that does not hold ({str(error) or type(error).__name__})"[:120]
    return ("", max(ends)) if ends else (problem, 0)


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
