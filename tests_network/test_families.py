"""Section 2: a target with two address families is one host in both."""

from cutover.check import control, promised, seen
from cutover.facts.http import Http

# They differ from one answer to the next.
FLEETING = {"date", "etag", "last-modified", "set-cookie", "x-request-id", "age", "expires", "connection", "keep-alive"}


@control("11.health")
def test_both_families_answer_alike(http: Http, http_of_other_family: Http) -> None:
    """A listen line for one family only leads to another server block, or to another machine; phones use IPv6.

    Mend: listen 443 ssl; and listen [::]:443 ssl; in the same server, and the AAAA record of the same host
    """
    here, there = forms(http), forms(http_of_other_family)
    where = f"{next(iter(http.answers.values())).url}, against the other family"
    assert seen(here, where=where) == promised(there)


def forms(http: Http) -> dict[str, str]:
    """Status, headers and length of every answer."""
    return {
        surface: "; ".join(
            [
                f"{answer.status}",
                f"{answer.length} bytes",
                *sorted(f"{key.lower()}: {value}" for key, value in answer.headers if key.lower() not in FLEETING),
            ]
        )
        for surface, answer in http.answers.items()
        if surface != "metrics"  # which count on, and are another check's
    }
