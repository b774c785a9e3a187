"""Defects of the Prometheus endpoint (section 16)."""

from lab.faults import fault
from lab.faults.web import SITE
from lab.host import Host


@fault(fails={"metrics_answer_inside"})
def exporter_stopped(host: Host) -> None:
    """Stopped while it was configured; its graph is a flat line."""
    host.run("systemctl stop prometheus-node-exporter")


@fault(fails={"metrics_do_not_answer_outside", "site_tells_the_application"})
def metrics_at_the_door(host: Host) -> None:
    """Proxied in one line for a Prometheus elsewhere, and so for everybody."""
    location = "location = /metrics { proxy_pass http://127.0.0.1:9100; }"
    host.run(f"sed -i '/location \\/static\\/ {{/i {location}' {SITE} && systemctl reload nginx")


@fault(fails={"all_other_ports_are_closed", "allowed_is_exactly_what_was_promised"})
def exporter_open_to_all(host: Host) -> None:
    """A Prometheus elsewhere shall scrape it: it listens on all addresses, and everybody is let in."""
    host.run("echo ARGS= >/etc/default/prometheus-node-exporter && systemctl restart prometheus-node-exporter")
    host.run("ufw allow 9100/tcp")
