"""Section 12: what SSL Labs would say of the host's TLS."""

from cutover.check import control, promised, seen
from cutover.facts.grade import Grade


@control("12.ssl-labs")
def test_tls_grade_is_a_or_better(tls_grade: Grade) -> None:
    """SSL Labs' own guide, applied from here: it cannot look at an address before DNS leads there.

    Mend: in the nginx site: ssl_protocols TLSv1.2 TLSv1.3; the Intermediate ssl_ciphers of ssl-config.mozilla.org,
    fullchain.pem, and Strict-Transport-Security with "always"; then sudo nginx -t && sudo systemctl reload nginx
    """
    where = f"{tls_grade.address}; {tls_grade.details}"
    assert seen(tls_grade.is_good, tls_grade.told, where=where) == promised(True, "A or better")
