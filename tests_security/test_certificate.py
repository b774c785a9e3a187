"""Section 12: the certificate as served, each way of being wrong told apart."""

from cutover.check import control, promised, seen
from cutover.facts.certificate import Certificate
from cutover.inventory import Target

# What public authorities have to ask for (CA/Browser Forum, Baseline Requirements 6.1.5).
LEAST_BITS = {"RSA": 2048, "EC": 256, "Ed25519": 256, "Ed448": 448}
BROKEN_DIGESTS = {"md2", "md4", "md5", "sha1"}


@control("12.certificate")
def test_chain_leads_to_a_trusted_root(certificate: Certificate) -> None:
    """Browsers mend a missing intermediate by themselves; curl, mobile and server clients do not.

    Mend: nginx must serve fullchain.pem, not cert.pem: ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem;
    """
    where = f"{certificate.address}, {len(certificate.chain)} certificates"
    assert seen(certificate.trust, diagnosis(certificate), where=where) == promised("trusted")


@control("12.certificate")
def test_chain_is_in_order(certificate: Certificate) -> None:
    """Each certificate is to be signed by the next one (RFC 5246 section 7.4.2); strict clients insist.

    Mend: serve fullchain.pem as certbot wrote it, the server's own certificate first
    """
    order = " ← ".join(link.subject for link in certificate.chain)
    assert seen(certificate.in_order, order) == promised(True, "each certificate signed by the next one")


@control("12.certificate")
def test_certificate_is_for_this_name(certificate: Certificate) -> None:
    """The name stands in subjectAltName, exactly or behind one wildcard label (RFC 9525 section 6.3).

    Mend: sudo certbot certonly --nginx -d NAME, then point ssl_certificate to it
    """
    state = ", ".join(certificate.leaf.names) or "no name"
    assert seen(certificate.for_host, state) == promised(True, certificate.host)


@control("12.certificate")
def test_certificate_is_valid_now(certificate: Certificate) -> None:
    """By the operator's clock, for every certificate of the chain.

    Mend: sudo certbot renew && sudo systemctl reload nginx; look at the clock when it is not yet valid: timedatectl
    """
    wrong = [
        f"{link.subject}: {'expired ' + str(link.not_after) if link.not_after <= certificate.at else ''}"
        f"{'not valid before ' + str(link.not_before) if link.not_before > certificate.at else ''}"
        for link in certificate.out_of_time
    ]
    leaf = certificate.leaf
    validity = f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d %H:%M} UTC"
    state = ", ".join(wrong) or validity
    assert seen(certificate.in_time, state) == promised(True, f"valid at {certificate.at:%Y-%m-%d %H:%M} UTC")


@control("12.certificate")
def test_certificate_was_renewed_in_time(certificate: Certificate, target: Target) -> None:
    """certbot renews with a third of the lifetime left, so less than a quarter means that renewal has failed for
    a while. A fraction, not days: lifetimes are shrinking.

    Mend: sudo certbot renew; systemctl list-timers certbot.timer; then sudo systemctl reload nginx
    """
    least = target.limits.certificate_lifetime_left
    left = certificate.lifetime_left
    days = (certificate.leaf.not_after - certificate.at).total_seconds() / 86400
    state = f"{left:.0%} of its lifetime left ({days:.1f} days)"
    assert seen(left, state) >= promised(least, f"at least {least:.0%} of its lifetime left")


@control("12.certificate")
def test_certificate_keys_are_long_enough(certificate: Certificate) -> None:
    """Who can compute the private key from the public one is the host, to everybody.

    Mend: sudo certbot certonly --nginx -d NAME --key-type ecdsa, then point ssl_certificate to it
    """
    short = [link for link in certificate.relied_on if link.key.bits < LEAST_BITS.get(link.key.kind, link.key.bits + 1)]
    told = ", ".join(f"{link.subject}: {link.key}" for link in short or certificate.relied_on)
    assert seen(not short, told) == promised(True, "RSA of at least 2048 bits, or a curve of at least 256")


@control("12.certificate")
def test_certificate_signatures_are_sound(certificate: Certificate) -> None:
    """With a broken hash, somebody else can have a certificate that the same signature fits. No client takes it.

    Mend: sudo certbot certonly --nginx -d NAME, then point ssl_certificate to it
    """
    broken = [link for link in certificate.relied_on if link.digest in BROKEN_DIGESTS]
    told = ", ".join(f"{link.subject}: {link.digest or 'its own'}" for link in broken or certificate.relied_on)
    assert seen(not broken, told) == promised(True, "none of MD5 or SHA-1")


@control("12.certificate")
def test_certificate_is_the_same_on_all_addresses(certificate: Certificate, certificates: list[Certificate]) -> None:
    """A machine behind one of the addresses that was forgotten at the renewal fails for a part of the users.

    Mend: deploy the renewed certificate to every machine behind the name, then sudo systemctl reload nginx on each
    """
    own, first = certificate.leaf.fingerprint, certificates[0]
    same = first.leaf.fingerprint
    assert seen(own, own[:16], where=certificate.address) == promised(same, f"{same[:16]}, as at {first.address}")


def diagnosis(certificate: Certificate) -> str:
    """What the chain comes to, in words."""
    last = certificate.last
    match certificate.trust:
        case "trusted":
            return "trusted"
        case "self-signed":
            return "self-signed: no authority vouches for it"
        case "unknown root":
            return f"unknown root: the chain ends in {last.subject}, which is not trusted here"
        case "incomplete":
            return f"incomplete chain: the intermediate {last.issuer} is not sent (it is at {last.issuer_at})"
        case "unknown issuer" if last is certificate.leaf:
            return f"unknown issuer, or its intermediate is missing: {last.issuer} is neither sent nor trusted here"
        case "unknown issuer":
            return f"unknown issuer: {last.issuer} is neither sent nor trusted here"
        case _:
            return certificate.refusal
