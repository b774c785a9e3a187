"""CAA records are read as an authority has to read them (RFC 8659), and issuers are found by their certificates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.errors import NotDeclared
from cutover.facts.caa import AUTHORITIES, Caa, Property, identifiers

CA = ("ca.example",)


@pytest.mark.parametrize(
    ("value", "issuer"),
    [
        ("ca.example", "ca.example"),
        ("\tCA.Example \t", "ca.example"),
        ("ca.example;", "ca.example"),
        ("ca.example; a=b", "ca.example"),
        ("ca.example;a=b;c=d", "ca.example"),
        ("ca.example; a=", "ca.example"),
        ("", ""),
        (";", ""),
        (" ; a=b", ""),
        ("ca..example", ""),
        (".ca.example", ""),
        ("ca.example.", ""),
        ("ca example", ""),
        ("ca.example a=b", ""),
        ("ca.example; a", ""),
        ("ca.example; a=b c", ""),
        ("ca.example\\x00", ""),
        ("ca.exämple", ""),
    ],
)
def test_whom_a_value_names(value, issuer):
    assert Property(0, "issue", value).issuer == issuer


@given(st.text(max_size=40))
def test_a_value_of_any_kind_names_somebody_or_nobody(value):
    issuer = Property(0, "issue", value).issuer
    assert issuer == "" or issuer in value.lower()


@given(
    st.lists(st.builds(Property, st.integers(0, 255), st.sampled_from(["issue", "iodef", "x"]), st.text(max_size=12)))
)
def test_a_name_that_stands_in_no_record_is_never_let_past_an_issue_record(records):
    if any(record.tag == "issue" for record in records):
        assert not Caa("example.com", tuple(records)).lets(("not-in-any-of-them.example",))


def test_who_cannot_be_asked_lets_nobody_issue():
    assert not Caa(problem="CAA cannot be asked").lets(CA)


@pytest.mark.parametrize(
    ("issuer", "first"),
    [
        ("CN=R11,O=Let's Encrypt,C=US", "letsencrypt.org"),
        ("CN=WR1,O=Google Trust Services,C=US", "pki.goog"),
        ("CN=Go Daddy Secure CA,O=GoDaddy.com\\, Inc.,C=US", "godaddy.com"),
        ("CN=JPRS DV,O=Japan Registry Services Co.\\, Ltd.,C=JP", "jprs.jp"),
        ("O=DigiCert Inc", "digicert.com"),
    ],
)
def test_authorities_are_known_by_their_organisation(issuer, first):
    assert identifiers(issuer)[0] == first


@pytest.mark.parametrize(
    "issuer", ["CN=Pebble Intermediate CA 1a2b3c", "CN=Let's Encrypt", "CN=x\\,O=Let's Encrypt", "O=letsencrypt", ""]
)
def test_who_is_not_known_is_told(issuer):
    with pytest.raises(NotDeclared, match=r"is not known here; declare caa_issuer$"):
        identifiers(issuer)


def test_every_authority_is_named_as_records_name_it():
    for names in AUTHORITIES.values():
        assert [Property(0, "issue", name).issuer for name in names] == list(names)
