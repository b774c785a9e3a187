"""What an inventory may say, and the one line that tells what is wrong with it."""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme

from cutover.errors import UsageError
from cutover.inventory import Database, Metrics, Peer, Server, Target
from cutover.policies import GB, GIB, TIERS, Size
from cutover.targets import after_the_change, duration, from_options, load, overridden

HOST = '[[target]]\nhost = "api.example.test"\n'
AT = "target[0]."
NAME = "expected a DNS host name such as api.example.com, not "
ADDRESS = "expected a valid IPv4 or IPv6 address, not "
ONE = "expected the address of one host, no"
PATH = "expected a path that starts with one / such as /api/v1/knowledge, not "
WAY = "expected a way in such as ssh://ops@api.example.com, local:// or docker://NAME"


def under(part, line):
    return f"{HOST}[target.{part}]\n{line}\n"


def hosted(name):
    return f"[[target]]\nhost = {json.dumps(name, ensure_ascii=False)}\n"


# An inventory's text, and all that follows "FILE: " in the one line.
WRONG = {
    "unknown key": (HOST + 'adresses = ["192.0.2.1"]', AT + "adresses: unknown key; did you mean addresses?"),
    "unknown key below": (
        under("limits", "response_second = 3"),
        AT + "limits.response_second: unknown key; did you mean response_seconds?",
    ),
    "unknown key like no other": (HOST + "zzz = 1", AT + "zzz: unknown key"),
    "misspelt target": ('[[targets]]\nhost = "a.test"', "targets: unknown key; did you mean target?"),
    "text for number": (under("ports", 'https = "443"'), AT + "ports.https: expected a valid integer, not '443'"),
    "boolean for number": (under("ports", "https = true"), AT + "ports.https: expected a valid integer, not True"),
    "float for integer": (under("ports", "https = 443.0"), AT + "ports.https: expected a valid integer, not 443.0"),
    "text for list": (HOST + 'addresses = "192.0.2.1"', AT + "addresses: expected a valid array, not '192.0.2.1'"),
    "number for address": (HOST + "addresses = [16909060]", AT + "addresses[0]: " + ADDRESS + "16909060"),
    "load without a stage": (HOST + "[target.load]", AT + "load: declares no stage: open, ramp or own"),
    "rate beyond the cap": (
        under("load", "open = { rate = 501 }"),
        AT + "load.open.rate: expected less than or equal to 500, not 501",
    ),
    "seconds beyond the cap": (
        under("load", "open = { seconds = 301 }"),
        AT + "load.open.seconds: expected less than or equal to 300, not 301",
    ),
    "budget beyond the cap": (
        under("load", "requests = 100001\nopen = {}"),
        AT + "load.requests: expected less than or equal to 100000, not 100001",
    ),
    "users beyond the cap": (
        under("load", "ramp = { users = [10, 1001] }"),
        AT + "load.ramp.users[1]: expected less than or equal to 1000, not 1001",
    ),
    "more than the budget": (
        under("load", "requests = 799\nopen = {}"),
        "target[0]: load.requests is 799, and the stages need 800 at each address",
    ),
    "too few for a verdict": (
        under("load", "open = { rate = 5, seconds = 10 }"),
        AT + "load.open: rate × seconds are 50 requests; fewer than 59 cannot tell a p95",
    ),
    "ramp that falls": (
        under("load", "ramp = { users = [20, 10] }"),
        AT + "load.ramp: users must rise from step to step",
    ),
    "ramp without the promised step": (
        under("load", "ramp = { users = [20, 40] }"),
        AT + "load.ramp: holds must be one of the steps (20, 40)",
    ),
    "worker of no kind that ssh knows": (
        under("load", 'workers = ["docker://load1"]\nopen = {}'),
        AT + "load.workers[0]: expected ssh://user@host or ssh://user@host:port, not 'docker://load1'",
    ),
    "worker that is an option": (
        under("load", 'workers = ["ssh://-oProxyCommand=x"]\nopen = {}'),
        AT + "load.workers[0]: expected ssh://user@host or ssh://user@host:port, not 'ssh://-oProxyCommand=x'",
    ),
    "workers here and elsewhere": (
        under("load", 'workers = ["ssh://load1"]\nprocesses = 2\nopen = {}'),
        AT + "load: workers and processes exclude each other",
    ),
    "permission in the file": (under("load", "permitted = true\nopen = {}"), AT + "load.permitted: unknown key"),
    "number for text": (HOST + "ca = 5", AT + "ca: expected a valid string, not 5"),
    "table for list of tables": ('[target]\nhost = "a.test"', "target: expected a valid array"),
    "text for table": ('target = ["a.test"]', "target[0]: expected an object, not 'a.test'"),
    "port 0": (under("ports", "http = 0"), AT + "ports.http: expected greater than or equal to 1, not 0"),
    "port 65536": (
        under("ports", "closed = [8000, 65536]"),
        AT + "ports.closed[1]: expected less than or equal to 65535, not 65536",
    ),
    "no closed port": (
        under("ports", "closed = []"),
        AT + "ports: closed names no port: then nothing would be judged",
    ),
    "port both open and closed": (
        under("ports", "closed = [443, 8000, 22]"),
        AT + "ports: 22, 443 cannot be both open and closed: declare closed without it",
    ),
    "port open that is closed by default": (
        under("ports", "https = 8000"),
        AT + "ports: 8000 cannot be both open and closed: declare closed without it",
    ),
    "no seconds": (
        under("limits", "response_seconds = 0"),
        AT + "limits.response_seconds: expected greater than 0, not 0",
    ),
    "not a number": (
        under("limits", "answer_seconds = nan"),
        AT + "limits.answer_seconds: expected less than or equal to 600, not nan",
    ),
    "whole lifetime": (
        under("limits", "certificate_lifetime_left = 1.0"),
        AT + "limits.certificate_lifetime_left: expected less than 1, not 1.0",
    ),
    "no request": (
        under("limits", "load_requests = 0"),
        AT + "limits.load_requests: expected greater than or equal to 1, not 0",
    ),
    "host with a blank": (hosted("a b"), AT + "host: " + NAME + "'a b'"),
    "host is a URL": (hosted("https://a.test"), AT + "host: " + NAME + "'https://a.test'"),
    "host is an address": (hosted("192.0.2.1"), AT + "host: " + NAME + "'192.0.2.1'"),
    "host is empty": (hosted(""), AT + "host: " + NAME + "''"),
    "host is the root": (hosted("."), AT + "host: " + NAME + "'.'"),
    "host with underscore": (hosted("a_b.test"), AT + "host: " + NAME + "'a_b.test'"),
    "host ends in a newline": (hosted("a.test\n"), AT + "host: " + NAME + r"'a.test\n'"),
    "host not in punycode": (hosted("例え.test"), AT + "host: " + NAME + "'例え.test'"),
    "label of 64": (hosted("a" * 64 + ".test"), AT + f"host: {NAME}'{'a' * 64}.test'"),
    "label begins with -": (hosted("-a.test"), AT + "host: " + NAME + "'-a.test'"),
    "missing host": ('[[target]]\ntier = "small"', AT + "host: is missing"),
    "bad address": (HOST + 'addresses = ["1.2.3"]', AT + "addresses[0]: " + ADDRESS + "'1.2.3'"),
    "address of nobody": (HOST + 'addresses = ["0.0.0.0"]', AT + f"addresses[0]: {ONE} unspecified one, not '0.0.0.0'"),
    "address of nobody, mapped": (
        HOST + 'addresses = ["::ffff:0.0.0.0"]',
        AT + f"addresses[0]: {ONE} unspecified one, not '::ffff:0.0.0.0'",
    ),
    "address of many": (HOST + 'addresses = ["ff02::1"]', AT + f"addresses[0]: {ONE} multicast one, not 'ff02::1'"),
    "address of all": (
        HOST + 'addresses = ["192.0.2.1", "255.255.255.255"]',
        AT + f"addresses[1]: {ONE} broadcast one, not '255.255.255.255'",
    ),
    "address without scope": (
        HOST + 'addresses = ["fe80::1"]',
        AT + f"addresses[0]: {ONE} link-local one without a scope, as fe80::1%eth0 has one, not 'fe80::1'",
    ),
    "resolver of nobody": (HOST + 'resolvers = ["::"]', AT + f"resolvers[0]: {ONE} unspecified one, not '::'"),
    "resolver is a name": (HOST + 'resolvers = ["ns.test"]', AT + "resolvers[0]: " + ADDRESS + "'ns.test'"),
    "unknown tier": (HOST + 'tier = "huge"', AT + "tier: expected 'small', 'medium' or 'large', not 'huge'"),
    "unknown phase": (HOST + 'phase = "during"', AT + "phase: expected 'pre' or 'post', not 'during'"),
    "path without /": (under("endpoints", 'login = "api"'), AT + "endpoints.login: " + PATH + "'api'"),
    "path is a host": (under("endpoints", 'login = "//b.test"'), AT + "endpoints.login: " + PATH + "'//b.test'"),
    "path with a header": (under("endpoints", r'me = "/\r\nX: y"'), AT + "endpoints.me: " + PATH + r"'/\r\nX: y'"),
    "way without backend": (under("server", 'way_in = "ops@a.test"'), AT + "server.way_in: " + WAY),
    "way with unknown backend": (
        under("server", 'way_in = "telnet://a.test"'),
        AT + "server.way_in: " + WAY,
    ),
    "way is an ssh option": (
        under("server", 'way_in = "ssh://ops@-oProxyCommand=id"'),
        AT + "server.way_in: expected user@host or user@host:port after ://",
    ),
    "way to port 65536": (
        under("server", 'way_in = "ssh://a.test:65536"'),
        AT + "server.way_in: expected user@host or user@host:port after ://",
    ),
    "server without a way": (under("server", "sudo = false"), AT + "server.way_in: is missing"),
    "two targets of one name": (HOST + HOST, "two targets are called api.example.test; give each a name of its own"),
    "two targets, one named like the other": (
        hosted("a.test") + hosted("b.test") + 'name = "a.test"',
        "two targets are called a.test; give each a name of its own",
    ),
    "empty": ("", "target: is missing"),
    "no target": ("target = []", "target: Tuple should have at least 1 item after validation, not 0"),
    "not TOML": (
        "host: a.test",
        "is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 5)",
    ),
    "key twice": (HOST + 'host = "b.test"', "is not TOML: Cannot overwrite a value (at end of document)"),
}


def refusal(file):
    with pytest.raises(UsageError) as caught:
        load(file)
    told = str(caught.value)
    assert told.isprintable(), "not one line"
    assert told.startswith(f"{file}: ")
    return told.removeprefix(f"{file}: ")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "inventory.toml"


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_wrong(file, text, told):
    file.write_text(text, "utf-8")
    assert refusal(file) == told


def test_a_locustfile_that_is_not_there(file):
    file.write_text(under("load", 'own = { locustfile = "none.py" }'), "utf-8")
    assert refusal(file) == f"{AT}load.own.locustfile: {file.parent}/none.py: cannot be read"


# Texts for which that there is one short line matters more than its words.
ODD = {
    "deep arrays": "x = " + "[" * 5000 + "]" * 5000,
    "deep tables": ".".join("a" * 3000) + " = 1",
    "a number without end": under("limits", "hsts_seconds = " + "9" * 5000),
    "a value without end": HOST + f'tier = "{"x" * 5000}"',
    "a key of two lines": HOST + r'"a\nb" = 1',
    "a key that clears the screen": HOST + r'"a\u001b[2Jb" = 1',
    "a date for a number": under("limits", "response_seconds = 2024-12-27"),
    "a date for a host": "[[target]]\nhost = 2024-12-27",
    "a time for a user": under("credentials", "username = 07:32:00"),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd(file, text):
    file.write_text(text, "utf-8")
    assert len(refusal(file)) < 500


SECRET = "correct horse battery staple"  # noqa: S105 - a password that must not be told
MISPLACED = {
    "password": under("credentials", f'password = "{SECRET}"'),
    "password of the target": HOST + f'password = "{SECRET}"',
    "credentials": HOST + f'credentials = "{SECRET}"',
    "variable": under("credentials", f'password_env = "{SECRET}"'),
    "command": under("credentials", f'password_command = "{SECRET}"'),
    "command in a list": under("credentials", f'password_command = ["echo", ["{SECRET}"]]'),
    "way in": under("server", f'way_in = "ssh://ops:{SECRET.replace(" ", "-")}@a.test"'),
    "way in without backend": under("server", f'way_in = "ops:{SECRET.replace(" ", "-")}@a.test"'),
}


@pytest.mark.parametrize("text", MISPLACED.values(), ids=MISPLACED)
def test_a_misplaced_password_is_refused_and_not_told(file, text):
    file.write_text(text)
    told = refusal(file)
    assert not [word for word in SECRET.split() if word in told]


def test_missing_file(file):
    assert refusal(file) == "cannot be read: No such file or directory"


def test_directory(tmp_path):
    assert refusal(tmp_path) == "cannot be read: Is a directory"


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "something else"])
def test_unreadable_authority(file, content):
    if content is not None:
        (file.parent / "ca.pem").write_text(content)
    file.write_text(HOST + 'ca = "ca.pem"')
    assert refusal(file).startswith("target[0].ca: ")


def test_missing_ssh_config(file):
    file.write_text(under("server", 'way_in = "ssh://a.test"\nssh_config = "ssh_config"'))
    assert refusal(file).startswith("target[0].server.ssh_config: ")


def test_invalid_utf8(file):
    file.write_bytes(HOST.encode() + b'name = "\xe9"')
    assert refusal(file).startswith("is not TOML: 'utf-8' codec can't decode byte 0xe9")


def test_one_line_promises_what_the_checklist_promises(file):
    file.write_text(HOST)
    (target,) = load(file)
    limits, ports, paths = target.limits, target.ports, target.endpoints
    assert (target.label, target.phase, target.tier, target.server) == ("api.example.test", "post", "small", None)
    assert (limits.response_seconds, limits.hsts_seconds) == (2.0, 31_536_000)
    assert (limits.load_requests, limits.load_concurrency) == (100, 10)
    assert (ports.open, {8000, 5432} <= set(ports.closed)) == ((22, 80, 443), True)
    assert (paths.login, paths.me) == ("/api/v1/auth/login", "/api/v1/auth/me")
    assert (paths.knowledge, paths.static) == ("/api/v1/knowledge", "/static/")


def test_sizes_of_the_tiers():
    assert {tier: (size.cpus, size.memory_bytes / GIB, size.disk_free_bytes / GB) for tier, size in TIERS.items()} == {
        "small": (2, 4, 20),
        "medium": (4, 8, 50),
        "large": (8, 16, 100),
    }


# An inventory's text, an attribute of its target, and the value there.
RIGHT = {
    "trailing dot": (hosted("api.example.test."), "host", "api.example.test"),
    "upper case": (hosted("API.Example.TEST"), "host", "api.example.test"),
    "label of 63": (hosted("a" * 63 + ".test"), "host", "a" * 63 + ".test"),
    "digits first": (hosted("1st.test"), "host", "1st.test"),
    "punycode": (hosted("xn--r8jz45g.test"), "host", "xn--r8jz45g.test"),
    "name": (HOST + 'name = "new-api"', "label", "new-api"),
    "IPv4": (HOST + 'addresses = ["192.0.2.1"]', "addresses", (ip_address("192.0.2.1"),)),
    "IPv6": (HOST + 'addresses = ["2001:DB8:0::1"]', "addresses", (ip_address("2001:db8::1"),)),
    "loopback": (HOST + 'addresses = ["127.0.0.1"]', "addresses", (ip_address("127.0.0.1"),)),
    "link-local with a scope": (HOST + 'addresses = ["fe80::1%lo"]', "addresses", (ip_address("fe80::1%lo"),)),
    "old server": (
        HOST + 'old_server = ["192.0.2.2", "2001:db8::2"]',
        "old_server",
        (ip_address("192.0.2.2"), ip_address("2001:db8::2")),
    ),
    "CAA issuer": (HOST + 'caa_issuer = "ca.example.net"', "caa_issuer", "ca.example.net"),
    "in DNS before": (HOST + 'phase = "pre"\nold_server = ["192.0.2.2"]', "in_dns", {"192.0.2.2"}),
    "in DNS after": (HOST + 'addresses = ["2001:DB8:0::1"]', "in_dns", {"2001:db8::1"}),
    "tier": (HOST + 'tier = "large"', "size", Size(cpus=8, memory_bytes=16 * GIB, disk_free_bytes=100 * GB)),
    "whole number of seconds": (under("limits", "response_seconds = 3"), "limits.response_seconds", 3.0),
    "first and last port": (under("ports", "closed = [1, 65535]"), "ports.closed", (1, 65535)),
    "query in a path": (under("endpoints", 'me = "/me?a=%20"'), "endpoints.me", "/me?a=%20"),
    "local way": (under("server", 'way_in = "local://"'), "server.way_in", "local://"),
    "IPv6 way": (
        under("server", 'way_in = "ssh://ops@[2001:db8::1]:2222"'),
        "server.way_in",
        "ssh://ops@[2001:db8::1]:2222",
    ),
    "Windows newlines": (HOST.replace("\n", "\r\n"), "host", "api.example.test"),
}


@pytest.mark.parametrize(("text", "attribute", "value"), RIGHT.values(), ids=RIGHT)
def test_right(file, text, attribute, value):
    file.write_text(text)
    (found,) = load(file)
    for part in attribute.split("."):
        found = getattr(found, part)
    assert found == value


def test_paths_are_relative_to_the_file(file):
    files = 'ca = "ca.pem"\n[target.server]\nway_in = "ssh://a.test"\nssh_config = "/dev/null"\n'
    file.write_text(HOST + files)
    trustme.CA().cert_pem.write_to_path(str(file.parent / "ca.pem"))
    (target,) = load(file)
    assert target.ca == file.parent / "ca.pem"
    assert target.server.ssh_config == Path("/dev/null")
    assert target.credentials.folder == file.parent


def test_many_targets_in_their_order(file):
    file.write_text(hosted("b.test") + hosted("a.test"))
    assert [target.host for target in load(file)] == ["b.test", "a.test"]


def test_options_describe_a_target():
    target = from_options("API.test.", ["192.0.2.1", "2001:db8::1"], "ops@192.0.2.1:2222")
    assert (target.host, target.phase) == ("api.test", "pre")
    assert [Peer(target, str(address)).family for address in target.addresses] == ["ipv4", "ipv6"]
    assert target.server.way_in == "ssh://ops@192.0.2.1:2222"
    assert from_options("api.test", [], None) == Target(host="api.test")


def test_options_replace_what_the_inventory_says_and_nothing_else(file):
    file.write_text(
        HOST + 'tier = "large"\naddresses = ["192.0.2.1"]\n[target.server]\nway_in = "local://"\nsudo = false'
    )
    (before,) = load(file)
    after = overridden(before, ["192.0.2.2"], "ops@a.test")
    assert (after.addresses, after.phase, after.tier) == ((ip_address("192.0.2.2"),), "pre", "large")
    assert (after.server.way_in, after.server.sudo) == ("ssh://ops@a.test", False)
    assert overridden(before, [], None) == before


def test_what_is_waited_for_is_dns_after_the_change():
    target = after_the_change(from_options("api.test", ["192.0.2.1"], None))
    assert (target.phase, target.in_dns) == ("post", {"192.0.2.1"})


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("24h", 86400)])
def test_a_duration(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "m", "0m", "-1m", "1.5h", "1d", "30 m", "25h", "99999h", "1m30s", "\x1b[31m"]
)
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match=r"^--wait-dns .*: expected a time such as 90s, 30m or 2h, at most a day$"):
        duration(text)


def test_a_target_that_was_saved_with_a_run_is_read_back():
    target = Target(host="api.example.com", server=Server(way_in="local://"), database=Database(), metrics=Metrics())
    assert Target.model_validate_json(target.model_dump_json()) == target
