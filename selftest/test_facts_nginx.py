"""The reader of nginx's configuration, by nginx's rules, and of the processes that run it."""

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from cutover.facts.nginx import Nginx, NginxSites, NginxTest, NginxUnit
from cutover.facts.nginx_config import Config, tokens
from cutover.facts.nginx_site import answering, default, duration, sites, size
from selftest.nginx_facts import AVAILABLE, ENABLED, MAIN, dump, nginx, with_location
from selftest.rows import HOST, printed


def read(text, main="http { include sites-enabled/*; }", **others):
    return Config.read(dump(text, main, **others))


def words(text):
    return [token.text for token in tokens(text, "a.conf")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b;", ["a", "b", ";"]),
        ("a # b;\nc;", ["a", "c", ";"]),
        ("a b#c;", ["a", "b#c", ";"]),
        ('a \'b;{c\' "d\\"e";', ["a", "b;{c", 'd"e', ";"]),
        ('a "line\nline";', ["a", "line\nline", ";"]),
        ("a ${x}b{c;}", ["a", "${x}b", "{", "c", ";", "}"]),
        ("a \\;b x}y;", ["a", "\\;b", "x}y", ";"]),
        ("~ ^/(a|b)$ {", ["~", "^/(a|b)$", "{"]),
        ('if ($a = "b") {}', ["if", "($a", "=", "b", ")", "{", "}"]),
        ("a b\\ c;", ["a", "b\\ c", ";"]),
        ("a\r\n  日本;", ["a", "日本", ";"]),
        ("", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    "text", ["a 'b", 'a "b"c;', "a b", "a {", "a; }", ";", "{ }", "a } b;", "a;" + "b {" * 60 + "}" * 60]
)
def test_what_nginx_would_refuse_is_not_understood(text):
    with pytest.raises(ProbeError):
        read(text)


@pytest.mark.parametrize("text", ["", "nginx: command not found\n", "\x00\ufffd"])
def test_no_configuration(text):
    with pytest.raises(ProbeError, match="no configuration file"):
        Config.read(text)


def test_includes_stand_where_they_were_written():
    config = read("server { listen 81; }", b="server { listen 82; }", **{".hidden": "server { listen 83; }"})
    assert [site.listens[0].port for site in sites(config)] == [82, 81]
    assert config.globbed == {"/etc/nginx/sites-enabled"}
    with pytest.raises(ProbeError, match="did not print"):
        read("", "include snippets/a.conf;")
    with pytest.raises(ProbeError, match="too deeply"):
        read("", f"include {MAIN};")


@pytest.mark.parametrize(
    ("listen", "families", "port", "ssl"),
    [
        ("80", {"ipv4"}, 80, False),
        ("*:80", {"ipv4"}, 80, False),
        ("[::]:443 ssl http2", {"ipv6"}, 443, True),
        ("[::]:443 ssl ipv6only=off", {"ipv4", "ipv6"}, 443, True),
        ("192.0.2.1:8080", {"ipv4"}, 8080, False),
        ("192.0.2.1", {"ipv4"}, 80, False),
        ("[2001:db8::1]", {"ipv6"}, 80, False),
        ("localhost:80", set(), 80, False),
        ("127.0.0.1:80", set(), 80, False),
        ("[::1]:80", set(), 80, False),
        ("unix:/run/a.sock", set(), 0, False),
    ],
)
def test_listen(listen, families, port, ssl):
    (site,) = sites(read(f"server {{ listen {listen}; }}"))
    assert (site.listens[0].families, site.listens[0].port, site.listens[0].ssl) == (families, port, ssl)


@pytest.mark.parametrize(
    ("names", "picked"),
    [
        (["example.com", HOST], 1),
        (["*.example.com", HOST], 1),
        (["~^api", "api.*", "*.com", "*.example.com"], 3),
        (["~^api", "api.*"], 1),
        (["~^web", "~^API\\."], 1),
        ([".example.com", "other"], 0),
        (["b", "a"], 0),
        ([HOST, HOST], 0),
    ],
)
def test_server_names(names, picked):
    config = read("".join(f"server {{ server_name {name}; listen 80; root /{n}; }}" for n, name in enumerate(names)))
    assert answering(config, "ipv4", 80, HOST).place.args("root") == (f"/{picked}",)


def test_default_server():
    config = read("server { root /a; } server { listen 80 default_server; root /b; } server { listen [::]:80; }")
    assert default(config, "ipv4", 80).place.args("root") == ("/b",)
    assert default(config, "ipv6", 80).place.args("root") == ()
    assert default(config, "ipv6", 443) is None


LOCATIONS = """server {
  location = /exact { }
  location / { }
  location /images/ { location ~ \\.svg$ { } }
  location ^~ /static/ { }
  location ~ \\.(gif|jpg)$ { }
  location ~* \\.PNG$ { }
  location =/joined { }
  location @named { }
}"""


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "location /"),
        ("/exact", "location = /exact"),
        ("/exact/", "location /"),
        ("/images/a", "location /images/"),
        ("/images/a.gif", "location ~ \\.(gif|jpg)$"),
        ("/images/a.svg", "location /images/, location ~ \\.svg$"),
        ("/static/a.gif", "location ^~ /static/"),
        ("/a.png", "location ~* \\.PNG$"),
        ("/joined", "location =/joined"),
    ],
)
def test_locations(path, label):
    (site,) = sites(read(LOCATIONS))
    assert site.location(path).label == label


def test_an_expression_that_is_not_understood():
    (site,) = sites(read("server { location ~ (?<a>b { } }"))
    with pytest.raises(ProbeError, match="expression"):
        site.location("/")


def test_levels_are_not_joined():
    (_, https) = sites(with_location("location /a { add_header A b; proxy_set_header A b; }").config)
    place = https.location("/a")
    assert place.headers == {"a": False}
    assert place.request_headers == {"host": "$proxy_host", "connection": "close", "a": "b"}
    assert place.args("client_max_body_size") == ("10M",)


def test_levels_are_joined_when_told():
    text = "server { add_header_inherit merge; add_header A b always; location / { add_header C d; } }"
    (site,) = sites(read(text))
    assert site.location("/").headers == {"a": True, "c": False}


@pytest.mark.parametrize(("text", "expected"), [("10M", 10485760), ("1k", 1024), ("0", 0), ("7", 7), ("1g", 2**30)])
def test_size(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("60", 60), ("60s", 60), ("1m 30s", 90), ("500ms", 0.5), ("1h", 3600)])
def test_duration(text, expected):
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "10X", "M", "-1", "$limit"])
def test_no_size_and_no_time(text):
    with pytest.raises(ProbeError):
        size(text)
    with pytest.raises(ProbeError):
        duration(text)


UNIT = "MainPID=95\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nnow=1000\n"
MASTER = "     95       1    420 nginx: master process /usr/sbin/nginx -g daemon on; master_process on;\n"
CHANGED = f"900 {MAIN}\n910 {ENABLED}\n905 {ENABLED}\n990 /etc/nginx\n930 /etc/nginx/sites-enabled\n"
HOLDS = {
    "nginx-version": "nginx version: nginx/1.18.0 (Ubuntu)\n",
    "nginx-config": f"{dump()}=== ciphers\nA:B\tA:B\nHIGH:!aNULL:!MD5\tC\n=== changed\n{CHANGED}",
    "nginx-unit": UNIT,
    "nginx-processes": MASTER
    + "     98      95     20 nginx: worker process\n     99      95     40 nginx: worker process\n",
}


def host(**changed):
    return printed(HOLDS | {name.replace("_", "-"): text for name, text in changed.items()})


def test_a_host():
    told = Nginx.read(host())
    assert told.version == (1, 18, 0)
    assert told.ciphers == {"A:B": ("A", "B"), "HIGH:!aNULL:!MD5": ("C",)}
    assert told.changed == {MAIN: 900, ENABLED: 910, "/etc/nginx/sites-enabled": 930}
    assert told.started == 960


def test_workers_that_are_leaving_do_not_count():
    leaving = "     97      95    400 nginx: worker process is shutting down\n"
    leaving += "     96      95    400 nginx: cache manager process\n"
    assert Nginx.read(host(nginx_processes=HOLDS["nginx-processes"] + leaving)).started == 960
    assert Nginx.read(host(nginx_processes=MASTER + leaving)).started is None
    of_another = HOLDS["nginx-processes"].replace("95  ", "11  ")
    assert Nginx.read(host(nginx_processes=of_another)).started is None
    assert Nginx.read(host(nginx_processes="")).started is None


@pytest.mark.parametrize(
    "changed",
    [
        {"nginx_version": "nginx: not found\n"},
        {"nginx_config": ""},
        {"nginx_config": dump()},
        {"nginx_config": f"{dump()}=== ciphers\n=== changed\n"},
        {"nginx_config": f"{dump()}=== ciphers\n=== changed\nstat: cannot\n"},
        {"nginx_config": Output("nginx -T", 127, "", "timeout: failed to run command 'nginx'", 0.1)},
        {"nginx_unit": "System has not been booted with systemd\n"},
        {"nginx_processes": "95 1\n"},
        {"nginx_processes": Output("ps", 0, "", "sh: 1: ps: not found", 0.1)},
    ],
)
def test_a_host_that_is_not_understood(changed):
    with pytest.raises(ProbeError):
        Nginx.read(host(**changed))


REFUSED = (
    'nginx: [emerg] unknown directive "foo" in /etc/nginx/sites-enabled/a:3\nnginx: configuration file test failed'
)


def test_a_configuration_that_nginx_refuses():
    refused = host(nginx_config=Output("nginx -T", 1, "", REFUSED, 0.1))
    told = NginxTest.read(refused)
    assert told.refusal == '[emerg] unknown directive "foo" in /etc/nginx/sites-enabled/a:3'
    with pytest.raises(ProbeError, match="unknown directive"):
        Nginx.read(refused)
    logged = '2026/11/24 10:29:59 [emerg] 1156#1156: SSL_CTX_use_PrivateKey("/k") failed (key values mismatch)\n'
    mismatch = host(nginx_config=Output("nginx -T", 1, "", logged, 0.1))
    assert NginxTest.read(mismatch).refusal == '[emerg] SSL_CTX_use_PrivateKey("/k") failed (key values mismatch)'
    warned = Output("nginx -T", 0, dump(), 'nginx: [warn] the "listen ... http2" directive is deprecated', 0.1)
    assert NginxTest.read(host(nginx_config=warned)).refusal == ""
    with pytest.raises(ProbeError, match="failed to run"):
        NginxTest.read(host(nginx_config=Output("nginx -T", 127, "", "timeout: failed to run command 'nginx'", 0.1)))


def test_unit():
    assert NginxUnit.read(host()).active == "active"
    masked = NginxUnit.read(host(nginx_unit=UNIT.replace("loaded", "masked").replace("enabled", "masked")))
    assert (masked.load, masked.at_boot) == ("masked", "masked")
    absent = "MainPID=0\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nnow=1\n"
    assert NginxUnit.read(host(nginx_unit=absent)).at_boot == ""


def test_sites():
    told = NginxSites.read(printed({"nginx-sites": f"file {AVAILABLE}\nlink {ENABLED}\t{AVAILABLE}\ncopy /b\t/b\n"}))
    assert told.present
    assert told.enabled == {ENABLED: AVAILABLE, "/b": "/b"}
    assert told.copies == {"/b"}
    assert not NginxSites.read(printed({"nginx-sites": f"nothing {AVAILABLE}\n"})).present
    for text in ("", "what\n", f"file {AVAILABLE}\nlink x\n"):
        with pytest.raises(ProbeError):
            NginxSites.read(printed({"nginx-sites": text}))


def test_the_template_reads():
    assert [site.names for site in sites(nginx().config)] == [(HOST,), (HOST,)]
