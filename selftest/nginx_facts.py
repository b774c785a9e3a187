"""nginx with the checklist's own template, word for word, and whatever a row changes in it."""

from dataclasses import replace

from cutover.facts.nginx import Nginx
from cutover.facts.nginx_config import Config
from cutover.inventory import Server, Target
from selftest.rows import HOST, ROOT

TEMPLATE = (ROOT / "selftest/data/nginx-template.conf").read_text("utf-8")
MAIN = "/etc/nginx/nginx.conf"
AVAILABLE = "/etc/nginx/sites-available/mirai-knowledge-system"
ENABLED = "/etc/nginx/sites-enabled/mirai-knowledge-system"
# What Debian's nginx.conf comes to: what the site does not say, it gets from here.
DEBIAN = """\
user www-data;
worker_processes auto;
pid /run/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 768; }
http {
	types_hash_max_size 2048;
	ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
	access_log /var/log/nginx/access.log;
	error_log /var/log/nginx/error.log;
	include /etc/nginx/conf.d/*.conf;
	include /etc/nginx/sites-enabled/*;
}
"""
LIST = next(line.split()[1].rstrip(";") for line in TEMPLATE.splitlines() if "ssl_ciphers" in line)
TLS_1_3 = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
CIPHERS = {
    LIST: (*TLS_1_3, *LIST.split(":")),
    "HIGH:!aNULL:!MD5": (*TLS_1_3, "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA", "AES128-GCM-SHA256", "AES128-SHA"),
}
BEGUN = 1_760_000_000
OTHER = "/etc/nginx/sites-enabled/other"
SERVER = Server(way_in=f"ssh://{HOST}")
TARGET = Target(host=HOST, server=SERVER)


def dump(site=TEMPLATE, main=DEBIAN, **others):
    """What nginx -T prints; other files of sites-enabled by name."""
    files = {MAIN: main, ENABLED: site} | {f"/etc/nginx/sites-enabled/{name}": text for name, text in others.items()}
    return "".join(f"# configuration file {name}:\n{text}\n" for name, text in files.items())


def nginx(site=TEMPLATE, main=DEBIAN, *, facts=None, **others):
    config = Config.read(dump(site, main, **others))
    told = Nginx(
        version=(1, 22, 1),
        config=config,
        ciphers=CIPHERS,
        changed=dict.fromkeys((*config.files, "/etc/nginx/sites-enabled"), BEGUN - 60),
        started=BEGUN,
        evidence=(),
    )
    return replace(told, **(facts or {}))


def edited(old, new, count=-1):
    """The host with this in place of that in its site, which must hold it."""
    assert old in TEMPLATE
    return nginx(TEMPLATE.replace(old, new, count))


def with_location(text):
    """The host with one more location in its https server."""
    return edited("    # 静的ファイル", f"    {text}\n    # 静的ファイル")
