"""Defects that show only when many ask at once (section 13)."""

from lab.faults import fault
from lab.host import Host

# Only the root page is limited: an empty key is not counted.
_LIMIT = """
map $uri $of_the_root { / $binary_remote_addr; default ""; }
limit_conn_zone $of_the_root zone=root:1m;
limit_conn root 3;
"""


@fault(fails={"no_error_under_concurrency", "no_error_on_kept_connections"})
def few_at_a_time(host: Host) -> None:
    """A limit of connections for each address; behind a company's gateway all its users are one."""
    _limit(host, "limit_conn_status 503;")


@fault(fails={"no_error_under_concurrency", "no_error_on_kept_connections"})
def too_many_requests(host: Host) -> None:
    """The same limit, told as 429."""
    _limit(host, "limit_conn_status 429;")


def _limit(host: Host, status: str) -> None:
    host.run(f"cat >/etc/nginx/conf.d/limit.conf <<'END'\n{_LIMIT}{status}\nEND\nnginx -t && systemctl reload nginx")
