"""Section 16, optional and without a box of its own: metrics are for the inside."""

from cutover.check import control, promised, seen
from cutover.facts.http import Http
from cutover.facts.metrics import Metrics, are_metrics


@control("15.health-cron")
def test_metrics_answer_inside(metrics: Metrics) -> None:
    """A monitor that gets no metrics draws a flat line, which looks like a quiet host.

    Mend: sudo systemctl enable --now prometheus-node-exporter, or port and path of [target.metrics]
    """
    state = "metrics" if metrics.status == 200 and metrics.described else f"status {metrics.status}, no metrics"
    assert seen(state, where="http://127.0.0.1") == promised("metrics")


@control("3.firewall")
def test_metrics_do_not_answer_outside(metrics: Metrics, http: Http) -> None:
    """Metrics tell a stranger versions, load and paths. Their port is looked at with all others that must be closed.

    Mend: location = /metrics { deny all; } in the site, then sudo systemctl reload nginx
    """
    answer = http.answers["metrics"]
    state = "metrics" if answer.status == 200 and are_metrics(answer.body) else "no metrics"
    assert seen(state, where=answer.url) == promised("no metrics")
