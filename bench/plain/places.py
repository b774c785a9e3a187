"""The assertions of the server view as a user would write them with testinfra alone, under the same names.

Modules where there is one, ``check_output`` where there is none; no trick that testinfra's documentation does not
show, and nothing asked that an assertion does not need. They are simpler than ours: what is compared as text here
is understood there. Run by bench/server_view.py, which tells the checks that have no counterpart.

Here is what they share: where things are on the host, and a value of its environment file.
"""

import re

HOST = "api.example.test"
CHECKOUT = "/opt/mirai-knowledge-systems"
APP = f"{CHECKOUT}/backend"
VENV = f"{APP}/venv/bin"
ENV = f"{APP}/.env.production"
DATA = "/var/lib/mirai-knowledge-system/data"
LOGS = "/var/log/mirai-knowledge-system"
BACKUPS = "/var/backups/mirai-knowledge-system"
SERVICE = "mirai-knowledge-system"
SITE = "/etc/nginx/sites-available/mirai-knowledge-system"
LINK = "/etc/nginx/sites-enabled/mirai-knowledge-system"
LIVE = f"/etc/letsencrypt/live/{HOST}"
JOBS = "/etc/cron.d/mirai-knowledge-system"
KEYS = ["MKS_SECRET_KEY", "MKS_JWT_SECRET_KEY"]


def value(host, name):
    return re.search(rf"(?m)^{name}=(.*)$", host.file(ENV).content_string)[1]
