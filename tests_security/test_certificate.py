"""Section 12: the certificate as served, each way of being wrong told apart."""

from cutover.check import control, promised, seen
from cutover.facts.certificate import Certificate
from cutover.inventory import Target

# OpenSSL's X509_V_ERR numbers that speak of something else than the chain's trust: times and name.
NOT_ABOUT_TRUST = {0: "verified", 9: "not yet valid", 10: "expired", 62: "name mismatch"}

UNKNOWN_ISSUER = {2, 18, 19, 20, 21}


@control("12.certificate")
def test_chain_leads_to_a_trusted_root(certificate: Certificate) -> None:
    """Browsers mend a missing intermediate by themselves; curl, mobile and server clients do not.

    Mend: nginx must serve fullchain.pem, not cert.pem: ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem;
    """
    trusted = certificate.refusal_code in NOT_ABOUT_TRUST
    state = "trusted" if trusted else diagnosis(certificate)
    assert seen(state, where=f"{certificate.address}, {len(certificate.chain)} certificates") == promised("trusted")


@control("12.certificate")
def test_chain_is_in_order(certificate: Certificate) -> None:
    """Each certificate is to be signed by the next one (RFC 5246 section 7.4.2); strict clients insist.

    Mend: serve fullchain.pem as certbot wrote it, the server's own certificate first
    """
    order = " ← ".join(link.subject for link in certificate.chain)
    assert seen(certificate.in_order, order) == promised(True, "each certificate signed by the next one")


@control("12.certificate")
def test_certificate_is_for_this_name(certificate: Certificate, target: Target) -> None:
    """The name stands in subjectAltName, exactly or behind one wildcard label (RFC 9525 section 6.3).

    Mend: sudo certbot certonly --nginx -d NAME, then point ssl_certificate to it
    """
    names = certificate.leaf.names
    covered = any(name.lower() in (target.host, "*." + target.host.partition(".")[2]) for name in names)
    state = ", ".join(names) or "no name"
    assert seen(covered and certificate.refusal_code != 62, state) == promised(True, target.host)


@control("12.certificate")
def test_certificate_is_valid_now(certificate: Certificate) -> None:
    """By the operator's clock, for every certificate of the chain.

    Mend: sudo certbot renew && sudo systemctl reload nginx; look at the clock when it is not yet valid: timedatectl
    """
    wrong = [
        f"{link.subject}: {'expired ' + str(link.not_after) if link.not_after <= certificate.at else ''}"
        f"{'not valid before ' + str(link.not_before) if link.not_before > certificate.at else ''}"
        for link in certificate.chain
        if not link.not_before <= certificate.at < link.not_after
    ]
    leaf = certificate.leaf
    validity = f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d %H:%M} UTC"
    state = ", ".join(wrong) or validity
    in_time = not wrong and certificate.refusal_code not in (9, 10)
    assert seen(in_time, state) == promised(True, f"valid at {certificate.at:%Y-%m-%d %H:%M} UTC")


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


def diagnosis(certificate: Certificate) -> str:
    """Tell the ways of not being trusted apart, which OpenSSL words alike."""
    if certificate.refusal_code not in UNKNOWN_ISSUER:
        return certificate.refusal
    # Where the signatures break off: what was sent beyond it does not belong to the chain.
    sent = next((n for n, link in enumerate(certificate.chain, 1) if not link.signed_by_next), 0)
    last = certificate.chain[sent - 1]
    if certificate.leaf.self_signed:
        return "self-signed: no authority vouches for it"
    if last.self_signed:
        return f"unknown root: the chain ends in {last.subject}, which is not trusted here"
    if sent == 1:
        return f"incomplete chain: the intermediate {last.issuer} is not sent"
    return f"incomplete chain or unknown issuer: {last.issuer} is neither sent nor trusted here ({certificate.refusal})"
