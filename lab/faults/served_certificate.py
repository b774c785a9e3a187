"""Defects of the certificate that is served, each of which a client sees (section 12)."""

import contextlib
import shlex
from collections.abc import Iterator

from lab import authority, old_server
from lab.faults import fault
from lab.faults.certificate import ARCHIVE, make
from lab.faults.nginx import reload
from lab.faults.web import OVER_HTTPS, SITE, WITH_TOKEN
from lab.host import Host
from lab.network import API

BY_THE_SECOND = ("--inventory", str(authority.INVENTORY))
GRADE = "tls_grade_is_a_or_better"
# No client that verifies takes it: nothing else can be asked.
REFUSED = OVER_HTTPS | WITH_TOKEN


def serve(host: Host, pair: authority.Pair) -> None:
    """Put a certificate and its key where certbot has them, and let nginx read them."""
    for file, text in (("fullchain1.pem", pair.certificate), ("privkey1.pem", pair.key)):
        host.run(f"printf %s {shlex.quote(text)} >{ARCHIVE}/{file}")
    reload(host)


def allow_what_openssl_refuses(host: Host) -> None:
    """Debian's OpenSSL serves nothing so weak, unless it is told to."""
    host.run(f"sed -i 's/^    ssl_ciphers .*[^;]/&:@SECLEVEL=0/' {SITE} && grep -q SECLEVEL=0 {SITE}")


@fault(fails={"certificate_was_renewed_in_time"}, options=BY_THE_SECOND)
def not_renewed_for_a_month(host: Host) -> None:
    """80 of its 90 days are over: the renewal has failed since day 60, and nobody has looked."""
    serve(host, authority.issue([API.fqdn], (-80, 10)))


@fault(
    fails={"certificate_is_valid_now", "certificate_was_renewed_in_time", GRADE},
    errors=REFUSED,
    options=BY_THE_SECOND,
)
def expired_yesterday(host: Host) -> None:
    """The host was made from an image of three months ago, its certificate with it."""
    serve(host, authority.issue([API.fqdn], (-91, -1)))


@fault(
    fails={"certificate_is_for_this_name", "certificate_on_disk_is_for_this_name", GRADE},
    errors=REFUSED,
    options=BY_THE_SECOND,
)
def of_the_bare_domain(host: Host) -> None:
    """Asked for example.test, as the web site beside it has; the API's own name was thought to be included."""
    serve(host, authority.issue(["example.test", "www.example.test"], (-1, 89)))


@fault(fails={"certificate_keys_are_long_enough", GRADE}, errors=REFUSED, options=BY_THE_SECOND)
def key_of_1024_bits(host: Host) -> None:
    """The key of the old server, made in 2009, was taken along, and OpenSSL was told to take it."""
    allow_what_openssl_refuses(host)
    serve(host, authority.issue([API.fqdn], (-1, 89), key=("rsa:1024",)))


@fault(fails={"certificate_signatures_are_sound", GRADE}, errors=REFUSED, options=BY_THE_SECOND)
def signed_with_sha1(host: Host) -> None:
    """A company's own authority, whose configuration is older than its operators."""
    allow_what_openssl_refuses(host)
    serve(host, authority.issue([API.fqdn], (-1, 89), digest="sha1"))


@fault(fails={"chain_is_in_order"})
def old_intermediate_left_between(host: Host) -> None:
    """The authority changed its intermediate, and the new one was put behind the old by hand."""
    make(host, "intermediate.example.test", "/root/stray.pem")
    host.run(f"cat {ARCHIVE}/cert1.pem /root/stray.pem {ARCHIVE}/chain1.pem >{ARCHIVE}/fullchain1.pem")
    reload(host)


@fault(
    # DNS goes on to lead to the reference host, which is not the old server here.
    fails={"certificate_has_the_old_ones_names", "addresses_are_exactly_the_declared_ones"},
    options=("--inventory", str(authority.INVENTORY_OF_A_MOVE)),
)
@contextlib.contextmanager
def second_name_forgotten(host: Host) -> Iterator[None]:
    """The old server's certificate has the name of the time before as well, which some clients still use."""
    with old_server.serving([API.fqdn, "knowledge.example.test"]):
        yield
