"""The checks of tests_security, each with facts that keep the promise and facts that break it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cutover.facts.api import Api
from cutover.facts.certificate import Certificate, Key
from cutover.facts.http import REDIRECT_PATHS, Http
from cutover.inventory import Limits, Target
from cutover.policies import HEADERS as POLICIES
from selftest import tls_facts
from selftest.rows import HOST, TARGET, exchange, fails, judge, passes
from selftest.tls_facts import DAY, NOW
from tests_security import test_certificate as certificates
from tests_security import test_headers as headers

YEAR = 31_536_000
HSTS = f"max-age={YEAR}; includeSubDomains"
SURFACES = ("/", "api without token", "404", "static")
PROMISED = {name: values[0] for name, values in POLICIES["checklist"].items()}
GOOD = (*PROMISED.items(), (headers.HSTS, HSTS))
OWASP = Target(host=HOST, header_policy="owasp")
HALF_A_YEAR = Target(host=HOST, limits=Limits(hsts_seconds=YEAR // 2))
HALF_LEFT = Target(host=HOST, limits=Limits(certificate_lifetime_left=0.5))

SECOND = timedelta(seconds=1)
LEAF = replace(tls_facts.LEAF, signed_by_next=True)
MIDDLE = replace(
    LEAF, subject="CN=E7", issuer="CN=Root X1", names=(), not_before=NOW - 900 * DAY, not_after=NOW + 900 * DAY
)
MIDDLE = replace(MIDDLE, signed_by_next=False)
ROOT = replace(MIDDLE, subject="CN=Root X1", self_signed=True)
SENT = Certificate(HOST, "192.0.2.1", NOW, (LEAF, MIDDLE), "", 0)


def answers(keys, **changed):
    """The same good headers in every answer, but for those of the answers named by their position: ``at2={…}``."""
    told = {}
    for index, key in enumerate(keys):
        merged = {name: (value,) for name, value in GOOD} | changed.get(f"at{index}", {})
        told[key] = exchange(headers=tuple((name, value) for name, values in merged.items() for value in values))
    return told


def of_header_policies():
    check, name = headers.test_header_on_every_surface, "X-XSS-Protection"
    for case, values in (("off", ("0",)), ("absent", ())):
        http = Http(answers(SURFACES, **{f"at{index}": {name: values} for index in range(len(SURFACES))}))
        yield passes(f"owasp-{case}", check, http=http, target=OWASP, name=name)
    on = Http({"/": answers("/")["/"]})
    yield fails("owasp-on", check, "/: 0", "/: 1; mode=block", http=on, target=OWASP, name=name)
    twice = Http({"/": exchange(headers=[(name, "0"), (name, "0")])})
    yield fails("owasp-twice", check, "/: 0", "/: 0 | 0", http=twice, target=OWASP, name=name)


def of_headers():
    for name, value in PROMISED.items():
        own = {"target": TARGET, "name": name}
        on_surfaces, on_redirect = headers.test_header_on_every_surface, headers.test_header_on_the_redirect
        yield passes(name, on_surfaces, http=Http(answers(SURFACES)), **own)
        yield passes(name, on_redirect, redirect=Http(answers(REDIRECT_PATHS)), **own)
        for case, values, seen in (
            ("absent", (), "absent"),
            ("twice", (value, value), f"{value} | {value}"),
            ("other", ("DENY",), "DENY"),
            ("joined", (f"{value}, {value}",), f"{value}, {value}"),
        ):
            http = Http(answers(SURFACES, at3={name: values}))
            yield fails(
                f"{name}-{case}",
                on_surfaces,
                f"static: {value}",
                f"static: {seen}",
                http=http,
                target=TARGET,
                name=name,
            )
            http = Http(answers(REDIRECT_PATHS, at1={name: values}))
            deep = REDIRECT_PATHS[1]
            yield fails(
                f"{name}-{case}",
                on_redirect,
                f"{deep}: {value}",
                f"{deep}: {seen}",
                redirect=http,
                target=TARGET,
                name=name,
            )

        with_token = headers.test_header_on_answers_with_a_token
        me, knowledge = (replace(answers("x")["x"], url=f"https://{HOST}{path}") for path in ("/me", "/knowledge"))
        yield passes(name, with_token, api=Api(me, "admin", knowledge, 1), **own)
        bare = replace(knowledge, headers=())
        promised, seen = f"https://{HOST}/knowledge: {value}", f"https://{HOST}/knowledge: absent"
        yield fails(name, with_token, promised, seen, api=Api(me, "admin", bare, 1), **own)
        twice = replace(me, headers=(*me.headers, (name.lower(), "0")))
        promised, seen = f"https://{HOST}/me: {value}", f"https://{HOST}/me: {value} | 0"
        yield fails(
            f"{name}-twice", with_token, promised, seen, api=Api(twice, "admin", knowledge, 1), target=TARGET, name=name
        )


GOOD_HSTS = {
    "exactly": HSTS,
    "longer": f"max-age={YEAR + 1}; includeSubDomains",
    "preload": f"{HSTS}; preload",
    "upper": f"MAX-AGE={YEAR}; INCLUDESUBDOMAINS",
    "quoted": f'max-age="{YEAR}"; includeSubDomains',
    "quoted-pair": f'max-age="\\{YEAR}"; includeSubDomains',
    "other-order": f"includeSubDomains;max-age={YEAR}",
    "spaces": f" max-age = {YEAR} ; includeSubDomains ;",
    "empty-directives": f";;{HSTS};;",
    "unknown-directive": f"{HSTS}; future=1",
    "quoted-semicolon": f'{HSTS}; future="a; max-age=0; \\"b"',
}
NO_NUMBER = "not valid: max-age is no number of seconds"
NO_LIST = "not valid: no list of directives"
# A value, and why it does not hold.
BAD_HSTS = {
    "one-second-short": (f"max-age={YEAR - 1}; includeSubDomains", "max-age is too short"),
    "no-subdomains": (f"max-age={YEAR}", "no includeSubDomains"),
    "subdomains-only": ("includeSubDomains", "not valid: no max-age"),
    "zero": ("max-age=0; includeSubDomains", "max-age is too short"),
    "negative": (f"max-age=-{YEAR}; includeSubDomains", NO_NUMBER),
    "fraction": (f"max-age={YEAR}.0; includeSubDomains", NO_NUMBER),
    "days": ("max-age=365d; includeSubDomains", NO_NUMBER),
    "no-value": ("max-age; includeSubDomains", NO_NUMBER),
    "empty-value": ('max-age=""; includeSubDomains', NO_NUMBER),
    "two-ages": (f"max-age={YEAR}; max-age={YEAR}; includeSubDomains", "not valid: max-age twice"),
    "second-age-garbled": (f"{HSTS}; max-age=x", "not valid: max-age twice"),
    "subdomains-twice": (f"{HSTS}; includeSubDomains", "not valid: includesubdomains twice"),
    "subdomains-twice-valued": (f"{HSTS}; includeSubDomains=1", "not valid: includesubdomains twice"),
    "unknown-twice": (f"{HSTS}; preload; Preload", "not valid: preload twice"),
    "subdomains-0": (f"max-age={YEAR}; includeSubDomains=0", "not valid: includeSubDomains takes no value"),
    "subdomains-1": (f"max-age={YEAR}; includeSubDomains=1", "not valid: includeSubDomains takes no value"),
    "subdomains-quoted-nothing": (
        f'max-age={YEAR}; includeSubDomains=""',
        "not valid: includeSubDomains takes no value",
    ),
    "comma": (f"max-age={YEAR}, includeSubDomains", NO_LIST),
    "merged": (f"{HSTS}, {HSTS}", NO_LIST),
    "half-quoted": (f'max-age="{YEAR}; includeSubDomains', NO_LIST),
    "after-a-quote": (f'max-age="{YEAR}"1; includeSubDomains', NO_LIST),
    "inside-a-quote": (f'x="; {HSTS}; "', "not valid: no max-age"),
    "other-digits": ("max-age=" + "٣" * 9 + "; includeSubDomains", NO_LIST),
    "other-quoted-digits": ('max-age="' + "٣" * 9 + '"; includeSubDomains', NO_NUMBER),
    "prefix": (f"x-max-age={YEAR}; includeSubDomains", "not valid: no max-age"),
    "garbage": ("on", "not valid: no max-age"),
    "empty": ("", "not valid: no max-age"),
    "no-token": ("max age=1", NO_LIST),
    "off-first": (f"max-age=0 | {HSTS}", "sent more than once: the first counts"),
    "off-second": (f"{HSTS} | max-age=0; includeSubDomains", "sent more than once: the first counts"),
    "same-twice": (f"{HSTS} | {HSTS}", "sent more than once: the first counts"),
}


def of_hsts():
    check = headers.test_hsts_on_every_https_surface
    promised = f"max-age of at least {YEAR} with includeSubDomains, once"

    def served(value, position=0):
        return Http(answers(SURFACES, **{f"at{position}": {headers.HSTS: value.split(" | ")}}))

    for case, value in GOOD_HSTS.items():
        yield passes(case, check, http=served(value), target=TARGET)
    for case, (value, why) in BAD_HSTS.items():
        yield fails(case, check, promised, f"/: {value or 'empty'} ({why})", http=served(value), target=TARGET)
    none = Http(answers(SURFACES, at2={headers.HSTS: ()}))
    yield fails("absent-on-404", check, promised, "404: absent", http=none, target=TARGET)
    none = Http(answers(SURFACES, at2={headers.HSTS: ()}, at3={headers.HSTS: ("max-age=0",)}))
    seen = "404: absent; static: max-age=0 (max-age is too short)"
    yield fails("two-surfaces", check, promised, seen, http=none, target=TARGET)
    half = f"max-age={YEAR // 2}; includeSubDomains"
    yield passes("half-a-year", check, http=served(half), target=HALF_A_YEAR)
    less = f"max-age={YEAR // 2 - 1}; includeSubDomains"
    promised = f"max-age of at least {YEAR // 2} with includeSubDomains, once"
    seen = f"/: {less} (max-age is too short)"
    yield fails("less-than-half", check, promised, seen, http=served(less), target=HALF_A_YEAR)


def with_leaf(**change):
    return replace(SENT, chain=(replace(LEAF, **change), MIDDLE))


def of_trust_and_order():
    check = certificates.test_chain_leads_to_a_trusted_root
    for code in (0, 9, 10, 62):
        yield passes(str(code), check, certificate=replace(SENT, refusal="told elsewhere", refusal_code=code))
    for code, chain, seen in (
        (18, (replace(LEAF, self_signed=True),), "self-signed: no authority vouches for it"),
        (
            19,
            (LEAF, replace(MIDDLE, signed_by_next=True), ROOT),
            "unknown root: the chain ends in CN=Root X1, which is not trusted here",
        ),
        (
            20,
            (replace(LEAF, signed_by_next=False, issuer_at="http://e7.example.com/"),),
            "incomplete chain: the intermediate CN=E7 is not sent (it is at http://e7.example.com/)",
        ),
        (
            21,
            (replace(LEAF, signed_by_next=False),),
            "unknown issuer, or its intermediate is missing: CN=E7 is neither sent nor trusted here",
        ),
        (20, (LEAF, MIDDLE), "unknown issuer: CN=Root X1 is neither sent nor trusted here"),
        (26, (LEAF, MIDDLE), "why not"),
    ):
        facts = replace(SENT, chain=chain, refusal="why not", refusal_code=code)
        yield fails(f"{code}-{len(chain)}", check, "trusted", seen, certificate=facts)

    check, promised = certificates.test_chain_is_in_order, "each certificate signed by the next one"
    yield passes("two", check, certificate=SENT)
    yield passes("one", check, certificate=replace(SENT, chain=(replace(LEAF, signed_by_next=False),)))
    stray = replace(SENT, chain=(replace(LEAF, signed_by_next=False), ROOT, MIDDLE))
    yield fails("mixed", check, promised, f"CN={HOST} ← CN=Root X1 ← CN=E7", certificate=stray)


def of_name():
    check = certificates.test_certificate_is_for_this_name
    for names in ((HOST,), ("*.example.com",), ("API.Example.COM",), ("example.com", HOST)):
        yield passes(names[0], check, certificate=with_leaf(names=names))
    for names, seen in (
        ((), "no name"),
        (("example.com", "www.example.com"), "example.com, www.example.com"),
        (("*.api.example.com",), "*.api.example.com"),
        (("*.com",), "*.com"),
        (("*",), "*"),
        (("a*.example.com",), "a*.example.com"),
    ):
        yield fails(seen, check, HOST, seen, certificate=with_leaf(names=names))
    refused = replace(SENT, refusal="hostname mismatch", refusal_code=62)
    yield fails("refused", check, HOST, HOST, certificate=refused)


def of_times():
    check, promised = certificates.test_certificate_is_valid_now, "valid at 2026-03-01 12:00 UTC"
    yield passes("valid", check, certificate=SENT)
    yield passes("last-second", check, certificate=with_leaf(not_after=NOW + SECOND))
    yield passes("first-second", check, certificate=with_leaf(not_before=NOW))
    expired, early = with_leaf(not_after=NOW), with_leaf(not_before=NOW + SECOND)
    yield fails("expired", check, promised, f"CN={HOST}: expired {NOW}", certificate=expired)
    yield fails("early", check, promised, f"CN={HOST}: not valid before {NOW + SECOND}", certificate=early)
    old = replace(SENT, chain=(LEAF, replace(MIDDLE, not_after=NOW - DAY)))
    yield fails("intermediate", check, promised, f"CN=E7: expired {NOW - DAY}", certificate=old)
    unseen_root = replace(SENT, refusal="certificate has expired", refusal_code=10)
    validity = "2026-01-30 to 2026-04-30 12:00 UTC"
    yield fails("root-not-sent", check, promised, validity, certificate=unseen_root)

    check, promised = certificates.test_certificate_was_renewed_in_time, "at least 25% of its lifetime left"
    lifetime = {"not_before": NOW - 75 * DAY, "not_after": NOW + 25 * DAY}
    yield passes("exactly-a-quarter", check, certificate=with_leaf(**lifetime), target=TARGET)
    less = with_leaf(**lifetime | {"not_before": NOW - 75 * DAY - SECOND})
    yield fails("second-less", check, promised, "25% of its lifetime left (25.0 days)", certificate=less, target=TARGET)
    gone = with_leaf(not_before=NOW - 100 * DAY, not_after=NOW - 10 * DAY)
    seen = "-11% of its lifetime left (-10.0 days)"
    yield fails("expired", check, promised, seen, certificate=gone, target=TARGET)
    six_days = with_leaf(not_before=NOW - 3 * DAY, not_after=NOW + 3 * DAY)
    yield passes("short-lived", check, certificate=six_days, target=HALF_LEFT)
    seen = "25% of its lifetime left (25.0 days)"
    promised = "at least 50% of its lifetime left"
    yield fails("half", check, promised, seen, certificate=with_leaf(**lifetime), target=HALF_LEFT)


def of_keys_and_signatures():
    check, promised = (
        certificates.test_certificate_keys_are_long_enough,
        "RSA of at least 2048 bits, or a curve of at least 256",
    )
    for key in (Key("RSA", 2048), Key("EC", 256), Key("Ed25519", 256)):
        yield passes(str(key), check, certificate=with_leaf(key=key))
    for key in (Key("RSA", 2047), Key("EC", 224), Key("DSA", 3072), Key("unknown", 0)):
        yield fails(str(key), check, promised, f"CN={HOST}: {key}", certificate=with_leaf(key=key))
    short = replace(MIDDLE, key=Key("RSA", 1024), digest="sha1")
    of_middle = replace(SENT, chain=(LEAF, short))
    of_root = replace(SENT, chain=(LEAF, MIDDLE, replace(short, subject="CN=Root X1", self_signed=True)))
    yield fails("intermediate", check, promised, "CN=E7: RSA 1024", certificate=of_middle)
    yield passes("root", check, certificate=of_root)

    check, promised = certificates.test_certificate_signatures_are_sound, "none of MD5 or SHA-1"
    for digest in ("sha256", "sha512", ""):
        yield passes(digest or "its-own", check, certificate=with_leaf(digest=digest))
    for digest in ("sha1", "md5"):
        yield fails(digest, check, promised, f"CN={HOST}: {digest}", certificate=with_leaf(digest=digest))
    yield fails("intermediate", check, promised, "CN=E7: sha1", certificate=of_middle)
    yield passes("root", check, certificate=of_root)


def of_addresses():
    check = certificates.test_certificate_is_the_same_on_all_addresses
    other = replace(with_leaf(fingerprint="cd" * 32), address="192.0.2.2")
    yield passes("one", check, certificate=SENT, certificates=[SENT])
    yield passes("same", check, certificate=replace(SENT, address="192.0.2.2"), certificates=[SENT, SENT])
    promised, seen = f"{'ab' * 8}, as at 192.0.2.1", "cd" * 8
    yield fails("other", check, promised, seen, certificate=other, certificates=[SENT, other])


ROWS = [
    *of_headers(),
    *of_header_policies(),
    *of_hsts(),
    *of_trust_and_order(),
    *of_name(),
    *of_times(),
    *of_keys_and_signatures(),
    *of_addresses(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
