"""The new server against the old one, before DNS is changed: what users have today they have tomorrow."""

from cutover.check import control, promised, seen
from cutover.facts.old_server import OldRecords, OldServer
from cutover.inventory import Target

# They tell of the moment, of the connection or of the software, not of the service.
FLEETING = {
    *("age", "connection", "content-length", "date", "etag", "expires", "keep-alive", "last-modified", "server"),
    *("set-cookie", "transfer-encoding", "via", "x-request-id", "x-runtime"),
}


@control("11.health")
def test_answers_are_of_the_same_kind_as_the_old_servers(old_server: OldServer, target: Target) -> None:
    """A path that answered yesterday and is gone today is found by users, one by one.

    Mend: deploy the same release; or let it differ: old_may_differ = ["status /path"] in the inventory
    """
    pairs = {path: pair for path, pair in old_server.pairs.items() if f"status {path}" not in target.old_may_differ}
    new = {path: f"{pair.new.status} {pair.new.content_type}" for path, pair in pairs.items()}
    old = {path: f"{pair.old.status} {pair.old.content_type}" for path, pair in pairs.items()}
    assert seen(new, where=f"new server, against {old_server.address}") == promised(old)


@control("11.health")
def test_bodies_are_those_of_the_old_server(old_server: OldServer, target: Target) -> None:
    """JSON is compared by its values, all else by its bytes.

    Mend: deploy the same release and data; or let it differ: old_may_differ = ["body /path"] in the inventory
    """
    pairs = {path: pair for path, pair in old_server.pairs.items() if f"body {path}" not in target.old_may_differ}
    differ = {path for path, pair in pairs.items() if not pair.same_body}
    assert seen(differ, where=f"new server, against {old_server.address}") == promised(set(), "the same in all")


@control("12.security-headers")
def test_headers_of_the_old_server_are_kept(old_server: OldServer, target: Target) -> None:
    """What the new server adds is its own affair; what it drops or changes, clients and proxies may rely on.

    Mend: add the header to the nginx site; or let it differ: old_may_differ = ["header NAME"] in the inventory
    """
    allowed = FLEETING | {entry[7:].lower() for entry in target.old_may_differ if entry.startswith("header ")}
    old, new = {}, {}
    for path, pair in old_server.pairs.items():
        for name in {key.lower() for key, _ in pair.old.headers} - allowed:
            place = f"{name} of {path}"
            old[place] = " | ".join(pair.old.values(name))
            new[place] = " | ".join(pair.new.values(name)) or "absent"
    assert seen(new, where=f"new server, against {old_server.address}") == promised(old)


@control("12.certificate")
def test_certificate_has_the_old_ones_names(old_server: OldServer, target: Target) -> None:
    """A second name that only the old certificate had stops working with the switch.

    Mend: sudo certbot certonly --expand -d NAME -d OTHER; or old_may_differ = ["names"] in the inventory
    """
    missing = set() if "names" in target.old_may_differ else {*old_server.old_names} - {*old_server.new_names}
    where = f"names in the certificate of {old_server.address} and not in the new one"
    assert seen(missing, where=where) == promised(set())


@control("11.knowledge")
def test_every_record_of_the_old_server_is_there(old_records: OldRecords) -> None:
    """Of the list that the API hands out, by the whole record: one that was changed since the copy counts as missing.

    Mend: stop writes on the old server, copy its data directory again, restart the application
    """
    lost = f"{old_records.lost} of {old_records.old} missing or different"
    told = f"{lost}, the first by id: {', '.join(old_records.first_lost)}" if old_records.lost else "all there"
    assert seen(told, where=f"new server, against {old_records.address}") == promised("all there")
